"""A seed once it is there: whose it is, whom it reaches, what is kept, compared, withdrawn and told."""

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import Membership
from assessment import rules
from assessment.actions.allocation import allocate, claim_next, hand_back
from assessment.actions.conflicts import declare_known
from assessment.actions.deciding import record_decision, refer
from assessment.actions.marking import raise_concern
from assessment.actions.reviewing import ask_review
from assessment.actions.seeding import (
    tell_assessors,
    withdraw_seed,
)
from assessment.exceptions import SeedsRefused
from assessment.models import (
    Allocation,
    FeedbackReview,
    Seed,
    SeedPlan,
    SeedWithdrawal,
)
from assessment.querysets import claimable, waiting_for
from assessment.selectors.seeds import (
    is_marking_over,
    rows_of_seeds,
    verdict_on,
)
from assessment.selectors.workload import in_hand, loads_of
from catalogue.actions.people import end_role
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from moderation.selectors.seeds import seeded_tasks
from portfolios.actions.seeding import hand_in
from portfolios.handlers.submissions import whose_submission
from portfolios.models import EvidenceItem, Hold, Portfolio, Submission
from portfolios.selectors.evidence import reuse_of
from tests.factories.assessment import allocated, assessed, decided, drafted, opened
from tests.factories.seeds import anchored, hidden, planned, relay, seeded_cast
from tests.worlds import kept
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import AccessRecord, Notification, OutboxMessage, TransitionRecord
from workflows.selectors import verify

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast():
    """Lena's work waits for Ada, and beside it a seed from Mere's, which Abe decided."""
    made = seeded_cast()
    allocated(made, "lena")
    made.plan = planned(made)
    made.seed = hidden(made, made.plan)
    return made


# --- what it is


def test_a_seed_lies_beside_the_cohort_and_belongs_to_nobody(cast):
    seed = cast.seed
    work = Submission.objects.get(pk=seed.submission_id)
    assert work.delivery.seeds_for == cast.delivery
    assert work.delivery.holds_seeds
    assert work.delivery not in Delivery.objects.all()
    assert work.delivery not in list(cast.delivery.version.deliveries.all())
    assert set(work.delivery.roles.values_list("user", "role")) == {(cast.ada.pk, "assessor")}
    assert not work.learner.is_active
    assert not work.learner.has_usable_password()
    assert list(waiting_for(Submission.objects.all(), cast.ada).filter(pk=work.pk)) == [work]
    for pin in work.pins.select_related("evidence"):
        assert pin.evidence.owner == work.learner
    words = f"{work.manifest} {[vars(pin.evidence) for pin in work.pins.all()]}".lower()
    for name in ("mere", "ngata", "report-1.pdf", seed.exemplar.code.lower(), "seed"):
        assert name not in words, name
    # What learners of the cohort have is as it was.
    assert not Notification.objects.filter(recipient=work.learner).exists()
    assert not OutboxMessage.objects.filter(notification__recipient=work.learner).exists()
    assert Portfolio.objects.filter(enrolment__delivery=cast.delivery).count() == 2
    assert not cast.mere.evidence.filter(pins__submission=work).exists()


def test_only_what_holds_seeds_takes_work_that_is_nobodys(cast):
    with pytest.raises(ValueError, match="holds seeds"):
        hand_in(cast.delivery, cast.task, texts=[], pieces=[])


def test_the_database_lets_no_seed_into_moderation_or_beyond(cast):
    seed = cast.seed
    decided(seed.submission, cast.ada)
    rows = Submission.objects.filter(pk=seed.submission_id)
    for state in ("in_moderation", "moderated", "ratified", "released", "under_reconsideration"):
        with pytest.raises(DatabaseError, match="goes no further"), transaction.atomic():
            rows.update(state=state)


def test_the_databases_own_words_are_about_seeds(cast):
    """On PostgreSQL triggers run by name; this one alone refuses what no machine forbids: a birth beyond."""
    from portfolios.triggers import SEED_MESSAGE, SEED_STATES

    seed = cast.seed
    work = Submission.objects.get(pk=seed.submission_id)
    work.pk, work.reference, work.attempt = None, "PF-2026-AAAAAA", 9
    vars(work)["state"] = "released"
    assert "released" not in SEED_STATES
    with pytest.raises(DatabaseError, match=SEED_MESSAGE), transaction.atomic():
        Submission.objects.bulk_create([work])


def test_which_work_was_a_seed_is_kept_for_good(cast):
    withdraw_seed(cast.seed, actor=cast.lea, reason="A mistake")
    moment = {Seed: "placed_at", SeedWithdrawal: "at"}
    for model, column in moment.items():
        rows = model.objects.all()
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            rows.update(**{column: timezone.now()})
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            rows._raw_delete(rows.db)


