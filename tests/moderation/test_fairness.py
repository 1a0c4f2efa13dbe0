"""Rates by group: exact counts, intervals, nothing on small groups, for the lead's own deliveries."""

import re
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from moderation import fairness, selectors
from moderation.actions import draw_sample, open_round, return_item
from moderation.assurance import wilson
from tests.factories.assessment import assessed, referred
from tests.factories.moderation import agreed, fresh, moderated, moderator_of, scored
from tests.moderation.test_rounds import another_cast
from tests.moderation.test_views import at, signed_in
from tests.personas import make_cast

Case = fairness.Case


def cases(group: str, passed: int, failed: int) -> list[fairness.Case]:
    return [Case(group, passed=True)] * passed + [Case(group, passed=False)] * failed


def test_rates_have_their_counts_and_intervals() -> None:
    (rate,), hidden = fairness.rates([*cases("A", 7, 3), Case("A"), *cases("B", 2, 2)], "passed")
    assert (rate.group, rate.found, rate.n, hidden) == ("A", 7, 10, 1)
    assert (rate.share, (rate.low, rate.high)) == (0.7, wilson(7, 10))


def test_a_group_of_four_is_nowhere_in_the_chart() -> None:
    made = fairness.chart([*cases("Shown", 4, 1), *cases("Hidden", 4, 0)], "passed", "Group")
    assert [row[0] for row in made.rows] == ["Shown"]
    assert "Hidden" not in made.title + made.summary + made.csv
    assert "1 group of fewer than 5 is not shown." in made.summary


def test_titles_say_whether_groups_lie_apart() -> None:
    far = fairness.chart([*cases("East", 48, 2), *cases("West", 10, 40)], "passed", "Group")
    assert far.title == "Passed: West and East lie further apart than chance explains"
    near = fairness.chart([*cases("East", 6, 4), *cases("West", 5, 5)], "passed", "Group")
    assert near.title == "Passed: no group lies clearly apart from another"
    one = fairness.chart(cases("East", 6, 4), "passed", "Group")
    assert "too few groups" in one.title


@pytest.mark.django_db
def test_the_lead_sees_own_deliveries_and_others_nothing() -> None:
    cast = make_cast(learners=6, policy={"sample.all_if_n_le": 8})
    moderated(cast, levels={"lena": "NY"})
    lea = signed_in(cast, "lea")
    page = lea.get(at("fairness")).content.decode()
    assert "83.3\u00a0%" in page
    assert page.count("<h2") >= 3
    by_employer = lea.get(at("fairness"), {"by": "employer"}).content.decode()
    assert "Organisation" in by_employer
    assert lea.get(at("fairness"), {"by": "ethnicity"}).status_code == 200
    for link in re.findall(r'href="(/moderate/fairness/[a-z]+\.csv\?[^"]*)"', page):
        assert lea.get(link).status_code == 200
    assert lea.get(reverse("moderation:fairness_table", args=["nothing"])).status_code == 404
    for name in ("moses", "ada", "pam"):
        assert signed_in(cast, name).get(at("fairness")).status_code == 403
    assert selectors.cases_of([], "mode") == []


@pytest.mark.django_db
def test_one_query_for_many_as_for_few() -> None:
    cast = make_cast(learners=1)
    moderated(cast)
    moderated(another_cast(3))
    lena = cast.enrolments["lena"]
    lena.site, lena.recognition = "Porirua", True
    lena.save()
    with CaptureQueriesContext(connection) as queries:
        found = selectors.cases_of([cast.delivery.pk], "delivery")
        sites = selectors.cases_of([cast.delivery.pk], "site")
        routes = selectors.cases_of([cast.delivery.pk], "route")
    assert len(found) == 4
    assert len(queries) == 3
    assert Counter(one.group for one in routes)["Recognition of prior learning"] == 1
    assert Counter(one.group for one in sites) == {"Porirua": 1, "No site": 3}


@pytest.mark.django_db
def test_referred_and_returned_are_counted_where_the_question_arises() -> None:
    """Referred: first attempts that were decided. Returned: pieces that a moderator read."""
    cast = make_cast(learners=3, policy={"sample.all_if_n_le": 8})
    referred(cast, "lena")
    names = [name for name in cast.enrolments if name != "lena"]
    for name in names:
        assessed(cast, name, "G")
    drawn = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
    first, second = drawn.items.order_by("pk")
    scored(first, "E")
    return_item(
        fresh(first), actor=moderator_of(first), reason="Feedback is thin.", action="Say more."
    )
    agreed(second)
    found = selectors.cases_of([cast.delivery.pk], "mode")
    # One was referred, one is in moderation, and one is with its assessor again, undecided.
    assert Counter(one.referred for one in found) == {True: 1, False: 1, None: 1}
    assert Counter(one.returned for one in found) == {True: 1, False: 1, None: 1}
    assert {one.passed for one in found} == {None}
