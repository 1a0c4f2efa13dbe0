"""The catalogue of messages, people's choices, digests, unsubscribing, own words and calendars."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail
from django.test import Client, override_settings
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories.awards import released
from tests.personas import make_cast
from tests.workflows.conftest import person
from workflows import definitions, outbox
from workflows.actions.digests import send_digests
from workflows.actions.preferences import (
    change_wording,
)
from workflows.definitions import told_topics, topic_of, topics
from workflows.enums import Category, Frequency, MessageState
from workflows.exceptions import NotPermitted
from workflows.models import (
    MessagePreference,
    Notification,
    OutboxMessage,
    QuietHours,
)
from workflows.notifications import Titles, compose, notify, render
from workflows.notifications.mailing import unsubscribe_token
from workflows.selectors import preferences
from workflows.selectors.preferences import HOME, Wishes, is_quiet, next_digest

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
SOON = "testapp.docket.soon"


def tell(docket, people, **more):
    return notify(topic=SOON, recipients=people, subject=docket, context={"title": "x"}, **more)


def mails(**more):
    return OutboxMessage.objects.filter(kind="delivery", **more)


# --- the catalogue ------------------------------------------------------------------------------------


def test_every_topic_of_every_app_is_described():
    assert told_topics() <= set(topics)
    for topic in topics.values():
        assert topic.who, topic.code
        assert topic.why.endswith("."), topic.code


@pytest.mark.parametrize("code", sorted(topics))
def test_each_topic_reads_well_in_text_and_html(code):
    reader = person("Hēmi")
    made = Notification(recipient=reader, topic=code, context=topic_of(code).sample)
    subject, text, html = render(made)
    assert subject
    assert len(subject) < 120
    assert "Kia ora Hēmi" in text
    for words in (subject, text, html):
        assert "{{" not in words
        assert "{%" not in words
        assert "None" not in words
    assert 'lang="en-NZ"' in html
    assert "prefers-color-scheme: dark" in html
    assert "<img" not in html
    assert topic_of(code).why in text
    assert ("/settings/messages/" in text) != topic_of(code).required


MARKS = ("achieved", "not yet", "merit", "excellence", "passed", "failed", "grade")
STAFF_KINDS = {Category.MARKING, Category.MODERATION, Category.SIGN_OFF}


@pytest.mark.parametrize("code", sorted(topics))
def test_no_topic_has_a_place_for_a_mark_or_for_a_blind_learners_name(code):
    topic = topic_of(code)
    assert not {"result", "grade", "level", "outcome", "mark", "score"} & set(topic.sample)
    if topic.category in STAFF_KINDS:
        assert not {"learner", "student", "person"} & set(topic.sample)
    text = render(Notification(recipient=person("Ana"), topic=code, context=topic.sample))[1]
    body = text.lower().replace("micro-credential", "").replace("holds no results", "")
    assert [one for one in MARKS if one in body] == []


def test_a_whole_way_to_a_result_puts_no_mark_and_no_learner_into_a_mail_of_staff():
    cast = make_cast()
    submission = released(cast)
    while outbox.relay():
        pass
    names = [submission.learner.name, submission.learner.email]
    assert all(
        one.in_app is ("inapp" in topic_of(one.topic).ways) for one in Notification.objects.all()
    )
    staff = 0
    for notice in Notification.objects.exclude(recipient=None).select_related("recipient"):
        message = compose(notice, "<x@localhost>")
        whole = f"{message.subject}\n{message.body}\n{message.alternatives[0].content}"
        mine = notice.recipient == submission.learner
        lowered = whole.lower().replace("micro-credential", "")
        assert not [one for one in MARKS if one in lowered], notice.topic
        if not mine and topic_of(notice.topic).category in STAFF_KINDS:
            staff += 1
            assert not [one for one in names if one in whole], notice.topic
    assert staff >= 2


def test_greeting_and_terms_are_the_sites():
    made = Notification(recipient=person("Ana"), topic=SOON, context={"title": "x"})
    with override_settings(GREETING="Tēnā koe", REO_TERMS="mi_en"):
        _subject, text, html = render(made)
        assert "Tēnā koe Ana" in text
        assert "Ngā rā | Due dates and reminders" in html
    with override_settings(GREETING="", REO_TERMS="en_mi"):
        text = render(made)[1]
        assert text.startswith("Due dates and reminders | Ngā rā\n\nAna\n")


def test_a_person_chooses_the_words_of_their_own_mails():
    reader = person("Ana", mail_language="mi_en")
    made = Notification(recipient=reader, topic=SOON, context={"title": "x"})
    with override_settings(GREETING="", REO_TERMS=""):
        _subject, text, html = render(made)
        assert text.startswith("Ngā rā | Due dates and reminders\n\nKia ora Ana\n")
        assert '<span lang="mi">Kia ora</span>' in html
    reader.mail_language = "en"
    with override_settings(GREETING="Tēnā koe", REO_TERMS="mi_en"):
        _subject, text, html = render(made)
        assert text.startswith("Hello Ana\n")
        assert 'lang="mi"' not in html
        assert "Ngā rā" not in html


# --- choices and quiet hours --------------------------------------------------------------------------


def test_a_choice_counts_for_its_category_and_never_for_what_is_required(docket, ada):
    MessagePreference.objects.create(user=ada, category=Category.DATES, frequency=Frequency.INAPP)
    MessagePreference.objects.create(user=ada, category=Category.WORK, frequency=Frequency.INAPP)
    tell(docket, [ada])
    assert not mails().exists()
    assert Notification.objects.filter(recipient=ada).count() == 1
    notify(topic="testapp.docket.closed", recipients=[ada], subject=docket, context={"title": "x"})
    assert mails().get().channel == "email"


@override_settings(QUIET_HOURS=True)
@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (dt.datetime(2026, 8, 13, 11, tzinfo=HOME), None),
        (dt.datetime(2026, 8, 13, 18, 59, tzinfo=HOME), None),
        (
            dt.datetime(2026, 8, 13, 19, 0, tzinfo=HOME),
            dt.datetime(2026, 8, 14, 7, 30, tzinfo=HOME),
        ),
        (
            dt.datetime(2026, 8, 14, 6, 59, tzinfo=HOME),
            dt.datetime(2026, 8, 14, 7, 30, tzinfo=HOME),
        ),
        (dt.datetime(2026, 8, 14, 20, tzinfo=HOME), dt.datetime(2026, 8, 17, 7, 30, tzinfo=HOME)),
        (dt.datetime(2026, 8, 15, 12, tzinfo=HOME), dt.datetime(2026, 8, 17, 7, 30, tzinfo=HOME)),
        # The night in which clocks go forward.
        (dt.datetime(2026, 9, 26, 23, tzinfo=HOME), dt.datetime(2026, 9, 28, 7, 30, tzinfo=HOME)),
    ],
)
def test_optional_news_waits_for_the_morning(docket, ada, now, wanted):
    with time_machine.travel(now, tick=False):
        tell(docket, [ada])
    message = mails().get()
    assert message.channel == ("email" if wanted is None else "digest")
    if wanted is not None:
        assert message.available_at == wanted


@override_settings(QUIET_HOURS=True)
def test_required_news_and_news_that_would_come_too_late_do_not_wait(docket, ada, abe, monkeypatch):
    night = dt.datetime(2026, 8, 13, 22, tzinfo=HOME)
    with time_machine.travel(night, tick=False):
        notify(
            topic="testapp.docket.closed", recipients=[ada], subject=docket, context={"title": "x"}
        )
    assert mails().get().channel == "email"
    monkeypatch.setitem(
        definitions.reminder_texts, "hand_in", lambda row: (SOON, "/", {"title": row.offset})
    )
    with time_machine.travel(night, tick=False):
        wishes = Wishes.of([abe])
        early = night + dt.timedelta(hours=8)
        assert wishes.plan(abe, topic_of(SOON), night, useful_until=early).at is None
        late = night + dt.timedelta(hours=20)
        assert wishes.plan(abe, topic_of(SOON), night, useful_until=late).at is not None
        # Too late with the weekly digest is no reason to disturb, where the morning is early enough.
        MessagePreference.objects.create(user=abe, category="dates", frequency="weekly")
        wishes, day = Wishes.of([abe]), night - dt.timedelta(hours=12)
        morning = wishes.plan(abe, topic_of(SOON), night, useful_until=late).at
        assert morning == dt.datetime(2026, 8, 14, 7, 30, tzinfo=HOME)
        assert wishes.plan(abe, topic_of(SOON), night, useful_until=early).at is None
        assert wishes.plan(abe, topic_of(SOON), day, useful_until=late).at is None


@override_settings(QUIET_HOURS=True)
def test_each_person_has_their_own_hours_and_zone(docket, ada, abe):
    QuietHours.objects.create(user=ada, is_on=False)
    abe.time_zone = "Pacific/Chatham"
    abe.save()
    # A quarter to seven in the evening in Auckland is half past seven on the Chathams.
    with time_machine.travel(dt.datetime(2026, 8, 13, 18, 45, tzinfo=HOME), tick=False):
        tell(docket, [ada, abe])
    held = mails(channel="digest").get()
    assert held.notification.recipient == abe
    assert held.available_at == dt.datetime(2026, 8, 14, 7, 30, tzinfo=ZoneInfo("Pacific/Chatham"))


moments = st.datetimes(
    dt.datetime(2026, 1, 1), dt.datetime(2036, 12, 31), timezones=st.just(dt.UTC)
)
ZONES = ["Pacific/Auckland", "Pacific/Chatham", "Australia/Lord_Howe", "Europe/London", "UTC"]

# As the form of the settings gives them.
whole_minutes = st.times().map(lambda at: at.replace(second=0, microsecond=0))


def is_plain(local):
    """Whether no change of clocks is near."""
    day = dt.timedelta(days=1)
    return len({one.utcoffset() for one in (local - day, local, local + day)}) == 1


@settings(deadline=None, max_examples=60)
@given(moments, st.sampled_from(ZONES), st.booleans(), whole_minutes, whole_minutes)
def test_a_digest_comes_soon_after_and_outside_weekends(now, zone, weekends, begins, ends):
    hours = QuietHours(is_on=True, weekends=weekends, begins=begins, ends=ends)
    where = ZoneInfo(zone)
    at = next_digest(now, where, hours)
    local = at.astimezone(where)
    assert now < at <= now + dt.timedelta(days=4)
    # For whom half past seven is too early, when their hours end; a digest in them would wait for ever.
    assert local.time() in {dt.time(7, 30), ends} or not is_plain(local)
    assert not is_quiet(at, where, hours) or not is_plain(local)
    assert (local.time() == dt.time(7, 30)) or is_quiet(
        local.replace(hour=7, minute=30, second=0, microsecond=0), where, hours
    )
    assert not (weekends and local.weekday() >= 5)
    # A slow reading of the quiet hours: minute by minute round the clock.
    minute = now.astimezone(where).time()
    inside, step = False, begins.hour * 60 + begins.minute
    last = ends.hour * 60 + ends.minute
    while step != last:
        inside |= step == minute.hour * 60 + minute.minute
        step = (step + 1) % (24 * 60)
    on_edge = (minute.hour, minute.minute) in {
        (begins.hour, begins.minute), (ends.hour, ends.minute),
    }  # fmt: skip
    if not on_edge and not (weekends and now.astimezone(where).weekday() >= 5):
        assert is_quiet(now, where, hours) == inside


# --- digests ------------------------------------------------------------------------------------------


@pytest.fixture
def daily(ada):
    MessagePreference.objects.create(user=ada, category=Category.DATES, frequency=Frequency.DAILY)
    return ada


def test_a_digest_puts_what_waited_into_one_mail(docket, daily):
    for number in range(3):
        tell(docket, [daily], dedupe=f"n{number}")
    assert send_digests() == 0
    due()
    assert send_digests() == 1
    assert send_digests() == 0
    assert outbox.deliver() == 1
    assert mail.outbox[0].subject == "3 messages for you"
    assert mail.outbox[0].body.count("News about x") == 3
    assert set(mails(channel="digest").values_list("state", flat=True)) == {MessageState.SENT}
    assert Notification.objects.visible_to(daily).count() == 3


@override_settings(QUIET_HOURS=True)
def test_a_digest_comes_when_the_quiet_of_a_late_riser_ends(docket, ada):
    """Half past seven lies in it: waiting for that, the digest would never leave."""
    QuietHours.objects.create(user=ada, begins=dt.time(19), ends=dt.time(8), weekends=False)
    with time_machine.travel(dt.datetime(2026, 8, 13, 22, tzinfo=HOME), tick=False):
        tell(docket, [ada])
    assert mails().get().available_at == dt.datetime(2026, 8, 14, 8, tzinfo=HOME)
    with time_machine.travel(dt.datetime(2026, 8, 14, 8, 1, tzinfo=HOME), tick=False):
        assert send_digests() == 1


def test_each_piece_of_a_digest_leads_to_its_place(docket, daily):
    for number in range(2):
        tell(docket, [daily], dedupe=f"n{number}", path=f"/learn/p/{number}/")
    due()
    send_digests()
    outbox.deliver()
    sent = mail.outbox[0]
    html = sent.alternatives[0][0]
    for number in range(2):
        address = f"http://localhost:8000/learn/p/{number}/"
        assert f"- News about x\n  {address}\n" in sent.body
        assert f'href="{address}"' in html
    assert "News:" in sent.body
    assert "To do:" not in sent.body
    assert ">News</h2>" in html


def test_own_words_keep_the_list_of_a_digest(docket, daily, keeper):
    assert change_wording("workflows.digest", subject="", body="Ata mārie!", actor=keeper) == {}
    tell(docket, [daily], path="/learn/p/1/")
    due()
    send_digests()
    outbox.deliver()
    assert "Ata mārie!" in mail.outbox[0].body
    assert "http://localhost:8000/learn/p/1/" in mail.outbox[0].body


def test_what_goes_between_writing_and_sending_is_not_in_the_mail(docket, daily, monkeypatch):
    read, gone, kept = (
        tell(docket, [daily], dedupe=name, path=f"/learn/{name}/")[0] for name in "abc"
    )
    due()
    assert send_digests() == 1
    Notification.objects.filter(pk=read.pk).update(read_at=timezone.now())
    monkeypatch.setitem(definitions.relevance, SOON, lambda notice: notice.pk != gone.pk)
    assert outbox.deliver() == 1
    sent = mail.outbox[0]
    assert sent.subject == "1 message for you"
    assert "/learn/c/" in sent.body
    assert "/learn/a/" not in sent.body + sent.alternatives[0][0]
    assert "/learn/b/" not in sent.body + sent.alternatives[0][0]
    assert dict(mails(channel="digest").values_list("notification", "last_error")) == {
        read.pk: "Read already.",
        gone.pk: "No longer relevant.",
        kept.pk: "",
    }


def test_a_digest_of_which_nothing_remains_is_not_sent(docket, daily):
    tell(docket, [daily])
    due()
    assert send_digests() == 1
    Notification.objects.visible_to(daily).update(read_at=timezone.now())
    assert outbox.deliver() == 0
    message = mails(topic="workflows.digest").get()
    assert (message.state, message.last_error) == (
        MessageState.CANCELLED, "Nothing in it is wanted any more.",
    )  # fmt: skip


def due(channel="digest"):
    mails(channel=channel).update(available_at=timezone.now() - dt.timedelta(seconds=1))


def test_what_was_read_or_is_not_wanted_any_more_is_left_out(docket, daily, monkeypatch):
    (read,) = tell(docket, [daily], dedupe="a")
    (gone,) = tell(docket, [daily], dedupe="b")
    Notification.objects.filter(pk=read.pk).update(read_at=timezone.now())
    monkeypatch.setitem(definitions.relevance, SOON, lambda notice: notice.pk != gone.pk)
    due()
    assert send_digests() == 0
    assert dict(mails().values_list("notification", "last_error")) == {
        read.pk: "Read already.",
        gone.pk: "No longer relevant.",
    }
    assert outbox.deliver() == 0


def test_things_to_do_stand_first(docket, daily, monkeypatch):
    from dataclasses import replace

    monkeypatch.setitem(topics, "testapp.docket.checked", replace(topics["testapp.docket.checked"],
                        category=Category.DATES, required=False, asks=True))  # fmt: skip
    tell(docket, [daily])
    notify(
        topic="testapp.docket.checked", recipients=[daily], subject=docket, context={"title": "do"}
    )
    due()
    send_digests()
    made = Notification.objects.get(topic="workflows.digest")
    assert [one["title"] for one in made.context["todo"]] == ["News about do"]
    assert [one["title"] for one in made.context["news"]] == ["News about x"]


# --- one-click unsubscribing --------------------------------------------------------------------------


def test_a_link_scanners_get_changes_nothing_and_a_post_without_cookies_does(docket, ada):
    (made,) = tell(docket, [ada])
    headers = compose(made, "<m@localhost>").extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = headers["List-Unsubscribe"].split(">")[0].removeprefix("<http://localhost:8000")
    stranger = Client(enforce_csrf_checks=True)
    for method in (stranger.get, stranger.head, stranger.get):
        assert method(address).status_code == 200
    assert not MessagePreference.objects.exists()
    for _twice in range(2):
        answer = stranger.post(address, {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    row = MessagePreference.objects.get()
    assert (row.user, row.category, row.frequency) == (ada, Category.DATES, Frequency.INAPP)
    tell(docket, [ada], dedupe="again")
    assert mails().count() == 1


def test_a_forged_link_is_nothing(docket, ada):
    (made,) = tell(docket, [ada])
    token = unsubscribe_token(made)
    assert Client().post(f"/u/{token[:-2]}xx/").status_code == 404
    assert Client().get("/u/nonsense/").status_code == 404


def test_required_mail_offers_no_way_out(docket, ada):
    (made,) = notify(
        topic="testapp.docket.closed", recipients=[ada], subject=docket, context={"title": "x"}
    )
    headers = compose(made, "<m@localhost>").extra_headers
    assert "List-Unsubscribe" not in headers
    assert headers["Auto-Submitted"] == "auto-generated"


def test_news_of_one_thing_is_one_thread(docket, box, ada, make_docket):
    (one,) = tell(docket, [ada], dedupe="1")
    (two,) = tell(docket, [ada], dedupe="2")
    (other,) = tell(make_docket(title="Other"), [ada], dedupe="3")
    threads = [
        compose(made, f"<{made.pk}@x>").extra_headers["References"] for made in (one, two, other)
    ]
    assert threads[0] == threads[1] != threads[2]


# --- settings page ------------------------------------------------------------------------------------


@pytest.fixture
def learning(ada, monkeypatch):
    """Ada is a learner, by what the higher apps say of her."""
    monkeypatch.setattr(definitions, "relations", [lambda person: {"learner"}])
    monkeypatch.setattr(preferences, "relations", definitions.relations)


def test_the_settings_page_keeps_choices(client, ada, learning):
    client.force_login(ada)
    page = client.get("/settings/messages/")
    form = page.context["form"]
    sent = {f"often_{row.category}": "now" for row in form.rows}
    sent |= {"often_dates": "weekly", "begins": "20:00", "ends": "06:30", "is_on": "on"}
    sent["language"] = "mi_en"
    assert client.post("/settings/messages/", sent).status_code == 302
    assert MessagePreference.objects.get(category=Category.DATES).frequency == Frequency.WEEKLY
    hours = QuietHours.objects.get(user=ada)
    ada.refresh_from_db()
    assert ada.mail_language == "mi_en"
    assert (hours.begins, hours.ends, hours.weekends) == (dt.time(20), dt.time(6, 30), False)
    assert client.post("/settings/messages/", {**sent, "begins": "late"}).status_code == 422
    assert client.post("/settings/messages/", {**sent, "often_dates": "hourly"}).status_code == 422


def test_the_settings_page_shows_ones_own_kinds_of_news_alone():
    cast = make_cast()
    shown = {}
    for name in ("lena", "ada", "moses", "rita", "pam", "petra"):
        rows = preferences.categories_for(cast.people[name])
        shown[name] = {str(row.category) for row in rows if row.category != Category.ACCOUNT}
    assert shown["lena"] == {"dates", "work", "results", "confirming", "time"}
    assert shown["ada"] == {"marking"}
    assert shown["moses"] == {"moderation"}
    assert shown["rita"] == {"sign_off"}
    assert shown["pam"] == shown["petra"] == {"time", "sign_off", "catalogue", "delivery"}
    # A learner's answer about more time always comes; there is nothing to choose.
    (time,) = [one for one in preferences.categories_for(cast.lena) if one.category == "time"]
    assert (time.optional, len(time.required)) == ([], 1)


# --- own words ----------------------------------------------------------------------------------------


def test_own_words_are_checked_used_and_kept(docket, ada, keeper):
    assert change_wording(SOON, subject="{colour}", body="", actor=keeper).keys() == {"subject"}
    assert change_wording(SOON, subject="", body="Hello {", actor=keeper).keys() == {"body"}
    (made,) = tell(docket, [ada])
    assert Titles().of(made) == "News about x"
    own = "Dear {name}, {title} {{ site }}"
    assert change_wording(SOON, subject="About {title}", body=own, actor=keeper).keys() == {"body"}
    assert (
        change_wording(SOON, subject="About {title}", body="Dear {name}: {title}", actor=keeper)
        == {}
    )
    subject, text, html = render(made)
    assert subject == "About x"
    assert "Dear Ada: x" in text
    assert "Dear Ada: x" in html
    change_wording(SOON, subject="", body="", actor=keeper)
    assert Titles().of(made) == "News about x"
    with pytest.raises(NotPermitted):
        change_wording(SOON, subject="x", body="", actor=ada)


def test_own_words_run_no_code_and_are_escaped(docket, ada, keeper):
    change_wording(SOON, subject="", body="<b>{title}</b>", actor=keeper)
    (made,) = notify(
        topic=SOON, recipients=[ada], subject=docket, context={"title": "{name} {% x %}"}
    )
    _subject, text, html = render(made)
    assert "<b>{name} {% x %}</b>" in text
    assert "&lt;b&gt;" in html


def test_the_pages_of_the_catalogue(client, ada, keeper):
    client.force_login(ada)
    for url in ("", f"{SOON}/", f"{SOON}/preview/"):
        assert client.get(f"/manage/messages/catalogue/{url}").status_code == 403
    client.force_login(keeper)
    assert "Kia ora Kim" in client.get(f"/manage/messages/catalogue/{SOON}/").content.decode()
    preview = client.get(f"/manage/messages/catalogue/{SOON}/preview/")
    assert "style-src 'unsafe-inline'" in preview["Content-Security-Policy"]
    assert client.get("/manage/messages/catalogue/no.such.topic/").status_code == 404
    for code, channels in {
        "portfolios.submission.released": "In Moderato, e-mail, webhook of an organisation",
        "portfolios.attestation.link": "E-mail",
        "accounts.person.invited": "E-mail",
        "portfolios.evidenceitem.quarantined": "In Moderato",
        "assessment.allocated": "In Moderato, e-mail",
    }.items():
        page = client.get(f"/manage/messages/catalogue/{code}/").content.decode()
        assert f">{channels}<" in page
    url = f"/manage/messages/catalogue/{SOON}/"
    assert client.post(url, {"subject": "{nothing}", "body": ""}).status_code == 422
    assert client.post(url, {"subject": "Own {title}", "body": ""}).status_code == 302
    assert "Own words" in client.get("/manage/messages/catalogue/").content.decode()
    assert client.post(url, {"subject": "Newer {title}", "body": ""}).status_code == 302
    rows = client.get(url).context["history"]
    assert [(one.subject, one.by) for one in rows] == [
        ("Newer {title}", keeper), ("Own {title}", keeper),
    ]  # fmt: skip
    assert "Own {title}" in client.get(url).content.decode()
