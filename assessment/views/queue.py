"""Home, queue, and taking work from the pool."""

from collections.abc import Callable
from functools import wraps
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
from assessment import rules
from assessment.actions.allocation import claim_next
from assessment.actions.marking import start_assessment
from assessment.enums import WORK_STATES
from assessment.selectors.early import to_answer
from assessment.selectors.filters import DUE, FEWEST, FLAGGED, ROWS, WHOSE, Filters
from assessment.selectors.queue import Queue, next_for, queue_for
from assessment.selectors.reviews import waiting_reviews
from assessment.selectors.standing import count_parts, standing_of
from assessment.views.shared import filters_of, person, with_filters
from catalogue.models import Criterion
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from workflows.exceptions import TransitionRefused
from workflows.views import step_view

View = Callable[..., HttpResponse]


def for_assessors(view: View) -> View:
    """Signed in, and with a part in marking somewhere."""

    @login_required
    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not rules.works_here(person(request)):
            raise PermissionDenied("This is for people who mark or allocate work.")
        return view(request, *args, **kwargs)

    return asked


@require_safe
@for_assessors
def home(request: HttpRequest) -> HttpResponse:
    """What to do next, what else waits, and the pool."""
    me = person(request)
    card, rows = next_for(me)
    standing = standing_of(me)
    pool = count_parts(standing, Filters())["all_pool"]
    shown = {
        "title": card.title,
        "text": card.text,
        "action": card.action,
        "url": reverse("assessment:workspace", args=[card.submission]) if card.submission else "",
    }
    led = [one for one in standing.deliveries if one.is_led]
    context = {
        "card": shown,
        "rows": rows,
        "pool": pool,
        "led": led,
        "early": to_answer(me),
        "reviews": waiting_reviews(me) if led else [],
    }
    return render(request, "assessment/home.html", context)


@require_safe
@for_assessors
def queue(request: HttpRequest) -> HttpResponse:
    """Everything that waits, filtered by the address."""
    found = queue_for(person(request), filters_of(request), request.GET.get("page"))
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
    # As plain dictionaries: a template asks an object for an item first, and for fifty rows that shows.
    rows = [vars(row) for row in found.rows]
    keys = keys_of(person(request).shortcuts)
    context = {
        "queue": found,
        "rows": rows,
        "selects": selects,
        "first": next((one.pk for one in found.rows if one.is_mine), None),
        "keys": keys,
        "lines": keys.lines("queue"),
    }
    return render(request, "assessment/queue.html", context)


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
    wanted = request.POST.get("submission", "")
    taken = claim_next(
        actor=person(request),
        delivery=UUID(filters.delivery) if filters.delivery else None,
        task=UUID(filters.task) if filters.task else None,
        only=_key(wanted),
    )
    if taken is None:
        messages.info(request, "There is nothing in the pool that you may take.")
        return redirect(with_filters("assessment:queue", filters))
    return opened(request, taken, filters)


def _key(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def opened(request: HttpRequest, submission: Submission, filters: Filters) -> HttpResponse:
    """Open the workspace of work that is the person's own; where that is refused its page says why."""
    try:
        start_assessment(submission, actor=person(request))
    except TransitionRefused as error:
        messages.warning(request, " ".join([str(error.headline), *error.reasons]))
    return redirect(with_filters("assessment:workspace", filters, submission.pk))