# --- what assessors do with it, and whom it reaches


DEEDS = {
    "refer": lambda cast, work: (drafted(work, cast.ada, "NY"), refer(work, actor=cast.ada)),
    "record": lambda cast, work: (drafted(work, cast.ada), record_decision(work, actor=cast.ada)),
    "doubt": lambda cast, work: (
        opened(work, cast.ada), raise_concern(work, actor=cast.ada, concern="Copied.")
    ),
    "ask": lambda cast, work: (
        opened(work, cast.ada), ask_review(work, actor=cast.ada, question="Clear?")
    ),
    "give back": lambda cast, work: (
        opened(work, cast.ada), hand_back(work, actor=cast.ada, reason="No time")
    ),
    "know": lambda cast, work: declare_known(work, actor=cast.ada, kind="whanau"),
}  # fmt: skip


TOLD = {"doubt": {"ada", "lea"}, "ask": {"ada", "lea"}}
"""A question and a concern reach whoever leads the cohort, who knows of the seed."""


def test_whatever_the_assessor_does_nobody_else_is_told_or_given_it(cast):
    Membership.objects.create(
        user=cast.olga, organisation=cast.provider, role=OrganisationRole.ADMINISTRATOR
    )
    work = cast.seed.submission
    before = set(Notification.objects.values_list("pk", flat=True))
    for deed, do in DEEDS.items():
        with transaction.atomic():
            do(cast, Submission.objects.get(pk=work.pk))
            relay()
            new = Notification.objects.exclude(pk__in=before)
            told = {cast.people[name].pk for name in TOLD.get(deed, {"ada"})}
            assert set(new.values_list("recipient", flat=True)) <= told, deed
            live = Allocation.objects.current().filter(submission=work)
            assert set(live.values_list("assessor", flat=True)) <= {cast.ada.pk}, deed
            mine = Submission.objects.filter(pk=work.pk)
            for name, person in cast.people.items():
                if name != "ada":
                    assert not mine.visible_to(person).exists(), (deed, name)
                    assert not claimable(mine, person).exists(), (deed, name)
            for record in TransitionRecord.objects.filter(subject_id=work.pk):
                assert whose_submission(record).organisations == frozenset(), deed
            assert verify()[0] == [], deed
            transaction.set_rollback(True)


def test_a_question_about_a_seed_is_answered_like_any_other(cast):
    """Else the assessor waits for ever for an answer that live work would have."""
    work = cast.seed.submission
    drafted(work, cast.ada)
    review = ask_review(work, actor=cast.ada, question="Clear?")
    told = Notification.objects.get(recipient=cast.lea, topic="assessment.review_asked")
    assert told.path == f"/assess/reviews/{review.pk}/"
    for name in ("pam", "moses", "abe"):
        assert not FeedbackReview.objects.visible_to(cast.people[name]).exists()
    page = Client()
    page.force_login(cast.lea)
    assert seeded_tasks(cast.lea)[0].waits == 1
    assert "Waits for you" in page.get(reverse("moderation:seeds")).content.decode()
    of = reverse("moderation:seeds_of", args=[cast.delivery.pk, cast.task.pk])
    assert "A question waits" in page.get(of).content.decode()
    assert (
        "Answer the question"
        in page.get(f"/assess/calibration/seeds/{cast.seed.pk}/").content.decode()
    )
    page.post(f"{told.path}take/")
    assert "Clear?" in page.get(told.path).content.decode()
    page.post(told.path, {"answer": "Yes."})
    answered = Notification.objects.get(topic="assessment.review_answered")
    assert (answered.recipient, answered.path) == (cast.ada, f"/assess/m/{work.pk}/review/")
    assert seeded_tasks(cast.lea)[0].waits == 0
    assert page.get(f"/assess/m/{work.pk}/").status_code in (403, 404)


def test_a_concern_about_a_seed_reaches_its_lead_and_leads_to_the_piece(cast):
    opened(cast.seed.submission, cast.ada)
    raise_concern(cast.seed.submission, actor=cast.ada, concern="Copied.")
    told = Notification.objects.get(topic="assessment.concern_raised")
    assert told.recipient == cast.lea
    page = Client()
    page.force_login(cast.lea)
    assert "Copied." in page.get(told.path).content.decode()
    assert seeded_tasks(cast.lea)[0].waits == 1
    withdraw_seed(cast.seed, actor=cast.lea, reason="Known elsewhere")
    assert seeded_tasks(cast.lea)[0].waits == 0


