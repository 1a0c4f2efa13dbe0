"""What leaves the system about a round: the population, and the record for machines and for people."""

from typing import TypeVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from accounts.views import person
from moderation import receipts, selectors
from moderation.models import ModerationRound
from moderation.views.lead import for_lead
from moderation.views.shared import for_moderators
from portfolios.receipts import FontsMissing
from workflows.actions import open_record

Answer = TypeVar("Answer", bound=HttpResponseBase)


def attached(response: Answer, found: ModerationRound, ending: str) -> Answer:
    """Saved under the name of the round."""
    name = f"round-{found.delivery.code}-{found.number}{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
@for_moderators
def population(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """The frozen population of one plan, byte for byte as it was drawn from."""
    found = for_lead(request, pk)
    plan = get_object_or_404(found.plans.all(), number=number)
    open_record(found, actor=person(request), purpose="Download of the population")
    response = HttpResponse(plan.population, content_type="text/csv; charset=utf-8")
    return attached(response, found, f"-population-{number}.csv")


@require_GET
@for_moderators
def record(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The signed record as JSON, for keeping and checking elsewhere."""
    found = for_lead(request, pk)
    open_record(found, actor=person(request), purpose="Download of the record")
    response = JsonResponse(selectors.record_of(found), json_dumps_params={"indent": 2})
    return attached(response, found, ".json")


@require_GET
@for_moderators
def record_pdf(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same for people, as a tagged PDF."""
    found = for_lead(request, pk)
    open_record(found, actor=person(request), purpose="Download of the record")
    try:
        made = receipts.record_pdf(selectors.record_of(found))
    except FontsMissing:
        return HttpResponse(
            "The PDF cannot be made here. Download the JSON instead.",
            content_type="text/plain; charset=utf-8",
            status=503,
        )
    return attached(HttpResponse(made, content_type="application/pdf"), found, ".pdf")
