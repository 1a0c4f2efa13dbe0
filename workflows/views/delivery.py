"""Whether messages arrive: the page for those who look after it."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import User
from workflows.actions import retry_message
from workflows.enums import MessageState
from workflows.models import OutboxMessage
from workflows.rules import may_manage_messages
from workflows.views.steps import step_view

PER_PAGE = 25


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
