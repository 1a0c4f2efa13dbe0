"""Publication: now, later, by the clock; and what follows for each result."""

from datetime import UTC, datetime, timedelta

import icalendar
import pytest
import time_machine
from django.utils import timezone

from accounts.models import CLOCK
from awards import guards, selectors
from awards.actions.recall import ask_recall, confirm_recall
from awards.actions.reconsideration import request_reconsideration
from awards.actions.release import (
    cancel_release,
    release_due,
    release_now,
    schedule_release,
    settle_release,
)
from awards.enums import ReleaseOutcome
from awards.exceptions import ReleaseOver
from awards.handlers import last_day_to_drop
from awards.models import Credential, Release
from awards.tasks import release_due as release_due_task
from portfolios.actions.submission import lift_hold, place_hold
from portfolios.enums import HoldKind, SubmissionState
from portfolios.models import Submission
from tests.factories.awards import ratified, relay_all, release, released
from workflows.actions.calendar import DayRow, add_days_off, dates_moving
from workflows.actions.reconciling import compare
from workflows.exceptions import GuardsNotMet, NotPermitted
from workflows.models import Deadline, Notification, Reminder, TransitionRecord
from workflows.notifications import compose
from workflows.selectors.agenda import agenda_of, feed_of
from workflows.transitions import perform, perform_set

pytestmark = pytest.mark.django_db


def state_of(submission: Submission) -> str:
    return str(Submission.objects.get(pk=submission.pk).state)


def planned(cast, at: datetime) -> Release:
    """A scheduled release, whatever the rules say about its time."""
    return Release.objects.create(
        delivery=cast.delivery, task=cast.task, scheduled_for=at, created_by=cast.pam
    )


def test_releasing_now_moves_what_is_ratified_and_keeps_a_report(two):
    from tests.factories.awards import batch, moderated, sign

    first, second = moderated(two, "lena"), moderated(two, "hone", achieved=False)
    sign(batch(two), two.rita)
    hold = place_hold(second, actor=two.pam, kind=HoldKind.INTEGRITY, reason="A question")
    made = release_now(two.delivery, two.task, actor=two.pam)
    assert made.outcome == ReleaseOutcome.DONE
    assert made.report == {
        "released": [str(first.pk)],
        "refused": {str(second.pk): ["This submission is on hold."]},
    }
    assert TransitionRecord.objects.of(first).get(name="release").actor == two.pam
    lift_hold(hold, actor=two.pam, note="Settled")
    again = release_now(two.delivery, two.task, actor=two.pam)
    assert again.report["released"] == [str(second.pk)]


@pytest.mark.parametrize("name", ["rita", "lea", "moses", "ada", "olga", "petra", "lena"])
def test_only_programme_administrators_release(one_ratified, name):
    cast, submission = one_ratified
    person = cast.people[name]
    with pytest.raises(NotPermitted):
        release_now(cast.delivery, cast.task, actor=person)
    with pytest.raises(NotPermitted):
        schedule_release(cast.delivery, cast.task, actor=person)
    planned(cast, timezone.now())
    with pytest.raises(NotPermitted):
        perform(submission, "release", actor=person)
    outcome = perform_set(Submission.objects.filter(pk=submission.pk), "release", actor=person)
    assert [one.code for one in outcome.refused[submission.pk]] == ["not_permitted"]


def test_an_administrator_of_the_provider_may_release_too(cast):
    from accounts.enums import OrganisationRole
    from accounts.models import Membership
    from tests.personas import make_user

    ratified(cast)
    polly = make_user("polly")
    Membership.objects.create(
        user=polly, organisation=cast.provider, role=OrganisationRole.ADMINISTRATOR
    )
    assert release_now(cast.delivery, cast.task, actor=polly).report["released"]


def test_nothing_is_released_before_it_is_ratified(cast):
    from tests.factories.awards import moderated

    submission = moderated(cast)
    with pytest.raises(GuardsNotMet) as refused:
        release_now(cast.delivery, cast.task, actor=cast.pam)
    assert refused.value.codes == ["nothing_to_release"]
    outcome = perform_set(Submission.objects.filter(pk=submission.pk), "release", actor=CLOCK)
    assert [one.code for one in outcome.refused[submission.pk]] == ["stale_state"]


