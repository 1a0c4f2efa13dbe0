"""A person's own views of the queue: filters under a name."""

from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.words import plain_text
from assessment.selectors.filters import MOST_VIEWS, Filters


def _locked(actor: User) -> list[dict[str, Any]]:
    """What the person has, with their row locked: two pages of theirs lose nothing of each other."""
    fresh = User.objects.select_for_update(of=("self",), no_key=True).get(pk=actor.pk)
    return list(fresh.saved_views or ())


def _keep(actor: User, views: list[dict[str, Any]]) -> None:
    actor.saved_views = views
    User.objects.filter(pk=actor.pk).update(saved_views=views)


@transaction.atomic
def save_view(*, actor: User, name: str, filters: Filters, is_default: bool = False) -> None:
    """Keep filters under a name, in place of what had it. With `is_default` they are shown first, and no other.

    Beyond MOST_VIEWS nothing is kept. Side effects: none.
    """
    name = plain_text(name).strip()
    views = [one for one in _locked(actor) if one["name"].casefold() != name.casefold()]
    if len(views) >= MOST_VIEWS:
        return
    if is_default:
        views = [{**one, "default": False} for one in views]
    made = {"name": name, "query": filters.query, "default": is_default}
    _keep(actor, [*views, made])


@transaction.atomic
def show_first(*, actor: User, name: str, first: bool) -> bool:
    """Show this view first, or no view. Gives whether there is such a view. Side effects: none."""
    views = _locked(actor)
    known = any(one["name"] == name for one in views)
    if known:
        _keep(actor, [{**one, "default": first and one["name"] == name} for one in views])
    return known


@transaction.atomic
def remove_view(*, actor: User, name: str) -> bool:
    """Forget a view. Gives whether there was one. Side effects: none."""
    views = _locked(actor)
    left = [one for one in views if one["name"] != name]
    if len(left) == len(views):
        return False
    _keep(actor, left)
    return True
