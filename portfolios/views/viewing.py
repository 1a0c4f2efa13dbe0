"""Evidence shown in place: page images, captions and the viewer itself. Each address asks again who wants it."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from accounts.views import person
from portfolios import storage
from portfolios.actions.rendering import remake as make_again
from portfolios.models import EvidenceItem, RenditionPart
from portfolios.selectors import is_altered
from portfolios.selectors.viewing import are_captions, views_of
from portfolios.views.evidence import protect, visible_item
from portfolios.views.shared import signed_in


@require_safe
@signed_in
def page_image(request: HttpRequest, evidence: uuid.UUID, number: int) -> Any:
    """The image of one page that we drew, or with number 0 the poster frame. Shown inline, like our pictures."""
    return shown_page(visible_item(request, evidence), number)


def shown_page(item: EvidenceItem, number: int) -> Any:
    """The image of a page, for somebody who may see the item. 404 without one, or where its bytes were altered."""
    part: RenditionPart = get_object_or_404(
        RenditionPart.objects.exclude(key=""),
        rendition__source_key=item.copy_key,
        number=number,
    )
    if not item.copy_key or is_altered(part.key):
        raise Http404
    response = StreamingHttpResponse(storage.read(part.key), content_type=part.media_type)
    response["Content-Length"] = str(part.size)
    response["Content-Disposition"] = "inline"
    return protect(response)


@require_safe
@signed_in
def captions(request: HttpRequest, evidence: uuid.UUID) -> Any:
    """The captions of a recording (WebVTT), as text and nothing else."""
    item = visible_item(request, evidence)
    return shown_captions(words_of(request, item))


def shown_captions(words: str) -> Any:
    """Words as captions; 404 where they are none."""
    if not are_captions(words):
        raise Http404
    return protect(HttpResponse(words.lstrip("\ufeff \r\n"), content_type="text/vtt"))


def words_of(request: HttpRequest, item: EvidenceItem) -> str:
    """The text alternative: the learner's own as it is now, everybody else's as it was submitted last."""
    if item.owner_id == request.user.pk:
        return item.text_alternative
    pin = item.pins.select_related("submission").order_by("-submission__submitted_at").first()
    files = pin.submission.contents["files"] if pin else []
    return next((one["text_alternative"] for one in files if one["id"] == str(item.pk)), "")


@require_safe
@signed_in
def view(request: HttpRequest, evidence: uuid.UUID) -> HttpResponse:
    """One item on a page of its own; to a page that waits for images it gives the part that shows them."""
    item = visible_item(request, evidence, links=True)
    number = request.GET.get("number", "")
    number_ = int(number) if number.isdecimal() and len(number) < 5 else 1
    context = {
        "item": item,
        "number": number_,
        "name": item.title if item.owner_id == request.user.pk else f"Evidence {number_}",
        "view": views_of([item])[item.pk],
        "text_alternative": words_of(request, item),
    }
    fragment = bool(getattr(request, "htmx", False))
    template = "_view_fragment" if fragment else "view"
    return render(request, f"portfolios/{template}.html", context)


@require_POST
@signed_in
def remake(request: HttpRequest, evidence: uuid.UUID) -> HttpResponse:
    """Make images and text of an item again."""
    item = visible_item(request, evidence)
    make_again(item, actor=person(request))
    messages.success(request, "The images and text are made again. This takes a moment.")
    back = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        return redirect(back)
    return redirect(reverse("portfolios:view", args=[item.pk]))
