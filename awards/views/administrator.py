"""Release pages, the cohort board, learner records and requests for more time."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.views import person
from awards import selectors
from awards.actions.release import cancel_release, release_now, schedule_release
from awards.forms import OnBehalfForm, ReleaseForm
from awards.models import Release
from awards.views.answers import Refused, allow, attempt, page, set_of
from catalogue.models import Delivery, Enrolment
from catalogue.rules import administers_anything, is_programme_administrator
from catalogue.selectors import NextStep, waits_for_administrators
from portfolios.actions.submission import DECLARATION, submit_portfolio
from portfolios.enums import SubmissionState
from portfolios.models import Portfolio
from portfolios.querysets import administered
from portfolios.selectors.expectation import PLANNED, Forecast, stays_of
from workflows.actions import open_record
from workflows.selectors import timeline_for

form_methods = require_http_methods(["GET", "HEAD", "POST"])

PAGE_SIZE = 50
ADMINISTRATORS_ONLY = "This page is for programme administrators of the delivery."


@require_safe
@login_required
def releases(request: HttpRequest) -> HttpResponse:
    """What waits to be released, what is scheduled, and what was done."""
    user = person(request)
    allow(administers_anything(user), _("This page is for programme administrators."))
    mine = list(Delivery.objects.administered_by(user))
    scheduled = list(
        Release.objects.visible_to(user).scheduled().select_related("delivery", "task")
    )
    planned = {(one.delivery_id, one.task_id) for one in scheduled}
    waiting = selectors.waiting_sets(mine, SubmissionState.RATIFIED)
    context = {
        "waiting": [one for one in waiting if (one.delivery.pk, one.task.pk) not in planned],
        "scheduled": scheduled,
        "done": Release.objects.visible_to(user)
        .exclude(done_at=None)
        .select_related("delivery", "task")[:20],
    }
    return page(request, "awards/releases_administrator.html", context)


@form_methods
@login_required
def release_set(request: HttpRequest, delivery: UUID, task: UUID) -> HttpResponse:
    """Who gets what and which messages go out; then now, or at a time."""
    user = person(request)
    found, its_task = set_of(user, delivery, task)
    allow(is_programme_administrator(user, found), _(ADMINISTRATORS_ONLY))
    form = ReleaseForm(request.POST if request.method == "POST" else None, delivery=found)
    refusal: Refused = None
    if request.method == "POST" and form.is_valid():
        now = form.cleaned_data["when"] == "now"

        def act() -> Release:
            if now:
                return release_now(found, its_task, actor=user)
            return schedule_release(found, its_task, actor=user, at=form.moment)

        made, refusal = attempt(act)
        if made is not None:
            return redirect("awards:release_report", made.pk)
    open_record(found, actor=user, purpose="Results that wait to be released")
    context = {
        "delivery": found,
        "task": its_task,
        "candidates": selectors.release_candidates(found, its_task),
        "scheduled": selectors.scheduled_release(found, its_task),
        "days": found.policy_value("reconsideration.days"),
    }
    return page(request, "awards/release_administrator.html", context, form=form, refusal=refusal)


@form_methods
@login_required
def release_report(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A release: scheduled (with a way back), done with what became of each result, or cancelled."""
    user = person(request)
    found = get_object_or_404(
        Release.objects.visible_to(user).select_related(
            "delivery__version__micro_credential", "task", "created_by"
        ),
        pk=pk,
    )
    refusal: Refused = None
    if request.method == "POST":
        done, refusal = attempt(lambda: cancel_release(found, actor=user))
        if done is not None:
            return redirect("awards:release_report", pk)
    context = {"release": found, "lines": selectors.report_lines(found.report)}
    return page(request, "awards/release_report_administrator.html", context, refusal=refusal)


def delivery_for(request: HttpRequest, pk: UUID) -> Delivery:
    """A delivery that the person sees and administers: 404, then 403."""
    user = person(request)
    found: Delivery = get_object_or_404(
        Delivery.objects.visible_to(user).select_related("version__micro_credential"), pk=pk
    )
    allow(is_programme_administrator(user, found), _(ADMINISTRATORS_ONLY))
    return found


