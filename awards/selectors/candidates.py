"""What a batch step would move, and what it would not and why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.translation import gettext as _

from assessment.hashing import policy_hash
from assessment.models import AssessmentDecision
from catalogue.models import AssessmentTask, Delivery
from portfolios.enums import SubmissionState
from portfolios.models import (
    Hold,
    Submission,
)

S = SubmissionState

VISIBLE = frozenset({S.RELEASED, S.UNDER_RECONSIDERATION})
"""States in which the learner sees the result."""

RESULT_RELATIONS = ("learner", "delivery__version__micro_credential", "task", "rubric")


@dataclass
class Candidate:
    """One result that may be ratified, released or recalled, or the reasons why it may not."""

    submission: Submission
    decision: AssessmentDecision | None
    reasons: list[str] = field(default_factory=list)

    @property
    def result(self) -> str:
        return result_label(self.decision)


@dataclass
class Candidates:
    """A set before a batch step: what would move, and what would not and why."""

    eligible: list[Candidate] = field(default_factory=list)
    excluded: list[Candidate] = field(default_factory=list)

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How often each result occurs among those that would move."""
        return sorted(Counter(one.result for one in self.eligible).items())


def result_label(decision: AssessmentDecision | None) -> str:
    """The result in the words of the grade scheme."""
    if decision is None:
        return _("No decision")
    return str(decision.grade) if decision.grade else decision.get_outcome_display()


def current_decisions(submissions: Iterable[UUID]) -> dict[UUID, AssessmentDecision]:
    """The decision that counts for each submission, the newest final one, in one query."""
    found = (
        AssessmentDecision.objects.final()
        .filter(submission__in=list(submissions))
        .select_related("grade")
    )
    return {decision.submission_id: decision for decision in found}


def current_decision(submission: Submission) -> AssessmentDecision | None:
    return current_decisions([submission.pk]).get(submission.pk)


def set_of(delivery: Delivery, task: AssessmentTask) -> list[Submission]:
    return list(
        Submission.objects.filter(delivery=delivery, task=task)
        .live()
        .select_related(*RESULT_RELATIONS)
        .order_by("pseudonym", "pk")
    )


def _held(submissions: Iterable[Submission]) -> dict[UUID, str]:
    holds = Hold.objects.open().filter(submission__in=[one.pk for one in submissions])
    return {hold.submission_id: hold.get_kind_display() for hold in holds}


def fits(submission: Submission, decision: AssessmentDecision, policy: str) -> bool:
    """Whether the decision was made on this manifest, under this rubric and policy."""
    return (
        decision.manifest_hash == submission.fingerprint
        and decision.rubric_hash == submission.rubric.content_hash
        and decision.policy_hash == policy
    )


def _sorted_out(
    submissions: list[Submission], state: SubmissionState, *, with_decision: bool
) -> Candidates:
    decisions = current_decisions(one.pk for one in submissions)
    held = _held(submissions)
    policy = policy_hash(submissions[0].delivery) if submissions else ""
    found = Candidates()
    for submission in submissions:
        decision = decisions.get(submission.pk)
        reasons = []
        if submission.state != state:
            reasons.append(
                _("The state is “%(state)s”, not “%(wanted)s”.")
                % {"state": submission.get_state_display(), "wanted": state.label}
            )
        elif with_decision and (decision is None or not fits(submission, decision, policy)):
            reasons.append(_("The decision does not fit what was submitted, or is missing."))
        if submission.pk in held:
            reasons.append(_("On hold: %(kind)s.") % {"kind": held[submission.pk]})
        candidate = Candidate(submission, decision, reasons)
        (found.excluded if reasons else found.eligible).append(candidate)
    return found


def ratification_candidates(delivery: Delivery, task: AssessmentTask) -> Candidates:
    """What a new batch would list, and every other live submission with the reason why not."""
    found = _sorted_out(set_of(delivery, task), S.MODERATED, with_decision=True)
    done = {S.RATIFIED, S.RELEASED, S.UNDER_RECONSIDERATION}
    found.excluded = [one for one in found.excluded if one.submission.state not in done]
    return found


def release_candidates(delivery: Delivery, task: AssessmentTask) -> Candidates:
    """What a release would publish, and what it would leave out and why."""
    found = _sorted_out(set_of(delivery, task), S.RATIFIED, with_decision=False)
    found.excluded = [one for one in found.excluded if one.submission.state not in VISIBLE]
    return found
