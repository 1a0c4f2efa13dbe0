"""Checking, submitting, the receipt, taking back, and what comes next."""

import json
import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.views import person
from portfolios import guards
from portfolios.actions.submission import (
    DECLARATION,
    ask_automatic_submission,
    stop_automatic_submission,
    submit_portfolio,
    withdraw_submission,
)
from portfolios.enums import ENDED_ATTEMPT, SubmissionState
from portfolios.exceptions import ReasonNeeded
from portfolios.forms import SubmitForm, WithdrawForm
from portfolios.models import Portfolio, Submission
from portfolios.receipts import FontsMissing, receipt_pdf
from portfolios.selectors import (
    latest_submission,
    progress_of,
    readiness,
)
from portfolios.selectors.evidence import access_gaps
from portfolios.selectors.expectation import days_in, expected_result
from portfolios.storage import megabytes
from portfolios.transitions import SUBMIT
from portfolios.views.shared import kept_initial, own_portfolio, refused, signed_in
from workflows.exceptions import GuardsNotMet
from workflows.guards import Guard, guards_for
from workflows.words import to_the_second

STEPS = [
    ("Submitted", {SubmissionState.SUBMITTED}),
    ("Being marked", {SubmissionState.IN_ASSESSMENT, SubmissionState.IN_ADJUDICATION}),
    (
        "Being checked",
        {
            SubmissionState.ASSESSED,
            SubmissionState.IN_MODERATION,
            SubmissionState.MODERATED,
            SubmissionState.RATIFIED,
        },
    ),
    ("Your result", {SubmissionState.RELEASED, SubmissionState.UNDER_RECONSIDERATION}),
]
"""What the learner sees of the way; nothing of a decision shows through before release."""

WAITING = set[str]().union(*(states for _words, states in STEPS[:-1]))


def submit_guards() -> list[Guard]:
    """The guards on the step, and those that higher apps have put there."""
    return guards_for(SUBMIT.step_id, SUBMIT.conditions)


def address(name: str, *arguments: Any) -> str:
    """A page of a higher app, by its name; empty where it is not installed."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""


@require_safe
@signed_in
def check(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """All answers on one page; what blocks stands apart from what is only worth knowing."""
    found = own_portfolio(request, pk)
    progress = progress_of(found)
    if not progress.is_open:
        return redirect("portfolios:state", found.pk)
    ready = readiness(found, progress, submit_guards())
    context = {
        "portfolio": found,
        "progress": progress,
        "ready": ready,
        "access": access_gaps(progress),
        "delivery": found.enrolment.delivery,
    }
    return render(request, "portfolios/check.html", context)


@require_http_methods(["GET", "POST"])
@signed_in
def submit(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Declare and submit. The same press sent twice leads to the same receipt."""
    found = own_portfolio(request, pk)
    policy = found.task.ai_policy
    form = SubmitForm(
        request.POST if request.method == "POST" else None,
        ai_policy=policy,
        initial={"key": uuid.uuid4().hex, "in_reo": found.in_reo, **kept_initial(request)},
    )
    if form.is_bound and form.is_valid() and "later" in request.POST:
        try:
            ask_automatic_submission(
                found,
                actor=person(request),
                declaration=str(DECLARATION),
                ai_use=form.cleaned_data.get("ai_use", ""),
                in_reo=form.cleaned_data["in_reo"],
            )
        except ReasonNeeded as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "We submit it for you when the task closes.")
            return redirect("portfolios:portfolio", found.pk)
    elif form.is_bound and form.is_valid():
        try:
            submission = submit_portfolio(
                found,
                actor=person(request),
                key=form.cleaned_data["key"],
                declaration=str(DECLARATION),
                ai_use=form.cleaned_data.get("ai_use", ""),
                in_reo=form.cleaned_data["in_reo"],
            )
        except GuardsNotMet as error:
            if guards.no_live_submission in error.guards:
                return redirect("portfolios:receipt", found.pk)
            return refused(request, 422, error.guards, pk=found.pk)
        return redirect("portfolios:receipt_of", found.pk, submission.reference)
    if not form.is_bound and not guards.no_live_submission.holds(found):
        return redirect("portfolios:receipt", found.pk)
    context = {
        "portfolio": found,
        "form": form,
        "blockers": readiness(found, progress_of(found), submit_guards()).blockers,
        "declaration": str(DECLARATION).split("\n"),
        "delivery": found.enrolment.delivery,
        "automatic": found.enrolment.delivery.policy_value("submission.auto_submit")
        and timezone.now() < found.cut_off_at,
    }
    return render(request, "portfolios/submit.html", context, status=422 if form.errors else 200)


