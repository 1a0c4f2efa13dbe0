"""A delivery's life over twelve weeks with a frozen clock: exactly the messages of an independent model.

The model below knows the rules from the design, not from the code: it has its own arithmetic of working
days (on the published holidays of another package), of daylight saving, of quiet hours, of digests and of
reminders that people go without. On the way workers are killed between what they write and their commit.
On SQLite, whose clock is the frozen one.
"""

import datetime as dt
import os
import random
from collections import Counter
from zoneinfo import ZoneInfo

import holidays
import pytest
import time_machine
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from accounts.models import User
from assessment.models import Allocation
from awards.actions.release import schedule_release
from awards.models import Release
from catalogue.models import TaskSchedule
from moderation.actions import close_round, decide_round, draw_sample, open_round
from moderation.enums import RoundDecision
from moderation.models import SampleItem
from portfolios.actions.drafting import create_portfolio
from portfolios.actions.extension import approve_extension, ask_for_more_time
from portfolios.actions.submission import withdraw_submission
from portfolios.models import Portfolio, Submission
from tests.factories.assessment import decided
from tests.factories.awards import batch, sign
from tests.factories.moderation import agreed
from tests.factories.portfolios import ready, submit
from tests.personas import make_cast
from workflows import outbox
from workflows.actions import reminders, sweep_due
from workflows.actions.digests import send_digests
from workflows.actions.reconciling import reconcile
from workflows.actions.reminding import choose_reminders
from workflows.definitions import rounds
from workflows.models import Notification, OutboxMessage, Reminder

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.only_sqlite,
    pytest.mark.proof,
]
NZ = ZoneInfo("Pacific/Auckland")
FULL = os.environ.get("PROOF") == "full"
LEARNERS = 200 if FULL else 10
WEEKS = 12
TICK = dt.timedelta(hours=4)
BEGIN = dt.datetime(2027, 2, 15, 9, tzinfo=NZ).astimezone(dt.UTC)
HOLIDAYS = holidays.country_holidays("NZ", years=[2027])


def nz(month, day, hour, minute=0):
    return dt.datetime(2027, month, day, hour, minute, tzinfo=NZ).astimezone(dt.UTC)


DUE, CLOSES = nz(3, 25, 17), nz(3, 30, 17)
NEW_DUE = nz(4, 1, 7, 30)
"""Before people are reminded in the morning."""
CHOICE_OF_ADA = nz(3, 4, 9)


# --- the independent model ----------------------------------------------------------------------------


