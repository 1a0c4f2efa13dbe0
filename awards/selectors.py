"""Reads across models for sign-off, release, recall and results."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.querysets import search_key
from assessment.enums import MARKED_AS, AllocationRole, Basis, Outcome
from assessment.hashing import policy_hash
from assessment.models import Allocation, AssessmentDecision
from awards import guards, rules
from awards.models import Credential, Ratification, Recall, Reconsideration, Release
from catalogue.enums import DeliveryRoleKind
from catalogue.models import AssessmentTask, Criterion, Delivery, Enrolment
from portfolios.enums import ExtensionState, SubmissionState
from portfolios.models import (
    EvidenceMapping,
    ExtensionRequest,
    Hold,
    Part,
    Portfolio,
    Reflection,
    Submission,
)
from workflows.hashing import canonical
from workflows.models import OutboxMessage
from workflows.selectors.service import spells_of

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


def _set_of(delivery: Delivery, task: AssessmentTask) -> list[Submission]:
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
    found = _sorted_out(_set_of(delivery, task), S.MODERATED, with_decision=True)
    done = {S.RATIFIED, S.RELEASED, S.UNDER_RECONSIDERATION}
    found.excluded = [one for one in found.excluded if one.submission.state not in done]
    return found


def release_candidates(delivery: Delivery, task: AssessmentTask) -> Candidates:
    """What a release would publish, and what it would leave out and why."""
    found = _sorted_out(_set_of(delivery, task), S.RATIFIED, with_decision=False)
    found.excluded = [one for one in found.excluded if one.submission.state not in VISIBLE]
    return found


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
    submissions = [one for one in _set_of(delivery, task) if one.state in VISIBLE]
    if not scope.is_whole:
        within = affected_by(scope, delivery, [one.pk for one in submissions])
        submissions = [one for one in submissions if one.pk in within]
    return _recallable(submissions)


def covered_by(recall: Recall) -> Candidates:
    """What a recall that waits for its second person would hide now: no more than what was listed."""
    submissions = [one for one in _set_of(recall.delivery, recall.task) if one.state in VISIBLE]
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


def content_hash(lines: Iterable[tuple[Submission, AssessmentDecision]]) -> str:
    """SHA-256 of what a batch lists: each work's fingerprint with the result that stands for it."""
    rows = [
        {
            "submission": submission.pk,
            "fingerprint": submission.fingerprint,
            "decision": decision.pk,
            "number": decision.number,
            "outcome": decision.outcome,
            "grade": decision.grade.code if decision.grade else "",
            "rubric": decision.rubric_hash,
            "policy": decision.policy_hash,
        }
        for submission, decision in sorted(lines, key=lambda pair: str(pair[0].pk))
    ]
    return hashlib.sha256(canonical(rows)).hexdigest()


def judged_in(batch: Ratification, user: User) -> int:
    """How many submissions of the batch this person had a part in judging."""
    return (
        Part.objects.filter(
            submission__ratification_lines__ratification=batch, person=user, kind__in=rules.JUDGED
        )
        .values("submission_id")
        .distinct()
        .count()
    )


def ratifiers_of(delivery: Delivery) -> list[User]:
    """The people who sign for this delivery."""
    return people_of(delivery, DeliveryRoleKind.RATIFIER)


def people_of(delivery: Delivery, *roles: DeliveryRoleKind) -> list[User]:
    """Active people with one of these parts in the delivery, each once."""
    return list(
        User.objects.filter(
            pk__in=delivery.roles.current().filter(role__in=roles).values("user_id"),
            is_active=True,
        )
    )


def counts_of(batch: Ratification) -> list[tuple[str, int]]:
    """How often each result occurs in a batch."""
    return sorted(Counter(result_label(line.decision) for line in batch.lines.all()).items())


def report_lines(report: dict[str, Any]) -> list[tuple[Submission, list[str]]]:
    """The submissions of a stored report with the reasons why they did not move, none where they did."""
    reasons: dict[str, list[str]] = {key: [] for key in report.get("released", [])}
    reasons |= {key: [] for key in report.get("recalled", [])}
    reasons |= report.get("refused", {})
    found = Submission.objects.filter(pk__in=reasons).select_related("learner")
    return [(one, reasons[str(one.pk)]) for one in found.order_by("learner__search_key")]


