"""The demonstration: people, micro-credentials and work, made by the same actions that people use.

No state is written directly. `load()` does everything in one transaction, so that a demonstration is
whole or not there.
"""

from django.db import transaction

from catalogue.models import Delivery
from config.demo import catalogue, marking, people, work
from config.demo.people import PASSWORD, demo_accounts

__all__ = ["PASSWORD", "demo_accounts", "is_loaded", "load"]


def is_loaded() -> bool:
    """Whether the demonstration is there."""
    return Delivery.objects.filter(code=catalogue.DELIVERY).exists()


def load() -> bool:
    """Load the demonstration; False, and nothing changed, if it is there already."""
    with transaction.atomic():
        if is_loaded():
            return False
        cast = people.make_people()
        catalogue.publish_all(cast)
        cohort = catalogue.make_cohort(cast)
        marking.make_decisions(work.make_work(cohort, cast, work.COHORT), cast)
        pilot = catalogue.make_pilot(cast)
        marking.decide_all(work.make_work(pilot, cast, {}), cast)
        marking.draw_round(pilot, cast)
    return True
