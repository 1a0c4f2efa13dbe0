"""Severities of a task: what they are computed from, which are out of date, and what a plan may read of them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet

from accounts.models import User
from catalogue.models import AssessmentTask
from moderation import tendency
from moderation.enums import RoundState
from moderation.models import ModerationRound, SeverityFigures
from moderation.selectors.agreement import stored_readings

ROUNDS = 200
"""Closed rounds of one task that go in, newest first: judging of years ago says little of today's."""


def closed_of(task: AssessmentTask) -> list[ModerationRound]:
    """The closed rounds of a task that its figures are computed from, oldest first."""
    rows = (
        ModerationRound.objects.filter(task=task, state=RoundState.CLOSED)
        .select_related("delivery")
        .order_by("-closed_at", "pk")
    )
    return list(rows[:ROUNDS])[::-1]


def severity_of(task: AssessmentTask) -> dict[str, Any]:
    """Computed now, from what the rounds of the task kept."""
    return tendency.figures_of(
        [
            stored_readings(one)
            | {"label": f"{one.delivery.title}, round {one.number}", "round": str(one.pk)}
            for one in closed_of(task)
        ]
    )


def tasks_out_of_date() -> QuerySet[Any]:
    """Tasks whose closed rounds are not those that their figures were computed from, with how many and when."""
    closed = Q(rounds__state=RoundState.CLOSED)
    found: QuerySet[Any] = (
        AssessmentTask.objects.annotate(
            closed=Count("rounds", filter=closed), until=Max("rounds__closed_at", filter=closed)
        )
        .filter(closed__gt=0)
        .exclude(severity_figures__rounds=F("closed"), severity_figures__until=F("until"))
        .order_by("pk")
    )
    return found


def kept_severity(task: Any) -> SeverityFigures | None:
    """What was computed last; None before the first time."""
    found: SeverityFigures | None = SeverityFigures.objects.filter(task=task).first()
    return found


def people_by_name(keys: Iterable[str]) -> dict[str, str]:
    """Names of people by their keys. One query."""
    return {str(one.pk): one.name for one in User.objects.filter(pk__in=set(keys))}
