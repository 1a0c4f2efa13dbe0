"""The way of a version from draft to published and retired."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction

from accounts.models import User
from catalogue import rules
from catalogue.checklist import Answer
from catalogue.models import MicroCredentialVersion
from workflows.actions import cancel_deadline
from workflows.exceptions import NotPermitted
from workflows.models import Deadline
from workflows.transitions import perform

CHANGES_DEADLINE = "changes"
"""The day by which the minor changes of an approval are to be done."""


@transaction.atomic
def send_version_to_pre_moderation(
    version: MicroCredentialVersion, *, actor: User, seen_seq: int | None = None
) -> MicroCredentialVersion:
    """Freeze the content and hand the version to the pre-moderators, who are told."""
    return perform(version, "send_to_pre_moderation", actor=actor, seen_seq=seen_seq)


@transaction.atomic
def approve_version(
    version: MicroCredentialVersion,
    *,
    actor: User,
    note: str = "",
    checklist: Mapping[str, Answer] | None = None,
    seen_seq: int | None = None,
) -> MicroCredentialVersion:
    """Approve outcomes, tasks, rubrics, grades and policy exactly as they stand. The author is told.

    Keeps the answers with what the system found, and the fingerprints of what was read; these stand in
    the version's chain of records too. GuardsNotMet where the least pass leaves an outcome unproven.
    """
    return _decide(version, "approve", actor, note, checklist, seen_seq)


@transaction.atomic
def approve_version_with_changes(
    version: MicroCredentialVersion,
    *,
    actor: User,
    note: str,
    checklist: Mapping[str, Answer] | None = None,
    seen_seq: int | None = None,
    owner: User | None = None,
    due_on: date | None = None,
) -> MicroCredentialVersion:
    """Approve it as it stands, and note what is left to do beside it, by whom and until when.

    The author and the owner, who is the author where nobody is named, are told; the owner is reminded. It is
    not published before one of them has confirmed that this is done; nobody looks a second time. What was
    approved stays frozen: whatever would change it is a new version. NotPermitted for an owner who could not
    confirm.
    """
    if owner is not None and not rules.writes_for_provider(version, owner):
        raise NotPermitted(instance=version)
    asked = {"owner": owner, "due_on": due_on}
    return _decide(version, "approve_with_changes", actor, note, checklist, seen_seq, **asked)


@transaction.atomic
def confirm_minor_changes(
    version: MicroCredentialVersion, *, actor: User, seen_seq: int | None = None
) -> MicroCredentialVersion:
    """Say as its owner or the author that what was noted with the approval is done. Ends its reminders."""
    moved = perform(version, "confirm_changes", actor=actor, seen_seq=seen_seq)
    for deadline in Deadline.objects.of(moved).open().filter(kind=CHANGES_DEADLINE):
        cancel_deadline(deadline, actor=actor, reason="The changes were confirmed.")
    return moved


@transaction.atomic
def reject_version(
    version: MicroCredentialVersion,
    *,
    actor: User,
    note: str,
    checklist: Mapping[str, Answer] | None = None,
    seen_seq: int | None = None,
) -> MicroCredentialVersion:
    """End the version without an approval. The author is told, and can load a new one."""
    return _decide(version, "reject", actor, note, checklist, seen_seq)


@transaction.atomic
def send_version_back(
    version: MicroCredentialVersion,
    *,
    actor: User,
    note: str,
    checklist: Mapping[str, Answer] | None = None,
    seen_seq: int | None = None,
) -> MicroCredentialVersion:
    """Ask the author for changes. The version is a draft again; the author is told.

    What was answered so far is kept with the request, and never changed.
    """
    return _decide(version, "send_back", actor, note, checklist, seen_seq)


def _decide(
    version: MicroCredentialVersion,
    step: str,
    actor: User,
    note: str,
    checklist: Mapping[str, Answer] | None,
    seen_seq: int | None,
    **asked: Any,
) -> MicroCredentialVersion:
    return perform(
        version,
        step,
        actor=actor,
        reason=note,
        seen_seq=seen_seq,
        facts=_kept,
        note=note,
        checklist=checklist,
        **asked,
    )


def _kept(version: MicroCredentialVersion) -> dict[str, Any]:
    """What the chain of records says about the decision that was just kept."""
    decided = version.pre_moderations.order_by("-number")[0]
    answers = {row["name"]: row["answer"] for row in decided.checklist if row["answer"]}
    return {"pre_moderation": str(decided.pk), "content": decided.parts, "checklist": answers}


@transaction.atomic
def publish_version(
    version: MicroCredentialVersion, *, actor: User, seen_seq: int | None = None
) -> MicroCredentialVersion:
    """List the version, so that deliveries may open on it. Older versions stay as they are."""
    return perform(version, "publish", actor=actor, seen_seq=seen_seq)


@transaction.atomic
def retire_version(
    version: MicroCredentialVersion, *, actor: User, seen_seq: int | None = None
) -> MicroCredentialVersion:
    """No delivery opens on it any more; those that run go on to their end."""
    return perform(version, "retire", actor=actor, seen_seq=seen_seq)