@dataclass(frozen=True)
class ReadySet:
    """Results of one delivery and task that wait for the same step."""

    delivery: Delivery
    task: AssessmentTask
    count: int


def waiting_sets(deliveries: Iterable[Delivery], state: SubmissionState) -> list[ReadySet]:
    """For each delivery and task how many results are in this state."""
    by_id = {delivery.pk: delivery for delivery in deliveries}
    pairs = Submission.objects.filter(delivery__in=by_id, state=state).order_by()
    counted = Counter(pairs.values_list("delivery_id", "task_id"))
    tasks = AssessmentTask.objects.in_bulk({task for _delivery, task in counted})
    found = [
        ReadySet(by_id[delivery], tasks[task], count) for (delivery, task), count in counted.items()
    ]
    return sorted(found, key=lambda one: (one.delivery.title, one.task.number))


@dataclass
class RatifierHome:
    """What waits for a ratifier, most urgent first."""

    batches: list[Ratification]
    ready: list[ReadySet]
    reconsiderations: list[Reconsideration]
    recalls: list[Recall]


def ratifier_home(user: User) -> RatifierHome:
    """Batches to sign, sets to open, reconsiderations to conclude, recalls that wait for a second person."""
    signing = list(
        Delivery.objects.with_role(user, DeliveryRoleKind.RATIFIER).select_related("version")
    )
    leading = Delivery.objects.with_role(user, DeliveryRoleKind.LEAD_MODERATOR)
    deliveries = {one.pk for one in signing} | set(leading.values_list("pk", flat=True))
    batches = (
        Ratification.objects.open()
        .filter(delivery__in=signing)
        .exclude(signatures__ratifier=user)
        .select_related("delivery__version", "task")
        .prefetch_related("signatures", "lines")
    )
    listed = {
        (batch.delivery_id, batch.task_id)
        for batch in Ratification.objects.open().filter(delivery__in=signing)
    }
    ready = [
        one
        for one in waiting_sets(signing, S.MODERATED)
        if (one.delivery.pk, one.task.pk) not in listed
    ]
    fresh = AssessmentDecision.objects.filter(
        submission=OuterRef("submission"),
        basis=Basis.RECONSIDERATION,
        sealed_at__isnull=False,
        number__gt=OuterRef("decision_before__number"),
    )
    reconsiderations = list(
        Reconsideration.objects.open()
        .filter(Exists(fresh), submission__delivery__in=deliveries)
        .select_related("submission__delivery__version", "submission__task")
    )
    recalls = [
        one
        for one in Recall.objects.open()
        .filter(delivery__in=deliveries)
        .select_related("delivery__version", "task", "asked_by")
        if one.asked_by_id != user.pk
    ]
    return RatifierHome(list(batches), ready, reconsiderations, recalls)


def default_release_time(delivery: Delivery, now: datetime | None = None) -> datetime:
    """Next working day at the policy's hour in the delivery's zone, across daylight saving."""
    today = (now or timezone.now()).astimezone(delivery.zone).date()
    hour: int = delivery.policy_value("release.hour")
    day = delivery.calendar.add(today, 1)
    return datetime.combine(day, time(hour), tzinfo=delivery.zone).astimezone(UTC)


def is_bad_release_time(moment: datetime, delivery: Delivery) -> bool:
    """Friday after 3 pm, or a day nobody works: learners with a question would find nobody to ask."""
    local = moment.astimezone(delivery.zone)
    if local.weekday() == 4 and local.time() >= time(15):
        return True
    return not delivery.calendar.is_working_day(local.date())


def scheduled_release(delivery: Delivery, task: AssessmentTask) -> Release | None:
    found: Release | None = Release.objects.scheduled().filter(delivery=delivery, task=task).first()
    return found


