"""A second step works to its end: an authenticator app with recovery codes, and a passkey in a real browser."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client

from tests.journeys.browser.people import Person
from tests.personas import PASSWORD, make_cast

CODE = re.compile(r'<span class="app-hash">([^<]+)</span>')


def signed_in(person):
    """A client that has given the password, and where it was led."""
    client = Client()
    sent = {"login": person.email, "password": PASSWORD}
    return client, client.post("/accounts/login/", sent).url


def code_now(secret):
    counters = list(yield_hotp_counters_from_time())
    return format_hotp_value(hotp_value(secret, counters[len(counters) // 2]))


def text_of(response):
    return response.content.decode()


@pytest.mark.django_db
def test_an_authenticator_app_is_asked_for_from_the_next_sign_in_on():
    lena = make_cast().lena
    client, led = signed_in(lena)
    assert led == "/"
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = text_of(client.get("/accounts/2fa/totp/activate/"))
    (secret,) = CODE.findall(page)
    wrong = client.post("/accounts/2fa/totp/activate/", {"code": "000000"})
    assert "There is a problem" in text_of(wrong)
    assert not Authenticator.objects.exists()
    shown = client.post("/accounts/2fa/totp/activate/", {"code": code_now(secret)}, follow=True)
    assert "Recovery codes" in text_of(shown)
    codes = text_of(client.get("/accounts/2fa/recovery-codes/"))
    recovery = re.findall(r"<li>([\w-]+)</li>", codes[codes.index("app-codes") :])
    assert len(recovery) == 10
    assert "10 left" in text_of(client.get("/accounts/2fa/"))
    new = text_of(client.get("/accounts/2fa/recovery-codes/generate/"))
    assert "stop working" in new

    client, led = signed_in(lena)
    assert led == "/accounts/2fa/authenticate/"
    assert client.get("/learn/").status_code == 302
    page = text_of(client.get(led))
    assert page.count("<h1") == 1
    assert "<script>" not in page
    assert "There is a problem" in text_of(client.post(led, {"code": "12"}))
    assert client.post(led, {"code": recovery[0]}).url == "/"
    assert client.get("/learn/").status_code == 200

    client, led = signed_in(lena)
    assert "There is a problem" in text_of(client.post(led, {"code": recovery[0]}))
    assert client.post(led, {"code": recovery[1]}).url == "/"
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/2fa/totp/deactivate/")
    assert signed_in(lena)[1] == "/"


@pytest.mark.browser
def test_a_passkey_signs_in_without_a_password(live_site, browser):
    """With the content security policy in force, which lets no inline script of a package run."""
    make_cast()
    lena = Person(browser, live_site, "lena")
    page = lena.page
    device = lena.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                "hasUserVerification": True, "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    lena.sign_in()
    page.goto("/accounts/2fa/webauthn/add/")
    page.get_by_label("Your password").fill(PASSWORD)
    lena.press("Confirm", exact=True)
    page.get_by_label("A name for it").fill("Work phone")
    page.get_by_label("Sign in with it without a password").check()
    page.get_by_role("button", name="Add the passkey").click()
    page.get_by_role("heading", name="Add a passkey").wait_for(state="detached")
    page.goto("/accounts/2fa/webauthn/")
    lena.sees("Work phone")
    page.goto("/accounts/logout/")
    page.get_by_role("main").get_by_role("button").first.click()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/learn/")
    lena.done()
