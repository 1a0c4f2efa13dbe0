"""What higher apps register with the machinery: handlers, silences, senders, texts and relevance."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from workflows.enums import Category, DeadlineState, Frequency, Lane

if TYPE_CHECKING:
    from workflows.models import Deadline, Notification, Reminder, TransitionRecord

    Handler = Callable[[TransitionRecord], None]
    Relevance = Callable[[Notification], bool]
    DeadlineRelevance = Callable[[Deadline], bool]
    DeadlineHook = Callable[[Deadline], None]
    ReminderText = Callable[[Reminder], tuple[str, str, dict[str, Any]]]
    ReminderBatch = Callable[[list[Reminder]], dict[int, tuple[str, str, dict[str, Any]]]]
    Together = Callable[[list[Reminder]], dict[int, tuple[str, tuple[str, str, dict[str, Any]]]]]
    Round = Callable[[], int]
    Sender = Callable[[Any, str], str]
    Concerning = Callable[[TransitionRecord], "Concern"]

handlers: "dict[str, list[Handler]]" = {}
sends: dict[str, tuple[str, ...]] = {}
silences: dict[str, str] = {}
senders: "dict[str, Sender]" = {}
relevance: "dict[str, Relevance]" = {}
reminder_relevance: "dict[str, DeadlineRelevance]" = {}
reminder_texts: "dict[str, ReminderText]" = {}
reminder_batches: "dict[str, ReminderBatch]" = {}
reminders_together: "dict[str, Together]" = {}
rounds: "dict[str, Round]" = {}
extra_topics: set[str] = set()
deadline_moved: "dict[str, list[DeadlineHook]]" = {}
ASKED_ANEW = dt.timedelta(minutes=10)
DIGEST = "workflows.digest"
UNASKED = "The person wants no e-mails of this kind any more."


def handles(*topics: str, tells: Sequence[str] | None = None) -> "Callable[[Handler], Handler]":
    """Register who is told about a fact. `tells` names the notification topics, where they differ.

    One fact may concern several apps: each registers at most one handler, and they run in one transaction.
    """

    def wrap(handler: "Handler") -> "Handler":
        app = handler.__module__.partition(".")[0]
        for topic in topics:
            apps = {one.__module__.partition(".")[0] for one in handlers.get(topic, ())}
            if topic in silences or app in apps:
                raise ImproperlyConfigured(f"{topic} is handled twice")
            handlers.setdefault(topic, []).append(handler)
            sends[topic] = (
                *sends.get(topic, ()),
                *(tuple(tells) if tells is not None else (topic,)),
            )
        return handler

    return wrap


def quiet(*topics: str, because: str) -> None:
    """Say that nobody is told about a fact, and why."""
    for topic in topics:
        if topic in handlers or topic in silences:
            raise ImproperlyConfigured(f"{topic} is handled twice")
        silences[topic] = because


def still_relevant(*topics: str) -> "Callable[[Relevance], Relevance]":
    """Register the question asked again right before a mail of the topic leaves."""

    def wrap(ask: "Relevance") -> "Relevance":
        relevance.update(dict.fromkeys(topics, ask))
        return ask

    return wrap


def unwanted(notification: "Notification", waits: bool | None = None) -> str:
    """Why the message should not leave any more; empty when it should.

    `waits` is the answer, where it is known already, to whether the date of a reminder waits for anything.
    """
    if notification.recipient is not None and not notification.recipient.is_active:
        return "The recipient's account is closed."
    ask = relevance.get(notification.topic)
    if ask is not None and not ask(notification):
        return "No longer relevant."
    if ask is None and notification.lane == Lane.REMINDER and notification.deadline is not None:
        return overtaken(notification, notification.deadline, waits)
    return ""


def overtaken(notification: "Notification", deadline: "Deadline", waits: bool | None = None) -> str:
    """Why a reminder that has waited should not leave any more: its date is over, moved, or done with.

    Whether anything is still waited for was asked when it was written, and is asked again after `ASKED_ANEW`.
    """
    if deadline.state != DeadlineState.OPEN:
        return "The deadline is over."
    own = f"{notification.topic}:reminder:{deadline.pk}:"
    if notification.dedupe_key.startswith(own):
        generation = notification.dedupe_key.removeprefix(own).split(":")[1]
        if generation != str(deadline.generation):
            return "The deadline has moved since."
    ask, now = reminder_relevance.get(deadline.kind), timezone.now()
    is_old = now - notification.created_at > ASKED_ANEW
    if is_old and notification.created_at <= deadline.due_at < now:
        return "The deadline had passed."
    if is_old and ask is not None and not (ask(deadline) if waits is None else waits):
        return "Nothing is waited for any more."
    return ""


def useful_until(notification: "Notification") -> dt.datetime | None:
    """The date that a reminder speaks of, while it lies ahead: the reminder helps nobody after it."""
    deadline = notification.deadline
    if notification.lane != Lane.REMINDER or deadline is None or deadline.due_at <= timezone.now():
        return None
    return deadline.due_at


def reminder_relevant(*kinds: str) -> "Callable[[DeadlineRelevance], DeadlineRelevance]":
    """Register whether a deadline of the kind still waits for anything."""

    def wrap(ask: "DeadlineRelevance") -> "DeadlineRelevance":
        reminder_relevance.update(dict.fromkeys(kinds, ask))
        return ask

    return wrap


def reminder_text(
    *kinds: str, tells: Iterable[str] = ()
) -> "Callable[[ReminderText], ReminderText]":
    """Register topic, path and context of a reminder of the kind. `tells` names the topics for the check."""

    def wrap(text: "ReminderText") -> "ReminderText":
        reminder_texts.update(dict.fromkeys(kinds, text))
        extra_topics.update(tells)
        return text

    return wrap


def reminder_batch(*kinds: str) -> "Callable[[ReminderBatch], ReminderBatch]":
    """Register both answers for many reminders at once: key to topic, path and context; left out = not wanted.

    For kinds of which thousands may be due together; the single answers stay for everything else.
    """

    def wrap(batch: "ReminderBatch") -> "ReminderBatch":
        reminder_batches.update(dict.fromkeys(kinds, batch))
        return batch

    return wrap


def reminder_together(*kinds: str) -> "Callable[[Together], Together]":
    """Register of which a person is reminded in one message: key to what is shared, and the text of all.

    Rows of one recipient, offset and moment that share the same go out as one; each is marked. What is
    shared stays the same whatever becomes of the subject, so that the nightly comparison finds the message.
    """

    def wrap(share: "Together") -> "Together":
        reminders_together.update(dict.fromkeys(kinds, share))
        return share

    return wrap


places: "dict[str, Callable[[Iterable[Any]], dict[Any, Any]]]" = {}
overdue: "list[Callable[[list[Reminder]], Iterable[Any]]]" = []


def lies_in(*kinds: str) -> "Callable[[Any], Any]":
    """Register in which delivery deadlines of the kind lie: keys of subjects to keys of deliveries, at once."""

    def wrap(ask: "Any") -> "Any":
        places.update(dict.fromkeys(kinds, ask))
        return ask

    return wrap


def also_tells(hook: "Any") -> "Any":
    """Register who else hears of what is overdue: from reminders that go out to further drafts."""
    overdue.append(hook)
    return hook


def each_round(name: str) -> "Callable[[Round], Round]":
    """Register what `manage.py dispatch` does in each of its rounds, as beat does with a broker."""

    def wrap(run: "Round") -> "Round":
        rounds[name] = run
        return run

    return wrap


def until_none(look: "Round") -> "Round":
    """The same, asked again until nothing is left."""

    def drain() -> int:
        total = 0
        while done := look():
            total += done
        return total

    return drain


def when_moved(*kinds: str) -> "Callable[[DeadlineHook], DeadlineHook]":
    """Register what keeps a copy of the date in step when a deadline of the kind was counted anew."""

    def wrap(hook: "DeadlineHook") -> "DeadlineHook":
        for kind in kinds:
            deadline_moved.setdefault(kind, []).append(hook)
        return hook

    return wrap


owners: "dict[str, Callable[[Any], Any]]" = {}
countings: "dict[str, Callable[[Iterable[Any]], dict[Any, tuple[dt.datetime, int]]]]" = {}


def belongs_to(*kinds: str) -> "Callable[[Any], Any]":
    """Register whose dates of the kind are, whatever their rows say: a person to a query of keys of subjects.

    Only of subjects for which the date still means something to that person.
    """

    def wrap(ask: "Any") -> "Any":
        owners.update(dict.fromkeys(kinds, ask))
        return ask

    return wrap


def counts_from(*kinds: str) -> "Callable[[Any], Any]":
    """Register the event from which dates of the kind count, for rows that do not say so themselves.

    Keys of subjects to the moment of the event and the number of working days, asked for many at once.
    """

    def wrap(ask: "Any") -> "Any":
        countings.update(dict.fromkeys(kinds, ask))
        return ask

    return wrap


@dataclass(frozen=True)
class Topic:
    """One kind of news: who is told, why, and whether they may turn its mails down."""

    code: str
    category: Category
    who: str
    why: str
    sample: dict[str, Any]
    required: bool = False
    frequency: Frequency = Frequency.NOW
    # Words for the relations of those who may get it; None: those of its category.
    readers: frozenset[str] | None = None
    # Something for the recipient to do; it stands before mere news in a digest.
    asks: bool = False
    # The ways of `notify()`. A mail alone goes to people without an account, or gathers what is in the inbox.
    ways: tuple[str, ...] = ("inapp", "email")

    @property
    def channels(self) -> list[str]:
        """How it reaches people, in words; the webhook only tells that the fact happened."""
        words = {"inapp": "in Moderato", "email": "e-mail"}
        outside = ["webhook of an organisation"] if self.code in offers else []
        return [*(words[one] for one in self.ways), *outside]

    def concerns(self, relations: set[str]) -> bool:
        """Whether somebody with these relations may ever get it."""
        readers = READERS.get(self.category) if self.readers is None else self.readers
        return readers is None or bool(readers & relations)


MODERATORS = frozenset({"moderator", "external_moderator", "lead_moderator"})
READERS: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        (Category.DATES, Category.WORK, Category.RESULTS, Category.CONFIRMING),
        frozenset({"learner"}),
    ),
    Category.TIME: frozenset({"administrator"}),
    Category.MARKING: frozenset({"assessor"}),
    Category.MODERATION: MODERATORS,
    Category.SIGN_OFF: frozenset({"ratifier", "administrator", "lead_moderator"}),
    Category.CATALOGUE: frozenset({"author", "pre_moderator", "administrator"}),
    Category.DELIVERY: frozenset({"administrator"}),
}
"""Who gets news of a category, in the words of the relations; everybody where it is not listed."""

relations: "list[Callable[[Any], set[str]]]" = []


def knows_relations(ask: "Callable[[Any], set[str]]") -> "Callable[[Any], set[str]]":
    """Register what tells a person's live relations in words: the roles, and "learner"."""
    relations.append(ask)
    return ask


