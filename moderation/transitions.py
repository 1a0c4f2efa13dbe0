"""Births of moderation: a round is opened, an item is drawn."""

from django.utils.translation import gettext_lazy as _

from moderation import rules
from moderation.enums import RoundState, SampleState
from workflows.transitions import Birth

OPEN_ROUND = Birth(
    machine="moderation.moderationround",
    name="open",
    into=RoundState.DRAFT,
    permission=rules.leads_delivery,
    conditions=[],
    past="opened",
    label=_("Open a round"),
)
DRAW_ITEM = Birth(
    machine="moderation.sampleitem",
    name="draw",
    into=SampleState.DRAWN,
    permission=rules.leads,
    conditions=[],
    past="drawn",
    label=_("Draw"),
)
