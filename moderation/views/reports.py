"""Which assessors are read in full."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from moderation import actions
from moderation.forms import WatchForm
from moderation.models import AssessorWatch
from moderation.views.shared import for_moderators, person


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
