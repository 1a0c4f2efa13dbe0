"""Steps as requests: each refusal has its one answer, and a repeated request gets the first."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.views import person
from workflows.exceptions import (
    NotPermitted,
    OtherAnswers,
    StaleState,
    StaleVersion,
    TransitionRefused,
)
from workflows.models import IdempotencyKey

View = Callable[..., HttpResponse]
Extra = Callable[[HttpRequest, TransitionRefused], dict[str, Any]]


def step_view(refused: str = "", *, context: Extra | None = None) -> Callable[[View], View]:
    """Make a view that takes a step: POST only, signed in, each refusal with its one answer.

    NotPermitted is 403. StaleState and StaleVersion are 409, unmet guards 422, each on a page with every
    reason; with `refused` that template is shown instead (the fresh panel), with `object`, `refusal` and
    `reasons`, and whatever `context` adds. A posted `idempotency_key` makes a repeated request give the
    first answer again; the actions of such a view must not be durable.
    """

    def wrap(view: View) -> View:
        @require_POST
        @login_required
        @wraps(view)
        def taken(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                if key := request.POST.get("idempotency_key", "").replace("\x00", ""):
                    return once(request, key[:64], lambda: view(request, *args, **kwargs))
                return view(request, *args, **kwargs)
            except NotPermitted as error:
                raise PermissionDenied(str(error)) from error
            except TransitionRefused as error:
                more = context(request, error) if context else {}
                return refusal(request, error, refused, more)

        return taken

    return wrap


def refusal(
    request: HttpRequest, error: TransitionRefused, template: str, more: dict[str, Any]
) -> HttpResponse:
    """The page or fragment that says why not."""
    stale = isinstance(error, (StaleState, StaleVersion))
    if not template:
        fragment = getattr(request, "htmx", False)
        template = f"errors/{'_' if fragment else ''}{'409' if stale else '422'}.html"
    shown = {
        "refusal": error,
        "reasons": [str(error.headline)] if stale else error.reasons,
        "object": error.instance,
        "back_url": request.headers.get("Referer", "") if same_site(request) else "",
        **more,
    }
    return render(request, template, shown, status=error.http_status)


def same_site(request: HttpRequest) -> bool:
    """Whether the page that the request came from is one of ours."""
    return request.headers.get("Referer", "").startswith(
        f"{request.scheme}://{request.get_host()}/"
    )


def once(request: HttpRequest, key: str, run: Callable[[], HttpResponse]) -> HttpResponse:
    """Run, and keep the answer under the key in the same transaction; run nothing when it is there.

    A request that comes while the first is at work waits for it in the unique index.
    """
    actor = person(request)
    route = request.resolver_match.view_name if request.resolver_match else request.path
    fields = sorted((name, request.POST.getlist(name)) for name in request.POST)
    asked = [one for one in fields if one[0] != "csrfmiddlewaretoken"]
    digest = hashlib.sha256(repr((request.path, asked)).encode()).hexdigest()
    try:
        with transaction.atomic():
            row = IdempotencyKey.objects.create(actor=actor, key=key, route=route, digest=digest)
            response = run()
            if response.status_code >= 400:
                transaction.set_rollback(True)
            elif isinstance(response, HttpResponseRedirect):
                row.response_url = response.url
                row.save(update_fields=["response_url"])
            return response
    except IntegrityError:
        first = IdempotencyKey.objects.filter(actor=actor, key=key).first()
        if first is None:
            raise
    if first.digest != digest:
        raise OtherAnswers
    return redirect(first.response_url or "workflows:inbox")
