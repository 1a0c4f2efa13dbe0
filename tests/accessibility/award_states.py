"""States of awards, as states.py has those of learners’ work."""

from typing import Any

from awards.actions.recall import ask_recall
from awards.actions.reconsideration import request_reconsideration
from awards.actions.release import schedule_release
from portfolios.models import Submission
from tests.accessibility.moderation_states import keys
from tests.accessibility.world import LONG_NAME, World
from tests.factories import awards
from tests.factories import portfolios as work

Kwargs = dict[str, Any]


def moderated_set(world: World) -> Kwargs:
    """Results that wait for a batch."""
    cast = world.another("confirmable", 4, names=(LONG_NAME,))
    for number, name in enumerate(cast.enrolments):
        awards.moderated(cast, name, achieved=number != 2)
    return keys(cast)


def batch(world: World) -> Kwargs:
    """A batch that waits for a signature."""
    cast = world.another("batch", 3)
    for name in cast.enrolments:
        awards.moderated(cast, name)
    return keys(cast, pk=awards.batch(cast).pk)


def signed(world: World) -> Kwargs:
    """A signed batch, and results that wait for release."""
    cast = world.another("signed", 3)
    for number, name in enumerate(cast.enrolments):
        awards.moderated(cast, name, achieved=number != 1)
    made = awards.batch(cast)
    awards.sign(made, cast.rita)
    return keys(cast, pk=made.pk)


def scheduled(world: World) -> Kwargs:
    """A release that waits for the clock."""
    cast = world.another("scheduled", 2)
    for name in cast.enrolments:
        awards.moderated(cast, name)
    awards.sign(awards.batch(cast), cast.rita)
    return keys(cast, pk=schedule_release(cast.delivery, cast.task, actor=cast.pam).pk)


def done(world: World) -> Kwargs:
    """A release that was carried out, one result not achieved."""
    cast = world.another("done", 3)
    for number, name in enumerate(cast.enrolments):
        awards.moderated(cast, name, achieved=number != 1)
    awards.sign(awards.batch(cast), cast.rita)
    return keys(cast, pk=awards.release(cast).pk)


def result(world: World) -> Kwargs:
    """A released result with its credential."""
    world.state(done)
    submission = Submission.objects.get(learner=world.cast.people["done-1"])
    return {"pk": submission.pk}


def result_not_achieved(world: World) -> Kwargs:
    """A released result that is not achieved."""
    world.state(done)
    return {"pk": Submission.objects.get(learner=world.cast.people["done-2"]).pk}


def credential(world: World) -> Kwargs:
    """The credential of the released result."""
    submission = Submission.objects.get(pk=world.state(result)["pk"])
    return {"pk": submission.credentials.get().pk}


def unreleased(world: World) -> Kwargs:
    """A result that is still being checked."""
    world.state(moderated_set)
    return {"pk": Submission.objects.get(learner=world.cast.people["confirmable-2"]).pk}


def reconsidered(world: World) -> Kwargs:
    """A request for a fresh look."""
    cast = world.another("fresh", 1)
    submission = awards.released(cast, "fresh-1", achieved=False)
    made = request_reconsideration(
        submission, actor=cast.people["fresh-1"], grounds="Page 4 was not read."
    )
    return {"pk": made.pk, "submission": submission.pk}


def asked_again(world: World) -> Kwargs:
    """The same, from the learner's side."""
    return {"pk": world.state(reconsidered)["submission"]}


def recallable(world: World) -> Kwargs:
    """Released results that could be taken back."""
    cast = world.another("recallable", 2)
    for name in cast.enrolments:
        awards.moderated(cast, name)
    awards.sign(awards.batch(cast), cast.rita)
    awards.release(cast)
    return keys(cast)


def recall(world: World) -> Kwargs:
    """A recall that waits for a second person."""
    cast = world.another("recalled", 2)
    for name in cast.enrolments:
        awards.moderated(cast, name)
    awards.sign(awards.batch(cast), cast.rita)
    awards.release(cast)
    made = ask_recall(cast.delivery, cast.task, actor=cast.lea, reason="One file was exchanged.")
    return keys(cast, pk=made.pk)


def enrolled(world: World) -> Kwargs:
    """A learner's record, with a released attempt."""
    world.state(done)
    return {"pk": world.cast.people["done-1"].enrolments.get().pk}


def building_portfolio(world: World) -> Kwargs:
    """A ready portfolio for somebody else to submit."""
    cast = world.another("behalf", 1)
    return {"pk": work.ready(cast, "behalf-1").pk}


def done_delivery(world: World) -> Kwargs:
    """The delivery of the release that was carried out."""
    return {"pk": world.state(done)["delivery"]}
