"""Two assessors who disagree talk about it, and the list of what was opened."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.views import person
from assessment import rules
from assessment.actions.discussing import end_discussion, say
from assessment.actions.double import open_other_decision
from assessment.enums import Stand
from assessment.forms.sharing import StandForm
from assessment.models import Discussion
from assessment.selectors import judgements_of
from assessment.selectors.discussions import latest_discussion, lines_of, openings_in
from assessment.selectors.queue import name_of
from assessment.views.shared import filters_of, for_marking, led_delivery, with_filters
from portfolios.models import Submission
from workflows.exceptions import TransitionRefused
from workflows.views import refusal, step_view


def discussion_or_404(submission: Submission) -> Discussion:
    found = latest_discussion(submission)
    if found is None:
        raise Http404
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def discussion(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What the two say, and what they want. For whoever allocates the work once it is moderated."""
    submission = for_marking(request, pk)
    me = person(request)
    filters = filters_of(request)
    found = discussion_or_404(submission)
    if not rules.may_read_discussion(found, me):
        raise PermissionDenied("Only the two assessors read what they say to each other.")
    speaks = found.own(me) is not None and found.concluded_at is None
    form = StandForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and found.own(me) is None:
        raise PermissionDenied("Only the two assessors decide here.")
    if form.is_valid():
        given = form.cleaned_data
        stand = Stand(given["stand"])
        try:
            found = say(found, actor=me, rationale=given["rationale"], stand=stand)
        except TransitionRefused as refused:
            return refusal(request, refused, "", {})
        messages.success(request, "Written down.")
        return redirect(with_filters("assessment:discussion", filters, pk))
    context = {
        "submission": submission,
        "who": name_of(submission),
        "discussion": found,
        "lines": lines_of(found, me),
        "speaks": speaks,
        "mine": found.own(me),
        "form": form,
        "filters": filters,
        "back_url": with_filters("assessment:workspace", filters, pk),
    }
    return render(
        request, "assessment/discussion.html", context, status=422 if form.errors else 200
    )


@step_view()
def other_decision(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The decision of the other of the two. Each opening is noted."""
    submission = for_marking(request, pk)
    filters = filters_of(request)
    decision = open_other_decision(discussion_or_404(submission), actor=person(request))
    context = {
        "submission": submission,
        "who": name_of(submission),
        "decision": decision,
        "judgements": judgements_of(decision),
        "back_url": with_filters("assessment:discussion", filters, pk),
    }
    return render(request, "assessment/other_decision.html", context)


@step_view()
def end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask an adjudicator although the two still talk."""
    submission = for_marking(request, pk)
    reason = request.POST.get("reason", "")
    end_discussion(discussion_or_404(submission), actor=person(request), reason=reason)
    messages.success(request, "An adjudicator is asked.")
    return redirect(with_filters("assessment:workspace", filters_of(request), pk))


@require_safe
@login_required
def openings(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Each time that somebody opened a decision that was not theirs, or saw a name, in one delivery."""
    found = led_delivery(request, delivery)
    context = {"delivery": found, "page": openings_in(found, request.GET.get("page"))}
    return render(request, "assessment/openings.html", context)
