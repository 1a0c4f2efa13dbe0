"""What every page of this app does alike: who asks, and how a refusal is answered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from allauth.account.authentication import get_authentication_records
from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.models import User
from accounts.views import person
from catalogue.models import AssessmentTask, Delivery
from portfolios.exceptions import KeyReused, ReasonNeeded
from workflows.exceptions import NotPermitted, TransitionRefused

Made = TypeVar("Made")


@dataclass(frozen=True)
class Refusal:
    """Why an action did nothing, in sentences, and the answer's status."""

    reasons: list[str]
    http_status: int


Refused = Refusal | None

REAL_PROOFS = {"password", "mfa"}
"""Methods by which the person themself proves who they are, here and now."""


def attempt(act: Callable[[], Made]) -> tuple[Made | None, Refused]:
    """Run an action: its result, or the refusal that the page then shows. Not permitted is a 403."""
    try:
        return act(), None
    except NotPermitted as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    except TransitionRefused as refusal:
        return None, Refusal(refusal.reasons or [str(refusal.headline)], refusal.http_status)
    except (ReasonNeeded, KeyReused) as refusal:
        return None, Refusal([str(refusal)], 422)


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    form: forms.Form | None = None,
    refusal: Refused = None,
) -> HttpResponse:
    """The page, with everything that stood in the way on top: 422, or 409 where things moved on."""
    reasons = refusal.reasons if refusal is not None else []
    status = 200
    if form is not None and form.errors:
        status = 422
    if refusal is not None:
        status = refusal.http_status
    return render(request, template, {**context, "form": form, "reasons": reasons}, status=status)


def set_of(user: User, delivery: UUID, task: UUID) -> tuple[Delivery, AssessmentTask]:
    """A delivery that the person sees, and one of its tasks. 404 for anything else."""
    found = get_object_or_404(
        Delivery.objects.visible_to(user).select_related("version__micro_credential"), pk=delivery
    )
    try:
        return found, found.version.tasks.get(pk=task)
    except AssessmentTask.DoesNotExist as error:
        raise Http404 from error


def allow(allowed: bool, why: str) -> None:
    """403 with the reason unless it is so."""
    if not allowed:
        raise PermissionDenied(why)


def last_proof(request: HttpRequest) -> datetime | None:
    """When this person last confirmed who they are in this session, by password, passkey or code.

    allauth's own question `did_recently_reauthenticate` is answered yes for people who have neither
    password nor second factor. So the records themselves are read: no record, no proof. A plain
    sign-in does not count, only a confirmation asked for while signed in.
    """
    moments = [
        float(record["at"])
        for record in get_authentication_records(request, person(request))
        if record.get("reauthenticated") is True and record.get("method") in REAL_PROOFS
    ]
    return datetime.fromtimestamp(max(moments), tz=UTC) if moments else None
