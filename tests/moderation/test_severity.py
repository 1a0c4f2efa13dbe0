"""The many-facet model: recovered parameters, an independent oracle, and designs that cannot rank."""

import json
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from django.core.management import CommandError, call_command

from moderation import judgements as j
from moderation import ranking, severity
from moderation.joint import fit_jointly
from moderation.tables import UnreadableTable, parse

SEVERITIES = np.array([-0.9, -0.4, -0.1, 0.1, 0.4, 0.9])
DIFFICULTIES = np.array([-0.5, 0.0, 0.5])
THRESHOLDS = np.array([-1.6, 0.1, 1.5])


def simulated(
    seed: int, persons: int = 300, reads: int = 2, thresholds=THRESHOLDS, sd: float = 1.5
) -> j.Judgements:
    """Each person judged on three criteria by some of six raters, drawn from the model itself."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(0.3, sd, persons)
    who = np.repeat(np.arange(persons), reads * 3)
    rater = np.concatenate(
        [np.repeat(rng.choice(6, reads, replace=False), 3) for _p in range(persons)]
    )
    criterion = np.tile(np.arange(3), persons * reads)
    distance = theta[who] - SEVERITIES[rater] - DIFFICULTIES[criterion]
    logs = np.cumsum(np.column_stack([np.zeros(len(who)), distance[:, None] - thresholds]), axis=1)
    chance = np.exp(logs - logs.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    category = (rng.random(len(who))[:, None] > chance.cumsum(axis=1)).sum(axis=1)
    return j.make(
        [f"p{one:04}" for one in who],
        [[f"r{one}" for one in rater], [f"c{one}" for one in criterion]],
        ["rater", "criterion"],
        category.tolist(),
    )


def by_name(fit: severity.Fit, number: int = 0) -> dict[str, ranking.Level]:
    return {one.name: one for one in ranking.levels_of(fit, number)}


@pytest.fixture(scope="module")
def large() -> severity.Fit:
    return severity.fit(simulated(1, persons=1500))


def test_parameters_come_back(large: severity.Fit) -> None:
    raters, criteria = by_name(large), by_name(large, 1)
    for number, true in enumerate(SEVERITIES):
        assert abs(raters[f"r{number}"].effect - true) < 3 * raters[f"r{number}"].error
    for number, true in enumerate(DIFFICULTIES):
        assert abs(criteria[f"c{number}"].effect - true) < 3 * criteria[f"c{number}"].error
    assert np.all(np.abs(large.thresholds - THRESHOLDS) < 3.5 * large.threshold_errors)
    assert large.mean == pytest.approx(0.3, abs=0.15)
    assert large.sd == pytest.approx(1.5, abs=0.1)
    assert large.effects[:6].sum() == pytest.approx(0, abs=1e-9)
    assert large.thresholds.sum() == pytest.approx(0, abs=1e-9)


def test_judgements_from_the_model_fit_it(large: severity.Fit) -> None:
    assert np.all(np.abs(large.infit - 1) < 0.12)
    assert np.all(np.abs(large.outfit - 1) < 0.15)


def test_errors_are_those_of_many_samples() -> None:
    """The distance from the truth, in standard errors, spreads by one."""
    away = []
    for seed in range(25):
        fit = severity.fit(simulated(seed, persons=120))
        raters = by_name(fit)
        away += [
            (raters[f"r{number}"].effect - true) / raters[f"r{number}"].error
            for number, true in enumerate(SEVERITIES)
        ]
    assert np.std(away) == pytest.approx(1, abs=0.15)
    assert abs(np.mean(away)) < 0.1


def test_two_categories_by_joint_likelihood_are_a_logistic_regression() -> None:
    data = simulated(5, persons=40, reads=3, thresholds=np.array([0.0]))
    fit = fit_jointly(data)
    data = fit.data
    persons = np.eye(len(data.persons))[data.person]
    raters = np.eye(6)[data.places[:, 0]] @ np.vstack([np.eye(5), -np.ones(5)])
    criteria = np.eye(3)[data.places[:, 1]] @ np.vstack([np.eye(2), -np.ones(2)])
    design = np.column_stack([persons, -raters, -criteria])
    oracle = sm.Logit(data.category, design).fit(disp=0, method="newton", tol=1e-12)
    n = len(data.persons)
    assert fit.effects[:5] == pytest.approx(oracle.params[n : n + 5], abs=1e-6)
    assert fit.effects[6:8] == pytest.approx(oracle.params[n + 5 :], abs=1e-6)
    assert fit.mean == pytest.approx(oracle.params[:n].mean(), abs=1e-6)


def test_joint_likelihood_is_biased_outward() -> None:
    data = simulated(3)
    joint, marginal = fit_jointly(data), severity.fit(data)
    assert joint.effects[:6].std() > marginal.effects[:6].std()
    assert joint.sd is None


def test_nodes_have_to_reach_beyond_the_persons() -> None:
    """With a wide population −6 to 6 comes out too small."""
    data = simulated(7, persons=250, sd=4.0)
    narrow, wide = severity.fit(data, severity.NARROW), severity.fit(data)
    assert narrow.sd < 0.95 * wide.sd
    assert narrow.effects[:6].std() < wide.effects[:6].std()
    finer = severity.fit(data, (-15, 15, 151))
    assert finer.effects == pytest.approx(wide.effects, abs=0.01)


def test_order_and_names_do_not_matter() -> None:
    data = simulated(2, persons=80)
    order = np.random.default_rng(0).permutation(len(data.person))
    shuffled = j.make(
        [data.persons[one] for one in data.person[order]],
        [
            [f"x{5 - one}" for one in data.places[order, 0]],
            [str(one) for one in data.places[order, 1]],
        ],
        ["rater", "criterion"],
        data.category[order].tolist(),
    )
    one, other = severity.fit(data), severity.fit(shuffled)
    names = {f"x{5 - place}": name for place, name in enumerate(data.facets[0].levels)}
    for level in ranking.levels_of(other):
        assert by_name(one)[names[level.name]].effect == pytest.approx(level.effect, abs=1e-4)


def weighted_score(
    theta: float, total: float, burdens: np.ndarray, thresholds: np.ndarray
) -> float:
    """Warm's score of one person, written plainly."""
    score = total
    third = variance = 0.0
    for burden in burdens:
        logs = np.r_[0, np.cumsum(theta - burden - thresholds)]
        chance = np.exp(logs - logs.max())
        chance /= chance.sum()
        mean = sum(k * one for k, one in enumerate(chance))
        score -= mean
        variance += sum((k - mean) ** 2 * one for k, one in enumerate(chance))
        third += sum((k - mean) ** 3 * one for k, one in enumerate(chance))
    return score + third / (2 * variance)


