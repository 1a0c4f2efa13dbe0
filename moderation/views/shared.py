"""Who may enter the pages of moderation, and how refusals of its actions are answered."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from uuid import UUID

from allauth.account.authentication import get_authentication_records
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.views import person
from moderation import selectors
from moderation.exceptions import NothingDiffers, NothingOwed, ReasonNeeded
from moderation.models import ModerationRound, SampleItem
from moderation.rules import MODERATORS
from portfolios.models import Submission
from workflows.exceptions import NotPermitted, SetRefused, TransitionRefused

View = Callable[..., HttpResponse]

SENTENCES = {
    ReasonNeeded: "Give a reason, and what else the decision needs.",
    NothingDiffers: "Your levels are the same as the assessor's, so there is nothing to adjust.",
    NothingOwed: "There is nothing left to draw.",
}


def for_moderators(view: View) -> View:
    """Signed in; a page of the section is 403 without a moderator's part anywhere. Refusals become pages.

    A page about one thing asks for the thing first: whoever may not know of it gets the 404 of a missing one.
    """

    @wraps(view)
    @login_required
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        roles = person(request).delivery_roles.current()
        if not kwargs and not roles.filter(role__in=MODERATORS).exists():
            raise PermissionDenied("These pages are for moderators.")
        try:
            return view(request, *args, **kwargs)
        except NotPermitted as refused:
            raise PermissionDenied(str(refused)) from refused
        except TransitionRefused as refused:
            return refusal(request, refused)
        except (ReasonNeeded, NothingDiffers, NothingOwed) as refused:
            reasons = [SENTENCES[type(refused)]]
            return render(request, "errors/422.html", {"reasons": reasons}, status=422)

    return wrapped


def csv_file(text: str, name: str) -> HttpResponse:
    """A table to be saved under this name."""
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def answered(form: Form) -> int:
    """422 where the form was sent and has to be looked at again."""
    return 422 if form.errors else 200


def refusal(request: HttpRequest, refused: TransitionRefused) -> HttpResponse:
    """Every reason; for a set also each piece of work that could not move, by reference."""
    page = "errors/422.html" if refused.http_status == 422 else "errors/409.html"
    reasons: list[str] = refused.reasons or [str(refused.headline)]
    if isinstance(refused, SetRefused):
        names = dict(
            Submission.objects.filter(pk__in=refused.refused).values_list("pk", "reference")
        )
        reasons = [
            f"{names.get(pk, '')}: {one.message}"
            for pk, found in refused.refused.items()
            for one in found
        ]
    elif isinstance(refused.instance, ModerationRound):
        reasons = [*reasons, *selectors.unresolved_reasons(refused.instance)]
    context = {"reasons": reasons, "back_url": "/moderate/", "back_text": "Moderation"}
    return render(request, page, context, status=refused.http_status)


def round_or_404(request: HttpRequest, pk: UUID) -> ModerationRound:
    """A round the person may see."""
    rows = ModerationRound.objects.visible_to(person(request)).select_related(
        "delivery__version__grade_scheme", "task", "opened_by", "decided_by", "approved_by"
    )
    found: ModerationRound = get_object_or_404(rows, pk=pk)
    return found


def item_or_404(request: HttpRequest, pk: UUID) -> SampleItem:
    """An item the person may see."""
    rows = (
        SampleItem.objects.visible_to(person(request))
        .live()
        .select_related(
            "submission__rubric",
            "round__delivery__version__grade_scheme",
            "round__task",
            "decision",
        )
    )
    found: SampleItem = get_object_or_404(rows, pk=pk)
    return found


def last_proof(request: HttpRequest) -> datetime | None:
    """When this person last confirmed who they are in this session, by password, passkey or code.

    The records are read themselves: allauth's own question says yes for somebody who has no means to
    confirm. Signing in is not enough; it must have been asked for while signed in.
    """
    moments = [
        float(one["at"])
        for one in get_authentication_records(request, person(request))
        if one.get("reauthenticated") is True and one.get("method") in {"password", "mfa"}
    ]
    return datetime.fromtimestamp(max(moments), tz=UTC) if moments else None
