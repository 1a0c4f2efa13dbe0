"""Waivers and relations that are refused, and what each says afterwards."""

import pytest

from accounts.enums import ConflictGround as G
from accounts.models import DeclaredConflict
from assessment.actions.conflicts import (
    ask_for_waiver,
    declare_conflict,
    end_waiver,
    sign_waiver,
)
from assessment.guards import independent_of_learner
from assessment.models import ConflictWaiver
from catalogue.models import DeliveryRole
from portfolios.models import Submission
from tests.factories.portfolios import submitted
from tests.personas import make_cast
from tests.worlds import kept
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import AccessRecord, Notification

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast():
    """Ada is close to Lena, whose work waits; Pam asked that it does not count, and nobody has signed."""
    made = make_cast(learners=2)
    made.work = submitted(made)
    DeclaredConflict.objects.create(
        person=made.ada, other=made.lena, kind="whanau", declared_by=made.pam
    )
    made.waiver = ask_for_waiver(
        made.work, made.ada, actor=made.pam, ground=G.WHANAU, reason="Nobody else knows it."
    )
    return made


def counts(cast):
    return not independent_of_learner.holds(Submission.objects.get(pk=cast.work.pk), cast.ada)


def test_what_was_turned_down_is_not_signed_afterwards(cast):
    end_waiver(cast.waiver, actor=cast.lea)
    with pytest.raises(StaleState):
        sign_waiver(cast.waiver, actor=cast.lea)
    assert ConflictWaiver.objects.get().signed_at is None
    assert counts(cast)
    assert not AccessRecord.objects.exists()
    # It may be asked for anew.
    ask_for_waiver(cast.work, cast.ada, actor=cast.lea, ground=G.WHANAU, reason="Still nobody.")


def test_a_signature_is_given_once(cast):
    other = DeliveryRole.objects.create(
        delivery=cast.delivery, user=cast.rob, role="lead_moderator"
    ).user
    sign_waiver(cast.waiver, actor=cast.lea)
    with pytest.raises(StaleState):
        sign_waiver(cast.waiver, actor=other)
    assert ConflictWaiver.objects.get().signed_by == cast.lea
    assert not counts(cast)
    assert AccessRecord.objects.get().actor == cast.lea


def test_a_ground_that_the_policy_does_not_block_needs_no_waiver(cast):
    DeclaredConflict.objects.create(
        person=cast.abe, other=cast.lena, kind="team", declared_by=cast.pam
    )
    cast.delivery.policy_overrides = {"conflict.blocks": ["whanau"], "conflict.warns": ["team"]}
    cast.delivery.save()
    work = Submission.objects.get(pk=cast.work.pk)
    for ground in (G.TEAM, G.WHANAU):
        with pytest.raises(StaleState):
            ask_for_waiver(work, cast.abe, actor=cast.pam, ground=ground, reason="In case.")
    assert ConflictWaiver.objects.count() == 1


def test_others_who_allocate_are_told_and_nobody_concerned(cast):
    DeliveryRole.objects.create(delivery=cast.delivery, user=cast.ada, role="lead_moderator")
    end_waiver(cast.waiver, actor=cast.pam)
    before = list(Notification.objects.values_list("pk", flat=True))
    ask_for_waiver(cast.work, cast.ada, actor=cast.pam, ground=G.WHANAU, reason="Still nobody.")
    new = Notification.objects.filter(topic="assessment.waiver_asked").exclude(pk__in=before)
    told = {one.recipient for one in new}
    assert cast.lea in told
    assert not told & {cast.pam, cast.ada}


def test_a_waiver_is_for_one_ground_one_person_and_one_learner(cast):
    sign_waiver(cast.waiver, actor=cast.lea)
    for person, learner in ((cast.abe, cast.lena), (cast.ada, cast.hone)):
        DeclaredConflict.objects.create(
            person=person, other=learner, kind="whanau", declared_by=cast.pam
        )
    hones = submitted(cast, "hone")
    work = Submission.objects.get(pk=cast.work.pk)
    assert independent_of_learner.holds(work, cast.ada)
    assert not independent_of_learner.holds(work, cast.abe)
    assert not independent_of_learner.holds(hones, cast.ada)


def test_nobody_is_close_to_themselves_and_a_relation_is_between_who_works_and_who_learns(cast):
    """One who learns here and works here is both, and still no relation of their own."""
    DeliveryRole.objects.create(delivery=cast.delivery, user=cast.hone, role="assessor")
    said = {"actor": cast.pam, "kind": "team"}
    with pytest.raises(NotPermitted):
        declare_conflict(cast.delivery, cast.hone, cast.hone, **said)
    cast.delivery.roles.filter(user=cast.abe).update(ended_at=cast.work.submitted_at)
    with pytest.raises(NotPermitted):
        declare_conflict(cast.delivery, cast.abe, cast.lena, **said)
    assert DeclaredConflict.objects.count() == 1
    first = declare_conflict(cast.delivery, cast.hone, cast.lena, **said)
    assert declare_conflict(cast.delivery, cast.hone, cast.lena, **said) == first
