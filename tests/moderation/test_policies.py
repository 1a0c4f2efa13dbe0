"""Policy files: the keys of the database, all problems at once, and defaults for what is left out."""

import json

import pytest

from catalogue.models import policy_defaults
from moderation import policies as p
from moderation import population, sampling, verification
from moderation.selectors.population import POLICY


def test_a_frozen_policy_is_a_policy_file() -> None:
    """Every key that a round freezes may stand in a file, with the value that it has in the database."""
    frozen = {key: policy_defaults()[key] for key in POLICY}
    assert set(POLICY) <= set(p.schema()["properties"])
    assert p.load(json.dumps(frozen)) == frozen


def test_what_is_left_out_is_as_in_the_database() -> None:
    assert p.load("{}") == p.DEFAULTS
    for key, value in p.DEFAULTS.items():
        assert policy_defaults()[key] == value
    assert verification.sampling_rules(p.DEFAULTS) == sampling.Rules()
    assert verification.size_rule(p.DEFAULTS) is None
    assert set(policy_defaults()["sample.targeted"]) == set(sampling.REASONS)


def test_every_reason_can_be_switched_off() -> None:
    rows = [sampling.Row(f"W{n}", "", "A1", "M", (one,)) for n, one in enumerate(sampling.REASONS)]
    text = population.write(rows)
    assert verification.rows_under(text, p.load("{}")) == rows
    for one in sampling.REASONS:
        kept = [each for each in sampling.REASONS if each != one]
        policy = p.load(json.dumps({"sample.targeted": kept}))
        found = verification.rows_under(text, policy)
        assert [row.reasons for row in found].count(()) == 1


def test_everything_that_is_wrong_is_told_at_once() -> None:
    text = json.dumps(
        {
            "sample.min": -1,
            "sample.share": "a tenth",
            "sample.targeted": ["fails"],
            "sample.sequential": "yes",
            "sample.mni": 3,
        }
    )
    with pytest.raises(p.UnusablePolicy) as refused:
        p.load(text)
    assert len(refused.value.problems) == 5
    for part in ("sample.min: -1", "'a tenth'", "'fails'", "'yes'", "'sample.mni'"):
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "policy: "),
        ('{"sequential.p1": 0.2, "sequential.p2": 0.1}', "p1 < p2"),
        ('{"assurance.alpha": 0}', "assurance.alpha"),
    ],
)
def test_policies_that_are_refused(text: str, says: str) -> None:
    with pytest.raises(p.UnusablePolicy, match=says):
        p.load(text)
