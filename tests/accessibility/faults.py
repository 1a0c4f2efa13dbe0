"""Thirteen faulty pages, one for each thing that the gate must catch, and the page they are made from."""

from dataclasses import dataclass

SKELETON = """<!doctype html>
<html lang="en-NZ"><head><meta charset="utf-8"><title>Seeded fault</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
{sheet}<style>{style}</style></head>
<body><div class="govuk-width-container"><main class="app-main" id="main">
<h1 class="govuk-heading-l">Evidence of Hōne</h1>
<p class="govuk-body">One criterion of the portfolio, <a class="govuk-link" href="#first">with a link</a>.</p>
<form><div class="govuk-form-group"><label class="govuk-label" for="first">Title</label>
<input class="govuk-input" id="first" name="first" type="text"></div>
<button class="govuk-button" type="button">Save</button></form>
{body}
</main></div></body></html>"""

SHEET = '<link rel="stylesheet" href="/app.css">'

# A font without macrons: ō and the others fall back to another font mid-word.
LATIN_ONLY = (
    '@font-face {font-family: "Public Sans Variable"; font-weight: 100 900;'
    ' src: url("/fonts/public-sans-latin.woff2"); unicode-range: U+0020-007E}'
    ' body, input, button {font: 1rem/1.5 "Public Sans Variable", sans-serif}'
)


@dataclass(frozen=True)
class Fault:
    """What is put on the page, and the run that must notice it."""

    run: str
    body: str = ""
    style: str = ""
    sheet: str = SHEET

    def page(self) -> str:
        return SKELETON.format(sheet=self.sheet, style=self.style, body=self.body)


GOOD = Fault(run="")

FAULTS: dict[str, Fault] = {
    "tiny-targets": Fault(
        "axe",
        '<button aria-label="Up"></button><button aria-label="Down"></button>',
        "main > button {width: 14px; height: 14px; padding: 0; margin: 0; border-width: 1px}",
    ),
    "no-label": Fault("axe", '<input type="text">'),
    "fixed-ink": Fault(
        "axe_dark", '<p class="govuk-body ink">Dark ink on a dark page.</p>', ".ink {color: #222}"
    ),
    "covered-focus": Fault(
        "focus_obscured",
        '<div class="cover">A bar over everything below</div>'
        + '<p><a href="#x">Another link</a></p>' * 30,
        "html {scroll-padding: 0 !important}"
        ".cover {position: fixed; bottom: 0; left: 0; right: 0; height: 300px; background: #fff}",
    ),
    "no-focus-ring": Fault(
        "focus_visible",
        style="*:focus {outline: none !important; box-shadow: none !important;"
        " background-color: transparent !important; color: inherit !important;"
        " text-decoration: inherit !important; border-color: #59646a !important}"
        " .govuk-button, .govuk-button:focus {background: #0f6b4a !important; color: #fff !important}",
    ),
    "too-wide": Fault(
        "reflow", '<div class="wide">Seven hundred pixels</div>', ".wide {width: 700px}"
    ),
    "cut-by-spacing": Fault(
        "text_spacing",
        '<div class="box">Waiting for Mere (manager)</div>',
        ".box {width: 200px; height: 24px; overflow: hidden; font-size: 16px; line-height: 24px}",
    ),
    "cut-by-zoom": Fault(
        "text_zoom",
        '<h2 class="govuk-heading-m low">Outcome two</h2>',
        ".low {height: 30px; overflow: hidden}",
    ),
    "trap": Fault(
        "keyboard", '<button class="govuk-button" onkeydown="event.preventDefault()">Stay</button>'
    ),
    "clickable-div": Fault(
        "unreachable",
        '<div class="click" onclick="1">Open the evidence</div>',
        ".click {cursor: pointer}",
    ),
    "wrong-order": Fault(
        "focus_order",
        '<div class="row"><button class="govuk-button">One</button><button class="govuk-button">Two</button></div>',
        ".row {display: flex; flex-direction: row-reverse; justify-content: flex-end}",
    ),
    "no-ink": Fault(
        "forced_colors",
        '<h2 class="govuk-heading-m ghost">Not to be seen</h2>',
        "@media (forced-colors: active) {.ghost {forced-color-adjust: none; color: #fff; background: #fff}}",
    ),
    "no-macrons": Fault("macron_font", style=LATIN_ONLY, sheet=""),
}