@dataclass(frozen=True)
class Result:
    """What a learner may read of a released result."""

    submission: Submission
    decision: AssessmentDecision
    credential: Credential | None
    reconsideration: Reconsideration | None
    concluded: Reconsideration | None
    ask_until: datetime | None

    @property
    def achieved(self) -> bool:
        return self.decision.outcome == Outcome.ACHIEVED

    @property
    def label(self) -> str:
        return result_label(self.decision)

    @property
    def may_ask(self) -> bool:
        return (
            self.submission.state == S.RELEASED
            and self.reconsideration is None
            and self.ask_until is not None
            and timezone.now() <= self.ask_until
        )


def result_for(submission: Submission, learner: User) -> Result | None:
    """The result of the learner's own work; None, with nothing looked up, before it is released."""
    if submission.state not in VISIBLE:
        return None
    decision = (
        AssessmentDecision.objects.shown_to_learner(learner)
        .filter(submission=submission)
        .select_related("grade")
        .prefetch_related(
            "judgements__criterion", "judgements__level", "judgements__pointers__evidence"
        )
        .order_by("-number")
        .first()
    )
    if decision is None:
        return None
    asked = list(submission.reconsiderations.all())
    return Result(
        submission,
        decision,
        Credential.objects.live().filter(submission=submission).first(),
        next((one for one in asked if one.concluded_at is None), None),
        next((one for one in reversed(asked) if one.concluded_at is not None), None),
        guards.reconsideration_until(submission),
    )


NOT_STARTED, BUILDING, ON_HOLD = "not_started", "building", "on_hold"

COLUMNS: dict[str, Any] = {
    NOT_STARTED: gettext_lazy("Not started"),
    BUILDING: gettext_lazy("Building"),
    S.SUBMITTED: gettext_lazy("Submitted"),
    S.IN_ASSESSMENT: gettext_lazy("Being assessed"),
    S.REFERRED: gettext_lazy("Referred"),
    S.ASSESSED: gettext_lazy("Assessed"),
    S.IN_MODERATION: gettext_lazy("In moderation"),
    S.MODERATED: gettext_lazy("Moderated"),
    S.RATIFIED: gettext_lazy("Ratified"),
    S.RELEASED: gettext_lazy("Released"),
    S.UNDER_RECONSIDERATION: gettext_lazy("Under reconsideration"),
}
"""The columns of the board, in the order of the work."""

ATTENTION: dict[str, Any] = {
    "unallocated": gettext_lazy("Submitted, and no assessor has it"),
    "overdue": gettext_lazy("Marking is overdue"),
    "slow": gettext_lazy("Longer in its state than planned"),
    "late": gettext_lazy("The due date is over, and nothing was submitted"),
    "extension": gettext_lazy("More time was asked for"),
    ON_HOLD: gettext_lazy("On hold"),
    "returned": gettext_lazy("Returned to the assessor by a moderator"),
}
"""What needs an administrator, most urgent first."""


@dataclass
class BoardRow:
    """One learner and task: where the work stands, and what needs somebody."""

    enrolment_id: UUID
    learner: str
    task: str
    column: str
    reference: str = ""
    attempt: int = 1
    due_at: datetime | None = None
    attention: set[str] = field(default_factory=set)
    # Working days in the state, from the records; None where nothing was submitted.
    days: int | None = None

    @property
    def column_label(self) -> Any:
        return COLUMNS[self.column]

    @property
    def attention_labels(self) -> list[Any]:
        return [label for code, label in ATTENTION.items() if code in self.attention]


@dataclass
class Board:
    """Everybody in a delivery, and how many stand where."""

    rows: list[BoardRow]
    columns: list[tuple[str, Any, int]]
    attention: list[tuple[str, Any, int]]
    dead_messages: int

    @property
    def needs_attention(self) -> bool:
        """Whether anything at all stands under that heading."""
        return bool(self.dead_messages) or any(count for _code, _label, count in self.attention)

    def filtered(
        self, *, column: str = "", attention: str = "", search: str = ""
    ) -> list[BoardRow]:
        """The rows that fit the filters of the address; an unknown filter shows everybody."""
        found = self.rows
        if column == ON_HOLD:
            attention = ON_HOLD
        elif column in COLUMNS:
            found = [row for row in found if row.column == column]
        if attention in ATTENTION:
            found = [row for row in found if attention in row.attention]
        if key := search_key(search):
            found = [row for row in found if key in search_key(f"{row.learner} {row.reference}")]
        return found


