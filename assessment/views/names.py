"""Names shown in spite of anonymous marking, each time noted."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from assessment.actions.revealing import reveal_assessor, reveal_learner
from assessment.views.shared import for_marking, person
from portfolios.models import Submission
from portfolios.rules import is_learner
from workflows.views import step_view


@step_view()
def learner(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Whose work it is, for those who marked it from release on, and for those who allocate it."""
    submission = for_marking(request, pk)
    reason = request.POST.get("reason", "")[:200]
    name = reveal_learner(submission, actor=person(request), reason=reason)
    context = {"submission": submission, "name": name, "title": "Whose work it is"}
    return render(request, "assessment/revealed.html", context)


@step_view()
def assessor(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who gave the result, for its learner from release on."""
    seen = Submission.objects.visible_to(person(request)).select_related("delivery")
    submission: Submission = get_object_or_404(seen, pk=pk)
    if not is_learner(submission, person(request)):
        raise PermissionDenied("Only the learner asks this here.")
    name = reveal_assessor(submission, actor=person(request))
    context = {"submission": submission, "name": name, "title": "Who assessed your work"}
    return render(request, "assessment/revealed.html", context)
