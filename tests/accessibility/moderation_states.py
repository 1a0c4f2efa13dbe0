"""States of moderation, as states.py has those of learners’ work."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from assessment.actions.exemplars import Agreed, Anonymous, freeze_exemplar
from assessment.selectors.exemplars import copies_of, supports_of
from catalogue.models import Criterion, Level
from moderation.actions import (
    Minutes,
    add_meeting_action,
    amend_meeting,
    close_round,
    comment_on_item,
    decide_round,
    invite_external,
    keep_severities,
    record_meeting,
    sign_meeting,
    submit_external_report,
)
from moderation.enums import RoundDecision
from moderation.models import ExternalReview, ModerationRound, SampleItem
from moderation.selectors import sample_of
from portfolios.manifest import Support
from tests.accessibility.world import LONG_NAME, LONG_WORD, World
from tests.factories import assessment as marked
from tests.factories import moderation as moderated
from tests.personas import Cast

Kwargs = dict[str, Any]


def keys(cast: Cast, **more: Any) -> Kwargs:
    """What addresses of a set need."""
    return {"delivery": cast.delivery.pk, "task": cast.task.pk, "pk": cast.delivery.pk, **more}


def assessed_set(world: World) -> Kwargs:
    """A set that waits for its round."""
    cast = world.another("assessed", 4)
    moderated.assessed_set(cast, assessors=("ada", "abe"))
    return keys(cast)


def frozen(world: World) -> Kwargs:
    """A round that waits for its draw."""
    cast = world.another("frozen", 5)
    return {"pk": moderated.frozen_round(cast, assessors=("ada", "abe")).pk}


def large_frozen(world: World) -> Kwargs:
    """A round of many that waits for its draw, with a random part."""
    cast = world.another(
        "largefrozen", 14, names=(LONG_NAME, LONG_WORD), title=f"Te rōpū {LONG_WORD}"
    )
    cast.delivery.policy_overrides |= moderated.NOTHING_TARGETED
    cast.delivery.save(update_fields=["policy_overrides"])
    return {"pk": moderated.frozen_round(cast, assessors=("ada", "abe", "ana")).pk}


def many_in_round(world: World) -> Kwargs:
    """A round of many, with long names."""
    cast = world.another("large", 14, names=(LONG_NAME, LONG_WORD), title=f"Te rōpū {LONG_WORD}")
    return {"pk": moderated.drawn_round(cast, assessors=("ada", "abe", "ana")).pk}


def item_of(made: ModerationRound, moderator: str) -> SampleItem:
    found: SampleItem = made.items.filter(moderator__email=f"{moderator}@example.org").first()
    return found


def drawn(world: World) -> Kwargs:
    """A drawn item that Moses reads."""
    cast = world.another("drawn", 6)
    made = moderated.drawn_round(cast)
    return {"pk": item_of(made, "moses").pk, "round": made.pk}


def in_review(world: World) -> Kwargs:
    """The round of the drawn item."""
    return {"pk": world.state(drawn)["round"]}


def compared(world: World) -> Kwargs:
    """An item that Moses has read differently."""
    cast = world.another("compared", 6)
    made = moderated.drawn_round(cast)
    item = item_of(made, "moses")
    moderated.scored(item, "M")
    return {"pk": item.pk, "round": made.pk}


def alike(world: World) -> Kwargs:
    """Items that Moses has read as the assessor did."""
    cast = world.another("alike", 6)
    made = moderated.drawn_round(cast)
    for item in made.items.filter(moderator=cast.moses):
        moderated.scored(item)
    return {}


def upheld(world: World) -> Kwargs:
    """An item that was upheld."""
    cast = world.another("upheld", 6)
    made = moderated.drawn_round(cast)
    item = item_of(made, "moses")
    moderated.agreed(item)
    return {"pk": item.pk}


def read(world: World) -> Kwargs:
    """A round that waits for its decision."""
    cast = world.another("read", 5)
    return {"pk": moderated.read_round(cast, assessors=("ada", "abe")).pk}


def decided(world: World) -> Kwargs:
    """A round that waits to be closed."""
    cast = world.another("decided", 4)
    return {"pk": moderated.decided_round(cast, assessors=("ada", "abe")).pk}


def with_actions(world: World) -> Kwargs:
    """An action that a closed round asks for."""
    cast = world.another("actions", 2)
    made = moderated.read_round(cast)
    ready = decide_round(
        made, actor=cast.lea, decision=RoundDecision.ACCEPT_WITH_ACTIONS, reason="Sound.",
        required_actions="Reword criterion 2.", owner=cast.lea, due_on=cast.delivery.ends_on,
    )  # fmt: skip
    return {"pk": close_round(ready, actor=cast.lea).actions.get().pk}


def closed(world: World) -> Kwargs:
    """A closed round with figures."""
    cast = world.another("closed", 6)
    return keys(cast, pk=moderated.moderated(cast, assessors=("ada", "abe")).pk)


def with_severities(world: World) -> Kwargs:
    """A closed round whose people's severities were computed, one of them strict."""
    cast = world.another("severities", 2)
    made = moderated.moderated(cast, assessors=("ada", "abe"))
    moderated.with_readings(cast, made)
    keep_severities()
    return keys(cast, pk=made.pk)