topics: dict[str, Topic] = {}
batch_begins: list[Callable[[], None]] = []
batch_ends: list[Callable[[], None]] = []


def before_batch(begin: Callable[[], None]) -> Callable[[], None]:
    """Register what reads once for a batch that is about to be sent."""
    batch_begins.append(begin)
    return begin


def after_batch(end: Callable[[], None]) -> Callable[[], None]:
    """Register what gives back a connection that was kept while a batch was sent."""
    batch_ends.append(end)
    return end


def describe(code: str, category: Category, **words: Any) -> Topic:
    """Put a topic into the catalogue. Every topic that is sent has to be there (a start-up check)."""
    if code in topics:
        raise ImproperlyConfigured(f"{code} is described twice")
    topics[code] = Topic(code=code, category=category, **words)
    return topics[code]


@dataclass(frozen=True)
class Concern:
    """Whose business a fact is, and what other systems may read about it: codes and references, never a person."""

    organisations: frozenset[Any]
    about: dict[str, str]


# Why a message to a suspended receiver waits; by this it is found again when the receiver is back.
HELD = "The receiver is suspended."
# The message without content by which a receiver is tried out; no fact, so nobody offers it.
PING = "workflows.webhook.ping"

offers: "dict[str, tuple[str, Concerning]]" = {}


