"""Home, queue, and taking work from the pool."""

from collections.abc import Callable
from functools import wraps
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.definitions import keys_of
from accounts.views import person
from assessment import rules
from assessment.actions.allocation import claim_next
from assessment.actions.marking import start_assessment
from assessment.actions.viewing import remove_view, show_first
from assessment.actions.viewing import save_view as keep_view
from assessment.enums import WORK_STATES, Act
from assessment.forms.chosen import SavedViewForm
from assessment.selectors.discussions import open_discussions
from assessment.selectors.early import to_answer
from assessment.selectors.filters import (
    DUE,
    FEWEST,
    FLAGGED,
    ROWS,
    WHOSE,
    Filters,
    saved_views,
)
from assessment.selectors.queue import Queue, name_of, next_for, queue_for
from assessment.selectors.reviews import waiting_reviews
from assessment.selectors.standing import Standing, standing_of, totals_of
from assessment.views.shared import filters_of, with_filters
from catalogue.models import Criterion
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from workflows.exceptions import TransitionRefused
from workflows.forms import key_of
from workflows.views import step_view

View = Callable[..., HttpResponse]


def for_assessors(view: View) -> View:
    """Signed in, and with a part in marking somewhere."""

    @login_required
    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        allowed(request)
        return view(request, *args, **kwargs)

    return asked


@require_safe
@for_assessors
def home(request: HttpRequest) -> HttpResponse:
    """What to do next, what else waits, and the pool."""
    me = person(request)
    card, rows = next_for(me)
    standing = standing_of(me)
    pool = totals_of(standing, "pool")["pool"]
    url = reverse("assessment:workspace", args=[card.submission]) if card.submission else ""
    if not url and card.action:
        url = reverse("assessment:calibration")
    shown = {"title": card.title, "text": card.text, "action": card.action, "url": url}
    led = [one for one in standing.deliveries if one.is_led]
    context = {
        "card": shown,
        "rows": rows,
        "pool": pool,
        "led": led,
        "early": to_answer(me),
        "discussions": [(one, name_of(one.submission)) for one in open_discussions(me)],
        "reviews": waiting_reviews(me) if led else [],
    }
    return render(request, "assessment/home.html", context)


@require_safe
@login_required
def queue(request: HttpRequest) -> HttpResponse:
    """Everything that waits, filtered by the address; without any, the view that the person wants first."""
    standing = standing_of(person(request))
    if not standing.works:
        allowed(request)
    views = saved_views(person(request).saved_views)
    first = next((one.filters for one in views if one.is_default), None)
    if first is not None and first.query and not request.GET:
        return redirect(with_filters("assessment:queue", first))
    return queue_page(request, filters_of(request), standing=standing)


def queue_page(
    request: HttpRequest,
    filters: Filters,
    form: SavedViewForm | None = None,
    standing: Standing | None = None,
) -> HttpResponse:
    """The queue itself; `form` is a name for the view that could not be kept."""
    found = queue_for(person(request), filters, request.GET.get("page"), standing=standing)
    views = saved_views(person(request).saved_views)
    states = [
        (str(one), one.label) for one in (*WORK_STATES, SubmissionState.UNDER_RECONSIDERATION)
    ]
    choices = [
        ("delivery", "Delivery", "All", found.deliveries),
        ("task", "Task", "All", found.tasks),
        ("state", "State", "All", states),
        ("attempt", "Attempt", "All", [(str(one), f"Attempt {one}") for one in range(1, 4)]),
        ("due", "Due", "All", list(DUE.items())),
        ("whose", "Whose", "All", list(WHOSE.items())),
        ("flagged", "Flagged", "All", list(FLAGGED.items())),
        ("rows", "Rows on a page", FEWEST, [(one, one) for one in ROWS]),
        ("criterion", "Mark", "All criteria", criteria_of(found)),
    ]
    selects = [
        (name, label, default, options, getattr(found.filters, name))
        for name, label, default, options in choices
    ]
    # As tuples: a template finds a name at once and the field of an object after two tries, fifty rows long.
    rows = [cells(row) for row in found.rows]
    keys = keys_of(person(request).shortcuts)
    context = {
        "queue": found,
        "rows": rows,
        "query": f"?{filters.query}" if filters.query else "",
        "selects": selects,
        "first": next((one.pk for one in found.rows if one.is_mine), None),
        "keys": keys,
        "lines": keys.lines("queue"),
        "views": views,
        "current_view": next((one for one in views if one.filters == found.filters), None),
        "view_form": form or SavedViewForm(views=views),
        "acts": Act.choices,
    }
    return render(request, "assessment/queue.html", context, status=422 if form else 200)


