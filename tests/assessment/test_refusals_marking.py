"""What opening, giving back, giving away and deciding refuse where the work has moved already."""

import datetime as dt

import pytest
from django.utils import timezone

from assessment.actions.allocation import (
    allocate,
    claim_next,
    end_allocation,
    hand_back,
    reallocate,
)
from assessment.actions.chosen import extend_chosen, move_chosen, release_chosen
from assessment.actions.commenting import write_comment
from assessment.actions.deciding import record_decision, refer
from assessment.actions.discussing import end_discussion
from assessment.actions.double import plan_readings
from assessment.actions.marking import (
    look_again,
    raise_concern,
    renew_lease,
    save_draft,
    start_assessment,
    take_over,
)
from assessment.definitions import Judged, Marks, Remark
from assessment.enums import AllocationRole, Reading
from assessment.models import (
    Allocation,
    AssessmentDecision,
    Discussion,
    EarlyCheck,
    EarlyPlace,
    Lease,
)
from catalogue.models import Criterion, DeliveryRole
from portfolios.models import Hold, Part, Submission
from tests.factories.assessment import allocated, decided, drafted, marks, opened, referred
from tests.factories.catalogue import published_version
from tests.factories.portfolios import fresh, submit, submitted
from tests.personas import make_cast, second_cohort
from tests.tampering import tampering
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import Notification

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast():
    """Three learners, an evening cohort of the same version, and a task of another micro-credential."""
    made = make_cast(learners=3)
    made.strange = published_version(made.provider, "other").tasks.get()
    made.evening = second_cohort(made, "lena").delivery
    return made


@kept
def pair():
    """Ada and Abe mark Lena's work, blind to each other; both have opened it."""
    made = make_cast(learners=1, policy={"marking.double": True, "double.discussion": True})
    made.work = allocated(made)
    allocate(made.work, made.abe, actor=made.pam)
    for one in (made.ada, made.abe):
        opened(made.work, one)
    made.work = fresh(made.work)
    return made


def held(person):
    return Allocation.objects.current().get(assessor=person)


def live():
    return set(Allocation.objects.current().values_list("assessor", flat=True))


def set_policy(delivery, **values):
    delivery.policy_overrides |= {name.replace("__", "."): one for name, one in values.items()}
    delivery.save()


def returned(work):
    """As a moderator's return leaves it. The step itself belongs to moderation."""
    with tampering():
        Submission.objects.filter(pk=work.pk).update(
            state="in_assessment", returned_at=timezone.now(), return_note="Read it again."
        )
    return fresh(work)


def half_decided(cast):
    """Read in the open: Ada has sealed, and Abe gave the second reading back unfinished."""
    plan_readings(cast.delivery, cast.task, actor=cast.pam, reading=Reading.OPEN)
    work = decided(allocated(cast), cast.ada)
    second = Allocation.objects.current().get(role=AllocationRole.SECOND_ASSESSOR).assessor
    opened(work, second)
    hand_back(work, actor=second)
    assert fresh(work).state == "submitted"
    return fresh(work)


# --- opening


def test_who_opens_work_that_moved_already_is_asked_for_calibration_too(pair):
    DeliveryRole.objects.filter(user=pair.ana).delete()
    set_policy(pair.delivery, marking__requires_calibration=True)
    with pytest.raises(GuardsNotMet) as refused:
        start_assessment(fresh(pair.work), actor=pair.abe)
    assert refused.value.codes == ["not_calibrated"]


def test_who_opens_work_that_moved_already_finds_it_taken_over(pair):
    take_over(pair.work, actor=pair.lea)
    with pytest.raises(GuardsNotMet) as refused:
        start_assessment(fresh(pair.work), actor=pair.abe)
    assert refused.value.codes == ["lease_taken"]
    assert Lease.objects.get().holder == pair.lea


def test_only_whose_turn_it_is_opens_work_that_moved_already(pair):
    for name in ("ana", "lea", "pam", "moses", "lena"):
        with pytest.raises(NotPermitted):
            start_assessment(fresh(pair.work), actor=pair.people[name])
    assert AssessmentDecision.objects.count() == 2


