"""What staff decide about learners' work outside marking: more time, holds, waivers."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.views import person
from portfolios import rules
from portfolios.actions.drafting import waive_attestation
from portfolios.actions.extension import approve_extension, change_extension, decline_extension
from portfolios.actions.submission import lift_hold, place_hold
from portfolios.enums import ExtensionState, HoldKind
from portfolios.exceptions import ReasonNeeded
from portfolios.forms import AnswerForm, HoldForm, LiftForm, WaiveForm
from portfolios.models import ExtensionRequest, Portfolio, Submission
from portfolios.views.asking import its_clock
from portfolios.views.shared import signed_in


@require_safe
@signed_in
def extensions(request: HttpRequest) -> HttpResponse:
    """Requests for more time in deliveries that the person administers or assesses; waiting ones first."""
    if not rules.decides_extensions(person(request)):
        raise PermissionDenied("This page is for programme administrators and assessors.")
    visible = ExtensionRequest.objects.decidable_by(person(request)).select_related(
        "portfolio__task", "portfolio__enrolment__delivery", "requested_by"
    )
    context = {
        "waiting": visible.filter(state=ExtensionState.REQUESTED).order_by("due_before"),
        "decided": visible.exclude(state=ExtensionState.REQUESTED).order_by("-decided_at")[:50],
    }
    return render(request, "portfolios/extensions.html", context)


@require_http_methods(["GET", "POST"])
@signed_in
def extension(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Answer one request. Shows the date that will count before it is pressed."""
    asked: ExtensionRequest = get_object_or_404(
        ExtensionRequest.objects.decidable_by(person(request)).select_related(
            "portfolio__task",
            "portfolio__enrolment__delivery__version",
            "requested_by",
            "decided_by",
        ),
        pk=pk,
    )
    may = rules.may_decide_extension(asked, person(request))
    form = AnswerForm(
        request.POST if request.method == "POST" else None, **its_clock(asked.portfolio)
    )
    if form.is_bound and not may:
        raise PermissionDenied("This is more time than you may grant.")
    if form.is_bound and form.is_valid():
        try:
            answer(asked, form, request)
        except ReasonNeeded as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Your answer is sent to the learner.")
            return redirect("portfolios:extension", asked.pk)
    context = {
        "asked": asked,
        "form": form,
        "may": may,
        "delivery": asked.portfolio.enrolment.delivery,
        "waiting": asked.state == ExtensionState.REQUESTED,
        "most": asked.portfolio.enrolment.delivery.policy_value("extension.assessor_max_days"),
    }
    return render(request, "portfolios/extension.html", context, status=422 if form.errors else 200)


def answer(asked: ExtensionRequest, form: AnswerForm, request: HttpRequest) -> None:
    cleaned = form.cleaned_data
    words = cleaned["answer"]
    if cleaned["decision"] == form.APPROVE:
        approve_extension(asked, actor=person(request), answer=words)
    elif cleaned["decision"] == form.CHANGE:
        change_extension(asked, actor=person(request), until=cleaned["until_at"], answer=words)
    else:
        decline_extension(asked, actor=person(request), answer=words)


@require_http_methods(["GET", "POST"])
@signed_in
def holds(request: HttpRequest, submission: uuid.UUID) -> HttpResponse:
    """Place a hold, and see those that there were."""
    found: Submission = get_object_or_404(
        Submission.objects.visible_to(person(request)).select_related("delivery", "task"),
        pk=submission,
    )
    if not rules.may_hold(found, person(request)):
        raise PermissionDenied("Programme administrators and the lead moderator place holds.")
    form = HoldForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        place_hold(
            found,
            actor=person(request),
            kind=HoldKind(form.cleaned_data["kind"]),
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, f"{found.reference} is on hold.")
        return redirect("portfolios:holds", found.pk)
    return holds_page(request, found, form, None)


def holds_page(
    request: HttpRequest, found: Submission, form: HoldForm, lifting: LiftForm | None
) -> HttpResponse:
    """All holds, each open one with its form: the one that was sent, with what is wrong, or a fresh one."""
    sent = lifting.hold if lifting is not None else None
    me = person(request)
    context = {
        "submission": found,
        "form": form,
        "wrong": lifting or form,
        "holds": [
            (one, lifting if one.pk == sent else LiftForm(hold=one), rules.may_lift(one, me))
            for one in found.holds.select_related("opened_by", "closed_by")
        ],
        "delivery": found.delivery,
        "reads_supporting": rules.may_read_supporting(found, me),
    }
    refused = form.errors or lifting is not None
    return render(request, "portfolios/holds.html", context, status=422 if refused else 200)


@require_POST
@signed_in
def lift(request: HttpRequest, submission: uuid.UUID, hold: int) -> HttpResponse:
    """Let the submission move again."""
    found: Submission = get_object_or_404(
        Submission.objects.visible_to(person(request)).select_related("delivery", "task"),
        pk=submission,
    )
    if not rules.may_hold(found, person(request)):
        raise PermissionDenied("Programme administrators and the lead moderator lift holds.")
    waiting = get_object_or_404(found.holds.all(), pk=hold)
    if not rules.may_lift(waiting, person(request)):
        raise PermissionDenied("Programme administrators decide on special consideration.")
    form = LiftForm(request.POST, hold=waiting)
    if not form.is_valid():
        return holds_page(request, found, HoldForm(), form)
    lift_hold(waiting, actor=person(request), **form.cleaned_data)
    messages.success(request, f"The hold on {found.reference} is lifted.")
    return redirect("portfolios:holds", found.pk)


@require_http_methods(["GET", "POST"])
@signed_in
def waive(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Let a portfolio be submitted without confirmation, with a reason."""
    found: Portfolio = get_object_or_404(
        Portfolio.objects.visible_to(person(request)).select_related(
            "task", "enrolment__learner", "enrolment__delivery__version__micro_credential"
        ),
        pk=pk,
    )
    if not rules.may_waive_attestation(found, person(request)):
        raise PermissionDenied("Programme administrators decide this.")
    if not found.task.attestations_required:
        raise Http404
    form = WaiveForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        waive_attestation(found, actor=person(request), reason=form.cleaned_data["reason"])
        messages.success(request, "No confirmation is needed for this portfolio.")
        return redirect("portfolios:waive", found.pk)
    context = {"portfolio": found, "form": form}
    return render(request, "portfolios/waive.html", context, status=422 if form.errors else 200)
