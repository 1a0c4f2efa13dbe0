"""The catalogue of messages: who gets each and why, how it looks, and an administrator's own words."""

import uuid

from csp.decorators import csp_update
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.views import person
from workflows.actions.preferences import change_wording
from workflows.definitions import Topic, topics
from workflows.forms import WordingForm
from workflows.models import Notification, Wording
from workflows.notifications import Titles
from workflows.notifications import render as render_mail
from workflows.notifications.wording import placeholders_of
from workflows.rules import may_manage_messages


def keeper(request: HttpRequest) -> User:
    """The signed-in person, who looks after messages; otherwise 403."""
    me = person(request)
    if not may_manage_messages(me):
        raise PermissionDenied("Only administrators see the catalogue of messages.")
    return me


def described(code: str) -> Topic:
    if code not in topics:
        raise Http404
    return topics[code]


def sample_of(topic: Topic, reader: User) -> Notification:
    """The message with made-up data; nothing of it is saved."""
    return Notification(
        recipient=reader,
        topic=topic.code,
        context=topic.sample,
        subject_type="sample",
        subject_id=uuid.UUID(int=0),
    )


@require_safe
@login_required
def message_catalogue(request: HttpRequest) -> HttpResponse:
    """Every topic by category."""
    me = keeper(request)
    titles = Titles()
    rows = [
        {
            "topic": topic,
            "title": titles.of(sample_of(topic, me)),
            "own": titles.own(topic.code) is not None,
        }
        for topic in sorted(topics.values(), key=lambda one: (one.category, one.code))
    ]
    return render(request, "workflows/message_catalogue.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def wording(request: HttpRequest, code: str) -> HttpResponse:
    """One topic: how it reads with sample data, own words, and every version of them."""
    me = keeper(request)
    topic = described(code)
    history = list(Wording.objects.filter(topic=code).select_related("by"))
    newest = history[0] if history else None
    form = WordingForm(
        request.POST if request.method == "POST" else None,
        initial={"subject": newest.subject, "body": newest.body} if newest else {},
    )
    if form.is_valid():
        problems = change_wording(
            code,
            subject=form.cleaned_data["subject"],
            body=form.cleaned_data["body"],
            actor=me,
        )
        for name, problem in problems.items():
            form.add_error(name, problem)
        if not problems:
            messages.success(request, "The words of this message are saved.")
            return redirect("workflows:wording", code)
    subject, text, _html = render_mail(sample_of(topic, me))
    shown = {
        "topic": topic,
        "subject": subject,
        "text": text,
        "form": form,
        "history": history,
        "placeholders": placeholders_of(code),
    }
    return render(request, "workflows/wording.html", shown, status=422 if form.errors else 200)


@csp_update({"style-src": ["'unsafe-inline'"]})  # type: ignore[arg-type]
@require_safe
@login_required
def message_preview(request: HttpRequest, code: str) -> HttpResponse:
    """The HTML of the mail as it is sent, with sample data. Mails carry their styles in themselves."""
    return HttpResponse(render_mail(sample_of(described(code), keeper(request)))[2])
