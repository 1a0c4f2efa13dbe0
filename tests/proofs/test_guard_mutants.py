"""Each guard of every machine, and each rule of a submission's steps, really stops something.

For every guard there is a case in which the step is taken, and one in which exactly that guard stops it.
With the guard replaced by one that always holds the step goes through: the refusal came from there. A
guard or a rule without its case fails the test. The rules and questions of assessment that are no steps (who
may see a name, take work over, sign a waiver, read a discussion …) are asked the same way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import CLOCK, SYSTEM
from catalogue.guards import TO_OPEN
from moderation.guards import no_other_round
from portfolios.models import Submission
from tests.permissions.test_visibility_agrees import AGREES
from tests.proofs import aftercare, elsewhere
from tests.proofs.permitted import LOOKED_UP, Deed, asked_for
from tests.proofs.ready import MACHINE, READY, SPOILED, Case, prepare
from tests.proofs.world import World, check_deferred
from workflows import transitions
from workflows.exceptions import GuardsNotMet, NotPermitted, TransitionRefused
from workflows.guards import Guard, guards_for
from workflows.machines import arrows_of, state_models

ARROWS = {arrow.name: arrow for arrow in arrows_of(Submission)}
GUARDS: dict[tuple[str, str], Guard] = {
    (name, one.code): one
    for name, arrow in ARROWS.items()
    for one in guards_for(arrow.step_id, arrow.conditions)
}
OTHERS: dict[tuple[str, str, str], Guard] = {
    (arrow.machine, arrow.name, one.code): one
    for model in state_models()
    if model is not Submission and model._meta.app_label != "testapp"
    for arrow in arrows_of(model)
    for one in guards_for(arrow.step_id, arrow.conditions)
} | {
    (elsewhere.ROUND, "open", no_other_round.code): no_other_round,
    **{(elsewhere.DELIVERY, "open", one.code): one for one in TO_OPEN},
}
"""Guards of everything else, those included that an action asks before there is a row."""
NEVER_FOR_SETS = {"return_not_asked"}
"""A returned item goes back one at a time; a set only when the round has it assessed again."""
DATABASE = "refused by the database"
OUTSIDER = {"withdraw": "hone", "request_reconsideration": "hone", "submit": "mere"}
"""Who may not take the step though the work is ready; otto everywhere else."""


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens in here is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def codes_of(case: Case | elsewhere.Door) -> set[str]:
    """Codes of the guards that refuse; nothing where the step is taken."""
    try:
        with undone():
            case.take()
            check_deferred()
    except GuardsNotMet as refused:
        return set(refused.codes)
    except IntegrityError:
        return {DATABASE}
    return set()


def test_every_guard_has_a_case() -> None:
    assert set(SPOILED) == set(GUARDS)
    assert set(READY) == set(ARROWS)
    assert set(elsewhere.SPOILED) == set(OTHERS)


@pytest.mark.parametrize("step", sorted(READY))
def test_the_ready_case_passes(world: World, step: str) -> None:
    with undone():
        case = prepare(world, step)
        moved = case.take()
        assert moved.state == ARROWS[step].target


@pytest.mark.parametrize(("step", "code"), sorted(GUARDS))
def test_the_guard_is_what_stops_it(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, code: str
) -> None:
    one, case_of = GUARDS[step, code], SPOILED[step, code]
    with undone():
        case = prepare(world, step)
        case = case_of.spoil(world, case) or case
        assert codes_of(case) == {code} | case_of.also
        if one.bulk is not None:
            asked = Submission.objects.filter(pk=case.subject.pk)
            assert one.failing(asked, case.actor) == {case.subject.pk}
        monkeypatch.setattr(one, "check", lambda *args: True)
        assert codes_of(case) == (case_of.also or ({DATABASE} if case_of.belt else set()))


@pytest.mark.parametrize(("machine", "step", "code"), sorted(OTHERS))
def test_the_guard_of_another_machine_is_what_stops_it(
    world: World, monkeypatch: pytest.MonkeyPatch, machine: str, step: str, code: str
) -> None:
    one, case_of = OTHERS[machine, step, code], elsewhere.SPOILED[machine, step, code]
    with undone():
        case = elsewhere.READY[machine, step](world)
        assert codes_of(case) == set()
        case = case_of.spoil(world, case) or case
        assert codes_of(case) == {code} | case_of.also
        monkeypatch.setattr(one, "check", lambda *args: True)
        assert codes_of(case) == (case_of.also or ({DATABASE} if case_of.belt else set()))


@pytest.mark.parametrize("step", sorted(READY))
def test_set_forms_agree_that_it_is_ready(world: World, step: str) -> None:
    with undone():
        case = prepare(world, step)
        arrow = ARROWS[step]
        asked = Submission.objects.filter(pk=case.subject.pk)
        for one in guards_for(arrow.step_id, arrow.conditions):
            if one.bulk is not None and one.code not in NEVER_FOR_SETS:
                assert one.failing(asked, case.actor) == set(), one


def always(instance: Any, actor: Any) -> bool:
    return True


@pytest.mark.parametrize("step", sorted(READY))
def test_the_rule_is_what_stops_others(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with undone():
        case = prepare(world, step)
        outsider = Case(step, case.subject, world.people[OUTSIDER.get(step, "otto")])
        with pytest.raises(NotPermitted), undone():
            outsider.take()
        real = transitions.rule_for
        monkeypatch.setattr(
            transitions,
            "rule_for",
            lambda step_id, declared: (
                always if step_id == f"{MACHINE}.{step}" else real(step_id, declared)
            ),
        )
        # Guards that ask for the person's own draft or signature may still refuse; the rule does not.
        codes_of(outsider)


@pytest.mark.parametrize("step", sorted(READY))
@pytest.mark.parametrize("actor", [SYSTEM, CLOCK], ids=["system", "clock"])
def test_the_system_has_no_key_to_every_door(world: World, step: str, actor: Any) -> None:
    """Named actors have rows of their own; being no person is no permission (lifecycle 2)."""
    allowed = {"disagree": [SYSTEM], "release": [CLOCK], "enter_moderation": [SYSTEM]}
    with undone():
        case = prepare(world, step)
        case = Case(step, case.subject, actor)
        if actor in allowed.get(step, []):
            assert codes_of(case) == set()
        else:
            with pytest.raises(NotPermitted), undone():
                case.take()


CASES = aftercare.CASES
BY_GUARDS = {f"guards.{one.__name__}" for one in (*GUARDS.values(), *OTHERS.values())}
"""Guards of steps, which have their cases above."""
IN_LISTS = {f"rules.{rule.__name__}" for _model, rule in AGREES}
"""Rules that say what a list shows; `test_lists_and_rules_agree` holds each against it, for everybody."""


def passes(deed: Deed) -> bool | str:
    """Whether it is done, or shown; what comes of it is undone."""
    try:
        with undone():
            found = deed()
            check_deferred()
    except TransitionRefused:
        return False
    except IntegrityError:
        return DATABASE
    return found is not False and getattr(found, "status_code", 200) < 400


def test_every_rule_and_question_of_assessment_has_a_case() -> None:
    assert set(asked_for()) - BY_GUARDS - IN_LISTS <= set(CASES) | LOOKED_UP
    assert set(CASES) | LOOKED_UP <= set(asked_for())


@pytest.mark.parametrize("of", sorted(CASES))
def test_the_rule_is_what_keeps_it_from_them(
    world: World, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    one = CASES[of]
    with undone():
        assert passes(one.prepare(world, one.goes)) is True
    with undone():
        deed = one.prepare(world, one.stops)
        assert passes(deed) is False
        # The code itself, so that it is allowed wherever the function was imported or registered.
        monkeypatch.setattr(asked_for()[of], "__code__", one.allows.__code__)
        assert passes(deed) == (DATABASE if one.belt else True)
