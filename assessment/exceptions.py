"""Mistakes of callers, which no page leads to, and what people leave out on one."""


class SealedDecisionChanged(Exception):  # noqa: N818  reads as a fact
    """Somebody tried to write to a sealed decision instead of adding a version."""


class ExemplarIncomplete(Exception):  # noqa: N818  reads as a fact
    """What an exemplar still needs before it can be frozen, in sentences for the page."""

    def __init__(self, missing: list[str]) -> None:
        self.missing = missing
        super().__init__(" ".join(missing))
