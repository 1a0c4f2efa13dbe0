"""Agreement over closed rounds: computed once, criteria first, people for those who may see them."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from moderation import figures, findings, statistics
from moderation.models import ModerationRound, StoredFigures
from tests.factories.moderation import moderated
from tests.moderation.test_rounds import another_cast
from tests.moderation.test_views import at, signed_in, tables_that_match
from tests.personas import make_cast


def rows(
    count: int, criterion: str, author: str, assessor: int, moderator: int
) -> list[tuple[statistics.Pair, str, str]]:
    """So many items on which both gave these levels of three; the upper two are met."""
    return [
        (
            statistics.Pair(
                f"{author}{n}", criterion, assessor, moderator, assessor > 0, moderator > 0, 3
            ),
            criterion,
            author,
        )
        for n in range(count)
    ]


LABELS = {"C1": ["Not yet", "Met", "Met well"], "C2": ["Not yet", "Met", "Met well"]}


def kept(found: Any, blind: bool = True) -> dict[str, Any]:
    read = {pair.item: figures.Reading("moses", "", "") for pair, _c, _a in found}
    return figures.store_of(found, LABELS, read, blind=blind)


def known(first: Any, second: Any = ()) -> dict[str, Any]:
    stores = [("Autumn", "2026-05", kept(first))]
    if second:
        stores.append(("Spring", "2026-10", kept(second)))
    return figures.figures_of(stores)


def test_pooled_figures_are_those_of_all_readings_together() -> None:
    first = [*rows(30, "C1", "ada", 1, 1), *rows(30, "C2", "ada", 2, 1)]
    second = rows(30, "C1", "abe", 0, 1)
    found = known(first, second)
    whole = statistics.agreement_of([pair for pair, _c, _a in [*first, *second]])
    assert whole
    assert found["all"]["exact"] == whole.as_json()["exact"] == 0.3333
    assert found["all"]["items"] == 60
    assert found["by_criterion"]["C1"]["exact"] == 0.5
    assert found["by_criterion"]["C2"]["bias"] == 1
    assert found["by_delivery"].keys() == {"Autumn", "Spring"}
    assert found["by_month"]["2026-10"]["pass_fail"] == 0
    assert found["by_assessor"]["abe"]["bias"] == -1
    assert found["tables"]["C1"] == [[0, 30, 0], [0, 30, 0], [0, 0, 0]]
    assert found["tables"]["C2"] == [[0, 0, 0], [0, 0, 0], [0, 30, 0]]


def test_items_of_two_rounds_are_not_taken_for_the_same() -> None:
    found = known(rows(12, "C1", "ada", 1, 1), rows(12, "C1", "ada", 1, 1))
    assert found["all"]["items"] == 24


def test_titles_state_what_was_found_rubric_first() -> None:
    names = {"C2": "C2 (Documentation)"}
    found = known([*rows(30, "C1", "ada", 1, 1), *rows(30, "C2", "ada", 2, 1)])
    assert (
        findings.by_criterion(found, names).title == "Criterion C2 (Documentation) may be unclear"
    )
    assert "more generously" in findings.bias_by_criterion(found, names).title
    assert findings.by_assessor(found, {}).title.startswith("1 of 1 assessors lie half a level")
    alike = known(rows(30, "C1", "ada", 1, 1), rows(30, "C1", "ada", 1, 1))
    assert findings.by_criterion(alike, {}).title == "No criterion stands out"
    assert findings.over_time(alike).title == "Agreement has stayed about the same"
    assert findings.by_delivery(alike).title == "Deliveries lie 0 percentage points apart"
    few = known(rows(4, "C1", "ada", 2, 0))
    for chart in (findings.by_criterion(few, {}), findings.by_assessor(few, {})):
        assert chart.title.startswith("Too few items")
    for chart in (
        findings.by_criterion(found, names), findings.bias_by_criterion(found, names),
        findings.by_delivery(found), findings.over_time(found), findings.by_assessor(found, {}),
    ):  # fmt: skip
        assert len(re.findall(r"[.?!](?: |$)", chart.summary)) == 2, chart.summary
        assert chart.rows


def test_level_tables_have_every_count() -> None:
    found = known([*rows(30, "C1", "ada", 1, 1), *rows(3, "C1", "abe", 1, 2)])
    (table,) = findings.level_tables(found, {})
    assert [[cell["count"] for cell in line["cells"]] for line in table["lines"]] == found[
        "tables"
    ]["C1"]
    assert [cell["tint"] for cell in table["lines"][1]["cells"]] == [0, 4, 1]


@pytest.mark.django_db
def test_the_page_reads_what_was_stored_and_names_people_to_their_lead_alone() -> None:
    cast = make_cast(learners=2, policy={"sample.all_if_n_le": 8})
    closed = moderated(cast, assessors=("ada", "abe"))
    assert closed.readings["items"] == 2
    lea = signed_in(cast, "lea")
    page = lea.get(at("agreement")).content.decode()
    assert StoredFigures.objects.count() == 1
    for text in (
        "Too few items have been read twice", "2 items read twice in 1 closed round",
        "Level by level", "Too few to judge", cast.ada.name, "never changes a mark",
        closed.assurance["sentence"],
    ):  # fmt: skip
        assert text in page
    ModerationRound.objects.filter(pk=closed.pk).update(readings={"readings": "never read again"})
    assert lea.get(at("agreement")).status_code == 200
    moses = signed_in(cast, "moses").get(at("agreement")).content.decode()
    assert cast.ada.name not in moses
    assert "Level by level" in moses
    assert signed_in(cast, "ada").get(at("agreement")).status_code == 403


@pytest.mark.django_db
def test_tables_are_files_for_the_same_eyes() -> None:
    cast = make_cast(learners=2, policy={"sample.all_if_n_le": 8})
    closed = moderated(cast, assessors=("ada", "abe"))
    lea, moses = signed_in(cast, "lea"), signed_in(cast, "moses")

    def file(client: Client, key: str) -> Any:
        return client.get(reverse("moderation:agreement_table", args=[key]))

    # On the page a space before a per cent sign does not break.
    page = lea.get(at("agreement")).content.decode().replace("\xa0", " ")
    assert tables_that_match(lea, page, "agreement/[a-z]+") == 5
    levels = re.findall(r'href="(/moderate/agreement/levels-\d\.csv\?[^"]*)"', page)
    assert len(levels) == 3
    for link in levels:
        lines = lea.get(link.replace("&amp;", "&")).content.decode().splitlines()
        assert lines[0].startswith('"Assessor down, moderator across",Not yet')
        assert len(lines) == len(lines[0].split('",', 1)[1].split(",")) + 1
        assert sum(int(cell) for line in lines[1:] for cell in line.split(",")[1:]) == 2
    assert file(moses, "criteria").status_code == 200
    assert file(moses, "assessors").status_code == 404
    assert file(lea, "nothing").status_code == 404
    assert file(signed_in(cast, "ada"), "criteria").status_code == 404
    # Everything was read because of what it is: there is nothing that a random part could have found.
    assert file(lea, "detection").status_code == 404
    known = closed.assurance | {"frame": 48, "read": 11}
    ModerationRound.objects.filter(pk=closed.pk).update(assurance=known)
    page = lea.get(at("agreement")).content.decode()
    assert "round 1: reading 11 of 48 would have met at least one error with a chance of" in page
    assert file(lea, "detection").status_code == 200


@pytest.mark.django_db
def test_assessors_see_their_own_and_nobody_elses() -> None:
    cast = make_cast(learners=2, policy={"sample.all_if_n_le": 8})
    moderated(cast, assessors=("ada", "abe"))
    path = at("own_agreement")
    page = signed_in(cast, "ada").get(path).content.decode()
    assert "1 of your decisions read twice" in page
    assert cast.abe.name not in page
    assert "Nothing to show yet" in signed_in(cast, "ana").get(path).content.decode()
    moses = signed_in(cast, "moses").get(path).content.decode()
    assert cast.ada.name not in moses
    ada = signed_in(cast, "ada")
    links = re.findall(r'href="(/moderate/agreement/yours/[a-z]+\.csv\?[^"]*)"', page)
    assert tables_that_match(ada, page.replace("\xa0", " "), "agreement/yours/[a-z]+") == 2
    theirs = signed_in(cast, "abe").get(links[0].replace("&amp;", "&")).content
    assert theirs.startswith(b"Criterion,")
    table = at("own_agreement_table", "criteria")
    assert ada.get(at("own_agreement_table", "assessors")).status_code == 404
    for name in ("lena", "pam", "rita"):
        assert signed_in(cast, name).get(path).status_code == 404
        assert signed_in(cast, name).get(table).status_code == 404
    assert Client().get(path).status_code == 302


@pytest.mark.django_db
def test_rounds_of_one_task_are_pooled_and_can_be_parted() -> None:
    cast = make_cast(learners=2, policy={"sample.all_if_n_le": 8})
    first = moderated(cast)
    second = moderated(another_cast(2))
    lea = signed_in(cast, "lea")
    page = lea.get(at("agreement")).content.decode()
    assert "4 items read twice in 2 closed rounds" in page
    chosen = lea.get(at("agreement"), {"delivery": str(first.delivery_id), "task": "nonsense"})
    assert "4 items read twice" in chosen.content.decode()
    assert second.number == 2


def test_a_trend_is_told_of_months_with_enough_items_alone() -> None:
    """Two items of one month are no fall of a hundred points."""
    months = [
        ("A", "2026-03", rows(30, "C1", "ada", 1, 1)),
        ("A", "2026-04", rows(2, "C1", "ada", 0, 1)),
    ]
    few = figures.figures_of([(name, month, kept(found)) for name, month, found in months])
    chart = findings.over_time(few)
    assert chart.title == "Too few items have been read twice in a month to speak of a trend"
    assert [row[0] for row in chart.rows] == ["2026-03: 30 items", "2026-04: 2 items"]
    assert [one.text for one in chart.x_ticks] == ["2026-03", "2026-04"]
    months.append(("A", "2026-05", rows(25, "C1", "ada", 0, 1)))
    enough = figures.figures_of([(name, month, kept(found)) for name, month, found in months])
    assert findings.over_time(enough).title == "Agreement has fallen by 100 points"
