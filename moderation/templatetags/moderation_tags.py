"""How shares and coefficients are written."""

from typing import Any

from django import template

from accounts.wording import percent

register = template.Library()
register.filter("percent", percent)


@register.filter
def signed(value: float) -> str:
    """A figure on both sides of 0, with its sign."""
    return f"{value:+.2f}"


@register.filter
def with_interval(coefficient: dict[str, Any] | None, enough: bool) -> str:
    """A coefficient is never shown without its interval, nor on too few items."""
    if not enough:
        return "Too few to judge"
    if coefficient is None:
        return "Not defined"
    return f"{coefficient['value']:.2f} ({coefficient['low']:.2f} to {coefficient['high']:.2f})"


@register.filter
def policy_value(policy: dict[str, Any], key: str) -> Any:
    """One value of a frozen policy; its keys have dots, which templates cannot follow."""
    return policy[key]


@register.filter
def in_words(differences: list[dict[str, str]], words: dict[tuple[str, str], str]) -> str:
    """What differs, with the words of the rubric: "C2: Met to Met well". `words` as `level_words` gives them."""

    def level(one: dict[str, str], whose: str) -> str:
        return words.get((one["criterion"], one[whose]), one[whose]) or "nothing"

    return ", ".join(
        f"{one['criterion']}: {level(one, 'assessor')} to {level(one, 'moderator')}"
        for one in differences
    )
