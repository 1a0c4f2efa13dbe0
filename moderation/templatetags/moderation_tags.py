"""How shares and coefficients are written."""

from typing import Any

from django import template

register = template.Library()


@register.filter
def percent(value: float) -> str:
    """0.914 as 91 %."""
    return f"{100 * value:.0f}\u00a0%"


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
