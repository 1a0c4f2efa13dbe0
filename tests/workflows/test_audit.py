"""The verifier finds what was changed behind the triggers' back."""

import datetime as dt
import json
from contextlib import contextmanager
from io import StringIO

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from tests.testapp.models import Docket
from workflows import hashing
from workflows.actions import sign_root
from workflows.enums import RootKind
from workflows.models import ChainHead, ChainLeaf, ChainRoot, TransitionLabel, TransitionRecord
from workflows.selectors import verify
from workflows.transitions import perform
from workflows.triggers import install, wanted

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@contextmanager
def no_triggers():
    """What the owner of the tables could do."""
    if connection.vendor == "postgresql":
        connection.check_constraints()
    with connection.cursor() as cursor:
        for name, table, _definition in wanted(connection):
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER {name}{on}")
    yield
    if connection.vendor == "postgresql":
        connection.check_constraints()
    install(connection)


@pytest.fixture
def history(make_docket, ada):
    """Two dockets with three records each, under a root."""
    made = [make_docket(title=f"Number {number}") for number in range(2)]
    for one in made:
        perform(perform(one, "check_it", actor=ada), "close", actor=ada)
    sign_root(full=True)
    return made


def parts():
    return {one.part for one in verify()[0]}


def middle(docket):
    return TransitionRecord.objects.filter(subject_id=docket.pk, seq=2)


def test_an_honest_history_fits(history):
    findings, counts = verify()
    assert findings == []
    assert counts == {"records": 6, "chains": 2, "roots": 1, "leaves": 2}


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"payload": "{}"}, "chain"),
        ({"hash": bytes(32)}, "chain"),
        ({"prev_hash": bytes(32)}, "chain"),
        ({"target": "void"}, "columns"),
        ({"name": "make_void"}, "columns"),
        ({"actor_system": "clock"}, "columns"),
        ({"facts": {"pages": 1}}, "columns"),
        ({"overridden": ["no_title"]}, "columns"),
        ({"request_id": "x"}, "columns"),
        ({"at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "columns"),
    ],
)
def test_a_changed_record_is_found(history, values, part):
    with no_triggers():
        middle(history[0]).update(**values)
    found = verify()[0][0]
    assert (found.part, found.subject_id) == (part, str(history[0].pk))
    assert found.seq == 2


def test_a_deleted_record_is_found(history):
    with no_triggers():
        delete(middle(history[0]))
    assert verify()[0][0].says == "Record 2 is missing."


def delete(records):
    from workflows.models import OutboxMessage

    OutboxMessage.objects.filter(record__in=records).delete()
    TransitionLabel.objects.filter(record__in=records).delete()
    records.delete()


def test_a_cut_tail_is_found_by_head_and_subject_and_root(history):
    with no_triggers():
        delete(TransitionRecord.objects.filter(subject_id=history[0].pk, seq=3))
    assert parts() == {"head", "subject", "root"}


def test_a_cut_tail_with_a_matching_head_and_subject_is_found_by_the_root(history):
    with no_triggers():
        delete(TransitionRecord.objects.filter(subject_id=history[0].pk, seq=3))
        second = middle(history[0]).get()
        ChainHead.objects.of(history[0]).update(seq=2, hash=bytes(second.hash), rooted_seq=0)
        Docket.objects.filter(pk=history[0].pk).update(state="checked", seq=2)
    assert parts() == {"root"}


def test_a_dropped_chain_is_found_by_the_root(history):
    with no_triggers():
        delete(TransitionRecord.objects.filter(subject_id=history[0].pk))
        ChainHead.objects.of(history[0]).delete()
        Docket.objects.filter(pk=history[0].pk).delete()
    assert parts() == {"root"}


def test_a_rewritten_chain_is_found_by_the_root(history):
    with no_triggers():
        previous = hashing.START
        for record in TransitionRecord.objects.filter(subject_id=history[0].pk).order_by("seq"):
            payload = json.loads(record.payload) | {"request_id": "forged"}
            record.request_id, record.prev_hash = "forged", previous
            record.payload = hashing.canonical(payload).decode()
            record.hash = previous = hashing.record_hash(previous, record.payload.encode())
            record.save()
        ChainHead.objects.of(history[0]).update(hash=previous)
    assert parts() == {"root"}


