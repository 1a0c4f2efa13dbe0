"""`manage.py draw_sample POPULATION.csv --seed N`: the sample that this seed gives, drawn as the screen draws.

`manage.py draw_sample RECORD.json` takes population, policy, seed and extensions from the record of a round.
"""

import json
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from moderation import policies, sampling, verification
from moderation.tables import UnreadableTable, read_file


@dataclass(frozen=True)
class Draw:
    """Everything that a sample is drawn from."""

    population: str
    policy: dict[str, Any]
    seed: str
    algorithm: str
    extensions: list[tuple[str, int]]


class Command(BaseCommand):
    """For auditors: needs the population as a file, the seed and the policy, and touches no database.

    A record is not checked here, only drawn from: `verify_round` says whether it is what was signed.
    """

    requires_system_checks = ()
    help = "Draw a sample from a CSV file with the columns id, assessor, band, outcome and flags."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            metavar="POPULATION.csv",
            help="the population, or the record of a round (.json), which holds all the rest",
        )
        parser.add_argument("--seed", help="the seed, taken as it is written; a record has its own")
        parser.add_argument(
            "--plan", type=int, help="of a record: the number of the plan, else the first one drawn"
        )
        parser.add_argument("--policy", type=Path, help="a sampling policy as JSON")
        parser.add_argument(
            "--extend",
            action="append",
            default=[],
            metavar="ASSESSOR=COUNT",
            help="then so many more of one assessor; may be given again, in the order of the extensions",
        )
        parser.add_argument(
            "--algorithm",
            choices=sampling.ALGORITHMS,
            help="the one that the record names; without it the last, by which new rounds are drawn",
        )
        parser.add_argument("--json", action="store_true", help="print the draw as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the draw, or everything that is wrong with the files (ends with 1)."""
        file: Path = options["file"]
        try:
            asked = from_record(options) if file.suffix == ".json" else from_population(options)
            policy = asked.policy
            rows = verification.rows_under(asked.population, policy)
        except UnreadableTable as error:
            lines = "\n".join(f"{file}: {problem}" for problem in error.problems)
            raise CommandError(f"{lines}\nNothing was drawn.") from error
        if not rows:
            raise CommandError(f"{file}: There are no decisions in the file.")
        seed, algorithm = asked.seed, asked.algorithm
        shuffle = sampling.shuffle_of(rows, seed, algorithm)
        rules, size = verification.sampling_rules(policy), verification.size_rule(policy)
        plan = sampling.draw(rows, rules, seed, size, algorithm)
        picks = list(plan.picks)
        for assessor, count in asked.extensions:
            drawn = {pick.key for pick in picks}
            picks += sampling.extend(plan.frame, drawn, assessor, count, shuffle)
        found = {
            "algorithm": algorithm,
            "seed": seed,
            "population_hash": sampling.population_hash(rows, algorithm),
            "population": len(rows),
            "frame": len(plan.frame),
            "targeted": len(plan.targeted),
            "random": len(picks) - len(plan.targeted),
            "size": size_words(policy),
            "policy": policy,
            "picks": [_pick(pick) for pick in picks],
        }
        if policy["sample.sequential"]:
            found["boundaries"] = verification.sequential_of(policy).boundaries(len(plan.frame))
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
            return
        for line in readable(found):
            self.stdout.write(line)


def from_population(options: dict[str, Any]) -> Draw:
    """What the options say beside a population file."""
    if not options["seed"]:
        raise CommandError("--seed: a population file is drawn from with the seed of its record.")
    return Draw(
        read_file(options["file"]),
        policy_of(options["policy"]),
        options["seed"].strip(),
        options["algorithm"] or sampling.ALGORITHM,
        [_extension(one) for one in options["extend"]],
    )


def from_record(options: dict[str, Any]) -> Draw:
    """What a record holds of one plan, with the extensions that were drawn under it. Options go before it."""
    file: Path = options["file"]
    try:
        record = json.loads(read_file(file))
        drawn = record["draws"]
        wanted = options["plan"] or drawn[0]["plan"]
        plan = next(one for one in record["plans"] if one["number"] == wanted)
        asked = [
            (one["assessor"], int(one["count"]))
            for draw in drawn
            if draw["plan"] == wanted and draw["because"] == "extension"
            for one in draw["asked"]
        ]
        return Draw(
            plan["population"],
            policy_of(options["policy"])
            if options["policy"]
            else policies.DEFAULTS | plan["policy"],
            options["seed"].strip() if options["seed"] else plan["seed"],
            options["algorithm"] or plan["algorithm"],
            [_extension(one) for one in options["extend"]] or asked,
        )
    except StopIteration as error:
        raise CommandError(f"{file}: The record has no plan {options['plan']}.") from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise CommandError(
            f"{file}: This is not the record of a round that was drawn. Nothing was drawn."
        ) from error


def policy_of(file: Path | None) -> dict[str, Any]:
    """The policy of a file, or the defaults without one. CommandError with everything that is wrong."""
    if file is None:
        return dict(policies.DEFAULTS)
    try:
        return policies.load(read_file(file))
    except UnreadableTable as error:
        raise CommandError("\n".join(f"{file}: {one}" for one in error.problems)) from error
    except policies.UnusablePolicy as error:
        lines = "\n".join(f"{file}: {problem}" for problem in error.problems)
        raise CommandError(f"{lines}\nNothing was drawn.") from error


def size_words(policy: dict[str, Any]) -> str:
    """What decided how large the random part is, in the order in which the rules go before each other."""
    if policy["sample.custom_size"]:
        return "chosen"
    if policy["sample.sequential"]:
        return "sequential"
    return "assurance" if policy["sample.by_assurance"] else "customary"


def _extension(text: str) -> tuple[str, int]:
    assessor, _sign, count = text.rpartition("=")
    if not assessor or not count.isdecimal():
        raise CommandError(f"--extend {text}: write the assessor, =, and how many more.")
    return assessor, int(count)


def _pick(pick: sampling.Pick) -> dict[str, Any]:
    return {
        "id": pick.key,
        "part": pick.part,
        "reason": ";".join(pick.reasons),
        "stratum": pick.stratum,
        "probability": float(pick.probability),
        "exactly": str(pick.probability),
    }


def readable(found: dict[str, Any]) -> list[str]:
    """The draw as a table for people."""
    lines = [
        f"Algorithm {found['algorithm']}, seed {found['seed']}, size {found['size']}",
        f"Population {found['population']}, SHA-256 {found['population_hash']}",
        f"{found['targeted']} targeted in full, {found['random']} at random of {found['frame']}",
        "",
        f"{'id':<24}{'part':<10}{'stratum':<24}{'probability':>12}  reason",
    ]
    lines += [
        f"{one['id']:<24}{one['part']:<10}{one['stratum']:<24}{one['exactly']:>12}  {one['reason']}"
        for one in found["picks"]
    ]
    if "boundaries" in found:
        lines += ["", f"{'read':>6}{'accept up to':>14}{'reject from':>13}  disagreements"]
        lines += [
            f"{one['read']:>6}{_number(one['accept']):>14}{_number(one['reject']):>13}"
            for one in found["boundaries"]
        ]
    return lines


def _number(one: int | None) -> str:
    return "–" if one is None else str(one)
