"""Agreement over closed rounds, and which assessors are read in full."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from moderation import actions
from moderation.enums import RoundState
from moderation.forms import WatchForm
from moderation.models import AssessorWatch, ModerationRound
from moderation.views.lead import table_of
from moderation.views.shared import for_moderators, person


@require_http_methods(["GET", "POST"])
@for_moderators
def agreement(request: HttpRequest) -> HttpResponse:
    """Figures of the last closed rounds. People by name for their lead only."""
    me = person(request)
    led = list(Delivery.objects.with_role(me, DeliveryRoleKind.LEAD_MODERATOR))
    led_keys = {one.pk for one in led}
    rounds = (
        ModerationRound.objects.visible_to(me)
        .filter(state=RoundState.CLOSED)
        .select_related("delivery", "task")
        .order_by("-closed_at")[:20]
    )
    shown: list[dict[str, Any]] = []
    for one in rounds:
        table = table_of(one.statistics)
        if one.delivery_id not in led_keys:
            table["by_assessor"] = []
        shown.append({"round": one, "agreement": table})
    watches = (
        AssessorWatch.objects.current()
        .filter(delivery__in=led_keys)
        .select_related("assessor", "delivery")
    )
    return render(
        request, "moderation/agreement.html", {"shown": shown, "watches": watches, "led": led}
    )


@require_http_methods(["GET", "POST"])
@for_moderators
def watch(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Have everything of an assessor read from the next round on."""
    me = person(request)
    led: Delivery = get_object_or_404(
        Delivery.objects.with_role(me, DeliveryRoleKind.LEAD_MODERATOR), pk=delivery
    )
    people = User.objects.filter(
        pk__in=led.roles.current().filter(role=DeliveryRoleKind.ASSESSOR).values("user_id")
    )
    form = WatchForm(people, request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        actions.watch_assessor(led, given["assessor"], actor=me, reason=given["reason"])
        return redirect("moderation:agreement")
    return render(request, "moderation/watch.html", {"delivery": led, "form": form})


@require_POST
@for_moderators
def end_watch(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop it."""
    led = Delivery.objects.with_role(person(request), DeliveryRoleKind.LEAD_MODERATOR)
    found = get_object_or_404(AssessorWatch.objects.filter(delivery__in=led), pk=pk)
    actions.end_watch(found, actor=person(request))
    return redirect("moderation:agreement")
