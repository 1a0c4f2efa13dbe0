"""Whether a result may be confirmed, published, asked about again, or taken back."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assessment.enums import Basis, Outcome
from assessment.hashing import policy_hash
from awards.enums import ReleaseOutcome
from workflows.guards import guard
from workflows.working_days import After

if TYPE_CHECKING:
    from accounts.models import Actor
    from assessment.models import AssessmentDecision
    from awards.models import Ratification, Reconsideration
    from catalogue.models import Delivery
    from portfolios.models import Submission

RATIFY = "portfolios.submission.ratify"
OPEN_BATCH = Q(
    ratification_lines__ratification__completed_at__isnull=True,
    ratification_lines__ratification__cancelled_at__isnull=True,
)


def open_batch_of(submission: "Submission") -> "Ratification | None":
    """The batch that waits for signatures and lists this submission."""
    line = (
        submission.ratification_lines.filter(
            ratification__completed_at__isnull=True, ratification__cancelled_at__isnull=True
        )
        .select_related("ratification__delivery__version")
        .first()
    )
    return line.ratification if line else None


def batches_of(submissions: "QuerySet[Submission]") -> dict[Any, list["Ratification"]]:
    """The open batches of a set, each with the keys of the submissions it lists: two queries at most."""
    lines: Any = submissions.model._meta.get_field("ratification_lines").related_model
    found = (
        lines._default_manager.filter(
            submission__in=submissions.order_by().values("pk"),
            ratification__completed_at__isnull=True,
            ratification__cancelled_at__isnull=True,
        )
        .values_list("submission_id", "ratification_id")
        .order_by()
    )
    members: dict[Any, set[Any]] = {}
    for submission_id, batch_id in found:
        members.setdefault(batch_id, set()).add(submission_id)
    batches: Any = lines._meta.get_field("ratification").related_model
    rows = (
        batches._default_manager.filter(pk__in=members)
        .select_related("delivery__version")
        .prefetch_related("signatures")
    )
    return {batch: sorted(members[batch.pk], key=str) for batch in rows}


def _outside(submissions: "QuerySet[Submission]", fine: Iterable[list["Ratification"]]) -> set[Any]:
    allowed = {key for keys in fine for key in keys}
    return {key for key in submissions.values_list("pk", flat=True) if key not in allowed}


@guard("not_in_batch", _("This result is in no open batch for ratification."), on=[RATIFY])
def in_open_batch(submission: "Submission") -> bool:
    """Results are ratified as a batch with a minute, never one by one."""
    return open_batch_of(submission) is not None


@in_open_batch.bulk_check
def _not_in_open_batch(submissions: "QuerySet[Submission]") -> set[Any]:
    return _outside(submissions, batches_of(submissions).values())


def signed_by_quorum(batch: "Ratification") -> bool:
    """As many signatures as the policy asks for; more when somebody who signed judged any of it."""
    return len(batch.signatures.all()) >= batch.signatures_needed()


@guard("quorum_missing", _("More ratifiers must sign this batch first."), on=[RATIFY])
def quorum_reached(submission: "Submission") -> bool:
    """Ratifier assessed nothing in the batch, or the quorum is met (lifecycle 2)."""
    batch = open_batch_of(submission)
    return batch is not None and signed_by_quorum(batch)


@quorum_reached.bulk_check
def _without_quorum(submissions: "QuerySet[Submission]") -> set[Any]:
    found = batches_of(submissions)
    return _outside(submissions, (keys for batch, keys in found.items() if signed_by_quorum(batch)))


def is_recent(moment: datetime | None, delivery: "Delivery", now: datetime | None = None) -> bool:
    """Whether a proof of identity is at most the policy's minutes old. No proof, or one of the future, is none."""
    if moment is None:
        return False
    now = now or timezone.now()
    allowed = timedelta(minutes=delivery.policy_value("ratify.reauthenticate_minutes"))
    return now - allowed <= moment <= now


def freshly_signed(batch: "Ratification", actor: "Actor") -> bool:
    """The person signed this batch, and had proved who they are shortly before."""
    return any(
        signature.ratifier_id == getattr(actor, "pk", None)
        and is_recent(signature.reauthenticated_at, batch.delivery)
        for signature in batch.signatures.all()
    )


