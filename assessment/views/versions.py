"""Where two versions of one draft differ, in words for the page that shows both."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from accounts.words import plain_text
from assessment.definitions import Marks
from assessment.enums import ChangeReason
from assessment.models import AssessmentDecision
from assessment.selectors import judgements_of, levels_of, pointed_in
from portfolios.models import Submission

WHOLE = {
    "feedback": "Feedback on the whole work",
    "staff_note": "Staff note",
    "reason": "What you changed, and why",
}


@dataclass(frozen=True)
class Difference:
    """One thing that the saved version says otherwise than what was sent."""

    name: str
    saved: str
    sent: str


def differences(
    submission: Submission, sent: Marks, saved: AssessmentDecision
) -> Iterator[Difference]:
    """Each level, text, note and pointer in which the two differ. What was not sent is left out."""
    labels: dict[UUID | None, str] = {one.pk: one.label for one in levels_of(submission)}
    pointed = pointed_in(saved)
    for one in judgements_of(saved):
        said = sent.criteria.get(one.criterion.number)
        if said is None or one.carried_over:
            continue
        code = one.criterion.code
        feedback = plain_text(said.feedback)
        if (said.level, feedback) != (one.level_id, one.feedback):
            yield Difference(
                code,
                judged(labels.get(one.level_id, ""), one.feedback),
                judged(labels.get(said.level, ""), feedback),
            )
        yield from differing(f"Staff note for {code}", one.staff_note, plain_text(said.staff_note))
        here = pointed.get(one.pk, ())
        there = here if said.pointers is None else said.pointers
        yield from differing(f"Pointers for {code}", listed(here), listed(there))
    for name, label in WHOLE.items():
        yield from differing(label, getattr(saved, name), plain_text(getattr(sent, name)))
    reasons = dict(ChangeReason.choices)
    yield from differing(
        "Why do you change it?",
        reasons.get(saved.reason_code, ""),
        reasons.get(sent.reason_code, ""),
    )


def differing(name: str, saved: str, sent: str) -> Iterator[Difference]:
    if saved != sent:
        yield Difference(name, saved or "Nothing", sent or "Nothing")


def judged(level: str, feedback: str) -> str:
    return ". ".join(filter(None, [level or "No level", feedback]))


def listed(numbers: Iterable[int]) -> str:
    return ", ".join(f"Evidence {number}" for number in sorted(set(numbers)))
