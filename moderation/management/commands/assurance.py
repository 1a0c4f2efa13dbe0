"""`manage.py assurance`: what a random part of this size with so many disagreements proves."""

import json
from argparse import ArgumentParser
from math import ceil
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.wording import percent
from moderation.assurance import (
    accept_hypergeometric,
    assurance,
    clopper_pearson,
    detection_probability,
    exact,
    wilson,
    zero_defect_size,
)


class Command(BaseCommand):
    """Arithmetic alone; touches no database."""

    requires_system_checks = ()
    help = "The exact upper bound on wrong decisions in a frame of which a random part was read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--frame", type=int, required=True, help="decisions drawn from at random"
        )
        parser.add_argument("--sample", type=int, required=True, help="how many of them were read")
        parser.add_argument("--disagreements", type=int, required=True, help="how many disagreed")
        parser.add_argument(
            "--alpha", type=float, default=0.05, help="risk; 0.05 is 95 %% confidence"
        )
        parser.add_argument(
            "--p-star", type=float, default=0.1, help="a share of wrong decisions not to be passed"
        )
        parser.add_argument("--json", action="store_true", help="print the figures as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the statement, or why there is none (ends with 1)."""
        frame, sample, found = options["frame"], options["sample"], options["disagreements"]
        alpha, p_star = options["alpha"], options["p_star"]
        problems = []
        if not 0 <= found <= sample <= frame:
            problems.append("Disagreements are at most the sample, the sample at most the frame.")
        if not 0 < alpha < 1:
            problems.append("--alpha lies between 0 and 1.")
        if not 0 < p_star < 1:
            problems.append("--p-star lies between 0 and 1.")
        if problems:
            raise CommandError("\n".join(problems))
        said = assurance(frame, sample, found, alpha)
        wrong = range(frame + 1) if frame <= 50 else [round(frame * at / 50) for at in range(51)]
        figures = {
            "frame": frame,
            "sample": sample,
            "disagreements": found,
            "alpha": alpha,
            "confidence": said.confidence,
            "upper_bound": said.at_most,
            "rate": said.at_most / frame if frame else 0.0,
            "statement": said.sentence,
            "observed": found / sample if sample else None,
            "clopper_pearson": clopper_pearson(found, sample, said.confidence) if sample else None,
            "wilson": wilson(found, sample, said.confidence) if sample else None,
            "p_star": p_star,
            "detection_probability": detection_probability(
                frame, ceil(exact(p_star) * frame), sample
            ),
            "zero_defect_size": zero_defect_size(frame, p_star, alpha),
            "operating_characteristic": [
                {"wrong": one, "accept": accept_hypergeometric(frame, sample, found, one)}
                for one in wrong
            ],
        }
        if options["json"]:
            self.stdout.write(json.dumps(figures, indent=2, allow_nan=False))
            return
        self.stdout.write(said.sentence)
        self.stdout.write(
            f"Were {percent(p_star)} wrong, a random part of {sample} would meet one with a chance of "
            f"{percent(figures['detection_probability'], 1)}; without disagreement {figures['zero_defect_size']} "
            f"readings rule that out at a risk of {alpha:g}."
        )
