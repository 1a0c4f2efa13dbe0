"""The fixed cast. Everybody has one part in the delivery and a name with a reason."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.models import Membership, Organisation, User
from catalogue.enums import DeliveryRoleKind as Role
from catalogue.models import (
    AssessmentTask,
    Delivery,
    DeliveryRole,
    Enrolment,
    MicroCredentialVersion,
    TaskSchedule,
)
from tests.factories.catalogue import published_version

PASSWORD = "correct horse battery"

STAFF: dict[str, list[Role]] = {
    "ada": [Role.ASSESSOR],
    "abe": [Role.ASSESSOR],
    "ana": [Role.ASSESSOR],
    "moses": [Role.MODERATOR],
    "ed": [Role.EXTERNAL_MODERATOR],
    "lea": [Role.LEAD_MODERATOR, Role.MODERATOR],
    "pam": [Role.ADMINISTRATOR],
    "rita": [Role.RATIFIER],
    "rob": [Role.RATIFIER],
}
NAMES = {
    "lena": "Lena Tūhoe",
    "hone": "Hōne Parata",
    "mere": "Mere Ngata",
    "ada": "Ada Assessor",
    "abe": "Abe Assessor",
    "ana": "Ana Assessor",
    "moses": "Moses Moderator",
    "ed": "Ed External",
    "lea": "Lea Lead",
    "pam": "Pam Programme",
    "rita": "Rita Ratifier",
    "rob": "Rob Ratifier",
    "olga": "Olga Other",
    "petra": "Petra Platform",
}
"""petra is a platform administrator, olga administers another organisation; vic has no account."""


@dataclass
class Cast:
    """One delivery with its people. `cast.ada` is the user; `cast.learners` in order of enrolment."""

    provider: Organisation
    client: Organisation
    other: Organisation
    delivery: Delivery
    task: AssessmentTask
    people: dict[str, User] = field(default_factory=dict)
    enrolments: dict[str, Enrolment] = field(default_factory=dict)

    def __getattr__(self, name: str) -> User:
        try:
            return self.__dict__["people"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def learners(self) -> list[User]:
        return [enrolment.learner for enrolment in self.enrolments.values()]


def make_user(name: str, **fields: object) -> User:
    """A person of the cast, or somebody new under that short name."""
    return User.objects.create_user(
        f"{name}@example.org", PASSWORD, name=NAMES.get(name, name.title()), **fields
    )


def as_(person: User) -> Client:
    """A client of our pages that is signed in as that person."""
    client = Client()
    client.force_login(person)
    return client


def open_delivery(
    version: MicroCredentialVersion,
    code: str,
    title: str,
    client: Organisation,
    people: dict[str, User],
    policy: dict[str, Any] | None = None,
) -> tuple[Delivery, AssessmentTask]:
    """A delivery of a version with one task, open since 30 days and due in 14, with its staff."""
    now = timezone.now()
    delivery = Delivery.objects.create(
        version=version,
        code=code,
        title=title,
        mode="online_live",
        starts_on=now.date() - timedelta(days=30),
        ends_on=now.date() + timedelta(days=60),
        client=client,
        policy_overrides=policy or {},
        opened_at=now - timedelta(days=30),
    )
    task = version.tasks.get()
    TaskSchedule.objects.create(
        delivery=delivery,
        task=task,
        opens_at=now - timedelta(days=30),
        due_at=now + timedelta(days=14),
        cut_off_at=now + timedelta(days=14),
    )
    DeliveryRole.objects.bulk_create(
        [
            DeliveryRole(delivery=delivery, user=people[name], role=role)
            for name, roles in STAFF.items()
            for role in roles
        ]
    )
    return delivery, task


def second_cohort(cast: Cast, *learners: str) -> Cast:
    """The same people in one more delivery of the same version, in which those learners are enrolled."""
    delivery, _task = open_delivery(
        cast.delivery.version, "evening", "Evening cohort", cast.client, cast.people
    )
    there = {
        name: Enrolment.objects.create(
            delivery=delivery, learner=cast.people[name], employer=cast.client
        )
        for name in learners
    }
    return replace(cast, delivery=delivery, enrolments=there)


def make_cast(
    learners: int = 1,
    policy: dict[str, object] | None = None,
    attestations: int = 0,
    **of_task: object,
) -> Cast:
    """Provider, client, another organisation, an open delivery of one task, and everybody's part.

    The first three learners are lena, hone and mere; more are learner4, learner5, …
    """
    provider = Organisation.objects.create(
        code="provider", name="Provider", kind=OrganisationKind.PROVIDER
    )
    client = Organisation.objects.create(
        code="ministry", name="Ministry of Examples", kind=OrganisationKind.CLIENT
    )
    other = Organisation.objects.create(
        code="elsewhere", name="Elsewhere", kind=OrganisationKind.PROVIDER
    )
    people = {name: make_user(name) for name in [*STAFF, "olga"]}
    people["petra"] = make_user("petra", is_staff=True, is_superuser=True)
    Membership.objects.create(
        user=people["olga"], organisation=other, role=OrganisationRole.ADMINISTRATOR
    )
    version = published_version(provider, attestations=attestations, **of_task)
    delivery, task = open_delivery(version, "cohort", "Cohort 1", client, people, policy)
    cast = Cast(provider, client, other, delivery, task, people)
    first = ["lena", "hone", "mere"]
    for number in range(learners):
        name = first[number] if number < 3 else f"learner{number + 1}"
        people[name] = make_user(name)
        cast.enrolments[name] = Enrolment.objects.create(
            delivery=delivery, learner=people[name], employer=client
        )
    return cast
