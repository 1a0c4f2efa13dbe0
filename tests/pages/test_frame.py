"""Header, roles, settings, pages of words, and errors."""

import ast
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.enums import OrganisationRole, Theme
from accounts.models import Membership
from config.navigation import ROLES, roles_of
from config.views import frame
from tests.personas import Cast, as_, make_cast
from tests.worlds import kept

pytestmark = pytest.mark.django_db


@kept
def cast() -> Cast:
    return make_cast()


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("lena", ["learner"]),
        ("ada", ["assessor"]),
        ("moses", ["moderator"]),
        ("ed", ["moderator"]),
        ("lea", ["moderator", "lead_moderator"]),
        ("rita", ["ratifier"]),
        ("pam", ["administrator"]),
        ("olga", ["administrator"]),
        ("petra", []),
    ],
)
def test_roles_follow_from_relations(cast: Cast, name: str, roles: list[str]) -> None:
    assert [role.code for role in roles_of(getattr(cast, name))] == roles


def test_ended_relations_give_no_role(cast: Cast) -> None:
    from django.utils import timezone

    for rows in (cast.lena.enrolments, cast.ada.delivery_roles, cast.olga.memberships):
        rows.update(ended_at=timezone.now())
    assert roles_of(cast.lena) == roles_of(cast.ada) == roles_of(cast.olga) == []


