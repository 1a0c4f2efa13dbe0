"""One world of data for all pages of a worker: states are made when a page first needs them, and kept."""

import dataclasses
from collections.abc import Callable
from typing import Any

from accounts.models import User
from catalogue.models import Enrolment, MicroCredentialVersion
from tests.personas import Cast, make_cast, make_user, open_delivery
from workflows.outbox import relay

LONG_NAME = "Te Whāwhai-o-ngā-Tūpuna Māhinārangi Wētere-Ōhāngā Tāwhirimātea-Kūmārahou"
LONG_WORD = "Taumatawhakatangihangakoauauotamateaturipukakapikimaungahoronukupokaiwhenuakitanatahu"
ORDINARY = ["Aroha Pōtiki", "Tama Rāwiri", "Sofia Marino", "James O’Connor", "Nia Faleolo"]


class World:
    """The cast, further deliveries of the same task with the same staff, and the states so far."""

    def __init__(self) -> None:
        self.cast: Cast = make_cast(learners=3)
        self.made: dict[str, dict[str, Any]] = {}

    def state(self, make: Callable[["World"], dict[str, Any]]) -> dict[str, Any]:
        """What the state's function returned, which is called once."""
        if make.__name__ not in self.made:
            self.made[make.__name__] = make(self) or {}
            tell()
        return self.made[make.__name__]

    def person(self, name: str, full: str = "", **fields: Any) -> User:
        """Somebody new, known by that name from now on."""
        made = make_user(name, **fields)
        User.objects.filter(pk=made.pk).update(name=full or made.name)
        self.cast.people[name] = User.objects.get(pk=made.pk)
        return self.cast.people[name]

    def learner(self, name: str, full: str = "") -> User:
        """A new learner in the first delivery."""
        made = self.person(name, full)
        self.cast.enrolments[name] = Enrolment.objects.create(
            delivery=self.cast.delivery, learner=made, employer=self.cast.client
        )
        return made

    def another(
        self,
        code: str,
        learners: int = 0,
        *,
        title: str = "",
        policy: dict[str, Any] | None = None,
        version: MicroCredentialVersion | None = None,
        names: tuple[str, ...] = (),
    ) -> Cast:
        """The same staff in another open delivery, with learners of its own: `code-1`, `code-2`, …"""
        delivery, task = open_delivery(
            version or self.cast.delivery.version,
            code,
            title or f"Cohort {code}",
            self.cast.client,
            self.cast.people,
            policy,
        )
        enrolments = {}
        for number in range(learners):
            name = f"{code}-{number + 1}"
            full = (*names, *ORDINARY)[number] if number < len(names) + 5 else ""
            enrolments[name] = Enrolment.objects.create(
                delivery=delivery, learner=self.person(name, full), employer=self.cast.client
            )
        return dataclasses.replace(self.cast, delivery=delivery, task=task, enrolments=enrolments)


def tell() -> None:
    """Hand every event to its handlers, so that messages and credentials are there."""
    while relay(batch=200):
        pass
