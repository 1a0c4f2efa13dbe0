"""Sharing out a pool: BENCH_POOL submissions (10,000 by default) among 100 assessors with conflicts of interest."""

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import Weight, database, once, table

POOL = int(os.environ.get("BENCH_POOL", "10000"))
ASSESSORS = 100
GIVEN = 200


def make_pool() -> Any:
    """A delivery with a hundred assessors and work that nobody has; every assessor is too close to ten learners."""
    from accounts.models import DeclaredConflict, User
    from assessment.models import Allocation
    from benchmarks.support.world import analyse, make_cohort
    from catalogue.models import DeliveryRole
    from portfolios.models import Part

    cast, _source = make_cohort(POOL)
    Allocation.objects.all().delete()
    Part.objects.exclude(kind="learner").delete()
    people = [
        User(email=f"marker{at}@example.org", name=f"Marker {at}", search_key=f"marker {at:03}")
        for at in range(ASSESSORS - 3)
    ]
    User.objects.bulk_create(people)
    DeliveryRole.objects.bulk_create(
        DeliveryRole(delivery=cast.delivery, user=one, role="assessor") for one in people
    )
    learners = list(User.objects.filter(submissions__isnull=False)[: 10 * len(people)])
    DeclaredConflict.objects.bulk_create(
        DeclaredConflict(person=people[at % len(people)], other=one, kind="team", declared_by=one)
        for at, one in enumerate(learners)
    )
    analyse()
    return cast


def main() -> None:
    from assessment.actions.sharing import allocate_as_planned
    from assessment.enums import Way
    from assessment.selectors.sharing import plan_of
    from catalogue.models import Delivery
    from portfolios.models import Submission

    cast = make_pool()
    delivery = Delivery.objects.select_related("version").get(pk=cast.delivery.pk)
    found: list[Any] = []
    shared = once(lambda: found.extend(plan_of(delivery, Way.EQUAL)))
    assert len(found) == POOL
    assert all(one.assessor for one in found)
    loads = [
        sum(1 for one in found if one.assessor == person) for person in {o.assessor for o in found}
    ]
    assert max(loads) - min(loads) <= 1, (min(loads), max(loads))
    # Writing is measured on part of the pool; the rest is withdrawn from it.
    keep = Submission.objects.order_by("pk").values_list("pk", flat=True)[:GIVEN]
    Submission.objects.exclude(pk__in=list(keep)).update(delivery=other_delivery(delivery))
    pairs = [(one.submission.pk, one.assessor.pk) for one in plan_of(delivery, Way.EQUAL)]
    written = once(
        lambda: allocate_as_planned(delivery, actor=cast.pam, previewed=pairs), times=GIVEN
    )
    lines: list[tuple[str, Weight, Weight | None, str]] = [
        (f"sharing out {POOL} among {ASSESSORS} (preview)", shared, None, "≤ 5,000 ms"),
        (f"writing one allocation of {GIVEN}", written, None, ""),
    ]
    table("Allocation", lines)


def other_delivery(delivery: Any) -> Any:
    """A delivery of the same version, without anybody."""
    from catalogue.models import Delivery

    return Delivery.objects.create(
        version=delivery.version, code="other", title="Other", mode=delivery.mode,
        starts_on=delivery.starts_on, ends_on=delivery.ends_on,
    )  # fmt: skip


if __name__ == "__main__":
    with database():
        main()
