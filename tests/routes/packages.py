"""Addresses that packages bring: signing in, second steps, the admin. Written by hand as table.py is."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.urls import reverse

from tests.routes.cells import Row

IN = "200"
"""Whoever is signed in; others are sent to sign in."""
ENTRANCE = "200: out vic closed | 302"
"""A page for whoever is not signed in; others are sent on."""
AWAY = "302"
IN_ONLY = "405: owner | 405"
"""Not taken from whoever is signed in; others are sent to sign in first."""

PACKAGE_ROWS = [
    Row("account_login", "nothing", ENTRANCE, ENTRANCE),
    Row("account_logout", "nothing", IN, AWAY),
    Row("account_inactive", "nothing", "all 200", "405"),
    Row("account_signup", "nothing", ENTRANCE, ENTRANCE),  # says that it is closed
    Row("account_reauthenticate", "own password", IN, AWAY),
    Row("account_email", "nothing", IN, "405"),  # ours stands in its place
    Row("account_email_verification_sent", "nothing", "all 200", "405"),
    Row("account_confirm_email", "no key", "all 200", "all 404"),
    Row("account_change_password", "nothing", IN, IN),
    Row("account_set_password", "nothing", AWAY, AWAY),  # everybody has one
    Row("account_reset_password", "nothing", "all 200", "all 200"),
    Row("account_reset_password_done", "nothing", "all 200", "405"),
    Row("account_reset_password_from_key", "no key", "all 200", "all 200"),
    Row("account_reset_password_from_key_done", "nothing", "all 200", "405"),
    Row("account_confirm_login_code", "nothing", AWAY, AWAY),  # sign-in by code is off
    Row("mfa_index", "nothing", IN, IN_ONLY),
    Row("mfa_authenticate", "nothing", AWAY, AWAY),  # nobody is halfway in
    Row("mfa_reauthenticate", "nothing", AWAY, AWAY),  # to the password: nobody has a second step
    Row("mfa_activate_totp", "nothing", IN, IN),
    Row("mfa_deactivate_totp", "nothing", "404", "404"),  # there is none to remove
    Row("mfa_view_recovery_codes", "nothing", "404", IN_ONLY),
    Row("mfa_generate_recovery_codes", "nothing", IN, "200"),
    Row("mfa_download_recovery_codes", "nothing", "404", "404"),
    Row("mfa_list_webauthn", "nothing", IN, IN_ONLY),
    Row("mfa_add_webauthn", "nothing", IN, IN),
    Row("mfa_reauthenticate_webauthn", "nothing", AWAY, AWAY),
    Row("mfa_remove_webauthn", "no key", "404", "404"),
    Row("mfa_edit_webauthn", "no key", "404", "404"),
    Row("mfa_login_webauthn", "nothing", "all 302", "all 302"),  # scripts alone ask it
]

EDITABLE = {
    "accounts.user",
    "accounts.organisation",
    "accounts.membership",
    "accounts.declaredconflict",
}


@dataclass(frozen=True)
class AdminPage:
    """One address of the admin about one model, and what a platform administrator gets."""

    name: str
    address: str
    get: int
    post: int


def admin_pages() -> Iterator[AdminPage]:
    """List, add, change, delete and history of every registered model, with a real row where there is one.

    An empty form is refused on its own page; what is not there leads back.
    """
    for model in admin.site._registry:
        label = model._meta.label_lower
        prefix = f"admin:{label.replace('.', '_')}"
        edit = 200 if label in EDITABLE else 403
        for name, get, post in (("changelist", 200, 200), ("add", edit, edit)):
            yield AdminPage(f"{prefix}_{name}", reverse(f"{prefix}_{name}"), get, post)
        row = model._default_manager.order_by("pk").first()
        key = row.pk if row else 987_654_321
        found = 200 if row else 302
        rest = (("change", found, edit), ("delete", 403, 403), ("history", found, found))
        for name, get, post in rest:
            yield AdminPage(f"{prefix}_{name}", reverse(f"{prefix}_{name}", args=[key]), get, post)
