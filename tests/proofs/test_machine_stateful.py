"""Random stories of three submissions against a plain model: what must work works, what must not does not.

Hypothesis picks the steps, legal or not. The model knows the lifecycle as a dictionary and a few facts; it
says beforehand whether a step is taken. After each step the database, the records, the messages and what
the learner may see are compared with the model. PROOF=full runs more and longer stories.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import User
from assessment.actions.allocation import allocate, hand_back
from assessment.actions.deciding import record_decision, refer
from assessment.models import Allocation, AssessmentDecision
from awards.actions.ratification import open_ratification
from awards.actions.reconsideration import conclude_reconsideration, request_reconsideration
from awards.actions.release import release_now
from awards.models import Reconsideration
from moderation.actions import close_round, decide_round, draw_sample, open_round, return_item
from moderation.enums import RoundDecision
from moderation.models import ModerationRound
from portfolios.actions.submission import lift_hold, place_hold, withdraw_submission
from portfolios.enums import HoldKind
from portfolios.models import Hold, Portfolio, Submission
from tests.factories.assessment import drafted
from tests.factories.awards import relay_all, sign
from tests.factories.moderation import agreed, fresh, scored
from tests.factories.portfolios import ready, submit
from tests.personas import Cast, make_cast
from workflows.exceptions import TransitionRefused
from workflows.models import OutboxMessage, TransitionRecord
from workflows.selectors import verify

pytestmark = pytest.mark.proof
FULL = os.environ.get("PROOF") == "full"
LEARNERS = ("lena", "hone", "mere")
WHO = st.sampled_from(LEARNERS)
ENDED = (None, "withdrawn", "referred")
SEEN = ("released", "under_reconsideration")


@dataclass
class Work:
    """What the model knows of one learner's work."""

    state: str | None = None
    trail: list[str] = field(default_factory=list)
    opened: bool = False
    held: bool = False
    draft: str = ""
    returned: bool = False
    sealed: bool = False
    referrals: int = 0
    attempts: int = 0
    in_round: bool = False
    decided_anew: bool = False

    def move(self, name: str, state: str) -> None:
        self.trail.append(name)
        self.state = state