def test_persons_stand_where_their_weighted_score_is_zero() -> None:
    """Also those with nothing but lowest or highest categories."""
    fit = severity.fit(simulated(3, persons=80, sd=3.0))
    places = ranking.places_of(fit)
    burden = (fit.design.membership @ fit.effects)[fit.design.cell]
    totals = np.bincount(fit.data.person, weights=fit.data.category)
    assert totals.min() == 0
    for person in range(0, 80, 7):
        own = burden[fit.data.person == person]
        assert abs(weighted_score(places[person], totals[person], own, fit.thresholds)) < 1e-6
    lowest = int(totals.argmin())
    own = burden[fit.data.person == lowest]
    assert abs(weighted_score(places[lowest], 0, own, fit.thresholds)) < 1e-6


def test_explained_variance_grows_with_the_differences_between_persons() -> None:
    found = [ranking.explained_variance(severity.fit(simulated(4, sd=sd))) for sd in (0.3, 1.5, 4)]
    assert 0 < found[0] < found[1] < found[2] < 1


def test_errors_with_everything_else_known_are_smaller_and_named_apart(large) -> None:
    raters = list(by_name(large).values())
    known = [one for one in raters if one.error_alone is not None]
    assert len(known) == len(raters) - 1
    for one in known:
        assert one.error_alone
        assert 0.5 * one.error < one.error_alone < one.error


def test_separation_of_an_estimate(large: severity.Fit) -> None:
    found = ranking.separation_of(large)
    effects, errors = large.effects[:6], large.errors[:6]
    assert found.rmse == pytest.approx(np.sqrt((errors**2).mean()))
    assert found.reliability == pytest.approx(1 - found.rmse**2 / effects.var())
    assert found.separation**2 / (1 + found.separation**2) == pytest.approx(found.reliability)
    assert found.strata == pytest.approx((4 * found.separation + 1) / 3)
    assert found.freedom == 5
    assert found.chi2 > 100
    assert found.p < 1e-9


