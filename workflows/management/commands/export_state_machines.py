"""`manage.py export_state_machines`: the machines as the code declares them."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from workflows.selectors import machines


class Command(BaseCommand):
    """Prints Markdown for docs/state-machines.md, or JSON."""

    help = "Prints every state machine: states, steps, who may, what must hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")

    def handle(self, *args: Any, **options: Any) -> None:
        found = machines()
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2, ensure_ascii=False))
            return
        self.stdout.write("# State machines\n\nWritten by `manage.py export_state_machines`.\n")
        for one in found:
            self.stdout.write(f"\n## {one['machine']}\n")
            states = ", ".join(f"{state['value']} ({state['label']})" for state in one["states"])
            self.stdout.write(
                f"\nStates: {states}.\n\n| step | from | to | rule | guards |\n|---|---|---|---|---|\n",
                ending="",
            )
            for step in one["steps"]:
                sources = ", ".join(step["sources"]) or "–"
                guards = "; ".join(f"{item['code']}: {item['message']}" for item in step["guards"])
                self.stdout.write(
                    f"| {step['name']} | {sources} | {step['target']} | {step['rule']} | {guards or '–'} |"
                )
