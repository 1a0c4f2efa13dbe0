"""Handing a round on: the sample pack, and who from outside may look."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.views import person
from moderation import actions, exports, selectors
from moderation.enums import RoundState
from moderation.exceptions import InvitationRefused
from moderation.forms import InvitationForm
from moderation.models import ExternalReview, ModerationRound
from moderation.views.lead import for_lead
from moderation.views.records import attached
from moderation.views.shared import answered, for_moderators
from workflows.actions import open_record
from workflows.exceptions import StaleState


def packed(request: HttpRequest, found: ModerationRound) -> Any:
    """The answer that streams the pack."""
    pieces = () if request.method == "HEAD" else exports.sample_pack(found)
    response = StreamingHttpResponse(pieces, content_type="application/zip")
    response["Cache-Control"] = "private, no-store"
    return attached(response, found, "-sample.zip")


@require_safe
@for_moderators
def sample_pack(request: HttpRequest, pk: UUID) -> Any:
    """The round with its sample as one ZIP, once a sample was drawn."""
    found = for_lead(request, pk)
    if found.state in (RoundState.DRAFT, RoundState.FROZEN):
        raise StaleState("No sample has been drawn yet.", instance=found)
    open_record(found, actor=person(request), purpose="Download of the sample pack")
    return packed(request, found)


@require_http_methods(["GET", "POST"])
@for_moderators
def external_access(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who from outside may look at the round, since when and until when, and what they reported."""
    found = for_lead(request, pk)
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.invite_external(found, actor=person(request), **form.for_action())
        except InvitationRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("moderation:external_access", pk=found.pk)
    reviews = list(
        found.external_reviews.select_related("person", "invited_by", "revoked_by")
        .prefetch_related("comments")
        .order_by("-invited_at", "pk")
    )
    codes = {item.pk: code for code, item in selectors.sample_of(found)}
    openings = selectors.openings_by(reviews)
    context = {
        "round": found,
        "form": form,
        "is_closed": found.state == RoundState.CLOSED,
        "reviews": [
            {
                "review": one,
                "openings": openings[one.pk],
                "comments": sorted(
                    (codes.get(said.item_id, ""), said.text) for said in one.comments.all()
                )
                if one.submitted_at
                else [],
            }
            for one in reviews
        ],
    }
    return render(request, "moderation/external_access.html", context, status=answered(form))


@require_POST
@for_moderators
def revoke_access(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End somebody's access now."""
    review: ExternalReview = get_object_or_404(
        ExternalReview.objects.visible_to(person(request)), pk=pk
    )
    actions.revoke_external(review, actor=person(request))
    return redirect("moderation:external_access", pk=review.round_id)
