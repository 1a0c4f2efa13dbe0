"""Evidence shown in place, and links to places in it."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portfolios.models import EvidenceItem
from portfolios.selectors.viewing import (
    EvidenceView,
    anchor_of,
    are_captions,
    transcript_of,
    views_of,
)

register = template.Library()


SIGNED_IN = {
    "picture": "portfolios:preview",
    "file": "portfolios:serve",
    "page": "portfolios:page_image",
    "captions": "portfolios:captions",
}
VERIFIER = {
    "picture": "portfolios:verifier_evidence",
    "file": "portfolios:verifier_evidence",
    "page": "portfolios:verifier_page",
    "captions": "portfolios:verifier_captions",
}


@register.inclusion_tag("portfolios/_evidence_view.html", takes_context=True)
def evidence_view(
    context: dict[str, Any],
    item: EvidenceItem,
    number: int = 1,
    view: EvidenceView | None = None,
    text_alternative: str | None = None,
    verifier: bool = False,
) -> dict[str, Any]:
    """One item as images, text or a player. Give `view` (of `views_of`) in lists, so that nothing is asked twice.

    `number` is that of the item on this page and makes the ids: evidence-3-page-2, evidence-3-media.
    `text_alternative` is the frozen one where a submission is shown. Others than the owner read no title.
    With `verifier` it is for somebody without an account: they read titles, every address is one that their
    link opens, and nothing depends on scripts.
    """
    request = context["request"]
    owns = item.owner_id == request.user.pk and not verifier
    words = item.text_alternative if text_alternative is None else text_alternative
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "item": item,
        "number": number,
        "verifier": verifier,
        "at": VERIFIER if verifier else SIGNED_IN,
        "name": item.title if owns or verifier else f"Evidence {number}",
        "owns": owns,
        "view": view or views_of([item])[item.pk],
        "text_alternative": words,
        "transcript": transcript_of(words),
        "captions": are_captions(words),
    }


@register.simple_tag
def place_link(number: int, locator: str) -> SafeString:
    """The learner's words for a place, as a link to it: “page 2” leads to the page, “1:23” starts the player."""
    anchor = anchor_of(number, locator)
    seek = "" if anchor.seconds is None else str(anchor.seconds * 1000)
    return format_html(
        '<a class="govuk-link" href="#{}" data-seek="{}">{}</a>', anchor.fragment, seek, locator
    )