def board(delivery: Delivery) -> Board:
    """Everybody's state in a fixed number of queries, whatever the size of the cohort."""
    now = timezone.now()
    tasks = list(delivery.version.tasks.all())
    portfolios = _portfolios_of(delivery)
    attempts = _attempts_of(delivery)
    rows = [
        _row(enrolment, task.pk, task.title, portfolios, attempts, now)
        for enrolment in delivery.enrolments.current()
        .order_by("learner__search_key")
        .values("pk", "learner__name")
        for task in tasks
    ]
    _time_states(delivery, rows, attempts)
    in_columns = Counter(row.column for row in rows)
    in_attention = Counter(code for row in rows for code in row.attention)
    return Board(
        rows,
        [(code, label, in_columns[code]) for code, label in COLUMNS.items()]
        + [(ON_HOLD, ATTENTION[ON_HOLD], in_attention[ON_HOLD])],
        [(code, label, in_attention[code]) for code, label in ATTENTION.items()],
        _dead_messages_of(delivery),
    )


PLANNED = {
    S.SUBMITTED: "marking.days",
    S.IN_ASSESSMENT: "marking.days",
    S.IN_ADJUDICATION: "marking.days",
    S.ASSESSED: "moderation.days",
    S.IN_MODERATION: "moderation.days",
    S.MODERATED: "service.sign_off_days",
    S.RATIFIED: "service.sign_off_days",
}
"""The policy that says how many working days a state may last."""


def _time_states(
    delivery: Delivery,
    rows: list[BoardRow],
    attempts: dict[tuple[Any, Any], dict[str, Any]],
) -> None:
    """Put the service clock on each row: working days in its state, and whether that is more than planned."""
    keys = [attempt["pk"] for attempt in attempts.values()]
    stays = spells_of(Submission._meta.label_lower, keys, delivery.calendar, delivery.zone)
    limits = {state: int(delivery.policy_value(policy)) for state, policy in PLANNED.items()}
    place = {(row.enrolment_id, row.reference): row for row in rows if row.reference}
    for (enrolment, _task), attempt in attempts.items():
        row = place.get((enrolment, attempt["reference"]))
        stay = stays.get(attempt["pk"])
        if row is None or not stay:
            continue
        row.days = stay[-1].working_days
        if row.days > limits.get(attempt["state"], row.days):
            row.attention.add("slow")


def _portfolios_of(delivery: Delivery) -> dict[tuple[Any, Any], dict[str, Any]]:
    mapped = EvidenceMapping.objects.filter(portfolio=OuterRef("pk"))
    reflected = Reflection.objects.filter(portfolio=OuterRef("pk")).exclude(text="")
    asked = ExtensionRequest.objects.filter(
        portfolio=OuterRef("pk"), state=ExtensionState.REQUESTED
    )
    found = (
        Portfolio.objects.filter(enrolment__delivery=delivery)
        .annotate(mapped=Exists(mapped), reflected=Exists(reflected), asked=Exists(asked))
        .values("enrolment_id", "task_id", "due_at", "cut_off_at", "mapped", "reflected", "asked")
    )
    return {(one["enrolment_id"], one["task_id"]): one for one in found}


def _attempts_of(delivery: Delivery) -> dict[tuple[Any, Any], dict[str, Any]]:
    held = Hold.objects.open().filter(submission=OuterRef("pk"))
    allocated = Allocation.objects.current().filter(submission=OuterRef("pk"))
    found = (
        Submission.objects.filter(delivery=delivery)
        .exclude(state=S.WITHDRAWN)
        .annotate(
            held=Exists(held),
            allocated=Exists(allocated),
            reconsidered_by=Exists(
                allocated.filter(role=AllocationRole.RECONSIDERATION_ASSESSOR)
            ),
        )
        .order_by("attempt")
        .values(
            "pk", "enrolment_id", "task_id", "state", "reference", "attempt", "held", "allocated",
            "reconsidered_by", "marking_due_at", "returned_at",
        )
    )  # fmt: skip
    return {(one["enrolment_id"], one["task_id"]): one for one in found}


