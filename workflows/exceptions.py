"""Refusals of the door. Each has one HTTP answer, given in one place (views.step_view)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from workflows.guards import Guard


class TransitionRefused(Exception):  # noqa: N818  the four refusals read as sentences
    """A step that did not happen. `instance` is the fresh row, where there is one."""

    http_status = 409
    headline: "str | _StrPromise" = _("This step was not taken.")

    def __init__(self, message: str = "", *, instance: Any = None) -> None:
        super().__init__(message or str(self.headline))
        self.instance = instance

    @property
    def reasons(self) -> list[str]:
        """One sentence for each thing that stands in the way."""
        return []


class NotPermitted(TransitionRefused):
    """The person may not take this step."""

    http_status = 403
    headline = _("You cannot do this.")


class StaleState(TransitionRefused):
    """The state has moved on, or never offered this step."""

    http_status = 409
    headline = _("This has changed since you opened the page.")


class StaleVersion(TransitionRefused):
    """Somebody saved another version of the same draft; both are kept for the person to choose."""

    http_status = 409
    headline = _("Somebody else saved a change first.")

    def __init__(self, mine: Any, theirs: Any, message: str = "") -> None:
        super().__init__(message, instance=theirs)
        self.mine = mine
        self.theirs = theirs


class OtherAnswers(TransitionRefused):
    """A form came twice under one key, with other answers the second time."""

    http_status = 422
    headline = _("This form was sent before with other answers.")

    @property
    def reasons(self) -> list[str]:
        return [str(self.headline)]


class GuardsNotMet(TransitionRefused):
    """The work is not ready. Carries every guard that refused, not only the first."""

    http_status = 422
    headline = _("This cannot be done yet.")

    def __init__(self, guards: "Sequence[Guard]", *, instance: Any = None) -> None:
        self.guards = list(guards)
        super().__init__(", ".join(one.code for one in self.guards), instance=instance)

    @property
    def codes(self) -> list[str]:
        return [one.code for one in self.guards]

    @property
    def reasons(self) -> list[str]:
        return [str(one.message) for one in self.guards]


class SetRefused(TransitionRefused):
    """A whole-set step in which at least one item could not move, so none did."""

    http_status = 422
    headline = _("Nothing was changed, because some items cannot move.")

    def __init__(self, refused: dict[Any, list[Any]]) -> None:
        self.refused = refused
        super().__init__(f"{len(refused)} refused")

    @property
    def reasons(self) -> list[str]:
        return sorted({str(one.message) for found in self.refused.values() for one in found})
