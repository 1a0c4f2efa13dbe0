"""More time for many, the preview of a move, cut-off, submission by the clock, and each kind of deadline."""

from datetime import datetime, timedelta
from importlib import import_module
from uuid import uuid4
from zoneinfo import ZoneInfo

import icalendar
import pytest
import time_machine
from django.apps import apps
from django.core import mail
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from accounts.models import CLOCK
from catalogue.actions import set_schedule
from catalogue.actions.hooks import preview_schedule
from catalogue.models import Delivery
from portfolios.actions.attestation import (
    ask_to_confirm,
    attestation_for,
    decline_to_confirm,
    remind_verifiers,
    revoke_attestation,
)
from portfolios.actions.extension import (
    approve_extension,
    ask_for_more_time,
    decline_extension,
    give_time_to_all,
)
from portfolios.actions.submission import (
    DECLARATION,
    ask_automatic_submission,
    stop_automatic_submission,
    submit_at_cut_off,
    withdraw_submission,
)
from portfolios.exceptions import ReasonNeeded
from portfolios.models import Attestation, AttestationLink, Portfolio, Submission
from tests.factories.portfolios import portfolio_of, ready, submit, submitted
from tests.personas import make_cast
from workflows import outbox
from workflows.actions import sweep_due
from workflows.actions.deadlines import WITHOUT
from workflows.actions.reconciling import reconcile
from workflows.exceptions import NotPermitted
from workflows.hashing import unseal
from workflows.models import (
    Deadline,
    Notification,
    Reminder,
    ReminderPreference,
    TransitionRecord,
)
from workflows.notifications import compose
from workflows.outbox import deliver, relay

NZ = ZoneInfo("Pacific/Auckland")

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def cast():
    return make_cast(learners=3)


@pytest.fixture
def automatic(cast):
    policy = {**cast.delivery.policy_overrides, "submission.auto_submit": True}
    Delivery.objects.filter(pk=cast.delivery.pk).update(policy_overrides=policy)
    cast.delivery.refresh_from_db()
    return cast


def kinds_of(subject):
    return set(Deadline.objects.of(subject).open().values_list("kind", flat=True))


def told(topic):
    return Notification.objects.filter(topic=topic)


def with_cut_off(cast, days=2):
    schedule = cast.delivery.schedules.get()
    set_schedule(
        cast.delivery, schedule.task, actor=cast.pam,
        opens_at=schedule.opens_at, due_at=schedule.due_at,
        cut_off_at=schedule.due_at + timedelta(days=days),
    )  # fmt: skip


# --- more time for an event ---------------------------------------------------------------------------


def test_everybody_who_can_use_it_gets_more_time(cast):
    lena, hone = portfolio_of(cast, "lena"), portfolio_of(cast, "hone")
    done = submitted(cast, "mere")
    until = lena.due_at + timedelta(days=4)
    given = give_time_to_all(
        cast.delivery, cast.task, actor=cast.pam, until=until, reason="Cyclone Hine"
    )
    assert {one.pk for one in given} == {lena.pk, hone.pk}
    for portfolio in (lena, hone):
        portfolio.refresh_from_db()
        assert (portfolio.due_at, portfolio.granted_until) == (until, until)
        deadline = Deadline.objects.of(portfolio).open().get()
        assert (deadline.due_at, deadline.generation) == (until, 2)
        assert set(deadline.reminders.values_list("generation", flat=True)) == {2}
        move = deadline.moves.last()
        assert (move.actor, move.reason) == (cast.pam, "Cyclone Hine")
        assert move.due_from < move.due_to == until
    assert Portfolio.objects.get(pk=done.portfolio_id).granted_until is None
    assert told("portfolios.portfolio.moved").count() == 2
    again = give_time_to_all(
        cast.delivery, cast.task, actor=cast.pam, until=until, reason="Cyclone Hine"
    )
    assert again == []
    assert told("portfolios.portfolio.moved").count() == 2


