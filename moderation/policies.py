"""A sampling policy from a file: the keys that a round freezes, checked, the missing ones filled in. Pure.

A round's frozen policy, saved as a file, is a policy file. What the keys mean is in
catalogue/policy_defaults.json and, for the draw, in `verification` and `sampling`.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from moderation.sequential import Sequential

DEFAULTS: dict[str, Any] = {
    "assessor.probation_decisions": 20,
    "assessor.severity_levels": 0.5,
    "assurance.alpha": 0.05,
    "assurance.p_star": 0.1,
    "escalate.full_on": 2,
    "sample.all_if_n_le": 8,
    "sample.borderline_levels": 1,
    "sample.borderline_points": 2,
    "sample.by_assurance": False,
    "sample.custom_size": 0,
    "sample.early_check": 5,
    "sample.min": 5,
    "sample.min_per_assessor": 3,
    "sample.sequential": False,
    "sample.share": 0.1,
    "sequential.alpha": 0.05,
    "sequential.beta": 0.1,
    "sequential.p1": 0.01,
    "sequential.p2": 0.06,
}
"""What the draw needs and a file may leave out. Without `sample.targeted` every reason is read in full."""


class UnusablePolicy(ValueError):  # noqa: N818  reads as a fact
    """The policy cannot be used. `problems` has all reasons, each beginning with its key."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(self.problems))


@cache
def schema() -> dict[str, Any]:
    """The JSON schema of a policy file."""
    text = (Path(__file__).parent / "sampling_policy_schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def load(text: str) -> dict[str, Any]:
    """A policy from JSON, complete. Raises UnusablePolicy with everything that is wrong with it."""
    import jsonschema  # noqa: PLC0415  wanted by few pages

    try:
        given = json.loads(text)
    except ValueError as error:
        raise UnusablePolicy([f"This is not JSON: {error}."]) from error
    problems = [
        f"{'.'.join(map(str, error.path)) or 'policy'}: {error.message}"
        for error in jsonschema.Draft202012Validator(schema()).iter_errors(given)
    ]
    if not problems:
        policy = DEFAULTS | given
        try:
            Sequential(*(policy[f"sequential.{one}"] for one in ("p1", "p2", "alpha", "beta")))
        except ValueError as error:
            problems.append(f"sequential: {error}")
    if problems:
        raise UnusablePolicy(problems)
    return dict(policy)