@require_safe
@login_required
def board(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Learners and states of one delivery; filters stand in the address."""
    delivery = delivery_for(request, pk)
    found = selectors.board(delivery)
    filters = {
        "column": request.GET.get("state", ""),
        "attention": request.GET.get("attention", ""),
        "search": request.GET.get("q", "").strip()[:100],
    }
    rows = Paginator(found.filtered(**filters), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "delivery": delivery,
        "board": found,
        "filters": filters,
        "filter_label": selectors.COLUMNS.get(filters["column"])
        or selectors.ATTENTION.get(filters["attention"] or filters["column"], ""),
        "several_tasks": found.several_tasks,
        "rows": rows,
        "lines": [row.line for row in rows],
    }
    return page(request, "awards/board_administrator.html", context)


def enrolments_for(user: User) -> "QuerySet[Enrolment]":
    """Enrolments in deliveries that the person administers."""
    found: QuerySet[Enrolment] = Enrolment.objects.filter(
        administered(user, "delivery")
    ).select_related("learner", "employer", "delivery__version__micro_credential")
    return found


def record_page(
    request: HttpRequest, enrolment: Enrolment, form: Any = None, refusal: Refused = None
) -> HttpResponse:
    """The learner's record; also where a refused step comes back to."""
    found = selectors.learner_record(enrolment)
    delivery = enrolment.delivery
    calendar = delivery.calendar
    stays = stays_of(found.attempts, delivery, calendar)
    forecast = Forecast.of(delivery, calendar, {one.task_id for one in found.attempts})
    timeline = [
        (
            one,
            timeline_for(one),
            stays.get(one.pk, []),
            forecast.result(one.task_id, one.attempt, one.submitted_at)
            if one.state in PLANNED
            else None,
        )
        for one in found.attempts
    ]
    context = {"record": found, "enrolment": enrolment, "timeline": timeline}
    return page(request, "awards/learner_administrator.html", context, form=form, refusal=refusal)


@require_safe
@login_required
def learner(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Attempts, history, extensions and holds of one learner."""
    return record_page(request, get_object_or_404(enrolments_for(person(request)), pk=pk))


@form_methods
@login_required
def submit_on_behalf(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Submit a portfolio for its learner, with the reason; every guard holds as for the learner."""
    user = person(request)
    found = get_object_or_404(
        Portfolio.objects.visible_to(user).select_related(
            "task__version", "enrolment__learner", "enrolment__delivery__version__micro_credential"
        ),
        pk=pk,
    )
    allow(is_programme_administrator(user, found.enrolment.delivery), _(ADMINISTRATORS_ONLY))
    form = OnBehalfForm(
        request.POST if request.method == "POST" else None, initial={"key": uuid4().hex}
    )
    refusal: Refused = None
    if request.method == "POST" and form.is_valid():
        made, refusal = attempt(
            lambda: submit_portfolio(
                found,
                actor=user,
                key=form.cleaned_data["key"],
                declaration=str(DECLARATION),
                reason=form.cleaned_data["reason"],
            )
        )
        if made is not None:
            return redirect("awards:learner", found.enrolment_id)
    context = {"portfolio": found, "declaration": DECLARATION}
    return page(
        request, "awards/submit_on_behalf_administrator.html", context, form=form, refusal=refusal
    )


@waits_for_administrators(rank=30)
def results_to_release(user: User) -> list[NextStep]:
    """Ratified results that nobody has released or scheduled, set by set."""
    waiting = selectors.waiting_sets(
        Delivery.objects.administered_by(user), SubmissionState.RATIFIED
    )
    if not waiting:
        return []
    scheduled = Release.objects.visible_to(user).scheduled()
    planned = set(scheduled.values_list("delivery_id", "task_id"))
    return [
        NextStep(
            f"Release {one.count} {'result' if one.count == 1 else 'results'} of {one.task}",
            f"{one.delivery}. The ratifiers have signed.",
            "awards:release_set",
            (one.delivery.pk, one.task.pk),
            "Look at the results",
        )
        for one in waiting
        if (one.delivery.pk, one.task.pk) not in planned
    ]
