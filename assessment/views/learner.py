"""What a learner reads of a referral."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.views import person
from assessment.selectors.workspace import referral_feedback as feedback_of
from assessment.views.shared import visible


@require_safe
@login_required
def referral_feedback(request: HttpRequest, pk: UUID) -> HttpResponse:
    """This referral's own feedback, at once: what is asked for, and by when. Nothing of any result."""
    submission = visible(request, pk)
    if submission.learner_id != person(request).pk:
        raise PermissionDenied("Only the learner reads this page.")
    found = feedback_of(submission, person(request))
    if found is None:
        raise Http404
    context = {"submission": submission, "feedback": found, "portfolio": submission.portfolio}
    return render(request, "assessment/referral_feedback.html", context)
