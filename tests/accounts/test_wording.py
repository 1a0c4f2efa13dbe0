"""Per cent is written in one way: with a space that does not break."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from accounts.wording import percent

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "workflows", "catalogue", "portfolios", "assessment", "moderation", "awards")
OTHERWISE = re.compile(r":\.?\d*%\}|(?:\d|\}) ?%(?![}\w(%*,)])")
"""A format that writes 5%, and a figure before % with a plain space or none."""


@pytest.mark.parametrize(
    ("share", "digits", "words"),
    [
        (0.914, 0, "91\u00a0%"),
        (Fraction(5, 6), 1, "83.3\u00a0%"),
        (1, 0, "100\u00a0%"),
        (0, 0, "0\u00a0%"),
    ],
)
def test_how_a_share_is_written(share: float, digits: int, words: str) -> None:
    assert percent(share, digits) == words


def test_no_page_plot_or_record_writes_it_otherwise() -> None:
    files = [
        *(ROOT / "templates").rglob("*.html"),
        *(ROOT / "templates" / "emails").rglob("*.txt"),
        *(one for app in APPS for one in (ROOT / app).rglob("*.py")),
    ]
    found = []
    for one in files:
        if "migrations" in one.parts or one == ROOT / "accounts" / "wording.py":
            continue
        source = one.read_text()
        if one.suffix == ".py":  # what is said to people, not to readers of the code
            source = re.sub(r'"""[\s\S]*?"""|#.*', "", source)
        found += [
            f"{one.relative_to(ROOT)}: {line.strip()}"
            for line in source.splitlines()
            if OTHERWISE.search(re.sub(r"\{%|%\}|\\u00a0%", "", line))
        ]
    assert not found, "\n".join(found)