class Lifecycle(RuleBasedStateMachine):
    """One story. `cast` is set by the test; everything a story does is undone at its end."""

    cast: ClassVar[Cast]
    portfolios: ClassVar[dict[str, Portfolio]]

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.work = {name: Work() for name in LEARNERS}
        self.round: str = ""
        self.read: set[str] = set()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    # -- doing --------------------------------------------------------------------------------

    def person(self, name: str) -> User:
        return self.cast.people[name]

    def submission(self, name: str) -> Submission | None:
        found = Submission.objects.filter(learner=self.person(name))
        return found.order_by("-submitted_at", "-attempt").first()

    def assessor_of(self, name: str) -> User:
        """Whoever has the work now; ada where nobody has."""
        live = Allocation.objects.current().filter(submission=self.submission(name))
        found = live.order_by("-allocated_at").first()
        return found.assessor if found else self.person("ada")

    def attempt(self, allowed: bool, call: Any) -> bool:
        """Do it. It must work exactly where the model says so."""
        try:
            with transaction.atomic():
                call()
        except TransitionRefused as refused:
            assert not allowed, f"refused: {refused!r}"  # noqa: PT017  the model says which
            return False
        assert allowed, "it was not refused"
        relay_all()
        return True

    def now_round(self) -> ModerationRound | None:
        return ModerationRound.objects.order_by("-number").first()

    def members(self) -> list[str]:
        return [name for name, one in self.work.items() if one.in_round]

    # -- the learner --------------------------------------------------------------------------

    @rule(name=WHO)
    def submits(self, name: str) -> None:
        one = self.work[name]
        portfolio = Portfolio.objects.get(pk=self.portfolios[name].pk)
        if self.attempt(one.state in ENDED, lambda: submit(portfolio)):
            kept = (one.referrals,)
            self.work[name] = Work(referrals=kept[0], attempts=one.attempts + 1)
            self.work[name].move("submit", "submitted")

    @rule(name=WHO)
    def withdraws(self, name: str) -> None:
        one, found = self.work[name], self.submission(name)
        if found is None:
            return
        allowed = one.state == "submitted" and not one.opened
        if self.attempt(allowed, lambda: withdraw_submission(found, actor=self.person(name))):
            one.move("withdraw", "withdrawn")

    @rule(name=WHO)
    def asks_again(self, name: str) -> None:
        one, found = self.work[name], self.submission(name)
        if found is None or one.state == "under_reconsideration":
            return
        if AssessmentDecision.objects.final().filter(submission=found).last() is None:
            return
        allowed = one.state == "released" and not one.held
        call = lambda: request_reconsideration(  # noqa: E731
            found, actor=self.person(name), grounds="See page 2."
        )
        if self.attempt(allowed, call):
            one.move("request_reconsideration", "under_reconsideration")
            one.decided_anew = False

    # -- the assessor -------------------------------------------------------------------------

    @rule(name=WHO, levels=st.sampled_from(["M", "NY", "E"]))
    def marks(self, name: str, levels: str) -> None:
        """Open the workspace and give levels to all criteria."""
        one, found = self.work[name], self.submission(name)
        if found is None:
            return
        who = self.assessor_of(name)
        allowed = (one.state == "submitted" and not one.held) or one.state == "in_assessment"
        allowed = allowed or (one.state == "under_reconsideration" and not one.decided_anew)
        call = lambda: drafted(found, who, levels, reason="Looked again.")  # noqa: E731
        if self.attempt(allowed, call):
            one.draft = levels
            if one.state == "submitted":
                one.move("start_assessment", "in_assessment")
                one.opened = True

    @rule(name=WHO)
    def hands_back(self, name: str) -> None:
        """And somebody is asked again at once: handing back is no dead end."""
        one, found = self.work[name], self.submission(name)
        if found is None:
            return
        who = self.assessor_of(name)
        allowed = one.state == "in_assessment" and not one.returned
        if one.returned and one.state == "in_assessment":
            return
        if self.attempt(allowed, lambda: hand_back(found, actor=who)):
            one.move("hand_back", "submitted")
            allocate(found, who, actor=self.person("pam"))

    @rule(name=WHO)
    def refers(self, name: str) -> None:
        one, found = self.work[name], self.submission(name)
        if found is None:
            return
        who = self.assessor_of(name)
        allowed = (
            one.state == "in_assessment"
            and one.draft == "NY"
            and not (one.held or one.returned or one.in_round)
            and one.referrals == 0
        )
        if self.attempt(allowed, lambda: refer(found, actor=who)):
            one.move("refer", "referred")
            one.referrals += 1

    @rule(name=WHO)
    def records(self, name: str) -> None:
        one, found = self.work[name], self.submission(name)
        if found is None:
            return
        who = self.assessor_of(name)
        can = one.state in ("in_assessment", "under_reconsideration")
        allowed = can and one.draft != "" and not one.held
        if one.state == "under_reconsideration" and one.decided_anew:
            allowed = False
        if not self.attempt(allowed, lambda: record_decision(found, actor=who)):
            return
        if one.state == "under_reconsideration":
            one.decided_anew = True
            return
        one.move("record_decision", "assessed")
        one.sealed, one.draft = True, ""
        if one.returned:
            # The relay takes it back into its round.
            one.returned = False
            one.move("enter_moderation", "in_moderation")

    # -- holds --------------------------------------------------------------------------------

    @rule(name=WHO)
    def holds(self, name: str) -> None:
        one, found = self.work[name], self.submission(name)
        if found is None or one.state in ENDED or one.returned:
            return
        place_hold(found, actor=self.person("pam"), kind=HoldKind.INTEGRITY, reason="Two alike.")
        one.held = True

    @rule(name=WHO)
    def lifts(self, name: str) -> None:
        for hold in Hold.objects.filter(submission=self.submission(name)):
            lift_hold(hold, actor=self.person("pam"))
        self.work[name].held = False

    # -- moderation ---------------------------------------------------------------------------

    @rule()
    def freezes(self) -> None:
        waiting = [one for one in self.work.values() if one.state == "assessed"]
        allowed = bool(waiting) and not self.round and not any(one.held for one in waiting)
        lea, cast = self.person("lea"), self.cast
        if self.attempt(allowed, lambda: open_round(cast.delivery, cast.task, actor=lea)):
            self.round, self.read = "frozen", set()
            for one in waiting:
                one.move("enter_moderation", "in_moderation")
                one.in_round = True

    @rule()
    def draws(self) -> None:
        """Small sets are drawn whole."""
        made = self.now_round()
        if made is None:
            return
        if self.attempt(
            self.round == "frozen", lambda: draw_sample(made, actor=self.person("lea"))
        ):
            self.round = "reviewing"
            assert made.items.count() == len(self.members())

    @rule(name=WHO)
    def reads_and_upholds(self, name: str) -> None:
        item = self.item_of(name)
        if item is None:
            return
        allowed = self.round == "reviewing" and name not in self.read
        allowed = allowed and self.work[name].state == "in_moderation"
        if self.attempt(allowed, lambda: agreed(item)):
            self.read.add(name)

    @rule(name=WHO)
    def returns(self, name: str) -> None:
        item, one = self.item_of(name), self.work[name]
        if item is None or one.held:
            return
        allowed = self.round == "reviewing" and name not in self.read
        allowed = allowed and one.state == "in_moderation"

        def call() -> None:
            if fresh(item).state == "drawn":
                scored(item, "M")
            found = fresh(item)
            return_item(found, actor=found.moderator, reason="Look.", action="Read page 2.")

        if self.attempt(allowed, call):
            one.move("return_to_assessor", "in_assessment")
            one.returned, one.draft = True, ""

    @rule()
    def decides(self) -> None:
        """Accept the set; the round waits for nothing but its closing then."""
        made = self.now_round()
        if made is None or self.round != "reviewing" or self.read != set(self.members()):
            return
        decide_round(
            made, actor=self.person("lea"), decision=RoundDecision.ACCEPT, reason="As it should."
        )
        self.round = "decided"

    @rule()
    def closes(self) -> None:
        made = self.now_round()
        if made is None:
            return
        members = [self.work[name] for name in self.members()]
        allowed = self.round == "decided" and not any(one.held for one in members)
        if self.attempt(allowed, lambda: close_round(made, actor=self.person("lea"))):
            self.round = ""
            for one in members:
                one.move("conclude_moderation", "moderated")
                one.in_round = False

    # -- results ------------------------------------------------------------------------------

    @rule()
    def ratifies(self) -> None:
        ready_ones = [o for o in self.work.values() if o.state == "moderated" and not o.held]
        rita, cast = self.person("rita"), self.cast

        def call() -> None:
            sign(open_ratification(cast.delivery, cast.task, actor=rita, minute="Met."), rita)

        if self.attempt(bool(ready_ones), call):
            for one in ready_ones:
                one.move("ratify", "ratified")

    @rule()
    def releases(self) -> None:
        ready_ones = [o for o in self.work.values() if o.state == "ratified" and not o.held]
        pam, cast = self.person("pam"), self.cast
        if self.attempt(bool(ready_ones), lambda: release_now(cast.delivery, cast.task, actor=pam)):
            for one in ready_ones:
                one.move("release", "released")

    @rule(name=WHO)
    def concludes_again(self, name: str) -> None:
        one = self.work[name]
        asked = Reconsideration.objects.filter(
            submission=self.submission(name), concluded_at__isnull=True
        ).first()
        if asked is None:
            return
        allowed = one.state == "under_reconsideration" and one.decided_anew and not one.held
        if self.attempt(
            allowed,
            lambda: conclude_reconsideration(asked, actor=self.person("rita"), note="Looked at."),
        ):
            one.move("conclude_reconsideration", "released")
            one.decided_anew, one.draft = False, ""

    def item_of(self, name: str) -> Any:
        made = self.now_round()
        if made is None or not self.work[name].in_round:
            return None
        return made.items.filter(submission=self.submission(name)).first()

    # -- what must hold -----------------------------------------------------------------------

    @invariant()
    def the_database_is_the_model(self) -> None:
        for name, one in self.work.items():
            found = self.submission(name)
            if one.state is None:
                assert found is None
                continue
            assert found is not None
            records = list(TransitionRecord.objects.of(found).order_by("seq"))
            assert found.state == one.state == records[-1].target
            assert [record.name for record in records] == one.trail
            assert [record.seq for record in records] == list(range(1, found.seq + 1))
            assert one.attempts == Submission.objects.filter(learner=found.learner).count()

    @invariant()
    def results_were_moderated_and_ratified_before(self) -> None:
        for one in self.work.values():
            if one.state in SEEN:
                way = ["record_decision", "conclude_moderation", "ratify", "release"]
                places = [one.trail.index(step) for step in way]
                assert places == sorted(places)

    @invariant()
    def nothing_shows_before_release(self) -> None:
        for name, one in self.work.items():
            shown = AssessmentDecision.objects.shown_to_learner(self.person(name))
            assert shown.exists() == (one.state in SEEN)

    @invariant()
    def every_record_has_its_message_and_every_chain_holds(self) -> None:
        events = OutboxMessage.objects.filter(kind="event")
        assert events.count() == TransitionRecord.objects.count()
        assert verify()[0] == []


