"""Actions that rounds and meetings ask for: whose they are, what was done, and that they are closed."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.views import person
from moderation import actions, rules
from moderation.forms import ClosingForm, ResponseForm
from moderation.models import RequiredAction
from moderation.views.shared import answered
from workflows.exceptions import NotPermitted, StaleState

ASKED_BY = ("round__delivery", "round__task", "meeting__task__version")


@require_GET
@login_required
def required_actions(request: HttpRequest) -> HttpResponse:
    """Open actions that the person owns or may look at, by date; then those that were closed last."""
    me = person(request)
    rows = RequiredAction.objects.visible_to(me).select_related(*ASKED_BY, "owner")
    context = {
        "open": rows.open(),
        "done": rows.filter(closed_at__isnull=False).order_by("-closed_at")[:20],
    }
    return render(request, "moderation/actions.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def required_action(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One action: the owner says what was done, a lead moderator closes it."""
    me = person(request)
    rows = RequiredAction.objects.visible_to(me).select_related(*ASKED_BY, "owner", "closed_by")
    found: RequiredAction = get_object_or_404(rows, pk=pk)
    is_open = found.closed_at is None
    owns = is_open and found.owner_id == me.pk
    leads = is_open and rules.closes_action(found, me)
    if request.method == "POST" and is_open and not (owns or leads):
        raise PermissionDenied("Its owner answers this action, and a lead moderator closes it.")
    sent = request.POST.get("what", "")
    response = ResponseForm(
        request.POST if sent == "respond" else None, initial={"response": found.response}
    )
    closing = ClosingForm(request.POST if sent == "close" else None)
    try:
        if sent == "respond" and response.is_valid():
            actions.respond_to_action(found, actor=me, response=response.cleaned_data["response"])
            return redirect("moderation:required_action", pk=found.pk)
        if sent == "close" and closing.is_valid():
            actions.close_action(found, actor=me, note=closing.cleaned_data["note"])
            return redirect("moderation:required_actions")
    except NotPermitted as refused:
        raise PermissionDenied(str(refused)) from refused
    except StaleState:
        reasons = ["This action was closed meanwhile."]
        return render(request, "errors/409.html", {"reasons": reasons}, status=409)
    form = closing if sent == "close" else response
    context = {
        "action": found,
        "response": response if owns else None,
        "closing": closing if leads else None,
        "form": form,
    }
    return render(request, "moderation/action.html", context, status=answered(form))
