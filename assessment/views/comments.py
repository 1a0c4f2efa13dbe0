"""Comments on evidence: written from a prefilled form, changed, resolved, and taken away as a table or WebVTT."""

import csv
import io
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from accounts.views import person
from assessment import rules
from assessment.actions.commenting import change_comment, mark_comment, write_comment
from assessment.enums import Audience, Deed
from assessment.forms.comments import CommentForm, filled_from, places_of
from assessment.models import AssessmentDecision, CommentEntry, EvidenceComment
from assessment.selectors import manifest_of
from assessment.selectors.comments import (
    Comment,
    clock,
    comments_by,
    learner_comments,
    table_of,
    webvtt,
)
from assessment.selectors.queue import name_of
from assessment.views.shared import filters_of, for_marking, with_filters
from catalogue.models import Criterion
from portfolios.models import Submission
from workflows.exceptions import NotPermitted, StaleState, StaleVersion
from workflows.forms import whole_number
from workflows.views import step_view

ELSEWHERE = (
    "Somebody else has this open now, so nothing was saved. What you wrote is still in the form."
)


def for_author(request: HttpRequest, pk: UUID) -> Submission:
    """The submission for whoever has an open draft on it; 403 for others who may look at it."""
    submission = for_marking(request, pk)
    drafts = AssessmentDecision.objects.drafts_of(person(request)).filter(submission=submission)
    if rules.is_turn(submission, person(request)) and drafts.exists():
        return submission
    raise PermissionDenied("Only the person who marks this now comments on it.")


def file_of(submission: Submission, number: int | None) -> dict[str, Any]:
    """The piece of evidence with this number in the manifest."""
    for one in manifest_of(submission)["files"]:
        if one["number"] == number:
            return dict(one)
    raise Http404


def form_for(
    request: HttpRequest, submission: Submission, file: dict[str, Any], initial: dict[str, Any]
) -> CommentForm:
    criteria = Criterion.objects.filter(rubric=submission.rubric_id).order_by("number")
    return CommentForm(
        request.POST if request.method == "POST" else None,
        initial=initial,
        places=places_of(file["kind"], file["media_type"]),
        criteria=criteria,
        prefix="",
    )


