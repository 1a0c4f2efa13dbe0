"""Sessions for browsers that ask a site in the same process. A stack's processes need its sign-in page."""

import time
from typing import Any


def cookies_of(site: str, person: Any, more: dict[str, Any] | None = None) -> list[dict[str, str]]:
    """Signed in a moment ago, so that nobody is asked for the password again; `person` may be None.

    `more` goes into the session. Give the result to a browser context's `add_cookies`.
    """
    from django.conf import settings
    from django.test import Client

    client = Client()
    session = client.session
    if person:
        client.force_login(person)
        session = client.session
        session["account_authentication_methods"] = [
            {"method": "password", "at": time.time(), "reauthenticated": True}
        ]
        session["account_authentication_methods_user"] = str(person.pk)
    session.update(more or {})
    session.save()
    return [{"name": settings.SESSION_COOKIE_NAME, "value": session.session_key or "", "url": site}]