def test_a_lease_that_somebody_took_is_not_renewed(pair):
    renew_lease(pair.work, actor=pair.abe)
    take_over(pair.work, actor=pair.lea)
    for one in (pair.ada, pair.abe):
        with pytest.raises(StaleState):
            renew_lease(pair.work, actor=one)
    assert Lease.objects.get().holder == pair.lea


def test_whoever_took_over_what_was_theirs_already_is_told_nothing(pair):
    for _time in range(2):
        take_over(pair.work, actor=pair.lea)
    told = Notification.objects.filter(topic="assessment.taken_over")
    assert pair.lea not in {one.recipient for one in told}
    assert told.count() == 1


def test_of_two_the_first_keeps_the_lease_until_it_runs_out(pair):
    """The other notices nothing when theirs ends, and somebody has the work open in any case."""
    start_assessment(fresh(pair.work), actor=pair.abe)
    assert Lease.objects.get().holder == pair.ada
    Lease.objects.update(until=timezone.now())
    start_assessment(fresh(pair.work), actor=pair.abe)
    assert Lease.objects.get().holder == pair.abe


def test_ones_own_lease_is_made_longer(cast):
    work = allocated(cast)
    opened(work, cast.ada)
    soon = timezone.now() + dt.timedelta(minutes=1)
    Lease.objects.update(until=soon)
    since = Lease.objects.get().since
    renew_lease(work, actor=cast.ada)
    lease = Lease.objects.get()
    assert lease.until > soon
    assert lease.since == since


# --- drafts


@pytest.mark.parametrize("kind", ["moderator", "feedback_reader"])
def test_a_draft_is_not_written_to_in_another_part(pair, kind):
    Part.objects.filter(submission=pair.work, person=pair.ada).update(kind=kind)
    said = marks(pair.work)
    for deed in (
        lambda: save_draft(pair.work.pk, actor=pair.ada, marks=said, seen_version=1),
        lambda: look_again(pair.work, actor=pair.ada),
        lambda: write_comment(pair.work.pk, actor=pair.ada, evidence=1, remark=Remark("Look.")),
    ):
        with pytest.raises(NotPermitted):
            deed()


def test_what_is_sealed_is_neither_saved_nor_looked_at_again(cast):
    work = decided(allocated(cast), cast.ada)
    version = AssessmentDecision.objects.get().version
    with pytest.raises(NotPermitted):
        save_draft(work.pk, actor=cast.ada, marks=marks(work, "NY"), seen_version=version)
    with pytest.raises(NotPermitted):
        look_again(work, actor=cast.ada)


def test_looking_again_adds_only_what_the_rubric_gained(cast):
    work = allocated(cast)
    draft = drafted(work, cast.ada)
    look_again(work, actor=cast.ada)
    assert draft.judgements.count() == 3
    assert {one.level.code for one in draft.judgements.all()} == {"M"}


def test_what_was_carried_over_is_pointed_from_nowhere_else(cast):
    first = referred(cast, levels={"C1": "NY", "C2": "M", "C3": "M"})
    first.portfolio.refresh_from_db()
    again = submit(first.portfolio)
    allocate(again, cast.abe, actor=cast.pam)
    draft = opened(again, cast.abe)
    said = Marks({number: Judged(pointers=[1]) for number in (1, 2)})
    save_draft(again.pk, actor=cast.abe, marks=said, seen_version=draft.version)
    pointed = draft.judgements.filter(pointers__isnull=False)
    assert [one.criterion.code for one in pointed] == ["C1"]


def test_a_comment_names_a_criterion_of_its_own_rubric_or_none(cast):
    work = allocated(cast)
    opened(work, cast.ada)
    strange = Criterion.objects.filter(rubric__task=cast.strange).first()
    own = Criterion.objects.filter(rubric__task=cast.task).first()
    for named, kept_as in ((strange, None), (own, own)):
        made = write_comment(
            work.pk, actor=cast.ada, evidence=1, remark=Remark("Look.", criterion=named.pk)
        )
        assert made.entries.get().criterion == kept_as


def test_a_second_concern_is_the_first_while_that_is_open(cast):
    work = allocated(cast)
    opened(work, cast.ada)
    first = raise_concern(work, actor=cast.ada, concern="Copied.")
    assert raise_concern(work, actor=cast.ada, concern="Again.") == first
    assert Hold.objects.get().reason == "Copied."
    told = Notification.objects.filter(topic="assessment.concern_raised", recipient=cast.pam)
    assert told.count() == 1
    Hold.objects.update(closed_at=timezone.now(), closed_by=cast.pam)
    assert raise_concern(fresh(work), actor=cast.ada, concern="Once more.") != first


