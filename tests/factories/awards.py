"""Results on their way to the learner."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from assessment.enums import Basis
from assessment.hashing import policy_hash
from assessment.models import AssessmentDecision, CriterionJudgement
from awards.actions.ratification import open_ratification, sign_batch
from awards.actions.release import release_now
from awards.models import Ratification, Release
from catalogue.models import Criterion
from moderation.actions import close_round, decide_round, draw_sample, open_round
from moderation.enums import RoundDecision
from moderation.models import ModerationRound
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from tests.factories.assessment import assessed
from tests.factories.moderation import agreed
from tests.personas import Cast
from workflows.outbox import relay
from workflows.transitions import SetOutcome


def decide(
    submission: Submission,
    author: User,
    *,
    achieved: bool = True,
    basis: Basis = Basis.ASSESSMENT,
    final: bool = True,
) -> AssessmentDecision:
    """A sealed decision of that result, with the same level for every criterion."""
    now = timezone.now()
    rank = 1 if achieved else 0
    made = AssessmentDecision.objects.create(
        submission=submission,
        author=author,
        basis=basis,
        number=submission.decisions.count() + 1,
        manifest_hash=submission.fingerprint,
        rubric_hash=submission.rubric.content_hash,
        policy_hash=policy_hash(submission.delivery),
        outcome="achieved" if achieved else "not_achieved",
        grade=submission.delivery.version.grade_scheme.grades.get(rank=rank),
        feedback="Ka pai" if achieved else "Look again at the headings",
        sealed_at=now,
        final_at=now if final else None,
    )
    for criterion in Criterion.objects.filter(rubric=submission.rubric):
        CriterionJudgement.objects.create(
            decision=made,
            criterion=criterion,
            level=criterion.levels.get(rank=rank),
            feedback=f"Feedback on {criterion.code}",
        )
    return made


def moderated(
    cast: Cast, learner: str = "lena", *, achieved: bool = True, assessor: str = "ada"
) -> Submission:
    """A submission that was assessed by `assessor` and moderated."""
    submission = assessed(cast, learner, "M" if achieved else "NY", assessor)
    return moderate(cast, [submission])[0]


def moderate(cast: Cast, submissions: Sequence[Submission]) -> list[Submission]:
    """Take all assessed work through a round in which everything drawn is upheld."""
    made = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
    for item in made.items.all():
        agreed(item)
    conclude(cast, made)
    return list(Submission.objects.filter(pk__in=[one.pk for one in submissions]))


def conclude(cast: Cast, moderation_round: ModerationRound) -> None:
    """Accept the set and close the round; also after a recall opened it again."""
    decided = decide_round(
        moderation_round,
        actor=cast.lea,
        decision=RoundDecision.ACCEPT,
        reason="The standard was applied.",
    )
    close_round(decided, actor=cast.lea)


def batch(cast: Cast, *, actor: str = "rita", minute: str = "Rita and Rob met.") -> Ratification:
    """An open batch of everything moderated."""
    return open_ratification(cast.delivery, cast.task, actor=cast.people[actor], minute=minute)


def sign(made: Ratification, ratifier: User, *, minutes_ago: float = 1) -> SetOutcome | None:
    """Sign as somebody who confirmed who they are that long ago."""
    return sign_batch(
        made,
        actor=ratifier,
        reauthenticated_at=timezone.now() - timedelta(minutes=minutes_ago),
        seen_hash=made.content_hash,
    )


def ratified(cast: Cast, learner: str = "lena", **kw: Any) -> Submission:
    """A submission in a batch that rita signed."""
    submission = moderated(cast, learner, **kw)
    sign(batch(cast), cast.rita)
    fresh = Submission.objects.get(pk=submission.pk)
    assert fresh.state == SubmissionState.RATIFIED
    return fresh


def release(cast: Cast) -> Release:
    """Release everything ratified, and let the messages of it do their work."""
    made = release_now(cast.delivery, cast.task, actor=cast.pam)
    relay_all()
    return made


def relay_all() -> None:
    """Hand every event to its handler."""
    while relay(batch=200):
        pass


def released(cast: Cast, learner: str = "lena", **kw: Any) -> Submission:
    """A released result, with its credential where achieved."""
    submission = ratified(cast, learner, **kw)
    release(cast)
    return Submission.objects.get(pk=submission.pk)