def _row(
    enrolment: dict[str, Any],
    task_id: Any,
    task_title: str,
    portfolios: dict[tuple[Any, Any], dict[str, Any]],
    attempts: dict[tuple[Any, Any], dict[str, Any]],
    now: datetime,
) -> BoardRow:
    key = (enrolment["pk"], task_id)
    portfolio, attempt = portfolios.get(key, {}), attempts.get(key)
    started = portfolio.get("mapped") or portfolio.get("reflected")
    row = BoardRow(
        enrolment["pk"],
        enrolment["learner__name"],
        task_title,
        BUILDING if started else NOT_STARTED,
        due_at=portfolio.get("due_at"),
    )
    flags = {"extension": portfolio.get("asked")}
    if attempt is not None:
        state = attempt["state"]
        row.column = S.IN_ASSESSMENT if state == S.IN_ADJUDICATION else state
        row.reference, row.attempt = attempt["reference"], attempt["attempt"]
        to_mark = state in {S.SUBMITTED, S.IN_ASSESSMENT, S.IN_ADJUDICATION}
        due = attempt["marking_due_at"]
        flags |= {
            "unallocated": (state == S.SUBMITTED and not attempt["allocated"])
            or (state == S.UNDER_RECONSIDERATION and not attempt["reconsidered_by"]),
            "overdue": to_mark and due is not None and due < now,
            ON_HOLD: attempt["held"],
            "returned": to_mark and attempt["returned_at"] is not None,
        }
    cut_off = portfolio.get("cut_off_at")
    flags["late"] = (
        (attempt is None or attempt["state"] == S.REFERRED)
        and cut_off is not None
        and cut_off < now
    )
    row.attention = {code for code, raised in flags.items() if raised}
    return row


def _dead_messages_of(delivery: Delivery) -> int:
    """Messages about this delivery's submissions that were given up, or refused by the mail server."""
    about = Submission.objects.filter(delivery=delivery).values("pk")
    return (
        OutboxMessage.objects.stuck()
        .filter(Q(record__subject_id__in=about) | Q(notification__subject_id__in=about))
        .count()
    )


@dataclass
class LearnerRecord:
    """Everything an administrator may know of one learner in one delivery."""

    enrolment: Enrolment
    portfolios: list[Portfolio]
    attempts: list[Submission]
    extensions: list[ExtensionRequest]
    holds: list[Hold]
    reconsiderations: list[Reconsideration]

    @property
    def open_holds(self) -> list[Hold]:
        return [hold for hold in self.holds if hold.closed_at is None]


def learner_record(enrolment: Enrolment) -> LearnerRecord:
    """Attempts, extensions, holds and reconsiderations of one learner, newest first."""
    return LearnerRecord(
        enrolment,
        list(enrolment.portfolios.select_related("task").order_by("task__number")),
        list(enrolment.submissions.select_related("task").order_by("-submitted_at")),
        list(
            ExtensionRequest.objects.filter(portfolio__enrolment=enrolment).select_related(
                "portfolio__task", "decided_by"
            )
        ),
        list(
            Hold.objects.filter(submission__enrolment=enrolment).select_related(
                "submission", "opened_by", "closed_by"
            )
        ),
        list(
            Reconsideration.objects.filter(submission__enrolment=enrolment).select_related(
                "submission", "concluded_by"
            )
        ),
    )


def announced_for(submission: Submission) -> datetime | None:
    """When results of this task are due to come out, once that is scheduled; the same for everybody."""
    if submission.state != S.RATIFIED:
        return None
    planned = scheduled_release(submission.delivery, submission.task)
    return planned.scheduled_for if planned else None


def check_address(credential: Credential) -> str:
    """The address at which anybody may check the credential."""
    return settings.SITE_URL + reverse("awards:credential_check", args=[credential.pk])