def prefilled(request: HttpRequest, file: dict[str, Any]) -> dict[str, Any]:
    """What the page knows of the place when somebody begins to write."""
    supported = [one["criterion"] for one in file["criteria"]]
    wanted = request.GET.get("criterion") or (supported[0] if len(supported) == 1 else "")
    return {
        "page": whole_number(request.GET.get("page", "")) or 1,
        "starts": request.GET.get("from", "")[:12],
        "ends": request.GET.get("to", "")[:12],
        "box": request.GET.get("box", "")[:30],
        "quote": request.GET.get("quote", "")[:1000],
        "criterion_code": wanted,
        "audience": Audience.LEARNER,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def write(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """A new comment on one piece of evidence: a page of its own, or a part of the workspace."""
    submission = for_author(request, pk)
    file = file_of(submission, number)
    initial = prefilled(request, file)
    code = initial.pop("criterion_code")
    found = Criterion.objects.filter(rubric=submission.rubric_id, code=code).first()
    initial["criterion"] = str(found.pk) if found else ""
    form = form_for(request, submission, file, initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = write_comment(pk, actor=person(request), evidence=number, remark=form.remark)
        except NotPermitted as error:
            raise PermissionDenied(str(error)) from error
        except StaleState:
            form.add_error(None, ELSEWHERE)
            return form_page(request, submission, file, form, status=409)
        return written(request, submission, made.pk, number)
    return form_page(request, submission, file, form, status=422 if form.errors else 200)


def form_page(
    request: HttpRequest,
    submission: Submission,
    file: dict[str, Any],
    form: CommentForm,
    *,
    status: int,
    **more: Any,
) -> HttpResponse:
    """The form as a page, or as a part of the workspace."""
    within = bool(getattr(request, "htmx", False))
    filters = filters_of(request)
    context = {
        "submission": submission,
        "who": name_of(submission),
        "number": file["number"],
        "form": form,
        "within": within,
        "filters": filters,
        "back_url": with_filters("assessment:workspace", filters, submission.pk),
        "here": request.get_full_path(),
        **more,
    }
    template = "assessment/_comment_form.html" if within else "assessment/comment.html"
    return render(request, template, context, status=status)


def written(
    request: HttpRequest, submission: Submission, comment: UUID, number: int, *, stays: bool = False
) -> HttpResponse:
    """After a comment was saved: the list again, with the place to go on from.

    That is beside the evidence where it was written, or the comment's own line for whoever pressed there (`stays`).
    """
    if not getattr(request, "htmx", False):
        messages.success(request, "Comment saved.")
        address = with_filters("assessment:workspace", filters_of(request), submission.pk)
        return redirect(f"{address}#comment-{comment}")
    comments = comments_by(submission.pk, person(request).pk)
    context = {
        "submission": submission,
        "filters": filters_of(request),
        "comments": comments,
        "here": [one for one in comments if one.evidence == number],
        "number": number,
        "made": next((one for one in comments if one.pk == comment), None),
    }
    template = "_comment_marked" if stays else "_comment_written"
    return render(request, f"assessment/{template}.html", context)


def own_comment(request: HttpRequest, pk: UUID, comment: UUID) -> EvidenceComment:
    found: EvidenceComment = get_object_or_404(
        EvidenceComment.objects.visible_to(person(request)).select_related("pin"),
        pk=comment,
        submission=pk,
    )
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def change(request: HttpRequest, pk: UUID, comment: UUID) -> HttpResponse:
    """A comment with its history, to say something else."""
    submission = for_author(request, pk)
    found = own_comment(request, pk, comment)
    file = file_of(submission, found.pin.number)
    history = list(found.entries.select_related("criterion").order_by("-number"))
    form = form_for(request, submission, file, filled_from(history[0], clock))
    if request.method == "POST" and form.is_valid():
        seen = whole_number(request.POST.get("entry", "")) or 0
        try:
            change_comment(found, actor=person(request), remark=form.remark, seen_entry=seen)
        except NotPermitted as error:
            raise PermissionDenied(str(error)) from error
        except StaleVersion as error:
            form.add_error(
                None, "Another page of yours changed it meanwhile. Both versions stand below."
            )
            return changing(
                request, submission, file, form, found, [error.theirs, *history[1:]], 409
            )
        except StaleState:
            form.add_error(None, ELSEWHERE)
            return changing(request, submission, file, form, found, history, 409)
        return written(request, submission, found.pk, found.pin.number)
    return changing(request, submission, file, form, found, history, 422 if form.errors else 200)


def changing(
    request: HttpRequest,
    submission: Submission,
    file: dict[str, Any],
    form: CommentForm,
    comment: EvidenceComment,
    history: list[CommentEntry],
    status: int,
) -> HttpResponse:
    lines = [
        Comment(comment.pk, comment.number, file["number"], comment.pin.evidence_id, one)
        for one in history
    ]
    return form_page(
        request, submission, file, form, status=status, comment=comment, history=lines,
        is_removed=history[0].deed == Deed.REMOVED, is_resolved=history[0].deed == Deed.RESOLVED,
    )  # fmt: skip


@step_view()
def mark(request: HttpRequest, pk: UUID, comment: UUID) -> HttpResponse:
    """Resolve, open again or remove one's own comment."""
    submission = for_author(request, pk)
    found = own_comment(request, pk, comment)
    try:
        deed = Deed(request.POST.get("deed", ""))
        mark_comment(found, actor=person(request), deed=deed)
    except ValueError as error:
        raise Http404 from error
    return written(request, submission, found.pk, found.pin.number, stays=True)


@require_safe
@login_required
def table(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One's own comments on the submission, or for its learner after release what they may read, as CSV."""
    submission, comments = readable(request, pk)
    text = io.StringIO()
    csv.writer(text).writerows(table_of(comments))
    return download(f"{submission.reference}-comments.csv", "text/csv", "\ufeff" + text.getvalue())


@require_safe
@login_required
def captions(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """The same comments on one recording as WebVTT, to play beside it."""
    submission, comments = readable(request, pk)
    text = webvtt(comments, file_of(submission, number)["number"])
    return download(f"{submission.reference}-evidence-{number:02d}.vtt", "text/vtt", text)


def readable(request: HttpRequest, pk: UUID) -> tuple[Submission, list[Comment]]:
    """The submission with those of its comments that this person may read: nobody else's sealed ones."""
    me = person(request)
    submission: Submission = get_object_or_404(Submission.objects.visible_to(me), pk=pk)
    if submission.learner_id == me.pk:
        return submission, learner_comments(submission, me)
    if not rules.takes_part(submission, me):
        raise PermissionDenied("Only those who mark this submission have comments on it.")
    return submission, comments_by(submission.pk, me.pk)


def download(name: str, content_type: str, text: str) -> HttpResponse:
    """A file whose name says nothing of the learner."""
    response = HttpResponse(text, content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    response["X-Content-Type-Options"] = "nosniff"
    return response
