"""Every step × every state × everybody, against a table written by hand from the lifecycle.

The table says for each step from which state it is offered and who may take it when the work is ready
(tests/proofs/ready.py makes it ready). Whoever is not named is refused with 403. From every other state
the step is refused with 409, whoever asks. PROOF=full asks every cell; without it every step is asked
of everybody in its own state, and a seeded sample of the other states.
"""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from accounts.models import SystemActor
from portfolios.models import Submission
from tests.proofs.ready import Case, prepare
from tests.proofs.world import STATES, World, check_deferred
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState, TransitionRefused
from workflows.machines import arrows_of
from workflows.models import OutboxMessage, TransitionRecord

PEOPLE = (
    "owner",  # the learner whose submission it is
    "hone",  # another learner of the delivery
    "ada",  # the allocated assessor
    "abe",  # an assessor of the delivery without allocation here; second assessor of the adjudicated one
    "ana",  # as abe; adjudicator of the adjudicated one
    "cora",  # an assessor employed where the learners are
    "fran",  # was allocated, was replaced, is no longer an assessor
    "moses",  # moderator, has the item of the open round
    "ed",  # external moderator, has no item
    "lea",  # lead moderator
    "pam",  # programme administrator of the delivery
    "rita",  # ratifier who signed
    "rob",  # ratifier who did not sign
    "olga",  # administers another organisation
    "petra",  # platform administrator
    "otto",  # has every part, in another delivery
    "system",
    "clock",
)
TABLE: dict[str, tuple[str, str, dict[str, str]]] = {
    # step: (from, to, who may); "yes", or the guard that keeps this person from it (lifecycle 2)
    "withdraw": ("submitted", "withdrawn", {"owner": "yes"}),
    "start_assessment": ("submitted", "in_assessment", {"ada": "yes"}),
    "hand_back": ("in_assessment", "submitted", {"ada": "yes", "pam": "yes"}),
    "refer": ("in_assessment", "referred", {"ada": "yes"}),
    "record_decision": ("in_assessment", "assessed", {"ada": "yes"}),
    "disagree": ("in_assessment", "in_adjudication", {"system": "yes"}),
    "adjudicate": ("in_adjudication", "assessed", {"ana": "yes"}),
    "enter_moderation": ("assessed", "in_moderation", {"lea": "yes", "system": "yes"}),
    "return_to_assessor": ("in_moderation", "in_assessment", {"lea": "yes", "moses": "yes"}),
    "conclude_moderation": ("in_moderation", "moderated", {"lea": "yes"}),
    "ratify": ("moderated", "ratified", {"rita": "yes", "rob": "not_reauthenticated"}),
    "release": ("ratified", "released", {"pam": "yes", "clock": "yes"}),
    "request_reconsideration": ("released", "under_reconsideration", {"owner": "yes"}),
    "conclude_reconsideration": (
        "under_reconsideration",
        "released",
        {"rita": "yes", "rob": "yes"},
    ),
    "recall": ("released", "in_moderation", {"lea": "yes", "rita": "yes", "rob": "yes"}),
}
SUBMIT = {"owner": "yes", "pam": "yes"}
"""Not submitted yet: the learner, or a programme administrator on the learner's behalf."""

FULL = os.environ.get("PROOF") == "full"
SAMPLE = 120
OTHERS = [
    (step, state, name)
    for step, (source, _target, _who) in TABLE.items()
    for state in STATES
    if state != source
    for name in PEOPLE
]
ASKED = OTHERS if FULL else random.Random(20260201).sample(OTHERS, SAMPLE)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def answer(case: Case) -> str:
    """What the door says: "yes", or the code of the answer."""
    try:
        with undone():
            before = footprint(case.subject)
            try:
                with transaction.atomic():
                    moved = case.take()
            except TransitionRefused as refused:
                assert footprint(case.subject) == before, "a refusal left a trace"
                return said(refused)
            check_moved(case, moved)
            check_deferred()
            return "yes"
    except TransitionRefused as refused:
        return said(refused)


def said(refused: TransitionRefused) -> str:
    if isinstance(refused, GuardsNotMet):
        return " ".join(refused.codes)
    return {NotPermitted: "403", StaleState: "409"}[type(refused)]


def footprint(subject: Any) -> tuple[Any, ...]:
    """What a step would leave behind."""
    rows = Submission.objects.filter(pk=subject.pk).values_list("state", "seq")
    return (list(rows), TransitionRecord.objects.count(), OutboxMessage.objects.count())


def check_moved(case: Case, moved: Submission) -> None:
    """State, record and actor of a step that was taken."""
    record = TransitionRecord.objects.of(moved).order_by("-seq")[0]
    target = "submitted" if case.step == "submit" else TABLE[case.step][1]
    assert (moved.state, record.target, record.name) == (target, target, case.step)
    assert record.seq == moved.seq
    if isinstance(case.actor, SystemActor):
        assert (record.actor_id, record.actor_system) == (None, case.actor.name)
    else:
        assert record.actor_id == case.actor.pk


def test_the_table_has_every_step_of_the_machine() -> None:
    declared = {(a.name, a.source, a.target) for a in arrows_of(Submission) if not a.birth}
    assert declared == {(step, source, target) for step, (source, target, _who) in TABLE.items()}
    assert {state for state, _label in Submission._meta.get_field("state").choices} == set(STATES)


@pytest.mark.parametrize("step", TABLE)
def test_who_may_in_the_steps_own_state(world: World, step: str) -> None:
    source, _target, who = TABLE[step]
    with undone():
        case = prepare(world, step)
        wrong = {}
        for name in PEOPLE:
            actor = world.actor(name, case.subject)
            asked = Case(step, case.subject, actor)
            expected = who.get(name, "403")
            found = answer(asked)
            if found != expected:
                wrong[name] = f"{found} instead of {expected}"
        assert fresh(case).state == source
        assert wrong == {}


def fresh(case: Case) -> Submission:
    found: Submission = Submission.objects.get(pk=case.subject.pk)
    return found


def test_who_may_submit(world: World) -> None:
    with undone():
        case = prepare(world, "submit")
        wrong = {}
        for name in PEOPLE:
            actor = world.actor(name) if name != "hone" else world.people["mere"]
            found, expected = answer(Case("submit", case.subject, actor)), SUBMIT.get(name, "403")
            if found != expected:
                wrong[name] = f"{found} instead of {expected}"
        assert wrong == {}


@pytest.mark.proof
def test_no_step_from_another_state(world: World) -> None:
    """409 for everybody: the state is looked at before the person, and nothing is written."""
    wrong = []
    for step, state, name in ASKED:
        subject = world.submissions[state]
        found = answer(Case(step, subject, world.actor(name, subject)))
        if found != "409":
            wrong.append(f"{step} from {state} by {name}: {found}")
    assert wrong == []