def offers_outside(words: dict[str, str]) -> "Callable[[Concerning], Concerning]":
    """Register facts that an organisation's own systems may be told by webhook, each with its words.

    Only facts that say nothing about how somebody did belong here.
    """

    def wrap(concern: "Concerning") -> "Concerning":
        for topic, label in words.items():
            if topic in offers:
                raise ImproperlyConfigured(f"{topic} is offered twice")
            offers[topic] = (label, concern)
        return concern

    return wrap


def topic_of(code: str) -> Topic:
    """The topic's entry; one that nobody described counts as required."""
    return topics.get(code) or Topic(
        code, Category.ACCOUNT, who="", why="", sample={}, required=True
    )


def told_topics() -> set[str]:
    """Every topic that a handler, a reminder or an action may send."""
    return {topic for told in sends.values() for topic in told} | extra_topics


def sends_by(channel: str) -> "Callable[[Sender], Sender]":
    """Register what carries messages over a channel: (what is carried, message id) to the other side's answer.

    Carried is the notification; for a webhook, which has none, the message itself.
    """

    def wrap(sender: "Sender") -> "Sender":
        senders[channel] = sender
        return sender

    return wrap


@dataclass(frozen=True)
class Schedule:
    """How long a worker may hold a message, and when an unlucky one is tried again.

    Mails are held together and begun one by one: `hold_seconds` count until a mail is begun, then the lease.
    """

    lease_seconds: int = 60
    hold_seconds: int = 10
    first_delay: int = 30
    longest_delay: int = 3600
    spread: float = 0.2
    give_up_hours: int = 72


SCHEDULE = Schedule()


class RefusedForGood(Exception):  # noqa: N818  reads as a fact
    """The other side will never take this message."""


class NotWanted(Exception):  # noqa: N818  reads as a fact
    """The message is not to be sent any more; the text says why."""


class OutcomeUnknown(Exception):  # noqa: N818  reads as a fact
    """The connection was lost after the message was handed over."""
