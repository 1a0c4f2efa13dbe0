"""Hidden agreed work: who turns it on, for whom it comes and when, what follows, and what is kept of it."""

import datetime as dt
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import DeclaredConflict, Membership
from assessment import tasks
from assessment.actions.calibration import begin_calibration
from assessment.actions.exemplars import Anonymous, retire_exemplar
from assessment.actions.seeding import (
    begin_seeds,
    end_seeds,
    place_beside,
    place_seed,
    place_seeds,
)
from assessment.enums import Reading
from assessment.exceptions import SeedsRefused
from assessment.models import (
    Allocation,
    Capacity,
    EarlyCheck,
    Exemplar,
    Leave,
    ReadingPlan,
    Seed,
    SeedPlan,
)
from assessment.selectors.exemplars import copies_of
from assessment.selectors.seeds import (
    choices_for,
    comes_alone,
    is_due,
    obstacles,
    passes_for_live,
    takers,
)
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery, DeliveryRole
from portfolios import storage
from portfolios.enums import StoreProblem
from portfolios.manifest import Support
from portfolios.models import EvidenceItem, StoreCheck, StoreFinding, Submission
from tests.factories.assessment import allocated, assessed, decided
from tests.factories.portfolios import submitted
from tests.factories.seeds import DAY, anchored, hidden, planned, relay, seeded_cast
from tests.worlds import kept
from workflows.exceptions import NotPermitted, StaleState

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast():
    """Lena's work waits for Ada; Mere's, which Abe decided, is agreed on."""
    made = seeded_cast()
    allocated(made, "lena")
    relay()
    return made


# --- turning it on


def test_lead_moderators_turn_it_on_and_nobody_else(cast):
    given = {"percent": 5, "telling": "never"}
    for name in ("ada", "pam", "moses", "rita", "olga", "lena"):
        with pytest.raises(NotPermitted):
            begin_seeds(cast.delivery, cast.task, actor=cast.people[name], **given)
    plan = begin_seeds(cast.delivery, cast.task, actor=cast.lea, **given)
    assert (plan.percent, plan.is_running, Seed.objects.count()) == (5, True, 0)
    with pytest.raises(StaleState):
        begin_seeds(cast.delivery, cast.task, actor=cast.lea, **given)
    for name in ("ada", "pam", "olga"):
        with pytest.raises(NotPermitted):
            end_seeds(plan, actor=cast.people[name])
    assert not end_seeds(plan, actor=cast.lea).is_running
    with pytest.raises(StaleState):
        end_seeds(plan, actor=cast.lea)


@pytest.mark.parametrize(
    "given", [{"percent": 0}, {"percent": 21}, {"telling": "sometimes"}], ids=str
)
def test_a_share_that_is_none_is_refused(cast, given):
    with pytest.raises(SeedsRefused):
        begin_seeds(
            cast.delivery, cast.task, actor=cast.lea, **{"percent": 5, "telling": "never", **given}
        )


def shown(cast):
    cast.delivery.policy_overrides = {"anonymous_marking": False}


def doubled(cast):
    cast.delivery.policy_overrides = {"anonymous_marking": True, "marking.double": True}


def read_by_share(cast):
    ReadingPlan.objects.create(
        delivery=cast.delivery, task=cast.task, reading=Reading.SHARE, percent=10, set_by=cast.pam
    )


def read_early(cast):
    EarlyCheck.objects.create(delivery=cast.delivery, task=cast.task, size=5)


def confirmed(cast):
    cast.task.attestations_required = 1


def unanchored(cast):
    retire_exemplar(Exemplar.objects.get(), actor=cast.lea, reason="Old")


def wordless(cast):
    """What says nothing, what has a text that no learner has, and what says it for the bank alone."""
    unanchored(cast)
    (_pin, item), *_others = copies_of(Submission.objects.get(learner=cast.mere))
    said = {item.pk: [Support("C1", "Each heading.", "")]}
    for supports in ({}, {item.pk: [Support("C1", " ", "page 1")]}):
        anchored(cast, work=Anonymous([], [(item, "A report.")], supports))
    anchored(cast, work=Anonymous([("", "On it all.")], [(item, "A report.")], said))
    anchored(cast, work=Anonymous([], [(item, "A report.")], said), for_calibration=False)


def closed(cast):
    cast.delivery.closed_at = timezone.now()


def dateless(cast):
    cast.delivery.schedules.all().delete()


OBSTACLES = {
    shown: "names", doubled: "marked twice", read_by_share: "marked twice",
    read_early: "first decisions", confirmed: "confirmations", unanchored: "No agreed work",
    closed: "not open", dateless: "no dates", wordless: "Freeze it anew",
}  # fmt: skip


