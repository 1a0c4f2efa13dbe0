"""Severity of people and how their reading moves: all for the lead, one's own for everybody who reads."""

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.views import person
from moderation import ranking, selectors, tendency
from moderation.charts import Chart
from moderation.models import ModerationRound, SeverityFigures
from moderation.views.shared import csv_file, for_moderators

PARTS = {"assessor": "as assessor", "moderator": "as moderator"}


@dataclass
class Standing:
    """What is known of one task, for the eyes of somebody who leads some of its rounds."""

    kept: SeverityFigures
    names: dict[str, str]
    charts: list[Chart] = field(default_factory=list)
    few: list[tuple[str, int]] = field(default_factory=list)
    people: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    moving: list[tuple[str, str, str]] = field(default_factory=list)
    refused: str = ""
    groups: list[str] = field(default_factory=list)
    choices: list[tuple[str, str, bool]] = field(default_factory=list)
    chosen: list[Chart] = field(default_factory=list)


def led_rounds(request: HttpRequest) -> list[ModerationRound]:
    """Closed rounds of the deliveries that the person leads; 403 for other moderators."""
    me = person(request)
    led = selectors.led_by(me)
    if not led:
        raise PermissionDenied("These figures are for lead moderators.")
    return [one for one in selectors.closed_rounds(me) if one.delivery_id in led]


def tasks_of(request: HttpRequest, rounds: list[ModerationRound]) -> list[tuple[Any, str, bool]]:
    """Tasks of these rounds with their titles, and which the address asks for; the newest where it asks for none."""
    tasks = {str(one.task_id): one.task.title for one in rounds}
    asked = request.GET.get("task", "")
    asked = asked if asked in tasks else next(iter(tasks), "")
    return [(key, title, key == asked) for key, title in tasks.items()]


def standing_of(request: HttpRequest, rounds: list[ModerationRound]) -> Standing | None:
    """The figures of the task that is asked for; None before a worker has computed any.

    People of other deliveries are in the model, and are neither named nor counted here.
    """
    task = next((key for key, _title, chosen in tasks_of(request, rounds) if chosen), None)
    kept = selectors.kept_severity(task) if task else None
    if kept is None:
        return None
    known = kept.figures
    own = {str(one.pk) for one in rounds}
    mine = [one for one in known["rounds"] if one["round"] in own]
    names = selectors.people_by_name(key for one in mine for key in one.get("people", ()))
    found = Standing(kept, names)
    if refused := known["refused"]:
        explain(found, refused)
    else:
        found.people = [(names[key], one) for key, one in known["people"].items() if key in names]
        found.few = [(name, one["shared"]) for name, one in found.people if not one["shown"]]
        found.charts.append(tendency.severity_chart(found.people))
    rounds_chart = tendency.rounds_chart(mine)
    if rounds_chart is not None:
        found.charts.append(rounds_chart)
    add_movement(found, request.GET.get("person", ""))
    return found


def explain(found: Standing, refused: dict[str, Any]) -> None:
    """Why people are not compared, in words."""
    if refused["why"] == "nothing":
        found.refused = "Nothing has been read blind by two people yet."
    elif refused["why"] == "parts":
        found.refused = (
            f"These people fall into {len(refused['groups'])} groups that have read nothing in common, so "
            "nobody can say who is stricter. Give a moderator of one group work of another to read."
        )
        named = [
            [found.names[key] for key in one if key in found.names] for one in refused["groups"]
        ]
        found.groups = [", ".join(sorted(one)) for one in named if one]
    else:
        found.refused = str(refused["words"])


def add_movement(found: Standing, asked: str) -> None:
    """Who has moved away, and the charts of the person and part that the address asks for."""
    known = found.kept.figures
    sd = tendency.spread_of(known)
    if sd is None:
        return
    keys = []
    for part, words in PARTS.items():
        for key, rows in known["readings"][part].items():
            if key in found.names and len(rows) >= tendency.LEAST_READS:
                keys.append((f"{part}-{key}", part, key))
                if signal := tendency.signal_of(rows, sd):
                    found.moving.append((found.names[key], words, signal))
    keys.sort(key=lambda one: (found.names[one[2]], one[1]))
    wanted = asked if asked in {one[0] for one in keys} else keys[0][0] if keys else ""
    for value, part, key in keys:
        name = f"{found.names[key]}, {PARTS[part]}"
        found.choices.append((value, name, value == wanted))
        if value == wanted and (moved := tendency.movement_of(known, key, part, name)):
            found.chosen = [moved.ewma, moved.cusum]


@require_GET
@for_moderators
def severity(request: HttpRequest) -> HttpResponse:
    """Who reads strictly and who generously, for the lead. No result changes by it."""
    rounds = led_rounds(request)
    tasks = tasks_of(request, rounds)
    found = standing_of(request, rounds)
    task = next((key for key, _title, chosen in tasks if chosen), "")
    chosen = next((key for key, _name, is_it in found.choices if is_it), "") if found else ""
    context = {
        "rounds": rounds,
        "tasks": tasks,
        "task": task,
        "title": next((title for _key, title, is_it in tasks if is_it), ""),
        "standing": found,
        "query": urlencode({"task": task, "person": chosen}),
        "from": ranking.SHOWN_FROM,
        "least": tendency.LEAST_READS,
    }
    return render(request, "moderation/severity.html", context)


@require_GET
@for_moderators
def severity_table(request: HttpRequest, chart: str) -> HttpResponse:
    """The table of one chart as a file: the same rows as on the page, for the same eyes."""
    found = standing_of(request, led_rounds(request))
    made = (
        next((one for one in (*found.charts, *found.chosen) if one.key == chart), None)
        if found
        else None
    )
    if made is None:
        raise Http404
    return csv_file(made.csv, chart)


@dataclass(frozen=True)
class Own:
    """A person's own severity in words, and the chart of each part in which there is one."""

    words: str
    charts: list[Chart]


def own_standing(task: str, me: User) -> Own | None:
    """What is kept of one person on a task. Nothing of anybody else is in it."""
    kept = selectors.kept_severity(task) if task else None
    if kept is None:
        return None
    known = kept.figures
    key = str(me.pk)
    words = (
        "The people who read this work cannot be compared yet: too little was read by two of them."
        if known["refused"]
        else tendency.in_words(known["people"].get(key))
    )
    made = []
    for part, named in PARTS.items():
        moved = tendency.movement_of(known, key, part, f"You {named}")
        if moved is not None:
            made.append(moved.ewma)
    return Own(words, made)