def test_time_for_an_event_can_leave_somebody_out(cast):
    lena, hone = portfolio_of(cast, "lena"), portfolio_of(cast, "hone")
    give_time_to_all(
        cast.delivery, cast.task, actor=cast.pam, until=lena.due_at + timedelta(days=4),
        reason="Outage", learners=[hone.enrolment_id],
    )  # fmt: skip
    assert Portfolio.objects.get(pk=lena.pk).granted_until is None
    assert Portfolio.objects.get(pk=hone.pk).granted_until is not None


def test_a_date_given_for_an_event_is_not_taken_back_by_the_schedule(cast):
    lena = portfolio_of(cast, "lena")
    until = lena.due_at + timedelta(days=9)
    give_time_to_all(cast.delivery, cast.task, actor=cast.pam, until=until, reason="Outage")
    with_cut_off(cast)
    lena.refresh_from_db()
    assert lena.due_at == until


def test_time_for_an_event_has_its_rules(cast):
    portfolio = portfolio_of(cast, "lena")
    until = portfolio.due_at + timedelta(days=4)
    with pytest.raises(NotPermitted):
        give_time_to_all(cast.delivery, cast.task, actor=cast.ada, until=until, reason="x")
    with pytest.raises(ReasonNeeded):
        give_time_to_all(cast.delivery, cast.task, actor=cast.pam, until=until, reason=" ")
    with pytest.raises(ReasonNeeded):
        give_time_to_all(cast.delivery, cast.task, actor=cast.pam, until=timezone.now(), reason="x")


def test_the_page_shows_whom_it_concerns_first(cast, client):
    lena = portfolio_of(cast, "lena")
    client.force_login(cast.pam)
    url = reverse("portfolios:more_time_for_all", args=[cast.delivery.pk, cast.task.pk])
    until = (lena.due_at + timedelta(days=4)).astimezone(cast.delivery.zone)
    typed = {"until_0": until.day, "until_1": until.month, "until_2": until.year, "reason": "Flood"}
    page = client.post(url, typed)
    assert page.status_code == 200
    assert "Lena Tūhoe" in page.content.decode()
    lena.refresh_from_db()
    assert lena.granted_until is None
    done = client.post(url, {**typed, "confirm": "yes", "learner": [str(lena.enrolment_id)]})
    assert done.status_code == 302
    lena.refresh_from_db()
    assert lena.due_at == until
    past = client.post(url, {**typed, "until_2": 2020})
    assert past.status_code == 422
    client.force_login(cast.ada)
    assert client.get(url).status_code == 403


# --- what a calendar gets with the mails ---------------------------------------------------------------


def entry_in(notice):
    """Method and entry of the calendar file that the notice's mail brings."""
    mail = compose(Notification.objects.get(pk=notice.pk), "<m@localhost>")
    calendar = icalendar.Calendar.from_ical(mail.attachments[0].get_payload(decode=True))
    (event,) = calendar.walk("VEVENT")
    assert str(event["ORGANIZER"]) == "mailto:noreply@moderato.example"
    return str(calendar["METHOD"]), str(event["UID"]), event["SEQUENCE"], event["DTEND"].dt


def whole(moment):
    """As a calendar writes it."""
    return moment.replace(microsecond=0)


def test_mails_keep_the_date_in_a_learners_calendar_up_to_date(cast):
    """Reminded, given more time, submitted, taken back: each mail says what the entry is now."""
    portfolio = ready(cast, "lena")
    deadline = Deadline.objects.of(portfolio).open().get()
    deadline.reminders.filter(offset="-7d").update(fire_at=Now() - timedelta(seconds=1))
    sweep_due()
    first = entry_in(told("portfolios.portfolio.due").get())
    assert first == ("PUBLISH", first[1], 0, whole(portfolio.due_at))
    request = ask_for_more_time(
        portfolio, actor=cast.lena, until=portfolio.due_at + timedelta(days=2), reason="work"
    )
    approve_extension(request, actor=cast.pam)
    relay()
    until = portfolio.due_at + timedelta(days=2)
    granted = entry_in(told("portfolios.extensionrequest.decided").get())
    assert granted == ("PUBLISH", first[1], 1, whole(until))
    later = until + timedelta(days=1)
    give_time_to_all(cast.delivery, cast.task, actor=cast.pam, until=later, reason="Storm")
    moved = told("portfolios.portfolio.moved").get(recipient=cast.lena)
    assert entry_in(moved) == ("PUBLISH", first[1], 2, whole(later))
    portfolio.refresh_from_db()
    submission = submit(portfolio)
    while relay():
        pass
    receipt = told("portfolios.submission.submitted").get()
    assert entry_in(receipt) == ("CANCEL", first[1], 3, whole(later))
    withdraw_submission(submission, actor=cast.lena)
    while relay():
        pass
    again = entry_in(told("portfolios.submission.withdrawn").get())
    assert (again[0], again[2:]) == ("PUBLISH", (0, whole(later)))
    assert again[1] != first[1]


