"""Agreed work hidden among live work, reached by the real actions."""

import datetime as dt
from typing import Any

from assessment.actions.exemplars import Agreed, Anonymous, freeze_exemplar
from assessment.actions.seeding import begin_seeds, place_seed
from assessment.models import Exemplar, Seed, SeedPlan
from assessment.selectors.exemplars import copies_of, supports_of
from catalogue.models import Level
from portfolios.models import EvidenceItem, Submission
from tests.factories.assessment import allocated, assessed
from tests.personas import Cast, make_cast
from workflows import outbox

DAY = dt.date(2015, 5, 1)
"""When the evidence was made: older than evidence usually is, which the workspace says."""
TEXTS = [("C1", "I checked the headings of each page."), ("C2", "I asked two people to read it.")]


def seeded_cast(learners: int = 3, **policy: Any) -> Cast:
    """A cohort marked by codes, with one piece of agreed work from Mere's, which Abe has decided."""
    cast = make_cast(learners=learners, policy={"anonymous_marking": True, **policy})
    source = assessed(cast, "mere", assessor="abe")
    EvidenceItem.objects.filter(pins__submission=source).update(happened_on=DAY)
    anchored(cast)
    return cast


def anchored(cast: Cast, **given: Any) -> Exemplar:
    """Agreed work with evidence that is kept from assessors, and what its learner said it shows."""
    source = given.pop("source", None) or Submission.objects.get(learner=cast.mere)
    levels = Level.objects.filter(criterion__rubric__task=cast.task, code="M")
    said: dict[str, Any] = {
        "actor": cast.lea,
        "title": "Just met",
        "agreed": Agreed({one.criterion_id: one.pk for one in levels}, "Each thing is there once."),
        "work": Anonymous(
            TEXTS,
            [(item, "A report with headings.") for _pin, item in copies_of(source)],
            supports_of(source),
            "It read my spelling.",
        ),
        "source": source,
        "consent": "By e-mail on 3 June.",
        "for_calibration": True,
    }
    return freeze_exemplar(cast.task, **said | given)


def planned(cast: Cast, percent: int = 20, telling: str = "after") -> SeedPlan:
    """A running plan of Lea's."""
    return begin_seeds(cast.delivery, cast.task, actor=cast.lea, percent=percent, telling=telling)


def hidden(cast: Cast, plan: SeedPlan | None = None, assessor: str = "ada") -> Seed:
    """One seed in the assessor's queue, allocated by what follows any submission."""
    from unittest.mock import patch

    plan = plan or planned(cast)
    with patch("assessment.actions.seeding.is_due", return_value=True):
        made = place_seed(plan, cast.people[assessor])
    assert made is not None
    relay()
    return made


def relay() -> None:
    """What the worker does with everything that waits."""
    while outbox.relay():
        pass


__all__ = ["allocated", "anchored", "hidden", "planned", "relay", "seeded_cast"]
