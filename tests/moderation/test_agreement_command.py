"""`manage.py agreement`: the keys, their values, what is undefined, and files that are refused whole."""

import json
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from moderation.coefficients import KEYS
from tests.moderation.test_agreement import OBSERVERS

HEAD = "item,rater,category\n"
NAMED = [
    "kappa", "kappa_linear", "kappa_quadratic", "scott_pi", "fleiss_kappa", "conger_kappa",
    "brennan_prediger", "ac1", "ac2_linear", "ac2_quadratic", "alpha_nominal", "alpha_ordinal",
    "alpha_interval", "alpha_ratio", "icc_1_1", "icc_2_1", "icc_3_1", "icc_1_k", "icc_2_k", "icc_3_k",
]  # fmt: skip


@pytest.fixture
def agreement(tmp_path: Path, capsys):
    """Run the command on a text, and give what it prints."""

    def run(text: str, *options: str) -> str:
        file = tmp_path / "ratings.csv"
        file.write_text(text, encoding="utf-8")
        call_command("agreement", str(file), *options)
        return capsys.readouterr().out

    return run


@pytest.fixture
def figures(agreement):
    def run(text: str, *options: str):
        return json.loads(agreement(text, "--json", *options))

    return run


def long(table, names="ABCD") -> str:
    return HEAD + "".join(
        f"u{unit},{names[rater]},{value}\n"
        for rater, line in enumerate(table)
        for unit, value in enumerate(line, 1)
        if value
    )


def pairs(cells, labels) -> str:
    """Two raters whose table of counts is `cells`."""
    lines, item = [], 0
    for row, one in enumerate(cells):
        for column, count in enumerate(one):
            for _each in range(count):
                item += 1
                lines.append(f"{item},x,{labels[row]}\n{item},y,{labels[column]}\n")
    return HEAD + "".join(lines)


def test_keys_are_exactly_these() -> None:
    assert list(KEYS) == NAMED


def test_four_observers(figures) -> None:
    found = figures(long(OBSERVERS), "--scale", "ordinal")
    assert list(found) == NAMED
    for key, value in {
        "fleiss_kappa": 0.76117,
        "conger_kappa": 0.76282,
        "brennan_prediger": 0.77273,
        "ac1": 0.77544,
        "ac2_linear": 0.85874,
        "ac2_quadratic": 0.91400,
        "alpha_nominal": 0.743421,
        "alpha_ordinal": 0.815388,
        "alpha_interval": 0.849107,
        "alpha_ratio": 0.797403,
    }.items():
        assert found[key]["value"] == pytest.approx(value, abs=5e-6), key
        assert set(found[key]) == {"value", "se", "ci95", "n"}
        assert found[key]["n"] == 11
    assert found["icc_2_1"]["n"] == 8
    for key in ("kappa", "kappa_linear", "kappa_quadratic", "scott_pi"):
        assert (
            found[key]["value"] is found[key]["se"] is found[key]["ci95"] is found[key]["n"] is None
        )
        assert "exactly two raters" in found[key]["reason"]


def test_two_raters(figures) -> None:
    cells = [[88, 10, 2], [14, 40, 6], [18, 10, 12]]
    found = figures(pairs(cells, "123"), "--scale", "ordinal")
    assert found["kappa"]["value"] == pytest.approx(0.491525, abs=5e-7)
    assert found["kappa"]["se"] == pytest.approx(0.05100, abs=5e-6)
    assert found["kappa"]["n"] == 200
    assert found["conger_kappa"]["value"] == pytest.approx(found["kappa"]["value"])
    assert found["scott_pi"]["value"] == pytest.approx(found["fleiss_kappa"]["value"])


def test_words_on_a_nominal_scale(figures) -> None:
    found = figures(pairs([[8, 2], [1, 9]], ["rail", "road"]), "--scale", "nominal")
    assert found["kappa"]["value"] == pytest.approx(0.7)
    assert found["alpha_nominal"]["value"] is not None
    for key in ("kappa_linear", "ac2_quadratic", "alpha_ordinal"):
        assert found[key]["reason"] == "A nominal scale has no order."
    for key in ("alpha_interval", "alpha_ratio", "icc_1_1", "icc_3_k"):
        assert "no numbers" in found[key]["reason"]


def test_words_have_an_order_only_if_it_is_named(figures) -> None:
    text = pairs([[8, 2, 0], [1, 9, 1], [0, 0, 3]], ["N", "A", "M"])
    unnamed = figures(text, "--scale", "ordinal")
    assert "order is not known" in unnamed["kappa_linear"]["reason"]
    named = figures(text, "--scale", "ordinal", "--categories", "N, A, M")
    numbered = figures(pairs([[8, 2, 0], [1, 9, 1], [0, 0, 3]], "123"))
    for key in ("kappa_linear", "kappa_quadratic", "ac2_linear", "alpha_ordinal"):
        assert named[key]["value"] == pytest.approx(numbered[key]["value"])
    assert "words" in named["alpha_interval"]["reason"]
    assert "words" in named["icc_1_1"]["reason"]