def test_a_receipt_takes_nothing_out_of_a_calendar_that_got_nothing(cast):
    submitted(cast, "lena")
    while relay():
        pass
    assert told("portfolios.submission.submitted").get().deadline is None


def test_a_declined_request_brings_no_entry(cast):
    portfolio = portfolio_of(cast, "lena")
    request = ask_for_more_time(
        portfolio, actor=cast.lena, until=portfolio.due_at + timedelta(days=2), reason="work"
    )
    decline_extension(request, actor=cast.pam, answer="No")
    relay()
    assert told("portfolios.extensionrequest.decided").get().deadline is None


# --- a time of day that clocks skip -------------------------------------------------------------------


def test_more_time_until_a_time_that_clocks_skip_asks_which_is_meant(cast, client):
    """The time of day stays that of the due date, and on 26 September 2027 there is no half past two."""
    lena = portfolio_of(cast, "lena")
    due = datetime(2027, 9, 20, 2, 30, tzinfo=NZ)
    Portfolio.objects.filter(pk=lena.pk).update(due_at=due, cut_off_at=due)
    day = {"until_0": "26", "until_1": "9", "until_2": "2027"}
    client.force_login(cast.lena)
    url = reverse("portfolios:time", args=[lena.pk])
    asked = client.post(url, {"reason": "work", **day})
    assert asked.status_code == 422
    assert "Which time do you mean?" in asked.content.decode()
    (choice, _words), (other, _others) = asked.context["form"].asked[0].field.choices
    assert client.post(url, {"reason": "work", **day, "until_which": other}).status_code == 302
    request = lena.extension_requests.get()
    assert request.asked_until == datetime.fromisoformat(other)
    client.force_login(cast.pam)
    url = reverse("portfolios:extension", args=[request.pk])
    answer = {"decision": "change", **day}
    page = client.post(url, answer)
    assert page.status_code == 422
    assert "Which time do you mean?" in page.content.decode()
    assert client.post(url, {**answer, "until_which": choice}).status_code == 302
    request.refresh_from_db()
    assert request.granted_until == datetime.fromisoformat(choice)


# --- preview of a move --------------------------------------------------------------------------------


def test_the_preview_says_what_the_move_then_does(cast):
    lena, hone = portfolio_of(cast, "lena"), portfolio_of(cast, "hone")
    submitted(cast, "mere")
    schedule = cast.delivery.schedules.get()
    later = hone.due_at + timedelta(days=9)
    give_time_to_all(
        cast.delivery, cast.task, actor=cast.pam, until=later, reason="x",
        learners=[hone.enrolment_id],
    )  # fmt: skip
    due = schedule.due_at + timedelta(days=5)
    (effect,) = preview_schedule(
        schedule=schedule, opens_at=schedule.opens_at, due_at=due, cut_off_at=due
    )
    assert [one.people for one in effect.moving] == [[cast.lena]]
    assert effect.keeping == [hone]
    assert len(effect.submitted) == 1
    set_schedule(
        cast.delivery, schedule.task, actor=cast.pam,
        opens_at=schedule.opens_at, due_at=due, cut_off_at=due,
    )  # fmt: skip
    planned = dict(
        Reminder.objects.filter(deadline__subject_id=lena.pk, state="planned").values_list(
            "offset", "fire_at"
        )
    )
    assert planned == {one.offset: one.after for one in effect.moving[0].reminders if one.after}
    assert set(told("portfolios.portfolio.moved").values_list("recipient", flat=True)) == {
        cast.lena.pk, hone.enrolment.learner_id,
    }  # fmt: skip


