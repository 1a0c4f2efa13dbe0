"""Rounds: one read to its end and handed on, one half read. What people agreed on together."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from assessment.actions.exemplars import Agreed, Anonymous, freeze_exemplar
from assessment.models import AssessmentDecision
from catalogue.models import Delivery, Level
from config.demo.marking import put_to
from config.demo.people import Cast
from moderation.actions import (
    Levels,
    Minutes,
    adjust_item,
    close_round,
    decide_round,
    draw_sample,
    invite_external,
    open_round,
    record_meeting,
    seal_reading,
    sign_meeting,
    uphold_item,
)
from moderation.enums import RoundDecision, Sufficiency
from moderation.models import ModerationRound, SampleItem

DIFFERS = {2: "C3", 5: "C6", 9: "C3", 13: "C2"}
"""Which readings see one criterion a level higher, or lower where there is none above."""
REASON = "Both levels can be defended from the evidence; the assessor saw the whole portfolio."

WRITTEN = (
    "I tested one page of our site with the keyboard and a screen reader, wrote down what did not work, "
    "and had two of five things mended."
)
"""Work that was written to show where the pass boundary lies."""


def drawn(delivery: Delivery, cast: Cast) -> ModerationRound:
    """The lead moderator freezes the cohort and draws."""
    opened = open_round(delivery, delivery.version.tasks.get(), actor=cast["lea"])
    return draw_sample(opened, actor=cast["lea"])


def reader(item: SampleItem) -> User:
    """Who reads it. The draw has given each item to somebody."""
    if item.moderator is None:
        raise ValueError(f"Nobody can read {item}.")
    return item.moderator


def read(item: SampleItem, *, aside: str = "") -> SampleItem:
    """Read blind by its own moderator: the assessor's levels, but one criterion a level aside."""
    said = AssessmentDecision.objects.final().filter(submission=item.submission_id).latest("number")
    levels, comments, pointers = {}, {}, {}
    for judgement in said.judgements.select_related("criterion", "level"):
        level = judgement.level
        if judgement.criterion.code == aside:
            met = Level.objects.filter(criterion=judgement.criterion, is_met=True)
            near = met.filter(rank__in=[level.rank + 1, level.rank - 1]).order_by("-rank")
            level = near.first() or level
        levels[judgement.criterion_id] = level.pk
        comments[judgement.criterion_id] = f"My view: {level.label.lower()}."
        put = put_to(item.submission, judgement.criterion.code)
        pointers[judgement.criterion_id] = put if level == judgement.level else put[:1]
    seen = Levels(
        levels=levels,
        comments=comments,
        comment="Read twice.",
        sufficiency=Sufficiency.YES,
        pointers=pointers,
    )
    return seal_reading(item, seen, actor=reader(item))


def read_all(round_: ModerationRound) -> None:
    """Every item: most agree, some differ by a level and are upheld with a reason, one is adjusted."""
    items = round_.items.select_related("submission", "moderator").order_by("pk")
    for number, item in enumerate(items):
        read_item = read(item, aside=DIFFERS.get(number, ""))
        if number == min(DIFFERS):
            adjust_item(
                read_item, actor=reader(item), reason="The change was tested again; page 1."
            )
        else:
            uphold_item(read_item, actor=reader(item), reason=REASON if number in DIFFERS else "")


def read_half(round_: ModerationRound) -> None:
    """Half is decided, the part drawn at random first; one more is read blind and not decided."""
    items = list(round_.items.select_related("submission", "moderator").order_by("part", "pk"))
    half = len(items) // 2
    for item in items[:half]:
        uphold_item(read(item), actor=item.moderator)
    read(items[half])


def accept_and_close(round_: ModerationRound, cast: Cast) -> None:
    """The set is accepted, and results go on to the ratifiers."""
    decided = decide_round(
        round_,
        actor=cast["lea"],
        decision=RoundDecision.ACCEPT,
        reason="Every decision was read. The readings differ by a level here and there, never on the outcome.",
    )
    close_round(decided, actor=cast["lea"])


def hand_on(round_: ModerationRound, cast: Cast) -> None:
    """Xanthe, who has no part in the delivery, may look at the closed round for a month."""
    today = timezone.now().astimezone(round_.delivery.zone).date()
    invite_external(
        round_,
        actor=cast["lea"],
        email=cast["xanthe"].email,
        name="",
        since=today,
        until=today + timedelta(days=30),
        asked="Is the work at the pass boundary read alike by both assessors?",
        achievement_record="Record of Achievement 2026/14, kept by the academic office",
    )


def standardise(delivery: Delivery, cast: Cast) -> None:
    """An exemplar that was written for the purpose, and the record of the meeting about it."""
    task = delivery.version.tasks.get()
    just_met = Level.objects.filter(criterion__rubric__task=task, is_met=True).order_by("-rank")
    chosen = {level.criterion_id: level.pk for level in just_met}
    shown = freeze_exemplar(
        task,
        actor=cast["lea"],
        title="Just met, one page of evidence",
        agreed=Agreed(
            chosen, "Everything asked for is there once; nothing shows that it is kept up."
        ),
        work=Anonymous([("", WRITTEN)]),
    )
    held = Minutes(
        held_on=timezone.localdate(),
        attendees=[cast["ada"], cast["abe"], cast["moses"], cast["lea"]],
        exemplars=[shown],
        readings="“Tested” asks for a test that is written down, not for every tool there is.",
        decisions="The exemplar is shown to new assessors.",
        actions="Ada adds an example of a written test to the brief by the next delivery.",
    )
    sign_meeting(record_meeting(task, held, actor=cast["lea"]), actor=cast["lea"], seen_version=1)
