"""Webhooks of an organisation: its administrators' pages."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.views import person
from workflows.actions.webhooks import (
    change_webhook,
    make_webhook,
    remove_webhook,
    renew_secret,
    resume_webhook,
    try_webhook,
)
from workflows.definitions import offers
from workflows.forms import WebhookForm
from workflows.models import Webhook
from workflows.notifications.wording import Titles
from workflows.selectors.webhooks import counts_of, organisations_for, recent_messages
from workflows.views.steps import step_view


def keeper(request: HttpRequest) -> User:
    """The signed-in person, who administers an organisation; otherwise 403."""
    me = person(request)
    if not organisations_for(me).exists():
        raise PermissionDenied("Only administrators of an organisation see its webhooks.")
    return me


def found(request: HttpRequest, pk: uuid.UUID) -> Webhook:
    rows = Webhook.objects.visible_to(person(request)).select_related("organisation")
    hook: Webhook = get_object_or_404(rows, pk=pk)
    return hook


@require_safe
@login_required
def webhooks(request: HttpRequest) -> HttpResponse:
    """The receivers of the person's organisations."""
    me = keeper(request)
    rows = Webhook.objects.visible_to(me).select_related("organisation")
    return render(request, "workflows/webhooks.html", {"hooks": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new_webhook(request: HttpRequest) -> HttpResponse:
    """One more receiver; its secret is shown with the answer, and never again."""
    me = keeper(request)
    form = WebhookForm(
        request.POST if request.method == "POST" else None,
        organisations=organisations_for(me),
    )
    if form.is_valid():
        hook, secret = make_webhook(
            form.cleaned_data["organisation"],
            address=form.cleaned_data["address"],
            topics=form.cleaned_data["topics"],
            actor=me,
        )
        return page(request, hook, secret=secret)
    return render(
        request, "workflows/new_webhook.html", {"form": form}, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def webhook(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One receiver: how it does, its last messages, and what can be changed."""
    hook = found(request, pk)
    if request.method != "POST":
        return page(request, hook)
    form = WebhookForm(request.POST, organisations=None)
    if not form.is_valid():
        return page(request, hook, form=form)
    change_webhook(
        hook,
        address=form.cleaned_data["address"],
        topics=form.cleaned_data["topics"],
        actor=person(request),
    )
    messages.success(request, "The webhook is saved.")
    return redirect("workflows:webhook", pk=pk)


def page(
    request: HttpRequest, hook: Webhook, *, form: WebhookForm | None = None, secret: str = ""
) -> HttpResponse:
    filled: dict[str, Any] = {"address": hook.address, "topics": hook.topics}
    titles = Titles()
    shown = {
        "hook": hook,
        "form": form or WebhookForm(initial=filled, organisations=None),
        "secret": secret,
        "recent": [(one, titles.about(one)) for one in recent_messages(hook)],
        "told": [offers[one][0] for one in hook.topics if one in offers],
        **counts_of(hook),
    }
    return render(
        request,
        "workflows/webhook.html",
        shown,
        status=422 if form is not None and form.errors else 200,
    )


@step_view()
def test_webhook(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Send a test message."""
    try_webhook(found(request, pk), actor=person(request))
    messages.success(request, "A test message is on its way. Its answer appears below in a moment.")
    return redirect("workflows:webhook", pk=pk)


@step_view()
def webhook_secret(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A new secret, shown with this answer and never again."""
    hook = found(request, pk)
    secret = renew_secret(hook, actor=person(request))
    hook.refresh_from_db()
    return page(request, hook, secret=secret)


@step_view()
def webhook_again(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a suspended receiver up again."""
    number = resume_webhook(found(request, pk), actor=person(request))
    messages.success(
        request, f"The webhook works again. {number} messages that waited go there now."
    )
    return redirect("workflows:webhook", pk=pk)


@step_view()
def webhook_removal(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Nothing goes there any more."""
    remove_webhook(found(request, pk), actor=person(request))
    messages.success(request, "The webhook is removed.")
    return redirect("workflows:webhooks")
