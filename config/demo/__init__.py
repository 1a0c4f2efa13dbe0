"""The demonstration: people, micro-credentials and work, made by the same actions that people use.

No state is written directly. `load()` does everything in one transaction, so that a demonstration is
whole or not there.
"""

from django.db import transaction

from catalogue.models import Delivery
from config.demo import (
    awarding,
    calibrating,
    catalogue,
    marking,
    moderating,
    people,
    seeding,
    work,
)
from config.demo.people import PASSWORD, demo_accounts
from portfolios.models import Portfolio

__all__ = ["PASSWORD", "demo_accounts", "is_loaded", "load"]


def is_loaded() -> bool:
    """Whether the demonstration is there."""
    return bool(Delivery.objects.filter(code=catalogue.DELIVERY).exists())


def load() -> bool:
    """Load the demonstration; False, and nothing changed, if it is there already."""
    with transaction.atomic():
        if is_loaded():
            return False
        cast = people.make_people()
        catalogue.publish_all(cast)
        _earlier(cast)
        _in_the_middle(cast)
        _to_walk_through(cast)
        _to_begin_with(cast)
        seeding.hide_one(catalogue.make_coded(cast), cast)
        catalogue.propose_revision(cast)
    return True


def _earlier(cast: people.Cast) -> None:
    """A cohort that has gone through everything, with one of each thing that can happen on the way."""
    delivery = catalogue.make_earlier(cast)
    submissions = work.make_work(delivery, cast, {}, brief=True)
    marking.hold_and_lift(submissions["omar"], cast)
    marking.refer_and_decide_again(submissions.pop("greta"), "ada", cast)
    marking.decide_all(submissions, cast, weak={"peter", "anja"})
    done = moderating.drawn(delivery, cast)
    moderating.read_all(done)
    moderating.accept_and_close(done, cast)
    moderating.hand_on(done, cast)
    moderating.standardise(delivery, cast)
    awarding.sign_and_release(delivery, cast)
    awarding.look_once_more(submissions["peter"], cast, conclude=True)
    awarding.look_once_more(submissions["anja"], cast, conclude=False)


def _in_the_middle(cast: people.Cast) -> None:
    """A round in which some is decided and some waits to be read."""
    pilot = catalogue.make_pilot(cast)
    submissions = work.make_work(pilot, cast, {}, brief=True)
    marking.decide_all(submissions, cast, weak={"li"})
    moderating.read_half(moderating.drawn(pilot, cast))


def _to_walk_through(cast: people.Cast) -> None:
    """Mere's cohort: work at every point between untouched and assessed, and requests for more time."""
    cohort = catalogue.make_cohort(cast)
    submissions = work.make_work(cohort, cast, work.COHORT)
    marking.make_decisions(submissions, cast)
    for name, days, reason, note in (
        ("oscar", 5, "health", "I was ill for a week."),
        ("lena", 10, "work", "My release was moved to next month."),
    ):
        portfolio = Portfolio.objects.get(enrolment__delivery=cohort, enrolment__learner=cast[name])
        asked = work.ask_for_time(portfolio, days=days, reason=reason, note=note)
        if name == "oscar":
            work.give_time(asked, cast)


def _to_begin_with(cast: people.Cast) -> None:
    """A new assessor's delivery: agreed work to calibrate on, and work that waits for her."""
    beginning = catalogue.make_beginning(cast)
    calibrating.agree_on_work(beginning, cast)
    calibrating.wait_for_her(beginning, cast)
