"""Reads of marking that compose several tables: who may mark, who has how much, what counts."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.enums import ConflictGround, OrganisationRole
from accounts.models import Membership, Organisation, User
from assessment.conflicts import Finding, Weight, conflicts_among
from assessment.enums import MARKED_AS, MARKING_PARTS, AllocationRole, Basis
from assessment.models import (
    Allocation,
    AssessmentDecision,
    CalibrationJudgement,
    Capacity,
    CriterionJudgement,
    ExemplarLevel,
    Pin,
)
from assessment.outcome import Band, Mark, Result, result_of
from assessment.querysets import MANY, in_order, unallocated
from assessment.selectors.workload import Absence, absences_among, in_hand, times_of
from catalogue.enums import DeliveryRoleKind
from catalogue.models import (
    Criterion,
    Delivery,
    DeliveryRole,
    Grade,
    Level,
    MicroCredentialVersion,
)
from catalogue.selectors import NextStep, waits_for_administrators
from portfolios.enums import SubmissionState
from portfolios.models import Part, Submission
from workflows.querysets import Composed

composed = Composed()


def people_of(delivery: Delivery, *roles: DeliveryRoleKind) -> list[User]:
    """Active people with one of these parts in the delivery, by name."""
    live = DeliveryRole.objects.current().filter(delivery=delivery, role__in=roles)
    return list(User.objects.filter(pk__in=live.values("user_id"), is_active=True))


def administrators_of(delivery: Delivery) -> list[User]:
    """Programme administrators of the delivery and of its provider; nobody where it holds seeds."""
    if delivery.holds_seeds:
        return []
    own = DeliveryRole.objects.current().filter(
        delivery=delivery, role=DeliveryRoleKind.ADMINISTRATOR
    )
    provider = Membership.objects.current().filter(
        organisation=delivery.version.micro_credential.provider_id,
        role=OrganisationRole.ADMINISTRATOR,
    )
    return list(
        User.objects.filter(
            Q(pk__in=own.values("user_id")) | Q(pk__in=provider.values("user_id")), is_active=True
        )
    )


def allocators_of(delivery: Delivery) -> list[User]:
    """Everybody for whom `rules.may_allocate` says yes: administrators and lead moderators."""
    leads = people_of(delivery, DeliveryRoleKind.LEAD_MODERATOR)
    return list({one.pk: one for one in [*administrators_of(delivery), *leads]}.values())


def taken_by(submissions: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """Who has or had a part in each, the learner included: nobody gets a second part in the same work."""
    found: dict[UUID, set[UUID]] = {}
    keys = list(submissions)
    parts = Part.objects.filter(submission__pk__among=keys, ended_at__isnull=True)
    for submission, person in parts.values_list("submission_id", "person_id"):
        found.setdefault(submission, set()).add(person)
    sealed = AssessmentDecision.objects.sealed().filter(submission__pk__among=keys)
    for submission, author in sealed.order_by().values_list("submission_id", "author_id"):
        found.setdefault(submission, set()).add(author)
    return found


FRESH = (AllocationRole.ADJUDICATOR, AllocationRole.RECONSIDERATION_ASSESSOR)
"""Roles for which nobody comes into question who ever had a part in the work."""


NOT_INDEPENDENT = "Not independent of the learner"


@dataclass(frozen=True)
class Candidate:
    """An assessor of the delivery, as somebody who might take a role in one piece of work."""

    person: User
    load: int
    findings: tuple[Finding, ...] = ()
    has_part: bool = False
    absence: Absence | None = None
    is_full: bool = False
    is_pinned: bool = False
    minutes: int = 0
    """Of marking that wait for the person, in all deliveries."""

    @property
    def is_there(self) -> bool:
        """Neither away nor with as many hours in hand as they take; by hand they can still be asked."""
        return self.absence is None and not self.is_full

    @property
    def marks_reo(self) -> bool:
        """Whether the work is not kept from the person for its language."""
        return all(one.ground != ConflictGround.REO for one in self.findings)

    @property
    def is_able(self) -> bool:
        return not self.has_part and not any(one.blocks for one in self.findings)

    @property
    def can_be_waived(self) -> bool:
        """Whether nothing but conflicts keeps the work from the person."""
        kept = [one for one in self.findings if one.blocks]
        return not self.has_part and bool(kept) and all(one.can_be_waived for one in kept)

    @property
    def warns(self) -> bool:
        """Able, and something is to be thought of first: the policy warns, or a conflict was waived."""
        return any(one.is_waived or one.weight >= Weight.WARNS for one in self.findings)

    @property
    def words(self) -> str:
        """Why not, or what to think of."""
        return self.words_for(blind=False)

    def words_for(self, *, blind: bool) -> str:
        """The same for somebody who marks here without names: the ground would tell who the learner is."""
        if self.has_part:
            return "Has or had a part in this work"
        said = [one.words for one in self.findings if one.weight > Weight.NOTED]
        if said and blind:
            said = [NOT_INDEPENDENT]
        if self.absence is not None:
            said.append(f"{self.absence.words[0].upper()}{self.absence.words[1:]}")
        if self.is_full:
            said.append("Has as many hours as they take")
        return "; ".join([*(["Pinned"] if self.is_pinned else []), *said])


def candidates_for(submission: Submission, role: str) -> list[Candidate]:
    """Every assessor of the delivery: first who may take the role and nothing is found about, least loaded first.

    Nobody with a part in it or a sealed decision on it may; for an adjudicator or a reconsideration nobody
    who ever had a part, or who judged an earlier attempt. A pin
    comes first, whoever is away or full last. Where two have the same load, the name decides.
    """
    people = people_of(submission.delivery, DeliveryRoleKind.ASSESSOR)
    taken = taken_by([submission.pk]).get(submission.pk, set())
    if role in FRESH:
        taken |= set(Part.objects.filter(submission=submission).values_list("person_id", flat=True))
    conflicts = conflicts_among(
        [one.pk for one in people],
        [submission],
        reads=role == AllocationRole.SECOND_ASSESSOR,
    )
    loads, spent = in_hand(people)
    away = absences_among([one.pk for one in people], submission.delivery)
    times = times_of([submission.delivery])
    minutes = times.of(submission.delivery_id, submission.task_id)
    capacities = Capacity.objects.filter(delivery=submission.delivery_id, hours__isnull=False)
    most = dict(capacities.values_list("assessor_id", "hours"))
    pins = Pin.objects.filter(
        delivery=submission.delivery_id, learner=submission.learner_id, ended_at__isnull=True
    )
    pinned = set(pins.values_list("assessor_id", flat=True))
    found = []
    for one in people:
        hours = most.get(one.pk)
        findings = tuple(conflicts.findings(one.pk, submission))
        judged = role == AllocationRole.RECONSIDERATION_ASSESSOR and any(
            each.ground == ConflictGround.EARLIER_ASSESSOR for each in findings
        )
        full = hours is not None and spent[one.pk] + minutes > hours * 60
        found.append(
            Candidate(
                one,
                loads[one.pk],
                findings,
                one.pk in taken or judged,
                away.get(one.pk),
                full,
                one.pk in pinned and role == AllocationRole.ASSESSOR,
                spent[one.pk],
            )
        )
    return sorted(found, key=_order)


def _order(one: Candidate) -> tuple[bool, bool, bool, bool, int, str]:
    return (
        not one.is_able,
        not one.is_there,
        not one.is_pinned,
        one.warns,
        one.minutes,
        one.person.search_key,
    )


def eligible_assessors(submission: Submission, role: str) -> list[User]:
    """Those of the candidates who may take the role, in their order."""
    return [one.person for one in candidates_for(submission, role) if one.is_able]


MARKING_ROLES = (AllocationRole.ASSESSOR, AllocationRole.SECOND_ASSESSOR)


def role_needed(submission: Submission) -> str | None:
    """Which role nobody has now although the work waits for it; None where somebody has it."""
    return roles_needed([submission])[submission.pk]


def roles_needed(submissions: Iterable[Submission]) -> dict[UUID, str | None]:
    """The same for many, in two queries. Agrees with `querysets.unallocated`."""
    found = {one.pk: one for one in submissions}
    live: dict[UUID, set[str]] = {key: set() for key in found}
    rows = Allocation.objects.current().filter(submission__in=found)
    for key, role in rows.values_list("submission_id", "role"):
        live[key].add(role)
    sealed: dict[UUID, set[str]] = {key: set() for key in found}
    decisions = AssessmentDecision.objects.sealed().filter(submission__in=found)
    for key, basis in decisions.order_by().values_list("submission_id", "basis"):
        sealed[key].add(basis)
    return {key: vacant_role(one, live[key], sealed[key]) for key, one in found.items()}


def vacant_role(
    submission: Submission, live: Collection[str], sealed: Collection[str]
) -> str | None:
    """What the state asks for, less what the live roles give; `sealed` are the bases of sealed decisions.

    Where two mark blind neither role waits for the other's decision, so that neither from a notice nor from the
    pool anybody reads when that was sealed.
    """
    marking = (SubmissionState.SUBMITTED, SubmissionState.IN_ASSESSMENT)
    if submission.double_blind and submission.state in marking and submission.returned_at is None:
        open_roles = [role for role in MARKING_ROLES if MARKED_AS[role] not in sealed]
        return next((role for role in open_roles if role not in live), None)
    has_first = Basis.ASSESSMENT in sealed
    wanted: str | None = None
    if submission.state == SubmissionState.IN_ADJUDICATION:
        wanted = AllocationRole.ADJUDICATOR
    elif submission.state == SubmissionState.UNDER_RECONSIDERATION:
        wanted = AllocationRole.RECONSIDERATION_ASSESSOR
    elif submission.state == SubmissionState.SUBMITTED and not has_first:
        wanted = AllocationRole.ASSESSOR
    elif submission.state in marking and has_first and submission.returned_at is None:
        wanted = AllocationRole.SECOND_ASSESSOR
    elif submission.state == SubmissionState.SUBMITTED and submission.returned_at is not None:
        # Returned by a moderator and handed back by its assessor: somebody else revises it.
        wanted = next((role for role in MARKING_ROLES if role not in live), None)
    return None if wanted in live else wanted


def result_for(submission: Submission) -> AssessmentDecision | None:
    """The decision that counts: the newest final one."""
    return results_for([submission.pk]).get(submission.pk)


def results_for(
    submissions: Iterable[UUID], *, related: Sequence[str] = ("grade", "author")
) -> dict[UUID, AssessmentDecision]:
    """The decision that counts for each, in one query, with what is `related` to it."""
    found = AssessmentDecision.objects.final().filter(submission__in=list(submissions))
    # Without a name Django would follow every relation.
    found = found.select_related(*related) if related else found
    return {one.submission_id: one for one in found}


def author_of_result(submission: Submission) -> User | None:
    """Who marked what became the result. Versions that moderation or a correction added keep their author's."""
    decision = (
        AssessmentDecision.objects.final()
        .filter(submission=submission, basis__in=MARKED_AS.values())
        .select_related("author")
        .last()
    )
    return decision.author if decision else None


