"""Hidden agreed work for the walk: one piece that was decided, and a plan that runs."""

from typing import TYPE_CHECKING

from assessment.actions.seeding import end_seeds
from portfolios.models import Submission
from tests.factories import assessment as marked
from tests.factories import seeds
from tests.routes.places import Place, with_staff

if TYPE_CHECKING:
    from tests.routes.house import House


def add_seeds(house: "House") -> None:
    """A plan that ended with a decided piece of Ada's, and another that runs and has hidden nothing."""
    places, world = house.places, house.world
    cast = with_staff(world, "seeded", 1, anonymous_marking=True)
    source = marked.assessed(cast, "seeded-1", assessor="abe")
    seeds.anchored(cast, source=source)
    plan = seeds.planned(cast)
    made = seeds.hidden(cast, plan)
    marked.decided(Submission.objects.get(pk=made.submission_id), cast.ada)
    end_seeds(plan, actor=cast.lea)
    of_task = {"delivery": cast.delivery.pk, "task": cast.task.pk}
    places["seeds"] = Place(
        {**of_task, "pk": plan.pk}, owner="seeded-1", data={"percent": 5, "telling": "after"}
    )
    places["seed"] = Place({"pk": made.pk}, owner="seeded-1", data={"reason": "It was shown."})
    running = with_staff(world, "seeding", anonymous_marking=True)
    places["running seeds"] = Place({"pk": seeds.planned(running).pk}, owner="seeded-1")
