"""The learner's home, task list, outcomes, reflections and map."""

import uuid
from collections import defaultdict
from typing import Any

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.views import person
from catalogue.models import Criterion
from portfolios.actions.drafting import (
    map_evidence,
    save_reflection,
    unmap_evidence,
)
from portfolios.enums import EvidenceState
from portfolios.forms import ReflectionForm
from portfolios.models import Portfolio, Reflection
from portfolios.selectors import CriterionRow, home_of, library, progress_of
from portfolios.selectors.evidence import standing_of
from portfolios.selectors.viewing import views_of
from portfolios.views.shared import KEPT, kept_initial, own_portfolio, signed_in
from workflows.exceptions import StaleVersion
from workflows.words import clock


@require_safe
@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """What should I do next?"""
    return render(request, "portfolios/home.html", {"home": home_of(person(request))})


@require_safe
@signed_in
def portfolio(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The task list, by outcome."""
    found = own_portfolio(request, pk)
    progress = progress_of(found)
    return render(
        request,
        "portfolios/portfolio.html",
        {
            "portfolio": found,
            "progress": progress,
            "delivery": found.enrolment.delivery,
            "is_overdue": timezone.now() > found.due_at,
        },
    )


@require_safe
@signed_in
def brief(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What you need to show: outcomes, criteria, levels, dates. Made to be printed too."""
    found = own_portfolio(request, pk)
    outcomes = progress_of(found).outcomes
    criteria = [row.criterion for one in outcomes for row in one.criteria]
    prefetch_related_objects(criteria, "levels")
    return render(
        request,
        "portfolios/brief.html",
        {"portfolio": found, "delivery": found.enrolment.delivery, "outcomes": outcomes},
    )


@require_safe
@signed_in
def outcome(request: HttpRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """One outcome, criterion by criterion: what is asked, what is attached, the learner's own words."""
    found = own_portfolio(request, pk)
    progress = progress_of(found)
    row = next((one for one in progress.outcomes if one.outcome.number == number), None)
    if row is None:
        raise Http404
    later = [one for one in progress.not_ready if one.outcome.number != number]
    return render(
        request,
        "portfolios/outcome.html",
        {
            "portfolio": found,
            "row": row,
            "criteria": [(one, reflection_form(request, found, one)) for one in row.criteria],
            "editable": progress.is_open,
            "next_row": next((one for one in later if one.outcome.number > number), None)
            or (later[0] if later else None),
        },
    )


def reflection_form(request: HttpRequest, found: Portfolio, row: CriterionRow) -> ReflectionForm:
    """The form of one criterion, with the words that outlived a lost session where there are any."""
    path = reverse("portfolios:reflect", args=[found.pk, row.criterion.pk])
    said = row.reflection
    initial: dict[str, Any] = {
        "text": said.text if said else "",
        "version": said.version if said else 0,
    }
    if request.session.get(KEPT, {}).get("path") == path:
        initial |= kept_initial(request, path)
    return ReflectionForm(initial=initial, auto_id=f"id_{row.criterion.code}_%s")


@require_http_methods(["GET", "POST"])
@signed_in
def reflect(request: HttpRequest, pk: uuid.UUID, criterion: uuid.UUID) -> HttpResponse:
    """Save the words on one criterion, as typed (JSON) or by the button. A conflict shows both versions."""
    found = own_portfolio(request, pk)
    asked: Criterion = get_object_or_404(
        Criterion.objects.select_related("outcome").filter(rubric__task=found.task_id),
        pk=criterion,
    )
    back = reverse("portfolios:outcome", args=[found.pk, asked.outcome.number])
    if request.method == "GET":
        return redirect(f"{back}#{asked.code}")
    typed = request.headers.get("X-Requested-With") == "autosave"
    form = ReflectionForm(request.POST)
    if not form.is_valid():
        errors = [str(text) for found_errors in form.errors.values() for text in found_errors]
        if typed:
            return JsonResponse({"errors": errors}, status=422)
        context = {"form": form, "criterion": asked, "portfolio": found, "back": back}
        return render(request, "portfolios/reflection.html", context, status=422)
    try:
        saved = save_reflection(
            found,
            asked,
            actor=person(request),
            text=form.cleaned_data["text"],
            seen_version=form.cleaned_data["version"],
        )
    except StaleVersion as conflict:
        theirs: Reflection = conflict.theirs
        if typed:
            answer = {"version": theirs.version, "theirs": {"text": theirs.text}}
            return JsonResponse(answer, status=409)
        context = {
            "criterion": asked,
            "portfolio": found,
            "back": back,
            "mine": conflict.mine,
            "theirs": theirs,
            "combined": f"{theirs.text}\n\n{conflict.mine}",
        }
        return render(request, "portfolios/two_versions.html", context, status=409)
    if typed:
        at = clock(saved.saved_at.astimezone(found.enrolment.delivery.zone))
        return JsonResponse({"version": saved.version, "saved_at": at})
    messages.success(request, f"Saved your reflection on {asked}.")
    return redirect(f"{back}#{asked.code}")


@require_http_methods(["GET", "POST"])
@signed_in
def evidence_map(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """All evidence against all criteria: a table where there is room, a list by criterion otherwise."""
    found = own_portfolio(request, pk)
    progress = progress_of(found)
    learner = person(request)
    items = [one for one in library(learner) if one.state != EvidenceState.QUARANTINED]
    rows = [row for outcome_row in progress.outcomes for row in outcome_row.criteria]
    have = {(mapping.evidence_id, row.criterion.pk) for row in rows for mapping in row.mappings}
    if request.method == "POST":
        wanted = set(request.POST.getlist("supports"))
        seen = set(request.POST.getlist("shown"))
        changed = 0
        for row in rows:
            for item in items:
                pair = f"{item.pk}:{row.criterion.pk}"
                held = (item.pk, row.criterion.pk) in have
                if row.locked or pair not in seen or (pair in wanted) == held:
                    continue
                if pair in wanted:
                    map_evidence(found, item, row.criterion, actor=learner)
                else:
                    unmap_evidence(found, item, row.criterion, actor=learner)
                changed += 1
        words = {0: "Nothing was changed.", 1: "One change saved."}
        messages.success(request, words.get(changed, f"{changed} changes saved."))
        return redirect(request.get_full_path())
    layout = {"criterion": "list", "rules": "rules"}.get(request.GET.get("by", ""), "table")
    standings = []
    if layout == "rules":
        standings = standing_of(found, progress, views_of(items))
    counts: dict[Any, int] = defaultdict(int)
    for _item, criterion_id in have:
        counts[criterion_id] += 1
    table = [
        (
            item,
            [
                (row, f"{item.pk}:{row.criterion.pk}", (item.pk, row.criterion.pk) in have)
                for row in rows
            ],
            sum((item.pk, row.criterion.pk) in have for row in rows),
        )
        for item in items
    ]
    by_criterion = [
        (
            row,
            [
                (item, f"{item.pk}:{row.criterion.pk}", (item.pk, row.criterion.pk) in have)
                for item in items
            ],
            counts[row.criterion.pk],
        )
        for row in rows
    ]
    return render(
        request,
        "portfolios/map.html",
        {
            "portfolio": found,
            "editable": progress.is_open,
            "rows": rows,
            "table": table,
            "by_criterion": by_criterion,
            "counts": [(row, counts[row.criterion.pk]) for row in rows],
            "layout": layout,
            "standings": standings,
        },
    )


@require_POST
@signed_in
def unmap(
    request: HttpRequest, pk: uuid.UUID, criterion: uuid.UUID, evidence: uuid.UUID
) -> HttpResponse:
    """Take evidence off one criterion; it stays in the library."""
    found = own_portfolio(request, pk)
    asked = get_object_or_404(
        Criterion.objects.select_related("outcome").filter(rubric__task=found.task_id),
        pk=criterion,
    )
    item = get_object_or_404(person(request).evidence.all(), pk=evidence)
    unmap_evidence(found, item, asked, actor=person(request))
    messages.success(
        request, f"“{item.title}” no longer supports {asked}. It is still in your evidence."
    )
    return redirect("portfolios:outcome", found.pk, asked.outcome.number)
