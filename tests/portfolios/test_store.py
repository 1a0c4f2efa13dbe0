"""The store as a whole: reconciled with the rows, moved, and a submission held against its bytes."""

import hashlib
import io
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
import rfc8785
from botocore.exceptions import ClientError
from django.core.files.storage import storages
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse
from django.utils import timezone

from catalogue.models import Level
from config import health
from config.health import NotReadyError, check_evidence, check_storage
from portfolios.actions.attestation import ask_to_confirm, attest, open_attestation
from portfolios.actions.reconciling import reconcile_evidence, verify_submission
from portfolios.manifest import fingerprint
from portfolios.models import Attestation, EvidenceItem, StoreFinding, Submission
from portfolios.storage import final_key, store
from portfolios.storage.stores import digest_of, put, store_in_use
from portfolios.tasks import reconcile
from tests.factories.portfolios import file, note, pdf, portfolio_of, ready, submit, submitted
from tests.portfolios import tus
from tests.tampering import tampering
from workflows.models import TransitionRecord

pytestmark = [pytest.mark.sqlite, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def run(*command: str) -> tuple[int, str]:
    """Exit code and output of a command."""
    out = io.StringIO()
    try:
        call_command(*command, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def path_of(item: EvidenceItem) -> Path:
    return Path(storages["evidence"].path(item.storage_key))


def spoil(item: EvidenceItem, folder: Path | None = None) -> None:
    """Change one byte, as a failing disk would."""
    path = folder / item.storage_key if folder else path_of(item)
    path.chmod(0o644)
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 1
    path.write_bytes(bytes(raw))


def make_old(path: Path) -> None:
    old = (timezone.now() - timedelta(days=2)).timestamp()
    os.utime(path, (old, old))


def test_everything_fits_on_every_store(cast, any_store):
    portfolio = portfolio_of(cast)
    one = file(portfolio, "a.pdf", pdf("same"))
    file(portfolio, "b.pdf", pdf("same"))
    note(portfolio)
    assert run("reconcile_evidence") == (
        0,
        f"Everything fits (2 files, {one.size + one.copy_size} bytes).\n",
    )
    assert "0 orphaned" in check_evidence()


def test_missing_altered_and_orphaned_files_are_named(cast, client):
    portfolio = portfolio_of(cast)
    gone, changed = file(portfolio, "a.pdf"), file(portfolio, "b.pdf")
    path_of(gone).unlink()
    spoil(changed)
    orphan = path_of(changed).with_name("0" * 64)
    orphan.write_bytes(b"nobody's")
    young = path_of(changed).with_name("1" * 64)
    young.write_bytes(b"its row is being written")
    make_old(orphan)
    code, out = run("reconcile_evidence", "--json")
    told = json.loads(out)
    assert code == 1
    assert told["ok"] is False
    assert {one["key"]: one["problem"] for one in told["findings"]} == {
        gone.storage_key: "missing",
        changed.storage_key: "altered",
        str(orphan.relative_to(storages["evidence"].location)): "orphaned",
    }
    with pytest.raises(Exception, match="2 files are missing or altered"):
        check_evidence()
    assert reconcile() == 3
    assert StoreFinding.objects.count() == 3
    measured = client.get("/metrics").content.decode()
    assert {line for line in measured.split("\n") if line.startswith("moderato_evidence")} == {
        f'moderato_evidence_problems{{problem="{one}"}} 1.0'
        for one in ("missing", "altered", "orphaned")
    }


def test_altered_bytes_are_not_handed_out_until_they_are_mended(cast, as_):
    item = file(portfolio_of(cast), "a.pdf")
    raw = path_of(item).read_bytes()
    address = reverse("portfolios:serve", args=[item.pk])
    spoil(item)
    reconcile_evidence()
    assert as_(cast.lena).get(address).status_code == 404
    path_of(item).write_bytes(raw)
    reconcile_evidence()
    assert as_(cast.lena).get(address).status_code == 200


@pytest.fixture
def both(settings, tmp_path, rclone_s3):
    """A folder with evidence, in use, and an empty bucket."""
    from tests.portfolios.conftest import empty, on_s3

    local = settings.STORAGES["evidence"]
    client = on_s3(settings, rclone_s3)
    empty(client, rclone_s3.extra["bucket"])
    settings.EVIDENCE_STORES = {"local": local, "s3": settings.STORAGES["evidence"]}
    settings.STORAGES = {**settings.STORAGES, "evidence": local}
    return settings


def test_a_whole_store_moves_there_and_back(cast, both):
    portfolio = portfolio_of(cast)
    items = [file(portfolio, f"{n}.pdf") for n in range(3)]
    big = file(portfolio, "big.pdf", b"%PDF-1.4\n" + os.urandom(9 * 1024 * 1024))
    spoil(items[0])
    code, out = run("move_evidence", "--from", "local", "--to", "s3")
    assert code == 1
    assert out.endswith("4 moved, 0 there, 1 failed.\n")
    assert f"{items[0].storage_key}: altered in the source" in out
    spoil(items[0])  # the same bit again: mended
    assert run("move_evidence", "--from", "local", "--to", "s3") == (
        0,
        "1 moved, 4 there, 0 failed.\n",
    )
    both.STORAGES = {**both.STORAGES, "evidence": both.EVIDENCE_STORES["s3"]}
    assert digest_of(store_in_use(), big.storage_key) == (big.size, big.sha256)
    assert run("reconcile_evidence")[0] == 0
    local = Path(both.EVIDENCE_STORES["local"]["OPTIONS"]["location"])
    for one in items[1:]:
        (local / one.storage_key).unlink()
    # What lies in the target with other bytes is said and stays as it is, until somebody has looked at it.
    spoil(items[0], local)
    spoiled = (local / items[0].storage_key).read_bytes()
    code, out = run("move_evidence", "--from", "s3", "--to", "local")
    assert code == 1
    assert f"{items[0].storage_key}: altered in the target" in out
    assert out.endswith("2 moved, 2 there, 1 failed.\n")
    assert (local / items[0].storage_key).read_bytes() == spoiled
    (local / items[0].storage_key).unlink()
    assert run("move_evidence", "--from", "s3", "--to", "local") == (
        0,
        "1 moved, 4 there, 0 failed.\n",
    )


def test_a_move_needs_two_stores(both):
    with pytest.raises(CommandError, match="two different"):
        call_command("move_evidence", "--from", "s3", "--to", "s3")
    both.EVIDENCE_STORES = {"local": both.EVIDENCE_STORES["local"]}
    with pytest.raises(CommandError, match="S3_BUCKET"):
        call_command("move_evidence", "--from", "local", "--to", "s3")


def test_a_whole_submission_is_verified(cast, any_store):
    submission = submitted(cast, files=2)
    code, out = run("verify_submission", submission.reference.lower())
    assert (code, out) == (
        0, f"{submission.reference} {submission.fingerprint}. Everything fits.\n",
    )  # fmt: skip
    told = json.loads(run("verify_submission", submission.reference, "--json")[1])
    assert told["ok"] is True
    with pytest.raises(CommandError, match="There is no submission"):
        call_command("verify_submission", "PF-2026-NOBODY")


def parts(submission: Submission) -> list[str]:
    return [one.part for one in verify_submission(Submission.objects.get(pk=submission.pk))]


def test_each_change_of_a_submission_is_found(cast):
    submission = submitted(cast, files=2)
    assert parts(submission) == []
    words, report, other = [pin.evidence for pin in submission.pins.order_by("number")]
    kept = report.storage_key, words.note
    spoil(report)
    assert parts(submission) == ["file 2"]
    assert run("verify_submission", submission.reference)[0] == 1
    spoil(report)
    path_of(other).rename(path_of(other).with_suffix(".away"))
    assert parts(submission) == ["file 3"]
    path_of(other).with_suffix(".away").rename(path_of(other))
    EvidenceItem.objects.filter(pk=words.pk).update(note="Something else")
    assert parts(submission) == ["file 1"]
    EvidenceItem.objects.filter(pk=words.pk).update(note=kept[1])
    EvidenceItem.objects.filter(pk=report.pk).update(sha256="0" * 64)
    assert parts(submission) == ["file 2"]
    EvidenceItem.objects.filter(pk=report.pk).update(sha256=report.sha256)
    pin = submission.pins.get(number=3)
    submission.pins.filter(pk=pin.pk).delete()
    assert parts(submission) == ["file 3"]
    pin.save(force_insert=True)
    for field, value, part in (
        ("attempt", 2, "attempt"),
        ("reference", "PF-2026-AAAAAA", "reference"),
    ):
        before = getattr(submission, field)
        Submission.objects.filter(pk=submission.pk).update(**{field: value})
        assert parts(submission) == [part]
        Submission.objects.filter(pk=submission.pk).update(**{field: before})
    text = submission.manifest.replace("Shows C1.", "Shows C9.")
    Submission.objects.filter(pk=submission.pk).update(manifest=text)
    assert parts(submission) == ["fingerprint"]
    forged = hashlib.sha256(text.encode()).hexdigest()
    Submission.objects.filter(pk=submission.pk).update(fingerprint=forged)
    assert parts(submission) == ["fingerprint"]
    Submission.objects.filter(pk=submission.pk).update(manifest="{ }")
    assert parts(submission) == ["manifest", "fingerprint", "fingerprint"]
    Submission.objects.filter(pk=submission.pk).update(manifest="no JSON")
    assert parts(submission) == ["manifest"]


@pytest.mark.only_postgresql
def test_words_of_the_rubric_and_the_learner_are_held_too(cast):
    submission = submitted(cast)
    assert parts(submission) == []
    level = Level.objects.filter(criterion__rubric=submission.rubric).first()
    with tampering():
        Level.objects.filter(pk=level.pk).update(descriptor="Something easier")
    assert parts(submission) == ["rubric"]
    with tampering():
        Level.objects.filter(pk=level.pk).update(descriptor=level.descriptor)
        Submission.objects.filter(pk=submission.pk).update(enrolment=cast.enrolments["hone"])
    assert parts(submission) == ["learner"]


@pytest.mark.only_postgresql
def test_confirmations_declaration_and_further_pins_are_held_too(cast):
    """What triggers and chain prevent, done past them: each is found by itself."""
    portfolio = ready(cast)
    stray = file(portfolio, "stray.pdf")
    asked = ask_to_confirm(
        portfolio, actor=cast.lena, name="Vic Harris", email="vic@ministry.example"
    )
    open_attestation(asked)
    given = attest(asked, statements=dict.fromkeys(asked.asked_criteria(), ("observed", "")))
    submission = submit(portfolio)
    assert parts(submission) == []
    pin = submission.pins.create(evidence=stray, number=9, sha256=stray.sha256)
    assert parts(submission) == ["file 9"]
    pin.delete()
    with tampering():
        given.statements.update(answer="cannot_say")
    assert parts(submission) == ["attestation"]
    with tampering():
        given.statements.update(answer="observed")
        Attestation.objects.filter(pk=given.pk).update(state="voided")
    assert parts(submission) == ["attestation"]
    contents = {**submission.contents}
    contents["declaration"]["text"] += " Perhaps."
    text = rfc8785.dumps(contents).decode()
    facts = {"manifest": text, "fingerprint": fingerprint(text)}
    record = TransitionRecord.objects.filter(subject_id=submission.pk, seq=1)
    with tampering():
        Attestation.objects.filter(pk=given.pk).update(state="attested")
        Submission.objects.filter(pk=submission.pk).update(**facts)
        told = record.get().facts | {"fingerprint": facts["fingerprint"]}
        record.update(facts=told)
    assert parts(submission) == ["declaration"]


# --- object lock ---------------------------------------------------------------------------------------


@pytest.fixture
def locking(settings, moto_s3):
    """A bucket that was made for object locks, on a server that enforces them; its client and its name."""
    from tests.portfolios.conftest import on_s3

    bucket = f"locking-{os.urandom(4).hex()}"
    client = on_s3(settings, moto_s3)
    client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    settings.STORAGES["evidence"]["OPTIONS"]["bucket_name"] = bucket
    settings.STORAGES = dict(settings.STORAGES)
    settings.S3_OBJECT_LOCK_DAYS = 30
    return client, bucket


def test_an_object_in_s3_is_never_written_a_second_time(cast, locking):
    """By form, by pieces, by a move: other bytes under the key stay, and the nightly look finds them."""
    client, bucket = locking
    provider, raw = cast.provider.pk, pdf("once")
    big = raw + bytes(9 * 1024 * 1024)
    for content in (raw, big):
        sha256 = hashlib.sha256(content).hexdigest()
        key = final_key(provider, sha256)
        client.put_object(Bucket=bucket, Key=key, Body=b"other")
        for write in (
            lambda content=content: store([content], organisation_id=provider, limit=2**30),
            lambda content=content, key=key, sha256=sha256: put(
                store_in_use(), key, [content], sha256=sha256
            ),
        ):
            write()
            assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"other"


def locked_until(client, bucket: str, key: str):
    return client.head_object(Bucket=bucket, Key=key).get("ObjectLockRetainUntilDate")


def test_what_is_stored_cannot_be_deleted_for_so_many_days(cast, as_, settings, locking):
    """By form, by pieces, and the copy for others; what came in meanwhile is not locked, and is gone."""
    client, bucket = locking
    portfolio = portfolio_of(cast)
    item = file(portfolio, "a.pdf", pdf("twice"))
    raw = b"%PDF-1.4\n" + os.urandom(6 * 1024 * 1024)
    browser = as_(cast.lena)
    path = tus.create(browser, portfolio, len(raw))["Location"]
    assert tus.patch(browser, path, 0, raw).status_code == 204
    sent = EvidenceItem.objects.exclude(pk=item.pk).get()
    month = timezone.now() + timedelta(days=30)
    for key in (item.storage_key, item.copy_key, sent.storage_key):
        until = locked_until(client, bucket, key)
        assert abs(until - month) < timedelta(minutes=5)
        assert client.head_object(Bucket=bucket, Key=key)["ObjectLockMode"] == "GOVERNANCE"
        version = client.list_object_versions(Bucket=bucket, Prefix=key)["Versions"][0]["VersionId"]
        with pytest.raises(ClientError, match="AccessDenied"):
            client.delete_object(Bucket=bucket, Key=key, VersionId=version)
    assert "written and read" in check_storage()
    # The same bytes again: kept longer, never shorter.
    first = locked_until(client, bucket, item.storage_key)
    settings.S3_OBJECT_LOCK_DAYS = 60
    file(portfolio, "b.pdf", pdf("twice"))
    later = locked_until(client, bucket, item.storage_key)
    assert later - first > timedelta(days=29)
    assert not client.list_objects_v2(Bucket=bucket, Prefix="intake/").get("Contents")


def test_a_store_that_locks_nothing_is_said_to_lock_nothing(cast, settings, s3):
    """Neither bucket was made for locks; one of the servers would take them all the same."""
    settings.S3_OBJECT_LOCK_DAYS = 30
    health._storage_seen_at = float("-inf")
    with pytest.raises(NotReadyError, match="does not enforce object locks"):
        check_storage()
    settings.S3_OBJECT_LOCK_DAYS = 0
    assert "written and read" in check_storage()


def test_without_the_switch_nothing_is_locked(cast, settings, locking):
    settings.S3_OBJECT_LOCK_DAYS = 0
    client, bucket = locking
    assert locked_until(client, bucket, file(portfolio_of(cast), "a.pdf").storage_key) is None
