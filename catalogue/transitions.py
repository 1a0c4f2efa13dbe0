"""Birth of a version."""

from django.utils.translation import gettext_lazy as _

from catalogue import rules
from catalogue.enums import VersionState
from workflows.transitions import Birth

DRAFT_VERSION = Birth(
    machine="catalogue.microcredentialversion",
    name="draft",
    into=VersionState.DRAFT,
    permission=rules.writes_for,
    conditions=[],
    past="drafted",
    label=_("Draft"),
)
