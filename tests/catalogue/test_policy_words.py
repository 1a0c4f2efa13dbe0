"""Policy values are shown in words, with their unit."""

import pytest
from django.test import Client

from catalogue.models import policy_defaults, policy_words
from catalogue.selectors import PolicyLine, offset_words
from tests.personas import make_cast

pytestmark = pytest.mark.django_db


def test_every_policy_value_has_words():
    assert set(policy_words()) == set(policy_defaults())


def test_no_page_shows_a_key():
    cast = make_cast()
    client = Client()
    client.force_login(cast.pam)
    shown = client.get(f"/manage/deliveries/{cast.delivery.pk}/policy/").content.decode()
    assert "Time for marking" in shown
    assert "15 working days" in shown
    assert "7 days before, 48 hours before, on the day" in shown
    assert [key for key in policy_defaults() if "." in key and key in shown] == []


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("marking.double", True, "Yes"),
        ("referral.max", 1, "1 time"),
        ("marking.days", 1, "1 working day"),
        ("assurance.alpha", 0.05, "5\u00a0%"),
        ("release.hour", 10, "10:00"),
        ("evidence.max_bytes", 524288000, "500.0 MB"),
        ("reminder.offsets", [], "Never"),
        ("sample.borderline_levels", 1, "1 level"),
    ],
)
def test_a_value_is_said_with_its_unit(key, value, words):
    assert PolicyLine(key, value, "Default").words == words


@pytest.mark.parametrize(
    ("offset", "words"),
    [
        ("-7d", "7 days before"),
        ("-1d", "1 day before"),
        ("+1wd", "1 working day after"),
        ("+3wd", "3 working days after"),
        ("0d", "on the day"),
        ("soon", "soon"),
    ],
)
def test_an_offset_in_words(offset, words):
    assert offset_words(offset) == words
