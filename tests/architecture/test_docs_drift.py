"""Generated pages say what the code says."""

from pathlib import Path

import pytest

from workflows.management.commands.export_state_machines import PAGES
from workflows.selectors import machines

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_up_to_date(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == PAGES[name](machines()), (
        f"run manage.py export_state_machines --write ({name})"
    )


def test_the_submission_machine_is_the_one_of_the_lifecycle() -> None:
    found = next(one for one in machines() if one["machine"] == "portfolios.submission")
    assert len(found["states"]) == 11
    arrows = {(source, step["target"]) for step in found["steps"] for source in step["sources"]}
    assert len(found["steps"]) == 16
    assert len(arrows) == 15
