"""The days on which nobody has to work, for those who keep them."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.views import person
from workflows.actions.calendar import (
    DayRow,
    MovingDate,
    add_days_off,
    dates_moving,
    read_days,
    remove_day_off,
)
from workflows.enums import DaySource
from workflows.forms import DayListForm, DayOffForm, whole_number
from workflows.models import NonWorkingDay
from workflows.rules import may_keep_calendar
from workflows.working_days import FILLED_IN

SHOWN = 50
"""So many lines of dates that move are listed; the others are counted."""


def keeper(request: HttpRequest) -> User:
    """The signed-in person, who keeps the calendar; otherwise 403."""
    me = person(request)
    if not may_keep_calendar(me):
        raise PermissionDenied("Only administrators keep the working days.")
    return me


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def working_days(request: HttpRequest) -> HttpResponse:
    """The days off of a year, and a form for one more."""
    me = keeper(request)
    form = DayOffForm(
        request.POST if request.method == "POST" else None, initial={"kind": "closed"}
    )
    if form.is_valid():
        cleaned = form.cleaned_data
        row = DayRow(cleaned["day"], cleaned["name"], cleaned["kind"], cleaned["region"])
        is_new = not NonWorkingDay.objects.current().filter(day=row.day, region=row.region).exists()
        moving = dates_moving([row]) if is_new and "confirm" not in request.POST else []
        if moving:
            return day_preview(request, row, moving)
        if add_days_off([row], actor=me):
            messages.success(request, f"{row.name} is no working day now.")
            return redirect(f"{request.path}?year={row.day.year}")
        form.add_error("day", "This day is in the calendar already.")
    today = timezone.localdate()
    asked = request.GET.get("year", "")
    year = whole_number(asked) or today.year
    year = year if 1900 <= year <= 2200 else today.year
    rows = NonWorkingDay.objects.filter(day__year=year).select_related("removed_by", "added_by")
    shown = {
        "form": form,
        "year": year,
        "years": range(min(today.year, year), max(FILLED_IN[1], year) + 1),
        "filled_in": FILLED_IN[0] <= year <= FILLED_IN[1],
        "rows": [one for one in rows if one.removed_at is None],
        "removed": [one for one in rows if one.removed_at is not None],
    }
    return render(request, "workflows/working_days.html", shown, status=422 if form.errors else 200)


def moving_words(moving: list[MovingDate]) -> dict[str, Any]:
    """What the list of dates that move needs."""
    return {
        "moving": moving[:SHOWN],
        "is_cut": len(moving) > SHOWN,
        "number": sum(one.number for one in moving),
    }


def day_preview(
    request: HttpRequest, row: DayRow | NonWorkingDay, moving: list[MovingDate]
) -> HttpResponse:
    """Whose dates move with one day, and the question whether to go on. Nothing has changed yet."""
    kept = [one for one in request.POST.items() if one[0] != "csrfmiddlewaretoken"]
    shown = {"row": row, "removes": isinstance(row, NonWorkingDay), "posted": kept}
    shown |= moving_words(moving)
    return render(request, "workflows/day_preview.html", shown)


@require_POST
@login_required
def remove_day(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a working day of it again; asks first where dates move with it."""
    me = person(request)
    rows = NonWorkingDay.objects.all() if may_keep_calendar(me) else NonWorkingDay.objects.none()
    row = get_object_or_404(rows, pk=pk)
    if "confirm" not in request.POST and (moving := dates_moving(removed=row)):
        return day_preview(request, row, moving)
    remove_day_off(row, actor=me)
    messages.success(request, f"{row.day:%-d %B %Y} is a working day again.")
    return redirect("workflows:working_days")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def import_days(request: HttpRequest) -> HttpResponse:
    """A list of days: what it would do first, then do it."""
    me = keeper(request)
    if request.method == "POST" and "confirm" in request.POST:
        found = read_days(request.POST.get("rows", "").encode())
        if not found.problems:
            added = add_days_off(found.rows, actor=me, source=DaySource.IMPORTED)
            messages.success(request, f"{added} {'day is' if added == 1 else 'days are'} added.")
            return redirect("workflows:working_days")
    form = DayListForm(request.POST if request.method == "POST" else None, request.FILES or None)
    shown: dict[str, Any] = {"form": form, "found": None}
    if form.is_valid():
        found = read_days(form.content())
        shown["found"] = found
        if not found.problems:
            moving = dates_moving(found.rows)
            shown |= moving_words(moving)
            return render(request, "workflows/import_days_preview.html", shown)
    failed = form.is_bound
    return render(request, "workflows/import_days.html", shown, status=422 if failed else 200)
