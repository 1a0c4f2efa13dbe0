"""One visit of a page as a browser makes it: what it says, weighs and logs, and the quick half of the gate.

The page is loaded once, with its content security policy in force. Then it is looked at wide and narrow,
light and dark, and walked through with Tab. The dark looks ask axe about colours only, the narrow ones
about what depends on the room as well, since nothing else on the page differs.
"""

import gzip
import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.accessibility.gate import NARROW, WIDE, Prepare, axe, keyboard, opened, reflow

COLOURS = ["color-contrast", "link-in-text-block"]
ROOM = [*COLOURS, "target-size", "scrollable-region-focusable"]
FIRST_VISIT = 130 * 1024
WORKSPACE = 200 * 1024
NOT_OUR_WORDS = re.compile(
    r"\b(students?|graders?|markers?|candidates?|completed)\b", re.IGNORECASE
)
# A reference may part at its hyphens, an address or a fingerprint anywhere.
BROKEN = r"""() => {
  const broken = new Set();
  const hidden = (element) => {
    const box = element.getBoundingClientRect();
    return !element.checkVisibility() || box.width <= 1
      || element.closest(".govuk-visually-hidden, thead, svg, pre, code, .app-hash");
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    if (/:\/\/|@/.test(node.data) || hidden(node.parentElement)) continue;
    for (const run of node.data.matchAll(/\S{3,24}(?!\S)/g)) {
      if (/\S/.test(node.data[run.index - 1] ?? " ")) continue;
      for (const word of run[0].matchAll(/[\p{L}\p{M}\d’']{3,}/gu)) {
        range.setStart(node, run.index + word.index);
        range.setEnd(node, run.index + word.index + word[0].length);
        const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
        if (lines.size > 1) broken.add(word[0]);
      }
    }
  }
  return [...broken];
}"""
known: dict[str, int] = {}
heaviest: dict[str, int] = {}


def weight(page: Page, requests: list[Any]) -> int:
    """Bytes of everything fetched for the page; what is not yet compressed counts compressed."""
    total = 0
    for request in requests:
        response = request.response()
        if response is None or 300 <= response.status < 400:
            continue
        url = request.url.split("?")[0]
        if url not in known or request.resource_type == "document":
            body = response.body()
            packed = url.endswith((".woff2", ".png", ".jpg", ".jpeg"))
            known[url] = len(body) if packed else len(gzip.compress(body, 9))
        total += known[url]
    return total


def visit(
    browser: Browser,
    url: str,
    *,
    status: int = 200,
    limit: int = FIRST_VISIT,
    cookies: list[Any] | None = None,
    prepare: Prepare | None = None,
    has_errors: bool = False,
) -> dict[str, list[str]]:
    """What is wrong with the page, by name of the look."""
    found: dict[str, list[str]] = {"console": [], "weight": [], "page": []}
    requests: list[Any] = []

    def logged(message: ConsoleMessage) -> None:
        # A refusal's own document is reported as a failed load.
        source = message.location.get("url", "").partition("?")[0]
        own = source in {url.partition("?")[0], page.url}
        if message.type == "error" and not (
            own and message.text.startswith("Failed to load resource")
        ):
            found["console"].append(message.text)

    context = browser.new_context(reduced_motion="reduce", **WIDE)
    try:
        if cookies:
            context.add_cookies(cookies)
        page = context.new_page()
        page.on("console", logged)
        page.on("pageerror", lambda error: found["console"].append(str(error)))
        page.on("requestfinished", lambda request: requests.append(request))  # noqa: PLW0108  it wants a name
        answers: list[int] = []
        page.on(
            "response",
            lambda response: (
                answers.append(response.status)
                if response.request.is_navigation_request()
                else None
            ),
        )
        opened(page, url, prepare)
        page.wait_for_load_state("load")
        if prepare is None:
            weighs = weight(page, requests)
            heaviest[url] = weighs
            if weighs > limit:
                found["weight"].append(f"{weighs} bytes, and only {limit} are allowed")
        found["page"] += words(page, url, answers[-1], status, has_errors=has_errors)
        found["axe"] = axe(page)
        page.emulate_media(color_scheme="dark")
        found["axe_dark"] = axe(page, only=COLOURS)
        page.set_viewport_size(NARROW["viewport"])
        found["axe_320_dark"] = axe(page, only=COLOURS)
        page.emulate_media(color_scheme="light")
        found["axe_320"] = axe(page, only=ROOM)
        found["reflow"] = reflow(page)
        found["words_320"] = [f"breaks inside {word}" for word in page.evaluate(BROKEN)]
        page.set_viewport_size(WIDE["viewport"])
        found["keyboard"] = keyboard(page)
    finally:
        context.close()
    return {name: problems for name, problems in found.items() if problems}


def words(page: Page, url: str, answer: int, status: int, *, has_errors: bool) -> list[str]:
    """Whether this is the page that was meant, with one heading, in the words of the house."""
    found = []
    if answer != status:
        found.append(f"answered {answer}, not {status}")
    meant, came = urlsplit(url).path, urlsplit(page.url).path
    # A form of the page may be sent to an address below it.
    if came != meant and not (has_errors and came.startswith(meant)):
        found.append(f"led to {came}")
    if (headings := page.locator("h1").count()) != 1:
        found.append(f"{headings} main headings")
    if not page.title().endswith("Moderato"):
        found.append(f"its title is {page.title()!r}")
    if has_errors:
        if not page.title().startswith("Error: "):
            found.append("its title does not say that there are errors")
        if not page.locator(".govuk-error-summary").count():
            found.append("no error summary")
    if page.locator("option").filter(has_text=re.compile(r"^\s*-+\s*$")).count():
        found.append("an empty choice has no words")
    found += [f"says {word}" for word in set(NOT_OUR_WORDS.findall(page.inner_text("body")))]
    return found
