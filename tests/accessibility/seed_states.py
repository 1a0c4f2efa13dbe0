"""States of hidden agreed work."""

from typing import Any

from assessment.actions.seeding import tell_assessors
from portfolios.models import Submission
from tests.accessibility.world import LONG_WORD, World
from tests.factories import assessment as marked
from tests.factories import seeds as seeding

Kwargs = dict[str, Any]


def with_seeds(world: World) -> Kwargs:
    """Two pieces of hidden agreed work in a delivery of its own: one was marked, one waits. Ada was told of none."""
    cast = world.another("seeds", 2, policy={"anonymous_marking": True})
    for number in (1, 2):
        source = marked.assessed(cast, f"seeds-{number}", assessor="abe")
        seeding.anchored(cast, source=source, title=f"Agreed work {number} {LONG_WORD}")
    plan = seeding.planned(cast)
    first = seeding.hidden(cast, plan)
    marked.decided(Submission.objects.get(pk=first.submission_id), cast.ada, ["NY", "M", "E"])
    seeding.hidden(cast, plan)
    return {"delivery": cast.delivery.pk, "task": cast.task.pk, "pk": first.pk}


def with_told_seeds(world: World) -> Kwargs:
    """One piece of hidden agreed work that its assessor was told of, in a delivery where marking is over."""
    cast = world.another("told", 1, policy={"anonymous_marking": True})
    source = marked.assessed(cast, "told-1", assessor="abe")
    seeding.anchored(cast, source=source)
    plan = seeding.planned(cast)
    made = seeding.hidden(cast, plan)
    marked.decided(Submission.objects.get(pk=made.submission_id), cast.ada, "G")
    tell_assessors(plan, actor=cast.lea)
    return {"pk": made.pk}


def without_seeds(world: World) -> Kwargs:
    """A task that shows names, so that nothing can be hidden in it; and one in which something could be."""
    world.state(with_seeds)
    cast = world.another("seedless", 0)
    return {"delivery": cast.delivery.pk, "task": cast.task.pk}


def before_seeds(world: World) -> Kwargs:
    """A task in which nothing is hidden yet and something could be."""
    world.state(with_seeds)
    cast = world.another("before-seeds", 0, policy={"anonymous_marking": True})
    return {"delivery": cast.delivery.pk, "task": cast.task.pk}
