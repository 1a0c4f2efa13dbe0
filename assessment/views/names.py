"""Whose names are kept from whom; and names shown in spite of that, each time noted."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.views import person
from assessment.actions.revealing import plan_names, reveal_assessor, reveal_learner
from assessment.forms.sharing import NamesForm
from assessment.views.shared import for_marking, led_delivery
from catalogue.models import Delivery, TaskSchedule
from portfolios.models import Submission
from portfolios.models.submission import POLICY_OF, Switch
from portfolios.rules import is_learner
from workflows.views import step_view


@step_view()
def learner(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Whose work it is, for those who marked it from release on, and for those who allocate it."""
    submission = for_marking(request, pk)
    reason = request.POST.get("reason", "")[:200]
    name = reveal_learner(submission, actor=person(request), reason=reason)
    back = reverse("assessment:workspace", args=[submission.pk])
    context = {"submission": submission, "name": name, "title": "Whose work it is", "back": back}
    return render(request, "assessment/revealed.html", context)


@step_view()
def assessor(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who gave the result, for its learner from release on."""
    seen = Submission.objects.visible_to(person(request)).select_related("delivery")
    submission: Submission = get_object_or_404(seen, pk=pk)
    if not is_learner(submission, person(request)):
        raise PermissionDenied("Only the learner asks this here.")
    name = reveal_assessor(submission, actor=person(request))
    context = {
        "submission": submission,
        "name": name,
        "title": "Who assessed your work",
        "back": reverse("portfolios:result", args=[submission.portfolio_id]),
        "back_text": "Your result",
    }
    return render(request, "assessment/revealed.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def names(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """What is hidden for each task, and a form for those that nobody has submitted for."""
    found = led_delivery(request, delivery)
    schedules = list(found.schedules.select_related("task").order_by("task__number"))
    begun = set(Submission.objects.filter(delivery=found).values_list("task_id", flat=True))
    free = [one.task for one in schedules if one.task_id not in begun]
    form = NamesForm(request.POST if request.method == "POST" else None, tasks=free)
    if form.is_valid():
        return switched(request, found, form)
    rows = [
        {
            "task": one.task,
            "hides": [_hidden(found, one, switch) for switch in POLICY_OF],
        }
        for one in schedules
    ]
    context = {"delivery": found, "form": form, "is_free": bool(free), "rows": rows}
    return render(request, "assessment/names.html", context, status=422 if form.errors else 200)


def _hidden(delivery: Delivery, schedule: TaskSchedule, switch: Switch) -> bool:
    said = getattr(schedule, f"hides_{switch}")
    return bool(delivery.policy_value(POLICY_OF[switch]) if said is None else said)


@step_view()
def switched(request: HttpRequest, found: Delivery, form: NamesForm) -> HttpResponse:
    """Keep what the form says."""
    plan_names(found, form.chosen, actor=person(request), **form.switches)
    messages.success(request, f"Saved for {form.chosen.title}.")
    return redirect("assessment:names", delivery=found.pk)
