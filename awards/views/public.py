"""The page on which anybody who has its address checks a credential. No sign-in."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from awards.enums import CredentialState
from awards.models import Credential


@require_safe
@never_cache
def credential_check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Valid: who, what, from whom, when. Suspended or revoked: that, and nothing of the person."""
    found = get_object_or_404(
        Credential.objects.select_related(
            "submission__learner", "submission__delivery__version__micro_credential__provider"
        ),
        pk=pk,
    )
    response = render(
        request,
        "awards/credential_public.html",
        {"credential": found, "valid": found.state == CredentialState.ISSUED},
    )
    response["X-Robots-Tag"] = "noindex"
    return response