def test_roles_take_one_query(cast: Cast, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        roles_of(cast.lea)


def test_no_role_has_more_than_five_pages() -> None:
    assert all(1 <= len(role.items) <= 5 for role in ROLES)


def test_somebody_with_two_roles_can_switch(cast: Cast) -> None:
    Membership.objects.create(
        user=cast.ada, organisation=cast.provider, role=OrganisationRole.ADMINISTRATOR
    )
    client = as_(cast.ada)
    page = client.get("/help/").content.decode()
    assert "Working as" in page
    client.post(reverse("switch_role"), {"role": "administrator"})
    page = client.get("/help/").content.decode()
    assert 'value="administrator" selected' in page
    assert client.get("/").headers["Location"] == "/manage/"


def test_a_role_one_does_not_have_is_not_taken(cast: Cast) -> None:
    client = as_(cast.lena)
    client.post(reverse("switch_role"), {"role": "administrator"})
    assert "role" not in client.session
    assert "Working as" not in client.get("/help/").content.decode()


def test_switching_needs_a_form(cast: Cast) -> None:
    assert as_(cast.lea).get(reverse("switch_role")).status_code == 405


def test_home_without_sign_in_leads_to_it() -> None:
    assert Client().get("/").headers["Location"] == "/accounts/login/"


def test_somebody_without_a_part_is_told_so(cast: Cast) -> None:
    assert b"No work for you here yet" in as_(cast.petra).get("/").content


def test_unread_messages_are_counted_in_words(cast: Cast) -> None:
    from workflows.models import Notification

    for number in range(2):
        Notification.objects.create(
            recipient=cast.lena, topic="t", lane="now", dedupe_key=f"unread {number}"
        )
    Notification.objects.create(recipient=cast.ada, topic="t", lane="now", dedupe_key="other")
    from config.navigation import Frame

    request: Any = type("Request", (), {"user": cast.lena, "path": "/", "session": {}})()
    assert Frame(request).unread == 2


def test_settings_are_kept_and_the_colours_used(cast: Cast) -> None:
    client = as_(cast.lena)
    data = {"preferred_name": "Lēna", "theme": Theme.DARK, "time_zone": "Pacific/Chatham"}
    assert client.post("/settings/", data).status_code == 302
    cast.lena.refresh_from_db()
    assert (cast.lena.preferred_name, cast.lena.theme) == ("Lēna", "dark")
    page = client.get("/settings/").content.decode()
    assert 'data-theme="dark"' in page
    assert "Your settings are saved." in page
    assert ">Your settings: </span>Lēna<" in page


def test_settings_refuse_what_is_not_offered(cast: Cast) -> None:
    response = as_(cast.lena).post("/settings/", {"theme": "pink", "time_zone": "Moon/Sea"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "<title>Error: Your settings" in page
    assert 'href="#id_theme_0"' in page
    cast.lena.refresh_from_db()
    assert cast.lena.theme == "device"


def test_the_zones_of_the_world_are_written_in_one_piece(cast: Cast) -> None:
    client = as_(cast.lena)
    client.post("/settings/", {"theme": "dark", "time_zone": "Pacific/Chatham"})
    page = client.get("/settings/")
    text = page.content.decode()
    assert text.count("<option ") > 400
    assert '<option value="Pacific/Chatham" selected>Chatham Islands</option>' in text
    assert text.count(" selected>") == 1
    assert 'aria-describedby="id_time_zone_helptext"' in text
    # Each option used to take two templates.
    assert len(page.templates) < 60


@pytest.mark.parametrize("path", ["/help/", "/accessibility/", "/privacy/", "/copyright/"])
def test_pages_of_words_are_open_to_everybody(path: str) -> None:
    page = Client().get(path).content.decode()
    assert page.count("<h1") == 1
    for name in ("help", "accessibility", "privacy", "copyright"):
        assert f'href="{reverse(name)}"' in page


def test_help_is_in_the_same_place_for_everybody(cast: Cast) -> None:
    for client in (Client(), as_(cast.lea)):
        page = client.get("/privacy/").content.decode()
        assert page.index('href="/help/"') < page.index("<main")
        assert page.rindex('href="/help/"') > page.index("</main>")


def test_a_wrong_password_is_told_without_saying_which_half_was_wrong(cast: Cast) -> None:
    page = (
        Client()
        .post("/accounts/login/", {"login": cast.lena.email, "password": "wrong"})
        .content.decode()
    )
    assert page.count('class="govuk-error-summary"') == 1
    assert "<title>Error: Sign in" in page


def test_signing_in_leads_home(cast: Cast) -> None:
    response = Client().post(
        "/accounts/login/", {"login": cast.lena.email, "password": "correct horse battery"}
    )
    assert response.status_code == 302
    assert response.headers["Location"] == "/"


@pytest.mark.parametrize(
    "name",
    [
        "account_change_password",
        "accounts:email",
        "account_logout",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_list_webauthn",
        "account_reauthenticate",
    ],
)
def test_pages_about_the_account_wear_our_look(cast: Cast, name: str) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": cast.lena.email, "password": "correct horse battery"})
    page = client.get(reverse(name), follow=True).content.decode()
    assert 'class="app-header"' in page
    assert page.count("<h1") == 1
    assert "<script>" not in page


def test_errors_say_what_happened_and_what_to_do(cast: Cast) -> None:
    missing = as_(cast.lena).get("/nowhere/")
    assert missing.status_code == 404
    assert b"Page not found" in missing.content
    forged = Client(enforce_csrf_checks=True).post("/accounts/login/", {})
    assert forged.status_code == 403
    assert b"This form is out of date" in forged.content


def test_the_page_for_our_own_faults_needs_nothing_to_work() -> None:
    from django.template.loader import render_to_string

    page = render_to_string("500.html")
    assert "This is our fault, not yours." in page


def test_refusals_list_every_reason() -> None:
    from django.template.loader import render_to_string
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    reasons = ["Two criteria have no evidence.", "The declaration is not accepted."]
    page = render_to_string("errors/422.html", {"reasons": reasons}, request)
    assert all(reason in page for reason in reasons)
    assert "<title>Error: This cannot be done yet" in page
    assert "This has moved on" in render_to_string("errors/409.html", {}, request)


def test_no_view_takes_a_name_that_the_frame_needs():
    """A page that gave its own `frame` had neither navigation nor a way to sign out."""
    names = set(frame(RequestFactory().get("/"))) | {"request", "user", "perms", "messages"}
    taken = []
    for path in Path(settings.BASE_DIR).glob("*/views/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict):
                keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
                taken += [f"{path.parent.parent.name}/{path.name}: {key}" for key in keys & names]
    assert taken == []
