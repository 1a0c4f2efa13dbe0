"""A person's address is the administrators' to change, and a second step does not wait for it."""

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse

from accounts.models import User
from tests.personas import PASSWORD, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def lena(client):
    cast = make_cast()
    client.post("/accounts/login/", {"login": cast.lena.email, "password": PASSWORD})
    return cast.lena


def test_nobody_changes_their_own_address(client, lena):
    page = client.get("/accounts/email/").content.decode()
    assert "only a programme administrator can change it" in page
    for sent in (
        {"action_add": "", "email": "other@example.org"},
        {"action_primary": "", "email": "other@example.org"},
    ):
        assert client.post("/accounts/email/", sent).status_code == 405
    assert not EmailAddress.objects.filter(email="other@example.org").exists()
    assert User.objects.get(pk=lena.pk).email == lena.email


def test_looking_at_the_address_writes_nothing(client, lena):
    client.get("/accounts/email/")
    assert not EmailAddress.objects.exists()


@pytest.mark.parametrize("name", ["mfa_activate_totp", "mfa_add_webauthn"])
def test_a_second_step_begins_whatever_is_known_of_the_address(client, lena, name):
    """Straight to the confirmation and back to the step, never by way of another page."""
    EmailAddress.objects.create(user=lena, email=lena.email, primary=True, verified=False)
    asked = client.get(reverse(name))
    assert asked.status_code == 302
    assert asked.url == f"/accounts/reauthenticate/?next={reverse(name).replace('/', '%2F')}"
    proved = client.post(
        reverse("account_reauthenticate"), {"password": PASSWORD, "next": reverse(name)}
    )
    assert proved.url == reverse(name)
    assert client.get(proved.url).status_code == 200