def test_few_reads_are_shrunk_and_not_shown() -> None:
    fit = severity.fit(simulated(4, persons=24))
    for one in ranking.levels_of(fit):
        assert abs(one.shrunk) < abs(one.effect)
        assert one.shared == one.persons < ranking.SHOWN_FROM
        assert not one.shown
        assert one.judgements == 3 * one.persons
        assert one.low < one.effect < one.high
    known = ranking.levels_of(severity.fit(simulated(4, persons=150)))
    assert all(one.shown for one in known)
    effects = [one.effect for one in known]
    assert effects == sorted(effects, reverse=True)


def test_only_shared_work_counts_towards_showing() -> None:
    data = j.make(["a", "a", "b", "c"], [["x", "y", "x", "x"]], ["rater"], [0, 1, 1, 0])
    judgements, persons, shared = ranking.counts_of(data, 0)
    assert (judgements.tolist(), persons.tolist(), shared.tolist()) == ([3, 1], [3, 1], [1, 1])


# Designs.


def made(*rows: tuple[str, str, str, int]) -> j.Judgements:
    person, rater, criterion, category = zip(*rows, strict=True)
    return j.make(person, [rater, criterion], ["rater", "criterion"], category)


def test_raters_without_shared_work_are_not_ranked() -> None:
    rows = [
        (f"p{n}", name, "c", (n + place) % 3) for n in range(6) for place, name in enumerate("ab")
    ]
    rows += [
        (f"q{n}", name, "c", (n + place) % 3) for n in range(6) for place, name in enumerate("xy")
    ]
    with pytest.raises(j.Incomparable) as refused:
        severity.fit(made(*rows))
    assert "2 parts" in str(refused.value)
    assert "part 1: a, b; part 2: x, y" in str(refused.value)
    bridge = made(*rows, ("p0", "x", "c", 1))
    assert j.parts(bridge) == [["a", "b", "x", "y"]]
    severity.fit(bridge)


def test_facets_that_always_go_together_cannot_be_told_apart() -> None:
    rows = [
        (f"p{n}", rater, criterion, (n + place) % 3)
        for n in range(9)
        for place, (rater, criterion) in enumerate((("a", "one"), ("b", "two"), ("c", "two")))
    ]
    with pytest.raises(j.Incomparable, match="rater and criterion cannot be told apart"):
        severity.fit(made(*rows))
    with pytest.raises(j.Incomparable, match="told apart"):
        fit_jointly(made(*rows))


def with_groups(group) -> j.Judgements:
    data = simulated(8, persons=60)
    names = [data.persons[one] for one in data.person]
    raters = [data.facets[0].levels[one] for one in data.places[:, 0]]
    columns = [raters, *([make(int(name[1:])) for name in names] for make in group)]
    return j.make(names, columns, ["rater", *"ghi"[: len(group)]], data.category.tolist())


def test_groups_of_persons_are_facets_too() -> None:
    data = with_groups([lambda n: "xy"[n % 2]])
    fit = severity.fit(data)
    assert fit.effects[6] == -fit.effects[7]
    assert j.varying(data) == [0]
    joint = fit_jointly(data)
    assert [facet.name for facet in joint.data.facets] == ["rater"]


def test_a_single_level_has_no_effect() -> None:
    fit = severity.fit(with_groups([lambda n: "all"]))
    assert [facet.name for facet in fit.data.facets] == ["rater"]
    assert set(ranking.report(fit)["facets"]) == {"rater"}
    joint = fit_jointly(with_groups([lambda n: "all"]))
    assert len(joint.effects) == 6


@pytest.mark.parametrize(
    ("group", "says"),
    [
        ([str], r"“g” has \d+ levels for \d+ persons"),
        ([lambda n: "xy"[n % 2], lambda n: "uv"[n % 2]], "g and h cannot be told apart"),
    ],
)
def test_groups_that_say_nothing_are_refused(group, says: str) -> None:
    with pytest.raises(j.Incomparable, match=says):
        severity.fit(with_groups(group))


def test_one_rater_ranks_nobody() -> None:
    with pytest.raises(j.Incomparable, match="one rater"):
        severity.fit(made(("p", "a", "c", 0), ("q", "a", "c", 1)))


