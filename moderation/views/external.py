"""What somebody from outside sees: the round by codes, one item, its evidence, and their own report.

Every page asks for the invitation first, within its span: before, after and for anybody else it is missing.
"""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from accounts.views import person
from moderation import actions, receipts, selectors
from moderation.forms import CommentForm, ReportForm
from moderation.models import ExternalReview, SampleItem
from moderation.selectors.external import Dossier, handed_out
from moderation.views.pack import packed
from moderation.views.records import attached
from moderation.views.shared import answered, for_moderators
from portfolios.enums import EvidenceKind
from portfolios.receipts import FontsMissing
from portfolios.views.evidence import Handed, hand_out, protect
from workflows.actions import open_record

IN_WORDS = ("Decision", "Reason", "Required actions")
"""Rows of the record's decision that the page takes over; its times stand in the record as they are."""


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The rounds that the person may look at now; 403 where there is none."""
    reviews = list(selectors.reviews_open_to(person(request)))
    if not reviews:
        raise PermissionDenied("No round is open to you from outside.")
    return render(request, "moderation/external_home.html", {"reviews": reviews})


def review_or_404(request: HttpRequest, pk: UUID) -> ExternalReview:
    """The person's own invitation, while it is open."""
    rows = ExternalReview.objects.open_to(person(request)).select_related(
        "round__delivery__version__grade_scheme",
        "round__delivery__version__micro_credential",
        "round__task__rubric",
    )
    found: ExternalReview = get_object_or_404(rows, pk=pk)
    return found


def noted(review: ExternalReview, subject: models.Model, request: HttpRequest) -> None:
    """Each opening leaves an access record under the invitation."""
    open_record(subject, actor=person(request), purpose=selectors.purpose_of(review))


def item_or_404(review: ExternalReview, code: str) -> SampleItem:
    """The live item of the round with this code."""
    members = review.round.members.filter(code=code).values("submission_id")
    rows = review.round.items.live().select_related("submission", "decision")
    found: SampleItem = get_object_or_404(rows, submission_id__in=members)
    return found


@require_GET
@for_moderators
def external_round(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The round as its record has it, the sample by codes, the rubric, and how far the report is."""
    review = review_or_404(request, pk)
    noted(review, review.round, request)
    record = selectors.record_of(review.round)
    facts = receipts.facts_of(record)
    context = {
        "review": review,
        "round": review.round,
        "facts": facts,
        "decision": [row for row in facts["decision"] if row[0] in IN_WORDS],
        "sample": selectors.sample_of(review.round),
        "commented": set(review.comments.values_list("item_id", flat=True)),
        "criteria": review.round.task.rubric.criteria.prefetch_related("levels"),
    }
    return render(request, "moderation/external_round.html", context)


@require_http_methods(["GET", "POST"])
@for_moderators
def external_item(request: HttpRequest, pk: UUID, work: str) -> HttpResponse:
    """One item by its code: work, evidence, both readings, what was decided, and one's own comment."""
    review = review_or_404(request, pk)
    item = item_or_404(review, work)
    own = review.comments.filter(item=item).first()
    sent = request.POST if request.method == "POST" else None
    form = CommentForm(sent, initial={"text": own.text if own else ""})
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["text"]
        actions.comment_on_item(review, item, actor=person(request), text=text)
        return redirect("moderation:external_round", pk=review.pk)
    noted(review, item, request)
    codes = [one for one, _item in selectors.sample_of(review.round)]
    place = codes.index(work)
    dossier: Dossier = selectors.dossier_of(work, item, selectors.withheld_from(review.round))
    context = {
        "review": review,
        "dossier": dossier,
        "form": form,
        "own": own,
        "before": codes[place - 1] if place else "",
        "after": codes[place + 1] if place + 1 < len(codes) else "",
    }
    return render(request, "moderation/external_item.html", context, status=answered(form))


@require_safe
@for_moderators
def external_evidence(request: HttpRequest, pk: UUID, work: str, number: int) -> Any:
    """The copy without metadata, by a neutral name; a written note as text, with names left out."""
    review = review_or_404(request, pk)
    item = item_or_404(review, work)
    held = {pin.number: (pin.evidence, name) for pin, name in handed_out([item.submission_id])}
    evidence, name = held.get(number, (None, ""))
    if evidence is None or not name:
        raise Http404
    noted(review, evidence, request)
    if evidence.kind == EvidenceKind.NOTE:
        text = selectors.withheld_from(review.round).text(evidence.note)
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
        response["Content-Disposition"] = content_disposition_header(True, name) or ""
        return protect(response)
    handed = Handed(evidence.copy_key, evidence.copy_size, evidence.copy_type, name)
    return hand_out(request, handed)


@require_http_methods(["GET", "POST"])
@for_moderators
def external_report(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The report: saved as often as one likes, submitted once."""
    review = review_or_404(request, pk)
    final = "submit" in request.POST
    saved = {"finding": review.finding, "report": review.report}
    sent = request.POST if request.method == "POST" else None
    form = ReportForm(sent, initial=saved, final=final)
    if request.method == "POST" and form.is_valid():
        act = actions.submit_external_report if final else actions.save_external_report
        act(review, actor=person(request), **form.cleaned_data)
        return redirect("moderation:external_report", pk=review.pk)
    noted(review, review, request)
    codes = {item.pk: code for code, item in selectors.sample_of(review.round)}
    context = {
        "review": review,
        "form": form,
        "comments": sorted((codes.get(one.item_id, ""), one.text) for one in review.comments.all()),
    }
    return render(request, "moderation/external_report.html", context, status=answered(form))


@require_GET
@for_moderators
def external_record(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The signed record of the round as JSON."""
    review = review_or_404(request, pk)
    noted(review, review.round, request)
    record = selectors.record_of(review.round)
    response = JsonResponse(record, json_dumps_params={"indent": 2})
    return attached(response, review.round, ".json")


@require_GET
@for_moderators
def external_record_pdf(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same for people, as a tagged PDF."""
    review = review_or_404(request, pk)
    noted(review, review.round, request)
    try:
        made = receipts.record_pdf(selectors.record_of(review.round))
    except FontsMissing:
        raise Http404 from None
    return attached(HttpResponse(made, content_type="application/pdf"), review.round, ".pdf")


@require_safe
@for_moderators
def external_pack(request: HttpRequest, pk: UUID) -> Any:
    """The sample pack, as the lead may take it away too."""
    review = review_or_404(request, pk)
    noted(review, review.round, request)
    return packed(request, review.round)