@pytest.mark.parametrize(
    ("seconds", "outcome", "codes"),
    [
        (None, None, ["release_not_due"]),
        (60, "scheduled", ["release_not_due"]),
        (-60, "cancelled", ["release_not_due"]),
        (-60, "scheduled", []),
    ],
)
def test_the_door_waits_for_the_time(one_ratified, seconds, outcome, codes):
    cast, submission = one_ratified
    if seconds is not None:
        one = planned(cast, timezone.now() + timedelta(seconds=seconds))
        Release.objects.filter(pk=one.pk).update(outcome=outcome)
    rows = Submission.objects.filter(pk=submission.pk)
    assert bool(guards.release_due.failing(rows)) is bool(codes)
    assert guards.release_due.holds(submission) is not bool(codes)
    moved = perform_set(rows, "release", actor=CLOCK)
    assert [one.code for one in moved.refused.get(submission.pk, [])] == codes


def test_the_clock_carries_out_what_is_due_once(one_ratified):
    cast, submission = one_ratified
    made = schedule_release(cast.delivery, cast.task, actor=cast.pam)
    assert release_due() == 0
    assert state_of(submission) == SubmissionState.RATIFIED
    with time_machine.travel(made.scheduled_for + timedelta(seconds=1), tick=True):
        assert release_due_task() == 1
        assert release_due_task() == 0
    assert state_of(submission) == SubmissionState.RELEASED
    record = TransitionRecord.objects.of(submission).get(name="release")
    assert (record.actor, record.actor_system) == (None, "clock")


def test_a_cancelled_release_is_not_carried_out(one_ratified):
    cast, submission = one_ratified
    made = schedule_release(cast.delivery, cast.task, actor=cast.pam)
    with pytest.raises(NotPermitted):
        cancel_release(made, actor=cast.rita)
    cancel_release(made, actor=cast.pam)
    with time_machine.travel(made.scheduled_for + timedelta(days=1), tick=True):
        assert release_due() == 0
    assert state_of(submission) == SubmissionState.RATIFIED
    with pytest.raises(ReleaseOver):
        cancel_release(made, actor=cast.pam)


def test_one_release_is_scheduled_at_a_time_and_now_takes_it_over(one_ratified):
    cast, _ = one_ratified
    first = schedule_release(cast.delivery, cast.task, actor=cast.pam)
    with pytest.raises(GuardsNotMet) as refused:
        schedule_release(cast.delivery, cast.task, actor=cast.pam)
    assert refused.value.codes == ["release_scheduled"]
    release_now(cast.delivery, cast.task, actor=cast.pam)
    first.refresh_from_db()
    assert first.outcome == ReleaseOutcome.CANCELLED


DEFAULTS = [
    # now (UTC), default release time in Auckland
    ("2027-03-01T20:00", "2027-03-03T10:00:00+13:00"),  # Tuesday morning there: Wednesday
    ("2027-03-04T20:00", "2027-03-08T10:00:00+13:00"),  # Friday: over the weekend
    ("2027-03-24T20:00", "2027-03-30T10:00:00+13:00"),  # before Good Friday: Easter Tuesday
    ("2027-04-01T20:00", "2027-04-05T10:00:00+12:00"),  # Friday before the clocks go back
    ("2027-09-23T20:00", "2027-09-27T10:00:00+13:00"),  # Friday before the clocks go forward
    ("2027-12-23T20:00", "2027-12-29T10:00:00+13:00"),  # before Christmas on a weekend
]


@pytest.mark.parametrize(("now", "expected"), DEFAULTS)
def test_the_usual_time_is_the_next_working_day_at_ten_across_daylight_saving(cast, now, expected):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = selectors.default_release_time(cast.delivery, moment)
    assert found.astimezone(cast.delivery.zone).isoformat() == expected
    assert not selectors.is_bad_release_time(found, cast.delivery)


def test_the_hour_is_that_of_the_zone_of_the_delivery(cast):
    cast.delivery.time_zone = "Pacific/Chatham"
    cast.delivery.save()
    found = selectors.default_release_time(cast.delivery, datetime(2027, 4, 1, 20, tzinfo=UTC))
    assert found.isoformat() == "2027-04-04T21:15:00+00:00"


def test_a_release_over_the_change_of_the_clocks_comes_at_ten_by_the_new_time(cast):
    with time_machine.travel(datetime(2027, 4, 1, 20, 0, tzinfo=UTC), tick=False) as clock:
        cast.delivery.schedules.update(
            opens_at=timezone.now() - timedelta(days=1),
            due_at=timezone.now() + timedelta(days=9),
            cut_off_at=timezone.now() + timedelta(days=9),
        )
        submission = ratified(cast)
        made = schedule_release(cast.delivery, cast.task, actor=cast.pam)
        assert made.scheduled_for == datetime(2027, 4, 4, 22, 0, tzinfo=UTC)
        clock.move_to(datetime(2027, 4, 4, 21, 59, 59, tzinfo=UTC))
        assert release_due() == 0
        clock.move_to(datetime(2027, 4, 4, 22, 0, 0, tzinfo=UTC))
        assert release_due() == 1
    assert state_of(submission) == SubmissionState.RELEASED


