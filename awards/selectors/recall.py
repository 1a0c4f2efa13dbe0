"""Which released results a recall is about."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from assessment.enums import MARKED_AS
from assessment.models import AssessmentDecision
from awards.models import Recall
from awards.selectors.candidates import VISIBLE, Candidate, Candidates, current_decisions, set_of
from catalogue.models import AssessmentTask, Criterion, Delivery
from portfolios.enums import SubmissionState
from portfolios.models import Submission

S = SubmissionState


@dataclass(frozen=True)
class RecallScope:
    """Which results a partial recall is about. Everything empty means all of the task."""

    assessor: User | None = None
    criterion: Criterion | None = None
    since: date | None = None
    until: date | None = None

    @property
    def is_whole(self) -> bool:
        return not any((self.assessor, self.criterion, self.since, self.until))

    def as_json(self) -> dict[str, str]:
        """Keys and days, as the recall keeps them."""
        return {
            "assessor": str(self.assessor.pk) if self.assessor else "",
            "criterion": str(self.criterion.pk) if self.criterion else "",
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }


WHOLE = RecallScope()


def affected_by(scope: RecallScope, delivery: Delivery, keys: list[UUID]) -> set[UUID]:
    """Of these submissions those that somebody judged within the scope. One query.

    Every sealed decision that was written by judging the work counts, also one that a later version
    replaced: what followed rests on it. Days are those of the delivery's zone, both ends included.
    """
    rows = AssessmentDecision.objects.filter(
        submission__in=keys, sealed_at__isnull=False, basis__in=MARKED_AS.values()
    )
    if scope.assessor is not None:
        rows = rows.filter(author=scope.assessor)
    if scope.since is not None:
        rows = rows.filter(sealed_at__gte=datetime.combine(scope.since, time.min, delivery.zone))
    if scope.until is not None:
        end = datetime.combine(scope.until + timedelta(days=1), time.min, delivery.zone)
        rows = rows.filter(sealed_at__lt=end)
    if scope.criterion is not None:
        rows = rows.filter(judgements__criterion=scope.criterion, judgements__level__isnull=False)
    return set(rows.order_by().values_list("submission_id", flat=True).distinct())


def recall_candidates(
    delivery: Delivery, task: AssessmentTask, scope: RecallScope = WHOLE
) -> Candidates:
    """Which released results a recall would hide. A hold does not keep a result from being recalled."""
    submissions = [one for one in set_of(delivery, task) if one.state in VISIBLE]
    if not scope.is_whole:
        within = affected_by(scope, delivery, [one.pk for one in submissions])
        submissions = [one for one in submissions if one.pk in within]
    return _recallable(submissions)


def covered_by(recall: Recall) -> Candidates:
    """What a recall that waits for its second person would hide now: no more than what was listed."""
    submissions = [one for one in set_of(recall.delivery, recall.task) if one.state in VISIBLE]
    if recall.is_partial:
        listed = set(recall.affected.values_list("pk", flat=True))
        submissions = [one for one in submissions if one.pk in listed]
    return _recallable(submissions)


def scope_in_words(recall: Recall) -> list[str]:
    """What a partial recall is about; empty for all results of the task."""
    if not recall.is_partial:
        return []
    scope = recall.scope
    said = []
    if scope["assessor"]:
        said.append(_("Judged by %s") % User.objects.get(pk=scope["assessor"]).name)
    if scope["criterion"]:
        said.append(_("Criterion %s") % Criterion.objects.get(pk=scope["criterion"]).code)
    if scope["since"]:
        said.append(_("Decided on or after %s") % scope["since"])
    if scope["until"]:
        said.append(_("Decided on or before %s") % scope["until"])
    return said


def _recallable(submissions: list[Submission]) -> Candidates:
    decisions = current_decisions(one.pk for one in submissions)
    found = Candidates()
    for submission in submissions:
        candidate = Candidate(submission, decisions.get(submission.pk))
        if submission.state == S.UNDER_RECONSIDERATION:
            candidate.reasons.append(_("Conclude its reconsideration first."))
            found.excluded.append(candidate)
        else:
            found.eligible.append(candidate)
    return found
