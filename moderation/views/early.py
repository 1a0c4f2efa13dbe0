"""The early check: reading the first decisions on a new task before marking goes on."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.views import person
from assessment.actions.early import (
    ask_for_early_changes,
    begin_reading,
    pass_early_check,
    record_reading,
)
from assessment.exceptions import EarlyNoteNeeded
from assessment.models import EarlyCheck
from assessment.rules import reads_early
from assessment.selectors import judgements_of
from assessment.selectors.early import DecidedPlace, decided_places, reader_left
from moderation.forms import EarlyReadingForm, EarlyVerdictForm
from moderation.selectors import evidence_in_place
from moderation.views.shared import answered, for_moderators
from workflows.actions import open_record

NOTE = "Say why: there are fewer decisions than planned, or somebody had a concern."


def check_or_404(request: HttpRequest, pk: UUID) -> EarlyCheck:
    """A check of a delivery that the person moderates."""
    rows = EarlyCheck.objects.visible_to(person(request)).select_related(
        "delivery__version__author", "task", "passed_by"
    )
    found: EarlyCheck = get_object_or_404(rows, pk=pk)
    return found


@require_http_methods(["GET", "POST"])
@for_moderators
def early_check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is there to read, and whether marking goes on."""
    check = check_or_404(request, pk)
    me = person(request)
    changes = request.POST.get("verdict") == "changes"
    form = EarlyVerdictForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        act = ask_for_early_changes if changes else pass_early_check
        try:
            act(check, actor=me, note=form.cleaned_data["note"])
        except EarlyNoteNeeded:
            form.add_error("note", "Say what has to change." if changes else NOTE)
        else:
            said = "The assessors know what has to change." if changes else "Marking goes on."
            messages.success(request, said)
            return redirect("moderation:early_check", pk=check.pk)
    places = decided_places(check)
    context = {
        "check": check,
        "places": places,
        "opened": check.places.count(),
        "verdicts": check.verdicts.select_related("moderator").order_by("-at"),
        "form": form,
        "may_read": check.passed_at is None and reads_early(check, me),
        "all_read": bool(places) and all(one.is_read for one in places),
        "waits": any(one.waits_for_answer for one in places),
    }
    return render(request, "moderation/early_check.html", context, status=answered(form))


@require_http_methods(["GET", "POST"])
@for_moderators
def early_reading(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """One of the first decisions beside its evidence. Opening it is a step of its own and is recorded."""
    check = check_or_404(request, pk)
    me = person(request)
    found = place_numbered(check, number)
    if request.method == "POST" and "start" in request.POST:
        begin_reading(found.place, actor=me)
        return redirect("moderation:early_reading", pk=check.pk, number=number)
    if reader_left(found.place, me) is None:
        if request.method == "POST" or not reads_early(check, me):
            raise PermissionDenied("Only moderators who marked none of this work read it.")
        return redirect("moderation:early_check", pk=check.pk)
    form = EarlyReadingForm(request.POST or None, initial={"decision": found.decision.pk})
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["decision"] != found.decision.pk:
            reasons = ["The decision has changed since you opened it. Read it again."]
            return render(request, "errors/409.html", {"reasons": reasons}, status=409)
        record_reading(
            found.place,
            found.decision,
            actor=me,
            is_sound=form.cleaned_data["is_sound"] == form.YES,
            sent_back=form.cleaned_data["is_sound"] == form.BACK,
            note=form.cleaned_data["note"],
        )
        return redirect("moderation:early_check", pk=check.pk)
    open_record(found.decision, actor=me, purpose="Early check")
    judgements = judgements_of(found.decision)
    prefetch_related_objects(judgements, "pointers")
    context = {
        "check": check,
        "found": found,
        "judgements": judgements,
        "evidence": evidence_in_place(found.place.submission),
        "form": form,
    }
    return render(request, "moderation/early_reading.html", context, status=answered(form))


def place_numbered(check: EarlyCheck, number: int) -> DecidedPlace:
    """The place with its decision; 404 where nothing is decided there."""
    for one in decided_places(check):
        if one.place.number == number:
            return one
    raise Http404
