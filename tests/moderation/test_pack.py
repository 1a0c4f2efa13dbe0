"""The sample pack: the sample is drawn again from it alone, and no byte of it names anybody."""

import csv
import hashlib
import io
import json
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from moderation import exports, verification
from moderation.actions import (
    Feedback,
    adjust_item,
    close_round,
    decide_round,
    draw_sample,
    extend_sample,
    open_round,
)
from moderation.models import ModerationRound
from portfolios.models import EvidenceItem
from tests.factories.moderation import (
    NOTHING_TARGETED,
    agreed,
    assessed_set,
    fresh,
    frozen_round,
    moderator_of,
    scored,
)
from tests.moderation.test_views import at, signed_in
from tests.personas import Cast, make_cast
from tests.worlds import kept

pytestmark = pytest.mark.django_db


@kept
def cast() -> Cast:
    """Five pieces of two assessors; a disagreement had more drawn; names are in what people wrote."""
    made = make_cast(
        learners=5,
        policy=NOTHING_TARGETED
        | {"sample.borderline_levels": 0, "sample.min": 2, "sample.min_per_assessor": 1},
    )
    assessed_set(made, assessors=("ada", "abe"))
    drawn = draw_sample(open_round(made.delivery, made.task, actor=made.lea), actor=made.lea)
    first = drawn.items.order_by("pk").first()
    assert first is not None
    scored(first, "E")
    adjust_item(
        fresh(first),
        actor=moderator_of(first),
        reason="=1+1, says Hōne Parata (hone@example.org), see report-1.pdf.",
        feedback=Feedback("partly", "Lena could say more."),
    )
    extend_sample(drawn, actor=made.lea)
    for item in drawn.items.filter(state="drawn"):
        agreed(item)
    decided = decide_round(
        drawn, actor=made.lea, decision="accept", reason="As Moses Moderator said."
    )
    close_round(decided, actor=made.lea)
    return made


def round_of(cast: Cast) -> ModerationRound:
    found: ModerationRound = ModerationRound.objects.get(delivery=cast.delivery)
    return found


def raw(cast: Cast) -> bytes:
    return b"".join(exports.sample_pack(round_of(cast)))


def unpacked(cast: Cast, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(raw(cast))) as made:
        assert made.testzip() is None
        made.extractall(folder)
    return folder


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8"))))


def test_the_sample_is_drawn_again_from_the_files_alone(
    cast: Cast, tmp_path: Path, capsys: Any
) -> None:
    folder = unpacked(cast, tmp_path)
    lines = (folder / "README.txt").read_text().splitlines()
    alone, command = [one.strip() for one in lines if "manage.py draw_sample" in one]
    assert shlex.split(alone)[2:] == ["round.json", "--json"]
    arguments = shlex.split(command)[2:]
    options = ["--policy", str(folder / arguments[arguments.index("--policy") + 1])]
    options += [one for one in arguments if one != "--policy"][2:]
    call_command("draw_sample", str(folder / arguments[0]), *options)
    drawn = json.loads(capsys.readouterr().out)["picks"]
    call_command("draw_sample", str(folder / "round.json"), "--json")
    assert json.loads(capsys.readouterr().out)["picks"] == drawn
    listed = rows(folder / "sample.csv")
    assert "--extend" in command
    assert {one["draw"] for one in listed} == {"1", "2"}
    assert {(one["id"], one["part"], one["reason"], one["stratum"]) for one in drawn} == {
        (one["code"], one["part"], one["reasons"], one["stratum"]) for one in listed
    }
    in_system = set(
        round_of(cast)
        .members.filter(submission__in=round_of(cast).items.values("submission"))
        .values_list("code", flat=True)
    )
    assert {one["code"] for one in listed} == in_system


def test_the_commands_of_the_pack_run_without_a_database(cast: Cast, tmp_path: Path) -> None:
    import os

    folder = unpacked(cast, tmp_path)
    command = next(
        one.strip()
        for one in (folder / "README.txt").read_text().splitlines()
        if "manage.py verify_round" in one
    )
    base = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, str(base / "manage.py"), *shlex.split(command)[1:]],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"},
    )
    assert done.returncode == 0, done.stderr
    assert "Everything fits" in done.stdout


