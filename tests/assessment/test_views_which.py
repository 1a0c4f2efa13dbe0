"""Of several of a kind a page of allocation acts on the one that was named, and lists what is open there."""

import pytest
from django.utils import timezone

from accounts.enums import ConflictGround, ConflictKind
from assessment.actions.allocation import allocate
from assessment.actions.conflicts import ask_for_waiver, declare_conflict
from assessment.enums import AllocationRole
from assessment.models import Allocation
from catalogue.models import DeliveryRole
from tests.assessment.pages import url
from tests.factories.assessment import allocated, assessed, opened
from tests.factories.portfolios import submitted
from tests.personas import Cast, as_, make_cast, second_cohort
from tests.worlds import kept

WHANAU = ConflictGround.WHANAU


@kept
def near() -> Cast:
    """Ada is whānau of Lena, who has submitted in this delivery and in a second one with the same staff."""
    made = make_cast(learners=2)
    declare_conflict(made.delivery, made.ada, made.lena, actor=made.pam, kind=ConflictKind.WHANAU)
    made.work = submitted(made)
    made.elsewhere = submitted(second_cohort(made, "lena"))
    return made


def test_a_waiver_is_asked_for_work_and_an_assessor_of_the_delivery(near):
    pam, delivery = as_(near.pam), near.delivery.pk
    assert pam.get(url("waive_conflict", delivery, near.work.pk, near.ada.pk)).status_code == 200
    assert (
        pam.get(url("waive_conflict", delivery, near.elsewhere.pk, near.ada.pk)).status_code == 404
    )
    DeliveryRole.objects.filter(user=near.ada, delivery=near.delivery).update(
        ended_at=timezone.now()
    )
    assert pam.get(url("waive_conflict", delivery, near.work.pk, near.ada.pk)).status_code == 404


@pytest.mark.parametrize("chosen", [0, 1])
def test_of_two_waivers_the_one_that_was_named_is_signed_and_ended(near, chosen):
    declare_conflict(near.delivery, near.abe, near.lena, actor=near.pam, kind=ConflictKind.WHANAU)
    made = [
        ask_for_waiver(near.work, one, actor=near.pam, ground=WHANAU, reason="Nobody else.")
        for one in (near.ada, near.abe)
    ]
    lea, one, other = as_(near.lea), made[chosen], made[1 - chosen]
    signed = lea.post(url("sign_waiver", one.pk), follow=True)
    assert f"Signed. {one.person.name} can be given" in signed.content.decode()
    for waiver, by in ((one, near.lea), (other, None)):
        waiver.refresh_from_db()
        assert waiver.signed_by == by
    ended = lea.post(url("end_waiver", one.pk), follow=True)
    assert "The conflict counts." in ended.content.decode()
    for waiver, is_over in ((one, True), (other, False)):
        waiver.refresh_from_db()
        assert (waiver.ended_at is not None) is is_over


def test_what_was_begun_on_other_work_is_not_spoken_of(cast):
    begun, waits = allocated(cast), allocated(cast, "hone")
    opened(begun, cast.ada)
    said = "What you have written so far is kept"
    assert said in as_(cast.ada).get(url("known", begun.pk)).content.decode()
    assert said not in as_(cast.ada).get(url("known", waits.pk)).content.decode()


@pytest.mark.parametrize("chosen", [0, 1])
def test_of_two_allocations_the_one_that_was_named_is_moved_or_ended(double, chosen):
    submission = allocated(double)
    if Allocation.objects.current().count() < 2:
        allocate(submission, double.abe, actor=double.pam)
    both = list(Allocation.objects.current().order_by("role"))
    assert {one.role for one in both} == {
        AllocationRole.ASSESSOR, AllocationRole.SECOND_ASSESSOR,
    }  # fmt: skip
    one, other = both[chosen], both[1 - chosen]
    pam = as_(double.pam)
    moving = url("allocate_one", double.delivery.pk, submission.pk)
    page = pam.get(f"{moving}?from={one.pk}")
    assert page.context["current"] == one
    assert pam.post(url("end", double.delivery.pk, one.pk)).status_code == 302
    assert list(Allocation.objects.current()) == [other]
    assert pam.get(f"{moving}?from={one.pk}").status_code == 404


def test_the_board_lists_what_is_still_open_and_with_whom(cast):
    done, open_one = assessed(cast), allocated(cast, "hone")
    pam = as_(cast.pam)
    taken = pam.get(url("allocate", cast.delivery.pk)).context["taken"]
    assert [one["allocation"].submission_id for one in taken] == [open_one.pk]
    assert done.pk != open_one.pk
    pam.post(url("end", cast.delivery.pk, taken[0]["allocation"].pk))
    assert pam.get(url("allocate", cast.delivery.pk)).context["taken"] == []
