"""Allocating the work of one delivery: by hand, and what is in the pool."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.views import person
from assessment import rules
from assessment.actions.allocation import (
    allocate,
    end_allocation,
    reallocate,
)
from assessment.forms.allocation import AllocationForm
from assessment.models import Allocation
from assessment.selectors import candidates_for, open_work, people_of, role_needed
from assessment.selectors.filters import QUEUED
from assessment.selectors.queue import name_of
from assessment.selectors.workload import loads_of
from assessment.views.shared import led_delivery
from catalogue.enums import DeliveryRoleKind
from portfolios.models import Submission
from workflows.forms import key_of
from workflows.views import step_view


@require_safe
@login_required
def board(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """What nobody has, who has what, and how much."""
    found = led_delivery(request, delivery)
    people = people_of(found, DeliveryRoleKind.ASSESSOR)
    loads = loads_of(people)
    live = (
        Allocation.objects.current()
        .filter(submission__delivery=found, submission__state__in=QUEUED)
        .select_related(
            "assessor", "submission__learner", "submission__task", "submission__delivery__version"
        )
        .order_by("assessor__search_key", "due_at")
    )
    taken = [{"allocation": one, "who": name_of(one.submission)} for one in live]
    work = open_work(found)
    pool = [{"submission": one, "who": name_of(one)} for one in work]
    context = {
        "delivery": found,
        "loads": [(one, loads[one.pk]) for one in people],
        "pool": pool,
        "taken": taken,
        "lacks_reo": any(one.in_reo for one in work) and not any(one.reo_capable for one in people),
    }
    return render(request, "assessment/allocate.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def one(request: HttpRequest, delivery: UUID, pk: UUID) -> HttpResponse:
    """Ask one person, or move the work from one person to another. Only those who may are offered."""
    found = led_delivery(request, delivery)
    submission = get_object_or_404(
        Submission.objects.visible_to(person(request)).select_related(
            "learner", "task", "enrolment", "delivery__version__micro_credential"
        ),
        pk=pk,
        delivery=found,
    )
    current = None
    if key := request.GET.get("from"):
        live = Allocation.objects.current().filter(submission=submission).select_related("assessor")
        current = get_object_or_404(live, pk=key_of(key))
    role = current.role if current else role_needed(submission)
    candidates = candidates_for(submission, role) if role else []
    blind = rules.marks_blind(found, person(request))
    form = AllocationForm(
        request.POST if request.method == "POST" else None,
        candidates=candidates,
        moves=current is not None,
        blind=blind,
    )
    if form.is_valid():
        return given(request, form, submission, current)
    context = {
        "delivery": found,
        "submission": submission,
        "who": name_of(submission),
        "current": current,
        "role": role,
        "people": form.people,
        "kept_out": [
            {
                "person": one.person,
                "words": one.words_for(blind=blind),
                "can_be_waived": one.can_be_waived and not blind,
            }
            for one in candidates
            if not one.is_able
        ],
        "form": form,
    }
    return render(
        request, "assessment/allocate_one.html", context, status=422 if form.errors else 200
    )


@step_view()
def given(
    request: HttpRequest, form: AllocationForm, submission: Submission, current: Allocation | None
) -> HttpResponse:
    """Write the allocation that the form asks for."""
    if current is None:
        allocate(submission, form.chosen, actor=person(request))
    else:
        reallocate(current, form.chosen, actor=person(request), reason=form.cleaned_data["reason"])
    messages.success(request, f"{form.chosen.name} is asked to mark {submission.reference}.")
    return redirect("assessment:allocate", delivery=submission.delivery_id)


@step_view()
def end(request: HttpRequest, delivery: UUID, pk: UUID) -> HttpResponse:
    """Put work that nobody has opened back into the pool."""
    found = led_delivery(request, delivery)
    live = Allocation.objects.current().filter(submission__delivery=found)
    allocation = get_object_or_404(live.select_related("submission"), pk=pk)
    end_allocation(allocation, actor=person(request), reason="Put back into the pool")
    messages.success(request, f"{allocation.submission.reference} is in the pool.")
    return redirect("assessment:allocate", delivery=delivery)
