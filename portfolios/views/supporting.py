"""What supports a special consideration: added, and opened one by one, for those who handle it."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST

from accounts.files import NO_ROOM
from accounts.views import person
from portfolios import rules, storage
from portfolios.actions.supporting import (
    add_supporting,
    apply_for_consideration,
    last_day_for,
    open_supporting,
)
from portfolios.enums import HoldKind
from portfolios.exceptions import NoRoom, UploadRefused
from portfolios.forms import ApplyForm, SupportingForm
from portfolios.models import Hold, Submission, SupportingEvidence
from portfolios.selectors import is_altered, latest_submission
from portfolios.views.evidence import protect
from portfolios.views.shared import own_portfolio, signed_in


def considered(request: HttpRequest, submission: uuid.UUID, hold: int) -> Hold:
    """A special consideration that the person handles; 403 for others who see the submission."""
    found: Submission = get_object_or_404(
        Submission.objects.visible_to(person(request)).select_related("delivery", "task"),
        pk=submission,
    )
    if not rules.may_read_supporting(found, person(request)):
        raise PermissionDenied("Only programme administrators without a part in it read this.")
    kept: Hold = get_object_or_404(
        found.holds.filter(kind=HoldKind.SPECIAL_CONSIDERATION).select_related("submission"),
        pk=hold,
    )
    return kept


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def supporting(request: HttpRequest, submission: uuid.UUID, hold: int) -> HttpResponse:
    """What there is, by number and date and without what it says; and a form for more."""
    found = considered(request, submission, hold)
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = SupportingForm(*sent)
    if form.is_valid():
        try:
            add_supporting(found, actor=person(request), **form.cleaned_data)
        except UploadRefused as refusal:
            form.add_error("file", refusal.message)
        except NoRoom:
            form.add_error("file", NO_ROOM)
        else:
            messages.success(request, "It is kept. Each opening of it is noted.")
            return redirect("portfolios:supporting", submission, hold)
    context = {
        "hold": found,
        "submission": found.submission,
        "delivery": found.submission.delivery,
        "pieces": found.supporting.select_related("added_by"),
        "form": form,
    }
    refused = form.is_bound and bool(form.errors)
    return render(request, "portfolios/supporting.html", context, status=422 if refused else 200)


@require_POST
@signed_in
def opened(request: HttpRequest, submission: uuid.UUID, hold: int, number: int) -> Any:
    """One piece: its words on a page, or with `part=file` its file to keep. Each is noted."""
    found = considered(request, submission, hold)
    try:
        piece = open_supporting(found, number, actor=person(request))
    except SupportingEvidence.DoesNotExist:
        raise Http404 from None
    if request.POST.get("part") == "file":
        return handed(piece)
    context = {
        "hold": found,
        "submission": found.submission,
        "delivery": found.submission.delivery,
        "piece": piece,
    }
    answer = render(request, "portfolios/supporting_piece.html", context)
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def consideration(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The learner applies, sees what was given by number and date, and what came of it."""
    found = own_portfolio(request, pk)
    me = person(request)
    submission = latest_submission(found)
    if submission is None:
        raise Http404
    hold = (
        submission.holds.filter(kind=HoldKind.SPECIAL_CONSIDERATION).order_by("-opened_at").first()
    )
    until = last_day_for(submission, hold)
    is_decided = hold is not None and hold.closed_at is not None
    may = (
        rules.may_apply_for_consideration(submission, me)
        and timezone.now() <= until
        and not is_decided
    )
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = ApplyForm(*sent)
    if request.method == "POST" and not may:
        raise PermissionDenied("Special consideration cannot be applied for now.")
    if form.is_valid():
        try:
            apply_for_consideration(submission, actor=me, **form.cleaned_data)
        except UploadRefused as refusal:
            form.add_error("file", refusal.message)
        except NoRoom:
            form.add_error("file", NO_ROOM)
        else:
            messages.success(request, "It is sent. You will be told what comes of it.")
            return redirect("portfolios:consideration", found.pk)
    context = {
        "portfolio": found,
        "submission": submission,
        "delivery": submission.delivery,
        "hold": hold,
        "pieces": hold.supporting.filter(added_by=me) if hold else [],
        "may": may,
        "until": until,
        "evidence_days": submission.delivery.policy_value("consideration.evidence_days"),
        "form": form,
    }
    refused = form.is_bound and bool(form.errors)
    return render(request, "portfolios/consideration.html", context, status=422 if refused else 200)


def handed(piece: SupportingEvidence) -> Any:
    """The file as it was given, never shown in place."""
    if not piece.key or is_altered(piece.key):
        raise Http404
    response = StreamingHttpResponse(
        storage.read(piece.key), content_type="application/octet-stream"
    )
    response["Content-Length"] = str(piece.size)
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=piece.name
    )
    return protect(response)
