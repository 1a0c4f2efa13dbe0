"""Refusals of the catalogue's actions that are no transitions."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalogue.actions.imports import RowProblem
    from catalogue.tables import CellProblem


class CatalogueRefused(Exception):  # noqa: N818  refusals read as sentences
    """Said to the person as it stands."""


class PersonRefused(CatalogueRefused):
    """Somebody cannot have this part in the delivery."""


class ScheduleRefused(CatalogueRefused):
    """Dates that do not fit together."""


class PolicyRefused(CatalogueRefused):
    """Policy values that are unknown or of the wrong kind, by key."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{key}: {text}" for key, text in problems.items()))


class ImportRefused(CatalogueRefused):
    """A list of people with problems: nobody was imported."""

    def __init__(self, problems: "list[RowProblem]") -> None:
        self.problems = problems
        super().__init__(f"{len(problems)} problems")


class RubricsRefused(CatalogueRefused):
    """A table of rubrics of which none can be taken. Nothing was made."""

    def __init__(self, problems: "list[CellProblem]") -> None:
        self.problems = problems
        super().__init__("; ".join(str(one) for one in problems))
