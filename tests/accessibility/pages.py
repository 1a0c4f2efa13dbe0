"""Every page and state that the gate walks. Add yours: a page that is not here is not checked.

`persona` is a name of the cast (tests/personas.py) or None for somebody who is not signed in. `state`
names a function in tests/accessibility/states.py that prepares the data and returns what the path needs.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class GatePage:
    """One page in one state, as one person sees it."""

    name: str
    path: str
    persona: str | None = None
    state: str | None = None


PAGES = [
    GatePage("sign-in", "/accounts/login/"),
    GatePage("new-password", "/accounts/password/reset/"),
    GatePage("help", "/help/"),
    GatePage("accessibility", "/accessibility/"),
    GatePage("privacy", "/privacy/"),
    GatePage("copyright", "/copyright/"),
    GatePage("not-found", "/nowhere/"),
    GatePage("settings", "/settings/", persona="lena"),
    GatePage("change-password", "/accounts/password/change/", persona="lena"),
    GatePage("second-step", "/accounts/2fa/", persona="lena"),
    GatePage("sign-out", "/accounts/logout/", persona="lena"),
]
