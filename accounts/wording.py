"""How figures are written, the same on pages, plots and records. Knows no Django."""

NO_BREAK = "\u00a0"


def percent(share: float, digits: int = 0) -> str:
    """A share of 1 as per cent, with a space that does not break the line: 0.914 is 91 %."""
    return f"{100 * float(share):.{digits}f}{NO_BREAK}%"
