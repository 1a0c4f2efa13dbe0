"""Reading one by one until enough is known: Wald's sequential probability ratio test (1945). Pure."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, floor, log
from typing import Any

from moderation.estimates import np


class Verdict(StrEnum):
    """What the disagreements so far say."""

    ACCEPT = "accept"
    REJECT = "reject"
    GO_ON = "go_on"


@dataclass(frozen=True)
class Sequential:
    """The test of a share of `p1` (good enough) against `p2` (not to be passed).

    `alpha` is the most that a set with a share of p1 is rejected, `beta` that one with p2 is accepted.
    Accept once the disagreements are at most −h1 + s·n, reject once they are at least h2 + s·n.
    ValueError unless p1 < p2 and all four lie between 0 and 1, with alpha + beta < 1.
    """

    p1: float = 0.01
    p2: float = 0.06
    alpha: float = 0.05
    beta: float = 0.10

    def __post_init__(self) -> None:
        if not 0 < self.p1 < self.p2 < 1:
            raise ValueError("0 < p1 < p2 < 1")
        if not (self.alpha > 0 and self.beta > 0 and self.alpha + self.beta < 1):
            raise ValueError("alpha and beta are above 0 and together below 1.")

    @property
    def k(self) -> float:
        """Logarithm of the odds ratio of p2 to p1."""
        return log(self.p2 * (1 - self.p1) / (self.p1 * (1 - self.p2)))

    @property
    def h1(self) -> float:
        return log((1 - self.alpha) / self.beta) / self.k

    @property
    def h2(self) -> float:
        return log((1 - self.beta) / self.alpha) / self.k

    @property
    def s(self) -> float:
        """Slope of both lines: the share at which the test is most in doubt."""
        return log((1 - self.p1) / (1 - self.p2)) / self.k

    def accept_number(self, read: int) -> int | None:
        """Most disagreements with which the set is accepted after so many readings; None before it can be."""
        number = floor(self.s * read - self.h1)
        return number if number >= 0 else None

    def reject_number(self, read: int) -> int | None:
        """Fewest disagreements with which the set is rejected; None where even all would not be enough."""
        number = ceil(self.s * read + self.h2)
        return number if number <= read else None

    def verdict(self, read: int, found: int) -> Verdict:
        """What `found` disagreements among `read` readings say, had the test not ended before."""
        accept, reject = self.accept_number(read), self.reject_number(read)
        if accept is not None and found <= accept:
            return Verdict.ACCEPT
        if reject is not None and found >= reject:
            return Verdict.REJECT
        return Verdict.GO_ON

    def enough(self, found: int = 0) -> int:
        """How many readings accept the set if no more than `found` disagree."""
        return ceil((found + self.h1) / self.s)

    def boundaries(self, upto: int) -> list[dict[str, Any]]:
        """Both numbers after each reading up to `upto`, for a table or a plot."""
        return [
            {"read": n, "accept": self.accept_number(n), "reject": self.reject_number(n)}
            for n in range(1, upto + 1)
        ]

    def shown(self, frame: int) -> list[dict[str, Any]]:
        """Some ten of these lines, as far as two disagreements can be accepted in a frame of this size."""
        upto = min(frame, self.enough(2))
        every = max(1, upto // 10)
        return [one for one in self.boundaries(upto) if one["read"] % every == 0]

    def operating(self, share: float, upto: int = 2000) -> "Operating":
        """Chance to accept and to reject, and readings needed on average, where `share` is wrong.

        Exact, by following all ways through the first `upto` readings of an endless frame.
        """
        alive = np.zeros(upto + 2)
        alive[0] = 1.0
        accepted = rejected = readings = 0.0
        for n in range(1, upto + 1):
            readings += float(alive.sum())
            moved = alive * (1 - share)
            moved[1:] += alive[:-1] * share
            if (number := self.accept_number(n)) is not None:
                accepted += float(moved[: number + 1].sum())
                moved[: number + 1] = 0
            if (number := self.reject_number(n)) is not None:
                rejected += float(moved[number:].sum())
                moved[number:] = 0
            alive = moved
        return Operating(accepted, rejected, readings)


def in_words(test: Sequential, read: int, found: int, drawn: int, frame: int) -> str:
    """What the test says after so many readings at random of so many drawn from a frame, and what to do about it.

    It looks at the sums alone, in whatever order the work was read: a line that was crossed on the way and left
    again is not told.
    """
    said = f"Step by step: {read} read at random, {found} of them judged differently."
    if read >= frame:
        return f"{said} All of the random frame was read, so nothing is in doubt."
    verdict = test.verdict(read, found)
    if verdict is Verdict.ACCEPT:
        return f"{said} That is enough to accept the set."
    if verdict is Verdict.REJECT:
        return f"{said} That is too many to accept the set as it is. Adjust it, or have it assessed again."
    enough = min(frame, test.enough(found))
    said = f"{said} That is not enough to say. If no more are, {enough} in all accept the set"
    if enough <= drawn:
        return f"{said}: as many have been drawn."
    return f"{said}: extend the sample by {enough - drawn}."


@dataclass(frozen=True)
class Operating:
    """How a sequential plan works at one share of wrong decisions."""

    accept: float
    reject: float
    readings: float
