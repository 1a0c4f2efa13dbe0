"""`manage.py draw_sample` and `manage.py assurance`: what an auditor gets from files and numbers alone."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from moderation import policies, population, sampling, verification

HEAD = "id,assessor,band,outcome,flags\n"


def cohort(size: int = 60) -> list[sampling.Row]:
    rows = []
    for n in range(size):
        reasons = ("fail",) if n % 9 == 0 else ("rpl",) if n % 7 == 0 else ()
        rows.append(sampling.Row(f"W{n:04}", "", f"A{n % 3}", "AME"[n % 5 % 3], reasons))
    return rows


@pytest.fixture
def draw(tmp_path: Path, capsys):
    def run(text: str, *options: str, policy: dict[str, object] | str | None = None) -> str:
        file = tmp_path / "population.csv"
        file.write_text(text)
        if policy is not None:
            held = tmp_path / "policy.json"
            held.write_text(policy if isinstance(policy, str) else json.dumps(policy))
            options += ("--policy", str(held))
        call_command("draw_sample", str(file), *options)
        return capsys.readouterr().out

    return run


def test_the_command_draws_what_the_screen_draws(draw) -> None:
    rows = cohort()
    found = json.loads(draw(population.write(rows), "--seed", "abc123", "--json"))
    plan = sampling.draw(rows, sampling.Rules(), "abc123")
    assert [one["id"] for one in found["picks"]] == [pick.key for pick in plan.picks]
    for one, pick in zip(found["picks"], plan.picks, strict=True):
        assert one == {
            "id": pick.key,
            "part": pick.part,
            "reason": ";".join(pick.reasons),
            "stratum": pick.stratum,
            "probability": float(pick.probability),
            "exactly": str(pick.probability),
        }
    assert found["population_hash"] == sampling.population_hash(rows)
    assert verification.rows_under(population.write(rows), {}) == rows
    assert found["algorithm"] == sampling.ALGORITHM
    assert (found["seed"], found["population"], found["frame"]) == ("abc123", 60, len(plan.frame))
    assert (found["targeted"], found["random"]) == (len(plan.targeted), len(plan.random))


def test_order_of_lines_and_columns_and_words_for_outcomes_do_not_matter(draw) -> None:
    rows = cohort()
    once = json.loads(draw(population.write(rows), "--seed", "7", "--json"))
    lines = [
        ",".join(
            [
                "Fail" if "fail" in row.reasons else "PASS",
                *("rpl" if "rpl" in row.reasons else "", ""),
                *(row.band, row.key, row.assessor + "\n"),
            ]
        )
        for row in reversed(rows)
    ]
    again = draw("outcome,flags,note,band,ID,assessor\n" + "".join(lines), "--seed", "7", "--json")
    assert json.loads(again) == once


def test_a_policy_changes_who_is_read_and_how_many(draw) -> None:
    text = population.write(cohort())
    policy = {"sample.targeted": ["fail"], "sample.by_assurance": True}
    found = json.loads(draw(text, "--seed", "1", "--json", policy=policy))
    assert found["policy"] == policies.DEFAULTS | policy
    assert found["size"] == "assurance"
    assert {one["reason"] for one in found["picks"]} == {"fail", "random"}
    assert (found["frame"], found["random"]) == (53, 20)
    chosen = json.loads(draw(text, "--seed", "1", "--json", policy={"sample.custom_size": 17}))
    assert (chosen["size"], chosen["random"]) == ("chosen", 17)
    custom = json.loads(draw(text, "--seed", "1", "--json", policy={"sample.share": 0.5}))
    assert custom["random"] == -(-custom["frame"] // 2)


def test_a_sequential_plan_shows_its_boundaries(draw) -> None:
    policy = {"sample.sequential": True, "sequential.p2": 0.2}
    found = json.loads(draw(population.write(cohort()), "--seed", "1", "--json", policy=policy))
    assert found["random"] == 11
    assert found["boundaries"][10] == {"read": 11, "accept": 0, "reject": 2}
    assert len(found["boundaries"]) == found["frame"]
    table = draw(population.write(cohort()), "--seed", "1", policy=policy)
    assert "accept up to" in table


def test_extensions_append(draw) -> None:
    text = population.write(cohort())
    first = json.loads(draw(text, "--seed", "5", "--json"))["picks"]
    more = json.loads(draw(text, "--seed", "5", "--json", "--extend", "A1=2", "--extend", "A0=1"))
    assert more["picks"][: len(first)] == first
    added = more["picks"][len(first) :]
    assert [one["stratum"][:2] for one in added] == ["A1", "A1", "A0"]
    assert {one["reason"] for one in added} == {"extension"}
    for wrong in ("A1", "A1=", "=3", "A1=x"):
        with pytest.raises(CommandError, match="--extend"):
            draw(text, "--seed", "5", "--extend", wrong)


def test_a_record_of_the_first_algorithm_is_drawn_again(draw) -> None:
    rows = cohort()
    options = ("--seed", "5", "--json", "--extend", "A1=2", "--algorithm", "moderato-1")
    found = json.loads(draw(population.write(rows), *options))
    plan = sampling.draw(rows, sampling.Rules(), "5", algorithm="moderato-1")
    drawn = [pick.key for pick in plan.picks]
    order = sampling.shuffle_of(rows, "5", "moderato-1")
    more = sampling.extend(plan.frame, drawn, "A1", 2, order)
    assert [one["id"] for one in found["picks"]] == [*drawn, *(pick.key for pick in more)]
    assert found["algorithm"] == "moderato-1"
    assert found["population_hash"] == sampling.population_hash(rows, "moderato-1")


def test_a_table_for_people(draw) -> None:
    table = draw(population.write(cohort()), "--seed", "5")
    assert "Algorithm moderato-2, seed 5, size customary" in table
    assert "targeted in full" in table
    assert "W0000" in table


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["The file is empty."]),
        (HEAD, ["There are no decisions"]),
        ("id,assessor\n", ["no column “band”", "no column “outcome”", "no column “flags”"]),
        (
            HEAD + "W1,A1,M,achieved,\nW1,A1,M,maybe,\n,A1,M,pass,\nW3,,M,pass,late\nW4,A|1,M,pass,\nW5\n",
            [
                "line 3: W1 is there already, in line 2.",
                "line 3: “maybe” is no outcome.",
                "line 4: “id” is empty.",
                "line 5: “assessor” is empty.",
                "line 5: “late” is no flag.",
                "line 6: “assessor” holds a bar",
                "line 7: 1 values, but 5 columns.",
                "Nothing was drawn.",
            ],
        ),
    ],
)  # fmt: skip
def test_populations_that_are_refused_with_everything_that_is_wrong(draw, text, says) -> None:
    with pytest.raises(CommandError) as refused:
        draw(text, "--seed", "1", "--json")
    for one in says:
        assert one in str(refused.value)


def test_a_policy_that_is_refused(draw, tmp_path: Path) -> None:
    text = population.write(cohort())
    with pytest.raises(CommandError, match=r"sample\.min: -1(.|\n)*Nothing was drawn"):
        draw(text, "--seed", "1", policy={"sample.min": -1})
    with pytest.raises(CommandError, match="cannot be read"):
        draw(text, "--seed", "1", "--policy", str(tmp_path / "none.json"))


# A plan in a past cohort.


@pytest.fixture
def simulated(tmp_path: Path, capsys):
    def run(said, *options: str) -> str:
        lines = population.write(cohort()).splitlines()
        file = tmp_path / "past.csv"
        told = [lines[0] + ",disagreement", *(f"{line},{said(line)}" for line in lines[1:])]
        file.write_text("\n".join(told))
        call_command("simulate_plan", str(file), *options)
        return capsys.readouterr().out

    return run


def test_a_plan_in_a_past_cohort(simulated) -> None:
    def said(line: str) -> str:
        if line.startswith("W0010"):  # A1's, in the frame
            return "pass_fail"
        return "agreed" if line < "W0050" else ""

    options = ("--seed", "3", "--times", "40")
    found = json.loads(simulated(said, *options, "--json"))
    assert found == json.loads(simulated(said, *options, "--json"))
    assert found["cohort"] == 60
    assert found["repetitions"] == 40
    assert found["known_disagreements"] == 1
    assert found["most"] > found["least"]
    assert 0 < found["never_read"] < 10
    assert 0 < found["met"] == found["detects"] < 1
    words = simulated(said, *options)
    assert "60 decisions, known disagreements: 1, drawn 40 times" in words


def test_a_past_cohort_that_is_refused(simulated) -> None:
    with pytest.raises(
        CommandError, match=r"line 2: “hm” is not agreed(.|\n)*Nothing was simulated"
    ):
        simulated(lambda line: "hm", "--seed", "1")
    with pytest.raises(CommandError, match="--times"):
        simulated(lambda line: "", "--seed", "1", "--times", "0")


# Assurance.


@pytest.fixture
def assurance(capsys):
    def run(frame: int, sample: int, found: int, *options: str) -> str:
        numbers = ["--frame", str(frame), "--sample", str(sample), "--disagreements", str(found)]
        call_command("assurance", *numbers, *options)
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    ("frame", "sample", "found", "bound"),
    [
        (48, 11, 0, 10),
        (48, 11, 1, 16),
        (20, 5, 0, 8),
        (100, 10, 0, 24),
        (100, 25, 0, 9),
        (12, 12, 0, 0),
    ],
)
def test_bounds(assurance, frame: int, sample: int, found: int, bound: int) -> None:
    said = json.loads(assurance(frame, sample, found, "--json"))
    assert said["upper_bound"] == bound
    assert said["rate"] == bound / frame
    assert f"at most {bound} of {frame}" in said["statement"]
    assert (said["frame"], said["sample"], said["disagreements"]) == (frame, sample, found)
    curve = {one["wrong"]: one["accept"] for one in said["operating_characteristic"]}
    assert curve[0] == 1
    assert min(curve.values()) >= 0


def test_other_risks_and_sizes(assurance) -> None:
    said = json.loads(assurance(50, 10, 0, "--json", "--alpha", "0.1", "--p-star", "0.1"))
    assert said["confidence"] == 0.9
    assert "With 90\u00a0% confidence" in said["statement"]
    assert said["detection_probability"] == pytest.approx(1 - 0.310563, abs=5e-7)
    assert json.loads(assurance(50, 10, 0, "--json"))["zero_defect_size"] == 22
    words = assurance(50, 10, 0)
    assert "Random part: 10 of 50" in words
    assert "22 readings" in words


def test_an_empty_random_part(assurance) -> None:
    said = json.loads(assurance(0, 0, 0, "--json"))
    assert said["upper_bound"] == said["rate"] == 0
    assert said["observed"] is said["wilson"] is said["clopper_pearson"] is None
    assert "no random part" in said["statement"]


@pytest.mark.parametrize(
    ("numbers", "options"),
    [((5, 6, 0), ()), ((5, 3, 4), ()), ((5, 3, -1), ()), ((5, 3, 0), ("--alpha", "0")), ((5, 3, 0), ("--p-star", "1"))],
)  # fmt: skip
def test_numbers_that_make_no_sense(assurance, numbers, options) -> None:
    with pytest.raises(CommandError, match=r"at most|between"):
        assurance(*numbers, *options)


def test_a_record_names_its_plan_and_what_is_none_is_refused(tmp_path: Path, capsys) -> None:
    rows = cohort()
    plans = [
        {
            "number": number,
            "population": population.write(rows),
            "policy": {"sample.custom_size": size},
            "seed": f"seed {number}",
            "algorithm": sampling.ALGORITHM,
        }
        for number, size in ((1, 9), (2, 12))
    ]
    asked = [{"assessor": "A1", "count": 2}, {"assessor": "A2", "count": 1}]
    draws = [
        {"plan": 2, "because": "first", "asked": []},
        {"plan": 2, "because": "extension", "asked": asked},
    ]
    file = tmp_path / "round.json"

    def run(record: object, *options: str) -> dict[str, object]:
        file.write_text(json.dumps(record))
        call_command("draw_sample", str(file), "--json", *options)
        found: dict[str, object] = json.loads(capsys.readouterr().out)
        return found

    record = {"plans": plans, "draws": draws}
    second = run(record)
    assert (second["seed"], second["random"]) == ("seed 2", 12 + 3)
    first = run(record, "--plan", "1")
    assert (first["seed"], first["random"]) == ("seed 1", 9)
    assert run(record, "--seed", "mine", "--extend", "A0=1")["random"] == 12 + 1
    with pytest.raises(CommandError, match="no plan 7"):
        run(record, "--plan", "7")
    for broken in (
        {},
        [],
        {"plans": plans, "draws": []},
        {"plans": [{"number": 2}], "draws": draws},
    ):
        with pytest.raises(CommandError, match="not the record"):
            run(broken)
    file = tmp_path / "population.csv"
    file.write_text(population.write(rows))
    with pytest.raises(CommandError, match="--seed"):
        call_command("draw_sample", str(file))
