"""Platform administrators edit people and organisations; they delete nothing and make nobody powerful."""

import pytest

from accounts.models import Membership, User
from tests.personas import make_cast
from tests.worlds import kept

pytestmark = pytest.mark.django_db


@kept
def cast():
    return make_cast()


def test_names_can_be_mended_but_not_powers(cast, client):
    client.force_login(cast.petra)
    address = f"/admin/accounts/user/{cast.ada.pk}/change/"
    fields = {"name": "Ada Māhia", "email": cast.ada.email, "time_zone": "Pacific/Auckland"}
    sent = {**fields, "is_active": "on", "is_superuser": "on"}
    assert client.post(address, sent).status_code == 302
    ada = User.objects.get(pk=cast.ada.pk)
    assert (ada.name, ada.is_superuser) == ("Ada Māhia", False)


def test_nobody_is_deleted(cast, client):
    client.force_login(cast.petra)
    part = Membership.objects.get(user=cast.olga)
    for path in (f"user/{cast.ada.pk}", f"organisation/{cast.client.pk}", f"membership/{part.pk}"):
        response = client.post(f"/admin/accounts/{path}/delete/", {"post": "yes"})
        assert response.status_code == 403


@pytest.mark.parametrize("name", ["lena", "ada", "pam", "olga"])
def test_others_do_not_get_in(name, cast, client):
    client.force_login(getattr(cast, name))
    assert client.get("/admin/accounts/user/").status_code == 302


def test_what_packages_would_show_is_not_there(cast, client):
    """Secrets of second steps, a second place for addresses, and groups that mean nothing."""
    client.force_login(cast.petra)
    for path in ("mfa/authenticator/", "account/emailaddress/", "auth/group/"):
        assert client.get(f"/admin/{path}").status_code == 404


def test_nobody_gives_themselves_a_part_in_an_organisation(cast, client):
    client.force_login(cast.petra)
    sent = {
        "user": cast.petra.pk, "organisation": cast.provider.pk, "role": "administrator",
        "since_0": "2026-01-01", "since_1": "09:00",
    }  # fmt: skip
    refused = client.post("/admin/accounts/membership/add/", sent)
    assert "not one of the available choices" in refused.content.decode()
    assert not Membership.objects.filter(user=cast.petra).exists()
    assert (
        client.post("/admin/accounts/membership/add/", {**sent, "user": cast.ada.pk}).status_code
        == 302
    )
    own = Membership.objects.create(
        user=cast.petra, organisation=cast.provider, role="administrator"
    )
    address = f"/admin/accounts/membership/{own.pk}/change/"
    assert client.post(address, {**sent, "user": cast.ada.pk}).status_code == 403