def in_sight(world: World) -> Kwargs:
    """A drawn item that Moses reads with the assessor's decision in sight."""
    cast = world.another("insight", 4, policy={"moderator.blind_first": False})
    return {"pk": item_of(moderated.drawn_round(cast), "moses").pk}


def in_the_bank(world: World) -> Kwargs:
    """An exemplar from work whose learner agreed, and the form for another."""
    cast = world.another("bank", 1)
    source = marked.assessed(cast, "bank-1")
    levels = Level.objects.filter(criterion__rubric__task=cast.task, code="M")
    made = freeze_exemplar(
        cast.task,
        actor=cast.lea,
        title="Just met, thin evidence",
        agreed=Agreed({one.criterion_id: one.pk for one in levels}, "As the descriptor says."),
        work=Anonymous(
            [("C1", "I checked the headings.")],
            [(copies_of(source)[0][1], "A report.")],
            supports_of(source),
            "A tool read the spelling.",
            [("I read each page aloud.", [Support("C1", "Each is in order.", "line 1")])],
        ),
        source=source,
        consent="By e-mail.",
    )
    return {"pk": made.pk, "task": cast.task.pk, "query": f"reference={source.reference}"}


def met(world: World) -> Kwargs:
    """The draft of a record that cannot be signed yet, and an exemplar to have discussed."""
    world.state(in_the_bank)
    cast = world.cast
    made = record_meeting(cast.task, Minutes(timezone.localdate(), [cast.ada]), actor=cast.lea)
    add_meeting_action(
        made, actor=cast.lea, text=f"Reword C1 {LONG_WORD}", owner=cast.ada,
        due_on=cast.delivery.ends_on,
    )  # fmt: skip
    return {"pk": made.pk, "task": cast.task.pk}


def signed_meeting(world: World) -> Kwargs:
    """A signed record with an amendment."""
    cast = world.cast
    held = Minutes(
        timezone.localdate(), [cast.ada, cast.moses], readings="C1 asks for order.", actions="Ada."
    )
    made = record_meeting(cast.task, held, actor=cast.lea)
    add_meeting_action(
        made, actor=cast.lea, text="Add an example.", owner=cast.ada, due_on=cast.delivery.ends_on
    )
    sign_meeting(made, actor=cast.lea, seen_version=2)
    amend_meeting(made, actor=cast.lea, text="C2 as well.")
    return {"pk": made.pk}


def asked_outside(world: World, name: str, full: str) -> ExternalReview:
    """Somebody from outside who may look at the closed round."""
    found = ModerationRound.objects.get(pk=world.state(closed)["pk"])
    person = world.person(name, full)
    today = timezone.localdate()
    return invite_external(
        found, actor=world.cast.lea, email=person.email, name="", since=today,
        until=today + timedelta(days=9), asked="Is criterion 2 read alike?",
        achievement_record="Record of Achievement 2026/14",
    )  # fmt: skip


def outside(world: World) -> Kwargs:
    """A round that is open to Xenia, and one item of it."""
    review = asked_outside(world, "xenia", "Xenia Ōhāngā")
    code, item = sample_of(review.round)[0]
    comment_on_item(review, item, actor=review.person, text="Read as the descriptor says.")
    return {**world.state(closed), "pk": review.pk, "work": code, "number": 1}


def handed_on(world: World) -> Kwargs:
    """The round with both of them, as the lead sees it."""
    world.state(outside)
    world.state(outside_done)
    return world.state(closed)


def outside_done(world: World) -> Kwargs:
    """A report that was submitted."""
    review = asked_outside(world, "xavier", "Xavier Marino")
    submit_external_report(review, actor=review.person, finding="confirmed", report="Sound.")
    return {"pk": review.pk}


def adjusted(world: World) -> Kwargs:
    """A round whose adjustment waits for a second approver."""
    cast = world.another("adjusted", 4)
    made = moderated.read_round(cast, levels="G")
    criterion = Criterion.objects.filter(rubric__task=cast.task).first()
    decide_round(
        made,
        actor=cast.lea,
        decision=RoundDecision.ADJUST_SET,
        reason="The first criterion was read too kindly.",
        rule={"criterion": criterion.pk, "shift": -1},
    )
    return {"pk": made.pk}