def test_work_that_was_given_back_can_be_taken_again_by_the_same_person_alone(cast):
    seed = cast.seed
    opened(seed.submission, cast.ada)
    hand_back(seed.submission, actor=cast.ada, reason="No time")
    relay()
    assert claim_next(actor=cast.ana, only=seed.submission_id) is None
    taken = claim_next(actor=cast.ada, delivery=cast.delivery.pk, task=cast.task.pk)
    assert taken.pk == seed.submission_id


def test_whoever_leaves_the_delivery_finds_no_seed_in_the_pool(cast):
    seed = cast.seed
    opened(seed.submission, cast.ada)
    hand_back(seed.submission, actor=cast.ada, reason="No time")
    assert claimable(Submission.objects.all(), cast.ada).filter(pk=seed.submission_id).exists()
    end_role(cast.delivery.roles.get(user=cast.ada), actor=cast.pam)
    assert not claimable(Submission.objects.all(), cast.ada).filter(pk=seed.submission_id).exists()


def test_administrators_and_leads_cannot_act_on_it(cast):
    seed = cast.seed
    Membership.objects.create(
        user=cast.olga, organisation=cast.provider, role=OrganisationRole.ADMINISTRATOR
    )
    place = seed.submission.delivery
    for name in ("pam", "lea", "olga", "rita", "moses"):
        person = cast.people[name]
        assert not rules.may_allocate(place, person), name
        assert not rules.takes_part(seed.submission, person), name
        with pytest.raises((NotPermitted, StaleState)):
            allocate(seed.submission, cast.ana, actor=person)
    assert not Hold.objects.exists()


def test_equal_bytes_in_a_seed_are_no_reuse_of_anybodys(cast):
    seed = cast.seed
    assert reuse_of(seed.submission) == reuse_of(Submission.objects.get(learner=cast.lena))
    copy = seed.submission.pins.select_related("evidence").first().evidence
    EvidenceItem.objects.filter(pins__submission__learner=cast.lena).update(sha256=copy.sha256)
    live = Submission.objects.get(learner=cast.lena)
    live.pins.update(sha256=copy.sha256)
    assert not reuse_of(live).by_others
    assert not reuse_of(seed.submission).by_others


def test_neither_the_piece_nor_its_minutes_count_where_somebody_allocates(cast):
    loads, minutes = in_hand([cast.ada])
    each = cast.delivery.policy_value("marking.minutes_per_item")
    assert loads == loads_of([cast.ada]) == {cast.ada.pk: 1}
    assert minutes == {cast.ada.pk: each}
    # Only the next seed knows of the one before.
    assert in_hand([cast.ada], with_seeds=True)[1] == {cast.ada.pk: 2 * each}


# --- what it says


@pytest.mark.parametrize(
    ("levels", "exact", "adjacent", "signed", "same"),
    [
        ("M", 3, 3, 0.0, True),
        (["E", "M", "M"], 2, 2, 2 / 3, True),
        (["NY", "M", "G"], 1, 3, 0.0, False),
    ],
)
def test_decisions_are_held_against_the_agreed_levels_by_the_rule_of_calibration(
    cast, levels, exact, adjacent, signed, same
):
    seed = cast.seed
    assert rows_of_seeds([seed])[0].words == "Waits"
    decided(seed.submission, cast.ada, levels)
    (row,) = rows_of_seeds(Seed.objects.all())
    verdict = verdict_on([row], cast.task)
    assert (verdict.exact, verdict.adjacent, verdict.criteria) == (exact, adjacent, 3)
    assert float(verdict.bias) == pytest.approx(signed) == pytest.approx(row.signed)
    assert row.same_outcome == same == (not verdict.wrong_outcomes)


def test_a_referral_says_that_the_work_does_not_pass(cast):
    seed = cast.seed
    drafted(seed.submission, cast.ada, "NY")
    refer(seed.submission, actor=cast.ada)
    (row,) = rows_of_seeds(Seed.objects.all())
    assert (row.words, row.same_outcome, row.counts) == ("Referred back", False, True)
    assert verdict_on([row], cast.task).wrong_outcomes == 1


