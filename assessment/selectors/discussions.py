"""Reads of what two assessors say to each other, and of who opened what."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from assessment.models import AssessmentDecision, Discussion, DiscussionEntry
from catalogue.models import Delivery
from portfolios.models import EvidenceItem, Submission, SubmissionEvidence
from workflows.models import AccessRecord

OPENINGS_ON_A_PAGE = 100


def latest_discussion(submission: Submission) -> Discussion | None:
    """The newest discussion of the submission's two decisions."""
    found: Discussion | None = (
        submission.discussions.select_related(
            "submission__delivery", "first__author", "second__author", "chosen__author"
        )
        .order_by("-opened_at")
        .first()
    )
    return found


def open_discussions(user: User) -> list[Discussion]:
    """Those in which this person is one of the two, most urgent first."""
    mine = Q(first__author=user) | Q(second__author=user)
    rows = Discussion.objects.filter(mine, concluded_at__isnull=True)
    return list(
        rows.select_related(
            "submission__task", "submission__delivery__version", "submission__learner"
        ).order_by("due_at", "pk")
    )


@dataclass(frozen=True)
class Line:
    """What one of the two said. `who` is a name only for those who may know it."""

    who: str
    entry: DiscussionEntry


def lines_of(discussion: Discussion, user: User) -> list[Line]:
    """What was said, oldest first, as this person may read it."""
    hidden = discussion.own(user) is not None and discussion.submission.hides("between")
    lines = []
    for one in discussion.entries.select_related("author"):
        who = str(one.author.name)
        if one.author_id == user.pk:
            who = "You"
        elif hidden:
            who = "The other assessor"
        lines.append(Line(who, one))
    return lines


EVIDENCE = EvidenceItem._meta.label_lower
OPENED = {"evidence": "Opened", "original": "Opened the untouched original of"}


@dataclass(frozen=True)
class Opening:
    """One access record with the reference of the work that it is about; evidence may be in none yet.

    Evidence has the number of its work, never its title, which may name somebody.
    """

    record: AccessRecord
    reference: str = ""
    submission: Any = None
    number: int = 0

    @property
    def who(self) -> str:
        """Their name; verifiers have no account and, where work is blind, no name."""
        return str(self.record.actor.name) if self.record.actor else "A verifier, by personal link"

    @property
    def what(self) -> str:
        """What was done, in words."""
        if self.record.subject_type != EVIDENCE:
            return self.record.purpose
        which = f"evidence {self.number}" if self.number else "evidence that is not submitted"
        deed = OPENED.get(self.record.purpose, f"{self.record.purpose}:")
        return f"{deed} {which}."


def openings_of(submission: Submission) -> list[Opening]:
    """Each opening of a submission and of the evidence in it, newest first."""
    numbers = dict(submission.pins.values_list("evidence_id", "number"))
    rows = AccessRecord.objects.filter(
        Q(subject_type=Submission._meta.label_lower, subject_id=submission.pk)
        | Q(subject_type=EVIDENCE, subject_id__in=numbers)
    )
    return [
        Opening(one, number=numbers.get(one.subject_id, 0))
        for one in rows.select_related("actor").order_by("-at", "-pk")[:OPENINGS_ON_A_PAGE]
    ]


def openings_in(delivery: Delivery, page: str | int | None) -> "Page[Any]":
    """Access records of submissions and decisions of a delivery, newest first.

    Of evidence, those of verifiers and of untouched originals: what people open of work that they have a
    part in stands with that work (openings_of).
    """
    submissions = Submission.objects.filter(delivery=delivery, pk=OuterRef("subject_id"))
    decisions = AssessmentDecision.objects.filter(
        submission__delivery=delivery, pk=OuterRef("subject_id")
    )
    evidence = EvidenceItem.objects.filter(delivery=delivery, pk=OuterRef("subject_id"))
    outside = Q(actor__isnull=True) | Q(purpose="original")
    rows = (
        AccessRecord.objects.filter(
            Q(Exists(submissions.order_by()), subject_type=Submission._meta.label_lower)
            | Q(Exists(decisions.order_by()), subject_type=AssessmentDecision._meta.label_lower)
            | Q(Exists(evidence.order_by()), outside, subject_type=EVIDENCE)
        )
        .select_related("actor")
        .order_by("-at", "-pk")
    )
    found = Paginator(rows, OPENINGS_ON_A_PAGE).get_page(page)
    keys = [one.subject_id for one in found.object_list]
    about: dict[Any, tuple[Any, ...]] = {
        key: (reference, key)
        for key, reference in Submission.objects.filter(pk__in=keys).values_list("pk", "reference")
    }
    of_decisions = AssessmentDecision.objects.filter(pk__in=keys).order_by()
    for key, submission, reference in of_decisions.values_list(
        "pk", "submission_id", "submission__reference"
    ):
        about[key] = (reference, submission)
    pins = SubmissionEvidence.objects.filter(evidence__in=keys).order_by("submission__submitted_at")
    for key, *facts in pins.values_list(
        "evidence_id", "submission__reference", "submission_id", "number"
    ):
        about[key] = tuple(facts)
    found.object_list = [Opening(one, *about.get(one.subject_id, ())) for one in found.object_list]
    return found