@pytest.mark.parametrize(
    ("local", "bad"),
    [
        ("2027-03-05T14:59", False),
        ("2027-03-05T15:00", True),
        ("2027-03-06T10:00", True),
        ("2027-03-26T10:00", True),
        ("2027-03-08T23:00", False),
    ],
)
def test_never_friday_after_three_nor_on_a_day_off(one_ratified, local, bad):
    cast, _ = one_ratified
    moment = datetime.fromisoformat(local).replace(tzinfo=cast.delivery.zone)
    assert selectors.is_bad_release_time(moment, cast.delivery) is bad
    if bad:
        with pytest.raises(GuardsNotMet) as refused:
            schedule_release(cast.delivery, cast.task, actor=cast.pam, at=moment)
        assert refused.value.codes == ["release_time"]


def test_the_past_is_no_time_for_a_release(one_ratified):
    cast, _ = one_ratified
    with pytest.raises(GuardsNotMet) as refused:
        schedule_release(
            cast.delivery, cast.task, actor=cast.pam, at=timezone.now() - timedelta(days=1)
        )
    assert "release_time" in refused.value.codes


def test_who_achieved_gets_a_credential_and_one_message_without_the_result(after_release):
    cast, submission = after_release
    credential = Credential.objects.get()
    assert (credential.submission, credential.state) == (submission, "issued")
    assert credential.decision.outcome == "achieved"
    told = Notification.objects.filter(recipient=cast.lena, topic="portfolios.submission.released")
    assert told.count() == 1
    assert told.get().path == f"/learn/results/{submission.pk}/"
    assert "chieved" not in str(told.get().context)


def test_who_did_not_achieve_gets_the_same_message_and_no_credential(not_achieved):
    cast, _ = not_achieved
    assert not Credential.objects.exists()
    told = Notification.objects.get(recipient=cast.lena, topic="portfolios.submission.released")
    assert set(told.context) == {"task", "delivery"}


def test_the_mail_about_a_release_says_nothing_of_the_result(cast):
    from workflows.notifications import render

    released(cast)
    texts = render(Notification.objects.get(topic="portfolios.submission.released"))
    for text in texts:
        assert "chieved" not in text
        assert "news about" in text


def test_repeating_the_handler_changes_nothing(after_release):
    _cast, submission = after_release
    from awards.handlers import on_released

    record = TransitionRecord.objects.of(submission).get(name="release")
    on_released(record)
    on_released(record)
    assert Credential.objects.count() == 1
    assert Deadline.objects.of(submission).filter(kind="reconsideration").count() == 1
    assert Notification.objects.filter(topic="portfolios.submission.released").count() == 1


def test_the_last_day_to_ask_is_the_tenth_working_day_without_reminders(after_release):
    cast, submission = after_release
    deadline = Deadline.objects.of(submission).get(kind="reconsideration")
    assert deadline.due_at == guards.reconsideration_until(submission)
    assert not Reminder.objects.filter(deadline=deadline).exists()
    (item,) = agenda_of(cast.lena)
    assert (item.label, item.path) == (
        "Last day to ask for reconsideration", f"/learn/results/{submission.pk}/",
    )  # fmt: skip
    assert b"Last day to ask for reconsideration" in feed_of(cast.lena)
    submission.released_at = datetime(2027, 3, 22, 21, 0, tzinfo=UTC)  # Tuesday 23 March there
    until = guards.reconsideration_until(submission)
    assert until is not None
    local = until.astimezone(cast.delivery.zone)
    # Easter takes two days; the clocks go back on 4 April.
    assert local.isoformat() == "2027-04-08T23:59:59+12:00"


def last_day_of(submission: Submission) -> Deadline:
    return Deadline.objects.of(submission).get(kind="reconsideration")


