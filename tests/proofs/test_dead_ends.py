"""No step leads where nobody can go on."""

import pytest

from assessment.actions.allocation import allocate, claim_next, hand_back
from awards.actions.recall import ask_recall, confirm_recall
from moderation.actions import close_round, decide_round, draw_sample, open_round, return_item
from moderation.enums import RoundDecision
from moderation.models import ModerationRound
from portfolios.models import Submission
from tests.factories.assessment import assessed, decided, opened
from tests.factories.awards import release
from tests.factories.moderation import agreed, drawn_round, fresh, scored
from tests.personas import Cast, make_cast
from tests.proofs.world import close_all, ratify_all
from workflows.exceptions import GuardsNotMet
from workflows.outbox import relay

pytestmark = pytest.mark.django_db


@pytest.fixture
def handed_back() -> Cast:
    """Ada's work came back from moderation, and ada handed it back to the queue."""
    cast = make_cast(learners=1)
    item = drawn_round(cast).items.get()
    scored(item, "M")
    item = fresh(item)
    return_item(item, actor=item.moderator, reason="Look again.", action="Read page 2.")
    opened(Submission.objects.get(), cast.ada)
    hand_back(Submission.objects.get(), actor=cast.ada)
    return cast


def test_returned_work_that_was_handed_back_goes_on(handed_back: Cast) -> None:
    """Somebody else revises it, it enters its round again, and can be upheld."""
    cast = handed_back
    allocate(Submission.objects.get(), cast.abe, actor=cast.pam)
    moved = decided(Submission.objects.get(), cast.abe, "M", reason="Page 2 changes nothing.")
    assert moved.state == "assessed"
    while relay():
        pass
    assert Submission.objects.get().state == "in_moderation"
    item = ModerationRound.objects.get().items.get()
    assert agreed(item).state == "upheld"


def test_it_is_in_the_pool_but_not_for_the_one_who_decided(handed_back: Cast) -> None:
    cast = handed_back
    assert claim_next(actor=cast.ada) is None
    assert claim_next(actor=cast.abe) == Submission.objects.get()


def test_a_recall_waits_while_another_round_of_the_task_is_open() -> None:
    """Confirming it then is refused with the reason, and works once the round is closed."""
    cast = make_cast(learners=2)
    assessed(cast, "lena", "M")
    close_all(cast)
    ratify_all(cast)
    release(cast)
    assessed(cast, "hone", "M")
    made = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
    recall = ask_recall(cast.delivery, cast.task, actor=cast.lea, reason="Read wrongly.")
    with pytest.raises(GuardsNotMet) as refused:
        confirm_recall(recall, actor=cast.rita)
    assert refused.value.codes == ["round_open"]
    for item in made.items.all():
        agreed(item)
    decide_round(made, actor=cast.lea, decision=RoundDecision.ACCEPT, reason="As it should be.")
    close_round(made, actor=cast.lea)
    confirm_recall(recall, actor=cast.rita)
    assert Submission.objects.get(learner=cast.lena).state == "in_moderation"


def test_a_recall_over_two_rounds_takes_them_up_one_after_the_other() -> None:
    """One round of a task is open at a time; what the other one moderated waits for it, and not for ever."""
    cast = make_cast(learners=2)
    for learner in ("lena", "hone"):
        assessed(cast, learner, "M")
        close_all(cast)
        ratify_all(cast)
        release(cast)
    recall = ask_recall(cast.delivery, cast.task, actor=cast.lea, reason="Read wrongly.")
    confirm_recall(recall, actor=cast.rita)
    assert {one.state for one in Submission.objects.all()} == {"in_moderation"}
    for number, moderated in ((2, {"hone"}), (1, {"hone", "lena"})):
        again = ModerationRound.objects.get(state="reopened")
        assert again.number == number
        decide_round(again, actor=cast.lea, decision=RoundDecision.ACCEPT, reason="Looked again.")
        close_round(ModerationRound.objects.get(pk=again.pk), actor=cast.lea)
        done = Submission.objects.filter(state="moderated")
        assert {one.learner.email.split("@")[0] for one in done} == moderated
    assert not ModerationRound.objects.exclude(state="closed").exists()
