"""Whether messages arrive: the page for those who look after it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts.views import person
from workflows.actions import retry_message
from workflows.actions.messages import leave_unsent, readdress, retry_all
from workflows.actions.preferences import clear_address, leave_address
from workflows.enums import MessageKind, MessageState
from workflows.forms import AddressForm
from workflows.models import OutboxMessage, Reconciliation, SuspendedAddress
from workflows.notifications.mailing import address_of
from workflows.notifications.wording import Titles
from workflows.rules import may_manage_messages
from workflows.selectors.delivery import overview
from workflows.views.steps import step_view

PER_PAGE = 25


BESIDE = ("notification__recipient", "record", "webhook__organisation")
FILTERS = {
    "stuck": "Stuck",
    "waiting": "Waiting",
    "sent": "Sent",
    "cancelled": "No longer wanted",
}


def rows_of(chosen: str) -> Any:
    """Messages of the filter, newest first."""
    rows = OutboxMessage.objects.select_related(*BESIDE)
    if chosen == "stuck":
        return rows.stuck().order_by("-created_at", "-id")
    state = {
        "waiting": MessageState.PENDING,
        "sent": MessageState.SENT,
        "cancelled": MessageState.CANCELLED,
    }[chosen]
    return rows.filter(state=state, kind=MessageKind.DELIVERY).order_by("-created_at", "-id")


@require_GET
@login_required
def stuck(request: HttpRequest) -> HttpResponse:
    """How delivery goes: the queue, two weeks of sending, addresses that do not work, and the messages."""
    if not may_manage_messages(person(request)):
        raise PermissionDenied(_("Only administrators see the delivery of messages."))
    chosen = request.GET.get("show", "stuck")
    if chosen not in FILTERS:
        chosen = "stuck"
    page = Paginator(rows_of(chosen), PER_PAGE).get_page(request.GET.get("page"))
    titles = Titles()
    shown = {
        "page": page,
        "rows": [(one, titles.about(one)) for one in page],
        "chosen": chosen,
        "filters": FILTERS,
        "stuck": OutboxMessage.objects.stuck().count(),
        "suspended": SuspendedAddress.objects.held().order_by(
            F("left_at").desc(nulls_first=True), "-since"
        )[:50],
        "compared": Reconciliation.objects.first(),
        **overview(),
    }
    return render(request, "workflows/messages.html", shown)


def managed_message(request: HttpRequest, pk: int) -> OutboxMessage:
    """One message; 404 for whoever does not look after them, as for one that never was."""
    rows = OutboxMessage.objects.select_related(*BESIDE)
    if not may_manage_messages(person(request)):
        rows = rows.none()
    found: OutboxMessage = get_object_or_404(rows, pk=pk)
    return found


def managed_addresses(request: HttpRequest) -> "QuerySet[SuspendedAddress]":
    """Suspended addresses, for whoever looks after messages."""
    rows = SuspendedAddress.objects.all()
    return rows if may_manage_messages(person(request)) else rows.none()


@step_view()
def retry_every(request: HttpRequest) -> HttpResponse:
    """Put every stuck message back into the queue."""
    number = retry_all(actor=person(request))
    messages.success(request, _("%(number)s messages are in the queue again.") % {"number": number})
    return redirect("workflows:messages")


@step_view()
def change_address(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a stuck message to another address."""
    found = managed_message(request, pk)
    form = AddressForm(request.POST)
    if not form.is_valid():
        return message_page(request, found, form)
    readdress(found, address=form.cleaned_data["address"], actor=person(request))
    messages.success(request, _("The message is in the queue again, to the other address."))
    return redirect("workflows:message", pk=pk)


@step_view()
def clear(request: HttpRequest, pk: int) -> HttpResponse:
    """Mails go to the address again."""
    clear_address(get_object_or_404(managed_addresses(request), pk=pk), actor=person(request))
    messages.success(request, _("Mails go there again."))
    return redirect("workflows:messages")


@step_view()
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Nothing is sent to the address, and nobody is asked about it any more."""
    leave_address(get_object_or_404(managed_addresses(request), pk=pk), actor=person(request))
    messages.success(request, _("Nothing is sent there, and nobody is asked about it any more."))
    return redirect("workflows:messages")


@step_view()
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave a stuck message, and others for the same recipient, unsent."""
    number = leave_unsent(managed_message(request, pk), actor=person(request))
    messages.success(
        request,
        ngettext("%(number)s message stays unsent.", "%(number)s messages stay unsent.", number)
        % {"number": number},
    )
    return redirect("workflows:message", pk=pk)


@require_GET
@login_required
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """One message with every try."""
    found = managed_message(request, pk)
    return message_page(request, found, AddressForm())


def message_page(request: HttpRequest, found: OutboxMessage, form: AddressForm) -> HttpResponse:
    if not may_manage_messages(person(request)):
        raise PermissionDenied(_("Only administrators see the delivery of messages."))
    shown = {
        "message": found,
        "form": form,
        "address": address_of(found.notification) if found.notification else "",
        "about": Titles().about(found),
        "tries": found.tries.select_related("actor").order_by("-id"),
        "can_retry": found.state in (MessageState.DEAD, MessageState.FAILED),
    }
    return render(request, "workflows/message.html", shown, status=422 if form.errors else 200)


@step_view()
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a stuck message back into the queue."""
    found = managed_message(request, pk)
    retry_message(found, actor=person(request))
    messages.success(request, _("The message is in the queue again."))
    return redirect("workflows:message", pk=pk)