def test_a_rater_who_gives_the_highest_only_is_left_out() -> None:
    data = simulated(6, persons=60)
    rows = [
        (data.persons[p], data.facets[0].levels[place[0]], data.facets[1].levels[place[1]], int(x))
        for p, place, x in zip(data.person, data.places, data.category, strict=True)
    ]
    rows += [(data.persons[n], "generous", "c1", 3) for n in range(20)]
    fit = severity.fit(made(*rows))
    assert fit.left_out == {"rater": ["generous"]}
    assert "generous" not in by_name(fit)
    assert ranking.report(fit)["facets"]["rater"]["left_out"] == ["generous"]
    with pytest.raises(j.Incomparable, match="one category"):
        severity.fit(made(("p", "a", "c", 2), ("p", "b", "c", 2), ("q", "a", "c", 2)))


# Files.

LONG = "person,rater,criterion,category\n"


def text_of(data: j.Judgements) -> str:
    lines = [
        f"{data.persons[p]},{data.facets[0].levels[r]},{data.facets[1].levels[c]},{x}\n"
        for p, (r, c), x in zip(data.person, data.places, data.category, strict=True)
    ]
    return LONG + "".join(lines)


def test_long_and_wide_files_say_the_same() -> None:
    long = "student,rater,language,category\na,rater_1,x,0\na,rater_2,x,2\nb,rater_1,y,1\nc,rater_2,x,0\n"
    wide = "student,language,rater_1,rater_2\na,x,0,2\nb,y,1,\nc,x,,0\n"
    one, other = j.read(parse(long), ("language",)), j.read(parse(wide))
    assert one.persons == other.persons
    assert one.facets == other.facets
    assert sorted(zip(one.person, *one.places.T, one.category, strict=True)) == sorted(
        zip(other.person, *other.places.T, other.category, strict=True)
    )
    assert [facet.name for facet in j.read(parse(long)).facets] == ["rater"]


def test_categories_that_nobody_used_are_closed_up() -> None:
    data = j.read(parse(LONG + "a,x,c,1\na,y,c,5\nb,x,c,5\n"))
    assert data.categories == (1, 5)
    assert data.category.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rater,category\nx,1\n", ["no column “person”"]),
        ("person,mark\nx,1\n", ["neither columns"]),
        (LONG, ["no judgements"]),
        (
            LONG + "a,x,c,1\na,x,c,2\nb,,c,1\nb,x,c,good\nc,x,c,-1\nb,x\n",
            ["line 3: This is judged already in line 2", "line 4: “rater” is empty", "line 5: “good”",
             "line 6: “-1”", "line 7: 2 values"],
        ),
        (
            "person,group,rater_1\na,,1\na,x,2.5\n",
            ["line 2: “group” is empty", "line 2: a stands in more than one line", "line 3: “2.5” in “rater_1”"],
        ),
    ],
)  # fmt: skip
def test_files_that_are_refused_with_everything_that_is_wrong(text: str, says: list[str]) -> None:
    with pytest.raises(UnreadableTable) as refused:
        j.read(parse(text))
    for one in says:
        assert one in str(refused.value)


@pytest.fixture
def run(tmp_path: Path, capsys):
    def command(text: str, *options: str) -> str:
        file = tmp_path / "ratings.csv"
        file.write_text(text)
        call_command("severity", str(file), *options)
        return capsys.readouterr().out

    return command


def test_command(run) -> None:
    text = text_of(simulated(9, persons=60))
    found = json.loads(run(text, "--json"))
    assert found["persons"] == 60
    assert found["judgements"] == 360
    assert len(found["thresholds"]) == 3
    assert found["method"] == "marginal maximum likelihood"
    raters = found["facets"]["rater"]["levels"]
    assert raters[0]["name"] == "r5"
    assert sum(one["effect"] for one in raters) == pytest.approx(0, abs=1e-9)
    assert set(found["facets"]) == {"rater", "criterion"}
    joint = json.loads(run(text, "--json", "--joint"))
    assert joint["population"]["sd"] is None
    narrow = json.loads(run(text, "--json", "--grid", "narrow"))
    assert narrow["population"] != found["population"]
    table = run(text)
    assert "r5" in table
    assert "too few shared reads to show" in table
    assert "never changes a result" in table


def test_command_refuses(run) -> None:
    with pytest.raises(CommandError, match="Nothing was computed"):
        run(LONG + "a,x,c,no\n", "--json")
    with pytest.raises(CommandError, match="share no work"):
        run(LONG + "a,x,c,0\nb,x,c,1\nc,y,c,1\nd,y,c,0\n", "--json")
