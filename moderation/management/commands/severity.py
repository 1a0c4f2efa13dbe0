"""`manage.py severity RATINGS.csv`: how severe each rater is, by a many-facet Rasch model."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.wording import percent
from moderation.joint import fit_jointly
from moderation.judgements import Incomparable, read
from moderation.ranking import report
from moderation.severity import NARROW, WIDE, fit
from moderation.tables import UnreadableTable, parse, read_file


class Command(BaseCommand):
    """Reads the file whole or not at all, ranks nobody in a design that cannot, and touches no database."""

    requires_system_checks = ()
    help = (
        "Severity of raters from a CSV file: columns person, rater, category and facets such as criterion, "
        "or one line for each person with columns rater_1, rater_2, …"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="RATINGS.csv")
        parser.add_argument(
            "--facet",
            action="append",
            default=[],
            metavar="COLUMN",
            help="a further column of a long file to take as a facet (criterion is taken by itself)",
        )
        parser.add_argument(
            "--grid",
            choices=("wide", "narrow"),
            default="wide",
            help="places of persons: −12 to 12 by 61 (wide), or −6 to 6 by 21, to compare with TAM",
        )
        parser.add_argument(
            "--joint",
            action="store_true",
            help="joint maximum likelihood, to compare with FACETS; biased outward",
        )
        parser.add_argument("--json", action="store_true", help="print everything as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the estimates, or why there are none (ends with 1)."""
        file: Path = options["file"]
        try:
            data = read(parse(read_file(file)), ("criterion", *options["facet"]))
            if options["joint"]:
                found = report(fit_jointly(data))
            else:
                found = report(fit(data, WIDE if options["grid"] == "wide" else NARROW))
        except UnreadableTable as error:
            lines = "\n".join(f"{file}: {problem}" for problem in error.problems)
            raise CommandError(f"{lines}\nNothing was computed.") from error
        except (Incomparable, ArithmeticError) as error:
            raise CommandError(f"{file}: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2, allow_nan=False))
            return
        for line in readable(found):
            self.stdout.write(line)


def readable(found: dict[str, Any]) -> list[str]:
    """The estimates as tables for people, in logits."""
    steps = ", ".join(f"{one['value']:.4f} ({one['error']:.4f})" for one in found["thresholds"])
    lines = [
        f"{found['persons']} persons, {found['judgements']} judgements, by {found['method']}.",
        f"Thresholds (error): {steps}.",
    ]
    if found["population"]["sd"] is not None:
        mean, sd = found["population"]["mean"], found["population"]["sd"]
        lines.append(f"Persons: mean {mean:.4f}, standard deviation {sd:.4f}.")
    lines.append(f"Explained variance: {percent(found['explained_variance'], 2)}.")
    for name, facet in found["facets"].items():
        lines += [
            "",
            f"{name:<24}{'effect':>9}{'error':>8}{'shrunk':>9}{'infit':>7}{'outfit':>8}{'persons':>9}{'shared':>8}",
        ]
        for one in facet["levels"]:
            mark = "" if name != "rater" or one["shown"] else "  too few shared reads to show"
            lines.append(
                f"{one['name']:<24}{one['effect']:>9.4f}{one['error']:>8.4f}{one['shrunk']:>9.4f}"
                f"{one['infit']:>7.2f}{one['outfit']:>8.2f}{one['persons']:>9}{one['shared']:>8}{mark}"
            )
        apart = facet["separation"]
        lines.append(
            f"separation {apart['separation']:.3f}, strata {apart['strata']:.2f}, reliability "
            f"{apart['reliability']:.4f}, chi-square {apart['chi2']:.2f} with {apart['freedom']} "
            f"degrees of freedom (p = {apart['p']:.4g})"
        )
        if facet["left_out"]:
            out = ", ".join(facet["left_out"])
            lines.append(f"left out, all judgements lowest or all highest: {out}")
    lines += ["", "A severity steers sampling and private feedback. It never changes a result."]
    return lines
