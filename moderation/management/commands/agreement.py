"""`manage.py agreement RATINGS.csv`: how far raters agree, by every coefficient that is defined."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.wording import percent
from moderation import agreement, coefficients
from moderation.estimates import Codes, Estimate
from moderation.intraclass import MeanSquares, complete, measurement
from moderation.ratings import COLUMNS, SCALES, Ratings, ratings_of
from moderation.tables import UnreadableTable, parse, read_file

SUITS = {
    "nominal": ("kappa", "scott_pi", "fleiss_kappa", "conger_kappa", "brennan_prediger", "ac1", "alpha_nominal"),
    "ordinal": ("kappa_linear", "kappa_quadratic", "ac2_linear", "ac2_quadratic", "alpha_ordinal"),
    "interval": ("kappa_quadratic", "ac2_quadratic", "alpha_interval", "icc_2_1", "icc_3_1"),
    "ratio": ("alpha_ratio", "icc_2_1", "icc_3_1"),
}  # fmt: skip
"""What is usually reported for a scale; marked in the table."""


class Command(BaseCommand):
    """Reads the file whole or not at all, and touches no database."""

    requires_system_checks = ()
    help = "Agreement of ratings in a CSV file with the columns item, rater and category."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="RATINGS.csv")
        parser.add_argument("--scale", choices=SCALES, default="ordinal")
        parser.add_argument(
            "--categories",
            default="",
            help="all categories from lowest to highest, parted by commas, also unused ones",
        )
        parser.add_argument("--json", action="store_true", help="print the coefficients as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the coefficients, or everything that is wrong with the file (ends with 1)."""
        file: Path = options["file"]
        named = [one.strip() for one in options["categories"].split(",") if one.strip()]
        try:
            ratings = ratings_of(parse(read_file(file), COLUMNS), options["scale"], named)
        except UnreadableTable as error:
            lines = "\n".join(f"{file}: {problem}" for problem in error.problems)
            raise CommandError(f"{lines}\nNothing was computed.") from error
        found = coefficients.coefficients(ratings, options["scale"])
        if options["json"]:
            shown = {key: one.as_json() for key, one in found.items()}
            self.stdout.write(json.dumps(shown, indent=2, allow_nan=False))
            return
        for line in self.readable(ratings, found, options["scale"]):
            self.stdout.write(line)

    def readable(self, ratings: Ratings, found: dict[str, Estimate], scale: str) -> list[str]:
        """A table for people: what each figure is, and what the others lack."""
        counts = agreement.tally(ratings.codes, len(ratings.categories))
        size = f"{len(ratings.items)} items, {len(ratings.raters)} raters, {counts.sum()} ratings"
        lines = [
            f"{size}. Categories: {', '.join(ratings.categories)}.",
            "",
            f"{'':2}{'statistic':<44}{'value':>9}{'error':>9}{percent(0.95) + ' interval':>20}{'items':>7}",
        ]
        observed = {"": _observed(counts, "identity", "same category")}
        if ratings.ordered:
            observed[" "] = _observed(counts, "adjacent", "same or next category")
        for key, one in (observed | found).items():
            if one.value is None:
                continue
            mark = "*" if key in SUITS[scale] else " "
            spread = "" if one.se is None else f"{one.se:.4f}"
            lines.append(
                f"{mark:2}{one.statistic:<44}{one.value:>9.4f}{spread:>9}{_ends(one):>20}{one.n:>7}"
            )
        lines += ["", f"* usual for the {scale} scale", *_of_numbers(ratings, scale)]
        lines += [f"– {one.statistic}: {one.reason}" for one in found.values() if one.value is None]
        return lines


def _observed(counts: Codes, kind: str, words: str) -> Estimate:
    name = f"Observed agreement ({words})"
    return agreement.observed_agreement(counts, agreement.weights(kind, counts.shape[1]), name=name)


def _ends(one: Estimate) -> str:
    if one.low is None or one.high is None:
        return ""
    return f"{one.low:.4f} to {one.high:.4f}"


def _of_numbers(ratings: Ratings, scale: str) -> list[str]:
    """Signed bias of two raters and errors of measurement, in units of the scale."""
    if ratings.values is None or scale == "nominal" or len(ratings.raters) < 2:
        return []
    rated = complete(ratings.numbers)
    if len(rated) < 2:
        return []
    sem = measurement(MeanSquares.of(rated))
    sizes = (
        f"{sem.consistency:.4f} (consistency, error {sem.consistency_error:.4f}), "
        f"{sem.absolute:.4f} (absolute, error {sem.absolute_error:.4f})"
    )
    lines = [f"Standard error of measurement: {sizes}, in units of the scale."]
    if len(ratings.raters) == 2:
        first, second = ratings.raters
        gap = agreement.mean_difference(rated[:, 0], rated[:, 1])
        lines.append(
            f"Bias: {first} minus {second} is {gap.value:+.4f} on average, {percent(0.95)} interval "
            f"{gap.low:+.4f} to {gap.high:+.4f}."
        )
    return lines