def test_what_is_withdrawn_leaves_the_queue_and_counts_no_more(cast):
    seed = cast.seed
    for name in ("ada", "pam", "moses", "lena", "olga"):
        with pytest.raises(NotPermitted):
            withdraw_seed(seed, actor=cast.people[name], reason="No")
    with pytest.raises(SeedsRefused):
        withdraw_seed(seed, actor=cast.lea, reason=" ")
    before = Notification.objects.count()
    withdraw_seed(seed, actor=cast.lea, reason="It is too long.")
    relay()
    assert Notification.objects.count() == before
    assert not Submission.objects.visible_to(cast.ada).filter(pk=seed.submission_id).exists()
    assert not claimable(Submission.objects.all(), cast.ada).filter(pk=seed.submission_id).exists()
    with pytest.raises(StaleState):
        withdraw_seed(seed, actor=cast.lea, reason="Again")
    (row,) = rows_of_seeds([Seed.objects.get()])
    assert (row.words, row.counts) == ("Withdrawn", False)
    # Another one can come, in a place of its own.
    other = anchored(cast, source=assessed(cast, "hone", assessor="abe"))
    again = hidden(cast, cast.plan)
    assert again.exemplar == other
    assert again.submission.delivery != seed.submission.delivery


def test_a_decision_stays_where_its_seed_is_withdrawn(cast):
    seed = cast.seed
    decided(seed.submission, cast.ada)
    withdraw_seed(seed, actor=cast.lea, reason="It was shown in a meeting.")
    (row,) = rows_of_seeds([Seed.objects.get()])
    assert row.decision is not None
    assert row.rows
    assert verdict_on([row], cast.task) is None
    assert Submission.objects.visible_to(cast.ada).filter(pk=seed.submission_id).exists()


def test_nobody_withdraws_or_reads_their_own(cast):
    seed = cast.seed
    cast.delivery.roles.create(user=cast.ada, role=DeliveryRoleKind.LEAD_MODERATOR)
    assert not Seed.objects.visible_to(cast.ada).exists()
    with pytest.raises(NotPermitted):
        withdraw_seed(seed, actor=cast.ada, reason="Mine")


# --- telling


def test_assessors_are_told_when_marking_is_over_and_not_before(cast):
    plan, seed = cast.plan, cast.seed
    decided(seed.submission, cast.ada)
    assert not Seed.objects.visible_to(cast.ada).exists()
    with pytest.raises(SeedsRefused, match="still waits"):
        tell_assessors(plan, actor=cast.lea)
    decided(Submission.objects.get(learner=cast.lena), cast.ada)
    for name in ("ada", "pam", "moses"):
        with pytest.raises(NotPermitted):
            tell_assessors(plan, actor=cast.people[name])
    assert not tell_assessors(plan, actor=cast.lea).is_running
    assert list(Seed.objects.visible_to(cast.ada)) == [seed]
    assert not Seed.objects.visible_to(cast.ana).exists()
    notice = Notification.objects.get(topic="assessment.seeds_told")
    assert (notice.recipient, notice.path) == (cast.ada, "/assess/calibration/")
    with pytest.raises(StaleState):
        tell_assessors(plan, actor=cast.lea)


def test_nobody_is_told_where_that_was_decided_or_of_what_is_withdrawn(cast):
    plan, seed = cast.plan, cast.seed
    SeedPlan.objects.update(telling="never")
    decided(seed.submission, cast.ada)
    decided(Submission.objects.get(learner=cast.lena), cast.ada)
    with pytest.raises(SeedsRefused, match="never told"):
        tell_assessors(plan, actor=cast.lea)
    with pytest.raises(DatabaseError), transaction.atomic():
        SeedPlan.objects.update(told_at=timezone.now())
    SeedPlan.objects.update(telling="after", told_at=timezone.now())
    assert Seed.objects.visible_to(cast.ada).exists()
    withdraw_seed(seed, actor=cast.lea, reason="Shown in a meeting")
    assert not Seed.objects.visible_to(cast.ada).exists()


def test_a_seed_that_waits_keeps_marking_from_being_over_and_a_withdrawn_one_does_not(cast):
    decided(Submission.objects.get(learner=cast.lena), cast.ada)
    seed = cast.seed
    assert not is_marking_over(cast.delivery)
    withdraw_seed(seed, actor=cast.lea, reason="Too long")
    assert is_marking_over(cast.delivery)


def test_that_a_lead_opened_the_decision_is_recorded_and_ones_own_is_not(cast):
    decided(cast.seed.submission, cast.ada)
    where = reverse("assessment:seed", args=[cast.seed.pk])
    client = Client()
    client.force_login(cast.lea)
    assert client.get(where).status_code == 200
    record = AccessRecord.objects.get(purpose="Hidden agreed work")
    assert (record.actor, record.subject_id) == (
        cast.lea, cast.seed.submission.decisions.get().pk,
    )  # fmt: skip
    SeedPlan.objects.update(told_at=timezone.now())
    client.force_login(cast.ada)
    page = client.get(where).content.decode()
    assert "Withdraw it" not in page
    assert AccessRecord.objects.filter(purpose="Hidden agreed work").count() == 1
