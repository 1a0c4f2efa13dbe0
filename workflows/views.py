"""Steps as requests, a person's messages, and the page of messages that could not be delivered."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from workflows.actions import mark_read, retry_message
from workflows.enums import MessageState
from workflows.exceptions import (
    NotPermitted,
    OtherAnswers,
    StaleState,
    StaleVersion,
    TransitionRefused,
)
from workflows.models import IdempotencyKey, Notification, OutboxMessage
from workflows.notifications import title_of
from workflows.rules import may_manage_messages

View = Callable[..., HttpResponse]
Extra = Callable[[HttpRequest, TransitionRefused], dict[str, Any]]
PER_PAGE = 25


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
                if key := request.POST.get("idempotency_key", ""):
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
    actor = cast("User", request.user)
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


@require_GET
@login_required
def inbox(request: HttpRequest) -> HttpResponse:
    """What the person was told, newest first."""
    mine = Notification.objects.visible_to(cast("User", request.user)).select_related("recipient")
    page = Paginator(mine, PER_PAGE).get_page(request.GET.get("page"))
    rows = [{"notice": one, "title": title_of(one)} for one in page]
    unread = mine.unread().count()
    return render(request, "workflows/inbox.html", {"page": page, "rows": rows, "unread": unread})


@require_POST
@login_required
def open_message(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that a message was read, and go to what it is about."""
    person = cast("User", request.user)
    notice = get_object_or_404(Notification.objects.visible_to(person), pk=pk)
    mark_read(Notification.objects.filter(pk=notice.pk), actor=person)
    return redirect(notice.path)


@require_POST
@login_required
def read_all(request: HttpRequest) -> HttpResponse:
    """Note that all messages were read."""
    person = cast("User", request.user)
    mark_read(Notification.objects.visible_to(person), actor=person)
    messages.success(request, _("All messages are marked as read."))
    return redirect("workflows:inbox")


@require_GET
@login_required
def stuck(request: HttpRequest) -> HttpResponse:
    """Messages that were given up or refused, and how many wait."""
    if not may_manage_messages(cast("User", request.user)):
        raise PermissionDenied(_("Only administrators see the delivery of messages."))
    rows = OutboxMessage.objects.stuck().select_related("notification__recipient", "record")
    page = Paginator(rows.order_by("-created_at", "-id"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    waiting = OutboxMessage.objects.filter(state=MessageState.PENDING)
    shown = {
        "page": page,
        "waiting": waiting.count(),
        "trying": waiting.filter(attempts__gt=0).count(),
    }
    return render(request, "workflows/messages.html", shown)


@require_GET
@login_required
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """One message with every try."""
    if not may_manage_messages(cast("User", request.user)):
        raise PermissionDenied(_("Only administrators see the delivery of messages."))
    rows = OutboxMessage.objects.select_related("notification__recipient", "record")
    found = get_object_or_404(rows, pk=pk)
    tries = found.tries.select_related("actor").order_by("-id")
    can_retry = found.state in (MessageState.DEAD, MessageState.FAILED)
    shown = {"message": found, "tries": tries, "can_retry": can_retry}
    return render(request, "workflows/message.html", shown)


@step_view()
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a stuck message back into the queue."""
    found = get_object_or_404(OutboxMessage, pk=pk)
    retry_message(found, actor=cast("User", request.user))
    messages.success(request, _("The message is in the queue again."))
    return redirect("workflows:message", pk=pk)
