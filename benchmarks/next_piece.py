"""How long an assessor waits for the next piece of work, in Chromium: from Ctrl+Enter in one workspace to the next.

BENCH_SET submissions wait in the queue (1,000 by default); BENCH_STEPS of them are marked one after another (40).
Each has two documents of several pages. The clock runs from the key press until the next workspace can be read
(its heading and rubric are laid out, DOMContentLoaded), until its first piece of evidence is drawn, and until the
browser has loaded everything. gunicorn runs under production's settings, without TLS.
"""

import os
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import database

SET = int(os.environ.get("BENCH_SET", "1000"))
STEPS = int(os.environ.get("BENCH_STEPS", "40"))
PRESSED = """window.addEventListener('keydown', (event) => {
  if (event.ctrlKey && event.key === 'Enter') {
    sessionStorage.setItem('pressed', String(performance.timeOrigin + performance.now()));
  }
}, true);"""
SHOWN = """async () => {
  const pressed = Number(sessionStorage.getItem('pressed'));
  const [page] = performance.getEntriesByType('navigation');
  const picture = document.querySelector('#evidence img');
  if (picture && !picture.complete) await new Promise((done) => { picture.onload = picture.onerror = done; });
  const drawn = performance.timeOrigin + performance.now() - pressed;
  const from = performance.timeOrigin - pressed;
  return {read: from + page.domContentLoadedEventEnd, drawn, loaded: from + page.loadEventEnd,
          heading: document.querySelector('h1').textContent, marks: !!document.getElementById('marks')};
}"""


def walk(site: Any, source: Any, assessor: Any) -> list[dict[str, Any]]:
    """Mark one piece after another by keyboard, and give the times of each step."""
    from django.conf import settings
    from playwright.sync_api import sync_playwright

    from tests import servers

    found: list[dict[str, Any]] = []
    key = site.browser(assessor).headers["Cookie"].split(";")[0].partition("=")[2]
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=servers.chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        origin = f"http://127.0.0.1:{site.port}"
        # Chromium sends what is marked secure to its own machine without TLS as well.
        session = {"name": settings.SESSION_COOKIE_NAME, "value": key, "secure": True}
        context.add_cookies([{**session, "url": origin.replace("http:", "https:")}])
        context.add_init_script(PRESSED)
        page = context.new_page()
        page.goto(f"{origin}/assess/m/{source.pk}/")
        for _step in range(STEPS):
            before = page.url
            for radio in page.locator("#marks [data-criterion]").all():
                radio.locator("input[type=radio]").first.check()
            page.locator("[data-save-state]").filter(has_text="Saved").wait_for()
            page.keyboard.press("Control+Enter")
            page.wait_for_url(lambda url, before=before: url != before, wait_until="load")
            shown = page.evaluate(SHOWN)
            if not shown["marks"]:
                raise AssertionError(f"{page.url} is no workspace")
            found.append(shown)
        browser.close()
    return found


def main() -> None:
    from benchmarks.support.web import site
    from benchmarks.support.world import make_cohort
    from tests.factories.assessment import opened

    cast, source = make_cohort(SET)
    opened(source, cast.people["first"])
    with site() as running:
        found = walk(running, source, cast.people["first"])[2:]
    load = os.getloadavg()[0]
    print(f"\nSave and next, {SET} in the queue, {len(found)} steps (load {load:.1f})")
    for name, words in (
        ("read", "until the next piece can be read"),
        ("drawn", "until its first evidence is drawn"),
        ("loaded", "until everything is loaded"),
    ):
        times = sorted(one[name] for one in found)
        median, most = statistics.median(times), times[int(len(times) * 0.95)]
        print(f"  {words:<40}median {median:6.0f} ms, 95 % within {most:6.0f} ms")
    print("  goal: the next piece within 1,000 ms at the median")


if __name__ == "__main__":
    with database():
        main()
