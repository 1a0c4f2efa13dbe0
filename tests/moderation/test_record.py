"""The round's record: everything is in it, no learner is, and whoever changes it is found out offline."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from moderation import receipts, selectors, verification
from moderation.actions import (
    Feedback,
    adjust_item,
    close_round,
    decide_round,
    draw_sample,
    extend_sample,
    open_round,
)
from moderation.assurance import upper_bound
from moderation.models import ModerationRound
from tests.factories.moderation import (
    NOTHING_TARGETED,
    agreed,
    assessed_set,
    fresh,
    moderated,
    moderator_of,
    scored,
)
from tests.moderation.test_views import at, signed_in
from tests.personas import Cast, make_cast
from workflows.hashing import signing_key

pytestmark = pytest.mark.django_db
Record = dict[str, Any]


def extended(cast: Cast) -> ModerationRound:
    """Closed after a disagreement in the random part that had more items drawn."""
    assessed_set(cast, assessors=("ada", "abe"))
    drawn = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
    first = drawn.items.order_by("pk").first()
    assert first is not None
    scored(first, "E")
    adjust_item(
        fresh(first),
        actor=moderator_of(first),
        reason="Stronger than that.",
        feedback=Feedback("partly", "Say what would lift it."),
    )
    extend_sample(drawn, actor=cast.lea)
    for item in drawn.items.filter(state="drawn"):
        agreed(item)
    decided = decide_round(drawn, actor=cast.lea, decision="accept", reason="As agreed.")
    return close_round(decided, actor=cast.lea)


MADE: list[str] = []
"""The record as text, made once: what is done with it needs no database."""


@pytest.fixture
def record() -> Record:
    if not MADE:
        cast = make_cast(
            learners=9, policy=NOTHING_TARGETED | {"sample.min": 4, "sample.min_per_assessor": 2}
        )
        MADE.append(json.dumps(selectors.record_of(extended(cast))))
    made: Record = json.loads(MADE[0])
    return made


def resigned(record: Record) -> Record:
    """Signed again by somebody who has the key: what is left to find are the contents."""
    record["signature"]["value"] = signing_key().sign(verification.signed_part(record)).hex()
    return record


def first(record: Record, **wanted: Any) -> Any:
    return next(
        one for one in record["items"] if all(one[name] == value for name, value in wanted.items())
    )


def swap_seed(record: Record) -> None:
    """Another seed that does not, by chance, draw the same from these few."""
    for digit in "0123456789abcdef":
        record["plans"][0]["seed"] = digit * 64
        found = verification.verify(resigned(copy.deepcopy(record)))
        if found and found.part == "draw 1":
            break


def leave_out(record: Record) -> None:
    record["items"].remove(first(record, draw=2))


def soften(record: Record) -> None:
    record["plans"][0]["policy"]["sample.min"] = 2


def hide_work(record: Record) -> None:
    lines = record["plans"][0]["population"].splitlines(keepends=True)
    record["plans"][0]["population"] = "".join(lines[:-1])


def other_decision(record: Record) -> None:
    record["plans"][0]["decisions"][0][1] = record["plans"][0]["decisions"][1][1]


def other_level(record: Record) -> None:
    reading = first(record, draw=2)["readings"][0]["levels"]
    reading["C1"]["rank"] = (reading["C1"]["rank"] + 1) % record["scales"]["C1"]


def milder(record: Record) -> None:
    record["assurance"]["at_most"] = 0


def forget(record: Record) -> None:
    next(one for one in record["chains"] if len(one["records"]) > 2)["records"].pop(1)


def upheld_after_all(record: Record) -> None:
    first(record, state="adjusted")["state"] = "upheld"


def another_stratum(record: Record) -> None:
    record["members"][0]["stratum"] = "A09|M"


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (soften, "plan 1"),
        (hide_work, "plan 1"),
        (other_decision, "plan 1"),
        (swap_seed, "draw 1"),
        (leave_out, "draw 2"),
        (another_stratum, "members"),
        (other_level, "agreement"),
        (milder, "assurance"),
        (forget, "chains"),
        (upheld_after_all, "chains"),
    ],
)
def test_what_was_changed_is_named(
    record: Record, change: Callable[[Record], None], part: str
) -> None:
    assert verification.verify(record) is None
    changed = copy.deepcopy(record)
    change(changed)
    unsigned = verification.verify(changed)
    assert unsigned
    assert unsigned.part == "signature"
    found = verification.verify(resigned(changed))
    assert found
    assert found.part == part


def test_factual_errors_count_from_when_they_were_counted(record: Record) -> None:
    """Called one, the disagreement leaves the bound as it is; a record of before says nothing of errors."""
    once = first(record, state="adjusted")["decisions"][-1]
    once["factual_error"] = True
    found = verification.verify(resigned(copy.deepcopy(record)))
    assert found
    assert found.part == "assurance"
    said = record["assurance"]
    words = said["sentence"].replace("1 disagreement.", "0 disagreements and 1 factual error.")
    said |= {"disagreements": 0, "factual_errors": 1, "sentence": words}
    assert verification.verify(resigned(copy.deepcopy(record))) is None
    del said["factual_errors"]
    said["at_most"] = upper_bound(said["frame"], said["read"], 0)
    (fault,) = verification.assurance_faults(record)
    assert fault.says.startswith(("wherever", "sentence"))


def test_the_key_that_must_have_signed(record: Record) -> None:
    assert verification.verify(record, record["signature"]["key_id"]) is None
    found = verification.verify(record, "0" * 16)
    assert found
    assert "not by" in found.says
    assert verification.verify({"format": "other"}) == verification.Finding(
        "format", "this is no record of the format moderato-round-1"
    )
    bare = {"format": verification.FORMAT, "signature": record["signature"]}
    assert verification.verify(bare) is not None
    assert verification.verify([]) is not None


def test_the_command_needs_no_database(record: Record, tmp_path: Path) -> None:
    file = tmp_path / "round.json"
    file.write_text(json.dumps(record))
    spoiled = tmp_path / "spoiled.json"
    record["assurance"]["at_most"] = 0
    spoiled.write_text(json.dumps(record))

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        import os

        return subprocess.run(
            [sys.executable, "manage.py", "verify_round", *args],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"},
        )

    good = run(str(file), "--json")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["ok"] is True
    bad = run(str(spoiled))
    assert bad.returncode == 1
    assert bad.stdout == "signature: the record is not what was signed.\n"


def test_everything_that_a_moderation_record_needs_is_in_it(record: Record) -> None:
    item = first(record, state="adjusted")
    reading = item["readings"][0]
    assert reading["independence"].startswith("I had no part")
    assert reading["evidence_sufficient"] == "yes"
    assert item["decisions"][-1]["feedback_useful"] == "partly"
    assert item["decisions"][-1]["feedback_note"] == "Say what would lift it."
    assert record["round"]["rubric_hashes"]
    assert record["round"]["version"] == 1
    assert "lead_moderator" in record["people"][record["round"]["closed_by"]]
    assert (record["round"]["closed_at"], record["external"]) != ("", None)
    assert record["decision"]["decision"] == "accept"
    assert record["assurance"]["sentence"]
    assert record["statistics"]["by_assessor"].keys() <= {"A01", "A02"}
    assert [one["because"] for one in record["draws"]] == ["first", "extension"]
    assert {role for roles in record["people"].values() for role in roles} >= {
        "assessor",
        "moderator",
    }


def test_no_name_is_in_it_and_changes_are() -> None:
    cast = make_cast(learners=2, policy={"sample.all_if_n_le": 8})
    assessed_set(cast)
    drawn = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
    one, other = drawn.items.all()
    scored(one, "NY")
    adjust_item(fresh(one), actor=moderator_of(one), reason="Criterion 1 is not shown.")
    agreed(other)
    closed = close_round(
        decide_round(drawn, actor=cast.lea, decision="accept", reason="Settled."), actor=cast.lea
    )
    record = selectors.record_of(closed)
    text = json.dumps(record)
    for person in cast.people.values():
        assert person.name not in text
        assert person.email not in text
    (change,) = record["changes"]
    assert (change["before"]["outcome"], change["after"]["outcome"]) == (
        "achieved",
        "not_achieved",
    )
    assert change["reason"] == "Criterion 1 is not shown."
    made = receipts.record_pdf(json.loads(text))
    assert made.startswith(b"%PDF")
    assert b"StructTreeRoot" in made


def test_who_may_take_it_away() -> None:
    cast = make_cast(learners=2)
    closed = moderated(cast)
    for page, keys in (
        ("record", (closed.pk,)),
        ("record_pdf", (closed.pk,)),
        ("population", (closed.pk, 1)),
    ):
        lea: Client = signed_in(cast, "lea")
        answer = lea.get(at(page, *keys))
        assert answer.status_code == 200, page
        assert "attachment" in answer["Content-Disposition"]
        assert signed_in(cast, "moses").get(at(page, *keys)).status_code == 403
        assert signed_in(cast, "olga").get(at(page, *keys)).status_code in (403, 404)
    assert lea.get(at("population", closed.pk, 2)).status_code == 404
    plan = closed.plans.get()
    assert lea.get(at("population", closed.pk, 1)).content.decode() == plan.population


def test_the_pdf_has_what_the_record_has(record: Record) -> None:
    """Stratum and chance of each item, strata, second sentence of the assurance, coefficients, answers."""
    record["assurance"]["caution"] = "There may be up to 8."
    one = record["statistics"]["all"]
    one["quadratic_weighted_kappa"] = {"value": 0.5, "error": 0.1, "low": 0.3, "high": 0.7}
    record["actions"] = [
        {
            "text": "Say what C2 means.", "owner": "P01", "due_on": "2026-12-01", "response": "Done.",
            "closing_note": "Seen.", "closed_by": "P01", "closed_at": "2026-12-02T09:30:59.1+00:00",
        }
    ]  # fmt: skip
    facts = receipts.facts_of(record)
    assert facts["assurance"].endswith("There may be up to 8.")
    assert facts["actions"] == [
        ["Say what C2 means.", "P01, by 2026-12-01", "Done.", "P01, 2026-12-02 09:30 UTC. Seen."]
    ]
    assert facts["coefficients"] == [["All", str(one["items"]), "0.50 (0.30 to 0.70)", "Undefined"]]
    drawn = {item["code"] for item in record["items"]}
    strata = facts["strata"]
    assert sum(int(row[3]) for row in strata) == 9
    assert sum(int(row[5]) for row in strata) == len(drawn)
    assert {row[1] for row in strata} == {"A01", "A02"}
    item = record["items"][0]
    (shown,) = [each for each in facts["items"] if each["code"] == item["code"]]
    assert shown["where"].startswith("Random part, draw 1, stratum A0")
    assert shown["where"].endswith("\u00a0%")
    closed = next(value for name, value in facts["rows"] if name == "Closed")
    assert closed.startswith(record["round"]["closed_by"])
    assert receipts.record_pdf(record).startswith(b"%PDF")
