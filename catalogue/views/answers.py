"""Who may enter the pages of the catalogue, and how refusals of its actions are answered."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from accounts.views import person
from catalogue import rules
from catalogue.models import Delivery
from workflows.exceptions import NotPermitted, TransitionRefused

View = Callable[..., HttpResponse]


def for_catalogue_staff(view: View) -> View:
    """Signed in; a page of the section is 403 for whoever administers, writes and checks nothing.

    A page about one thing asks for the thing first: whoever may not know of it gets the 404 of a missing one.
    """

    @wraps(view)
    @login_required
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not kwargs:
            allow_staff(request)
        return view(request, *args, **kwargs)

    return wrapped


def allow_staff(request: HttpRequest) -> None:
    """403 for whoever has no part in the catalogue."""
    if not rules.works_in_catalogue(person(request)):
        raise PermissionDenied("These pages are for programme administrators and authors.")


def answering(back: str) -> Callable[[View], View]:
    """Turn refusals of an action into pages: 403, 409, 422. `back` names the page to return to by its pk."""

    def wrap(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, pk: UUID, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, pk, *args, **kwargs)
            except NotPermitted as refused:
                raise PermissionDenied(str(refused)) from refused
            except TransitionRefused as refused:
                page = "errors/422.html" if refused.http_status == 422 else "errors/409.html"
                reasons = refused.reasons or [str(refused)]
                context = {
                    "reasons": reasons,
                    "back_url": reverse(back, args=[pk]),
                    "back_text": "Look at it as it is now",
                }
                return render(request, page, context, status=refused.http_status)

        return wrapped

    return wrap


def administered(request: HttpRequest, pk: UUID) -> Delivery:
    """The delivery: 404 where the person cannot see it, 403 where they do not run it."""
    visible = Delivery.objects.visible_to(person(request))
    found: Delivery = get_object_or_404(
        visible.select_related("version__micro_credential__provider", "client"), pk=pk
    )
    if not rules.is_programme_administrator(person(request), found):
        raise PermissionDenied("Only programme administrators of this delivery may do this.")
    return found
