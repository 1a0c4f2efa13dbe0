"""Conditions of the guards and rules of marking that only decide where several things come together."""

import pytest
from django.utils import timezone

from assessment import guards
from assessment.actions.allocation import allocate
from assessment.calibration import Pair, PassRule, judge
from assessment.models import Lease
from portfolios.models import Part
from tests.factories.assessment import allocated, opened
from tests.factories.portfolios import fresh


@pytest.mark.parametrize(("own", "word"), [(2, "kinder"), (0, "stricter")])
def test_one_level_off_is_said_which_way(own, word):
    verdict = judge([Pair({"C1": own}, {"C1": 1}, True)], PassRule(exact=0, bias=0.5))
    assert verdict.reasons == (f"On average 1.00 levels {word} than agreed; up to 0.5 is allowed.",)


def test_of_two_who_mark_blind_only_each_other_stand_in_nobodys_way(double):
    """The lease of a lead holds, also of one with another part, and that of somebody who marks it no more."""
    submission = allocated(double)
    allocate(submission, double.abe, actor=double.pam)
    opened(submission, double.abe)

    def stands():
        return not guards.lease_free.holds(fresh(submission), double.ada)

    assert not stands()
    Lease.objects.update(holder=double.lea)
    assert stands()
    part = Part.objects.create(submission=submission, person=double.lea, kind="moderator")
    assert stands()
    part.delete()
    Lease.objects.update(holder=double.abe)
    assert not stands()
    Part.objects.filter(person=double.abe).update(ended_at=timezone.now())
    assert stands()
    Lease.objects.update(until=timezone.now())
    assert not stands()
