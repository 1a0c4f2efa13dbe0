"""Leaving names out of what people wrote, where work is shown or handed on by codes."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q

from accounts.models import User
from moderation.models import ModerationRound
from portfolios.models import EvidenceItem

NAME = "[name withheld]"
FILE = "[file name withheld]"
ADDRESS = "[address withheld]"
ANY_ADDRESS = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
PLAIN = str.maketrans("āēīōūĀĒĪŌŪ", "aeiouAEIOU")
SHORTEST = 3
"""Letters that a part of a name has at least, to be looked for alone."""


class Withheld:
    """Replaces names of people, their addresses and the names of their files in any text.

    Whole names and file names are found however they are written, with or without macrons; a part of a
    name only with its capital, since many are words too. A nickname that nobody entered is not known.
    """

    def __init__(
        self, names: Iterable[str], parts: Iterable[str] = (), files: Iterable[str] = ()
    ) -> None:
        self.files = _any_of(files, re.IGNORECASE)
        self.names = _any_of(names, re.IGNORECASE)
        self.parts = _any_of((one for one in parts if len(one) >= SHORTEST), re.NOFLAG)

    def text(self, text: str) -> str:
        """The text without them."""
        text = ANY_ADDRESS.sub(ADDRESS, text)
        for pattern, instead in ((self.files, FILE), (self.names, NAME), (self.parts, NAME)):
            if pattern is not None:
                text = pattern.sub(instead, text)
        return text

    def inside(self, value: Any, keys: frozenset[str], *, here: bool = False) -> Any:
        """A tree of data with the texts under these keys rewritten, everything else as it was."""
        if isinstance(value, str):
            return self.text(value) if here else value
        if isinstance(value, Mapping):
            return {
                key: self.inside(one, keys, here=here or key in keys) for key, one in value.items()
            }
        if isinstance(value, list):
            return [self.inside(one, keys, here=here) for one in value]
        return value


def _any_of(words: Iterable[str], flags: re.RegexFlag) -> re.Pattern[str] | None:
    known = {one.strip() for one in words if one.strip()}
    known |= {one.translate(PLAIN) for one in known}
    if not known:
        return None
    longest_first = sorted(known, key=lambda one: (-len(one), one))
    inner = "|".join(re.escape(one) for one in longest_first)
    return re.compile(rf"(?<!\w)(?:{inner})(?!\w)", flags)


def withheld_from(moderation_round: ModerationRound) -> Withheld:
    """Everybody in the round's delivery and set, and the names of files of its learners. Two queries.

    Of learners every part of the name is left out, of staff the whole name and the first.
    """
    people = User.objects.filter(
        Q(delivery_roles__delivery=moderation_round.delivery_id)
        | Q(submissions__round_members__round=moderation_round)
        | Q(decisions__submission__round_members__round=moderation_round)
        | Q(parts__submission__round_members__round=moderation_round)
    )
    names: set[str] = set()
    parts: set[str] = set()
    set_of = moderation_round.members.values("submission__learner_id")
    learners = set(User.objects.filter(pk__in=set_of).values_list("pk", flat=True))
    for person in people.distinct():
        names |= {person.name, person.email}
        own = [*person.name.split(), *person.preferred_name.split()]
        parts |= set(own if person.pk in learners else own[:1])
    files = EvidenceItem.objects.filter(
        pins__submission__round_members__round=moderation_round
    ).exclude(original_name="")
    return Withheld(names, parts, files.values_list("original_name", flat=True).distinct())