def test_the_schedule_page_asks_before_it_moves_learners(cast, client):
    lena = portfolio_of(cast, "lena")
    before = lena.due_at
    client.force_login(cast.pam)
    due = (before + timedelta(days=5)).astimezone(cast.delivery.zone)
    opens = lena.opens_at.astimezone(cast.delivery.zone)
    typed = {
        "opens_on_0": opens.day, "opens_on_1": opens.month, "opens_on_2": opens.year,
        "due_on_0": due.day, "due_on_1": due.month, "due_on_2": due.year, "due_time": "17:00",
        "cut_off_on_0": "", "cut_off_on_1": "", "cut_off_on_2": "", "reason": "Flood",
    }  # fmt: skip
    url = reverse("catalogue:schedule", args=[cast.delivery.pk, cast.task.pk])
    page = client.post(url, typed)
    assert page.status_code == 200
    assert "Nothing has changed yet" in page.content.decode()
    lena.refresh_from_db()
    assert lena.due_at == before
    assert client.post(url, {**typed, "confirm": "yes"}).status_code == 302
    lena.refresh_from_db()
    assert lena.due_at > before


# --- kinds --------------------------------------------------------------------------------------------


def test_late_work_has_a_deadline_of_its_own_that_follows(cast):
    lena = portfolio_of(cast, "lena")
    assert kinds_of(lena) == {"submission"}
    with_cut_off(cast, 2)
    assert kinds_of(lena) == {"submission", "cut_off"}
    lena.refresh_from_db()
    closing = Deadline.objects.of(lena).get(kind="cut_off")
    assert closing.due_at == lena.cut_off_at
    closing.reminders.update(fire_at=Now() - timedelta(seconds=1))
    assert sweep_due() == 1
    assert told("portfolios.portfolio.closing").get().recipient == cast.lena
    with_cut_off(cast, 0)
    assert kinds_of(lena) == {"submission"}


def test_a_referred_attempt_has_a_resubmission_deadline(cast):
    from portfolios.actions.submission import open_next_attempt

    submission = submitted(cast, "lena")
    portfolio = open_next_attempt(
        submission, met_criteria=[], due_at=timezone.now() + timedelta(days=14), actor=CLOCK
    )
    assert kinds_of(portfolio) == {"resubmission"}


def test_a_silent_verifier_is_told_to_the_learner_once_and_an_answer_ends_it(cast):
    portfolio = portfolio_of(cast, "lena")
    asked = ask_to_confirm(portfolio, actor=cast.lena, name="Vic", email="vic@work.example")
    deadline = Deadline.objects.of(asked).get()
    assert set(deadline.reminders.values_list("offset", flat=True)) == {"-14d", "-2d"}
    deadline.reminders.filter(offset="-14d").update(fire_at=Now() - timedelta(seconds=1))
    assert sweep_due() == 1
    assert told("portfolios.attestation.silent").get().recipient == cast.lena
    decline_to_confirm(asked)
    assert kinds_of(asked) == set()
    other = ask_to_confirm(portfolio, actor=cast.lena, name="Wiki", email="w@work.example")
    revoke_attestation(other, actor=cast.lena)
    assert kinds_of(other) == set()


def reminded():
    return Notification.objects.filter(topic="portfolios.attestation.reminder").order_by("id")


def test_a_verifier_who_does_not_answer_is_reminded_twice_by_a_link_of_its_own(cast):
    portfolio = portfolio_of(cast, "lena")
    # Thursday; Monday is the second working day, the next Thursday the fifth.
    asked_at = datetime(2027, 8, 12, 15, tzinfo=NZ)
    with time_machine.travel(asked_at, tick=False) as clock:
        asked = ask_to_confirm(portfolio, actor=cast.lena, name="Vic", email="vic@work.example")
        assert asked.remind_at == datetime(2027, 8, 16, 8, tzinfo=NZ)
        assert remind_verifiers() == 0
        clock.move_to(asked.remind_at)
        assert remind_verifiers() == 1
        assert remind_verifiers() == 0
        first = reminded().get()
        token = unseal(first.sealed_path).strip("/").split("/")[-1]
        assert attestation_for(token) == asked
        assert token not in str(list(AttestationLink.objects.values()))
        clock.move_to(datetime(2027, 8, 19, 8, tzinfo=NZ))
        assert remind_verifiers() == 1
        asked.refresh_from_db()
        assert (asked.reminded, asked.remind_at) == (2, None)
        clock.move_to(datetime(2027, 8, 26, 8, tzinfo=NZ))
        assert remind_verifiers() == 0
        assert attestation_for(token) == asked
        assert reminded().count() == 2
        assert {one.address for one in reminded()} == {"vic@work.example"}