@pytest.mark.parametrize("change", OBSTACLES, ids=lambda one: one.__name__)
def test_it_is_refused_wherever_it_could_be_told_apart(cast, change):
    assert obstacles(cast.delivery, cast.task) == []
    change(cast)
    (said,) = obstacles(cast.delivery, cast.task)
    assert OBSTACLES[change] in said
    with pytest.raises(SeedsRefused, match=OBSTACLES[change]):
        begin_seeds(cast.delivery, cast.task, actor=cast.lea, percent=5, telling="never")


def test_a_plan_rests_while_something_stands_in_its_way(cast):
    planned(cast)
    read_early(cast)
    work = Submission.objects.get(learner=cast.lena)
    with (
        patch("assessment.actions.seeding.is_due", return_value=True),
        patch("assessment.actions.seeding.comes_alone", return_value=True),
        patch("assessment.actions.seeding.ONE_IN", 1),
    ):
        assert place_beside(work) == place_seeds() == 0
        EarlyCheck.objects.update(passed_at=timezone.now(), passed_by=cast.moses)
        assert (
            place_beside(work) == 1
        )  # Ana; Ada has the work, and Abe froze the exemplar's decision.
        assert place_seeds() == 1


# --- for whom, and what


def lead_elsewhere(cast):
    DeliveryRole.objects.create(
        delivery=cast.delivery, user=cast.ada, role=DeliveryRoleKind.RATIFIER
    )


def office(cast):
    Membership.objects.create(
        user=cast.ada, organisation=cast.provider, role=OrganisationRole.AUTHOR
    )


def staff(cast):
    cast.ada.is_staff = True
    cast.ada.save()


def gone(cast):
    cast.delivery.roles.filter(user=cast.ada).update(ended_at=timezone.now())


@pytest.mark.parametrize("change", [lead_elsewhere, office, staff, gone])
def test_nobody_gets_one_who_could_tell_it_by_another_part(cast, change):
    assert cast.ada in takers(cast.delivery)
    change(cast)
    assert cast.ada not in takers(cast.delivery)
    assert cast.ana in takers(cast.delivery)


def mine(cast, one):
    cast.delivery.roles.create(user=cast.ada, role=DeliveryRoleKind.LEAD_MODERATOR)


def calibrated(cast, one):
    with patch("assessment.actions.calibration.rule_values", return_value={"exemplars": 1}):
        begin_calibration(cast.task, actor=cast.ada)


def close_to(cast, one):
    DeclaredConflict.objects.create(
        person=cast.ada, other=cast.mere, kind="whanau", declared_by=cast.pam
    )


def had_a_part(cast, one):
    one.source.parts.create(person=cast.ada, kind="assessor", ended_at=timezone.now())


def retired(cast, one):
    retire_exemplar(one, actor=cast.lea, reason="Old")


def in_reo(cast, one):
    Submission.objects.filter(pk=one.source_id).update(in_reo=True)


def without_copy(cast, one):
    EvidenceItem.objects.filter(pins__submission=one.source).update(copy_key="")


def altered(cast, one):
    StoreFinding.objects.create(
        check_run=StoreCheck.objects.create(),
        key=one.evidence.get().item.copy_key,
        problem=StoreProblem.ALTERED,
    )


def seeded_before(cast, one):
    hidden(cast, SeedPlan.objects.get())


@pytest.mark.parametrize(
    "change",
    [mine, calibrated, close_to, had_a_part, retired, in_reo, without_copy, altered, seeded_before],
)
def test_nobody_gets_what_they_could_know_or_may_not_mark(cast, change):
    plan = planned(cast)
    (one,) = choices_for(plan, cast.ada)
    change(cast, one)
    assert choices_for(plan, cast.ada) == []


def test_a_copy_made_anew_takes_the_place_of_the_one_that_was_agreed_on(cast):
    item = Exemplar.objects.get().evidence.get().item
    cleaned = storage.store(
        iter([b"%PDF-1.4 cleaner"]), organisation_id=item.organisation_id, limit=99
    )
    EvidenceItem.objects.filter(pk=item.pk).update(
        copy_key=cleaned.key, copy_size=cleaned.size, copy_sha256=cleaned.sha256
    )
    held = hidden(cast).submission.pins.get().evidence
    assert (held.copy_key, held.sha256) == (cleaned.key, cleaned.sha256)


def test_what_does_not_say_what_it_shows_is_not_placed_beside_what_does(cast):
    plan, one = planned(cast), Exemplar.objects.get()
    source = assessed(cast, "hone", assessor="abe")
    pieces = [(item, "A report.") for _pin, item in copies_of(source)]
    silent = anchored(cast, source=source, work=Anonymous([], pieces))
    assert not passes_for_live(silent)
    assert obstacles(cast.delivery, cast.task) == []
    assert choices_for(plan, cast.ada) == [one]


