"""Severity of people over closed rounds: computed away from requests, shown with care, and never a mark's business."""

import re

import pytest
from django.conf import settings
from django.test import Client

from moderation import sampling, selectors, tasks, tendency
from moderation.actions import keep_severities
from moderation.models import SeverityFigures
from moderation.selectors.population import background_of
from tests.factories.moderation import kept_readings, moderated, with_readings
from tests.moderation.test_rounds import another_cast
from tests.moderation.test_views import at, signed_in, tables_that_match
from tests.personas import Cast, make_cast
from tests.worlds import kept

PEOPLE = {"ada": 1.5, "abe": 0.0, "ana": -0.2}
CHECKERS = {"moses": 0.0, "mina": 0.0}


def test_who_is_strict_stands_out_and_who_is_not_does_not() -> None:
    found = tendency.figures_of([kept_readings(PEOPLE, CHECKERS, 150)])
    assert (found["refused"], found["shared"]) == (None, 150)
    assert set(found["people"]) == {*PEOPLE, *CHECKERS}
    assert found["people"]["ada"]["levels"] > tendency.APART
    assert {key for key, one in found["people"].items() if tendency.stands_out(one)} == {"ada"}
    assert "ada" in tendency.to_read(found, tendency.APART)
    assert "abe" not in tendency.to_read(found, tendency.APART)
    chart = tendency.severity_chart(found["people"].items())
    assert chart.title == "1 of 5 people stands half a level or more from the mean"
    assert chart.rows[0][0] == "ada"
    assert len(re.findall(r"[.?!](?: |$)", chart.summary)) == 2
    assert "lower than the others', more than chance explains" in tendency.in_words(
        found["people"]["ada"]
    )


def test_under_few_shared_reads_nothing_is_shown_and_the_figure_is_drawn_in() -> None:
    found = tendency.figures_of([kept_readings(PEOPLE, CHECKERS, 60)])
    ada = found["people"]["ada"]
    assert (ada["shared"], ada["shown"]) == (20, False)
    assert 0 < ada["shrunk"] < ada["effect"]
    assert not tendency.stands_out(ada)
    assert "20 pieces of work" in tendency.in_words(ada)
    assert "Too few people" in tendency.severity_chart([("Ada", ada)]).title
    assert "nothing to compare" in tendency.in_words(None)


def test_groups_that_share_nothing_are_not_ranked() -> None:
    apart = [
        kept_readings({"ada": 0.0}, {"moses": 0.0}, 40),
        kept_readings({"abe": 2.0}, {"mina": 0.0}, 40, seed="other"),
    ]
    found = tendency.figures_of(apart)
    assert found["refused"] == {"why": "parts", "groups": [["abe", "mina"], ["ada", "moses"]]}
    assert found["people"] == {}
    assert tendency.figures_of([])["refused"] == {"why": "nothing"}
    flat = kept_readings({"ada": 0.0}, {"moses": 0.0}, 40)
    flat["rows"] = [[*row[:3], 2, 2, 1, 1] for row in flat["rows"]]
    assert tendency.figures_of([flat])["refused"]["why"] == "words"


def test_what_was_read_in_sight_of_the_decision_is_no_second_reading() -> None:
    sighted = kept_readings(PEOPLE, CHECKERS, 60, blind=False)
    found = tendency.figures_of([sighted])
    assert found["refused"] == {"why": "nothing"}
    assert found["readings"] == {"assessor": {}, "moderator": {}}
    assert found["rounds"] == []


def test_readings_move_in_time_and_a_move_is_told() -> None:
    """Ada is as others at first and then stricter; Abe never is."""
    early = kept_readings({"ada": 0.0, "abe": 0.0}, CHECKERS, 60)
    late = kept_readings({"ada": 2.5, "abe": 0.0}, CHECKERS, 60, seed="late", round="2")
    late["readings"] = [[who, f"2027{one[4:]}", read] for who, one, read in late["readings"]]
    known = tendency.figures_of([late, early])
    days = [day for day, _value in known["readings"]["assessor"]["ada"]]
    assert days == sorted(days)
    assert len(days) == 60
    moved = tendency.movement_of(known, "ada", "assessor", "Ada")
    same = tendency.movement_of(known, "abe", "assessor", "Abe")
    assert moved
    assert same
    assert (moved.signal, same.signal) == ("strict", "")
    assert "lower levels than the others" in moved.ewma.title
    assert "no lasting move" in same.ewma.title
    assert "ada" in tendency.to_read(known, 99)
    for chart in (moved.ewma, moved.cusum):
        assert [row[0].split(":")[0] for row in chart.rows] == [str(n) for n in range(1, 61)]
        assert [line.dotted for line in chart.lines] in ([True, False, False], [True, True, False])
        assert len(re.findall(r"[.?!](?: |$)", chart.summary)) == 2
    assert tendency.movement_of(known, "nobody", "assessor", "Nobody") is None
    few = tendency.figures_of([kept_readings({"ada": 0.0}, {"moses": 0.0}, 9)])
    assert tendency.movement_of(few, "ada", "assessor", "Ada") is None


def test_a_moderators_readings_are_the_same_from_the_other_side() -> None:
    known = tendency.figures_of([kept_readings({"ada": 0.7}, {"moses": 0.0}, 30)])
    ada = [value for _day, value in known["readings"]["assessor"]["ada"]]
    moses = [value for _day, value in known["readings"]["moderator"]["moses"]]
    assert moses == [-value for value in ada]


