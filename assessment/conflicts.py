"""Who is too close to whose work: one engine, asked by every way in which work is given to somebody.

It finds; a policy says what a finding does (`conflict.blocks`, `conflict.warns`), and a waiver that another
administrator signed takes that away. Grounds are those of the independence rules (domain 2.7), the reading of
each other's decisions, and te reo Māori (domain 2.14). The engine writes nothing and asks nobody.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, Value
from django.utils import timezone

from accounts.enums import ConflictGround, OrganisationKind, OrganisationRole
from accounts.models import DeclaredConflict, Membership, User
from assessment.enums import ASSESSES
from catalogue.models import Delivery
from portfolios.enums import PartKind, SubmissionState
from portfolios.models import Part, Submission
from workflows.querysets import Composed

READS = (PartKind.MODERATOR, PartKind.SECOND_ASSESSOR)
"""Parts of those who read what somebody else decides."""
MANY = 100_000

Pair = tuple[UUID, UUID]
G = ConflictGround
composed = Composed()


class Weight(IntEnum):
    """What a finding does, by policy."""

    NOTED = 1
    WARNS = 2
    BLOCKS = 3


@dataclass(frozen=True)
class Finding:
    """One ground between a person and a piece of work."""

    ground: ConflictGround
    weight: Weight
    is_waived: bool = False

    @property
    def blocks(self) -> bool:
        return self.weight == Weight.BLOCKS and not self.is_waived

    @property
    def can_be_waived(self) -> bool:
        """Nobody judges their own work, whoever agrees."""
        return self.blocks and self.ground != G.OWN

    @property
    def words(self) -> str:
        return f"{self.ground.label} (waived)" if self.is_waived else str(self.ground.label)


@dataclass(frozen=True)
class Conflicts:
    """Everything that stands between some people and some work. Answers without asking the database."""

    close: Mapping[Pair, Collection[str]] = field(default_factory=dict)
    """By (person, learner)."""
    employees: frozenset[Pair] = frozenset()
    """(Person, organisation)."""
    earlier: frozenset[tuple[UUID, UUID, UUID]] = frozenset()
    """(Assessor, learner, task) of attempts that were referred back."""
    waived: frozenset[tuple[str, UUID, UUID, UUID]] = frozenset()
    """(Ground, person, learner, delivery)."""
    mark_reo: frozenset[UUID] = frozenset()
    reciprocal: frozenset[Pair] = frozenset()
    """Pairs of which each reads most of the other's decisions, both ways round."""
    authors: Mapping[UUID, Collection[UUID]] = field(default_factory=dict)
    """Who marks each submission; only where readers are looked for."""
    policies: dict[UUID, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)

    def findings(self, person: UUID, submission: Submission) -> list[Finding]:
        """All of them, those that block first."""
        grounds = self._grounds(person, submission)
        if not grounds:
            return []
        blocks, warns = self._policy(submission)
        learner, delivery = submission.learner_id, submission.delivery_id
        found = []
        for ground in grounds:
            weight = Weight.WARNS if ground in warns else Weight.NOTED
            if ground in blocks or ground == G.OWN:
                weight = Weight.BLOCKS
            waived = (ground, person, learner, delivery) in self.waived and ground != G.OWN
            found.append(Finding(G(ground), weight, waived))
        return sorted(found, key=lambda one: (-one.weight, one.ground))

    def blocks(self, person: UUID, submission: Submission) -> bool:
        """Whether the policy keeps this work from this person."""
        return any(one.blocks for one in self.findings(person, submission))

    def standing(self, person: UUID, submission: Submission) -> int:
        """0 where nothing was found, then what weighs most; what is waived counts as a warning."""
        found = self.findings(person, submission)
        return max((Weight.WARNS if one.is_waived else one.weight for one in found), default=0)

    def _grounds(self, person: UUID, submission: Submission) -> set[str]:
        learner = submission.learner_id
        found = set(self.close.get((person, learner), ()))
        if person == learner:
            found.add(G.OWN)
        if (person, submission.enrolment.employer_id) in self.employees:
            found.add(G.EMPLOYER)
        if (person, learner, submission.task_id) in self.earlier:
            found.add(G.EARLIER_ASSESSOR)
        if submission.in_reo and person not in self.mark_reo:
            found.add(G.REO)
        if any(
            (person, author) in self.reciprocal for author in self.authors.get(submission.pk, ())
        ):
            found.add(G.RECIPROCAL)
        return found

    def _policy(self, submission: Submission) -> tuple[frozenset[str], frozenset[str]]:
        known = self.policies.get(submission.delivery_id)
        if known is None:
            delivery = submission.delivery
            known = (
                frozenset(delivery.policy_value("conflict.blocks")),
                frozenset(delivery.policy_value("conflict.warns")),
            )
            self.policies[delivery.pk] = known
        return known


