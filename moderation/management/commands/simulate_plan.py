"""`manage.py simulate_plan PAST.csv --seed N`: what a plan would have cost and met in a past cohort."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.wording import percent
from moderation import verification
from moderation.management.commands.draw_sample import policy_of
from moderation.simulation import BOUNDARY, GRADE, Past, simulate
from moderation.tables import Problem, UnreadableTable, parse, read_file

SAID = {"agreed": "", GRADE: GRADE, BOUNDARY: BOUNDARY, "": None}
"""What the column says, and what a simulation takes it for."""


class Command(BaseCommand):
    """Draws the cohort many times under the policy, extensions included. Touches no database."""

    requires_system_checks = ()
    help = (
        "Workload and detections of a plan, from a population file with one more column, disagreement: "
        "agreed, grade or pass_fail for what was read, nothing for what was not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="PAST.csv")
        parser.add_argument("--seed", required=True, help="the same seed gives the same figures")
        parser.add_argument("--policy", type=Path, help="a sampling policy as JSON")
        parser.add_argument("--times", type=int, default=200, help="how often to draw")
        parser.add_argument("--json", action="store_true", help="print the figures as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the figures, or everything that is wrong with the files (ends with 1)."""
        policy = policy_of(options["policy"])
        if options["times"] < 1:
            raise CommandError("--times is 1 or more.")
        file: Path = options["file"]
        try:
            cohort = past_of(read_file(file), policy)
        except UnreadableTable as error:
            lines = "\n".join(f"{file}: {problem}" for problem in error.problems)
            raise CommandError(f"{lines}\nNothing was simulated.") from error
        if not cohort:
            raise CommandError(f"{file}: There are no decisions in the file.")
        found = simulate(
            cohort,
            verification.sampling_rules(policy),
            options["seed"].strip(),
            size=verification.size_rule(policy),
            times=options["times"],
            full_on=policy["escalate.full_on"],
        ).as_json()
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
            return
        self.stdout.write(
            f"{found['cohort']} decisions, known disagreements: {found['known_disagreements']}, drawn "
            f"{found['repetitions']} times with all extensions.\n"
            f"To read: {found['workload']:.1f} on average, {found['least']} to {found['most']}.\n"
            f"Disagreements met: {found['met']:.1f} on average; at least one in {percent(found['detects'])}.\n"
            f"Never read in the past, so unknown: {found['never_read']:.1f} of those drawn."
        )


def past_of(text: str, policy: dict[str, Any]) -> list[Past]:
    """The cohort of a file. Raises UnreadableTable with everything that is wrong."""
    table = parse(text, ("disagreement",))
    problems = [
        Problem(
            line.number, f"“{line['disagreement']}” is not agreed, {GRADE}, {BOUNDARY} or empty."
        )
        for line in table
        if line["disagreement"] not in SAID
    ]
    try:
        rows = verification.rows_under(text, policy)
    except UnreadableTable as error:
        raise UnreadableTable([*problems, *error.problems]) from error
    if problems:
        raise UnreadableTable(problems)
    said = {line["id"]: SAID[line["disagreement"]] for line in table}
    return [Past(row, said[row.key]) for row in rows]
