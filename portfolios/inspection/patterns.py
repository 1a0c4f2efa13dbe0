"""Numbers and addresses of people in a text, as a hint to cover them. Never covers anything itself."""

import re

PATTERNS = {
    "e-mail address": re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b"),
    "phone number": re.compile(r"(?<![\d.])(?:\+64|0)[ -]?(?:2\d|[34679])(?:[ -]?\d){6,8}(?!\d)"),
    # A National Student Number is nine or ten digits; there is no public check digit.
    "student number": re.compile(r"(?<!\d)(?<!\d[.,-])[1-9]\d{8,9}(?!\d|[.,-]\d)"),
    "health number": re.compile(r"\b[A-HJ-NP-Z]{3}\d{4}\b"),
}
"""Patterns of New Zealand numbers; each match is a guess."""
MOST = 2 * 1024 * 1024


def hints_of(text: str) -> dict[str, int]:
    """How many different ones of each kind are in the first two million letters."""
    counted = {kind: len(set(pattern.findall(text[:MOST]))) for kind, pattern in PATTERNS.items()}
    return {kind: number for kind, number in counted.items() if number}
