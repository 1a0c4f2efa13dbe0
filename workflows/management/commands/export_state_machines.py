"""`manage.py export_state_machines`: the machines as the code declares them."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from workflows.selectors import machines

WRITTEN_BY = (
    "Written by `manage.py export_state_machines --write`; a test fails when it is out of date."
)


def state_machines(found: list[dict[str, Any]]) -> str:
    """docs/state-machines.md: a diagram and a table of steps for each machine."""
    lines = ["# State machines", "", WRITTEN_BY]
    for one in found:
        lines += [
            "",
            f"## {one['machine']}",
            "",
            "```mermaid",
            "stateDiagram-v2",
            *diagram(one),
            "```",
        ]
        lines += ["", "| state | staff see |", "|---|---|"]
        lines += [f"| {state['value']} | {state['label']} |" for state in one["states"]]
        lines += ["", "| step | from | to | what must hold |", "|---|---|---|---|"]
        for step in one["steps"]:
            guards = "; ".join(f"`{item['code']}` {item['message']}" for item in step["guards"])
            sources = ", ".join(step["sources"]) or "(nothing)"
            lines.append(f"| {step['name']} | {sources} | {step['target']} | {guards or '–'} |")
    return "\n".join(lines) + "\n"


def diagram(machine: dict[str, Any]) -> Iterator[str]:
    """Arrows in Mermaid's language."""
    for step in machine["steps"]:
        for source in step["sources"] or ["[*]"]:
            yield f"    {source} --> {step['target']}: {step['name']}"


def permissions(found: list[dict[str, Any]]) -> str:
    """docs/permissions.md: who may take each step, by which rule, under which guards."""
    lines = [
        "# Who may take which step",
        "",
        WRITTEN_BY,
        "",
        "*Granted above* means that a higher app holds the rule; without it the step refuses everybody.",
    ]
    for one in found:
        lines += [
            "",
            f"## {one['machine']}",
            "",
            "| step | who may | rule | guards |",
            "|---|---|---|---|",
        ]
        for step in one["steps"]:
            guards = ", ".join(f"`{item['code']}`" for item in step["guards"]) or "–"
            above = ", granted above" if step["granted_above"] else ""
            says = step["rule_says"] or step["rule"].rsplit(".", 1)[-1]
            lines.append(f"| {step['name']} | {says} | `{step['rule']}`{above} | {guards} |")
    return "\n".join(lines) + "\n"


PAGES = {"state-machines.md": state_machines, "permissions.md": permissions}


class Command(BaseCommand):
    """Prints the machines as Markdown or JSON, or writes the two pages of the documentation."""

    help = "Prints every state machine: states, steps, who may, what must hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
        parser.add_argument("--write", action="store_true", help="write the pages in docs/")

    def handle(self, *args: Any, **options: Any) -> None:
        found = machines()
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2, ensure_ascii=False))
        elif options["write"]:
            for name, page in PAGES.items():
                target = Path(settings.BASE_DIR) / "docs" / name
                target.write_text(page(found), encoding="utf-8")
                self.stdout.write(f"Written: docs/{name}")
        else:
            self.stdout.write(state_machines(found), ending="")