def test_a_changed_state_is_found(history):
    with no_triggers():
        Docket.objects.filter(pk=history[0].pk).update(state="open")
    assert parts() == {"subject"}


def test_a_changed_label_is_found_and_a_blanked_one_is_not(history):
    labels = TransitionLabel.objects.filter(record__in=middle(history[0]))
    labels.update(actor_label=None, actor_salt=None)
    assert parts() == set()
    with no_triggers():
        labels.update(subject_label="Another")
    assert parts() == {"label"}


@pytest.mark.parametrize(
    "values",
    [
        {"signature": bytes(64)},
        {"leaf_count": 1},
        {"tree_hash": bytes(32)},
        {"previous": bytes(range(32))},
        {"kind": "delta"},
    ],
)
def test_a_changed_root_is_found(history, values):
    with no_triggers():
        ChainRoot.objects.update(**values)
    assert parts() == {"root"}


def test_a_changed_or_missing_leaf_is_found(history):
    with no_triggers():
        ChainLeaf.objects.filter(position=0).update(seq=2)
    assert parts() == {"root"}


def test_a_root_by_another_key_is_found(history):
    own = hashing.key_id(hashing.public_bytes(hashing.signing_key()))
    assert verify(frozenset({own}))[0] == []
    assert [one.says for one in verify(frozenset({"another"}))[0]] == [
        "It is signed by another key."
    ]


def test_the_command_says_so_and_ends_with_one(history):
    out = StringIO()
    call_command("verify_audit", "--json", stdout=out)
    assert json.loads(out.getvalue())["ok"] is True
    with no_triggers():
        middle(history[0]).update(payload="{}")
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", stdout=out)
    assert ended.value.code == 1
    assert f"{history[0].pk} record 2: Its payload was changed." in out.getvalue()
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("verify_audit", "--json", stdout=out)
    told = json.loads(out.getvalue())
    first = told["findings"][0]
    assert told["ok"] is False
    assert (first["subject_id"], first["seq"]) == (str(history[0].pk), 2)


def test_roots_cover_what_moved_then_everything(history, ada, make_docket):
    third = make_docket()
    first_delta = sign_root()
    assert first_delta.kind == RootKind.DELTA
    assert first_delta.leaf_count == 3  # the full root marks nothing
    perform(third, "check_it", actor=ada)
    second_delta = sign_root()
    assert (second_delta.number, second_delta.leaf_count) == (3, 1)
    assert bytes(second_delta.previous) == bytes(first_delta.tree_hash)
    assert sign_root() is None
    with no_triggers():
        ChainRoot.objects.filter(kind=RootKind.FULL).update(
            at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        )
    assert sign_root().kind == RootKind.FULL


def test_the_key_file_is_private_and_made_once(tmp_path):
    with override_settings(DATA_DIR=tmp_path, AUDIT_SIGNING_KEY=""):
        first, second = hashing.signing_key(), hashing.signing_key()
    assert first.private_bytes_raw() == second.private_bytes_raw()
    path = tmp_path / "audit-signing.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_the_key_may_come_from_the_settings():
    import base64

    key = Ed25519PrivateKey.generate()
    with override_settings(AUDIT_SIGNING_KEY=base64.b64encode(key.private_bytes_raw()).decode()):
        assert hashing.signing_key().private_bytes_raw() == key.private_bytes_raw()


def recursive_root(leaves):
    """RFC 6962, section 2.1, as it is written there."""
    import hashlib

    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(
        b"\x01" + recursive_root(leaves[:half]) + recursive_root(leaves[half:])
    ).digest()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7, 8, 9, 64, 65, 199])
def test_the_tree_is_that_of_rfc_6962(count):
    data = [str(number).encode() for number in range(count)]
    assert hashing.merkle_root([hashing.leaf_hash(one) for one in data]) == recursive_root(data)


def test_canonical_form():
    moment = dt.datetime(2026, 4, 5, 2, 30, tzinfo=dt.timezone(dt.timedelta(hours=12)))
    decomposed = "a\u0304"
    assert hashing.canonical({"b": decomposed, "a": [2**60, moment, True]}) == (
        '{"a":["1152921504606846976","2026-04-04T14:30:00.000000Z",true],"b":"ā"}'.encode()
    )
    with pytest.raises(TypeError):
        hashing.canonical({"x": 1.5})
