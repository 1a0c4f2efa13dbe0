"""Rates by group, and which assessors are read in full."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.views import person
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from moderation import actions, fairness, rules, selectors
from moderation.forms import WatchForm
from moderation.models import AssessorWatch
from moderation.views.shared import answered, csv_file, for_moderators
from workflows.exceptions import NotPermitted

GROUPS = {
    "mode": "Mode of delivery",
    "employer": "Organisation",
    "site": "Site",
    "route": "Route",
    "delivery": "Delivery",
}
RATES = (fairness.PASSED, fairness.REFERRED, fairness.RETURNED)


def grouping(request: HttpRequest) -> str:
    """What the address groups by; the mode of delivery where it says nothing sensible."""
    asked = request.GET.get("by", "")
    return asked if asked in GROUPS else "mode"


def cases_for(request: HttpRequest) -> list[fairness.Case]:
    """What is known of the deliveries that the person leads; 403 for other moderators."""
    me = person(request)
    led = selectors.led_by(me)
    if not led:
        raise PermissionDenied("These figures are for lead moderators.")
    return selectors.cases_of(led, grouping(request))


@require_GET
@for_moderators
def fairness_page(request: HttpRequest) -> HttpResponse:
    """Passed, referred and returned by group, over the deliveries that the person leads."""
    cases, by = cases_for(request), grouping(request)
    context = {
        "charts": [fairness.chart(cases, rate, GROUPS[by]) for rate in RATES],
        "groups": [(key, label, key == by) for key, label in GROUPS.items()],
        "query": f"by={by}",
        "least": fairness.LEAST,
    }
    return render(request, "moderation/fairness.html", context)


@require_GET
@for_moderators
def fairness_table(request: HttpRequest, rate: str) -> HttpResponse:
    """The table of one rate as a file: the same rows as on the page."""
    cases, by = cases_for(request), grouping(request)
    if rate not in RATES:
        raise Http404
    found = fairness.chart(cases, rate, GROUPS[by])
    return csv_file(found.csv, f"{rate}-by-{by}")


@require_http_methods(["GET", "POST"])
@for_moderators
def watch(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Have everything of an assessor read from the next round on."""
    me = person(request)
    led: Delivery = get_object_or_404(Delivery.objects.visible_to(me), pk=delivery)
    if not rules.leads_delivery(led, me):
        raise NotPermitted(instance=led)
    people = User.objects.filter(
        pk__in=led.roles.current().filter(role=DeliveryRoleKind.ASSESSOR).values("user_id")
    )
    form = WatchForm(people, request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        actions.watch_assessor(led, given["assessor"], actor=me, reason=given["reason"])
        return redirect("moderation:agreement")
    context = {"delivery": led, "form": form}
    return render(request, "moderation/watch.html", context, status=answered(form))


@require_POST
@for_moderators
def end_watch(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop it."""
    led = Delivery.objects.with_role(person(request), DeliveryRoleKind.LEAD_MODERATOR)
    found = get_object_or_404(AssessorWatch.objects.filter(delivery__in=led), pk=pk)
    actions.end_watch(found, actor=person(request))
    return redirect("moderation:agreement")
