"""Refusals that are not about a state: bytes that cannot be taken, work that is locked."""

from typing import Any


class UploadRefused(Exception):  # noqa: N818  reads as a sentence where it is raised
    """The bytes were not taken. The message is shown to the person; nothing was kept of them."""

    def __init__(self, message: str, code: str = "refused") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class CriterionLocked(Exception):  # noqa: N818
    """A criterion that was met in an earlier attempt; its evidence and reflection stay as they were."""


class ReasonNeeded(Exception):  # noqa: N818
    """Somebody acts for somebody else, or against the usual way, and must say why."""


class KeyReused(Exception):  # noqa: N818
    """An idempotency key came back with another request. Nothing was done."""


class ScanIncomplete(Exception):  # noqa: N818
    """The scanner gave no verdict. Not scanned is not clean: the item waits."""


class ScannerAway(ScanIncomplete):
    """Nobody answered at the scanner's address, or hung up in the middle. Says nothing about the file."""


class UploadBusy(Exception):  # noqa: N818
    """Somebody else is sending to this upload just now, or has taken it over. Nothing was added."""


class OffsetDiffers(Exception):  # noqa: N818
    """The client goes on at another place than the bytes end. `offset` is where they end."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"The upload ends at byte {offset}.")
        self.offset = offset


class ChecksumDiffers(Exception):  # noqa: N818
    """A chunk does not have the checksum that was sent with it. Nothing of it was kept."""


class UploadGone(Exception):  # noqa: N818
    """The upload was removed or ran out of time; its bytes are not there any more."""


class NoRoom(OSError):  # noqa: N818
    """The store is full, or the folder for temporary files. Says nothing about the file; later it may go."""


def sentence(problem: Any) -> str:
    """What to show for any of these."""
    return str(getattr(problem, "message", "") or problem)