def test_what_leaves_a_required_criterion_without_anything_passes_for_live_with_a_note_alone(cast):
    kept = Exemplar.objects.get()
    file = kept.evidence.get()
    shows = {file.item_id: [Support("C2", "Shows C2.", "")]}
    note = [("I kept a list.", [Support("C1", "Lists each heading.", "")])]
    silent = [("I kept a list.", [Support("C1", " ", "")])]
    for notes, passes in (([], False), (silent, False), (note, True)):
        work = Anonymous([], [(file.item, file.about)], shows, notes=notes)
        assert passes_for_live(anchored(cast, work=work)) == passes


def test_work_that_somebody_met_stays_the_same_work_when_it_is_frozen_anew(cast):
    plan = planned(cast)
    hidden(cast, plan)
    retire_exemplar(Exemplar.objects.get(), actor=cast.lea, reason="Its evidence says nothing.")
    anew = anchored(cast)
    assert choices_for(plan, cast.ada) == []
    assert choices_for(plan, cast.ana) == [anew]


def test_a_seed_says_what_its_evidence_shows_and_is_as_old_as_it_was(cast):
    source, item = Exemplar.objects.get().source, Exemplar.objects.get().evidence.get().item
    plan = planned(cast)
    with time_machine.travel(source.submitted_at + timedelta(days=12), tick=False):
        work = hidden(cast, plan).submission
    (file,) = work.contents["files"]
    assert file["criteria"] == [
        {"criterion": code, "claim": f"Shows {code}.", "locator": "page 1"}
        for code in ("C1", "C2", "C3")
    ]
    assert work.contents["declaration"]["ai_use"] == "It read my spelling."
    seeded = work.pins.get().evidence
    assert seeded.happened_on == item.happened_on + timedelta(days=12)
    assert item.happened_on == DAY


def test_whoever_froze_it_or_decided_it_once_never_gets_it(cast):
    plan = planned(cast)
    assert choices_for(plan, cast.abe) == []
    cast.delivery.roles.create(user=cast.ana, role=DeliveryRoleKind.LEAD_MODERATOR)
    made = anchored(cast, actor=cast.ana)
    cast.delivery.roles.filter(user=cast.ana, role=DeliveryRoleKind.LEAD_MODERATOR).delete()
    assert made not in choices_for(plan, cast.ana)
    assert made in choices_for(plan, cast.ada)


def test_what_was_a_seed_is_no_calibration_for_the_same_person(cast):
    from assessment.selectors.calibration import unseen_exemplars

    hidden(cast)
    assert not unseen_exemplars(cast.task, cast.ada).exists()
    assert unseen_exemplars(cast.task, cast.ana).exists()


# --- when


def chance(value):
    """Whatever is drawn comes to this."""
    return patch("assessment.selectors.seeds.chance_of", return_value=value)


@contextmanager
def each_arrival():
    """One is due for everybody, and each arrival of live work brings what is due."""
    with (
        patch("assessment.selectors.seeds.wanted", return_value=1),
        patch("assessment.actions.seeding.ONE_IN", 1),
    ):
        yield


def test_a_seed_is_due_by_the_share_of_live_work_that_came_since_the_plan_began(cast):
    plan = planned(cast, percent=5)
    for came, drawn, wanted_now in ((False, 0.0, False), (True, 0.051, False), (True, 0.049, True)):
        moved = timedelta(seconds=1 if came else -60)
        Allocation.objects.update(allocated_at=timezone.now() + moved)
        with chance(drawn):
            assert is_due(plan, cast.ada) == wanted_now, (came, drawn)
            # Nothing live came to Ana.
            assert not is_due(plan, cast.ana)


def test_the_next_waits_for_the_one_before(cast):
    plan = planned(cast)
    with (
        patch("assessment.selectors.seeds._has_room", return_value=True),
        patch("assessment.selectors.seeds.wanted", return_value=5),
    ):
        assert is_due(plan, cast.ada)
        seed = place_seed(plan, cast.ada)
        relay()
        assert not is_due(plan, cast.ada)
        decided(seed.submission, cast.ada)
        assert is_due(plan, cast.ada)


@pytest.mark.parametrize("why", ["away", "full"])
def test_nobody_gets_one_who_is_away_or_has_enough(cast, why):
    plan = planned(cast)
    with patch("assessment.selectors.seeds.wanted", return_value=1):
        assert is_due(plan, cast.ada)
        if why == "away":
            today = timezone.localdate()
            Leave.objects.create(
                person=cast.ada, first_day=today - dt.timedelta(1), last_day=today + dt.timedelta(9),
                entered_by=cast.ada,
            )  # fmt: skip
        else:
            Capacity.objects.create(
                delivery=cast.delivery, assessor=cast.ada, hours=0, set_by=cast.pam
            )
        assert not is_due(plan, cast.ada)


