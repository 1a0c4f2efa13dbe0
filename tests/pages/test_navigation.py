"""The navigation fits the page for everybody who may see it, whatever roles they have besides."""

from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.enums import OrganisationRole
from accounts.models import Membership
from catalogue.enums import DeliveryRoleKind
from catalogue.models import DeliveryRole
from config.navigation import ROLES, role_in_use
from tests.factories.portfolios import note, portfolio_of
from tests.personas import Cast, as_, make_cast


def used(path: str, *codes: str, chosen: str = "") -> str:
    """The role at an address, of somebody with these roles."""
    request: Any = RequestFactory().get(path)
    request.session = {"role": chosen} if chosen else {}
    held = [role for role in ROLES if role.code in codes]
    found = role_in_use(request, held)
    return found.code if found else ""


@pytest.mark.parametrize(
    ("path", "codes", "role"),
    [
        ("/ratify/", ("moderator", "lead_moderator"), "lead_moderator"),
        ("/ratify/recalls/x/", ("moderator", "lead_moderator", "ratifier"), "ratifier"),
        ("/ratify/batches/x/", ("learner", "administrator"), "administrator"),
        ("/moderate/rounds/", ("moderator", "lead_moderator"), "lead_moderator"),
        ("/assess/allocate/x/", ("assessor", "lead_moderator"), "lead_moderator"),
        ("/assess/allocate/x/", ("assessor", "administrator"), "administrator"),
        ("/assess/queue/", ("assessor", "administrator"), "assessor"),
        ("/assess/m/x/", ("assessor", "lead_moderator", "administrator"), "assessor"),
        ("/assess/m/x/", ("moderator", "lead_moderator"), "lead_moderator"),
        ("/manage/extensions/", ("assessor", "learner"), "assessor"),
        ("/manage/submissions/x/holds/", ("moderator", "lead_moderator"), "lead_moderator"),
        ("/manage/deliveries/", ("author", "administrator"), "administrator"),
        ("/inbox/", ("learner", "assessor"), "learner"),
        ("/ratify/", (), ""),
    ],
)
def test_the_role_that_works_at_the_address(path: str, codes: tuple[str, ...], role: str) -> None:
    assert used(path, *codes) == role


def test_the_chosen_role_stays_where_it_works_and_elsewhere_too() -> None:
    both = ("moderator", "lead_moderator", "ratifier")
    assert used("/ratify/", *both, chosen="lead_moderator") == "lead_moderator"
    assert used("/ratify/", *both, chosen="moderator") == "ratifier"
    assert used("/inbox/", *both, chosen="ratifier") == "ratifier"


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


def current_of(cast: Cast, name: str, view: str, *arguments: Any) -> list[str]:
    """Label of the navigation, and of the page that it marks."""
    client = Client()
    client.force_login(cast.people[name])
    page = client.get(reverse(view, args=arguments)).context["frame"]
    return [page.role.label, *(item["label"] for item in page.navigation if item["current"])]


def test_each_page_of_a_navigation_opens_and_is_marked(cast: Cast) -> None:
    """For everybody of the cast, each role: no entry leads to a refusal, and each marks itself."""
    Membership.objects.create(
        user=cast.abe, organisation=cast.provider, role=OrganisationRole.AUTHOR
    )
    for name in ("lena", "ada", "abe", "moses", "ed", "lea", "rita", "pam", "olga"):
        client = Client()
        client.force_login(cast.people[name])
        page = client.get(reverse("help")).context["frame"]
        for role in page.roles:
            client.post(reverse("switch_role"), {"role": role.code})
            entries = client.get(reverse("help")).context["frame"].navigation
            assert entries, (name, role.code)
            for entry in entries:
                response = client.get(entry["url"])
                assert response.status_code == 200, (name, role.code, entry["label"])
                frame = response.context["frame"]
                assert frame.role == role, (name, role.code, entry["label"])
                current = [one["label"] for one in frame.navigation if one["current"]]
                assert current == [entry["label"]], (name, role.code)


def test_a_lead_moderator_finds_the_way_to_the_sign_off(cast: Cast) -> None:
    assert current_of(cast, "lea", "awards:home") == ["Lead moderator", "Sign-off"]
    assert current_of(cast, "rita", "awards:home") == ["Ratifier", "Home"]
    DeliveryRole.objects.create(
        delivery=cast.delivery, user=cast.lea, role=DeliveryRoleKind.ASSESSOR
    )
    assert current_of(cast, "lea", "assessment:queue") == ["Assessor", "Queue"]
    place = ("assessment:allocate", cast.delivery.pk)
    assert current_of(cast, "lea", *place) == ["Lead moderator"]


def test_a_page_below_an_entry_marks_it_whatever_its_address_begins_with(cast: Cast) -> None:
    place = ("catalogue:version", cast.delivery.version_id)
    assert current_of(cast, "pam", *place) == ["Programme administrator", "Micro-credentials"]
    assert current_of(cast, "lea", "moderation:severity") == ["Lead moderator", "Agreement"]
    assert current_of(cast, "lea", "moderation:seeds") == ["Lead moderator", "Calibration"]


def test_evidence_within_a_portfolio_belongs_to_the_entry_evidence(cast: Cast) -> None:
    portfolio = portfolio_of(cast)
    item = note(portfolio)
    for name, *more in (("evidence",), ("add",), ("add_kind", "note"), ("describe", item.pk)):
        place = (f"portfolios:{name}", portfolio.pk, *more)
        assert current_of(cast, "lena", *place) == ["Learner", "Evidence"], name
    page = as_(cast.lena).get(reverse("portfolios:evidence", args=[portfolio.pk]))
    assert f'href="{reverse("portfolios:library")}" aria-current="true"' in page.content.decode()
    for name in ("portfolio", "map", "check"):
        assert current_of(cast, "lena", f"portfolios:{name}", portfolio.pk) == ["Learner", "Home"]
