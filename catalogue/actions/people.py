"""Who is in a delivery, and as what."""

from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.actions import when_members_change
from accounts.models import Actor, Organisation, User
from catalogue.actions.deliveries import lock_delivery
from catalogue.actions.hooks import tell
from catalogue.enums import DeliveryRoleKind
from catalogue.exceptions import PersonRefused
from catalogue.models import Delivery, DeliveryRole, Enrolment
from workflows.exceptions import NotPermitted
from workflows.notifications import notify

LEARNER = "learner"


@transaction.atomic
def enrol(
    delivery: Delivery,
    learner: User,
    *,
    actor: User,
    employer: Organisation | None = None,
    site: str | None = None,
    recognition: bool | None = None,
) -> Enrolment:
    """Enrol a learner, or take up an enrolment that had ended. The learner is told.

    `site` and `recognition` None stay as they are; otherwise they are set also for somebody who is enrolled
    already, which tells nobody. A round that is frozen keeps the reasons it was frozen with. PersonRefused
    for somebody who has another part in the delivery.
    """
    locked = lock_delivery(delivery, actor)
    if locked.roles.current().filter(user=learner).exists():
        raise PersonRefused(f"{learner} has another part in this delivery.")
    found: Enrolment | None = (
        Enrolment.objects.select_for_update().filter(delivery=locked, learner=learner).first()
    )
    was_there = found is not None and found.ended_at is None
    if found is None:
        found = Enrolment(delivery=locked, learner=learner, employer=employer)
    found.ended_at = None
    found.site = found.site if site is None else site
    found.recognition = found.recognition if recognition is None else recognition
    found.save()
    if was_there:
        return found
    tell("learner_enrolled", enrolment=found, actor=actor)
    notify(
        topic="catalogue.enrolment.made",
        recipients=[learner],
        dedupe=f"{found.pk}:{timezone.now().isoformat()}",
        path=reverse("home"),
        context={"delivery": locked.title},
    )
    return found


@transaction.atomic
def end_enrolment(enrolment: Enrolment, *, actor: User) -> Enrolment:
    """The learner leaves the delivery. What was submitted stays where it is."""
    locked_delivery = lock_delivery(enrolment.delivery, actor)
    locked: Enrolment = Enrolment.objects.select_for_update().get(
        pk=enrolment.pk, delivery=locked_delivery
    )
    if locked.ended_at is None:
        locked.ended_at = timezone.now()
        locked.save(update_fields=["ended_at"])
        tell("enrolment_ended", enrolment=locked, actor=actor)
    return locked


@transaction.atomic
def assign_role(
    delivery: Delivery, person: User, role: DeliveryRoleKind, *, actor: User
) -> DeliveryRole:
    """Give somebody a part in the delivery; the person is told. Giving it twice changes nothing.

    PersonRefused for a learner of the delivery: nobody has both sides of an assessment.
    """
    locked = lock_delivery(delivery, actor)
    if locked.enrolments.current().filter(learner=person).exists():
        raise PersonRefused(f"{person} is a learner of this delivery.")
    found: DeliveryRole | None = DeliveryRole.objects.filter(
        delivery=locked, user=person, role=role, ended_at__isnull=True
    ).first()
    if found is not None:
        return found
    made: DeliveryRole = DeliveryRole.objects.create(delivery=locked, user=person, role=role)
    tell("parts_changed", delivery=locked, actor=actor)
    notify(
        topic="catalogue.role.assigned",
        recipients=[person],
        dedupe=f"role:{made.pk}",
        path=reverse("home"),
        context={"delivery": locked.title, "role": str(DeliveryRoleKind(role).label)},
    )
    return made


@transaction.atomic
def end_role(part: DeliveryRole, *, actor: User) -> DeliveryRole:
    """The person has this part no longer. What they did in it stays theirs."""
    locked_delivery = lock_delivery(part.delivery, actor)
    locked: DeliveryRole = DeliveryRole.objects.select_for_update().get(
        pk=part.pk, delivery=locked_delivery
    )
    if locked.ended_at is None:
        locked.ended_at = timezone.now()
        locked.save(update_fields=["ended_at"])
        beside = DeliveryRole.objects.filter(
            delivery__seeds_for=locked_delivery, user=locked.user_id, role=locked.role
        )
        beside.filter(ended_at__isnull=True).update(ended_at=locked.ended_at)
        tell("parts_changed", delivery=locked_delivery, actor=actor)
    return locked


@when_members_change
def parts_follow_provider(*, organisation: Organisation, actor: Actor, **facts: Any) -> None:
    """Administrators of a provider administer each of its deliveries: what waits in them follows."""
    rows = Delivery.objects.filter(version__micro_credential__provider=organisation)
    for delivery in rows.select_related("version__micro_credential").order_by("pk"):
        tell("parts_changed", delivery=delivery, actor=actor)


@transaction.atomic
def invite(*, email: str, name: str, delivery: Delivery, actor: User) -> User:
    """Make an account without a usable password and ask the person to set one.

    The message carries no secret: its address is the page on which a person asks for a link.
    """
    if not getattr(actor, "is_active", False):
        raise NotPermitted
    person = User.objects.create_user(email, name=name)
    notify(
        topic="accounts.person.invited",
        recipients=[person],
        subject=person,
        path=reverse("account_reset_password"),
        channels=("email",),
        context={"delivery": delivery.title, "invited_by": actor.name},
    )
    return person


@transaction.atomic
def add_person(
    delivery: Delivery,
    *,
    email: str,
    name: str,
    role: str,
    actor: User,
    site: str | None = None,
    recognition: bool | None = None,
) -> User:
    """Enrol somebody ("learner") or give them a part; invite them if nobody has this address.

    `site` and `recognition` are of a learner, as in `enrol`.
    """
    locked = lock_delivery(delivery, actor)
    person = User.objects.filter(email=email.lower()).first()
    if person is None:
        person = invite(email=email, name=name, delivery=locked, actor=actor)
    if role == LEARNER:
        enrol(locked, person, actor=actor, site=site, recognition=recognition)
    else:
        assign_role(locked, person, DeliveryRoleKind(role), actor=actor)
    return person
