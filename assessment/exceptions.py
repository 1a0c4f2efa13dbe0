"""Mistakes of callers, which no page leads to, and what people leave out, or put in, on one."""


class SealedDecisionChanged(Exception):  # noqa: N818  reads as a fact
    """Somebody tried to write to a sealed decision instead of adding a version."""


class ExemplarIncomplete(Exception):  # noqa: N818  reads as a fact
    """What an exemplar still needs before it can be frozen, in sentences for the page."""

    def __init__(self, missing: list[str]) -> None:
        self.missing = missing
        super().__init__(" ".join(missing))


class NameInPreparedComment(Exception):  # noqa: N818  reads as a fact
    """A prepared comment holds a learner's name. `word` is the first that is one."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class EarlyNoteNeeded(Exception):  # noqa: N818  reads as a fact
    """A concern, or a decision that needs a reason, came without words."""


class CalibrationRefused(Exception):  # noqa: N818  reads as a fact
    """What keeps somebody from calibrating, or from waiving it, as a sentence for the page."""


class SeedsRefused(Exception):  # noqa: N818  reads as a fact
    """What keeps agreed work from being hidden, or its assessors from being told, in sentences for the page."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons
