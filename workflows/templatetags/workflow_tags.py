"""The state of a thing in words, and the steps it offers."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflows.selectors import available_steps

register = template.Library()

# Colours help the eye; the word says it. A machine may name its own in STATE_COLOURS.
COLOURS = {
    "submitted": "blue", "in_assessment": "blue", "in_adjudication": "blue", "in_moderation": "blue",
    "assessed": "green", "moderated": "green", "ratified": "green", "released": "green",
    "ready": "green", "attested": "green", "approved": "green", "issued": "green",
    "referred": "yellow", "under_reconsideration": "yellow", "suspended": "yellow",
    "quarantined": "red", "revoked": "red",
}  # fmt: skip


@register.simple_tag
def state_badge(thing: Any) -> SafeString:
    """The state in words, as a tag."""
    own = getattr(thing, "STATE_COLOURS", {})
    colour = own.get(thing.state) or COLOURS.get(thing.state, "grey")
    return format_html(
        '<strong class="govuk-tag govuk-tag--{}">{}</strong>', colour, thing.get_state_display()
    )


@register.inclusion_tag("components/step_menu.html", takes_context=True)
def step_menu(context: dict[str, Any], thing: Any, **urls: str) -> dict[str, Any]:
    """Buttons for the steps that the person may take; one that is not ready yet says why.

    Give the address of each step by its name: `{% step_menu round close=close_url %}`. A step without an
    address is left out.
    """
    request = context["request"]
    steps = [
        {"step": step, "url": urls[step.name]}
        for step in available_steps(thing, request.user)
        if step.allowed and step.name in urls
    ]
    return {
        "steps": steps,
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "thing": thing,
    }
