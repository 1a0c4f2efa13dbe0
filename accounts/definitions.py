"""The keyboard map: what single keys do on the pages of marking, once a person has switched them on. Pure.

Off until chosen, each key can be another one, and none works while somebody types (WCAG 2.1.4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Shortcut:
    """One key with what it does in the queue and in the workspace; empty where it does nothing there."""

    action: str
    key: str
    queue: str = ""
    workspace: str = ""

    @property
    def words(self) -> str:
        """What it does, for the list of all."""
        if self.workspace and self.queue and self.workspace != self.queue:
            return f"{self.workspace} (in the queue: {self.queue[0].lower()}{self.queue[1:]})"
        return self.workspace or self.queue


GO = "Then h for home, q for the queue, m for messages"

SHORTCUTS = (
    Shortcut("next", "j", "Next row", "Next criterion"),
    Shortcut("previous", "k", "Previous row", "Previous criterion"),
    Shortcut("open", "o", "Open the row"),
    Shortcut("level_1", "1", "", "First level of the criterion"),
    Shortcut("level_2", "2", "", "Second level"),
    Shortcut("level_3", "3", "", "Third level"),
    Shortcut("level_4", "4", "", "Fourth level"),
    Shortcut("evidence_back", "[", "", "Previous evidence"),
    Shortcut("evidence_on", "]", "", "Next evidence"),
    Shortcut("evidence", "e", "", "Go to the evidence"),
    Shortcut("rubric", "r", "", "Go to the rubric"),
    Shortcut("write", "f", "Go to the filters", "Write feedback on the criterion"),
    Shortcut("comment", "c", "", "Comment on the evidence"),
    Shortcut("bank", "b", "", "Prepared comments for the criterion"),
    Shortcut("flag", "x", "", "Flag the piece of evidence, or the work, for later"),
    Shortcut("save", "n", "Start marking", "Save and next"),
    Shortcut("skip", "s", "", "Go to the next without a verdict"),
    Shortcut("go", "g", GO, GO),
    Shortcut("help", "?", "Show the keys", "Show the keys"),
)  # fmt: skip


@dataclass(frozen=True)
class Keys:
    """A person's own map."""

    on: bool
    by_action: Mapping[str, str]

    def lines(self, page: str) -> list[tuple[str, str, str]]:
        """Action, key and words of those that do something on the page: "queue" or "workspace"."""
        return [
            (one.action, self.by_action[one.action], str(getattr(one, page)))
            for one in SHORTCUTS
            if getattr(one, page)
        ]


def keys_of(saved: Mapping[str, Any] | None) -> Keys:
    """What a person chose, with the defaults for the rest."""
    chosen = (saved or {}).get("keys", {})
    return Keys(
        bool((saved or {}).get("on")),
        {one.action: str(chosen.get(one.action) or one.key) for one in SHORTCUTS},
    )
