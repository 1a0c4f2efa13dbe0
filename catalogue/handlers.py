"""Who is told when a version moves."""

from django.urls import reverse

from accounts.enums import OrganisationRole
from accounts.models import User
from catalogue.models import MicroCredentialVersion
from workflows.models import TransitionRecord
from workflows.notifications import notify
from workflows.outbox import handles, quiet

MACHINE = "catalogue.microcredentialversion"


@handles(f"{MACHINE}.sent_to_pre_moderation")
def ask_pre_moderators(record: TransitionRecord) -> None:
    """The provider's pre-moderators, but not the author."""
    version = MicroCredentialVersion.objects.select_related("micro_credential").get(
        pk=record.subject_id
    )
    asked = User.objects.filter(
        is_active=True,
        memberships__ended_at__isnull=True,
        memberships__role=OrganisationRole.PRE_MODERATOR,
        memberships__organisation_id=version.micro_credential.provider_id,
    ).exclude(pk=version.author_id)
    notify(
        topic=f"{MACHINE}.sent_to_pre_moderation",
        recipients=asked.distinct(),
        record=record,
        path=reverse("catalogue:pre_moderation", args=[version.pk]),
        context={"version": str(version)},
    )


@handles(f"{MACHINE}.approved", f"{MACHINE}.sent_back")
def tell_author(record: TransitionRecord) -> None:
    """The author learns what was decided; the note stands on the page."""
    version = MicroCredentialVersion.objects.select_related("author").get(pk=record.subject_id)
    past = "approved" if record.name == "approve" else "sent_back"
    notify(
        topic=f"{MACHINE}.{past}",
        recipients=[version.author],
        record=record,
        path=reverse("catalogue:version", args=[version.pk]),
        context={"version": str(version)},
    )


quiet(f"{MACHINE}.drafted", because="The author has just written it.")
quiet(f"{MACHINE}.published", f"{MACHINE}.retired", because="Shown in the catalogue.")