def test_a_seed_comes_when_somebody_elses_live_work_comes_and_never_with_ones_own(cast):
    planned(cast)
    with each_arrival():
        cast.delivery.roles.filter(user__in=[cast.abe, cast.ana]).update(ended_at=timezone.now())
        own = submitted(cast, "hone")
        relay()
        assert own.allocations.get().assessor == cast.ada
        assert not Seed.objects.exists()
        assert place_beside(Submission.objects.get(learner=cast.mere)) == 1
        assert Seed.objects.get().assessor == cast.ada
        # The seed's own arrival brings no other one.
        relay()
        assert Seed.objects.count() == 1


def test_the_arrival_of_live_work_asks_who_is_due(cast, django_capture_on_commit_callbacks):
    """By what follows any submission, at that moment: the work goes to somebody, the seed to somebody else."""
    planned(cast)
    with each_arrival():
        work = submitted(cast, "hone")
        with django_capture_on_commit_callbacks(execute=True):
            relay()
    taken = work.allocations.get().assessor
    assert Seed.objects.exists()
    assert taken not in [one.assessor for one in Seed.objects.all()]


def test_live_work_is_allocated_also_where_no_seed_can_be_placed(
    cast, django_capture_on_commit_callbacks
):
    """What goes wrong beside it stops neither the work nor what comes after it; the seed comes another time."""
    planned(cast)
    blocked = f"{Delivery._meta.db_table}_full"
    refuse = {
        "postgresql": f"ALTER TABLE {Delivery._meta.db_table} ADD CONSTRAINT {blocked} "
        "CHECK (seeds_for_id IS NULL)",
        "sqlite": f"CREATE TRIGGER {blocked} BEFORE INSERT ON {Delivery._meta.db_table} "
        "WHEN NEW.seeds_for_id IS NOT NULL BEGIN SELECT RAISE(ABORT, 'full'); END",
    }
    with connection.cursor() as cursor:
        connection.check_constraints()
        cursor.execute(refuse[connection.vendor])
    with each_arrival(), django_capture_on_commit_callbacks(execute=True):
        work = submitted(cast, "hone")
        relay()
    assert work.allocations.get().ended_at is None
    assert not Seed.objects.exists()


def test_whoever_marks_alone_gets_one_at_a_distance_that_live_work_had(cast):
    plan = planned(cast)
    now = timezone.now()
    moments = [now - timedelta(hours=number) for number in (30, 22, 16, 12, 9, 8)]
    with chance(0.5), patch("assessment.selectors.seeds.live_of") as live:
        live.return_value = {cast.ada.pk: moments}
        # The distances are 8, 6, 4, 3 and 1 hours; the third is drawn.
        assert not comes_alone(plan, cast.ada, moments[-1] + timedelta(hours=3.9))
        assert comes_alone(plan, cast.ada, moments[-1] + timedelta(hours=4))
        live.return_value = {cast.ada.pk: moments[1:]}
        assert not comes_alone(plan, cast.ada, now)
        live.return_value = {cast.ada.pk: moments, cast.abe.pk: moments[:1]}
        assert not comes_alone(plan, cast.ada, now)
        live.return_value = {cast.ada.pk: moments}
        cast.delivery.schedules.update(due_at=now - timedelta(1), cut_off_at=now)
        assert not comes_alone(plan, cast.ada, now)


def test_it_comes_at_some_moment_of_the_round_and_not_on_its_stroke(cast):
    plan = planned(cast)
    later = []
    with (
        patch("assessment.tasks.waiting_alone", return_value=[(plan, cast.ada)] * 40),
        patch("assessment.tasks.place_one.apply_async", lambda **given: later.append(given)),
    ):
        assert tasks.place_seeds() == 40
    waits = {one["countdown"] for one in later}
    assert len(waits) > 20
    assert min(waits) >= 0
    assert max(waits) < tasks.ROUND_S
    with patch("assessment.actions.seeding.is_due", return_value=True):
        assert tasks.place_one(*later[0]["args"])
    assert Seed.objects.get().assessor == cast.ada


def test_two_rounds_at_once_hide_one(cast):
    plan = planned(cast)
    with patch("assessment.selectors.seeds.wanted", return_value=1):
        assert place_seed(plan, cast.ada) is not None
        assert place_seed(plan, cast.ada) is None
    end_seeds(plan, actor=cast.lea)
    with patch("assessment.actions.seeding.is_due", return_value=True):
        assert place_seed(plan, cast.ana) is None
