"""What learners ask of others: more time, and confirmation, by mail or by a code on their screen."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.views import person
from catalogue.models import Criterion
from portfolios.actions.attestation import ask_on_the_spot, ask_to_confirm, revoke_attestation
from portfolios.actions.extension import ask_for_more_time
from portfolios.enums import AskedBy, AttestationState, EvidenceState, ExtensionState
from portfolios.exceptions import ReasonNeeded
from portfolios.forms import AskForm, MoreTimeForm
from portfolios.models import Attestation, Portfolio
from portfolios.selectors import latest_submission, progress_of
from portfolios.views.shared import kept_initial, own_portfolio, signed_in
from workflows.hashing import seal, unseal

CODES = "attestation_codes"
"""Where the session keeps, encrypted, the links that this browser may show as codes."""


def its_clock(portfolio: Portfolio) -> dict[str, Any]:
    """The delivery's zone, and the time of day at which the portfolio is due now, for a form that asks a day."""
    zone = portfolio.enrolment.delivery.zone
    return {"zone": zone, "clock": portfolio.due_at.astimezone(zone).time()}


@require_http_methods(["GET", "POST"])
@signed_in
def more_time(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask for a later date, and see what was answered."""
    found = own_portfolio(request, pk)
    form = MoreTimeForm(
        request.POST if request.method == "POST" else None,
        initial=kept_initial(request),
        **its_clock(found),
    )
    if form.is_bound and form.is_valid():
        try:
            ask_for_more_time(
                found,
                actor=person(request),
                until=form.cleaned_data["until_at"],
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
    criteria = Criterion.objects.filter(rubric__task=found.task_id).select_related("rubric")
    form = AskForm(
        request.POST if request.method == "POST" else None,
        evidence=evidence,
        criteria=list(criteria.order_by("number")),
        initial=kept_initial(request),
    )
    if form.is_bound and form.is_valid():
        cleaned = form.cleaned_data
        about = {
            "actor": person(request),
            "name": cleaned["name"],
            "email": cleaned["email"],
            "relationship": cleaned["relationship"],
            "evidence": form.chosen,
            "criteria": form.chosen_criteria,
        }
        try:
            if cleaned["way"] == AskedBy.CODE:
                asked, token = ask_on_the_spot(found, **about)
                codes = request.session.get(CODES, {})
                request.session[CODES] = {**codes, str(asked.pk): seal(token)}
                return redirect("portfolios:ask_code", found.pk, asked.pk)
            asked = ask_to_confirm(found, message=cleaned["message"], **about)
        except ReasonNeeded as error:
            form.add_error("email", str(error))
        else:
            messages.success(request, f"We have written to {asked.verifier_name}.")
            return redirect("portfolios:ask", found.pk)
    newest = latest_submission(found)
    context = {
        "portfolio": found,
        "form": form,
        "attestations": asked_so_far(found),
        "editable": progress_of(found).is_open,
        "submission": newest,
        "delivery": found.enrolment.delivery,
    }
    return render(request, "portfolios/ask.html", context, status=422 if form.errors else 200)


def asked_so_far(portfolio: Portfolio) -> list[Attestation]:
    """Every request of the portfolio, newest first, each on the portfolio object that is at hand."""
    rows = list(portfolio.attestations.order_by("-requested_at"))
    for one in rows:
        one.portfolio = portfolio
    return rows


@never_cache
@require_safe
@signed_in
def code(request: HttpRequest, pk: uuid.UUID, attestation: uuid.UUID) -> HttpResponse:
    """The link of a request as a code for the other person's phone; only in the browser that asked for it."""
    found = own_portfolio(request, pk)
    asked: Attestation = get_object_or_404(found.attestations.all(), pk=attestation)
    sealed = request.session.get(CODES, {}).get(str(asked.pk))
    if not sealed or not asked.is_waiting:
        messages.info(
            request, "A code is shown once, where it was made, until it is used. You can ask again."
        )
        return redirect("portfolios:ask", found.pk)
    path = f"/v/{unseal(sealed)}/"
    size, dark = squares(f"{settings.SITE_URL}{path}")
    context = {
        "portfolio": found,
        "asked": asked,
        "delivery": found.enrolment.delivery,
        "path": path,
        "size": size,
        "dark": dark,
    }
    return render(request, "portfolios/ask_code.html", context)


def squares(text: str) -> tuple[int, str]:
    """A QR code as the side of its square, with the quiet zone of four, and an SVG path of the dark modules."""
    import qrcode  # noqa: PLC0415  brings Pillow along

    made = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=4)
    made.add_data(text)
    matrix = made.get_matrix()
    dark = "".join(
        f"M{x} {y}h1v1h-1z"
        for y, row in enumerate(matrix)
        for x, filled in enumerate(row)
        if filled
    )
    return len(matrix), dark


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
