"""What changes a person's own record."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import SYSTEM, Actor, Membership, Organisation, User
from accounts.words import plain_text


@transaction.atomic
def change_settings(*, actor: User, preferred_name: str, theme: str, time_zone: str) -> None:
    """Keep a person's own choices. Side effects: none."""
    actor.preferred_name = plain_text(preferred_name).strip()
    actor.theme = theme
    actor.time_zone = time_zone
    actor.save(update_fields=["preferred_name", "theme", "time_zone"])


@transaction.atomic
def choose_shortcuts(*, actor: User, on: bool, keys: Mapping[str, str] | None = None) -> None:
    """Switch the keyboard map on or off; with `keys`, change it too. Side effects: none."""
    kept = (actor.shortcuts or {}).get("keys", {}) if keys is None else dict(keys)
    actor.shortcuts = {"on": on, "keys": kept}
    actor.save(update_fields=["shortcuts"])


MemberHook = Callable[..., None]
_members: list[MemberHook] = []


def when_members_change(hook: MemberHook) -> MemberHook:
    """Register what higher apps do, in the same transaction, when somebody joins or leaves an organisation.

    It gets `organisation` and `actor` by name. Called again for the same change it must change nothing.
    """
    if hook not in _members:
        _members.append(hook)
    return hook


def tell_members_changed(organisation: Organisation, *, actor: Actor) -> None:
    for hook in _members:
        hook(organisation=organisation, actor=actor)


@transaction.atomic
def keep_membership(membership: Membership, *, actor: Actor) -> Membership:
    """Save a part in an organisation, a new one or one that ended, and let what hangs on it follow."""
    concerned = {membership.organisation_id: membership.organisation}
    before = Membership.objects.filter(pk=membership.pk).select_related("organisation").first()
    if before is not None:
        concerned[before.organisation_id] = before.organisation
    membership.save()
    for organisation in concerned.values():
        tell_members_changed(organisation, actor=actor)
    return membership


@transaction.atomic
def follow_ended_memberships(since: dt.datetime) -> int:
    """The same for parts whose end was written down ahead and came after `since`. Gives how many organisations."""
    ended: Any = Membership.objects.filter(ended_at__gt=since, ended_at__lte=timezone.now())
    organisations = list(Organisation.objects.filter(pk__in=ended.values("organisation")))
    for organisation in organisations:
        tell_members_changed(organisation, actor=SYSTEM)
    return len(organisations)