@pytest.fixture
def stories(migrated_db: None, django_db_blocker: Any) -> Iterator[None]:
    """Three portfolios ready to be submitted; undone at the end."""
    with django_db_blocker.unblock():
        try:
            with transaction.atomic():
                Lifecycle.cast = make_cast(learners=3)
                Lifecycle.portfolios = {name: ready(Lifecycle.cast, name) for name in LEARNERS}
                relay_all()
                yield
                transaction.set_rollback(True)
        finally:
            transaction.get_connection().close()


def test_the_submission_follows_the_lifecycle(stories: None) -> None:
    run_state_machine_as_test(
        Lifecycle,
        settings=settings(
            max_examples=400 if FULL else 6,
            stateful_step_count=60 if FULL else 30,
            derandomize=not FULL,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_one_story_to_the_end(stories: None) -> None:
    """A story that Hypothesis may not find within its budget: all the way, back once, and around again."""
    story = Lifecycle()
    try:
        for name in LEARNERS:
            story.submits(name)
        story.withdraws("mere")
        story.submits("mere")
        story.marks("mere", "NY")
        story.hands_back("mere")
        story.marks("mere", "NY")
        story.refers("mere")
        story.submits("mere")
        for name, levels in (("lena", "M"), ("hone", "NY"), ("mere", "E")):
            story.marks(name, levels)
            story.records(name)
        story.holds("hone")
        story.freezes()
        story.lifts("hone")
        story.freezes()
        story.draws()
        story.returns("hone")
        story.closes()
        story.marks("hone", "M")
        story.records("hone")
        for name in LEARNERS:
            story.reads_and_upholds(name)
        story.decides()
        story.holds("lena")
        story.closes()
        story.lifts("lena")
        story.closes()
        story.holds("mere")
        story.ratifies()
        story.releases()
        story.lifts("mere")
        story.ratifies()
        story.releases()
        story.asks_again("lena")
        story.marks("lena", "E")
        story.concludes_again("lena")
        story.records("lena")
        story.concludes_again("lena")
        for check in (
            story.the_database_is_the_model,
            story.results_were_moderated_and_ratified_before,
            story.nothing_shows_before_release,
            story.every_record_has_its_message_and_every_chain_holds,
        ):
            check()
        assert [one.state for one in story.work.values()] == ["released"] * 3
    finally:
        story.teardown()
