"""The sample pack: a round as one ZIP that an auditor can use without the system. No person is named in it.

It is made while it is sent: besides the record and the tables, which grow with the set, it holds one piece
of one file in memory at a time.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from django.template.loader import render_to_string

from assessment.models import CriterionJudgement
from assessment.selectors import results_for
from catalogue.models import AssessmentTask
from catalogue.tables import guarded
from moderation import selectors
from moderation.models import ModerationRound, ModeratorJudgement
from moderation.selectors.external import handed_out
from moderation.selectors.withheld import Withheld, withheld_from
from portfolios import storage
from portfolios.enums import EvidenceKind
from portfolios.models import EvidenceItem
from portfolios.storage.archives import Outlet

DECISIONS = (
    "code", "assessor", "outcome", "grade", "criterion", "level", "feedback", "evidence",
    "moderator_level", "moderator_comment", "moderator_evidence", "result_of_moderation",
)  # fmt: skip
SAMPLE = ("code", "draw", "part", "stratum", "probability", "reasons")
EVIDENCE = ("code", "number", "kind", "file", "sha256", "bytes")


def table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """CSV with line feeds. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\n")
    out.writerow(columns)
    for row in rows:
        cells = ["" if one is None else str(one) for one in row]
        out.writerow([guarded(one) for one in cells])
    return text.getvalue()


@dataclass(frozen=True)
class File:
    """One piece of evidence of the sample; `name` is empty where no copy is handed out."""

    code: str
    number: int
    name: str
    item: EvidenceItem


def sample_pack(moderation_round: ModerationRound) -> Iterator[bytes]:
    """The pieces of the ZIP, about a megabyte at a time.

    Copies are hashed on their way: one that is not what was stored breaks the download off, so that nobody
    takes a damaged pack for a whole one. Links are not followed; what has no copy is listed without a file.
    """
    withheld = withheld_from(moderation_round)
    outlet = Outlet()
    with zipfile.ZipFile(cast("Any", outlet), "w", zipfile.ZIP_STORED) as made:
        files = files_of(moderation_round)
        for name, text in _texts(moderation_round, files, withheld):
            made.writestr(zipfile.ZipInfo(name), text.encode())
            yield outlet.emptied()
        for file in files:
            if not file.name:
                continue
            digest = hashlib.sha256()
            with made.open(zipfile.ZipInfo(file.name), "w", force_zip64=True) as place:
                for piece in _bytes_of(file.item, withheld):
                    digest.update(piece)
                    place.write(piece)
                    yield outlet.emptied()
            is_note = file.item.kind == EvidenceKind.NOTE
            if not is_note and digest.hexdigest() != file.item.copy_sha256:
                raise OSError(f"The copy for {file.name} is not what was stored")
    yield outlet.emptied()


def _texts(
    moderation_round: ModerationRound, files: Iterable[File], withheld: Withheld
) -> Iterator[tuple[str, str]]:
    record = selectors.record_of(moderation_round)
    yield "README.txt", readme(record)
    yield "round.json", json.dumps(record, indent=2, ensure_ascii=False)
    for plan in record["plans"]:
        yield f"population-{plan['number']}.csv", plan["population"]
        yield f"policy-{plan['number']}.json", json.dumps(plan["policy"], indent=2, sort_keys=True)
    yield "sample.csv", table(SAMPLE, _sample_rows(record))
    yield "decisions.csv", table(DECISIONS, _decision_rows(moderation_round, withheld))
    yield "evidence.csv", table(EVIDENCE, _evidence_rows(files))
    yield "rubric.json", json.dumps(rubric_of(moderation_round.task), indent=2, ensure_ascii=False)


def readme(record: dict[str, Any]) -> str:
    """What is in the pack, and the very commands that draw the sample again."""
    commands = []
    for plan in record["plans"]:
        number = plan["number"]
        extensions = "".join(
            f" --extend {one['assessor']}={one['count']}"
            for draw in record["draws"]
            if draw["plan"] == number and draw["because"] == "extension"
            for one in draw["asked"]
        )
        if any(draw["plan"] == number for draw in record["draws"]):
            commands.append(
                f"manage.py draw_sample population-{number}.csv --policy policy-{number}.json"
                f" --seed {plan['seed']}{extensions} --json"
            )
    context = {
        "about": record["round"],
        "commands": commands,
        "key": record["signature"]["key_id"],
        "sentence": record["assurance"].get("sentence", ""),
    }
    return render_to_string("moderation/pack_readme.txt", context)