@guard(
    "not_reauthenticated",
    _("Confirm that it is you first: sign in again, then sign within a few minutes."),
    on=[RATIFY],
    needs_actor=True,
)
def reauthenticated(submission: "Submission", actor: "Actor") -> bool:
    """The time comes from the session's own record of a password or passkey; none means no."""
    batch = open_batch_of(submission)
    return batch is not None and freshly_signed(batch, actor)


@reauthenticated.bulk_check
def _not_reauthenticated(submissions: "QuerySet[Submission]", actor: "Actor") -> set[Any]:
    found = batches_of(submissions)
    return _outside(
        submissions, (keys for batch, keys in found.items() if freshly_signed(batch, actor))
    )


def newest_final(model: Any) -> Subquery:
    """Key of the decision that counts for the submission of the outer query."""
    return Subquery(
        model._default_manager.filter(submission=OuterRef("pk"), final_at__isnull=False)
        .order_by("-number")
        .values("pk")[:1]
    )


@guard(
    "decision_changed",
    _("The decision, or what it was bound to, has changed since the batch was opened."),
    on=[RATIFY],
)
def decision_as_listed(submission: "Submission") -> bool:
    """What is signed is what was listed, judged on this manifest, this rubric and this policy."""
    return submission.pk not in _changed(type(submission)._default_manager.filter(pk=submission.pk))


@decision_as_listed.bulk_check
def _changed(submissions: "QuerySet[Submission]") -> set[Any]:
    decisions = submissions.model._meta.get_field("decisions").related_model
    as_listed = (
        submissions.order_by()
        .annotate(newest=newest_final(decisions))
        .filter(
            OPEN_BATCH,
            ratification_lines__decision=F("newest"),
            ratification_lines__decision__manifest_hash=F("fingerprint"),
            ratification_lines__decision__rubric_hash=F("rubric__content_hash"),
        )
    )
    rows = as_listed.values_list("pk", "delivery_id", "ratification_lines__decision__policy_hash")
    fine = list(rows)
    deliveries: Any = submissions.model._meta.get_field("delivery").related_model
    policies = {
        one.pk: policy_hash(one)
        for one in deliveries._default_manager.filter(
            pk__in={delivery for _key, delivery, _hash in fine}
        ).select_related("version")
    }
    return set(submissions.values_list("pk", flat=True)) - {
        key for key, delivery, judged_under in fine if policies[delivery] == judged_under
    }


@guard(
    "release_not_due",
    _("The time of the release has not come."),
    on=["portfolios.submission.release"],
)
def release_due(submission: "Submission") -> bool:
    """A release of this delivery and task is in hand and its time is reached."""
    return submission.delivery.releases.filter(
        task_id=submission.task_id,
        outcome=ReleaseOutcome.SCHEDULED,
        scheduled_for__lte=timezone.now(),
    ).exists()


@release_due.bulk_check
def _not_due(submissions: "QuerySet[Submission]") -> set[Any]:
    due = Count(
        "delivery__releases",
        filter=Q(
            delivery__releases__task=F("task"),
            delivery__releases__outcome=ReleaseOutcome.SCHEDULED,
            delivery__releases__scheduled_for__lte=timezone.now(),
        ),
    )
    waiting = submissions.order_by().annotate(releases_due=due).filter(releases_due=0)
    return set(waiting.values_list("pk", flat=True))


LAST_SECOND = time(23, 59, 59)


def reconsideration_window(submission: "Submission") -> After | None:
    """From when the time to ask counts: the policy's working days after release, to the end of the last."""
    if submission.released_at is None:
        return None
    days: int = submission.delivery.policy_value("reconsideration.days")
    return After(submission.released_at, days, LAST_SECOND)


def reconsideration_until(submission: "Submission") -> datetime | None:
    """Last moment to ask: the end of the policy's n-th working day after release, in the delivery's zone."""
    window, delivery = reconsideration_window(submission), submission.delivery
    return window.resolve(delivery.zone, delivery.calendar) if window is not None else None


@guard(
    "reconsideration_window_over",
    _("The time to ask for reconsideration is over."),
    on=["portfolios.submission.request_reconsideration"],
)
def within_reconsideration_window(submission: "Submission") -> bool:
    """Ten working days from release by default (domain 2.10)."""
    until = reconsideration_until(submission)
    return until is not None and timezone.now() <= until


