"""The learner's result, asking for a fresh look, and the credential."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.views import person
from assessment.selectors import author_of_result
from assessment.selectors.comments import learner_comments
from awards import selectors
from awards.actions.reconsideration import request_reconsideration
from awards.forms import GroundsForm
from awards.models import Credential
from awards.views.answers import Refused, allow, attempt, page
from portfolios.enums import LEARNER_LABELS
from portfolios.models import Submission
from portfolios.rules import is_learner

form_methods = require_http_methods(["GET", "HEAD", "POST"])


def own_submission(request: HttpRequest, pk: UUID) -> Submission:
    """The learner's own attempt: 404 where not visible, 403 for staff who see it."""
    user = person(request)
    found: Submission = get_object_or_404(
        Submission.objects.visible_to(user).select_related(
            "delivery__version__micro_credential", "task", "portfolio"
        ),
        pk=pk,
    )
    allow(is_learner(found, user), _("Only the learner reads the result here."))
    return found


@require_safe
@login_required
def result(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Before release: where the work is, and nothing of any decision. After it: the result."""
    submission = own_submission(request, pk)
    found = selectors.result_for(submission, person(request))
    context: dict[str, Any] = {"submission": submission, "result": found}
    if found is None:
        context["label"] = LEARNER_LABELS[submission.state]
        context["news_at"] = selectors.announced_for(submission)
        return page(request, "awards/result_waiting_learner.html", context)
    comments = learner_comments(submission, person(request))
    context["comments"] = comments
    timed = {one.evidence for one in comments if one.entry.starts_ms is not None}
    context["recordings"] = sorted(timed)
    if not submission.hides("assessor"):
        context["assessor"] = author_of_result(submission)
    return page(request, "awards/result_learner.html", context)


@form_methods
@login_required
def reconsider(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask for reconsideration; ends on a page that says what happens next."""
    user = person(request)
    submission = own_submission(request, pk)
    found = selectors.result_for(submission, user)
    if found is None:
        return redirect("awards:result", submission.pk)
    form = GroundsForm(request.POST if request.method == "POST" else None)
    refusal: Refused = None
    if request.method == "POST" and form.is_valid():
        made, refusal = attempt(
            lambda: request_reconsideration(
                submission, actor=user, grounds=form.cleaned_data["grounds"]
            )
        )
        if made is not None:
            return redirect("awards:reconsidered", submission.pk)
    context = {"submission": submission, "result": found}
    return page(request, "awards/reconsider_learner.html", context, form=form, refusal=refusal)


@require_safe
@login_required
def reconsidered(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The page on which asking ends."""
    submission = own_submission(request, pk)
    found = selectors.result_for(submission, person(request))
    if found is None or found.reconsideration is None:
        return redirect("awards:result", submission.pk)
    context = {"submission": submission, "result": found}
    return page(request, "awards/reconsidered_learner.html", context)


@require_safe
@login_required
def credential(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The learner's credential with its claims and the address to show to others."""
    found = get_object_or_404(
        Credential.objects.visible_to(person(request)).select_related(
            "submission__learner", "submission__delivery__version__micro_credential__provider"
        ),
        pk=pk,
    )
    context = {"credential": found, "address": selectors.check_address(found)}
    return page(request, "awards/credential_learner.html", context)
