"""A plot is drawn from its table: what can be read off one stands in the other."""

import re

import pytest
from django.template.loader import render_to_string

from moderation import charts, findings

CHARTS = [
    charts.intervals(
        "criteria",
        "C4 may be unclear",
        "It is the lowest. The others agree.",
        [
            charts.Estimate("C1", 0.9, 0.812, 0.95, 40),
            charts.Estimate("C4 with a long name indeed", 0.5, None, None, 4),
            charts.Estimate("C5", 1.0, 0.99, 1.0, 40),
        ],
        of="Criterion",
        measure="Same level",
        ends=(0, 1),
        ticks=(0, 0.5, 1),
        reference=(0.8, "80\u00a0%"),
    ),
    charts.intervals(
        "bias",
        "Nobody is severe",
        "All are near nothing. None is far.",
        [charts.Estimate("C1", -0.256, -0.5, 0.1, 22), charts.Estimate("C2", 0.1, 0.0, 0.2, 22)],
        of="Criterion",
        measure="Bias",
        ends=(-2, 2),
        ticks=(-2, 0, 2),
        shown="signed",
    ),
    charts.lines(
        "trend",
        "Agreement rose",
        "It was lower. It is higher.",
        x_title="Month",
        y_title="Share",
        x_labels=["May", "June", "July"],
        series=[("Same level", [0.7, None, 0.9]), ("Same side", [0.9, 0.95, 1.0])],
        ends=(0, 1),
        ticks=(0, 1),
    ),
]


def values(chart: charts.Chart) -> list[tuple[str, ...]]:
    """What the dots stand for, from their places alone."""
    if chart.marks:
        zero, one = chart.x_ticks[0].at, chart.x_ticks[-1].at
        low, high = charts.number(chart.x_ticks[0].text), charts.number(chart.x_ticks[-1].text)

        def read(x: float) -> float:
            return low + (x - zero) / (one - zero) * (high - low)

        return [
            tuple("" if x is None else f"{read(x):.3f}" for x in (mark.x, mark.low_x, mark.high_x))
            for mark in chart.marks
        ]
    low_y, high_y = chart.y_ticks[0].at, chart.y_ticks[-1].at
    return [
        tuple(f"{(mark.y - low_y) / (high_y - low_y):.3f}" for mark in line.marks)
        for line in chart.lines
    ]


@pytest.mark.parametrize("chart", CHARTS, ids=lambda one: one.key)
def test_the_plot_is_the_table(chart: charts.Chart) -> None:
    if chart.marks:
        wanted = [
            tuple("" if not cell else f"{charts.number(cell):.3f}" for cell in row[1:4])
            for row in chart.rows
        ]
    else:
        wanted = [
            tuple(f"{charts.number(row[column]):.3f}" for row in chart.rows if row[column])
            for column in range(1, len(chart.columns))
        ]
    for mine, theirs in zip(values(chart), wanted, strict=True):
        for one, other in zip(mine, theirs, strict=True):
            assert one == other or abs(float(one) - float(other)) < 0.002 * 4


@pytest.mark.parametrize("chart", CHARTS, ids=lambda one: one.key)
def test_the_page_shows_title_summary_plot_table_and_file(chart: charts.Chart) -> None:
    page = render_to_string("moderation/_chart.html", {"chart": chart, "csv_url": "/x.csv"})
    assert f">{chart.title}</h2>" in page
    assert chart.summary in page
    dots = re.findall(r"<title>(?:[^<]*): ([^<]+)</title>", page)
    shown = [mark.value for mark in chart.marks] or [
        mark.value for line in chart.lines for mark in line.marks
    ]
    assert dots == shown
    table = page[page.index("<table") :]
    for row in chart.rows:
        for cell in row:
            assert f">{cell or '–'}<" in table
    for cell in dots:
        assert f">{cell}<" in table
    assert "style=" not in page
    assert "/x.csv" in page
    # A spreadsheet reads "83.3 %" as a number only with a plain space.
    assert chart.csv.splitlines()[0] == ",".join(chart.columns).replace("\u00a0", " ")
    assert len(chart.csv.splitlines()) == len(chart.rows) + 1


def test_a_chart_without_rows_shows_its_words_alone() -> None:
    empty = charts.intervals(
        "none", "Nothing yet", "Nothing was read.", [],
        of="Criterion", measure="Same", ends=(0, 1), ticks=(0, 1),
    )  # fmt: skip
    page = render_to_string("moderation/_chart.html", {"chart": empty})
    assert "Nothing was read." in page
    assert "<svg" not in page


def test_long_names_that_differ_only_at_their_ends_stay_apart() -> None:
    one, other = (
        charts.Mark(0, 0, f"Digital Accessibility in Practice, {which} cohort", "0")
        for which in ("first", "second")
    )
    assert one.short != other.short
    assert one.short.startswith("Digital")
    assert max(len(one.short), len(other.short)) <= charts.LABEL_LENGTH


def test_a_file_starts_no_formula_and_keeps_the_signs_of_figures() -> None:
    named = charts.intervals(
        "assessors", "One is strict", "The other is not.",
        [charts.Estimate("=1+1", -0.256, -0.5, 0.1, 22)],
        of="Assessor", measure="Bias", ends=(-2, 2), ticks=(-2, 0, 2), shown="signed",
    )  # fmt: skip
    assert named.csv.splitlines()[1] == ",".join(["'=1+1", *named.rows[0][1:]])
    assert named.rows[0][1].startswith("-")
    cells = [{"count": 3}]
    table = {"labels": ["@met"], "lines": [{"label": "@met", "cells": cells}]}
    head, line = findings.level_table_csv(table).splitlines()
    assert (head.split(",")[-1], line) == ("'@met", "'@met,3")
