"""Mistakes a person can make on a page of moderation; the page says what to do."""


class ReasonNeeded(Exception):  # noqa: N818  reads as a fact
    """A decision without its reason."""


class NothingDiffers(Exception):  # noqa: N818  reads as a fact
    """Adjusting where both gave the same levels."""


class IncompleteReading(Exception):  # noqa: N818  reads as a fact
    """A blind reading that leaves a criterion open. Carries the codes."""

    def __init__(self, codes: list[str]) -> None:
        self.codes = codes
        super().__init__(", ".join(codes))


class NothingOwed(Exception):  # noqa: N818  reads as a fact
    """An extension where nothing is left to draw."""


class PlanUnchanged(Exception):  # noqa: N818  reads as a fact
    """A new plan with the rules of the old one."""


class InvitationRefused(Exception):  # noqa: N818  reads as a fact
    """Somebody who cannot be asked to look at a round, with the reason in a sentence for the form."""


class ReportIncomplete(Exception):  # noqa: N818  reads as a fact
    """A report from outside that lacks its finding or its words."""


class MeetingIncomplete(Exception):  # noqa: N818  reads as a fact
    """What the record of a meeting lacks before it can be signed, in sentences."""

    def __init__(self, missing: list[str]) -> None:
        self.missing = missing
        super().__init__(" ".join(missing))