def _sample_rows(record: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for one in record["items"]:
        yield (
            one["code"],
            one["draw"],
            one["part"],
            one["stratum"],
            one["inclusion_probability"],
            ";".join(one["reasons"]),
        )


def _decision_rows(
    moderation_round: ModerationRound, withheld: Withheld
) -> Iterator[tuple[Any, ...]]:
    """For each item a row on the whole and one for each criterion, as it counts now. A fixed number of queries."""
    sample = selectors.sample_of(moderation_round)
    assessors = dict(moderation_round.members.values_list("submission_id", "assessor_code"))
    results = results_for([item.submission_id for _code, item in sample])
    judged: dict[Any, list[CriterionJudgement]] = {}
    for one in (
        CriterionJudgement.objects.filter(decision__in=[one.pk for one in results.values()])
        .select_related("criterion", "level")
        .prefetch_related("pointers")
        .order_by("criterion__number")
    ):
        judged.setdefault(one.decision_id, []).append(one)
    theirs = {
        (one.reading.item_id, one.criterion_id): one
        for one in ModeratorJudgement.objects.filter(
            reading__item__round=moderation_round, reading__sealed_at__isnull=False
        )
        .select_related("reading", "level")
        .prefetch_related("pointers")
    }
    for code, item in sample:
        result = results[item.submission_id]
        head = (code, assessors[item.submission_id], result.outcome)
        grade = result.grade.code if result.grade else ""
        yield (
            *head, grade, "", "", withheld.text(result.feedback), "", "", "", "", item.state,
        )  # fmt: skip
        for one in judged.get(result.pk, []):
            mine = theirs.get((item.pk, one.criterion_id))
            yield (
                *head,
                grade,
                one.criterion.code,
                one.level.code if one.level else "",
                withheld.text(one.feedback),
                _numbers(one),
                mine.level.code if mine and mine.level else "",
                withheld.text(mine.comment) if mine else "",
                _numbers(mine) if mine else "",
                item.state,
            )


def _numbers(judged: CriterionJudgement | ModeratorJudgement) -> str:
    """The evidence that it points to, by its numbers in evidence.csv."""
    return ";".join(map(str, sorted(pin.number for pin in judged.pointers.all())))


def files_of(moderation_round: ModerationRound) -> list[File]:
    """The evidence of the sample, by code and number. A fixed number of queries."""
    codes = {item.submission_id: code for code, item in selectors.sample_of(moderation_round)}
    found = [
        File(
            codes[pin.submission_id],
            pin.number,
            f"evidence/{codes[pin.submission_id]}/{name}" if name else "",
            pin.evidence,
        )
        for pin, name in handed_out(codes)
    ]
    return sorted(found, key=lambda one: (one.code, one.number))


def _evidence_rows(files: Iterable[File]) -> Iterator[tuple[Any, ...]]:
    for one in files:
        item = one.item
        is_copy = bool(one.name) and item.kind != EvidenceKind.NOTE
        yield (
            one.code,
            one.number,
            item.kind,
            one.name,
            item.copy_sha256 if is_copy else "",
            item.copy_size if is_copy else "",
        )


def _bytes_of(item: EvidenceItem, withheld: Withheld) -> Iterator[bytes]:
    if item.kind == EvidenceKind.NOTE:
        yield withheld.text(item.note).encode()
    else:
        yield from storage.read(item.copy_key)


def rubric_of(task: AssessmentTask) -> dict[str, Any]:
    """The task and its rubric as they were published."""
    return {
        "task": task.title,
        "brief": task.brief,
        "rubric_hash": task.rubric.content_hash,
        "criteria": [
            {
                "code": criterion.code,
                "title": criterion.title,
                "description": criterion.description,
                "is_required": criterion.is_required,
                "levels": [
                    {
                        "code": level.code,
                        "label": level.label,
                        "descriptor": level.descriptor,
                        "is_met": level.is_met,
                    }
                    for level in sorted(criterion.levels.all(), key=lambda one: one.rank)
                ],
            }
            for criterion in task.rubric.criteria.prefetch_related("levels").order_by("number")
        ],
    }