def test_after_an_outage_one_reminder_goes_and_after_an_answer_none(cast):
    portfolio = portfolio_of(cast, "lena")
    asked_at = datetime(2027, 8, 12, 15, tzinfo=NZ)
    with time_machine.travel(asked_at, tick=False) as clock:
        asked = ask_to_confirm(portfolio, actor=cast.lena, name="Vic", email="vic@work.example")
        other = ask_to_confirm(portfolio, actor=cast.lena, name="Wiki", email="w@work.example")
        decline_to_confirm(other)
        clock.move_to(datetime(2027, 8, 24, 8, tzinfo=NZ))
        assert remind_verifiers() == 1
        asked.refresh_from_db()
        assert asked.remind_at is None
        late = ask_to_confirm(portfolio, actor=cast.lena, name="Tui", email="t@work.example")
        Attestation.objects.filter(pk=late.pk).update(expires_at=timezone.now())
        clock.shift(timedelta(days=9))
        assert remind_verifiers() == 0
        # What was answered after the reminder was written does not leave any more.
        decline_to_confirm(asked)
        mail.outbox.clear()
        while outbox.deliver():
            pass
        assert [one.to for one in mail.outbox if "still hopes" in one.subject] == []


def test_a_request_for_more_time_is_to_be_answered_in_two_working_days(cast):
    portfolio = portfolio_of(cast, "lena")
    asked = ask_for_more_time(
        portfolio, actor=cast.lena, reason="work", until=portfolio.due_at + timedelta(days=3)
    )
    deadline = Deadline.objects.of(asked).get()
    assert deadline.counted_days == 2
    deadline.reminders.filter(offset="0d").update(fire_at=Now() - timedelta(seconds=1))
    assert sweep_due() >= 1
    assert cast.pam.pk in told("portfolios.extensionrequest.waiting").values_list(
        "recipient", flat=True
    )
    decline_extension(asked, actor=cast.pam, answer="Too late")
    assert kinds_of(asked) == set()


# --- submission by the clock --------------------------------------------------------------------------


def close(portfolio):
    """Move the portfolio's dates into the past, as the clock would."""
    past = timezone.now() - timedelta(minutes=5)
    Portfolio.objects.filter(pk=portfolio.pk).update(
        due_at=past, cut_off_at=past, auto_submit_asked_at=past - timedelta(hours=1)
    )


def test_a_complete_draft_is_submitted_at_the_cut_off(automatic):
    cast = automatic
    portfolio = ready(cast, "lena")
    ask_automatic_submission(portfolio, actor=cast.lena, declaration=str(DECLARATION))
    assert submit_at_cut_off() == 0
    close(portfolio)
    assert submit_at_cut_off() == 1
    assert submit_at_cut_off() == 0
    made = Submission.objects.get(portfolio=portfolio)
    assert (made.state, made.is_late) == ("submitted", False)
    record = TransitionRecord.objects.get(subject_id=made.pk)
    assert (record.actor, record.on_behalf_of) == (None, cast.lena)
    relay()
    assert told("portfolios.submission.submitted").get().recipient == cast.lena
    withdraw_submission(made, actor=cast.lena)
    assert submit_at_cut_off() == 0


def test_an_incomplete_draft_is_not_and_the_learner_is_told_why_once(automatic):
    cast = automatic
    portfolio = portfolio_of(cast, "lena")
    ask_automatic_submission(portfolio, actor=cast.lena, declaration=str(DECLARATION))
    close(portfolio)
    assert submit_at_cut_off() == 0
    assert submit_at_cut_off() == 0
    assert not Submission.objects.exists()
    notice = told("portfolios.portfolio.not_submitted").get()
    deliver()
    assert "Every required criterion" in mail.outbox[-1].body
    assert notice.recipient == cast.lena