def test_no_person_and_no_file_name_is_in_any_byte(cast: Cast, tmp_path: Path) -> None:
    whole = raw(cast)
    folder = unpacked(cast, tmp_path)
    everything = whole + b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file())
    everything += b" ".join(str(one).encode() for one in folder.rglob("*"))
    for person in cast.people.values():
        assert person.name.encode() not in everything, person
        assert person.email.encode() not in everything, person
    for learner in cast.learners:
        for part in learner.name.split():
            assert part.encode() not in everything, part
    names = EvidenceItem.objects.exclude(original_name="").values_list("original_name", flat=True)
    assert names
    for name in names:
        assert name.encode() not in everything, name
    for member in round_of(cast).members.select_related("submission"):
        assert member.submission.reference.encode() not in everything
        assert member.submission.pseudonym.encode() not in everything
    assert b"[name withheld]" in everything
    assert b"[file name withheld]" in everything


def test_evidence_is_the_copy_under_a_neutral_name(cast: Cast, tmp_path: Path) -> None:
    folder = unpacked(cast, tmp_path)
    listed = rows(folder / "evidence.csv")
    files = [one for one in listed if one["kind"] == "file"]
    assert files
    for one in files:
        held = (folder / one["file"]).read_bytes()
        assert hashlib.sha256(held).hexdigest() == one["sha256"]
        assert len(held) == int(one["bytes"])
    found = {str(one.relative_to(folder)) for one in (folder / "evidence").rglob("*.*")}
    assert found == {one["file"] for one in listed}
    note = next(one for one in listed if one["kind"] == "note")
    assert (folder / note["file"]).read_text() == "[name withheld] did it."


def test_decisions_and_rubric_are_tables_that_a_spreadsheet_opens(
    cast: Cast, tmp_path: Path
) -> None:
    folder = unpacked(cast, tmp_path)
    listed = rows(folder / "decisions.csv")
    items = round_of(cast).items.live().count()
    assert len(listed) == items * 4  # the whole, and three criteria
    one = next(row for row in listed if row["criterion"] == "C1" and row["moderator_level"] == "E")
    assert one["level"] == "E"  # all of the assessor's work was read, so it took effect
    assert one["feedback"].startswith("On C1")
    assert one["result_of_moderation"] == "adjusted"
    assert exports.table(["a"], [["=1+1"], [None], ["-x"], ["plain"]]) == (
        "a\n'=1+1\n\"\"\n'-x\nplain\n"
    )
    rubric = json.loads((folder / "rubric.json").read_text())
    assert [one["code"] for one in rubric["criteria"]] == ["C1", "C2", "C3"]
    assert [level["code"] for level in rubric["criteria"][0]["levels"]] == ["NY", "M", "G", "E"]
    record = json.loads((folder / "round.json").read_text())
    assert verification.verify(record) is None


def test_a_copy_that_is_not_what_was_stored_breaks_the_pack_off(cast: Cast) -> None:
    item = EvidenceItem.objects.filter(kind="file").order_by("pk")[0]
    EvidenceItem.objects.filter(kind="file").update(copy_sha256="0" * 64)
    with pytest.raises(OSError, match="not what was stored"):
        raw(cast)
    assert item.copy_sha256 != "0" * 64


def test_it_is_made_while_it_is_sent(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """No piece holds more than one piece of a file, however large the files are."""
    monkeypatch.setattr("portfolios.storage.PIECE", 64)
    pieces = list(exports.sample_pack(round_of(cast)))
    texts = 8 + 1
    assert len(pieces) > texts + round_of(cast).items.live().count() * 2
    assert max(len(one) for one in pieces[texts:]) < 4096


def test_who_takes_it_away_and_when(cast: Cast) -> None:
    address = at("sample_pack", round_of(cast).pk)
    lea: Client = signed_in(cast, "lea")
    answer = lea.get(address)
    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Disposition"].endswith('-1-sample.zip"')
    assert answer["Cache-Control"] == "private, no-store"
    assert b"".join(lea.head(address).streaming_content) == b""
    assert signed_in(cast, "moses").get(address).status_code == 403
    for name in ("lena", "olga", "pam"):
        assert signed_in(cast, name).get(address).status_code == 404, name


def test_before_the_draw_there_is_none() -> None:
    cast = make_cast(learners=1)
    frozen = frozen_round(cast)
    assert signed_in(cast, "lea").get(at("sample_pack", frozen.pk)).status_code == 409
    draw_sample(frozen, actor=cast.lea)
    assert signed_in(cast, "lea").get(at("sample_pack", frozen.pk)).status_code == 200