# --- giving back and giving away


def test_only_the_two_and_administrators_give_one_of_a_pair_back(pair):
    for name in ("ana", "lea", "moses", "lena", "rita"):
        with pytest.raises(NotPermitted):
            hand_back(pair.work, actor=pair.people[name])
    assert live() == {pair.ada.pk, pair.abe.pk}
    hand_back(pair.work, actor=pair.ada, reason="No time")
    assert live() == {pair.abe.pk}
    # The other notices nothing: no step is taken.
    assert fresh(pair.work).state == "in_assessment"


def test_whoever_gives_back_ends_their_own_part_and_gives_nobody_a_second_one(pair):
    for who in (pair.abe, pair.moses, pair.lena):
        with pytest.raises(GuardsNotMet):
            reallocate(held(pair.ada), who, actor=pair.pam, reason="Leave")
    assert live() == {pair.ada.pk, pair.abe.pk}
    hand_back(pair.work, actor=pair.abe)
    assert live() == {pair.ada.pk}


def test_work_that_came_back_half_decided_keeps_its_one_place_in_an_early_check(cast):
    EarlyCheck.objects.create(delivery=cast.delivery, task=cast.task, size=1)
    work = half_decided(cast)
    allocate(work, cast.ana, actor=cast.pam)
    assert start_assessment(work, actor=cast.ana).state == "in_assessment"
    assert EarlyPlace.objects.get().submission == work


def test_whoever_sealed_keeps_the_work_though_it_waits_again(cast):
    work = half_decided(cast)
    mine = held(cast.ada)
    with pytest.raises(StaleState):
        end_allocation(mine, actor=cast.pam, reason="Leave")
    with pytest.raises(StaleState):
        reallocate(mine, cast.ana, actor=cast.pam, reason="Leave")
    with pytest.raises(StaleState):
        release_chosen(cast.delivery, actor=cast.pam, held=[(work.pk, [mine.pk])])
    with pytest.raises(StaleState):
        move_chosen(
            cast.delivery, actor=cast.pam, moves=[(work.pk, cast.ana.pk, mine.pk)], reason=""
        )
    assert live() == {cast.ada.pk}


def test_what_a_moderator_returned_may_be_given_to_somebody_else(cast):
    work = returned(decided(allocated(cast), cast.ada))
    reallocate(held(cast.ada), cast.abe, actor=cast.pam, reason="Ada is away.")
    assert live() == {cast.abe.pk}
    assert start_assessment(work, actor=cast.abe).state == "in_assessment"


def test_who_revises_for_one_of_two_gives_the_whole_work_back(pair):
    """After a return the other one has done their part: nobody goes on, so the work waits again."""
    for one in (pair.ada, pair.abe):
        decided(pair.work, one)
    work = returned(fresh(pair.work))
    author = work.decisions.get(final_at__isnull=False).author
    reallocate(held(author), pair.ana, actor=pair.pam, reason="Away")
    opened(work, pair.ana)
    hand_back(fresh(work), actor=pair.ana)
    assert fresh(work).state == "submitted"
    assert pair.ana.pk not in live()


def test_an_ended_allocation_is_not_given_to_somebody_else(cast):
    allocated(cast)
    mine = held(cast.ada)
    end_allocation(mine, actor=cast.pam, reason="Leave")
    with pytest.raises(StaleState):
        reallocate(mine, cast.abe, actor=cast.pam, reason="Again")
    assert live() == set()


def test_a_claim_stays_in_the_delivery_and_the_task_that_were_asked_for(cast):
    work = submitted(cast)
    assert claim_next(actor=cast.ada, delivery=cast.evening.pk) is None
    assert claim_next(actor=cast.ada, task=cast.strange.pk) is None
    assert claim_next(actor=cast.ada, only=cast.evening.pk) is None
    assert claim_next(actor=cast.ada, delivery=cast.delivery.pk, task=cast.task.pk) == work


# --- one thing for many


