"""What a cell of the table of addresses says, and the cells that many rows share."""

from dataclasses import dataclass

from tests.routes.places import OUT

IN_DELIVERY = "owner hone ada abe ana cora moses ed lea pam rita rob prue"
"""Who sees the delivery of the cast."""


@dataclass(frozen=True)
class Row:
    """One address about one thing."""

    view: str
    place: str
    get: str
    post: str

    @property
    def name(self) -> str:
        return f"{self.view} ({self.place})"

    def expected(self, method: str, persona: str) -> int:
        """The status for a persona, by the name that the table uses."""
        return cell(self.get if method == "GET" else self.post, persona)


def cell(spec: str, persona: str) -> int:
    """Read one cell. KeyError when it says nothing of the persona."""
    if spec == "405":
        return 405
    if spec.startswith("all "):
        return int(spec.removeprefix("all "))
    rest = None
    for part in spec.split(" | "):
        status, _colon, names = part.partition(": ")
        if not names:
            rest = int(status)
        elif persona in names.split():
            return int(status)
    if persona in OUT:
        return 302
    if rest is None:
        raise KeyError(f"{spec!r} says nothing of {persona}")
    return rest


def only(who: str, rest: int, status: int = 200) -> str:
    return f"{status}: {who} | {rest}"


def delivery_page(who: str, status: int = 200) -> str:
    """These; 403 for everybody else who sees the delivery of the cast, 404 for the others."""
    mine = who.split()
    seen = " ".join(name for name in IN_DELIVERY.split() if name not in mine)
    return f"{status}: {who} | 403: {seen} | 404"


def staff_page(who: str, status: int = 200) -> str:
    """The same for a delivery made by places.with_staff: without Hōne and Cora."""
    mine = who.split()
    seen = " ".join(name for name in IN_DELIVERY.split() if name not in (*mine, "hone", "cora"))
    return f"{status}: {who} | 403: {seen} | 404"


OWN = "200: owner | 403: pam prue | 404"
OWN_GOES = "302: owner | 403: pam prue | 404"
NOT_IN = "401: out vic closed"
"""Programs that send files are told so instead of being led to a page."""
UPLOAD_POST = f"405: owner | {NOT_IN} | 405"
ADMIN = "pam prue"
CATALOGUE = "pam otto prue arthur petronella olga"
MARKS = "ada abe ana cora lea pam otto prue olga"
BEGINS = "302: ada abe ana cora | 422: otto | 403: lea | 404"
"""Otto moderates too, and so has read what was agreed."""
CHOSEN = "{}: lea pam prue | 404: ada abe ana cora otto olga | 403"
"""Whoever marks may not know of what nobody has; others have no queue."""
MODERATES = "moses ed lea otto"
ANYBODY = "200"
READS = "403: ada abe ana cora moses ed"
SHOWN = "ada abe ana cora moses ed lea otto"
"""Who assesses or moderates a delivery of the micro-credential."""
CLOSED_REST = "403: moses ed | 404"
LEADS_CLOSED = f"200: lea | {CLOSED_REST}"
