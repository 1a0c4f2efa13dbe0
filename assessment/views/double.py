"""How often tasks are read, and the first decision where the second reading is open."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.views import person
from assessment.actions.double import open_first_decision, plan_readings
from assessment.enums import Reading
from assessment.forms.sharing import ReadingForm
from assessment.models import ReadingDraw, ReadingPlan
from assessment.selectors import judgements_of
from assessment.selectors.queue import name_of
from assessment.views.shared import filters_of, for_marking, led_delivery, with_filters
from catalogue.models import Delivery
from portfolios.models import Submission
from workflows.views import step_view


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def readings(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """What is asked of each task, and what was drawn."""
    found = led_delivery(request, delivery)
    tasks = list(found.version.tasks.order_by("number"))
    begun = set(Submission.objects.filter(delivery=found).values_list("task_id", flat=True))
    free = [one for one in tasks if one.pk not in begun]
    form = ReadingForm(request.POST if request.method == "POST" else None, tasks=free)
    if form.is_valid():
        return planned(request, found, form)
    plans = {one.task_id: one for one in ReadingPlan.objects.filter(delivery=found)}
    policy = found.policy_value("marking.double")
    draws = ReadingDraw.objects.filter(submission__delivery=found).select_related("submission")
    context = {
        "delivery": found,
        "form": form,
        "is_free": bool(free),
        "rows": [
            {
                "task": one,
                "plan": plans.get(one.pk),
                "label": plans[one.pk].get_reading_display()
                if one.pk in plans
                else Reading(Reading.BLIND if policy else Reading.SINGLE).label,
            }
            for one in tasks
        ],
        "draws": draws.order_by("drawn_at", "pk"),
    }
    return render(request, "assessment/readings.html", context, status=422 if form.errors else 200)


@step_view()
def planned(request: HttpRequest, found: Delivery, form: Any) -> HttpResponse:
    """Write the plan that the form asks for."""
    given = form.cleaned_data
    plan_readings(
        found,
        form.chosen,
        actor=person(request),
        reading=Reading(given["reading"]),
        percent=given["percent"] or 100,
    )
    messages.success(request, f"Saved for {form.chosen.title}.")
    return redirect("assessment:readings", delivery=found.pk)


@step_view()
def first_decision(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The first decision, for the second assessor of a task that is read in the open. Each opening is noted."""
    submission = for_marking(request, pk)
    filters = filters_of(request)
    decision = open_first_decision(submission, actor=person(request))
    context = {
        "submission": submission,
        "who": name_of(submission),
        "decision": decision,
        "judgements": judgements_of(decision),
        "back_url": with_filters("assessment:workspace", filters, pk),
    }
    return render(request, "assessment/first_decision.html", context)
