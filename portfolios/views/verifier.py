"""Pages for somebody without an account, reached by a personal link. A visit changes nothing."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from portfolios.actions.attestation import (
    attest,
    attestation_for,
    decline_to_confirm,
    disown_attestation,
    objection_to,
    open_attestation,
    renew_link,
)
from portfolios.enums import AttestationState, EvidenceState
from portfolios.forms import ConfirmForm, DeclineForm
from portfolios.guards import link_still_good
from portfolios.models import Attestation, EvidenceItem
from portfolios.selectors.viewing import EvidenceView, views_of
from portfolios.views.asking import CODES
from portfolios.views.evidence import Handed, hand_out, shown_copy
from portfolios.views.shared import refusable, too_many
from portfolios.views.viewing import shown_captions, shown_page
from workflows.actions import open_by_link

SESSION = "attestation"
ANSWERED = {AttestationState.ATTESTED, AttestationState.DECLINED, AttestationState.VOIDED}


def over(attestation: Attestation) -> bool:
    return attestation.state not in ANSWERED and (
        attestation.state in {AttestationState.EXPIRED, AttestationState.REVOKED}
        or not link_still_good.holds(attestation)
    )


def page(request: HttpRequest, template: str, status: int = 200, **context: object) -> HttpResponse:
    """No page with a personal link in its address tells it to another site, or stays in a cache.

    Not "no-referrer": browsers then send forms with "Origin: null", which the check of forms refuses.
    """
    response = render(request, f"portfolios/{template}.html", context, status=status)
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@refusable
def request_page(request: HttpRequest, token: str) -> HttpResponse:
    """Who asks, for what. Start and "not me" are buttons; mail scanners that follow links press none."""
    attestation = attestation_for(token)
    if attestation is None or over(attestation):
        return link_is_over(request, attestation, token)
    if attestation.state in ANSWERED:
        request.session[SESSION] = str(attestation.pk)
        return redirect("portfolios:verifier_done")
    declines = "decline" in request.POST
    form = DeclineForm(request.POST if declines else None)
    if request.method != "POST" or (declines and not form.is_valid()):
        return page(
            request,
            "verifier_request",
            status=422 if form.errors else 200,
            attestation=attestation,
            delivery=attestation.portfolio.enrolment.delivery,
            titles=[one.title for one in attestation.evidence.order_by("created_at")],
            criteria=attestation.asked_criteria(),
            form=form,
        )
    request.session[SESSION] = str(attestation.pk)
    if declines:
        decline_to_confirm(attestation, reason=form.cleaned_data["reason"])
        return redirect("portfolios:verifier_done")
    open_attestation(attestation, **visit(request, attestation))
    return redirect("portfolios:verifier_confirm")


def link_is_over(request: HttpRequest, attestation: Attestation | None, token: str) -> HttpResponse:
    """Says so, and takes the wish for a new link. The answer to that is the same for every token."""
    if request.method == "POST" and "renew" in request.POST:
        if too_many(request, "renew"):
            return page(request, "verifier_over", status=429, limited=True)
        renew_link(token)
        return page(request, "verifier_over", sent=True)
    status = 404 if attestation is None else 410
    return page(request, "verifier_over", status=status, attestation=attestation, renew=True)


def visit(request: HttpRequest, attestation: Attestation) -> dict[str, Any]:
    """Who is signed in in this browser, and whether it is the learner's: the one that asked, or showed the code."""
    visitor = request.user if isinstance(request.user, User) else None
    own = visitor is not None and visitor.pk == attestation.requested_by_id
    shown = str(attestation.pk) in request.session.get(CODES, {})
    return {"visitor": visitor, "on_learners_device": own or shown}


