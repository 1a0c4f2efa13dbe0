"""Standardisation meetings: the list, the record while it is written, signed, amended."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.views import person
from assessment.rules import uses_exemplars
from assessment.selectors.exemplars import tasks_kept_by
from catalogue.models import AssessmentTask
from moderation import actions, rules
from moderation.exceptions import MeetingIncomplete
from moderation.forms.meetings import AmendmentForm, MeetingActionForm, MeetingForm
from moderation.models import Meeting
from moderation.selectors.meetings import meetings_of
from moderation.views.shared import answered, for_moderators
from workflows.exceptions import NotPermitted, StaleState, StaleVersion
from workflows.forms import key_of, whole_number


@require_GET
@login_required
def meetings(request: HttpRequest) -> HttpResponse:
    """Records that the person may read, and for a lead moderator where to begin one."""
    me = person(request)
    if not uses_exemplars(me) and not meetings_of(me).exists():
        raise PermissionDenied("Records of meetings are for people who assess and moderate.")
    context = {"meetings": meetings_of(me)[:100], "tasks": tasks_kept_by(me)}
    return render(request, "moderation/meetings.html", context)


def meeting_or_404(request: HttpRequest, pk: UUID) -> Meeting:
    rows = Meeting.objects.visible_to(person(request)).select_related(
        "task__version__micro_credential", "made_by", "signed_by"
    )
    found: Meeting = get_object_or_404(rows, pk=pk)
    return found


@require_http_methods(["GET", "POST"])
@for_moderators
def new_meeting(request: HttpRequest, task: UUID) -> HttpResponse:
    """Begin the record of a meeting about a task."""
    me = person(request)
    rows = AssessmentTask.objects.filter(pk__in=tasks_kept_by(me).values("pk"))
    of: AssessmentTask = get_object_or_404(rows.select_related("version"), pk=task)
    form = MeetingForm(of, me, None, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        made = actions.record_meeting(of, form.minutes(), actor=me)
        return redirect("moderation:meeting", pk=made.pk)
    context = {"task": of, "form": form}
    return render(request, "moderation/meeting_form.html", context, status=answered(form))


@require_http_methods(["GET", "POST"])
@for_moderators
def change_meeting(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Rewrite a record that is not signed. What somebody else saved first is not overwritten unseen."""
    found, me = meeting_or_404(request, pk), person(request)
    if not rules.standardises(found.task, me):
        raise NotPermitted(instance=found)
    if found.is_signed:
        raise StaleState("This record was signed already.", instance=found)
    form = MeetingForm(found.task, me, found, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        seen = form.cleaned_data["version"] or 0
        try:
            actions.change_meeting(found, form.minutes(), actor=me, seen_version=seen)
        except StaleVersion as conflict:
            data = request.POST.copy()
            data["version"] = str(conflict.theirs.version)
            form.data = data
            form.add_error(
                None,
                "Somebody else changed this record meanwhile. Your words are still here;"
                " look at the record in another window before you save them.",
            )
            context = {"task": found.task, "form": form, "meeting": found}
            return render(request, "moderation/meeting_form.html", context, status=409)
        return redirect("moderation:meeting", pk=found.pk)
    context = {"task": found.task, "form": form, "meeting": found}
    return render(request, "moderation/meeting_form.html", context, status=answered(form))


@require_GET
@for_moderators
def meeting(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The record with its amendments; for the lead moderator what can be done with it."""
    return shown(request, meeting_or_404(request, pk))


def shown(
    request: HttpRequest,
    found: Meeting,
    *,
    amendment: AmendmentForm | None = None,
    asking: MeetingActionForm | None = None,
    missing: Sequence[str] = (),
) -> HttpResponse:
    me = person(request)
    keeps = rules.standardises(found.task, me)
    if asking is None and keeps and not found.is_signed:
        asking = MeetingActionForm(found, me)
    form = amendment or (asking if asking and asking.is_bound else AmendmentForm())
    context = {
        "meeting": found,
        "attendees": found.attendees.all(),
        "submissions": found.submissions.order_by("reference").defer("manifest"),
        "exemplars": found.exemplars.visible_to(me),
        "actions": found.required_actions.select_related("owner"),
        "visible_actions": set(found.required_actions.visible_to(me).values_list("pk", flat=True)),
        "amendments": found.amendments.select_related("made_by"),
        "keeps": keeps,
        "asking": asking,
        "amendment": amendment or AmendmentForm(),
        "form": form,
        "missing": missing,
    }
    wrong = missing or form.errors
    return render(request, "moderation/meeting.html", context, status=422 if wrong else 200)


@require_http_methods(["GET", "POST"])
@for_moderators
def sign_meeting(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stand for the record as it was shown. Whoever reloads the answer sees the record."""
    found = meeting_or_404(request, pk)
    if request.method == "GET":
        return shown(request, found)
    seen = whole_number(request.POST.get("version", "")) or 0
    try:
        actions.sign_meeting(found, actor=person(request), seen_version=seen)
    except MeetingIncomplete as incomplete:
        return shown(request, found, missing=incomplete.missing)
    messages.success(
        request, "The record is signed. The people of this micro-credential can read it."
    )
    return redirect("moderation:meeting", pk=found.pk)


@require_http_methods(["GET", "POST"])
@for_moderators
def meeting_actions(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put an action into the draft, or take one out of it. Whoever reloads the answer sees the record."""
    found, me = meeting_or_404(request, pk), person(request)
    if request.method == "GET":
        return shown(request, found)
    if not rules.standardises(found.task, me):
        raise NotPermitted(instance=found)
    if found.is_signed:
        raise StaleState("This record was signed already.", instance=found)
    if "drop" in request.POST:
        if (key := key_of(request.POST["drop"])) is None:
            raise Http404
        actions.drop_meeting_action(found, key, actor=me)
        return redirect("moderation:meeting", pk=found.pk)
    form = MeetingActionForm(found, me, request.POST)
    if not form.is_valid():
        return shown(request, found, asking=form)
    actions.add_meeting_action(found, actor=me, **form.cleaned_data)
    return redirect("moderation:meeting", pk=found.pk)


@require_POST
@for_moderators
def amend_meeting(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add to a signed record."""
    found = meeting_or_404(request, pk)
    form = AmendmentForm(request.POST)
    if not rules.standardises(found.task, person(request)):
        raise NotPermitted(instance=found)
    if found.is_signed and not form.is_valid():
        return shown(request, found, amendment=form)
    text = form.data.get("text", "")
    actions.amend_meeting(found, actor=person(request), text=text)
    return redirect("moderation:meeting", pk=found.pk)