@require_POST
@signed_in
def stop_automatic(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Nothing is submitted that the learner does not submit."""
    found = own_portfolio(request, pk)
    stop_automatic_submission(found, actor=person(request))
    messages.success(request, "We do not submit it for you. Submit it yourself before it closes.")
    return redirect("portfolios:submit", found.pk)


def own_submission(found: Portfolio, reference: str) -> Submission:
    submission: Submission = get_object_or_404(
        found.submissions.select_related("task__version__micro_credential", "delivery", "learner"),
        reference=reference,
    )
    return submission


@require_safe
@signed_in
def receipt(request: HttpRequest, pk: uuid.UUID, reference: str = "") -> HttpResponse:
    """The page on which submitting ends. Without a reference it shows the newest."""
    found = own_portfolio(request, pk)
    if not reference:
        newest = latest_submission(found)
        if newest is None:
            messages.info(request, "You have not submitted this yet.")
            return redirect("portfolios:portfolio", found.pk)
        return redirect("portfolios:receipt_of", found.pk, newest.reference)
    submission = own_submission(found, reference)
    context = {
        "portfolio": found,
        "submission": submission,
        "version": submission.task.version,
        "files": submission.contents["files"],
        "total": megabytes(sum(one["bytes"] for one in submission.contents["files"])),
        "parts": in_parts(submission.fingerprint),
        "may_withdraw": submission.state == SubmissionState.SUBMITTED
        and submission.opened_at is None,
        "delivery": submission.delivery,
    }
    return render(request, "portfolios/receipt.html", context)


def in_parts(fingerprint: str) -> list[str]:
    return [fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4)]


@require_safe
@signed_in
def receipt_file(request: HttpRequest, pk: uuid.UUID, reference: str) -> HttpResponse:
    """The receipt as a PDF; where the fonts are not built the page says what holds the same facts."""
    submission = own_submission(own_portfolio(request, pk), reference)
    contents = submission.contents
    at = to_the_second(submission.submitted_at, submission.delivery.zone)
    facts = {
        "reference": submission.reference,
        "sentence": f"Submitted on {at}{' (after the due date)' if submission.is_late else ''}.",
        "rows": [
            ["Learner", submission.learner.name],
            ["Micro-credential", str(submission.task.version)],
            ["Task", submission.task.title],
            ["Attempt", str(submission.attempt)],
            ["Delivery", submission.delivery.title],
        ],
        "check": settings.SITE_URL + reverse("portfolios:receipts"),
        "fingerprint": in_parts(submission.fingerprint),
        "files": [
            {
                "name": one["name"],
                "title": one["title"],
                "size": megabytes(one["bytes"]),
                "sha256": one["sha256"][:12],
            }
            for one in contents["files"]
        ],
    }
    try:
        made = receipt_pdf(facts)
    except FontsMissing:
        context = {"portfolio": submission.portfolio, "submission": submission}
        return render(request, "portfolios/no_pdf.html", context, status=503)
    response = HttpResponse(made, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{submission.reference}.pdf"'
    return response


@require_safe
@signed_in
def file_list(request: HttpRequest, pk: uuid.UUID, reference: str) -> HttpResponse:
    """The manifest, byte for byte: its SHA-256 is the fingerprint."""
    submission = own_submission(own_portfolio(request, pk), reference)
    json.loads(submission.manifest)  # never hand out what is not the list
    response = HttpResponse(submission.manifest.encode(), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{submission.reference}.json"'
    return response


@require_http_methods(["GET", "POST"])
@signed_in
def withdraw(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say what taking back means, then take it back."""
    found = own_portfolio(request, pk)
    submission = latest_submission(found)
    if submission is None:
        raise Http404
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        withdraw_submission(submission, actor=person(request), reason=form.cleaned_data["reason"])
        return redirect("portfolios:receipt_of", found.pk, submission.reference)
    context = {
        "portfolio": found,
        "submission": submission,
        "form": form,
        "possible": submission.state == SubmissionState.SUBMITTED
        and guards.not_opened.holds(submission),
        "delivery": found.enrolment.delivery,
    }
    return render(request, "portfolios/withdraw.html", context)


@require_safe
@signed_in
def state(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Where the submission is, and what comes next."""
    found = own_portfolio(request, pk)
    attempts = list(found.submissions.order_by("-submitted_at"))
    newest = attempts[0] if attempts else None
    at = next(
        (
            number
            for number, (_word, states) in enumerate(STEPS)
            if newest and newest.state in states
        ),
        None,
    )
    waiting = newest is not None and newest.state in WAITING
    took = days_in(newest, (states for _words, states in STEPS)) if newest and waiting else []
    steps = [
        (
            words,
            "now" if number == at else "done" if at is not None and number < at else "later",
            took[number] if took and at is not None and number <= at else None,
        )
        for number, (words, _states) in enumerate(STEPS)
    ]
    context = {
        "portfolio": found,
        "submission": newest,
        "attempts": attempts,
        "steps": steps if at is not None else [],
        "expected": expected_result(newest) if waiting and newest else None,
        "on_hold": bool(newest and newest.holds.open().exists()),
        "feedback_url": address("assessment:referral_feedback", newest.pk)
        if newest and newest.state == SubmissionState.REFERRED
        else "",
        "delivery": found.enrolment.delivery,
        "editable": newest is None or newest.state in ENDED_ATTEMPT,
        "now": timezone.now(),
    }
    return render(request, "portfolios/state.html", context)


@require_safe
@signed_in
def result(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The way to the result, once it is released; before that, when to expect it."""
    found = own_portfolio(request, pk)
    newest = latest_submission(found)
    released = newest is not None and newest.state in {
        SubmissionState.RELEASED,
        SubmissionState.UNDER_RECONSIDERATION,
    }
    if newest is not None and released and (where := address("awards:result", newest.pk)):
        return redirect(where)
    context = {"portfolio": found, "submission": newest, "released": released}
    return render(request, "portfolios/result.html", context)
