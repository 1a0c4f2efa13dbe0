"""How a person is told: their choices, one-click unsubscribing, and their calendar's secret address."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.views import person
from workflows.actions.preferences import (
    choose_messages,
    end_feed,
    feed_owner,
    make_feed,
    read_unsubscribe,
    unsubscribe,
)
from workflows.forms import MessagesForm
from workflows.models import CalendarFeed
from workflows.selectors.agenda import feed_of
from workflows.selectors.offsets import kinds_for
from workflows.selectors.preferences import Wishes, categories_for


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def message_settings(request: HttpRequest) -> HttpResponse:
    """Category by frequency, reminders of dates, quiet hours, and what always comes."""
    me = person(request)
    rows = categories_for(me)
    hours = Wishes.of([me]).hours(me)
    form = MessagesForm(
        request.POST if request.method == "POST" else None,
        rows=rows,
        kinds=kinds_for(me),
        initial={
            "language": me.mail_language,
            "is_on": hours.is_on,
            "begins": hours.begins,
            "ends": hours.ends,
            "weekends": hours.weekends,
        },
    )
    if form.is_valid():
        cleaned = form.cleaned_data
        choose_messages(
            actor=me,
            frequencies=form.frequencies(),
            is_on=cleaned["is_on"],
            begins=cleaned["begins"],
            ends=cleaned["ends"],
            weekends=cleaned["weekends"],
            language=cleaned["language"],
            wanted=form.wanted(),
        )
        messages.success(request, "Your choices are saved.")
        return redirect("workflows:message_settings")
    shown = {"form": form, "always": [row for row in rows if row.required]}
    return render(
        request, "workflows/message_settings.html", shown, status=422 if form.errors else 200
    )


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def one_click(request: HttpRequest, token: str) -> HttpResponse:
    """Unsubscribing from a mail. A POST without cookies does it at once (RFC 8058); a GET only asks.

    The token names person and category and is signed, which stands in for a session: a forged POST can
    do no more than whoever has the mail.
    """
    found = read_unsubscribe(token)
    if found is None:
        raise Http404
    reader, category = found
    if request.method == "POST":
        unsubscribe(reader, category)
    shown = {"category": category, "done": request.method == "POST"}
    return render(request, "workflows/unsubscribe.html", shown)


@require_safe
@login_required
def calendar_feed_settings(request: HttpRequest) -> HttpResponse:
    """Whether the person has a calendar address."""
    feed = CalendarFeed.objects.filter(user=person(request)).first()
    return render(request, "workflows/calendar_feed.html", {"feed": feed})


@require_POST
@login_required
def new_feed(request: HttpRequest) -> HttpResponse:
    """Make a new address, and show it this once."""
    token = make_feed(actor=person(request))
    address = f"{settings.SITE_URL}/calendar/feed/{token}.ics"
    feed = CalendarFeed.objects.get(user=person(request))
    return render(request, "workflows/calendar_feed.html", {"feed": feed, "address": address})


@require_POST
@login_required
def stop_feed(request: HttpRequest) -> HttpResponse:
    """The address stops working."""
    end_feed(actor=person(request))
    messages.success(request, "The address does not work any more.")
    return redirect("workflows:calendar_feed")


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """A person's dates for their calendar program; the address is the key."""
    owner = feed_owner(token)
    if owner is None:
        raise Http404
    answer = HttpResponse(feed_of(owner), content_type="text/calendar; charset=utf-8")
    answer["Cache-Control"] = "private, no-store"
    answer["Content-Disposition"] = 'inline; filename="moderato.ics"'
    return answer
