"""A person's messages."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.views import person
from workflows.actions import mark_read
from workflows.models import Notification
from workflows.notifications import Titles

PER_PAGE = 25


@require_GET
@login_required
def inbox(request: HttpRequest) -> HttpResponse:
    """What the person was told, newest first."""
    mine = Notification.objects.visible_to(person(request)).select_related("recipient")
    page = Paginator(mine, PER_PAGE).get_page(request.GET.get("page"))
    titles = Titles()
    rows = [{"notice": one, "title": titles.of(one)} for one in page]
    unread = mine.unread().count()
    return render(request, "workflows/inbox.html", {"page": page, "rows": rows, "unread": unread})


@require_POST
@login_required
def open_message(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that a message was read, and go to what it is about."""
    me = person(request)
    notice = get_object_or_404(Notification.objects.visible_to(me), pk=pk)
    mark_read(Notification.objects.filter(pk=notice.pk), actor=me)
    return redirect(notice.path)


@require_POST
@login_required
def read_all(request: HttpRequest) -> HttpResponse:
    """Note that all messages were read."""
    me = person(request)
    mark_read(Notification.objects.visible_to(me), actor=me)
    messages.success(request, _("All messages are marked as read."))
    return redirect("workflows:inbox")
