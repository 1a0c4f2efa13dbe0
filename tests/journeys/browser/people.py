"""One person at one browser: signs in, and notices everything that the browser complains about."""

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.personas import PASSWORD
from tests.sessions import cookies_of

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
EXPECTED = re.compile(
    r"^Failed to load resource: the server responded with a status of (409|413|422)"
)
"""The browser itself notes each refused form; those that a story asks for are named there."""
PICTURES = os.environ.get("JOURNEY_PICTURES", "")


class Person:
    """A browser context of their own. `complaints` collects console errors, CSP reports and bad answers."""

    def __init__(self, browser: Any, site: str, name: str, **context: Any) -> None:
        self.site, self.name = site, name
        self.complaints: list[str] = []
        options = {"viewport": DESK, "locale": "en-NZ", "timezone_id": "Pacific/Auckland"}
        options |= {"ignore_https_errors": True, "base_url": site}
        self.context = browser.new_context(**(options | context))
        self.context.set_default_timeout(60_000)
        self.page = self.new_page()
        self.pictures = 0

    def new_page(self) -> Any:
        page = self.context.new_page()
        page.on("console", self.on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("response", self.on_response)
        return page

    def on_console(self, message: Any) -> None:
        if message.type in {"error", "warning"} and not EXPECTED.match(message.text):
            self.complaints.append(f"{message.location.get('url', '')}: {message.text}")

    def on_response(self, response: Any) -> None:
        if response.status >= 500 or response.status == 404:
            self.complaints.append(f"{response.status} {response.url}")

    def sign_in(self) -> "Person":
        self.page.goto("/accounts/login/")
        self.page.get_by_label("E-mail address").fill(f"{self.name}@example.org")
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(lambda url: "/accounts/login/" not in url)
        self.picture("home")
        return self

    def enter(self, user: Any) -> "Person":
        """Be signed in already, where that is not what is looked at and the site is in this process."""
        self.context.add_cookies(cookies_of(self.site, user))
        return self

    def follow(self, name: str) -> None:
        """Follow the first link with this name, and look at where it leads."""
        self.page.get_by_role("link", name=name).first.click()
        self.page.wait_for_load_state()
        self.picture(name)

    def press(self, name: str, **options: Any) -> None:
        self.page.get_by_role("button", name=name, **options).first.click()
        self.page.wait_for_load_state()
        self.picture(name)

    def sees(self, words: str) -> None:
        """The page says so, in its main part."""
        self.page.get_by_role("main").get_by_text(words).first.wait_for()

    def heading(self) -> str:
        return str(self.page.locator("h1").inner_text())

    def picture(self, name: str) -> None:
        """Keep what the page looks like where JOURNEY_PICTURES names a folder: narrow, wide, dark."""
        if not PICTURES:
            return
        self.pictures += 1
        known = self.page.viewport_size
        slug = re.sub(r"\W+", "-", name.lower()).strip("-")[:40]
        for width, scheme in ((320, "light"), (1280, "light"), (1280, "dark")):
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.emulate_media(color_scheme=scheme)
            path = Path(PICTURES) / f"{self.name}-{self.pictures:02}-{slug}-{width}-{scheme}.png"
            self.page.screenshot(path=path, full_page=True)
        self.page.emulate_media(color_scheme=None)
        self.page.set_viewport_size(known)

    def done(self) -> None:
        """Sign out of the story: nothing was complained about on the way."""
        self.context.close()
        assert self.complaints == []


@contextmanager
def person(browser: Any, site: str, name: str, **context: Any) -> Any:
    """A person signed in for a while; their browser closes without a complaint."""
    someone = Person(browser, site, name, **context)
    try:
        yield someone.sign_in()
    except BaseException:
        someone.context.close()
        raise
    someone.done()
