"""Whether a version is ready for its next step."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from workflows.guards import guard

if TYPE_CHECKING:
    from catalogue.models import MicroCredentialVersion


@guard(
    "definition_not_whole",
    _(
        "Every outcome needs a criterion, and every criterion at least one met and one not-yet level."
    ),
)
def definition_whole(version: "MicroCredentialVersion") -> bool:
    """Nothing can be approved in which an outcome is never assessed (domain 2.2)."""
    outcomes = version.outcomes.prefetch_related("criteria__levels")
    return bool(outcomes) and all(
        criteria
        and all({level.is_met for level in one.levels.all()} == {True, False} for one in criteria)
        for criteria in (list(outcome.criteria.all()) for outcome in outcomes)
    )
