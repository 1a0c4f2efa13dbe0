"""The keyboard map: off until chosen, each key another one if wanted, never two for one key."""

import pytest
from django.urls import reverse

from accounts.definitions import SHORTCUTS, keys_of
from accounts.models import User
from tests.personas import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client):
    person = make_user("ada")
    client.force_login(person)
    return person


def sent(**other):
    return {one.action: one.key for one in SHORTCUTS} | other


def saved(person):
    return keys_of(User.objects.get(pk=person.pk).shortcuts)


def test_nothing_chosen_is_off_with_the_keys_of_the_list(ada):
    assert saved(ada).on is False
    assert saved(ada).by_action["next"] == "j"


def test_another_key_is_kept_and_switching_keeps_it(client, ada):
    answer = client.post(reverse("accounts:shortcuts"), sent(on="on", next="w"))
    assert answer.status_code == 302
    assert (saved(ada).on, saved(ada).by_action["next"]) == (True, "w")
    for word, on in (("no", False), ("yes", True)):
        assert client.post(reverse("accounts:switch_shortcuts"), {"on": word}).status_code == 204
        assert (saved(ada).on, saved(ada).by_action["next"]) == (on, "w")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"next": "k"}, "is already the key for"),
        ({"next": ""}, "Enter a key for"),
        ({"next": "jj"}, "Enter one key only for"),
        ({"next": "\x07"}, "Enter a letter, digit or sign"),
    ],
)
def test_a_key_that_cannot_be_is_refused_in_words(client, ada, other, words):
    answer = client.post(reverse("accounts:shortcuts"), sent(on="on", **other))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert saved(ada).on is False


def test_the_default_keys_are_different():
    keys = [one.key for one in SHORTCUTS]
    assert len(set(keys)) == len(keys)