cells = attrgetter(
    "pk", "who", "reference", "task", "attempt", "submitted_at", "due_at", "zone", "why", "state",
    "opened_by", "allocated_to", "is_open", "is_claimable", "is_led", "is_flagged", "asked",
)  # fmt: skip


@step_view()
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep the filters of the page under a name of the person's own."""
    allowed(request)
    filters = Filters.read(request.POST)
    form = SavedViewForm(request.POST, views=saved_views(person(request).saved_views))
    if not form.is_valid():
        return queue_page(request, filters, form)
    given = form.cleaned_data
    keep_view(
        actor=person(request), name=given["name"], filters=filters, is_default=given["is_default"]
    )
    messages.success(request, f"Saved the view “{given['name']}”.")
    return shown(filters)


@step_view()
def change_view(request: HttpRequest) -> HttpResponse:
    """Show one's own view first or no longer, or forget it."""
    allowed(request)
    act, name = request.POST.get("act"), request.POST.get("name", "")
    if act == "remove":
        known = remove_view(actor=person(request), name=name)
    else:
        known = show_first(actor=person(request), name=name, first=act == "first")
    if not known:
        raise Http404
    messages.success(request, f"“{name}” is {CHANGED.get(str(act), CHANGED['later'])}.")
    return shown(Filters.read(request.POST))


CHANGED = {
    "remove": "removed",
    "first": "shown first from now on",
    "later": "no longer shown first",
}


def shown(filters: Filters) -> HttpResponse:
    """To the queue with just these filters, whatever is shown first."""
    return redirect(f"{reverse('assessment:queue')}?{filters.query or 'all=yes'}")


def allowed(request: HttpRequest) -> None:
    """403 for whoever marks and allocates nothing."""
    if not rules.works_here(person(request)):
        raise PermissionDenied("This is for people who mark or allocate work.")


def criteria_of(found: Queue) -> list[tuple[str, str]]:
    """The criteria of the task that was asked for, to mark one of them across learners."""
    if found.filters.task not in dict(found.tasks):
        return []
    rows = Criterion.objects.filter(rubric__task=UUID(found.filters.task)).order_by("number")
    words = {str(one.number): f"Only {one.code} {one.title}" for one in rows}
    return list(words.items())


@step_view()
def claim(request: HttpRequest) -> HttpResponse:
    """Take the most urgent work of the pool, or the one that was pressed. Nothing of it was shown before."""
    if not rules.works_here(person(request)):
        raise PermissionDenied("This is for people who mark work.")
    filters = Filters.read(request.POST)
    only = key_of(wanted := request.POST.get("submission", ""))
    if wanted and only is None:
        raise Http404
    taken = claim_next(
        actor=person(request),
        delivery=UUID(filters.delivery) if filters.delivery else None,
        task=UUID(filters.task) if filters.task else None,
        only=only,
    )
    if taken is None:
        messages.info(request, "There is nothing in the pool that you may take.")
        return redirect(with_filters("assessment:queue", filters))
    return opened(request, taken, filters)


def opened(request: HttpRequest, submission: Submission, filters: Filters) -> HttpResponse:
    """Open the workspace of work that is the person's own; where that is refused its page says why."""
    try:
        start_assessment(submission, actor=person(request))
    except TransitionRefused as error:
        messages.warning(request, " ".join([str(error.headline), *error.reasons]))
    return redirect(with_filters("assessment:workspace", filters, submission.pk))