def test_nothing_is_done_in_one_delivery_to_work_of_another(cast):
    work = allocated(cast)
    mine, due = held(cast.ada), fresh(work).marking_due_at
    later = timezone.now() + dt.timedelta(60)
    for deed in (
        lambda: release_chosen(cast.evening, actor=cast.pam, held=[(work.pk, [mine.pk])]),
        lambda: move_chosen(
            cast.evening, actor=cast.pam, moves=[(work.pk, cast.abe.pk, mine.pk)], reason=""
        ),
        lambda: extend_chosen(
            cast.evening, actor=cast.pam, seen=[(work.pk, due)], due_at=later, reason=""
        ),
    ):
        with pytest.raises(StaleState):
            deed()
    assert fresh(work).marking_due_at == due
    assert live() == {cast.ada.pk}


def test_work_that_nobody_has_is_not_put_back(cast):
    work = submitted(cast)
    with pytest.raises(StaleState):
        release_chosen(cast.delivery, actor=cast.pam, held=[(work.pk, [])])


def test_no_time_that_is_over_is_given_to_work_that_had_none(cast):
    work = submitted(cast)
    Submission.objects.update(marking_due_at=None)
    given = {"actor": cast.pam, "seen": [(work.pk, None)], "reason": ""}
    with pytest.raises(StaleState):
        extend_chosen(cast.delivery, due_at=timezone.now() - dt.timedelta(1), **given)
    extend_chosen(cast.delivery, due_at=timezone.now() + dt.timedelta(1), **given)
    assert fresh(work).marking_due_at is not None


def test_more_time_is_told_to_whoever_has_the_work_now(cast):
    work = allocated(cast)
    reallocate(held(cast.ada), cast.abe, actor=cast.pam, reason="Leave")
    before = Allocation.objects.get(assessor=cast.ada).due_at
    later = timezone.now() + dt.timedelta(60)
    seen = [(work.pk, fresh(work).marking_due_at)]
    extend_chosen(cast.delivery, actor=cast.pam, seen=seen, due_at=later, reason="Strike")
    told = Notification.objects.filter(topic="assessment.due_moved")
    assert [one.recipient for one in told] == [cast.abe]
    assert Allocation.objects.get(assessor=cast.ada).due_at == before
    assert held(cast.abe).due_at == later


# --- verdicts


def disagreed(pair):
    """Both have sealed, too far apart to count."""
    decided(pair.work, pair.ada, "E")
    decided(pair.work, pair.abe, "NY")
    return Discussion.objects.get()


def test_an_adjudicator_refers_nothing_back(pair):
    talk = disagreed(pair)
    end_discussion(talk, actor=pair.pam, reason="Both are away.")
    drafted(pair.work, pair.ana, "NY")
    with pytest.raises(StaleState):
        refer(pair.work, actor=pair.ana)
    assert fresh(pair.work).state == "in_adjudication"
    assert not AssessmentDecision.objects.sealed().filter(author=pair.ana).exists()


def test_there_is_no_verdict_without_a_draft(cast):
    work = allocated(cast)
    for verdict in (record_decision, refer):
        with pytest.raises(NotPermitted):
            verdict(work, actor=cast.ada)


def test_after_a_return_nobody_talks_and_an_adjudicator_is_asked(pair):
    for one in (pair.ada, pair.abe):
        decided(pair.work, one)
    work = returned(fresh(pair.work))
    author = work.decisions.get(final_at__isnull=False).author
    moved = decided(work, author, "NY", reason="Page 2 shows it.")
    assert moved.state == "in_adjudication"
    assert not Discussion.objects.exists()


def test_one_of_two_who_talk_does_not_end_it_though_they_lead_as_well(pair):
    talk = disagreed(pair)
    DeliveryRole.objects.create(delivery=pair.delivery, user=pair.ada, role="lead_moderator")
    with pytest.raises(NotPermitted):
        end_discussion(talk, actor=pair.ada, reason="I am right.")
    talk.refresh_from_db()
    assert talk.concluded_at is None


@pytest.mark.parametrize("verdict", [record_decision, refer])
def test_whoever_had_the_work_before_gives_no_verdict_on_it(cast, verdict):
    work = allocated(cast)
    drafted(work, cast.ada, "NY")
    reallocate(held(cast.ada), cast.abe, actor=cast.pam, reason="Leave")
    with pytest.raises(NotPermitted):
        verdict(work, actor=cast.ada)
    assert not AssessmentDecision.objects.sealed().exists()
