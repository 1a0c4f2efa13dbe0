"""The accessibility gate: eleven checks of a page in a real browser, in sixteen settings (RUNS).

A check takes an open page and returns what is wrong with it in words; nothing is a pass.

axe             rules of axe-core, WCAG A and AA and best practice; text in the colour of its ground fails too
reflow          at 320 px the page does not scroll sideways (1.4.10)
text_spacing    with the spacing of 1.4.12 no text is cut off
text_zoom       with text twice as large no text is cut off (1.4.4)
keyboard        Tab never stays where it is (2.1.2)
focus_obscured  what has focus is not wholly covered (2.4.11)
focus_visible   focus changes enough pixels to be seen (2.4.7)
focus_order     focus does not jump backwards among neighbours (2.4.3)
unreachable     whatever looks clickable can take focus (2.1.1)
forced_colors   in high contrast controls keep their edges, and text its ink
macron_font     every letter, macrons too, is drawn by the house font

It is worth something only while it can fail: `faults.py` holds a page for each fault it must catch.
"""

import functools
import io
import weakref
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page, Response

AXE_FILE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
MACRONS = "āēīōūĀĒĪŌŪ"
HOUSE_FONT = "Public Sans"
MACRON_CLASSES = ["govuk-body", "govuk-heading-l", "govuk-tag", "govuk-button", "govuk-hint"]
CONTROLS = "button:not(.app-link-button), .govuk-button, input:not([type=hidden]), select, textarea"
INKED = "button, a[href], .govuk-tag, h1, h2, label"
HIDDEN_ON_PURPOSE = ".govuk-visually-hidden, .govuk-skip-link, .app-table__aside"
INK_RANGE = 100
FAINT = 40

Check = Callable[[Page], list[str]]
Walk = tuple[list[dict[str, Any]], list[str]]
walks: weakref.WeakKeyDictionary[Page, Walk] = weakref.WeakKeyDictionary()


# --- rules and layout -------------------------------------------------------------------------------


@functools.cache
def axe_source() -> str:
    return AXE_FILE.read_text(encoding="utf-8")


