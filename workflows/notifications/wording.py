"""The words of a topic: its templates, or what administrators wrote instead."""

import re
from functools import cache, lru_cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.template import Context
from django.template.loader import get_template, render_to_string
from django.utils.html import escape

from accounts.enums import MailLanguage
from accounts.models import User
from workflows.definitions import DIGEST, PING, offers, topic_of, topics
from workflows.enums import Category
from workflows.hashing import unseal
from workflows.machines import all_arrows
from workflows.models import Notification, OutboxMessage, Wording

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
ALWAYS = ("name", "site")
GAP = "…"

# Terms of the NZQA glossary; to be checked by a licensed translator (docs/glossary.md).
REO = {
    Category.DATES: "Ngā rā",
    Category.WORK: "Taunakitanga",
    Category.RESULTS: "Ngā hua",
    Category.CONFIRMING: "Whakatūturu",
    Category.TIME: "Wā anō",
    Category.MARKING: "Aromatawai",
    Category.MODERATION: "Whakaōritenga",
    Category.SIGN_OFF: "Whakamanatanga",
    Category.CATALOGUE: "Tohu",
    Category.DELIVERY: "Hōtaka",
    Category.ACCOUNT: "Pūkete",
}


def context_of(notification: Notification) -> dict[str, Any]:
    """What the templates of a topic may use."""
    person = notification.recipient
    path = unseal(notification.sealed_path) if notification.sealed_path else notification.path
    return {
        **notification.context,
        "name": person.get_short_name() if person else notification.name,
        "link": settings.SITE_URL + path,
        "site": settings.SITE_URL,
    }


def placeholders_of(topic: str) -> list[str]:
    """What an administrator's own words may use: the plain values of the topic, and the name."""
    plain = [key for key, value in topic_of(topic).sample.items() if isinstance(value, str | int)]
    return sorted({*plain, *ALWAYS})


def problem_of(topic: str, text: str) -> str:
    """Why a text cannot be used for the topic; empty if it can."""
    known = set(placeholders_of(topic))
    unknown = sorted(set(PLACEHOLDER.findall(text)) - known)
    if unknown:
        return f"There is no {{{unknown[0]}}} in this message. Use {', '.join(f'{{{one}}}' for one in sorted(known))}."
    if "{" in PLACEHOLDER.sub("", text) or "}" in PLACEHOLDER.sub("", text):
        return "A curly bracket stands alone. Placeholders look like {name}."
    return ""


def filled(text: str, context: dict[str, Any]) -> str:
    """The text with its placeholders filled in; nothing else in it is code."""
    return PLACEHOLDER.sub(lambda found: str(context.get(found[1], "")), text)


def words(name: str, context: dict[str, Any]) -> str:
    """A plain text: nothing is escaped in it, the page or the HTML mail does that."""
    compiled: Any = get_template(name)
    return str(compiled.template.render(Context(context, autoescape=False)))


@cache
def step_words() -> dict[str, str]:
    """What each step does, by the topic of its fact: of what it is a step, and its label."""
    names = {one._meta.label_lower: str(one._meta.verbose_name) for one in apps.get_models()}
    steps = {one.topic: f"{names[one.machine].capitalize()}: {one.label}" for one in all_arrows()}
    return {**steps, PING: "Test message"}


class Titles:
    """Subject lines of many notifications; administrators' own words are read once."""

    def __init__(self) -> None:
        self._own: dict[str, Wording] | None = None

    def own(self, topic: str) -> Wording | None:
        """The wording that counts; None for the standard words."""
        if self._own is None:
            self._own = {}
            for row in Wording.objects.order_by("id"):
                self._own[row.topic] = row
        row_ = self._own.get(topic)
        return row_ if row_ is not None and (row_.subject or row_.body) else None

    def of(self, notification: Notification) -> str:
        """The subject line, which is also the line in the inbox."""
        context = context_of(notification)
        return self._subject(notification.topic, context)

    def _subject(self, topic: str, context: dict[str, Any]) -> str:
        own = self.own(topic)
        text = (
            filled(own.subject, context)
            if own is not None and own.subject
            else words(f"emails/{topic}/subject.txt", context)
        )
        return " ".join(text.split())

    def about(self, message: OutboxMessage) -> str:
        """What a message is about, for whoever looks after messages; its code where nobody has words for it.

        Nothing of what it says: each value in the subject line is a gap, so that no learner is named here.
        """
        notification = message.notification
        if notification is not None and notification.topic in topics:
            said = dict.fromkeys(placeholders_of(notification.topic), GAP)
            kept = {k: v for k, v in notification.context.items() if not isinstance(v, str)}
            return self._subject(notification.topic, said | kept).removesuffix(f": {GAP}")
        if message.webhook_id is not None and message.topic in offers:
            return offers[message.topic][0]
        return step_words().get(message.topic, message.topic)

    def body(self, notification: Notification) -> str:
        context = context_of(notification)
        own = self.own(notification.topic)
        if own is not None and own.body:
            return filled(own.body, context).strip()
        return words(f"emails/{notification.topic}/body.txt", context).strip()


