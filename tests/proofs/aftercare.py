"""The same as `permitted` for what surrounds marking: early checks, questions to somebody senior, holds, appeals."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from assessment.actions import early, reviewing
from assessment.models import EarlyCheck, EarlyPlace, EarlyReading, FeedbackReview
from awards.actions.reconsideration import authorise_correction
from catalogue.models import DeliveryRole
from portfolios.actions.submission import lift_hold, place_hold
from portfolios.actions.supporting import apply_for_consideration
from portfolios.enums import ConsiderationOutcome, HoldKind, PartKind
from portfolios.models import Hold, Part
from tests.proofs.permitted import CASES, Deed, case, draft_of, marked, no
from tests.proofs.world import World, again
from workflows.exceptions import GuardsNotMet

__all__ = ["CASES"]
"""Those of `permitted` and these."""

# The early check -------------------------------------------------------------------------------------


def early_place(world: World) -> EarlyPlace:
    """A check of one place, with a decision of Ada's in it."""
    submission = again(world.submissions["assessed"])
    check = EarlyCheck.objects.create(delivery=submission.delivery, task=submission.task, size=1)
    return EarlyPlace.objects.create(check_of=check, submission=submission, number=1)


def read_place(world: World, **fields: Any) -> EarlyReading:
    place = early_place(world)
    return EarlyReading.objects.create(
        place=place, decision=place.submission.decisions.get(), moderator=world.cast.moses,
        **{"is_sound": True, **fields},
    )  # fmt: skip


@case("rules.reads_early", goes="moses", stops="ada")
def _reads(world: World, who: str) -> Deed:
    place = early_place(world)
    return lambda: early.begin_reading(place, actor=world.people[who])


@case("rules.answers_early", goes="here", stops="left")
def _answers(world: World, how: str) -> Deed:
    reading = read_place(world, is_sound=False, sent_back=True, note="Read C1 again.")
    author = reading.decision.author
    if how == "left":
        DeliveryRole.objects.filter(user=author).update(ended_at=timezone.now())
    given = {"actor": author, "would_change": False, "text": "It is on page 2."}
    return lambda: early.answer_early(reading, **given)


@case("guards.early_decided", goes="decided", stops="empty")
def _anything_decided(world: World, how: str) -> Deed:
    if how == "empty":
        check = EarlyCheck.objects.create(
            delivery=world.cast.delivery, task=world.cast.task, size=1
        )
    else:
        check = read_place(world).place.check_of
    return lambda: early.pass_early_check(check, actor=world.cast.moses, note="Sound.")


@case("guards.early_read", goes="read", stops="unread")
def _all_read(world: World, how: str) -> Deed:
    place = read_place(world).place if how == "read" else early_place(world)
    check = place.check_of
    return lambda: early.pass_early_check(check, actor=world.cast.moses, note="Sound.")


@case("guards.early_answered", goes="sound", stops="doubtful")
def _all_answered(world: World, how: str) -> Deed:
    said = {} if how == "sound" else {"is_sound": False, "sent_back": True, "note": "Why?"}
    check = read_place(world, **said).place.check_of
    return lambda: early.pass_early_check(check, actor=world.cast.moses, note="Sound.")


# Asking somebody senior ------------------------------------------------------------------------------


@case("rules.may_ask_review", goes="in_assessment", stops="released")
def _asks(world: World, state: str) -> Deed:
    submission = again(world.submissions[state])
    given = {"actor": world.cast.ada, "question": "Is this clear?"}
    return lambda: reviewing.ask_review(submission, **given)


@case("rules.may_ask_about_result", goes="mere", stops="hone")
def _asks_about_result(world: World, who: str) -> Deed:
    released = again(world.submissions["released"])
    given = {"actor": world.people[who], "question": "Why?"}
    return lambda: reviewing.ask_about_result(released, **given)


def review_of(world: World) -> FeedbackReview:
    submission = marked(world)
    return FeedbackReview.objects.create(
        submission=submission, decision=draft_of(submission, world.cast.ada),
        asked_by=world.cast.ada, question="Is this clear?",
    )  # fmt: skip


@case("rules.can_view_review", goes="lea", stops="moses")
def _takes(world: World, who: str) -> Deed:
    review = review_of(world)
    return lambda: reviewing.take_review(review, actor=world.people[who])


@case("rules.may_take_review", goes="fresh", stops="had a part")
def _had_none(world: World, how: str) -> Deed:
    review = review_of(world)
    if how != "fresh":
        ended = timezone.now() - timedelta(days=1)
        Part.objects.create(
            submission=review.submission, person=world.cast.lea, kind=PartKind.ASSESSOR,
            since=ended, ended_at=ended,
        )  # fmt: skip
    return lambda: reviewing.take_review(review, actor=world.cast.lea)


# Holds and reconsideration ---------------------------------------------------------------------------


@case("portfolios.may_hold", goes="lea", stops="ada")
def _holds(world: World, who: str) -> Deed:
    given = {"kind": HoldKind.INTEGRITY, "reason": "Two say the same."}
    return lambda: place_hold(marked(world), actor=world.people[who], **given)


def consideration(world: World) -> Hold:
    return Hold.objects.create(
        submission=marked(world), kind=HoldKind.SPECIAL_CONSIDERATION, reason="Asked",
        opened_by=world.cast.lena,
    )  # fmt: skip


@case("portfolios.may_lift", goes="pam", stops="lea")
@case("portfolios.may_read_supporting", goes="pam", stops="lea")
def _lifts(world: World, who: str) -> Deed:
    """Why work waits, only administrators know; a lead moderator may judge it."""
    hold = consideration(world)
    outcome = ConsiderationOutcome.values[0]
    return lambda: lift_hold(hold, actor=world.people[who], outcome=outcome)


@case("portfolios.may_apply_for_consideration", goes="lena", stops="hone")
def _applies(world: World, who: str) -> Deed:
    work = marked(world)
    return lambda: apply_for_consideration(work, actor=world.people[who], words="I was ill.")


def past_permission(act: Deed) -> Deed:
    """Something else is missing still."""

    def deed() -> bool:
        try:
            act()
        except GuardsNotMet:
            return True
        return True

    return deed


@case("awards.leads", goes="lea", stops="pam")
@case("awards.may_authorise_correction", goes="lea", stops="pam")
def _corrects(world: World, who: str) -> Deed:
    asked = world.reconsideration
    assert asked is not None
    return past_permission(
        lambda: authorise_correction(asked, actor=world.people[who], reason="Slip")
    )


@case("awards.judged", goes="fresh", stops="judged", allows=no)
def _judged(world: World, how: str) -> Deed:
    asked = world.reconsideration
    assert asked is not None
    if how == "judged":
        ended = timezone.now() - timedelta(days=1)
        Part.objects.create(
            submission=asked.submission, person=world.cast.lea, kind=PartKind.ASSESSOR,
            since=ended, ended_at=ended,
        )  # fmt: skip
    return past_permission(lambda: authorise_correction(asked, actor=world.cast.lea, reason="Slip"))
