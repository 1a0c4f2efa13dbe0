"""Asking somebody senior to read one's feedback, and reading it for somebody."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.views import person
from assessment import rules
from assessment.actions.reviewing import (
    answer_review,
    ask_about_result,
    ask_review,
    last_day_to_ask,
    take_review,
)
from assessment.forms.reviews import LearnerReviewForm, ReviewAnswerForm, ReviewForm
from assessment.models import FeedbackReview
from assessment.selectors import judgements_of
from assessment.selectors.reviews import own_reviews
from assessment.views.marking import facts
from assessment.views.shared import filters_of, for_marking, with_filters
from portfolios.models import Submission
from portfolios.rules import is_learner
from workflows.actions import open_once
from workflows.exceptions import NotPermitted, TransitionRefused
from workflows.views import refusal, step_view


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def ask(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What one asked about the own decision, with the answers, and a form to ask."""
    submission = for_marking(request, pk)
    me = person(request)
    asked = own_reviews(submission, me)
    may = rules.may_ask_review(submission, me)
    if not may and not asked:
        raise PermissionDenied("Only whoever has a decision on it asks about its feedback.")
    form = ReviewForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            ask_review(submission, actor=me, question=form.cleaned_data["question"])
        except NotPermitted as error:
            raise PermissionDenied(str(error)) from error
        messages.success(request, "The lead moderators are asked. You will be told of the answer.")
        return redirect(with_filters("assessment:ask_review", filters_of(request), pk))
    context = {
        **facts(request, submission),
        "asked": asked,
        "form": form,
        "may": may and all(one.answered_at for one in asked),
    }
    return render(
        request, "assessment/ask_review.html", context, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def about_result(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What a learner asked about the feedback of a released result, with the answers, and a form to ask."""
    me = person(request)
    seen = Submission.objects.visible_to(me).select_related("delivery__version", "task", "learner")
    submission: Submission = get_object_or_404(seen, pk=pk)
    if not is_learner(submission, me):
        raise PermissionDenied("Only the learner asks about the feedback here.")
    if not rules.may_ask_about_result(submission, me):
        raise Http404
    asked = own_reviews(submission, me)
    until = last_day_to_ask(submission)
    may = until is not None and timezone.now() <= until
    form = LearnerReviewForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            ask_about_result(submission, actor=me, question=form.cleaned_data["question"])
        except TransitionRefused as refused:
            return refusal(request, refused, "", {})
        messages.success(request, "Somebody senior is asked. You will be told of the answer.")
        return redirect("assessment:about_result", pk)
    context = {
        "submission": submission,
        "asked": asked,
        "form": form,
        "may": may and all(one.answered_at for one in asked),
        "until": until,
    }
    return render(
        request, "assessment/about_result.html", context, status=422 if form.errors else 200
    )


def review_or_404(request: HttpRequest, pk: UUID) -> FeedbackReview:
    rows = FeedbackReview.objects.visible_to(person(request)).select_related(
        "submission__task",
        "submission__delivery__version",
        "submission__learner",
        "decision",
        "asked_by",
        "taken_by",
    )
    found: FeedbackReview = get_object_or_404(rows, pk=pk)
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The question; for whoever took it also the decision as it is now, and the form for the answer."""
    found = review_or_404(request, pk)
    me = person(request)
    mine = found.taken_by_id == me.pk
    form = ReviewAnswerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and not mine:
        raise PermissionDenied("Take it first; only whoever took it answers.")
    if form.is_valid():
        try:
            answer_review(found, actor=me, answer=form.cleaned_data["answer"])
        except TransitionRefused as refused:
            return refusal(request, refused, "", {})
        messages.success(request, f"{found.asker} is told that you answered.")
        return redirect("assessment:review", pk)
    if mine:
        open_once(found.decision, actor=me, purpose=found.purpose)
    context = {
        "review": found,
        "submission": found.submission,
        "mine": mine,
        "judgements": judgements_of(found.decision) if mine else [],
        "form": form,
        "may_take": found.taken_by_id is None and rules.may_take_review(found, me),
    }
    return render(request, "assessment/review.html", context, status=422 if form.errors else 200)


@require_POST
@step_view()
def take(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the request, which opens the decision."""
    take_review(review_or_404(request, pk), actor=person(request))
    return redirect("assessment:review", pk)
