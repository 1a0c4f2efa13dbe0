"""Agreement over closed rounds: which of them a person may look at, and their figures, computed once."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from assessment.enums import Outcome
from assessment.models import AssessmentDecision
from catalogue.enums import DeliveryMode, DeliveryRoleKind
from catalogue.models import Criterion, Delivery, Level
from moderation import fairness, figures
from moderation.enums import RoundState, SampleState
from moderation.models import (
    ModerationDecision,
    ModerationRound,
    ModeratorReading,
    SampleItem,
    StoredFigures,
)
from moderation.selectors.results import pairs_of
from portfolios.enums import SubmissionState
from portfolios.models import Submission


def readings_of(moderation_round: ModerationRound) -> dict[str, Any]:
    """What a round keeps of its double-read judgements when it is closed."""
    labels: dict[str, list[str]] = {}
    for code, label in (
        Level.objects.filter(criterion__rubric__task=moderation_round.task_id)
        .order_by("criterion__code", "rank")
        .values_list("criterion__code", "label")
    ):
        own = labels.setdefault(code, [])
        if label not in own:
            own.append(label)
    zone = moderation_round.delivery.zone
    rows = ModeratorReading.objects.filter(
        item__round=moderation_round, item__superseded_at__isnull=True, sealed_at__isnull=False
    ).values_list("item_id", "moderator_id", "item__decision__final_at", "sealed_at")
    return figures.store_of(
        pairs_of(moderation_round),
        labels,
        {
            str(item): figures.Reading(
                str(moderator),
                decided.astimezone(zone).date().isoformat() if decided else "",
                read.astimezone(zone).date().isoformat() if read else "",
            )
            for item, moderator, decided, read in rows
        },
        blind=moderation_round.reads_blind,
    )


def stored_readings(moderation_round: ModerationRound) -> dict[str, Any]:
    """What was kept when the round was closed; read anew where it was kept before people's readings were."""
    kept: dict[str, Any] = moderation_round.readings
    return kept if "readings" in kept else readings_of(moderation_round)


def closed_rounds(user: User) -> QuerySet[Any]:
    """Closed rounds that the person may see, newest first."""
    found: QuerySet[Any] = (
        ModerationRound.objects.visible_to(user)
        .filter(state=RoundState.CLOSED)
        .select_related("delivery", "task")
        .order_by("-closed_at", "pk")
    )
    return found


def rounds_with(user: User) -> QuerySet[Any]:
    """Closed rounds in which work that the person assessed was read, or which the person read in."""
    mine = ModeratorReading.objects.filter(moderator=user, sealed_at__isnull=False)
    found: QuerySet[Any] = (
        ModerationRound.objects.filter(state=RoundState.CLOSED)
        .filter(Q(members__assessor=user) | Q(pk__in=mine.values("item__round_id")))
        .select_related("delivery", "task")
        .distinct()
        .order_by("-closed_at", "pk")
    )
    return found


def led_by(user: User) -> set[UUID]:
    """Deliveries of which the person sees figures of people by name."""
    return set(
        Delivery.objects.with_role(user, DeliveryRoleKind.LEAD_MODERATOR).values_list(
            "pk", flat=True
        )
    )


def criterion_names(rounds: Iterable[ModerationRound]) -> dict[str, str]:
    """Code and title of the criteria of these rounds' tasks."""
    rows = Criterion.objects.filter(rubric__task__in={one.task_id for one in rounds})
    return {code: f"{code} ({title})" for code, title in rows.values_list("code", "title")}


def figures_over(rounds: Sequence[ModerationRound], *, only: User | None = None) -> dict[str, Any]:
    """Figures of these closed rounds together: read where they were computed before, else stored.

    `only` leaves just the judgements of one assessor.
    """
    least = max((one.policy["coefficient.min_items"] for one in rounds), default=20)
    ordered = sorted(rounds, key=lambda one: (one.closed_at, one.pk))
    named = [[str(one.pk), one.seq, one.delivery.title] for one in ordered]
    text = json.dumps([named, least, str(only.pk) if only else ""])
    key = hashlib.sha256(text.encode()).hexdigest()
    known = StoredFigures.objects.filter(key=key).first()
    if known is not None:
        found: dict[str, Any] = known.figures
        return found
    stores = []
    for one in ordered:
        assert one.closed_at is not None  # noqa: S101  only closed rounds are asked for
        store = stored_readings(one)
        month = one.closed_at.astimezone(one.delivery.zone).strftime("%Y-%m")
        stores.append((one.delivery.title, month, of_person(store, only) if only else store))
    made = figures.figures_of(stores, least)
    # Somebody else may compute the same at the same time.
    with suppress(IntegrityError), transaction.atomic():
        StoredFigures.objects.create(key=key, figures=made)
    return made


def of_person(store: dict[str, Any], person: User) -> dict[str, Any]:
    """The part of a store that one assessor judged."""
    key = str(person.pk)
    place = store["assessors"].index(key) if key in store["assessors"] else -1
    return store | {"rows": [row for row in store["rows"] if row[2] == place]}


DECIDED = (
    SubmissionState.MODERATED,
    SubmissionState.RATIFIED,
    SubmissionState.RELEASED,
    SubmissionState.UNDER_RECONSIDERATION,
)
"""States in which a result has been through moderation."""

UNDECIDED = (
    SubmissionState.SUBMITTED,
    SubmissionState.WITHDRAWN,
    SubmissionState.IN_ASSESSMENT,
    SubmissionState.IN_ADJUDICATION,
)


def cases_of(deliveries: Iterable[UUID], by: str) -> list[fairness.Case]:
    """Every submission of these deliveries as a case, grouped by mode, employer, site, route or delivery. One query."""
    newest = AssessmentDecision.objects.filter(
        submission=OuterRef("pk"), final_at__isnull=False
    ).order_by("-number")
    items = SampleItem.objects.filter(submission=OuterRef("pk"))
    returned = ModerationDecision.objects.filter(
        item__submission=OuterRef("pk"), outcome=SampleState.RETURNED
    )
    rows = (
        Submission.objects.filter(delivery__in=list(deliveries))
        .order_by()
        .annotate(
            outcome=Subquery(newest.values("outcome")[:1]),
            was_read=Exists(items.exclude(state=SampleState.DRAWN)),
            was_returned=Exists(returned),
        )
        .values_list(
            "delivery__mode", "enrolment__employer__name", "enrolment__site",
            "enrolment__recognition", "delivery__title", "state", "attempt", "outcome", "was_read", "was_returned",
        )
    )  # fmt: skip
    cases = []
    for (
        mode, employer, site, claim, delivery, state, attempt, outcome, was_read, was_returned,
    ) in rows:  # fmt: skip
        group = {
            "mode": str(DeliveryMode(mode).label),
            "employer": employer or "No organisation",
            "site": site or "No site",
            "route": "Recognition of prior learning" if claim else "Taught",
            "delivery": delivery,
        }[by]
        cases.append(
            fairness.Case(
                group,
                passed=outcome == Outcome.ACHIEVED if state in DECIDED else None,
                referred=state == SubmissionState.REFERRED
                if attempt == 1 and state not in UNDECIDED
                else None,
                returned=was_returned if was_read else None,
            )
        )
    return cases
