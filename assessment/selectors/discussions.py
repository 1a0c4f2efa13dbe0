"""Reads of what two assessors say to each other, and of who opened what."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from assessment.models import AssessmentDecision, Discussion, DiscussionEntry
from catalogue.models import Delivery
from portfolios.models import Submission
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


@dataclass(frozen=True)
class Opening:
    """One access record with the reference of the work that it is about."""

    record: AccessRecord
    reference: str
    submission: Any


def openings_in(delivery: Delivery, page: str | int | None) -> "Page[Any]":
    """Access records of submissions and decisions of a delivery, newest first."""
    submissions = Submission.objects.filter(delivery=delivery, pk=OuterRef("subject_id"))
    decisions = AssessmentDecision.objects.filter(
        submission__delivery=delivery, pk=OuterRef("subject_id")
    )
    rows = (
        AccessRecord.objects.filter(
            Q(Exists(submissions.order_by()), subject_type=Submission._meta.label_lower)
            | Q(Exists(decisions.order_by()), subject_type=AssessmentDecision._meta.label_lower)
        )
        .select_related("actor")
        .order_by("-at", "-pk")
    )
    found = Paginator(rows, OPENINGS_ON_A_PAGE).get_page(page)
    keys = [one.subject_id for one in found.object_list]
    about = {
        key: (key, reference)
        for key, reference in Submission.objects.filter(pk__in=keys).values_list("pk", "reference")
    }
    of_decisions = AssessmentDecision.objects.filter(pk__in=keys).order_by()
    for key, submission, reference in of_decisions.values_list(
        "pk", "submission_id", "submission__reference"
    ):
        about[key] = (submission, reference)
    found.object_list = [
        Opening(one, about[one.subject_id][1], about[one.subject_id][0])
        for one in found.object_list
    ]
    return found