def terms_for(person: User | None) -> tuple[str, str]:
    """Greeting and order of terms of a person's mails: their own choice, else the site's."""
    chosen = person.mail_language if person is not None else MailLanguage.SITE
    if chosen == MailLanguage.SITE:
        return settings.GREETING, settings.REO_TERMS
    if chosen == MailLanguage.ENGLISH:
        return "Hello", ""
    return settings.GREETING or "Kia ora", chosen


def kind_line(topic: str, order: str) -> str:
    """The kind of news as a pair with its Māori term, in the order that is asked for; empty without one."""
    category = topic_of(topic).category
    pair = {
        "mi_en": f"{REO[category]} | {category.label}",
        "en_mi": f"{category.label} | {REO[category]}",
    }
    return pair.get(order, "")


def lists_of(notification: Notification) -> list[tuple[str, list[dict[str, str]]]]:
    """What a digest lists, each piece of news with the address of the place that it is about.

    It stands below the words, so that an administrator's own words do not take it away.
    """
    if notification.topic != DIGEST:
        return []
    parts = {"To do": notification.context["todo"], "News": notification.context["news"]}
    return [
        (
            heading,
            [{"title": one["title"], "link": settings.SITE_URL + one["path"]} for one in items],
        )
        for heading, items in parts.items()
        if items
    ]


STANDS_IN = re.compile("\ue000([0-9]+)\ue001")


def stand_in(number: int) -> str:
    """What stands in the layout where the words of that number belong."""
    return f"\ue000{number}\ue001"


@lru_cache(maxsize=256)
def laid_out(html: bool, lines: tuple[int, ...], frame: tuple[tuple[str, Any], ...]) -> list[str]:
    """The layout of mails of one shape, cut where words belong: text and number of the words in turn.

    `lines` counts those of each paragraph; `frame` are the values that all mails of the shape share. Rendering
    the layout for each mail would cost as much as all else that is done for it.
    """
    counted = iter(range(len(PLACES), len(PLACES) + sum(lines)))
    words_ = {
        **{name: stand_in(number) for number, name in enumerate(PLACES)},
        **dict(frame),
        "paragraphs": [[stand_in(next(counted)) for _line in range(many)] for many in lines],
    }
    if html:
        return STANDS_IN.split(render_to_string("emails/layout.html", words_))
    return STANDS_IN.split(words("emails/layout.txt", words_))


PLACES = ("title", "body", "name", "link", "settings_link")


def filled_in(cut: list[str], values: list[str]) -> str:
    """The layout with the words in their places."""
    return "".join(values[int(one)] if number % 2 else one for number, one in enumerate(cut))


def render(notification: Notification, titles: Titles | None = None) -> tuple[str, str, str]:
    """Subject, plain text and HTML of the mail. The HTML is made of the same sentences, escaped."""
    context = context_of(notification)
    titles = titles or Titles()
    body, title = titles.body(notification), titles.of(notification)
    paragraphs = [part.strip().splitlines() for part in body.split("\n\n") if part.strip()]
    topic = topic_of(notification.topic)
    greeting, order = terms_for(notification.recipient)
    frame = {
        "greeting": greeting,
        "greeting_is_reo": greeting != "Hello",
        "kind_line": kind_line(notification.topic, order),
        "why": topic.why,
        "has_account": notification.recipient is not None,
        "may_change": notification.recipient is not None and not topic.required,
    }
    values = {
        "title": title,
        "body": body,
        "name": context["name"],
        "link": context["link"],
        "settings_link": f"{settings.SITE_URL}/settings/messages/",
    }
    if lists := lists_of(notification):
        whole = {**frame, **values, "paragraphs": paragraphs, "lists": lists}
        return (
            title,
            words("emails/layout.txt", whole),
            render_to_string("emails/layout.html", whole),
        )
    said = [
        *(str(values[name]) for name in PLACES),
        *(line for part in paragraphs for line in part),
    ]
    shape = tuple(map(len, paragraphs)), tuple(frame.items())
    return (
        title,
        filled_in(laid_out(False, *shape), said),
        filled_in(laid_out(True, *shape), [str(escape(one)) for one in said]),
    )
