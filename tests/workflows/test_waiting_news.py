"""News that waits, when its reader's choice, zone or hours change, or when it was held up into the night."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db.models.functions import Now
from django.test import override_settings
from django.utils import timezone

from accounts.models import SYSTEM
from workflows import definitions, outbox
from workflows.actions import set_deadline, sweep_due
from workflows.actions.digests import send_digests
from workflows.actions.preferences import choose_messages, unsubscribe
from workflows.enums import Category, Frequency, MessageState
from workflows.models import MessagePreference, Notification, OutboxMessage, QuietHours
from workflows.notifications import notify
from workflows.selectors.preferences import HOME

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
SOON = "testapp.docket.soon"


def tell(docket, people, **more):
    return notify(topic=SOON, recipients=people, subject=docket, context={"title": "x"}, **more)


def mails(**more):
    return OutboxMessage.objects.filter(kind="delivery", **more)


NIGHT = dt.datetime(2026, 8, 13, 22, tzinfo=HOME)
MORNING = dt.datetime(2026, 8, 14, 7, 30, tzinfo=HOME)
LONDON = ZoneInfo("Europe/London")


def choose(person, **more):
    usual = {
        "frequencies": {}, "is_on": True, "begins": dt.time(19), "ends": dt.time(7), "weekends": True,
        "language": "site", "wanted": {},
    }  # fmt: skip
    choose_messages(actor=person, **{**usual, **more})


@override_settings(QUIET_HOURS=True)
def test_news_that_waits_follows_the_persons_choice(docket, ada):
    with time_machine.travel(NIGHT, tick=False):
        tell(docket, [ada])
        assert mails().get().available_at == MORNING
        choose(ada, frequencies={Category.DATES: Frequency.WEEKLY})
        assert mails().get().available_at == dt.datetime(2026, 8, 17, 7, 30, tzinfo=HOME)
        choose(ada, frequencies={Category.DATES: Frequency.NOW}, is_on=False)
        assert (mails().get().channel, mails().get().available_at) == ("digest", NIGHT)
        choose(ada, frequencies={Category.DATES: Frequency.INAPP})
    row = mails().get()
    assert (row.state, row.last_error) == (MessageState.CANCELLED, definitions.UNASKED)
    assert Notification.objects.visible_to(ada).count() == 1


def test_unsubscribing_holds_for_what_waits_but_not_for_what_is_required_or_held(docket, ada):
    tell(docket, [ada], dedupe="waits")
    (held,) = tell(docket, [ada], dedupe="held")
    mails(notification=held).update(lease_token="0" * 32)
    notify(topic="testapp.docket.closed", recipients=[ada], subject=docket, context={"title": "x"})
    unsubscribe(ada, Category.DATES)
    unsubscribe(ada, Category.WORK)
    assert [*mails().order_by("pk").values_list("state", flat=True)] == [
        MessageState.CANCELLED, MessageState.PENDING, MessageState.PENDING,
    ]  # fmt: skip


@override_settings(QUIET_HOURS=True)
def test_a_digest_waits_where_its_reader_sleeps_by_now(docket, ada):
    """Half past seven in Auckland is half past eight in the evening in London."""
    with time_machine.travel(NIGHT, tick=False):
        tell(docket, [ada])
    ada.time_zone = "Europe/London"
    ada.save()
    with time_machine.travel(MORNING, tick=False):
        assert send_digests() == 0
    later = dt.datetime(2026, 8, 14, 7, 30, tzinfo=LONDON)
    assert mails().get().available_at == later
    with time_machine.travel(later, tick=False):
        assert send_digests() == 1


@override_settings(QUIET_HOURS=True)
def test_a_digest_that_cannot_wait_goes_at_night(docket, ada):
    with time_machine.travel(NIGHT, tick=False):
        deadline = set_deadline(
            subject=docket, kind="hand_in", due_at=MORNING + dt.timedelta(hours=20), recipients=[ada],
            zone="Pacific/Auckland", actor=SYSTEM,
        )  # fmt: skip
        tell(docket, [ada], lane="reminder", deadline=deadline)
    with time_machine.travel(MORNING + dt.timedelta(hours=13), tick=False):
        assert send_digests() == 1


@override_settings(QUIET_HOURS=True)
def test_optional_news_that_was_held_up_until_the_night_comes_with_the_morning(docket, ada, abe):
    QuietHours.objects.create(user=abe, is_on=False)
    evening = dt.datetime(2026, 8, 13, 18, 30, tzinfo=HOME)
    with time_machine.travel(evening, tick=False):
        tell(docket, [ada, abe])
        notify(
            topic="testapp.docket.closed", recipients=[ada], subject=docket, context={"title": "x"}
        )
    with time_machine.travel(evening + dt.timedelta(hours=2), tick=False):
        mails().update(available_at=timezone.now())
        assert outbox.deliver() == 2
    sent = mails(state=MessageState.SENT).values_list("notification__recipient", "topic")
    assert set(sent) == {(abe.pk, SOON), (ada.pk, "testapp.docket.closed")}
    held = mails(state=MessageState.PENDING).get()
    assert (held.channel, held.lane, held.available_at) == ("digest", "digest", MORNING)
    assert (held.tries.get().result, held.lease_token) == ("deferred", None)
    with time_machine.travel(MORNING, tick=False):
        assert send_digests() == 1
    made = mails(topic="workflows.digest").get()
    with time_machine.travel(MORNING + dt.timedelta(hours=14), tick=False):
        assert outbox.deliver() == 0
    made.refresh_from_db()
    assert (made.channel, made.available_at) == (
        "email",
        dt.datetime(2026, 8, 17, 7, 30, tzinfo=HOME),
    )
    with time_machine.travel(made.available_at, tick=False):
        assert outbox.deliver() == 1


def test_a_muted_learner_gets_no_mail_and_the_others_hear_of_what_is_overdue(docket, ada):
    """The reminder goes all the same, in the application; who else hears is told with it."""
    MessagePreference.objects.create(user=ada, category=Category.DATES, frequency=Frequency.INAPP)
    seen = []
    definitions.overdue.append(lambda rows: seen.extend(rows) or [])
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(
                definitions.reminder_texts,
                "hand_in",
                lambda row: (SOON, "/", {"title": row.offset}),
            )
            made = set_deadline(
                subject=docket, kind="hand_in", due_at=timezone.now() + dt.timedelta(hours=1),
                zone="Pacific/Auckland", recipients=[ada], offsets=["+1wd"], actor=SYSTEM,
            )  # fmt: skip
            with time_machine.travel(made.reminders.get().fire_at + dt.timedelta(hours=1)):
                made.reminders.update(fire_at=Now() - dt.timedelta(seconds=1))
                assert sweep_due() == 1
    finally:
        definitions.overdue.pop()
    assert [row.recipient for row in seen] == [ada]
    assert not mails().exists()