def open_reconsideration_of(submission: "Submission") -> "Reconsideration | None":
    """The request for a fresh look that waits for its conclusion."""
    found: Reconsideration | None = (
        submission.reconsiderations.filter(concluded_at__isnull=True)
        .select_related("decision_before__grade", "decision_after__grade")
        .first()
    )
    return found


@guard(
    "grounds_missing",
    _("Say why the result should be looked at again."),
    on=["portfolios.submission.request_reconsideration"],
)
def grounds_given(submission: "Submission") -> bool:
    found = open_reconsideration_of(submission)
    return found is not None and bool(found.grounds.strip())


def fresh_decision(reconsideration: "Reconsideration") -> "AssessmentDecision | None":
    """The newest sealed decision since the request by somebody who had judged nothing of it before."""
    submission = reconsideration.submission
    before = reconsideration.decision_before.number
    earlier = submission.decisions.filter(number__lte=before).values("author_id")
    found: AssessmentDecision | None = (
        submission.decisions.filter(
            number__gt=before,
            sealed_at__isnull=False,
            basis__in=[Basis.RECONSIDERATION, Basis.CORRECTION],
        )
        .exclude(outcome="")
        .exclude(author__in=earlier)
        .select_related("grade")
        .order_by("-number")
        .first()
    )
    return found


@guard(
    "fresh_decision_missing",
    _("An assessor who has not seen this work must decide first."),
    on=["portfolios.submission.conclude_reconsideration"],
)
def freshly_decided(submission: "Submission") -> bool:
    """Assessed again by a different person against the original schedule (domain 2.10)."""
    found = open_reconsideration_of(submission)
    return found is not None and fresh_decision(found) is not None


def standing(decision: "AssessmentDecision") -> tuple[int, int]:
    """How high a result stands: achieved or not first, then the grade."""
    return (
        int(decision.outcome == Outcome.ACHIEVED),
        decision.grade.rank if decision.grade is not None else -1,
    )


def is_authorised_correction(decision: "AssessmentDecision") -> bool:
    """A correction that somebody other than its author approved, with a reason."""
    return (
        decision.basis == Basis.CORRECTION
        and bool(decision.reason.strip())
        and decision.approved_by_id is not None
        and decision.approved_by_id != decision.author_id
    )


@guard(
    "lower_without_correction",
    _("A released result becomes lower only by an authorised correction."),
    on=["portfolios.submission.conclude_reconsideration"],
)
def never_lower(submission: "Submission") -> bool:
    """Compares the result that would stand with the released one."""
    found = open_reconsideration_of(submission)
    if found is None or found.decision_after is None:
        return False
    before, after = found.decision_before, found.decision_after
    return standing(after) >= standing(before) or is_authorised_correction(after)


@guard(
    "recall_needs_two",
    _("A recall needs a lead moderator and a ratifier: one asks, the other confirms."),
    on=["portfolios.submission.recall"],
)
def recalled_by_two(submission: "Submission") -> bool:
    """Two different people since this release, and the recall covers this work.

    A recall of an earlier release does not count, nor one of other results of the same task.
    """
    return submission.pk not in _not_recalled(
        type(submission)._default_manager.filter(pk=submission.pk)
    )


@recalled_by_two.bulk_check
def _not_recalled(submissions: "QuerySet[Submission]") -> set[Any]:
    agreed = Count(
        "delivery__recalls",
        filter=Q(
            delivery__recalls__task=F("task"),
            delivery__recalls__confirmed_by__isnull=False,
            delivery__recalls__cancelled_at__isnull=True,
            delivery__recalls__confirmed_at__gte=F("released_at"),
        )
        & (Q(delivery__recalls__is_partial=False) | Q(delivery__recalls__affected=F("pk")))
        & ~Q(delivery__recalls__confirmed_by=F("delivery__recalls__asked_by"))
        & ~Q(delivery__recalls__reason=""),
    )
    missing = submissions.order_by().annotate(recalls_agreed=agreed).filter(recalls_agreed=0)
    return set(missing.values_list("pk", flat=True))