def tick(moment):
    """The first round of the machine at or after a moment."""
    return BEGIN + TICK * -((BEGIN - moment) // TICK)


def working(day, number):
    while number:
        day += dt.timedelta(days=1)
        number -= day.weekday() < 5 and day not in HOLIDAYS
    return day


def on_clock(local, days=0, hour=None):
    """A wall-clock time some days away."""
    moved = dt.datetime.combine(local.date() + dt.timedelta(days=days), local.time(), tzinfo=NZ)
    return (moved if hour is None else moved.replace(hour=hour, minute=0)).astimezone(dt.UTC)


def fires(due):
    """The five reminders of a date."""
    local = due.astimezone(NZ)
    after = {
        number: dt.datetime.combine(working(local.date(), number), dt.time(8), tzinfo=NZ)
        for number in (1, 3)
    }
    return [
        (on_clock(local, -7), False),
        (due - dt.timedelta(hours=48), False),
        # People are warned before a date of the early hours, not after it.
        (on_clock(local, 0 if local.time() > dt.time(8) else -1, 8), False),
        (after[1].astimezone(dt.UTC), True),
        (after[3].astimezone(dt.UTC), True),
    ]


def quiet(moment):
    local = moment.astimezone(NZ)
    return local.weekday() >= 5 or not 7 <= local.hour < 19


def next_morning(moment):
    local = moment.astimezone(NZ)
    day = local.date()
    if (local.hour, local.minute) >= (7, 30):
        day += dt.timedelta(days=1)
    while day.weekday() >= 5:
        day += dt.timedelta(days=1)
    return dt.datetime.combine(day, dt.time(7, 30), tzinfo=NZ).astimezone(dt.UTC)


REQUIRED = {
    "portfolios.submission.submitted", "portfolios.submission.withdrawn",
    "portfolios.extensionrequest.decided", "portfolios.submission.released",
}  # fmt: skip
DAILY = {"assessment.allocated", "moderation.item_given", "moderation.round_closed"}


class Model:
    """What is told, when, to whom; and the mails that follow from it."""

    def __init__(self):
        self.told, self.mails, self.held = Counter(), Counter(), Counter()

    def tell(self, who, topic, moment, useful_until=None, still=lambda digest: True):
        at = tick(moment)
        self.told[who.email, topic, at] += 1
        if topic in REQUIRED or (topic not in DAILY and not quiet(at)):
            self.mails[who.email, at] += 1
            return
        morning = next_morning(at)
        if useful_until is not None and morning >= useful_until:
            self.mails[who.email, at] += 1
        elif still(tick(morning)):
            self.held[who.email, tick(morning)] += 1

    def reminders(self, who, due, upcoming, overdue, until, since=BEGIN, without=()):
        """Those of one date, while nothing is done before `until` and the date was set at `since`.

        `without` names, by number, the ones that do not come, and the first and last moment of that choice.
        """
        for number, (moment, late) in enumerate(fires(due)):
            at = tick(moment)
            if moment < since or at >= until or (not late and due < at):
                continue
            if any(one == number and begin <= at < end for one, begin, end in without):
                continue
            # What is done by the morning does not stand in its digest.
            self.tell(
                who, overdue if late else upcoming, moment, None if late else due,
                still=lambda digest: digest < until,
            )  # fmt: skip

    def digests(self):
        for (who, at), _number in self.held.items():
            self.mails[who, at] += 1


# --- the life -----------------------------------------------------------------------------------------


class Killed(BaseException):
    """A worker that is gone in the middle of its work."""


class Machine:
    """The clockwork in rounds of four hours, with kills at two of its seams."""

    def __init__(self, monkeypatch, seed):
        self.random, self.kills, self.mails, self.seen = random.Random(seed), 0, Counter(), 0
        self.patch(monkeypatch, reminders, "notify_all")
        self.patch(monkeypatch, outbox, "finish")

    def patch(self, monkeypatch, module, name):
        real = getattr(module, name)

        def dies(*arguments, **options):
            made = real(*arguments, **options)
            about_event = name != "finish" or arguments[0].kind == "event"
            if about_event and self.random.random() < 0.1:
                self.kills += 1
                raise Killed
            return made

        monkeypatch.setattr(module, name, dies)

    def survive(self, work):
        while True:
            try:
                if not work():
                    return
            except Killed:
                continue

    @staticmethod
    def has_work():
        """Whether anything is due; a round without work would write nothing."""
        return (
            OutboxMessage.objects.due().exists()
            or Reminder.objects.due().exists()
            or Release.objects.due().exists()
        )

    def round(self):
        self.survive(outbox.relay)
        self.survive(sweep_due)
        self.survive(outbox.relay)
        for run in rounds.values():
            run()
        self.survive(outbox.relay)
        send_digests()
        while outbox.deliver(batch=500):
            pass
        for one in mail.outbox[self.seen :]:
            self.mails[one.to[0], timezone.now()] += 1
        self.seen = len(mail.outbox)


def plan_of(cast):
    """What people do, and when: five kinds of learners."""
    names = list(cast.enrolments)
    plan = []

    def at(moment, act, *arguments):
        plan.append((tick(moment), len(plan), act, arguments))

    def hand_in(name):
        submit(
            Portfolio.objects.get(enrolment=cast.enrolments[name]), key=f"{name}{timezone.now()}"
        )

    def take_back(name):
        withdraw_submission(
            Submission.objects.get(learner=cast.people[name]), actor=cast.people[name]
        )

    def ask(name):
        portfolio = Portfolio.objects.get(enrolment=cast.enrolments[name])
        ask_for_more_time(portfolio, actor=cast.people[name], until=NEW_DUE, reason="work")

    def grant(name):
        portfolio = Portfolio.objects.get(enrolment=cast.enrolments[name])
        approve_extension(portfolio.extension_requests.get(), actor=cast.pam)

    def choose(who, kind, *wanted):
        choose_reminders(actor=who, wanted={kind: wanted})

    for number, name in enumerate(names):
        kind, who = number % 5, cast.people[name]
        if kind == 1:
            at(nz(3, 2, 9), choose, who, "submission", "-7d")
        elif kind == 2:
            at(nz(3, 24, 9), choose, who, "submission", "-48h")
        elif kind == 3:
            # All that can be gone without; one of it is wanted back before its moment, one after it.
            at(nz(3, 2, 9), choose, who, "submission")
            at(nz(3, 20, 9), choose, who, "submission", "-7d", "-48h")
        if kind == 0:
            at(nz(3, 1, 12), hand_in, name)
        elif kind == 1:
            at(nz(3, 24, 12), hand_in, name)
        elif kind == 2:
            at(nz(3, 22, 9), ask, name)
            at(nz(3, 23, 9), grant, name)
            at(nz(3, 31, 12), hand_in, name)
        elif kind == 4:
            at(nz(3, 2, 12), hand_in, name)
            at(nz(3, 3, 12), take_back, name)
            at(nz(3, 20, 12), hand_in, name)
    at(CHOICE_OF_ADA, choose, cast.ada, "marking", "-48h", "0d")
    return names, plan, at


def modelled(cast, names, marked, released, model):
    """Every message that the rules ask for."""
    due, overdue = "portfolios.portfolio.due", "portfolios.portfolio.overdue"
    receipt, gave = "portfolios.submission.submitted", "assessment.allocated"
    far = BEGIN + dt.timedelta(weeks=WEEKS + 1)
    for number, name in enumerate(names):
        person, kind = cast.people[name], number % 5
        if kind == 3:
            # The one on the day is required by the policy; what is late is always said.
            chose, again = tick(nz(3, 2, 9)), tick(nz(3, 20, 9))
            model.reminders(
                person, DUE, due, overdue, far, without=[(0, chose, again), (1, chose, again)]
            )
            model.tell(
                person, "portfolios.portfolio.closing", CLOSES - dt.timedelta(hours=24), CLOSES
            )
            continue
        handed = {0: nz(3, 1, 12), 1: nz(3, 24, 12), 2: nz(3, 31, 12), 4: nz(3, 20, 12)}[kind]
        handed = tick(handed)
        if kind == 2:
            asked, granted = tick(nz(3, 22, 9)), tick(nz(3, 23, 9))
            model.reminders(person, DUE, due, overdue, granted)
            for one in (cast.pam, User.objects.get(email__startswith="publisher")):
                model.tell(one, "portfolios.extensionrequest.requested", asked)
            model.tell(person, "portfolios.extensionrequest.decided", granted)
            model.reminders(
                person, NEW_DUE, due, overdue, handed, since=granted,
                without=[(0, tick(nz(3, 24, 9)), far)],
            )  # fmt: skip
        elif kind == 4:
            first, taken = tick(nz(3, 2, 12)), tick(nz(3, 3, 12))
            model.tell(person, receipt, first)
            model.tell(person, "portfolios.submission.withdrawn", taken)
            model.reminders(person, DUE, due, overdue, handed)
        else:
            without = [(1, tick(nz(3, 2, 9)), far)] if kind == 1 else []
            model.reminders(person, DUE, due, overdue, handed, without=without)
        model.tell(person, receipt, handed)
        model.tell(person, "portfolios.submission.released", released)
    for row in Allocation.objects.select_related("assessor", "submission"):
        # Who was chosen is given; what follows from it is not.
        given = tick(row.allocated_at)
        over = tick(nz(3, 3, 12)) if row.submission.state == "withdrawn" else marked
        model.tell(row.assessor, gave, given, still=lambda at, over=over: at < over)
        local = row.submission.submitted_at.astimezone(NZ)
        to_mark = dt.datetime.combine(working(local.date(), 15), dt.time(17), tzinfo=NZ)
        model.reminders(
            row.assessor, to_mark.astimezone(dt.UTC), "assessment.marking_due",
            "assessment.marking_due", over, since=given,
            without=[(0, tick(CHOICE_OF_ADA), far)] if row.assessor == cast.ada else [],
        )  # fmt: skip


@override_settings(QUIET_HOURS=True)
def test_twelve_weeks_yield_exactly_the_messages_of_the_model(monkeypatch):
    with time_machine.travel(BEGIN, tick=False) as clock:
        cast = make_cast(learners=LEARNERS)
        TaskSchedule.objects.update(opens_at=BEGIN - TICK, due_at=DUE, cut_off_at=CLOSES)
        for enrolment in cast.enrolments.values():
            create_portfolio(enrolment, cast.task, actor=cast.pam)
        for name in cast.enrolments:
            ready(cast, name)
        names, plan, at = plan_of(cast)
        marked, rounded, signed = tick(nz(4, 7, 10)), tick(nz(4, 12, 10)), tick(nz(4, 13, 10))
        results = nz(4, 14, 10)

        def mark_everything():
            rows = Allocation.objects.current().filter(submission__state="submitted")
            for row in rows.select_related("assessor", "submission"):
                decided(row.submission, row.assessor)

        def moderate_everything():
            made = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
            for item in made.items.all():
                agreed(item)
            accepted = decide_round(
                made, actor=cast.lea, decision=RoundDecision.ACCEPT, reason="The standard holds."
            )
            close_round(accepted, actor=cast.lea)

        def sign_everything():
            sign(batch(cast, minute="Rita met herself."), cast.rita)
            schedule_release(cast.delivery, cast.task, actor=cast.pam, at=results)

        at(marked, mark_everything)
        at(rounded, moderate_everything)
        at(signed, sign_everything)
        plan.sort()
        machine = Machine(monkeypatch, seed=20270215)
        for number in range(WEEKS * 7 * 6 + 1):
            clock.move_to(BEGIN + TICK * number)
            while plan and plan[0][0] <= timezone.now():
                _at, _order, act, arguments = plan.pop(0)
                act(*arguments)
            if machine.has_work():
                machine.round()
        model = Model()
        # The version of the task was checked and approved just before.
        for prefix, past in (("checker", "sent_to_pre_moderation"), ("author", "approved")):
            person = User.objects.get(email__startswith=prefix)
            model.tell(person, f"catalogue.microcredentialversion.{past}", BEGIN)
        modelled(cast, names, marked, tick(results), model)
        given = SampleItem.objects.exclude(moderator=None).values("moderator")
        for reader in User.objects.filter(pk__in=given):
            # One message for the whole draw. Read in the same round: the morning's digest leaves it out.
            model.tell(reader, "moderation.item_given", rounded, still=lambda at: False)
        for ratifier in (cast.rita, cast.rob):
            model.tell(ratifier, "moderation.round_closed", rounded)
        model.tell(cast.rob, "awards.batch_opened", signed)
        model.digests()
        run = reconcile()
        assert (run.missing, run.extra) == (0, 0), run.findings
    told = Counter(
        (one.recipient.email, one.topic, tick(one.created_at))
        for one in Notification.objects.exclude(topic="workflows.digest").select_related(
            "recipient"
        )
    )
    assert told - model.told == Counter()
    assert model.told - told == Counter()
    assert machine.mails - model.mails == Counter()
    assert model.mails - machine.mails == Counter()
    assert machine.kills >= 10
    stuck = OutboxMessage.objects.exclude(state__in=["sent", "cancelled"])
    assert list(stuck.values_list("topic", "state")) == []
