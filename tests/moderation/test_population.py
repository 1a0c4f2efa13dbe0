"""The population as a file: what is drawn from is what can be downloaded, and nothing else is needed."""

import pytest

from moderation import population, sampling, selectors, verification
from moderation.actions import draw_sample
from moderation.models import PlanVersion
from tests.factories.moderation import NOTHING_TARGETED, frozen_round
from tests.personas import make_cast


def test_a_file_gives_back_its_rows() -> None:
    rows = [
        sampling.Row("W0002", "", "A01", "M", ("fail", "rpl", "watch")),
        sampling.Row("W0001", "", "A02", 'E, "top"', ()),
    ]
    text = population.write(rows)
    assert text.splitlines()[0] == "id,assessor,band,outcome,flags"
    assert text.splitlines()[2] == "W0002,A01,M,not_achieved,rpl;watch"
    assert population.read(text) == sampling.in_order(rows)
    assert population.write(population.read(text)) == text


def test_a_set_of_nothing_is_a_file_too() -> None:
    assert population.read(population.write([])) == []


@pytest.mark.parametrize(
    "text", ["", "a,b\n", "id,assessor,band,outcome,flags\nW1,A1,M\n",
             "id,assessor,band,outcome,flags\nW1,A1,M,maybe,\n"],
)  # fmt: skip
def test_what_is_no_population_is_refused(text: str) -> None:
    with pytest.raises(population.UnreadablePopulation):
        population.read(text)


def test_codes_hold_for_one_round_and_say_nothing() -> None:
    many = population.codes("W", range(200))
    assert sorted(many.values()) == [f"W{n:04}" for n in range(1, 201)]
    assert list(many) != list(range(200))
    assert population.codes("A", ["new"], start=4) == {"new": "A04"}


@pytest.mark.django_db
def test_the_sample_can_be_drawn_from_the_file_alone() -> None:
    cast = make_cast(learners=9, policy=NOTHING_TARGETED)
    claims = cast.enrolments["hone"]
    claims.recognition = True
    claims.save()
    plan = selectors.current_plan(frozen_round(cast, assessors=("ada", "abe")))
    drawn = draw_sample(plan.round, actor=cast.lea)
    stored = PlanVersion.objects.get(pk=plan.pk)
    again = sampling.draw(
        population.read(stored.population),
        verification.sampling_rules(stored.policy),
        stored.seed,
    )
    codes = dict(drawn.members.values_list("submission_id", "code"))
    made = {(codes[one.submission_id], one.part, one.stratum) for one in drawn.items.all()}
    assert {(pick.key, pick.part, pick.stratum) for pick in again.picks} == made
    assert [one.reasons for one in again.targeted] == [("rpl",)]
    claimed = drawn.items.get(part="targeted")
    assert (claimed.submission.enrolment, claimed.reasons) == (claims, ["rpl"])
    for person in (cast.ada, cast.abe, *(cast.people[name] for name in cast.enrolments)):
        assert person.name not in stored.population
        assert str(person.pk) not in stored.population
