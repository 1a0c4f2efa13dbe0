"""Doing one thing to work that was chosen in the queue: looked at first, then done exactly so or not at all."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.views import person
from assessment import rules
from assessment.actions.chosen import extend_chosen, move_chosen, release_chosen
from assessment.actions.sharing import allocate_as_planned
from assessment.enums import Act
from assessment.forms.chosen import ActForm
from assessment.selectors import people_of
from assessment.selectors.chosen import MOST, chosen_work, lines_of
from assessment.selectors.filters import Filters
from assessment.selectors.queue import name_of
from assessment.views.queue import allowed
from assessment.views.shared import with_filters
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from portfolios.models import Submission
from workflows.exceptions import StaleState
from workflows.forms import key_of
from workflows.views import step_view

DONE = {
    Act.ALLOCATE: "{} allocated. Each assessor is told.",
    Act.MOVE: "{} moved. Each new assessor is told, and drafts are kept.",
    Act.RELEASE: "{} put back into the pool.",
    Act.EXTEND: "{} given more time. Whoever has the work is told.",
}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def chosen(request: HttpRequest) -> HttpResponse:
    """What the act would do to each of the rows. Nothing is written; many rows are too long for an address."""
    allowed(request)
    sent = request.POST if request.method == "POST" else request.GET
    filters, act, keys = Filters.read(sent), act_of(sent), rows_of(sent)
    if act is None or not keys:
        words = "Tick the submissions first" if act else "Choose what to do with them first"
        messages.warning(request, f"Nothing has been done. {words}, then press the button.")
        return redirect(with_filters("assessment:queue", filters))
    work = led_work(request, keys)
    by_delivery: dict[UUID, list[Submission]] = {}
    for one in work:
        by_delivery.setdefault(one.delivery_id, []).append(one)
    if len(by_delivery) > 1:
        return apart(request, act, filters, list(by_delivery.values()))
    form = form_of(work[0].delivery, act, sent if sent.get("asked") else None)
    return look(request, act, filters, work, form)


@step_view()
def chosen_done(request: HttpRequest) -> HttpResponse:
    """Do what was shown, or nothing where something has changed since."""
    allowed(request)
    filters, act = Filters.read(request.POST), act_of(request.POST)
    work = led_work(request, rows_of(request.POST))
    delivery = work[0].delivery
    form = form_of(delivery, act, request.POST) if act else None
    plan = request.POST.get("plan", "").split()
    same = all(one.delivery_id == delivery.pk for one in work)
    if act is None or form is None or not plan or not same or not form.is_valid():
        raise StaleState(instance=delivery)
    number = done(request, delivery, act, plan, form)
    count = "1 submission" if number == 1 else f"{number} submissions"
    messages.success(request, DONE[act].format(count))
    return redirect(with_filters("assessment:queue", filters))


def act_of(sent: QueryDict) -> Act | None:
    act = str(sent.get("act", ""))
    return Act(act) if act in Act.values else None


def rows_of(sent: QueryDict) -> list[str]:
    return list(dict.fromkeys(sent.getlist("chosen")))[:MOST]


def form_of(delivery: Delivery, act: Act, sent: QueryDict | None) -> ActForm:
    people = people_of(delivery, DeliveryRoleKind.ASSESSOR)
    return ActForm(sent, act=act, delivery=delivery, people=people)


def led_work(request: HttpRequest, keys: Sequence[str]) -> list[Submission]:
    """The chosen work: 404 where the person may not know of some of it, 403 where they do not allocate it."""
    wanted = [key_of(one) for one in keys]
    known = {one for one in wanted if one is not None}
    work = chosen_work(person(request), known)
    if None in wanted or not work or len(work) != len(known):
        raise Http404
    deliveries = {one.delivery_id: one.delivery for one in work}
    if not all(rules.may_allocate(one, person(request)) for one in deliveries.values()):
        raise PermissionDenied("Only programme administrators and lead moderators allocate work.")
    for one in work:
        one.delivery = deliveries[one.delivery_id]
    return work


def apart(
    request: HttpRequest, act: Act, filters: Filters, groups: list[list[Submission]]
) -> HttpResponse:
    """Work of several deliveries: their assessors and rules differ, so one after the other."""
    context = {"act": act, "filters": filters, "groups": groups}
    return render(request, "assessment/chosen_apart.html", context)


def look(
    request: HttpRequest, act: Act, filters: Filters, work: Sequence[Submission], form: ActForm
) -> HttpResponse:
    """A line for each piece of work, and a button that does exactly this once everything is said."""
    delivery, sure = work[0].delivery, form.is_valid()
    given: dict[str, Any] = {"to": form.chosen, "due_at": form.due_at} if sure else {}
    lines = lines_of(
        delivery,
        [one.pk for one in work],
        act,
        blind=rules.marks_blind(delivery, person(request)),
        **given,
    )
    able = [one for one in lines if one.token]
    needs_nothing = act in (Act.ALLOCATE, Act.RELEASE)
    context = {
        "act": act,
        "delivery": delivery,
        "filters": filters,
        "form": form,
        "lines": [{"line": one, "who": name_of(one.submission)} for one in lines],
        "count": len(able),
        "left": sum(1 for one in lines if one.problem),
        "due_at": given.get("due_at"),
        "plan": "\n".join(one.token for one in able) if sure or needs_nothing else "",
        "queue_url": with_filters("assessment:queue", filters),
    }
    status = 422 if form.errors else 200
    return render(request, "assessment/chosen.html", context, status=status)


def done(
    request: HttpRequest, delivery: Delivery, act: Act, plan: Sequence[str], form: ActForm
) -> int:
    """Do what the lines of the plan say. StaleState where they are not what was shown."""
    me = person(request)
    if act == Act.EXTEND:
        seen = [_date(delivery, one) for one in plan]
        if form.due_at is None:
            raise StaleState(instance=delivery)
        return extend_chosen(delivery, actor=me, seen=seen, due_at=form.due_at, reason=form.why)
    lines = [[key_of(part) for part in one.split(":")] for one in plan]
    if any(len(one) < 3 or one[0] is None for one in lines):
        raise StaleState(instance=delivery)
    if act == Act.RELEASE:
        held = [(one[0], [key for key in one[1:] if key]) for one in lines if one[0]]
        return release_chosen(delivery, actor=me, held=held)
    if act == Act.MOVE:
        moves = [(a, b, c) for a, b, c in (one[:3] for one in lines) if a and b and c]
        if len(moves) != len(lines):
            raise StaleState(instance=delivery)
        return move_chosen(delivery, actor=me, moves=moves, reason=form.why)
    pairs = [(a, b) for a, b in (one[:2] for one in lines) if a and b]
    if len(pairs) != len(lines):
        raise StaleState(instance=delivery)
    return allocate_as_planned(delivery, actor=me, previewed=pairs)


def _date(delivery: Delivery, token: str) -> tuple[UUID, dt.datetime | None]:
    key, _bar, moment = token.partition("|")
    found = key_of(key)
    try:
        had = dt.datetime.fromisoformat(moment) if moment else None
    except ValueError:
        found, had = None, None
    if found is None or (had is not None and had.tzinfo is None):
        raise StaleState(instance=delivery)
    return found, had