def from_session(request: HttpRequest) -> Attestation:
    """The request whose link this browser has pressed Start on; the address no longer holds the token."""
    try:
        key = uuid.UUID(request.session.get(SESSION, ""))
    except ValueError:
        raise Http404 from None
    found: Attestation | None = Attestation.objects.filter(pk=key).first()
    if found is None:
        raise Http404
    return found


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@refusable
def confirm(request: HttpRequest) -> HttpResponse:
    """One page: who you are, what you saw, is it true, Send."""
    attestation = from_session(request)
    if attestation.state in ANSWERED:
        return redirect("portfolios:verifier_done")
    if over(attestation) or attestation.state != AttestationState.OPENED:
        return page(request, "verifier_over", status=410)
    form = ConfirmForm(
        request.POST if request.method == "POST" else None,
        criteria=attestation.asked_criteria(),
        initial={"relationship": attestation.verifier_relationship},
    )
    if form.is_bound and form.is_valid():
        cleaned = form.cleaned_data
        attest(
            attestation,
            statements=form.statements,
            relationship=cleaned["relationship"],
            period_observed=cleaned["period_observed"],
            has_conflict=cleaned["has_conflict"],
            conflict_note=cleaned["conflict_note"],
            comment=cleaned["comment"],
            **visit(request, attestation),
        )
        return redirect("portfolios:verifier_done")
    rows = looked_at(attestation)
    opened(attestation, [one.item for one in rows if one.item.is_shown])
    return page(
        request,
        "verifier_confirm",
        status=422 if form.errors else 200,
        attestation=attestation,
        form=form,
        delivery=attestation.portfolio.enrolment.delivery,
        rows=rows,
    )


def looked_at(attestation: Attestation) -> list[EvidenceView]:
    """What the learner wants the verifier to look at, as it is shown in place; in two queries, three with links."""
    items = list(attestation.evidence.order_by("created_at"))
    views = views_of(items)
    return [views[one.pk] for one in items]


def opened(attestation: Attestation, items: Sequence[EvidenceItem]) -> None:
    """Note that the link of this request opened them: its holder has no account to name."""
    open_by_link(items, link=attestation, purpose="evidence")


def asked_item(request: HttpRequest, evidence: uuid.UUID) -> tuple[EvidenceItem, int]:
    """An item that the verifier is asked about, while they answer, with its number; 404 for all else.

    The opening is noted.
    """
    attestation = from_session(request)
    if over(attestation) or attestation.state != AttestationState.OPENED:
        raise Http404
    for number, item in enumerate(attestation.evidence.order_by("created_at"), 1):
        if item.pk == evidence and item.state == EvidenceState.READY:
            opened(attestation, [item])
            return item, number
    raise Http404


@never_cache
@require_safe
def evidence(request: HttpRequest, evidence: uuid.UUID) -> Any:
    """The copy for others: pictures, which we encoded anew, in the page; everything else as a file."""
    item, number = asked_item(request, evidence)
    handed = Handed.copy_of(item, number)
    return shown_copy(item) if item.has_preview else hand_out(request, handed)


@never_cache
@require_safe
def page_image(request: HttpRequest, evidence: uuid.UUID, number: int) -> Any:
    """The image of one page that we drew of it, or with number 0 the poster frame."""
    return shown_page(asked_item(request, evidence)[0], number)


@never_cache
@require_safe
def captions(request: HttpRequest, evidence: uuid.UUID) -> Any:
    """The captions of a recording (WebVTT), as the learner has them now."""
    return shown_captions(asked_item(request, evidence)[0].text_alternative)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@refusable
def not_me(request: HttpRequest, token: str) -> HttpResponse:
    """Somebody has answered in this person's name. The button says so; a visit changes nothing."""
    attestation = objection_to(token)
    if attestation is None:
        return page(request, "verifier_over", status=404)
    if request.method == "POST":
        disown_attestation(attestation)
        return redirect("portfolios:verifier_not_me", token)
    return page(request, "verifier_not_me", attestation=attestation)


@never_cache
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """The receipt of the answer."""
    attestation = from_session(request)
    if attestation.state not in ANSWERED:
        return redirect("portfolios:verifier_confirm")
    return page(
        request,
        "verifier_done",
        attestation=attestation,
        statements=attestation.statements.select_related("criterion").order_by("criterion__number"),
        delivery=attestation.portfolio.enrolment.delivery,
    )
