"""Conflicts of interest: said by the assessor, written down or waived by those who allocate."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.enums import ConflictGround, ConflictKind
from accounts.views import person
from assessment import rules
from assessment.actions.conflicts import (
    ask_for_waiver,
    declare_conflict,
    declare_known,
    end_waiver,
    sign_waiver,
)
from assessment.forms.conflicts import ConflictWaiverForm, KnownForm, RelationForm
from assessment.models import ConflictWaiver
from assessment.selectors import people_of, role_needed
from assessment.selectors.conflicts import (
    findings_between,
    learners_of,
    relations_in,
    waivers_in,
)
from assessment.selectors.queue import name_of
from assessment.views.shared import filters_of, for_marking, led_delivery, with_filters
from catalogue.enums import DeliveryRoleKind
from portfolios.models import Submission
from workflows.views import step_view

JUDGES = (
    DeliveryRoleKind.ASSESSOR,
    DeliveryRoleKind.MODERATOR,
    DeliveryRoleKind.EXTERNAL_MODERATOR,
    DeliveryRoleKind.LEAD_MODERATOR,
)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def known(request: HttpRequest, pk: UUID) -> HttpResponse:
    """“I know this person”: the work goes to somebody else. Nothing of it is opened."""
    submission = for_marking(request, pk)
    if not rules.is_turn(submission, person(request)):
        raise PermissionDenied("Only whoever has to mark this says so.")
    filters = filters_of(request)
    form = KnownForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return passed_on(request, submission, ConflictKind(form.cleaned_data["kind"]))
    context = {
        "submission": submission,
        "who": name_of(submission),
        "back_url": with_filters("assessment:workspace", filters, pk),
        "form": form,
        "has_begun": person(request).decisions.filter(submission=submission).exists(),
    }
    return render(request, "assessment/known.html", context, status=422 if form.errors else 200)


@step_view()
def passed_on(request: HttpRequest, submission: Submission, kind: ConflictKind) -> HttpResponse:
    """Give the work to somebody else, and go back to the queue."""
    declare_known(submission, actor=person(request), kind=kind)
    messages.success(
        request,
        f"Thank you. {submission.reference} goes to somebody else, and you need do nothing.",
    )
    return redirect(with_filters("assessment:queue", filters_of(request)))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def board(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """What is known of who is close to whom in a delivery, and what was set aside."""
    found = led_delivery(request, delivery)
    form = RelationForm(
        request.POST if request.method == "POST" else None,
        people=people_of(found, *JUDGES),
        learners=learners_of(found),
    )
    if form.is_valid():
        someone, learner, kind = form.chosen
        declare_conflict(found, someone, learner, actor=person(request), kind=kind)
        messages.success(request, f"Recorded for {someone.name}. Work that they have stays theirs.")
        return redirect("assessment:conflicts", delivery=delivery)
    anonymous = found.hides_any_learner()
    waivers = [
        {"waiver": one, "who": who, "may_sign": rules.may_sign_waiver(one, person(request))}
        for one, who in waivers_in(found)
    ]
    context = {
        "delivery": found,
        "form": form,
        "relations": [] if anonymous else relations_in(found),
        "is_anonymous": anonymous,
        "waivers": waivers,
        "is_blind": rules.marks_blind(found, person(request)),
        "blocks": _labels(found.policy_value("conflict.blocks")),
        "warns": _labels(found.policy_value("conflict.warns")),
    }
    return render(request, "assessment/conflicts.html", context, status=422 if form.errors else 200)


def _labels(grounds: list[str]) -> list[str]:
    return [str(one.label) for one in ConflictGround if one.value in grounds]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def waive(request: HttpRequest, delivery: UUID, pk: UUID, assessor: UUID) -> HttpResponse:
    """Ask that a conflict should not count; another administrator has to agree."""
    found = led_delivery(request, delivery)
    rows = Submission.objects.visible_to(person(request)).select_related(
        "learner", "task", "enrolment", "delivery__version__micro_credential"
    )
    submission: Submission = get_object_or_404(rows, pk=pk, delivery=found)
    assessors = found.roles.current().filter(role=DeliveryRoleKind.ASSESSOR)
    someone = get_object_or_404(assessors.select_related("user"), user=assessor).user
    grounds = [one.ground for one in findings_between(someone, submission) if one.can_be_waived]
    if someone == person(request):
        raise PermissionDenied("Nobody asks for a waiver of their own.")
    if rules.marks_blind(found, person(request)):
        raise PermissionDenied(
            "You mark here without names, and a conflict would tell whose work it is. Ask somebody else who allocates."
        )
    form = ConflictWaiverForm(request.POST if request.method == "POST" else None, grounds=grounds)
    if form.is_valid():
        return asked(request, submission, assessor, form)
    context = {
        "delivery": found,
        "submission": submission,
        "who": name_of(submission),
        "assessor": someone,
        "grounds": grounds,
        "form": form,
        "role": role_needed(submission),
    }
    return render(
        request, "assessment/waive_conflict.html", context, status=422 if form.errors else 200
    )


@step_view()
def asked(
    request: HttpRequest, submission: Submission, assessor: UUID, form: ConflictWaiverForm
) -> HttpResponse:
    """Write what was asked for."""
    someone = people_of(submission.delivery, DeliveryRoleKind.ASSESSOR)
    ask_for_waiver(
        submission,
        next(one for one in someone if one.pk == assessor),
        actor=person(request),
        ground=ConflictGround(form.cleaned_data["ground"]),
        reason=form.cleaned_data["reason"],
    )
    messages.success(request, "Asked. It counts once another administrator has signed it.")
    return redirect("assessment:conflicts", delivery=submission.delivery_id)


def _waiver(request: HttpRequest, pk: UUID) -> ConflictWaiver:
    seen = ConflictWaiver.objects.visible_to(person(request))
    found: ConflictWaiver = get_object_or_404(seen.select_related("delivery", "person"), pk=pk)
    return found


@step_view()
def sign(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Agree to a waiver that somebody else asked for."""
    waiver = _waiver(request, pk)
    sign_waiver(waiver, actor=person(request))
    messages.success(request, f"Signed. {waiver.person.name} can be given this learner’s work.")
    return redirect("assessment:conflicts", delivery=waiver.delivery_id)


@step_view()
def end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Turn a waiver down, or let the conflict count again."""
    waiver = _waiver(request, pk)
    end_waiver(waiver, actor=person(request))
    messages.success(request, "The conflict counts.")
    return redirect("assessment:conflicts", delivery=waiver.delivery_id)
