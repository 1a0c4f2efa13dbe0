"""One piece of hidden agreed work beside what was agreed: for its lead, and for its assessor once told."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.views import person
from assessment.actions.seeding import withdraw_seed
from assessment.forms.seeds import WithdrawSeedForm
from assessment.models import Seed
from assessment.selectors.seeds import rows_of_seeds, rule_of, verdict_on
from workflows.actions import open_record
from workflows.exceptions import StaleState


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def seed(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Both levels with the reasons. A lead withdraws it here; that they opened the decision is recorded."""
    me = person(request)
    rows = Seed.objects.visible_to(me).select_related(
        "exemplar",
        "assessor",
        "submission",
        "withdrawal__by",
        "plan__delivery__version",
        "plan__task",
    )
    found: Seed = get_object_or_404(rows, pk=pk)
    is_own = found.assessor_id == me.pk
    form = WithdrawSeedForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and is_own:
        raise PermissionDenied("A lead moderator withdraws it.")
    if form.is_valid():
        try:
            withdraw_seed(found, actor=me, reason=form.cleaned_data["reason"])
        except StaleState:
            late = {
                "reasons": ["It is withdrawn already."],
                "back_url": request.path,
                "back_text": "The piece of work",
            }
            return render(request, "errors/409.html", late, status=409)
        messages.success(request, "Withdrawn. It counts no more.")
        return redirect("assessment:seed", pk)
    row = rows_of_seeds([found])[0]
    if row.decision is not None and not is_own:
        open_record(row.decision, actor=me, purpose="Hidden agreed work")
    context = {
        "seed": found,
        "row": row,
        "verdict": verdict_on([row], found.plan.task),
        "rule": rule_of(found.plan.task),
        "is_own": is_own,
        "form": form,
        "concerns": [] if is_own else list(found.submission.holds.order_by("opened_at")),
        "questions": []
        if is_own
        else list(found.submission.feedback_reviews.order_by("asked_at", "pk")),
    }
    return render(request, "assessment/seed.html", context, status=422 if form.errors else 200)