def test_a_row_from_before_calendars_had_it_shows_and_follows_all_the_same(after_release, client):
    """It names nobody and does not say from what it counts; the result says both."""
    cast, submission = after_release
    Deadline.objects.of(submission).update(people=[], counted_from=None, counted_days=None)
    assert [one.label for one in agenda_of(cast.lena)] == ["Last day to ask for reconsideration"]
    assert agenda_of(cast.people["ada"]) == []
    client.force_login(cast.lena)
    assert "Last day to ask for reconsideration" in client.get("/calendar/").content.decode()
    before = last_day_of(submission).due_at
    day = before.astimezone(cast.delivery.zone).date()
    add_days_off([DayRow(day, "Closed")], actor=cast.petra)
    assert last_day_of(submission).due_at == guards.reconsideration_until(submission) > before
    events = icalendar.Calendar.from_ical(feed_of(cast.lena)).walk("VEVENT")
    (event,) = [one for one in events if "reconsideration" in one["SUMMARY"]]
    assert (event["SEQUENCE"], event["DTEND"].dt) == (1, guards.reconsideration_until(submission))


def test_the_window_counts_working_days_and_follows_the_calendar(after_release):
    cast, submission = after_release
    made = last_day_of(submission)
    assert (made.counted_from, made.counted_days) == (submission.released_at, 10)
    day = made.due_at.astimezone(cast.delivery.zone).date()
    assert [one.after > one.before for one in dates_moving([DayRow(day, "Closed")])] == [True]
    add_days_off([DayRow(day, "Closed")], actor=cast.petra)
    assert last_day_of(submission).due_at == guards.reconsideration_until(submission) > made.due_at
    assert compare().difference == 0


def test_the_last_day_is_never_overdue(after_release, client):
    cast, submission = after_release
    with time_machine.travel(last_day_of(submission).due_at + timedelta(seconds=1), tick=True):
        assert agenda_of(cast.lena) == []


def entry_in(notice: Notification) -> tuple[str, str, int]:
    """Method, key and sequence of the calendar entry that the notice's mail brings."""
    mail = compose(notice, "<m@localhost>")
    calendar = icalendar.Calendar.from_ical(mail.attachments[0].get_payload(decode=True))
    (event,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), str(event["UID"]), event["SEQUENCE"]


def told(topic: str) -> Notification:
    return Notification.objects.get(topic=f"portfolios.submission.{topic}", lane="result")


def test_the_mail_brings_the_last_day_and_a_recall_takes_it_out(after_release):
    cast, _submission = after_release
    method, uid, sequence = entry_in(told("released"))
    assert (method, sequence) == ("PUBLISH", 0)
    asked = ask_recall(cast.delivery, cast.task, actor=cast.lea, reason="The wrong rubric")
    confirm_recall(asked, actor=cast.rita)
    relay_all()
    assert entry_in(told("recalled")) == ("CANCEL", uid, 1)
    assert agenda_of(cast.lena) == []
    assert b"STATUS:CANCELLED" in feed_of(cast.lena)


def test_asking_uses_up_the_last_day(after_release):
    cast, submission = after_release
    _method, uid, _sequence = entry_in(told("released"))
    request_reconsideration(submission, actor=cast.lena, grounds="Page 4 was not read")
    assert agenda_of(cast.lena) == []
    relay_all()
    assert last_day_of(submission).state == "cancelled"
    made = Notification.objects.create(
        recipient=cast.lena, topic="portfolios.submission.reconsidered", dedupe_key="x",
        deadline=last_day_to_drop(submission), context={"task": "T", "delivery": "D"},
    )  # fmt: skip
    assert entry_in(made) == ("CANCEL", uid, 1)


def test_a_release_that_is_told_late_opens_no_window(after_release):
    """Its event was held up, and the result has been taken back since."""
    cast, submission = after_release
    asked = ask_recall(cast.delivery, cast.task, actor=cast.lea, reason="The wrong rubric")
    confirm_recall(asked, actor=cast.rita)
    relay_all()
    fresh = Submission.objects.get(pk=submission.pk)
    assert settle_release(fresh) is None
    assert not Deadline.objects.of(submission).open().filter(kind="reconsideration").exists()


def test_a_scheduled_release_takes_what_is_ratified_then(two):
    ratified(two, "lena")
    made = schedule_release(two.delivery, two.task, actor=two.pam)
    late = ratified(two, "hone")
    with time_machine.travel(made.scheduled_for + timedelta(seconds=1), tick=True):
        release_due()
    assert state_of(late) == SubmissionState.RELEASED


def test_a_release_is_not_told_before_it_happens(one_ratified):
    cast, _ = one_ratified
    schedule_release(cast.delivery, cast.task, actor=cast.pam)
    relay_all()
    assert not Notification.objects.filter(
        recipient=cast.lena, topic="portfolios.submission.released"
    ).exists()
    release(cast)
    assert Notification.objects.filter(topic="portfolios.submission.released").exists()