def conflicts_among(
    people: Collection[UUID], work: Sequence[Submission], *, reads: bool = False
) -> Conflicts:
    """Everything between these people and this work, in one statement; with `reads` in three.

    `reads` is for those who would read what others decide: second assessors and moderators.
    """
    if not people or not work:
        return Conflicts()
    now = timezone.now()
    learners = {one.learner_id for one in work}
    tasks = {one.task_id for one in work}
    if len(people) == 1 and len(work) == 1:

        def build(values: Sequence[Any]) -> "QuerySet[Any, Any]":
            person, learner, task, at = values
            return _facts([person], [learner], [task], at, lookup="in")

        asked: list[UUID | dt.datetime] = [*people, *learners, *tasks, now]
        rows = composed.rows("facts", build, asked, limit=MANY)
    else:
        rows = list(_facts(list(people), list(learners), list(tasks), now, lookup="among"))
    authors: dict[UUID, set[UUID]] = {}
    pairs: frozenset[Pair] = frozenset()
    if reads:
        authors = _authors_of([one.pk for one in work])
        known = {one for some in authors.values() for one in some}
        pairs = _reciprocal(known.union(people), work[0].delivery, now)
    return _sorted_out(rows, set(people), learners, pairs, authors)


def _facts(
    people: Sequence[UUID],
    learners: Sequence[UUID],
    tasks: Sequence[UUID],
    now: dt.datetime,
    *,
    lookup: str,
) -> "QuerySet[Any, Any]":
    """Rows of (source, ground, person, other, place); the same columns from all tables, so that one statement asks."""

    def rows(found: "QuerySet[Any, Any]", source: str, ground: Any, *names: str) -> Any:
        return found.order_by().values_list(Value(source), ground, *(F(name) for name in names))

    by = f"__pk__{lookup}"
    declared = DeclaredConflict.objects.filter(
        Q(**{f"person{by}": people, f"other{by}": learners})
        | Q(**{f"person{by}": learners, f"other{by}": people})
    )
    works = Membership.objects.current(now).filter(
        Q(**{f"user{by}": people}) | Q(**{f"user{by}": learners}), role=OrganisationRole.EMPLOYEE
    )
    decisions = Submission._meta.get_field("decisions").related_model._default_manager
    referred = decisions.filter(
        **{f"author{by}": people, f"submission__learner{by}": learners},
        **{f"submission__task{by}": tasks},
        submission__state=SubmissionState.REFERRED,
        sealed_at__isnull=False,
    )
    waivers = Delivery._meta.get_field("conflict_waivers").related_model._default_manager
    signed = waivers.filter(
        **{f"person{by}": people, f"learner{by}": learners},
        signed_at__isnull=False,
        ended_at__isnull=True,
    )
    fluent = User.objects.filter(**{f"pk__{lookup}": people}, reo_capable=True)
    first = rows(declared, "declared", F("kind"), "person", "other", "person")
    found: QuerySet[Any, Any] = first.union(
        rows(works, "works", F("organisation__kind"), "user", "organisation", "user"),
        rows(referred, "earlier", Value(""), "author", "submission__learner", "submission__task"),
        rows(signed, "waived", F("ground"), "person", "learner", "delivery"),
        rows(fluent, "reo", Value(""), "pk", "pk", "pk"),
        all=True,
    )
    return found


def _sorted_out(
    rows: Sequence[tuple[Any, ...]],
    people: set[UUID],
    learners: set[UUID],
    reciprocal: frozenset[Pair],
    authors: Mapping[UUID, Collection[UUID]],
) -> Conflicts:
    close: defaultdict[Pair, set[str]] = defaultdict(set)
    employees, earlier, waived, fluent = set(), set(), set(), set()
    colleagues: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for source, ground, who, other, place in rows:
        if source == "declared":
            close[who, other].add(ground)
            close[other, who].add(ground)
        elif source == "works":
            employees.add((who, other))
            if ground == OrganisationKind.CLIENT:
                colleagues[other].add(who)
        elif source == "earlier":
            earlier.add((who, other, place))
        elif source == "waived":
            waived.add((ground, who, other, place))
        else:
            fluent.add(who)
    for staff in colleagues.values():
        for one in staff & people:
            for other in staff & learners:
                if one != other:
                    close[one, other].add(G.EMPLOYER)
    return Conflicts(
        close, frozenset(employees), frozenset(earlier), frozenset(waived), frozenset(fluent),
        reciprocal, authors,
    )  # fmt: skip


def _authors_of(work: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Who marks each now: the first assessor, and the second where there is one."""
    found: dict[UUID, set[UUID]] = {}
    parts = Part.objects.filter(
        submission__pk__among=list(work), kind__in=ASSESSES, ended_at__isnull=True
    )
    for key, person in parts.values_list("submission_id", "person_id"):
        found.setdefault(key, set()).add(person)
    return found


def _reciprocal(people: Collection[UUID], delivery: Delivery, now: dt.datetime) -> frozenset[Pair]:
    """Pairs of these people of which each read more than a share of what was read of the other's in the term.

    The term is the policy's days before now, whatever the delivery. Both shares count what anybody read.
    """
    since = now - dt.timedelta(days=delivery.policy_value("conflict.term_days"))
    limit = delivery.policy_value("conflict.reciprocal_share")
    reads = Part.objects.filter(
        kind__in=READS,
        since__gte=since,
        submission__parts__kind=PartKind.ASSESSOR,
        submission__parts__ended_at__isnull=True,
        submission__parts__person__in=people,
    )
    counted: defaultdict[Pair, int] = defaultdict(int)
    total: defaultdict[UUID, int] = defaultdict(int)
    rows = reads.order_by().values_list(
        "submission_id", "person_id", "submission__parts__person_id"
    )
    for _key, reader, author in rows.distinct():
        if reader != author:
            counted[reader, author] += 1
            total[author] += 1
    most = {pair for pair, number in counted.items() if number > limit * total[pair[1]]}
    return frozenset(pair for pair in most if (pair[1], pair[0]) in most)