def axe(page: Page, *, only: Sequence[str] = ()) -> list[str]:
    """Every rule of RULES, or `only` these."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe_source())
    options = {
        "resultTypes": ["violations", "incomplete"],
        "runOnly": {"type": "rule", "values": list(only)}
        if only
        else {"type": "tag", "values": RULES},
    }
    report = page.evaluate("options => axe.run(document, options)", options)
    found = [
        f"{rule['id']}: {node['target'][0]}"
        for rule in report["violations"]
        for node in rule["nodes"]
    ]
    # Text in the very colour of its background is only "incomplete" to axe.
    for rule in report["incomplete"]:
        if rule["id"] != "color-contrast":
            continue
        for node in rule["nodes"]:
            if any(
                (each.get("data") or {}).get("messageKey") == "equalRatio" for each in node["any"]
            ):
                found.append(f"text in its background's colour: {node['target'][0]}")
    return found


SIDEWAYS = """() => {
    const root = document.scrollingElement;
    return root.scrollWidth > innerWidth + 1 ? [`page is ${root.scrollWidth} px wide in ${innerWidth}`] : [];
}"""

CUT_OFF = """() => {
    const found = [];
    for (const element of document.querySelectorAll('body *')) {
        const style = getComputedStyle(element);
        const cuts = [style.overflowX, style.overflowY].some(v => v === 'hidden' || v === 'clip');
        if (!cuts || element.clientWidth <= 1 || element.clientHeight <= 1) continue;
        if (style.clipPath !== 'none' || (style.position === 'absolute' && style.clip !== 'auto')) continue;
        if (!element.innerText?.trim()) continue;
        if (element.scrollHeight > element.clientHeight + 2 || element.scrollWidth > element.clientWidth + 2)
            found.push('cut off: ' + element.innerText.slice(0, 40));
    }
    return found;
}"""

SPACED = (
    "* {line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important}"
    " p {margin-bottom: 2em !important}"
)


def reflow(page: Page) -> list[str]:
    return list(page.evaluate(SIDEWAYS))


def text_spacing(page: Page) -> list[str]:
    page.add_style_tag(content=SPACED)
    return [*page.evaluate(CUT_OFF), *page.evaluate(SIDEWAYS)]


def text_zoom(page: Page) -> list[str]:
    page.add_style_tag(content="html {font-size: 200% !important}")
    return [*page.evaluate(CUT_OFF), *page.evaluate(SIDEWAYS)]


# --- keyboard and focus -----------------------------------------------------------------------------

STOP = """() => {
    const element = document.activeElement;
    if (!element || element === document.body || element === document.documentElement) return null;
    const mark = each => each.dataset.gate ??= String(Math.random()).slice(2);
    const box = element.getBoundingClientRect(), first = element.getClientRects()[0] ?? box;
    const label = element.id ? document.querySelector(`label[for="${CSS.escape(element.id)}"]`) : null;
    let seen = 0;
    // Line by line, because between the lines of a link there is no link; of a box that is larger than the
    // window, what is in the window counts.
    for (const line of element.getClientRects()) {
        const left = Math.max(line.left, 0), wide = Math.min(line.right, innerWidth) - left;
        const top_ = Math.max(line.top, 0), high = Math.min(line.bottom, innerHeight) - top_;
        if (wide > 0 && high > 0) for (const across of [.1, .5, .9]) for (const down of [.15, .5, .85]) {
            const x = left + wide * across, y = top_ + high * down;
            const top = document.elementFromPoint(x, y);
            if (top && (element.contains(top) || label?.contains(top))) seen++;
        }
    }
    // Where it stands on the page, and in panes that scroll by themselves.
    let across = 0, down = 0;
    for (let up = element.parentElement; up; up = up.parentElement) {
        across += up.scrollLeft;
        down += up.scrollTop;
    }
    const name = element.innerText || element.getAttribute('aria-label') || label?.innerText || element.name;
    return {
        id: mark(element), parent: element.parentElement ? mark(element.parentElement) : null,
        name: `${element.tagName} ${(name || '').trim().slice(0, 40)}`, seen,
        left: box.left, top: box.top, width: box.width, height: box.height,
        // A link that wraps begins where its first line does.
        pageLeft: first.left + across, pageTop: first.top + down, line: first.height,
    };
}"""


def walk(page: Page, *, look: bool = False) -> Walk:
    """Tab through the page once, with pictures where a check wants them."""
    if page not in walks or (look and any("changed" not in stop for stop in walks[page][0])):
        walks[page] = fresh_walk(page, look=look)
    return walks[page]


def fresh_walk(page: Page, *, look: bool, limit: int = 400) -> Walk:
    """Tab through the page from its top: the stops, and where the keyboard was caught."""
    stops: list[dict[str, Any]] = []
    known: set[str] = set()
    stuck = 0
    page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); }")
    for _ in range(limit):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            break
        if stops and stop["id"] == stops[-1]["id"]:
            stuck += 1
            if stuck == 2:
                return stops, [f"the keyboard is caught at {stop['name']}"]
            continue
        stuck = 0
        if stop["id"] in known:
            break
        known.add(stop["id"])
        if look:
            stop["changed"] = pixels_that_focus_changes(page, stop)
        stops.append(stop)
    return stops, []


def pixels_that_focus_changes(page: Page, stop: dict[str, Any]) -> int | None:
    """None where the stop is outside the window."""
    margin, view = 6, page.viewport_size
    assert view is not None
    left, top = max(0, stop["left"] - margin), max(0, stop["top"] - margin)
    if left >= view["width"] or top >= view["height"]:
        return None
    clip: Any = {
        "x": left,
        "y": top,
        "width": max(1, min(view["width"] - left, stop["width"] + 2 * margin)),
        "height": max(1, min(view["height"] - top, stop["height"] + 2 * margin)),
    }
    shot = functools.partial(page.screenshot, clip=clip, caret="hide", animations="disabled")
    with_focus = image(shot())
    page.evaluate("() => { window.gateFocus = document.activeElement; gateFocus.blur(); }")
    without = image(shot())
    page.evaluate("() => gateFocus.focus({preventScroll: true})")
    histogram = ImageChops.difference(with_focus, without).convert("L").histogram()
    return sum(histogram[FAINT + 1 :])


def image(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def keyboard(page: Page) -> list[str]:
    return walk(page)[1]


def focus_obscured(page: Page) -> list[str]:
    return [
        f"{stop['name']} is covered when it has focus"
        for stop in walk(page)[0]
        if not stop["seen"] and stop["width"] > 1 and stop["height"] > 1
    ]


def focus_visible(page: Page) -> list[str]:
    return [
        f"focus on {stop['name']} changes only {stop['changed']} pixels"
        for stop in walk(page, look=True)[0]
        if stop["changed"] is not None and stop["changed"] < 2 * stop["width"]
    ]


def focus_order(page: Page) -> list[str]:
    found = []
    for before, after in pairwise(walk(page)[0]):
        if before["parent"] != after["parent"]:
            continue
        shared = min(before["pageTop"] + before["line"], after["pageTop"] + after["line"])
        shared -= max(before["pageTop"], after["pageTop"])
        in_row = shared > min(before["line"], after["line"]) / 2
        back_left = in_row and after["pageLeft"] < before["pageLeft"] - 4
        back_up = not in_row and after["pageTop"] < before["pageTop"] - 4
        if back_left or back_up:
            found.append(f"focus goes back from {before['name']} to {after['name']}")
    return found


def unreachable(page: Page) -> list[str]:
    return list(
        page.evaluate("""() => {
            const reachable = 'a[href], button, input, select, textarea, summary, label,'
                + '[tabindex]:not([tabindex="-1"])';
            return [...document.querySelectorAll('body *')]
                .filter(e => getComputedStyle(e).cursor === 'pointer' || e.hasAttribute('onclick'))
                .filter(e => !e.closest(reachable) && e.getClientRects().length)
                .map(e => `${e.tagName} looks clickable: ${(e.innerText || '').slice(0, 40)}`);
        }""")
    )


# --- colours and fonts ------------------------------------------------------------------------------

WITHOUT_EDGE = """controls => {
    const edged = style => style && style.borderStyle !== 'none'
        && parseFloat(style.borderTopWidth) + parseFloat(style.borderBottomWidth) > 0;
    return [...document.querySelectorAll(controls)].filter(each => {
        if (!each.getClientRects().length) return false;
        const label = each.id && document.querySelector(`label[for="${CSS.escape(each.id)}"]`);
        return !(edged(getComputedStyle(each)) || edged(getComputedStyle(each, '::before'))
            || (label && edged(getComputedStyle(label, '::before'))));
    }).map(each => `no edge: ${each.innerText || each.id || each.outerHTML.slice(0, 80)}`);
}"""

# What a closed <details> holds has boxes and is not visible.
HAS_TEXT = """(element, hidden) => element.checkVisibility() && !element.closest(hidden)
    && [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())"""


def forced_colors(page: Page) -> list[str]:
    found = list(page.evaluate(WITHOUT_EDGE, CONTROLS))
    for element in page.query_selector_all(INKED):
        if not element.evaluate(HAS_TEXT, HIDDEN_ON_PURPOSE):
            continue
        darkest, lightest = image(element.screenshot()).convert("L").getextrema()
        if lightest - darkest < INK_RANGE:  # type: ignore[operator]
            found.append(f"no ink: {element.inner_text()[:40]}")
    return found


ADD_MACRONS = """([classes, letters]) => {
    for (const name of classes) {
        const sample = document.createElement('span');
        sample.className = `${name} gate-sample`;
        sample.textContent = letters;
        document.querySelector('main').append(sample);
    }
}"""


def macron_font(page: Page) -> list[str]:
    page.evaluate(ADD_MACRONS, [MACRON_CLASSES, MACRONS])
    page.evaluate("() => document.fonts.ready.then(() => 1)")
    page.wait_for_timeout(150)
    tools = page.context.new_cdp_session(page)
    tools.send("DOM.enable")
    tools.send("CSS.enable")
    root = tools.send("DOM.getDocument", {"depth": -1})["root"]
    nodes = tools.send(
        "DOM.querySelectorAll",
        {
            "nodeId": root["nodeId"],
            "selector": "h1, h2, h3, p, a, li, td, th, dt, dd, label, button, legend, summary, .gate-sample",
        },
    )["nodeIds"]
    found = set()
    for node in nodes:
        for font in tools.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]:
            family = font["familyName"]
            if HOUSE_FONT not in family and "mono" not in family.lower():
                name = tools.send("DOM.describeNode", {"nodeId": node})["node"]["nodeName"]
                found.add(f"{family} drew {font['glyphCount']:.0f} letters in {name}")
    return sorted(found)


# --- running ----------------------------------------------------------------------------------------

WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
NARROW: dict[str, Any] = {"viewport": {"width": 320, "height": 640}}
DARK = WIDE | {"color_scheme": "dark"}
FORCED = WIDE | {"forced_colors": "active"}

CHANGING: tuple[Check, ...] = (text_spacing, text_zoom, macron_font)
RUNS: dict[str, tuple[Check, dict[str, Any]]] = {
    "axe": (axe, WIDE),
    "axe_320": (axe, NARROW),
    "axe_dark": (axe, DARK),
    "reflow": (reflow, NARROW),
    "text_spacing": (text_spacing, WIDE),
    "text_zoom": (text_zoom, WIDE),
    "keyboard": (keyboard, WIDE),
    "keyboard_320": (keyboard, NARROW),
    "focus_obscured": (focus_obscured, WIDE),
    "focus_obscured_320": (focus_obscured, NARROW),
    "focus_visible": (focus_visible, WIDE),
    "focus_visible_dark": (focus_visible, DARK),
    "focus_order": (focus_order, WIDE),
    "unreachable": (unreachable, WIDE),
    "forced_colors": (forced_colors, FORCED),
    "macron_font": (macron_font, WIDE),
}


Prepare = Callable[[Page], None]


def opened(page: Page, url: str, prepare: Prepare | None) -> Response | None:
    """Open the page, do what leads to its state, and wait for its fonts."""
    response = page.goto(url)
    if prepare:
        prepare(page)
    page.evaluate("() => document.fonts.ready.then(() => 1)")
    return response


def check(
    browser: Browser,
    url: str,
    run: str,
    *,
    cookies: list[Any] | None = None,
    prepare: Prepare | None = None,
) -> list[str]:
    """Open the page afresh for this run and say what is wrong with it."""
    judge, options = RUNS[run]
    # The checks add styles of their own, which the site's content security policy would refuse.
    context = browser.new_context(reduced_motion="reduce", bypass_csp=True, **options)
    try:
        if cookies:
            context.add_cookies(cookies)
        page = context.new_page()
        opened(page, url, prepare)
        return judge(page)
    finally:
        context.close()


def check_all(
    browser: Browser,
    url: str,
    *,
    cookies: list[Any] | None = None,
    prepare: Prepare | None = None,
) -> dict[str, list[str]]:
    """All sixteen runs; only those with something wrong are in the answer.

    Runs of the same setting share a page; those that change its styles come last and load it again.
    """
    found: dict[str, list[str]] = {}
    for options in (WIDE, NARROW, DARK, FORCED):
        names = [name for name, (_, each) in RUNS.items() if each is options]
        names.sort(key=lambda name: RUNS[name][0] in CHANGING)
        context = browser.new_context(reduced_motion="reduce", bypass_csp=True, **options)
        try:
            if cookies:
                context.add_cookies(cookies)
            page = context.new_page()
            for number, name in enumerate(names):
                if number == 0 or RUNS[name][0] in CHANGING:
                    opened(page, url, prepare)
                found[name] = RUNS[name][0](page)
        finally:
            context.close()
    return {run: found[run] for run in RUNS if found[run]}