def test_unused_levels_and_gaps(figures) -> None:
    """A level that nobody used keeps its place; named, it also counts in what chance would do."""
    text = pairs([[8, 2], [1, 9]], "14")
    two, four = figures(text), figures(text, "--categories", "1,2,3,4")
    assert two["kappa_linear"]["value"] == pytest.approx(four["kappa_linear"]["value"])
    assert two["ac1"]["value"] < four["ac1"]["value"]
    gap = figures(pairs([[5, 3, 1], [1, 5, 0], [0, 1, 5]], "124"))
    even = figures(pairs([[5, 3, 1], [1, 5, 0], [0, 1, 5]], "123"))
    assert gap["kappa_linear"]["value"] != pytest.approx(even["kappa_linear"]["value"])
    assert gap["alpha_ordinal"]["value"] == pytest.approx(even["alpha_ordinal"]["value"])


def test_one_number_however_it_is_written(figures) -> None:
    found = figures(HEAD + "a,x,1\na,y,1.0\nb,x,+2\nb,y,02\n", "--scale", "ratio")
    assert found["alpha_ratio"]["value"] == 1


def test_one_rater_and_one_category(figures) -> None:
    alone = figures(HEAD + "a,x,1\nb,x,2\n")
    assert all(one["value"] is None and one["reason"] for one in alone.values())
    alike = figures(HEAD + "a,x,1\na,y,1\nb,x,1\nb,y,1\n")
    assert all(one["value"] is None and one["reason"] for one in alike.values())
    open_scale = figures(HEAD + "a,x,1\na,y,1\nb,x,1\nb,y,1\n", "--categories", "0,1")
    assert open_scale["ac1"]["value"] == 1
    assert open_scale["kappa"]["value"] is None


def test_a_table_for_people(agreement) -> None:
    text = agreement(pairs([[8, 2], [1, 9]], "12"), "--scale", "ordinal")
    assert "20 items, 2 raters, 40 ratings" in text
    assert "* Cohen's kappa, quadratic weights" in text
    assert "Observed agreement (same category)" in text
    assert "Observed agreement (same or next category)" in text
    assert "Bias: x minus y is -0.0500 on average, 95\u00a0% interval -0.2344 to +0.1344." in text
    assert re.search(r"Standard error of measurement: [\d.]+ \(consistency, error [\d.]+\)", text)
    words = agreement(long(OBSERVERS), "--scale", "nominal")
    assert "– Cohen's kappa: Cohen's kappa is for exactly two raters, and there are 4." in words
    assert "next category" not in words


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("", (), ["The file is empty."]),
        (HEAD, (), ["There are no ratings in the file."]),
        ("item,rater\na,x\n", (), ["line 1: There is no column “category”"]),
        (
            HEAD + "a,x,1\na,x,2\n,y,1\nb,y\nb,x,\nc,x,many,more\n",
            (),
            [
                "line 3: x has rated a already, in line 2.",
                "line 4: “item” is empty.",
                "line 5: 2 values, but 3 columns.",
                "line 6: “category” is empty.",
                "line 7: 4 values",
                "Nothing was computed.",
            ],
        ),
        (
            HEAD + "a,x,1\na,y,good\nb,x,nan\n",
            ("--scale", "interval"),
            ["line 3: “good” is not a number", "line 4: “nan” is not a number"],
        ),
        (HEAD + "a,x,-1\na,y,2\n", ("--scale", "ratio"), ["line 2: -1 is below zero"]),
        (
            HEAD + "a,x,A\na,y,B\nb,x,C\n",
            ("--categories", "A,B"),
            ["line 4: “C” is not one of the named categories."],
        ),
        (HEAD + "a,x,1\na,y,2\n", ("--categories", "1,1.0,2"), ["named twice"]),
        (HEAD + 'a,x,"1\n', (), ["This is not CSV"]),
    ],
)
def test_files_that_are_refused_with_everything_that_is_wrong(agreement, text, options, says):
    with pytest.raises(CommandError) as refused:
        agreement(text, "--json", *options)
    for one in says:
        assert one in str(refused.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("agreement", str(tmp_path / "none.csv"))
    file = tmp_path / "latin.csv"
    file.write_bytes(HEAD.encode() + b"a,x,gr\xfcn\n")
    with pytest.raises(CommandError, match="line 2: The text is not UTF-8"):
        call_command("agreement", str(file))


def test_byte_order_mark_blank_lines_and_other_columns(figures) -> None:
    found = figures(
        "\ufeffnote,Item,RATER,category\r\n,a,x,1\r\n\r\n?,a,y,1\r\n,b,x,2\r\n,b,y,1\r\n"
    )
    assert found["kappa"]["n"] == 2
