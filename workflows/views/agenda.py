"""A person's dates: a list first, a month as a table second."""

import calendar
import datetime as dt
from collections import defaultdict

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.views import person
from workflows.models import NonWorkingDay
from workflows.selectors.agenda import Item, agenda_of
from workflows.selectors.preferences import zone_of
from workflows.working_days import at_wall


@require_safe
@login_required
def agenda(request: HttpRequest) -> HttpResponse:
    """Everything that is due for the person, soonest first; what is over stands apart."""
    items = agenda_of(person(request))
    over = [item for item in items if item.is_over]
    ahead = [item for item in items if not item.is_over]
    return render(request, "workflows/agenda.html", {"over": over, "ahead": ahead})


@require_safe
@login_required
def month(request: HttpRequest) -> HttpResponse:
    """One month of the person's own calendar, with days off. ?m=2026-08 names it."""
    me = person(request)
    zone = zone_of(me)
    today = timezone.now().astimezone(zone).date()
    try:
        asked = request.GET.get("m", "")
        first = dt.date(int(asked[:4]), int(asked[5:7]), 1) if asked else today.replace(day=1)
    except ValueError:
        first = today.replace(day=1)
    if not 2000 <= first.year <= 2100:
        first = today.replace(day=1)
    weeks = calendar.Calendar(firstweekday=0).monthdatescalendar(first.year, first.month)
    begin = at_wall(dt.datetime.combine(weeks[0][0], dt.time()), zone)
    last = weeks[-1][-1] + dt.timedelta(days=1)
    end = at_wall(dt.datetime.combine(last, dt.time()), zone)
    on_day: dict[dt.date, list[Item]] = defaultdict(list)
    for item in agenda_of(me, begin, end):
        on_day[item.due_at.astimezone(zone).date()].append(item)
    off = dict(
        NonWorkingDay.objects.current()
        .filter(day__gte=weeks[0][0], day__lt=last, region="")
        .values_list("day", "name")
    )
    shown = {
        "first": first,
        "weeks": [
            [
                {
                    "day": day,
                    "items": on_day[day],
                    "off": off.get(day, ""),
                    "inside": day.month == first.month,
                    "today": day == today,
                }
                for day in week
            ]
            for week in weeks
        ],
        "before": (first - dt.timedelta(days=1)).replace(day=1),
        "after": (first + dt.timedelta(days=31)).replace(day=1),
    }
    return render(request, "workflows/month.html", shown)
