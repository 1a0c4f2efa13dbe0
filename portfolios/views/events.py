"""More time for everybody whom an event hit: a storm, an outage."""

import datetime as dt
import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.views import person
from catalogue.models import Delivery
from catalogue.rules import is_programme_administrator
from portfolios.actions.drafting import SUBMISSION_KINDS
from portfolios.actions.extension import concerned, give_time_to_all
from portfolios.actions.schedules import ScheduleEffect
from portfolios.exceptions import ReasonNeeded
from portfolios.forms import EventForm
from portfolios.models import Portfolio
from portfolios.views.shared import signed_in
from workflows.models import Deadline
from workflows.selectors.deadlines import preview_moves


@require_http_methods(["GET", "POST"])
@signed_in
def more_time_for_all(request: HttpRequest, delivery: uuid.UUID, task: uuid.UUID) -> HttpResponse:
    """A date and what happened; then who gets it, with a tick for each; then one press."""
    found: Delivery = get_object_or_404(
        Delivery.objects.visible_to(person(request)).select_related("version"), pk=delivery
    )
    if not is_programme_administrator(person(request), found):
        raise PermissionDenied("Programme administrators give more time for an event.")
    dates = get_object_or_404(found.schedules.select_related("task"), task=task)
    clock = dates.due_at.astimezone(found.zone).time()
    form = EventForm(
        request.POST if request.method == "POST" else None, zone=found.zone, clock=clock
    )
    shown = {"form": form, "delivery": found, "task": dates.task, "dates": dates}
    if form.is_valid():
        until, reason = form.cleaned_data["until_at"], form.cleaned_data["reason"]
        whom = concerned(found, dates.task, until)
        if "confirm" in request.POST:
            chosen = request.POST.getlist("learner")
            try:
                given = give_time_to_all(
                    found,
                    dates.task,
                    actor=person(request),
                    until=until,
                    reason=reason,
                    learners=chosen,
                )
            except ReasonNeeded as error:
                form.add_error("until", str(error))
            else:
                words = (
                    "learner has more time and is"
                    if len(given) == 1
                    else "learners have more time and are"
                )
                messages.success(request, f"{len(given)} {words} told.")
                return redirect("catalogue:delivery", found.pk)
        elif until <= timezone.now():
            form.add_error("until", "Choose a date that lies ahead.")
        else:
            shown |= {"whom": whom, "effect": effect_on(whom.moving, until), "until": until}
            return render(request, "portfolios/event_preview.html", shown)
    return render(request, "portfolios/event.html", shown, status=422 if form.errors else 200)


def effect_on(portfolios: list[Portfolio], until: dt.datetime) -> ScheduleEffect:
    """What the date means for their reminders."""
    deadlines = Deadline.objects.open().filter(
        subject_type=Portfolio._meta.label_lower,
        subject_id__in=[one.pk for one in portfolios],
        kind__in=SUBMISSION_KINDS,
    )
    moving = preview_moves((deadline, until) for deadline in deadlines)
    return ScheduleEffect(moving=moving, silent=len(portfolios) - len(moving))