def test_without_the_policy_or_after_taking_it_back_nothing_is_submitted(automatic, cast):
    portfolio = ready(cast, "lena")
    ask_automatic_submission(portfolio, actor=cast.lena, declaration="x")
    with pytest.raises(NotPermitted):
        stop_automatic_submission(portfolio, actor=cast.pam)
    stop_automatic_submission(portfolio, actor=cast.lena)
    past = timezone.now() - timedelta(minutes=5)
    Portfolio.objects.filter(pk=portfolio.pk).update(due_at=past, cut_off_at=past)
    assert submit_at_cut_off() == 0
    with pytest.raises(ReasonNeeded, match="closed"):
        ask_automatic_submission(portfolio, actor=cast.lena, declaration="x")
    with pytest.raises(NotPermitted):
        ask_automatic_submission(portfolio, actor=cast.pam, declaration="x")
    Delivery.objects.filter(pk=cast.delivery.pk).update(policy_overrides={})
    with pytest.raises(ReasonNeeded, match="does not submit"):
        ask_automatic_submission(
            Portfolio.objects.get(pk=portfolio.pk), actor=cast.lena, declaration="x"
        )


def test_the_clock_may_not_submit_what_nobody_asked_for(cast):
    from portfolios.actions.submission import submit_portfolio

    portfolio = ready(cast, "lena")
    with pytest.raises(NotPermitted):
        submit_portfolio(portfolio, actor=CLOCK, key="k", declaration="x")


def test_asking_and_taking_back_by_the_page(automatic, client):
    cast = automatic
    portfolio = ready(cast, "lena")
    client.force_login(cast.lena)
    url = reverse("portfolios:submit", args=[portfolio.pk])
    form = client.get(url)
    assert "submit when it closes" in form.content.decode()
    sent = {
        "key": form.context["form"]["key"].value(),
        "accept": "on",
        "later": "yes",
        "ai_use": "None",
    }
    assert client.post(url, sent).status_code == 302
    portfolio.refresh_from_db()
    assert portfolio.auto_submit_asked_at is not None
    assert not Submission.objects.exists()
    assert "Do not submit it for me" in client.get(url).content.decode()
    client.post(reverse("portfolios:stop_automatic", args=[portfolio.pk]))
    portfolio.refresh_from_db()
    assert portfolio.auto_submit_asked_at is None


def test_dates_from_before_reminders_could_be_required_get_those_of_their_policy(cast):
    """The migration fills in what the policy requires; the nightly comparison then finds no difference."""
    mine, theirs = portfolio_of(cast), portfolio_of(cast, "hone")
    other = Delivery.objects.get(pk=cast.delivery.pk)
    other.pk, other.code, other._state.adding = uuid4(), "other", True
    other.policy_overrides |= {"reminder.required_offsets": ["-48h", "0d"]}
    other.save()
    type(theirs.enrolment).objects.filter(pk=theirs.enrolment_id).update(delivery=other)
    rows = Deadline.objects.filter(kind="submission", subject_id__in=[mine.pk, theirs.pk])
    ReminderPreference.objects.create(
        user=theirs.enrolment.learner, kind="submission", without=["-7d", "-48h"]
    )
    rows.update(required=[])
    Reminder.objects.filter(deadline__subject_id=theirs.pk, offset__in=["-7d", "-48h"]).update(
        state="cancelled", because=WITHOUT
    )
    assert reconcile(repair=False).missing == 0
    import_module("portfolios.migrations.0005_required_reminders").require(apps, None)
    found = dict(rows.values_list("subject_id", "required"))
    assert found == {mine.pk: ["0d"], theirs.pk: ["-48h", "0d"]}
    run = reconcile(repair=False)
    assert (run.missing, run.extra) == (0, 0)
    again = Reminder.objects.filter(deadline__subject_id=theirs.pk, state="planned")
    assert "-48h" in set(again.values_list("offset", flat=True))
    assert "-7d" not in set(again.values_list("offset", flat=True))
