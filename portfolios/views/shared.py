"""What the pages have in common: who is let in, how refusals read, and that no typed word is lost."""

import uuid
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.views import person
from portfolios import rules
from portfolios.exceptions import CriterionLocked, KeyReused, ReasonNeeded
from portfolios.models import Portfolio
from portfolios.selectors import composed
from workflows.exceptions import GuardsNotMet, NotPermitted, TransitionRefused

PER_MINUTE = 20
KEPT = "kept_form"
KEPT_LIMIT = 200_000
View = Callable[..., HttpResponse]


def signed_in(view: View) -> View:
    """Ask people to sign in; what they had typed when the session ended waits for them."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return refusable(view)(request, *args, **kwargs)
        if request.method == "POST":
            keep_words(request)
        return redirect_to_login(request.get_full_path())

    return guarded


def keep_words(request: HttpRequest) -> None:
    """Put the words of a form into the session, to be shown again after signing in. Files are not kept."""
    words = {name: values for name, values in request.POST.lists() if name != "csrfmiddlewaretoken"}
    if sum(len(value) for values in words.values() for value in values) <= KEPT_LIMIT:
        request.session[KEPT] = {"path": request.path, "words": words}


def kept_words(request: HttpRequest, path: str | None = None) -> dict[str, list[str]]:
    """What was typed on this page before the session ended. Given once."""
    kept = request.session.get(KEPT)
    if not kept or kept["path"] != (path or request.path):
        return {}
    del request.session[KEPT]
    messages.info(
        request, "You were signed out. What you had typed is here; nothing has been saved yet."
    )
    return cast("dict[str, list[str]]", kept["words"])


def kept_initial(request: HttpRequest, path: str | None = None) -> dict[str, Any]:
    """The same as first values for a form."""
    return {
        name: values if len(values) > 1 else values[0]
        for name, values in kept_words(request, path).items()
    }


def refusable(view: View) -> View:
    """Give each refusal of an action its page: 403, 409 or 422, with every reason and a way back."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotPermitted as error:
            raise PermissionDenied(str(error)) from error
        except GuardsNotMet as error:
            return refused(request, 422, error.guards, **kwargs)
        except ReasonNeeded as error:
            return refused(request, 422, [str(error)], **kwargs)
        except CriterionLocked as error:
            return refused(request, 409, [str(error)], **kwargs)
        except KeyReused:
            words = "This form has been sent before with other answers. Open the page again."
            return refused(request, 409, [words], **kwargs)
        except TransitionRefused as error:
            return refused(request, 409, [str(error)], **kwargs)

    return answered


def refused(request: HttpRequest, code: int, reasons: list[Any], **kwargs: Any) -> HttpResponse:
    pk = kwargs.get("pk")
    back = reverse("portfolios:portfolio", args=[pk]) if pk else reverse("home")
    context = {
        "reasons": reasons,
        "back_url": back,
        "back_text": "Back to your portfolio" if pk else "Back",
    }
    template = "409" if code == 409 else "422"
    return render(request, f"errors/{template}.html", context, status=code)


def too_many(request: HttpRequest, what: str) -> bool:
    """More of it from one address in a minute than a person does, on pages that nobody signs in for."""
    key = f"{what}:{request.META.get('REMOTE_ADDR', '')}"
    cache.add(key, 0, 60)
    try:
        return cache.incr(key) > PER_MINUTE
    except ValueError:  # ran out between the two lines
        return False


def own_portfolio(request: HttpRequest, pk: uuid.UUID) -> Portfolio:
    """The learner's own portfolio: 404 where it cannot be seen, 403 where it is somebody else's."""

    def build(values: Sequence[Any]) -> QuerySet[Any, Any]:
        who, now, key = values
        seen: QuerySet[Any] = Portfolio.objects.visible_to(User(pk=who), now=now)
        return seen.filter(pk=key).select_related(
            "task", "enrolment__delivery__version__micro_credential"
        )

    me = person(request)
    found = composed.instances("own", build, [me.pk, timezone.now(), pk]) if me.is_active else []
    if not found:
        raise Http404
    portfolio: Portfolio = found[0]
    if not rules.owns_portfolio(portfolio, me):
        raise PermissionDenied("Only the learner works on this page.")
    portfolio.enrolment.learner = me
    return portfolio
