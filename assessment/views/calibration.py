"""Calibration: where one stands, marking agreed work blind, and both levels beside each other."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.views import person
from assessment import rules
from assessment.actions.calibration import (
    begin_calibration,
    mark_exemplar,
    waive_calibration,
)
from assessment.exceptions import CalibrationRefused
from assessment.forms.exemplars import WaiverForm
from assessment.models import CalibrationAttempt, CalibrationItem
from assessment.models.calibration import rule_values
from assessment.selectors.calibration import compared, led_standings, next_item, own_standings
from assessment.selectors.seeds import told_to
from assessment.views.queue import for_assessors
from catalogue.enums import DeliveryRoleKind
from catalogue.models import AssessmentTask, Criterion, DeliveryRole, Level
from portfolios.views.evidence import Handed, hand_out
from workflows.exceptions import NotPermitted, StaleState
from workflows.forms import key_of


@require_safe
@for_assessors
def home(request: HttpRequest) -> HttpResponse:
    """Own calibrations by task, and for lead moderators those of their assessors."""
    me = person(request)
    context = {"own": own_standings(me), "led": led_standings(me), "told": told_to(me)}
    return render(request, "assessment/calibration.html", context)


def task_or_404(request: HttpRequest, pk: UUID) -> AssessmentTask:
    """A task of a micro-credential in which the person assesses or leads moderation."""
    rows = AssessmentTask.objects.select_related(
        "rubric", "version__micro_credential", "version__grade_scheme"
    )
    found: AssessmentTask = get_object_or_404(rows, pk=pk)
    me = person(request)
    if not (rules.calibrates_on(found, me) or rules.keeps_exemplars(found, me)):
        raise Http404
    return found


@require_POST
@login_required
def begin(request: HttpRequest, task: UUID) -> HttpResponse:
    """Begin, or go on with what was begun."""
    found = task_or_404(request, task)
    try:
        attempt = begin_calibration(found, actor=person(request))
    except NotPermitted as refused:
        raise PermissionDenied("Only assessors calibrate.") from refused
    except CalibrationRefused as refused:
        return refusal(request, str(refused))
    return onward(attempt)


def refusal(request: HttpRequest, sentence: str) -> HttpResponse:
    """422 with the sentence, and the way back."""
    context = {
        "reasons": [sentence],
        "back_url": "/assess/calibration/",
        "back_text": "Calibration",
    }
    return render(request, "errors/422.html", context, status=422)


def onward(attempt: CalibrationAttempt) -> HttpResponse:
    """The next piece of work, or the result."""
    following = next_item(attempt)
    if following is None:
        return redirect("assessment:calibration_result", attempt.pk)
    return redirect("assessment:mark_exemplar", following.pk)


def item_or_404(request: HttpRequest, pk: UUID | int) -> CalibrationItem:
    """A piece of the person's own attempt, as long as they assess such work."""
    rows = CalibrationItem.objects.select_related(
        "exemplar", "attempt__task__rubric", "attempt__task__version__micro_credential"
    )
    me = person(request)
    found: CalibrationItem = get_object_or_404(rows, pk=pk, attempt__assessor=me)
    if not rules.calibrates_on(found.attempt.task, me):
        raise PermissionDenied("Only assessors calibrate.")
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def mark(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One exemplar beside the rubric. Nothing of the agreed levels, nor its title, is in the response."""
    item = item_or_404(request, pk)
    if item.marked_at is not None and request.method != "POST":
        return onward(item.attempt)
    criteria = list(
        Criterion.objects.filter(rubric=item.attempt.task.rubric)
        .prefetch_related(Prefetch("levels", Level.objects.order_by("rank")))
        .order_by("number")
    )
    levels = {one.pk: key_of(request.POST.get(f"level_{one.number}", "")) for one in criteria}
    reasons = {one.pk: request.POST.get(f"reason_{one.number}", "") for one in criteria}
    missing: list[str] = []
    if request.method == "POST":
        try:
            attempt = mark_exemplar(
                item,
                actor=person(request),
                levels={key: level for key, level in levels.items() if level is not None},
                reasons=reasons,
            )
        except CalibrationRefused as refused:
            missing = [str(refused)]
        except NotPermitted as refused:
            raise PermissionDenied("Only assessors calibrate.") from refused
        except StaleState:
            said = ["This piece is marked already. Its levels stay as they are."]
            late = {"reasons": said, "back_url": "/assess/calibration/"}
            return render(request, "errors/409.html", late, status=409)
        else:
            messages.success(request, f"Piece {item.number} is kept.")
            return onward(attempt)
    texts: dict[str, list[dict[str, str]]] = {}
    for one in item.exemplar.content:
        texts.setdefault(one["criterion"], []).append(one)
    context: dict[str, Any] = {
        "item": item,
        "count": item.attempt.items.count(),
        "general": texts.get("", []),
        "panels": [
            {
                "criterion": one,
                "texts": texts.get(one.code, []),
                "level": levels[one.pk],
                "reason": reasons[one.pk],
            }
            for one in criteria
        ],
        "files": list(item.exemplar.evidence.order_by("number")),
        "missing": missing,
    }
    return render(request, "assessment/mark_exemplar.html", context, status=422 if missing else 200)


@require_safe
@login_required
def evidence(request: HttpRequest, pk: UUID, number: int) -> Any:
    """A copy that belongs to the exemplar, under its neutral name."""
    item = item_or_404(request, pk)
    held = item.exemplar.evidence.select_related("item").filter(number=number).first()
    if held is None:
        raise Http404
    return hand_out(request, Handed.copy_of(held.item, number))


@require_safe
@login_required
def result(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Own levels beside the agreed ones with the reasons, once everything is marked."""
    rows = CalibrationAttempt.objects.visible_to(person(request)).select_related(
        "task__rubric", "task__version__micro_credential", "assessor"
    )
    attempt: CalibrationAttempt = get_object_or_404(rows, pk=pk)
    if attempt.concluded_at is None:
        return onward(attempt)
    context = {
        "attempt": attempt,
        "items": compared(attempt),
        "rule": rule_values(attempt.task),
        "is_own": attempt.assessor_id == person(request).pk,
    }
    return render(request, "assessment/calibration_result.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def waive(request: HttpRequest, task: UUID, assessor: UUID) -> HttpResponse:
    """A lead moderator lets an assessor mark without calibration, with the reason."""
    found = task_or_404(request, task)
    me = person(request)
    if not rules.keeps_exemplars(found, me) or me.pk == assessor:
        raise PermissionDenied("A lead moderator waives calibration, and nobody their own.")
    parts = DeliveryRole.objects.current().filter(
        role=DeliveryRoleKind.ASSESSOR,
        delivery__version__micro_credential=found.version.micro_credential_id,
    )
    who = get_object_or_404(User.objects.filter(pk__in=parts.values("user")), pk=assessor)
    form = WaiverForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        waive_calibration(found, who, actor=me, reason=form.cleaned_data["reason"])
        messages.success(request, f"{who.name} may mark {found.title} without calibration.")
        return redirect("assessment:calibration")
    context = {"task": found, "assessor": who, "form": form, "rule": rule_values(found)}
    return render(
        request, "assessment/waive_calibration.html", context, status=422 if form.errors else 200
    )