def test_rounds_on_a_chart_of_shares() -> None:
    rounds = [{"label": f"Round {n}", "found": 10, "read": 50} for n in range(5)]
    usual = tendency.rounds_chart(rounds)
    assert usual
    assert "No round stands out" in usual.title
    assert "three standard deviations" in usual.summary
    assert tendency.rounds_chart(rounds[:1]) is None
    odd = tendency.rounds_chart([*rounds, {"label": "Round 6", "found": 40, "read": 50}])
    assert odd
    assert odd.title.startswith("Round 6: another share")
    small = tendency.rounds_chart([one | {"read": 11} for one in rounds])
    assert small
    assert "exact binomial" in small.summary


# Pages, and the worker that computes for them.


@kept
def cast():
    made = make_cast(learners=2, policy={"sample.all_if_n_le": 8})
    closed = moderated(made, assessors=("ada", "abe"))
    with_readings(made, closed)
    tasks.keep_severities()
    return made


def page_of(client: Client, page: str, **query: str) -> str:
    answer = client.get(at(page), query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.django_db
def test_a_worker_computes_when_rounds_were_closed_and_no_page_does(cast: Cast) -> None:
    assert keep_severities() == 0
    kept_before = selectors.kept_severity(cast.task)
    assert kept_before
    assert (kept_before.rounds, kept_before.figures["shared"]) == (1, 150)
    asked = {one["task"] for one in settings.CELERY_BEAT_SCHEDULE.values()}
    assert "moderation.tasks.keep_severities" in asked
    SeverityFigures.objects.all().delete()
    page = page_of(signed_in(cast, "lea"), "severity")
    assert "are being computed" in page
    assert not SeverityFigures.objects.exists()
    assert keep_severities() == 1


@pytest.mark.django_db
def test_the_lead_sees_people_with_intervals_and_every_table_as_a_file(cast: Cast) -> None:
    lea = signed_in(cast, "lea")
    page = page_of(lea, "severity", person=f"assessor-{cast.ada.pk}")
    for text in (
        "1 of 4 people stands half a level or more", cast.ada.name, cast.moses.name, "never changes a mark",
        "lower levels than the others, for some time now", "reliability", "Differences that add up".lower(),
    ):  # fmt: skip
        assert text in page, text
    assert tables_that_match(lea, page, "severity/[a-z-]+") == 3
    for nonsense in ("x", "assessor-x", f"moderator-{cast.ada.pk}"):
        assert cast.abe.name in page_of(lea, "severity", person=nonsense)


@pytest.mark.django_db
def test_people_of_deliveries_that_the_lead_does_not_lead_are_not_named(cast: Cast) -> None:
    row = SeverityFigures.objects.get()
    people = row.figures["people"]
    stranger = people.pop(str(cast.abe.pk))
    row.figures["people"][str(cast.pam.pk)] = stranger
    row.save()
    assert cast.pam.name not in page_of(signed_in(cast, "lea"), "severity")


@pytest.mark.django_db
def test_nobody_else_sees_severities_and_everybody_sees_their_own(cast: Cast) -> None:
    for name in ("moses", "ed", "ada", "pam", "lena"):
        client = signed_in(cast, name)
        assert client.get(at("severity")).status_code == 403
        assert client.get(at("severity_table", "severity")).status_code == 403
    ada = page_of(signed_in(cast, "ada"), "own_agreement")
    assert "lower than the others" in ada
    assert "It never changes a mark" in ada
    moses = page_of(signed_in(cast, "moses"), "own_agreement")
    assert "You as moderator" in moses
    for page, others in (
        (ada, (cast.abe, cast.moses, cast.ed)),
        (moses, (cast.ada, cast.abe, cast.ed)),
    ):
        for other in others:
            assert other.name not in page
            assert str(other.pk) not in page


@pytest.mark.django_db
def test_why_nobody_is_compared_is_said_in_words(cast: Cast) -> None:
    row = SeverityFigures.objects.get()
    groups = [[str(cast.ada.pk), str(cast.moses.pk)], [str(cast.abe.pk), str(cast.ed.pk)]]
    row.figures |= {"refused": {"why": "parts", "groups": groups}, "people": {}}
    row.save()
    page = page_of(signed_in(cast, "lea"), "severity")
    assert "fall into 2 groups that have read nothing in common" in page
    assert f"{cast.ada.name}, {cast.moses.name}" in page
    assert "cannot be compared yet" in page_of(signed_in(cast, "ada"), "own_agreement")


@pytest.mark.django_db
def test_who_stands_out_is_read_in_full_where_the_plan_says_so(cast: Cast) -> None:
    policy = selectors.policy_of(cast.delivery)
    assert sampling.SEVERITY in policy["sample.targeted"]
    known = background_of(cast.task, cast.delivery, [cast.ada.pk], policy)
    assert known.apart == {str(cast.ada.pk)}
    facts = sampling.Facts(assessor=str(cast.ada.pk), passed=True, arrival=99)
    assert sampling.SEVERITY in sampling.reasons_to_read(facts, sampling.Rules(), known)
    SeverityFigures.objects.all().delete()
    nothing = background_of(cast.task, cast.delivery, [cast.ada.pk], policy)
    assert nothing.apart == frozenset()


@pytest.mark.django_db
def test_a_round_that_is_closed_later_puts_figures_out_of_date(cast: Cast) -> None:
    moderated(another_cast(2))
    assert [one.pk for one in selectors.tasks_out_of_date()] == [cast.task.pk]
    assert keep_severities() == 1
    kept_now = SeverityFigures.objects.get()
    assert (kept_now.rounds, kept_now.figures["shared"]) == (2, 152)
    assert "152 pieces of work read blind by two people in 2 closed rounds" in page_of(
        signed_in(cast, "lea"), "severity"
    )
