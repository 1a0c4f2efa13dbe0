"""What moderators ask of assessors before marking on a new task goes on, and the assessors' answers."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.views import person
from assessment.actions.early import answer_early
from assessment.enums import EarlyVerdictKind
from assessment.forms.marking import EarlyAnswerForm
from assessment.models import EarlyCheck
from assessment.selectors.early import evidence_open_to, sent_back_to, with_judgements
from assessment.views.queue import for_assessors
from workflows.exceptions import StaleState
from workflows.forms import whole_number
from workflows.views import refusal


@require_http_methods(["GET", "POST"])
@for_assessors
def early_check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What has to change, and one's own decisions that were sent back, each with its answer or the form."""
    me = person(request)
    rows = EarlyCheck.objects.answered_by(me).select_related("delivery", "task")
    check: EarlyCheck = get_object_or_404(rows, pk=pk)
    asked = with_judgements(sent_back_to(me).filter(place__check_of=check))
    sent = whole_number(request.POST.get("reading", ""))
    forms = {
        one.pk: EarlyAnswerForm(request.POST if one.pk == sent else None, prefix=f"answer-{one.pk}")
        for one, _judgements in asked
        if not hasattr(one, "answer") and check.passed_at is None
    }
    if request.method == "POST":
        reading = get_object_or_404(sent_back_to(me).filter(place__check_of=check), pk=sent)
        form = forms.get(reading.pk) or EarlyAnswerForm(request.POST, prefix=f"answer-{reading.pk}")
        if form.is_valid():
            try:
                answer_early(
                    reading,
                    actor=me,
                    would_change=form.cleaned_data["would_change"] == "yes",
                    text=form.cleaned_data["text"],
                )
            except StaleState as stale:
                return refusal(request, stale, "", {})
            messages.success(request, "The moderators read your answer before marking goes on.")
            return redirect("assessment:early_check", pk=check.pk)
    pins = evidence_open_to(me, [one.place.submission_id for one, _judgements in asked])
    failed = next((one for one in forms.values() if one.errors), None)
    context = {
        "check": check,
        "changes": check.verdicts.filter(kind=EarlyVerdictKind.CHANGES_ASKED).order_by("-at"),
        "asked": [
            (one, forms.get(one.pk), judgements, pins.get(one.place.submission_id, []))
            for one, judgements in asked
        ],
        "failed": failed,
    }
    return render(request, "assessment/early_check.html", context, status=422 if failed else 200)
