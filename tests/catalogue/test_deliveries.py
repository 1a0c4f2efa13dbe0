"""Planning, opening, dates, policy and people of a delivery."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import Membership
from catalogue.actions import (
    add_person,
    assign_role,
    end_enrolment,
    end_role,
    enrol,
    hooks,
    open_delivery,
    plan_delivery,
    retire_version,
    set_policy,
    set_schedule,
    when,
)
from catalogue.enums import DeliveryRoleKind as Role
from catalogue.exceptions import PersonRefused, PolicyRefused, ScheduleRefused
from catalogue.guards import TO_OPEN
from catalogue.models import Delivery, DeliveryRole, TaskSchedule, policy_defaults
from tests.factories.catalogue import draft_version
from tests.personas import make_cast, make_user
from tests.worlds import kept
from workflows.actions import sweep_due
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.forms import DayField
from workflows.models import Deadline, NonWorkingDay, Notification
from workflows.outbox import relay

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast():
    return make_cast(learners=2)


@pytest.fixture
def administrator(cast):
    user = make_user("prudence")
    Membership.objects.create(
        user=user, organisation=cast.provider, role=OrganisationRole.ADMINISTRATOR
    )
    return user


def plan(version, actor, code="winter"):
    today = timezone.now().date()
    return plan_delivery(
        version,
        code=code,
        title="Winter cohort",
        mode="online_live",
        starts_on=today,
        ends_on=today + timedelta(days=60),
        actor=actor,
    )


def give_dates(delivery, actor):
    now = timezone.now()
    for task in delivery.version.tasks.all():
        set_schedule(
            delivery,
            task,
            opens_at=now,
            due_at=now + timedelta(days=20),
            cut_off_at=now + timedelta(days=20),
            actor=actor,
        )


def staff(delivery, cast, actor):
    assign_role(delivery, cast.ada, Role.ASSESSOR, actor=actor)
    assign_role(delivery, cast.lea, Role.LEAD_MODERATOR, actor=actor)
    assign_role(delivery, cast.rita, Role.RATIFIER, actor=actor)


def codes(refused):
    return set(refused.value.codes)


def test_opening_names_everything_that_is_missing(cast, administrator):
    delivery = plan(cast.delivery.version, administrator)
    with pytest.raises(GuardsNotMet) as refused:
        open_delivery(delivery, actor=administrator)
    assert codes(refused) == {"schedule_missing", "no_assessor", "no_lead_moderator", "no_ratifier"}
    delivery.refresh_from_db()
    assert delivery.opened_at is None


def test_opening_freezes_the_policy_whole(cast, administrator):
    delivery = plan(cast.delivery.version, administrator)
    set_policy(delivery, overrides={"referral.max": 2}, actor=administrator)
    give_dates(delivery, administrator)
    staff(delivery, cast, administrator)
    opened = open_delivery(delivery, actor=administrator)
    assert opened.opened_at is not None
    assert opened.policy_overrides["referral.max"] == 2
    assert set(opened.policy_overrides) == set(policy_defaults())
    with pytest.raises(StaleState):
        open_delivery(delivery, actor=administrator)
    with pytest.raises(StaleState):
        set_policy(delivery, overrides={}, actor=administrator)


@pytest.mark.parametrize(
    ("role", "code"),
    [
        (Role.ASSESSOR, "no_assessor"),
        (Role.LEAD_MODERATOR, "no_lead_moderator"),
        (Role.RATIFIER, "no_ratifier"),
    ],
)
def test_each_part_is_needed_and_must_be_live(role, code, cast, administrator):
    delivery = plan(cast.delivery.version, administrator)
    give_dates(delivery, administrator)
    staff(delivery, cast, administrator)
    end_role(DeliveryRole.objects.get(delivery=delivery, role=role), actor=administrator)
    with pytest.raises(GuardsNotMet) as refused:
        open_delivery(delivery, actor=administrator)
    assert codes(refused) == {code}


def test_a_closed_account_fills_no_part(cast, administrator):
    delivery = plan(cast.delivery.version, administrator)
    give_dates(delivery, administrator)
    staff(delivery, cast, administrator)
    cast.rita.is_active = False
    cast.rita.save()
    with pytest.raises(GuardsNotMet) as refused:
        open_delivery(delivery, actor=administrator)
    assert codes(refused) == {"no_ratifier"}


def test_no_opening_on_a_version_that_is_not_published(cast, administrator):
    draft = draft_version(cast.provider, code="draft")
    delivery = plan(draft, administrator)
    give_dates(delivery, administrator)
    staff(delivery, cast, administrator)
    with pytest.raises(GuardsNotMet) as refused:
        open_delivery(delivery, actor=administrator)
    assert codes(refused) == {"version_not_approved", "version_not_published"}


def test_no_opening_on_a_retired_version(cast, administrator):
    delivery = plan(cast.delivery.version, administrator)
    give_dates(delivery, administrator)
    staff(delivery, cast, administrator)
    retire_version(delivery.version, actor=administrator)
    with pytest.raises(GuardsNotMet) as refused:
        open_delivery(delivery, actor=administrator)
    assert codes(refused) == {"version_not_published"}


def test_every_guard_to_open_is_tested_here():
    elsewhere = {
        "actions_open",  # tests/moderation/test_required.py
        "content_moved",  # test_pre_moderation.py
    }
    assert {guard.code for guard in TO_OPEN} - elsewhere == {
        "version_not_approved", "version_not_published", "schedule_missing",
        "no_assessor", "no_lead_moderator", "no_ratifier",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["lena", "ada", "moses", "lea", "rita", "olga", "petra"])
def test_only_administrators_run_a_delivery(name, cast):
    actor = getattr(cast, name)
    delivery, schedule = cast.delivery, cast.delivery.schedules.get()
    enrolment = cast.enrolments["lena"]
    part = delivery.roles.first()
    acts = [
        lambda: plan(delivery.version, actor),
        lambda: open_delivery(delivery, actor=actor),
        lambda: set_policy(delivery, overrides={}, actor=actor),
        lambda: enrol(delivery, cast.olga, actor=actor),
        lambda: end_enrolment(enrolment, actor=actor),
        lambda: assign_role(delivery, cast.olga, Role.ASSESSOR, actor=actor),
        lambda: end_role(part, actor=actor),
        lambda: add_person(delivery, email="x@example.org", name="X", role="learner", actor=actor),
        lambda: set_schedule(
            delivery,
            schedule.task,
            opens_at=schedule.opens_at,
            due_at=schedule.due_at,
            cut_off_at=schedule.cut_off_at,
            actor=actor,
        ),
    ]
    for act in acts:
        with pytest.raises(NotPermitted):
            act()


def test_policy_values_are_checked(cast, administrator):
    delivery = plan(cast.delivery.version, administrator)
    wrong = {"colour": 1, "referral.max": "two", "sample.share": 0.2}
    with pytest.raises(PolicyRefused) as refused:
        set_policy(delivery, overrides=wrong, actor=administrator)
    assert set(refused.value.problems) == {"colour", "referral.max"}


@pytest.fixture
def heard():
    """Hooks registered for the test alone."""
    calls = []
    before = {event: list(found) for event, found in hooks._hooks.items()}
    for event in ("learner_enrolled", "enrolment_ended", "schedule_moved", "delivery_opened"):
        when(event)(lambda event=event, **facts: calls.append((event, facts)))
    yield calls
    hooks._hooks.clear()
    hooks._hooks.update(before)


def test_a_published_version_is_to_be_reviewed_while_it_is_the_published_one(cast):
    while relay():
        pass
    version = cast.delivery.version
    deadline = Deadline.objects.of(version).get(kind="review")
    zone = ZoneInfo("Pacific/Auckland")
    published, due = version.published_at.astimezone(zone), deadline.due_at.astimezone(zone)
    months = (due.year - published.year) * 12 + due.month - published.month
    assert months - version.review_interval_months in (0, 1)
    assert (due.hour, NonWorkingDay.objects.calendar().is_working_day(due.date())) == (17, True)
    publishers = cast.provider.memberships.current().filter(role=OrganisationRole.ADMINISTRATOR)
    assert set(deadline.people) == {str(one.user_id) for one in publishers}

    def remind(offset):
        deadline.reminders.filter(offset=offset).update(
            fire_at=timezone.now() - timedelta(seconds=5)
        )
        sweep_due()
        told = Notification.objects.filter(topic__endswith="microcredentialversion.review_due")
        return {(one.recipient_id, one.context["version"]) for one in told}

    wanted = {(one.user_id, str(version)) for one in publishers}
    assert remind("-30d") == wanted
    retire_version(version, actor=publishers.get().user)
    sent = Notification.objects.count()
    assert remind("0d") == wanted
    assert Notification.objects.count() == sent
    assert deadline.reminders.filter(offset="0d", state="cancelled").exists()


def test_moving_dates_tells_higher_apps_in_the_same_transaction(cast, heard):
    schedule = cast.delivery.schedules.get()
    later = schedule.due_at + timedelta(days=3)
    dates = {"opens_at": schedule.opens_at, "due_at": later, "cut_off_at": later}
    set_schedule(cast.delivery, schedule.task, actor=cast.pam, reason="Cyclone", **dates)
    set_schedule(cast.delivery, schedule.task, actor=cast.pam, **dates)
    ((event, facts),) = heard
    assert event == "schedule_moved"
    assert (facts["schedule"].due_at, facts["reason"], facts["actor"]) == (
        later,
        "Cyclone",
        cast.pam,
    )


def test_a_refusing_hook_moves_nothing(cast, heard):
    @when("schedule_moved")
    def refuse(**facts):
        raise RuntimeError("no")

    schedule = cast.delivery.schedules.get()
    later = schedule.due_at + timedelta(days=3)
    with pytest.raises(RuntimeError):
        set_schedule(
            cast.delivery, schedule.task, actor=cast.pam,
            opens_at=schedule.opens_at, due_at=later, cut_off_at=later,
        )  # fmt: skip
    assert TaskSchedule.objects.get().due_at == schedule.due_at


def test_dates_in_the_wrong_order_or_of_another_version(cast):
    schedule = cast.delivery.schedules.get()
    with pytest.raises(ScheduleRefused):
        set_schedule(
            cast.delivery, schedule.task, actor=cast.pam,
            opens_at=schedule.due_at, due_at=schedule.opens_at, cut_off_at=schedule.due_at,
        )  # fmt: skip
    foreign = draft_version(cast.provider, code="other").tasks.get()
    with pytest.raises(ScheduleRefused):
        set_schedule(
            cast.delivery, foreign, actor=cast.pam,
            opens_at=schedule.opens_at, due_at=schedule.due_at, cut_off_at=schedule.due_at,
        )  # fmt: skip


def test_enrolling_ending_and_enrolling_again(cast, heard):
    newcomer = make_user("newcomer")
    one = enrol(cast.delivery, newcomer, actor=cast.pam, employer=cast.client)
    assert enrol(cast.delivery, newcomer, actor=cast.pam) == one
    end_enrolment(one, actor=cast.pam)
    end_enrolment(one, actor=cast.pam)
    again = enrol(cast.delivery, newcomer, actor=cast.pam)
    assert (again.pk, again.ended_at) == (one.pk, None)
    assert [event for event, _facts in heard] == [
        "learner_enrolled", "enrolment_ended", "learner_enrolled",
    ]  # fmt: skip
    assert Notification.objects.filter(recipient=newcomer).count() == 2


def test_nobody_is_on_both_sides(cast):
    with pytest.raises(PersonRefused):
        enrol(cast.delivery, cast.ada, actor=cast.pam)
    with pytest.raises(PersonRefused):
        assign_role(cast.delivery, cast.lena, Role.ASSESSOR, actor=cast.pam)


def test_parts_are_given_once_and_ended_rows_are_kept(cast):
    part = assign_role(cast.delivery, cast.olga, Role.ASSESSOR, actor=cast.pam)
    assert assign_role(cast.delivery, cast.olga, Role.ASSESSOR, actor=cast.pam) == part
    end_role(part, actor=cast.pam)
    other = assign_role(cast.delivery, cast.olga, Role.ASSESSOR, actor=cast.pam)
    assert other.pk != part.pk
    assert Delivery.objects.with_role(cast.olga, Role.ASSESSOR).get() == cast.delivery


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (["31", "2", "2026"], "no such day"),
        (["1", "", "2026"], "needs a month"),
        (["1", "x", "2026"], "in numbers"),
        (["1", "1", "26"], "four digits"),
        (["", "", ""], "Enter a date"),
    ],
)
def test_a_wrong_date_says_what_is_wrong(parts, words):
    with pytest.raises(ValidationError, match=words):
        DayField().clean(parts)


def test_a_date_in_three_parts():
    assert DayField().clean(["27", "3", "2026"]) == date(2026, 3, 27)
    assert DayField(required=False).clean(["", "", ""]) is None
