"""Guessing passwords: how often, for one account and from one address."""

import datetime as dt

import pytest
import time_machine
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client

from config.settings import base
from tests.personas import PASSWORD, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(settings):
    """The cast, with the limits that every other way of running has."""
    settings.ACCOUNT_RATE_LIMITS = base.ACCOUNT_RATE_LIMITS
    cache.clear()
    yield make_cast()
    cache.clear()


def sign_in(person, password=PASSWORD, address="192.0.2.1"):
    """Whether it worked."""
    client = Client(REMOTE_ADDR=address)
    sent = {"login": person.email, "password": password}
    return client.post("/accounts/login/", sent).status_code == 302


def test_an_account_is_guessed_at_five_times_a_minute(cast):
    """Also from several addresses; the right password does not help then; a minute later it does."""
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False) as clock:
        for number in range(5):
            assert not sign_in(cast.lena, "wrong", f"192.0.2.{number}")
        assert not sign_in(cast.lena, PASSWORD, "192.0.2.9")
        assert sign_in(cast.ada)
        clock.shift(61)
        assert sign_in(cast.lena)


def test_an_account_is_guessed_at_a_hundred_times_a_day(cast):
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False) as clock:
        for number in range(100):
            assert not sign_in(cast.lena, "wrong", f"192.0.2.{number}")
            clock.shift(13)
        assert not sign_in(cast.lena)
        clock.shift(24 * 60 * 60)
        assert sign_in(cast.lena)


def test_an_address_guesses_twenty_times_a_minute(cast):
    """At any accounts; other addresses are not held up."""
    people = [cast.people[name] for name in ("ada", "abe", "ana", "moses", "ed", "lea", "pam")]
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False):
        for number in range(20):
            assert not sign_in(people[number % 7], "wrong")
        assert not sign_in(cast.petra)
        assert sign_in(cast.petra, address="192.0.2.2")


def test_an_unknown_address_gets_the_same_answer(cast):
    """Nothing tells whether the account is there."""

    def said(login):
        client = Client()
        page = client.post("/accounts/login/", {"login": login, "password": "wrong"}).content
        start = page.index(b"govuk-error-summary")
        return page[start : page.index(b"</div>", start)]

    assert said(cast.lena.email) == said("nobody@example.org")


def test_tests_alone_have_no_limits():
    assert settings.ACCOUNT_RATE_LIMITS is False
    assert set(base.ACCOUNT_RATE_LIMITS) == {"login", "login_failed", "reauthenticate"}


def test_the_mail_for_a_password_is_in_our_words(cast):
    client = Client()
    client.post("/accounts/password/reset/", {"email": cast.lena.email})
    client.post("/accounts/password/reset/", {"email": "nobody@example.org"})
    known, unknown = mail.outbox
    assert known.subject == "Choose your password for Moderato"
    assert f"Kia ora {cast.lena.name}" in known.body
    link = next(line for line in known.body.splitlines() if "/accounts/password/reset/key/" in line)
    assert client.get(link.strip(), follow=True).status_code == 200
    assert unknown.to == ["nobody@example.org"]
    assert unknown.subject == "No account in Moderato with this address"
    for one in mail.outbox:
        assert "Hello from" not in one.body
        assert "[" not in one.subject