def bands_of(offering: Delivery | MicroCredentialVersion) -> list[Band]:
    """The grades of the scheme of a delivery or of a version, for the arithmetic."""
    version = offering.version if isinstance(offering, Delivery) else offering
    grades = composed.instances(
        "grades", lambda values: Grade.objects.filter(scheme=values[0]), [version.grade_scheme_id]
    )
    return [band_of(grade) for grade in grades]


def band_of(grade: Grade) -> Band:
    return Band(grade.code, grade.label, grade.rank, grade.is_pass, grade.min_percent)


def marks_of(
    judgements: Iterable[CriterionJudgement | ExemplarLevel | CalibrationJudgement],
    levels: Iterable[Level],
) -> list[Mark]:
    """Judgements, or levels that were agreed, as the arithmetic wants them. `levels` are all levels of the rubric."""
    boundaries: dict[UUID, int] = {}
    for level in levels:
        if level.is_met:
            known = boundaries.get(level.criterion_id, level.rank)
            boundaries[level.criterion_id] = min(known, level.rank)
    return [
        Mark(
            code=one.criterion.code,
            rank=None if one.level is None else one.level.rank,
            boundary=boundaries.get(one.criterion_id, 1),
            is_required=one.criterion.is_required,
            weight=one.criterion.weight,
            percent=None if one.level is None else one.level.percent,
        )
        for one in judgements
    ]


