"""The way of a version from draft to published and retired."""

from django.db import transaction

from accounts.models import User
from catalogue.models import MicroCredentialVersion
from workflows.transitions import perform


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
    checklist: dict[str, str] | None = None,
    seen_seq: int | None = None,
) -> MicroCredentialVersion:
    """Approve tasks, rubrics and scheme as they stand, with what was checked. The author is told."""
    answers = checklist or {}
    return perform(
        version,
        "approve",
        actor=actor,
        reason=note,
        seen_seq=seen_seq,
        facts={"checklist": answers},
        note=note,
        checklist=answers,
    )


@transaction.atomic
def send_version_back(
    version: MicroCredentialVersion,
    *,
    actor: User,
    note: str,
    checklist: dict[str, str] | None = None,
    seen_seq: int | None = None,
) -> MicroCredentialVersion:
    """Ask the author for changes. The version is a draft again; the author is told."""
    answers = checklist or {}
    return perform(
        version,
        "send_back",
        actor=actor,
        reason=note,
        seen_seq=seen_seq,
        facts={"checklist": answers},
        note=note,
        checklist=answers,
    )


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
