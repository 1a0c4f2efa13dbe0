"""What the pages of marking have in common: who asks, which work, and where to go next."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.views import person
from assessment import rules
from assessment.models import WorkFlag
from assessment.selectors import composed
from assessment.selectors.filters import Filters
from catalogue.models import Delivery
from portfolios.models import Hold, Submission

RELATED = (
    "learner", "task", "rubric", "lease",
    "delivery__version__grade_scheme", "delivery__version__micro_credential",
)  # fmt: skip


NOT_HERE = "Only those who mark this submission or allocate it work here."


def visible(request: HttpRequest, pk: UUID) -> Submission:
    """The submission, or 404 for whoever may not know of it.

    With `is_held` for an open hold, and `consideration`, the outcome of a special consideration and all of it;
    `is_flagged` for the person's own flag on the whole work.
    """

    def build(values: Sequence[Any]) -> QuerySet[Any, Any]:
        who, now, key = values
        seen: QuerySet[Any] = Submission.objects.visible_to(User(pk=who), now=now)
        held = Exists(Hold.objects.open().filter(submission=OuterRef("pk")))
        considered = Hold.objects.filter(submission=OuterRef("pk")).exclude(outcome="")
        outcome = Subquery(considered.order_by("-closed_at").values("outcome")[:1])
        rows: QuerySet[Any] = seen.select_related(*RELATED).annotate(
            is_held=held,
            consideration=outcome,
            is_flagged=Exists(
                WorkFlag.objects.filter(submission=OuterRef("pk"), person=who, number=0)
            ),
        )
        return rows.filter(pk=key)

    me = person(request)
    found = (
        composed.instances("visible", build, [me.pk, timezone.now(), pk]) if me.is_active else []
    )
    if not found:
        raise Http404
    return cast("Submission", found[0])


def for_marking(request: HttpRequest, pk: UUID) -> Submission:
    """The submission for those who mark or allocate it; 403 for others who may see it."""
    found = visible(request, pk)
    if rules.takes_part(found, person(request)):
        return found
    raise PermissionDenied(NOT_HERE)


def led_delivery(request: HttpRequest, pk: UUID) -> Delivery:
    """A delivery whose work the person allocates."""
    rows = Delivery.objects.visible_to(person(request)).select_related("version__micro_credential")
    found: Delivery = get_object_or_404(rows, pk=pk)
    if not rules.may_allocate(found, person(request)):
        raise PermissionDenied("Only programme administrators and lead moderators allocate work.")
    return found


def filters_of(request: HttpRequest) -> Filters:
    """The queue's filters, which travel in the address of every page of marking."""
    return Filters.read(request.GET)


def with_filters(name: str, filters: Filters, *args: Any) -> str:
    """An address that keeps the filters."""
    address = reverse(name, args=args)
    return f"{address}?{filters.query}" if filters.query else address
