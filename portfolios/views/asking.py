"""What learners ask of others: more time, and confirmation."""

import datetime as dt
import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from portfolios.actions.attestation import ask_to_confirm, revoke_attestation
from portfolios.actions.extension import ask_for_more_time
from portfolios.enums import AttestationState, EvidenceState, ExtensionState
from portfolios.exceptions import ReasonNeeded
from portfolios.forms import AskForm, MoreTimeForm
from portfolios.models import Portfolio
from portfolios.selectors import latest_submission, progress_of
from portfolios.views.shared import kept_initial, own_portfolio, person, signed_in


def on_day(portfolio: Portfolio, day: dt.date) -> dt.datetime:
    """That day at the time of day at which the portfolio is due now, on the delivery's clock."""
    zone = portfolio.enrolment.delivery.zone
    clock = portfolio.due_at.astimezone(zone).time()
    return dt.datetime.combine(day, clock, tzinfo=zone)


@require_http_methods(["GET", "POST"])
@signed_in
def more_time(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask for a later date, and see what was answered."""
    found = own_portfolio(request, pk)
    form = MoreTimeForm(
        request.POST if request.method == "POST" else None, initial=kept_initial(request)
    )
    if form.is_bound and form.is_valid():
        try:
            ask_for_more_time(
                found,
                actor=person(request),
                until=on_day(found, form.cleaned_data["until"]),
                reason=form.cleaned_data["reason"],
                note=form.cleaned_data["note"],
            )
        except ReasonNeeded as error:
            form.add_error("until", str(error))
        else:
            messages.success(request, "Your request is sent. We will message you.")
            return redirect("portfolios:time", found.pk)
    requests = list(found.extension_requests.order_by("-requested_at"))
    context = {
        "portfolio": found,
        "form": form,
        "requests": requests,
        "waiting": any(one.state == ExtensionState.REQUESTED for one in requests),
        "editable": progress_of(found).is_open,
        "delivery": found.enrolment.delivery,
    }
    return render(request, "portfolios/time.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@signed_in
def ask(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask one person to confirm, and see who has answered."""
    found = own_portfolio(request, pk)
    evidence = list(person(request).evidence.filter(state=EvidenceState.READY))
    form = AskForm(
        request.POST if request.method == "POST" else None,
        evidence=evidence,
        initial=kept_initial(request),
    )
    if form.is_bound and form.is_valid():
        cleaned = form.cleaned_data
        try:
            asked = ask_to_confirm(
                found,
                actor=person(request),
                name=cleaned["name"],
                email=cleaned["email"],
                relationship=cleaned["relationship"],
                message=cleaned["message"],
                evidence=form.chosen,
            )
        except ReasonNeeded as error:
            form.add_error("email", str(error))
        else:
            messages.success(request, f"We have written to {asked.verifier_name}.")
            return redirect("portfolios:ask", found.pk)
    newest = latest_submission(found)
    context = {
        "portfolio": found,
        "form": form,
        "attestations": list(found.attestations.order_by("-requested_at")),
        "editable": progress_of(found).is_open,
        "submission": newest,
        "delivery": found.enrolment.delivery,
    }
    return render(request, "portfolios/ask.html", context, status=422 if form.errors else 200)


@require_POST
@signed_in
def revoke(request: HttpRequest, pk: uuid.UUID, attestation: uuid.UUID) -> HttpResponse:
    """Take a request back; the link stops working at once."""
    found = own_portfolio(request, pk)
    asked = get_object_or_404(found.attestations.all(), pk=attestation)
    if asked.state in {AttestationState.REQUESTED, AttestationState.OPENED}:
        asked = revoke_attestation(asked, actor=person(request))
    messages.success(request, f"The request to {asked.verifier_name} is taken back.")
    return redirect("portfolios:ask", found.pk)