def levels_of(submission: Submission) -> list[Level]:
    """All levels of the rubric, lowest first within each criterion."""
    return composed.instances(
        "levels",
        lambda values: Level.objects.filter(criterion__rubric=values[0]).order_by(
            "criterion__number", "rank"
        ),
        [submission.rubric_id],
    )


def criteria_of(rubric: UUID) -> list[Criterion]:
    """The criteria of a rubric in their order."""
    return composed.instances(
        "criteria",
        lambda values: Criterion.objects.filter(rubric=values[0]).order_by("number"),
        [rubric],
    )


def result_of_decision(
    submission: Submission,
    judgements: Sequence[CriterionJudgement],
    levels: Sequence[Level] | None = None,
) -> Result:
    """What the levels come to under the scheme of the submission's version."""
    scheme = submission.delivery.version.grade_scheme
    return result_of(
        scheme.kind,
        marks_of(judgements, levels_of(submission) if levels is None else levels),
        bands_of(submission.delivery),
    )


def judgements_of(decision: AssessmentDecision) -> list[CriterionJudgement]:
    """Judgements in rubric order with criterion and level."""
    return composed.instances(
        "judgements",
        lambda values: (
            CriterionJudgement.objects.filter(decision=values[0])
            .select_related("criterion", "level")
            .order_by("criterion__number")
        ),
        [decision.pk],
    )


