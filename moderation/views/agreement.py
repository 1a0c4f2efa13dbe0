"""Agreement over closed rounds: criteria first, then deliveries and time, then people for those who may."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.views import person
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from moderation import charts, findings, selectors
from moderation.models import AssessorWatch, ModerationRound
from moderation.rules import MODERATORS
from moderation.views.severity import Own, own_standing
from moderation.views.shared import csv_file, for_moderators

LIMIT = 200
"""Closed rounds of one task that are pooled, newest first."""


@dataclass(frozen=True)
class Scope:
    """What the page is about: closed rounds of one task, perhaps of one delivery only."""

    rounds: list[ModerationRound]
    tasks: list[tuple[str, str, bool]]
    deliveries: list[tuple[str, str, bool]]
    query: str

    @property
    def task(self) -> str:
        return self.rounds[0].task.title if self.rounds else ""

    @property
    def task_key(self) -> str:
        return str(self.rounds[0].task_id) if self.rounds else ""


def scope_of(request: HttpRequest, rounds: list[ModerationRound]) -> Scope:
    """By the address: `task` and `delivery`. Without them the task whose round was closed last."""
    tasks = {str(one.task_id): one.task.title for one in rounds}
    task = request.GET.get("task", "")
    task = task if task in tasks else next(iter(tasks), "")
    of_task = [one for one in rounds if str(one.task_id) == task]
    deliveries = {str(one.delivery_id): one.delivery.title for one in of_task}
    delivery = request.GET.get("delivery", "")
    delivery = delivery if delivery in deliveries else ""
    chosen = [one for one in of_task if not delivery or str(one.delivery_id) == delivery]
    return Scope(
        chosen[:LIMIT],
        [(key, title, key == task) for key, title in tasks.items()],
        [(key, title, key == delivery) for key, title in deliveries.items()],
        urlencode({"task": task, "delivery": delivery}) if task else "",
    )


def charts_of(scope: Scope, me: User) -> tuple[list[charts.Chart], dict[str, Any], dict[str, Any]]:
    """The charts that this person may see of a scope, with the figures of all and of the rounds they lead."""
    known = selectors.figures_over(scope.rounds)
    names = selectors.criterion_names(scope.rounds)
    if not known["all"]:
        return [], known, {}
    made = [
        findings.by_criterion(known, names),
        findings.bias_by_criterion(known, names),
        findings.by_delivery(known),
        findings.over_time(known),
    ]
    if (latest := with_random_part(scope.rounds)) is not None:
        made.append(
            findings.detection(
                latest.assurance["frame"],
                latest.assurance["read"],
                latest.policy["assurance.p_star"],
                where=f"{latest.delivery.title}, round {latest.number}",
            )
        )
    led = selectors.led_by(me)
    mine = [one for one in scope.rounds if one.delivery_id in led]
    people: dict[str, Any] = {}
    if mine:
        people = known if len(mine) == len(scope.rounds) else selectors.figures_over(mine)
        assessors = User.objects.filter(pk__in=people["by_assessor"])
        made.append(findings.by_assessor(people, {str(one.pk): one.name for one in assessors}))
    return made, known, people


def with_random_part(rounds: Iterable[ModerationRound]) -> ModerationRound | None:
    """The newest of these rounds of which a random part was read."""
    return next((one for one in rounds if one.assurance.get("read")), None)


@require_GET
@for_moderators
def agreement(request: HttpRequest) -> HttpResponse:
    """Figures of closed rounds. People by name for their lead only."""
    me = person(request)
    scope = scope_of(request, list(selectors.closed_rounds(me)))
    made, known, people = charts_of(scope, me) if scope.rounds else ([], {}, {})
    led = list(Delivery.objects.with_role(me, DeliveryRoleKind.LEAD_MODERATOR))
    names = selectors.criterion_names(scope.rounds)
    context = {
        "scope": scope,
        "charts": made,
        "known": known,
        "criteria": list(known.get("by_criterion", {}).items()),
        "tables": findings.level_tables(known, names) if made else [],
        "people": people_rows(people),
        "led": led,
        "watches": AssessorWatch.objects.current()
        .filter(delivery__in=led)
        .select_related("assessor", "delivery"),
    }
    return render(request, "moderation/agreement.html", context)


def people_rows(people: dict[str, Any]) -> list[tuple[str, Any]]:
    """Each assessor by name with the figures."""
    found = people.get("by_assessor", {})
    names = {str(one.pk): one.name for one in User.objects.filter(pk__in=found)}
    return [(names.get(key, "Somebody"), one) for key, one in found.items()]


@require_GET
@for_moderators
def table(request: HttpRequest, chart: str) -> HttpResponse:
    """One chart or level-by-level table as a file: the same rows as on the page, for the same eyes."""
    me = person(request)
    scope = scope_of(request, list(selectors.closed_rounds(me)))
    made, known, _people = charts_of(scope, me) if scope.rounds else ([], {}, {})
    files = {one.key: one.csv for one in made}
    if made:
        names = selectors.criterion_names(scope.rounds)
        tables = findings.level_tables(known, names)
        files |= {one["key"]: findings.level_table_csv(one) for one in tables}
    if chart not in files:
        raise Http404
    return csv_file(files[chart], f"agreement-{chart}")


@dataclass(frozen=True)
class OwnFigures:
    """What somebody sees of their own reading: figures, charts, and where they stand beside the others."""

    scope: Scope
    known: dict[str, Any]
    plots: list[charts.Chart]
    own: Own | None


def own_figures(request: HttpRequest) -> OwnFigures:
    """Of the person who asks, and of nobody else; 404 without any part in reading."""
    me = person(request)
    rounds = list(selectors.rounds_with(me)[:LIMIT])
    reads = (DeliveryRoleKind.ASSESSOR, *MODERATORS)
    if not rounds and not me.delivery_roles.filter(role__in=reads).exists():
        raise Http404
    scope = scope_of(request, rounds)
    known = selectors.figures_over(scope.rounds, only=me) if scope.rounds else {}
    made: list[charts.Chart] = []
    if known.get("all"):
        names = selectors.criterion_names(scope.rounds)
        made = [
            findings.by_criterion(known, names, whose="you"),
            findings.bias_by_criterion(known, names),
        ]
    return OwnFigures(scope, known, made, own_standing(scope.task_key, me))


@require_GET
@login_required
def own_agreement(request: HttpRequest) -> HttpResponse:
    """How others judged the same work as oneself, as assessor or as moderator. For the person alone."""
    found = own_figures(request)
    context = {
        "scope": found.scope,
        "charts": found.plots,
        "known": found.known,
        "criteria": list(found.known.get("by_criterion", {}).items()),
        "own": found.own,
    }
    return render(request, "moderation/own_agreement.html", context)


@require_GET
@login_required
def own_table(request: HttpRequest, chart: str) -> HttpResponse:
    """One of one's own charts as a file: the same rows as on the page."""
    found = own_figures(request)
    made = [*found.plots, *(found.own.charts if found.own else ())]
    files = {one.key: one.csv for one in made}
    if chart not in files:
        raise Http404
    return csv_file(files[chart], f"agreement-{chart}")
