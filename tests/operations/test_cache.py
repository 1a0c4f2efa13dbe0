"""Signing in does not wait for the cache, and stays limited without it."""

import pytest
from django.core.cache import caches
from django.test import Client

from config.cache import SteadyCache
from tests.personas import PASSWORD, make_user
from tests.servers import start_valkey


@pytest.fixture
def server(settings):
    """A Valkey of this test's own, as the default cache."""
    running = start_valkey()
    settings.CACHES = {"default": {"BACKEND": "config.cache.SteadyCache", "LOCATION": running.url}}
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/5m/key"}
    yield running
    running.stop()


def test_it_keeps_in_redis_what_others_see(server):
    one, other = SteadyCache(server.url, {}), SteadyCache(server.url, {})
    one.set("tries", 1, 60)
    assert other.incr("tries") == 2
    assert one.get("tries") == 2
    assert not other.add("tries", 9, 60)


def test_without_redis_people_sign_in_and_guessers_do_not(db, server):
    person = make_user("ada")
    client = Client()
    sent = {"login": person.email, "password": PASSWORD}
    assert client.post("/accounts/login/", sent).status_code == 302
    client.logout()
    server.stop()
    assert client.post("/accounts/login/", sent).status_code == 302
    client.logout()
    wrong = sent | {"password": "not this one"}
    said = [client.post("/accounts/login/", wrong).content.decode() for _each in range(4)]
    assert "Too many failed" not in said[0]
    assert "Too many failed" in said[3]
    assert isinstance(caches["default"], SteadyCache)