def pointed_in(decision: AssessmentDecision) -> dict[int, set[int]]:
    """For each judgement of a decision that points to evidence, the numbers of that evidence."""
    through = CriterionJudgement.pointers.through
    rows = composed.rows(
        "pointers",
        lambda values: through.objects.filter(criterionjudgement__decision=values[0]).values_list(
            "criterionjudgement_id", "submissionevidence__number"
        ),
        [decision.pk],
        limit=MANY,
    )
    found: dict[int, set[int]] = {}
    for judgement, number in rows:
        found.setdefault(judgement, set()).add(number)
    return found


def manifest_of(submission: Submission) -> dict[str, Any]:
    """What was frozen at submission; marking shows this, never the living portfolio."""
    loaded: dict[str, Any] = json.loads(submission.manifest)
    return loaded


def open_work(delivery: Delivery) -> list[Submission]:
    """Work of the delivery that nobody is asked to mark, most urgent first."""
    rows = in_order(unallocated(Submission.objects.filter(delivery=delivery)))
    return within(delivery, rows.only(*SHOWN_OF_POOL))


SHOWN_OF_POOL = (
    "state", "reference", "pseudonym", "attempt", "submitted_at", "returned_at", "marking_due_at", "in_reo",
    "hides_learner", "double_blind",
    "task", "delivery", "learner__name", "enrolment__site", "enrolment__employer",
)  # fmt: skip
"""Columns that plans and lists of a pool ask for; ten thousand rows of all columns take several times as long."""


def within(delivery: Delivery, rows: "QuerySet[Any]") -> list[Submission]:
    """Submissions of one delivery with learner and enrolment, and all with the same instances of everything else.

    Joined to each row, delivery and version would be read and their policies taken apart as often as there are rows.
    """
    tasks = {one.pk: one for one in delivery.version.tasks.all()}
    found: list[Submission] = list(rows.select_related("learner", "enrolment").defer("manifest"))
    employers = Organisation.objects.in_bulk({one.enrolment.employer_id for one in found} - {None})
    for one in found:
        one.delivery, one.task = delivery, tasks[one.task_id]
        if (employer := one.enrolment.employer_id) is not None:
            one.enrolment.employer = employers[employer]
    return found


def ever_marked(submission: Submission) -> set[UUID]:
    """Everybody who ever had a marking part in it."""
    parts = Part.objects.filter(submission=submission, kind__in=MARKING_PARTS)
    return set(parts.values_list("person_id", flat=True))


def overdue(submission: Submission) -> bool:
    return submission.marking_due_at is not None and submission.marking_due_at < timezone.now()


@waits_for_administrators(rank=20)
def work_without_assessor(user: User) -> list[NextStep]:
    """Submissions that nobody is asked to mark; leads to the delivery that has the most of them."""
    waiting = unallocated(
        Submission.objects.filter(delivery__in=Delivery.objects.administered_by(user))
    )
    counted = waiting.order_by().values_list("delivery_id", "delivery__title")
    most = counted.annotate(count=Count("pk", distinct=True)).order_by("-count", "delivery_id")
    if (first := most.first()) is None:
        return []
    delivery, title, count = first
    words = "1 submission has" if count == 1 else f"{count} submissions have"
    return [
        NextStep(
            f"{words} no assessor", title, "assessment:allocate", delivery, "Allocate the work"
        )
    ]
