"""Plans of who would get what: nothing is written here, and each line says why.

One set of rules for every way: nobody with a conflict that blocks, nobody with a part in the work, nobody who
is away or has as many hours in hand as they take. A pin comes first. Somebody about whom the policy warns gets
work only where nobody else may. The same pool, people and policies give the same plan.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from uuid import UUID

from accounts.models import User
from assessment.conflicts import Conflicts, Weight, conflicts_among
from assessment.enums import AllocationRole, Way
from assessment.models import Allocation, Capacity, LearnerGroup, Pin
from assessment.selectors import NOT_INDEPENDENT, open_work, people_of, taken_by
from assessment.selectors.workload import Absence, Times, absences_among, in_hand, times_of
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from portfolios.enums import SubmissionState
from portfolios.models import Part, Submission

NOBODY = "No assessor of this delivery is independent, free and there to mark it."


@dataclass(frozen=True)
class Share:
    """One line of a plan: who would get what and why, or why nobody; `held` is what is moved."""

    submission: Submission
    assessor: User | None
    reason: str = ""
    held: Allocation | None = None

    @property
    def problem(self) -> str:
        return "" if self.assessor else (self.reason or NOBODY)


@dataclass
class Staff:
    """The assessors of a delivery with everything that decides what they may be given."""

    delivery: Delivery
    people: list[User]
    loads: Counter[UUID]
    shares: Mapping[UUID, int]
    hours: Mapping[UUID, int | None]
    away: Mapping[UUID, Absence]
    pins: Mapping[UUID, UUID]
    conflicts: Conflicts
    taken: Mapping[UUID, set[UUID]]
    times: Times
    spent: Counter[UUID]
    """Minutes of marking that wait for each."""
    groups: Mapping[UUID, str] = field(default_factory=dict)
    """The group of the delivery's own choosing, by learner."""
    by_key: dict[UUID, User] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_key = {one.pk: one for one in self.people}

    def hours_of(self, person: UUID) -> float:
        """Hours of marking that wait for the person."""
        return round(self.spent[person] / 60, 1)

    def minutes_for(self, submission: Submission) -> int:
        """How long marking it takes."""
        return self.times.of(submission.delivery_id, submission.task_id)

    def is_full(self, person: UUID, submission: Submission) -> bool:
        """Whether this piece would be more hours than the person takes."""
        most = self.hours.get(person)
        return most is not None and self.spent[person] + self.minutes_for(submission) > most * 60

    def is_over(self, person: UUID) -> bool:
        """Whether more hours wait already than the person takes."""
        most = self.hours.get(person)
        return most is not None and self.spent[person] > most * 60

    def is_there(self, person: UUID, submission: Submission) -> bool:
        return person not in self.away and not self.is_full(person, submission)

    def may(self, person: UUID, submission: Submission) -> bool:
        """Independent, without a part in the work."""
        return person not in self.taken.get(submission.pk, ()) and not self.conflicts.blocks(
            person, submission
        )

    def warns(self, person: UUID, submission: Submission) -> bool:
        return self.conflicts.standing(person, submission) >= Weight.WARNS

    def pinned(self, submission: Submission) -> User | None:
        """Whom the learner's work is pinned to, if that person may and is there."""
        key = self.pins.get(submission.learner_id)
        if key is None or key not in self.by_key:
            return None
        able = self.is_there(key, submission) and self.may(key, submission)
        return self.by_key[key] if able else None

    def give(self, person: UUID, submission: Submission) -> None:
        self.loads[person] += 1
        self.spent[person] += self.minutes_for(submission)

    def take(self, person: UUID, submission: Submission) -> None:
        self.loads[person] -= 1
        self.spent[person] -= self.minutes_for(submission)


def staff_of(delivery: Delivery, work: Sequence[Submission]) -> Staff:
    """Read once for the whole plan; the number of statements does not grow with people or work."""
    people = people_of(delivery, DeliveryRoleKind.ASSESSOR)
    taken = defaultdict(set, taken_by([one.pk for one in work]))
    strict = {one.pk for one in work if one.state == SubmissionState.IN_ADJUDICATION}
    if strict:
        for key, person in Part.objects.filter(submission__in=strict).values_list(
            "submission_id", "person_id"
        ):
            taken[key].add(person)
    second = any(one.state != SubmissionState.SUBMITTED for one in work)
    capacities = list(Capacity.objects.filter(delivery=delivery))
    loads, spent = in_hand(people)
    return Staff(
        delivery,
        people,
        loads,
        {one.assessor_id: one.shares for one in capacities},
        {one.assessor_id: one.hours for one in capacities},
        absences_among([one.pk for one in people], delivery),
        dict(
            Pin.objects.filter(delivery=delivery, ended_at__isnull=True).values_list(
                "learner_id", "assessor_id"
            )
        ),
        conflicts_among([one.pk for one in people], work, reads=second),
        taken,
        times_of([delivery]),
        spent,
        dict(LearnerGroup.objects.filter(delivery=delivery).values_list("learner_id", "name")),
    )


def plan_of(delivery: Delivery, way: str, *, blind: bool = False) -> list[Share]:
    """Who would get what of the pool, in this way; for a balance, what would move.

    `blind` is for somebody who marks here without names: reasons name no group.
    """
    if way == Way.BALANCE:
        return balance(delivery)
    work = open_work(delivery)
    staff = staff_of(delivery, work)
    if way == Way.GROUP:
        return by_group(staff, work, blind=blind)
    return spread(staff, work, weighted=way == Way.SHARE)


def spread(staff: Staff, work: Sequence[Submission], *, weighted: bool = False) -> list[Share]:
    """Always whoever has least to do and may; with `weighted` least for their share. Counted in minutes."""
    usual = max(1, staff.minutes_for(work[0])) if work else 1

    def rank(person: UUID) -> float:
        spent = staff.spent[person]
        return (spent + usual) / staff.shares.get(person, 1) if weighted else spent

    waiting = [
        (rank(one.pk), one.search_key, at)
        for at, one in enumerate(staff.people)
        if one.pk not in staff.away and not (weighted and staff.shares.get(one.pk, 1) == 0)
    ]
    heapify(waiting)
    found = []
    for submission in work:
        pinned = staff.pinned(submission)
        chosen = None if pinned else _least(staff, waiting, submission)
        person = pinned or (staff.people[chosen[2]] if chosen else None)
        if person is None:
            found.append(Share(submission, None))
            continue
        why = "Pinned" if pinned else f"Has {_in_hand(staff, person.pk)}"
        if staff.warns(person.pk, submission):
            why += "; nobody else may"
        staff.give(person.pk, submission)
        found.append(Share(submission, person, why))
        if chosen:
            heappush(waiting, (rank(person.pk), person.search_key, chosen[2]))
        elif pinned:
            waiting = [(rank(staff.people[at].pk), name, at) for _rank, name, at in waiting]
            heapify(waiting)
    return found


def _least(
    staff: Staff, waiting: list[tuple[float, str, int]], submission: Submission
) -> tuple[float, str, int] | None:
    """Take the first off the heap who may have it; somebody about whom the policy warns only if nobody else."""
    passed, second = [], None
    chosen = None
    while waiting and chosen is None:
        entry = heappop(waiting)
        person = staff.people[entry[2]].pk
        if staff.is_full(person, submission) or not staff.may(person, submission):
            passed.append(entry)
        elif staff.warns(person, submission):
            second = second or entry
            passed.append(entry)
        else:
            chosen = entry
    for entry in passed:
        if chosen is not None or entry is not second:
            heappush(waiting, entry)
    return chosen or second


def _in_hand(staff: Staff, person: UUID) -> str:
    return f"{staff.loads[person]} waiting, {staff.hours_of(person):g} hours"


def by_group(staff: Staff, work: Sequence[Submission], *, blind: bool = False) -> list[Share]:
    """Each group's work to one person as far as that goes. The rest is spread.

    A group is one of the delivery's own choosing, else the learner's site, else their employer.

    The person is the one who may mark most of it, then the least loaded.
    """
    groups: dict[str, list[Submission]] = {}
    for one in work:
        groups.setdefault(group_of(one, staff.groups), []).append(one)
    given: dict[UUID, Share] = {}
    rest: list[Submission] = []
    for name, members in groups.items():
        if not name:
            rest += members
            continue
        there = [one for one in staff.people if staff.is_there(one.pk, members[0])]
        if not there:
            rest += members
            continue

        def fitting(one: User, members: Sequence[Submission] = members) -> int:
            return sum(
                staff.may(one.pk, each) and not staff.warns(one.pk, each) for each in members
            )

        best = min(there, key=lambda one: (-fitting(one), staff.spent[one.pk], one.search_key))
        for each in members:
            able = staff.may(best.pk, each) and not staff.warns(best.pk, each)
            if able and not staff.is_full(best.pk, each) and staff.pinned(each) is None:
                given[each.pk] = Share(
                    each, best, "All of one group" if blind else f"All of {name}"
                )
                staff.give(best.pk, each)
            else:
                rest.append(each)
    given |= {one.submission.pk: one for one in spread(staff, rest)}
    return [given[one.pk] for one in work]


def group_of(submission: Submission, groups: Mapping[UUID, str]) -> str:
    """The learner's own group, else their site, else their employer; empty where none is known."""
    enrolment = submission.enrolment
    if own := groups.get(submission.learner_id):
        return own
    return enrolment.site or (str(enrolment.employer) if enrolment.employer else "")


def as_listed(
    delivery: Delivery, rows: Iterable[tuple[int, Mapping[str, str]]], *, blind: bool = False
) -> tuple[list[Share], list[str]]:
    """What a file asks for: `submission` and `assessor` (e-mail address) in each row; and what is wrong, by line.

    `blind` is for somebody who marks here without names: grounds of conflicts are not said.
    """
    work = {one.reference.casefold(): one for one in open_work(delivery)}
    staff = staff_of(delivery, list(work.values()))
    people = {one.email.casefold(): one for one in staff.people}
    found: dict[UUID, Share] = {}
    problems = []
    for line, row in rows:
        submission = work.get(row["submission"].casefold())
        person = people.get(row["assessor"].casefold())
        if not row["submission"]:
            problems.append(f"Line {line}: the reference of the submission is missing.")
        elif not row["assessor"]:
            problems.append(f"Line {line}: the e-mail address of the assessor is missing.")
        elif submission is None:
            problems.append(
                f"Line {line}: {row['submission']} is not waiting for an assessor here."
            )
        elif person is None:
            problems.append(f"Line {line}: {row['assessor']} is no assessor of this delivery.")
        elif submission.pk in found:
            problems.append(f"Line {line}: {submission.reference} is in the file twice.")
        elif not staff.may(person.pk, submission):
            kept = staff.conflicts.findings(person.pk, submission)
            why = "; ".join(one.words for one in kept if one.blocks)
            why = (NOT_INDEPENDENT.lower() if blind and why else why) or "has or had a part in it"
            problems.append(
                f"Line {line}: {person.name} cannot mark {submission.reference}: {why}."
            )
        else:
            why = f"Line {line}"
            if person.pk in staff.away:
                why += f"; {staff.away[person.pk].words}"
            if staff.warns(person.pk, submission):
                listed = staff.conflicts.findings(person.pk, submission)
                said = NOT_INDEPENDENT.lower() if blind else "; ".join(o.words for o in listed)
                why += f"; {said}"
            found[submission.pk] = Share(submission, person, why)
    return list(found.values()), problems


def balance(delivery: Delivery) -> list[Share]:
    """What could move so that nobody has more to do, by two pieces of the kind, than another who may take them.

    Only work that nobody has opened and that is not pinned to its assessor. Whoever is away, or has more hours
    in hand than they take, gives up work first. Counted in minutes of marking.
    """
    live = (
        Allocation.objects.current()
        .filter(
            submission__delivery=delivery,
            submission__state=SubmissionState.SUBMITTED,
            role=AllocationRole.ASSESSOR,
            submission__returned_at__isnull=True,
        )
        .select_related(
            "assessor", "submission__learner", "submission__task", "submission__enrolment__employer",
            "submission__delivery__version",
        )
        .defer("submission__manifest")
        .order_by("submission__submitted_at", "pk")
    )  # fmt: skip
    held: defaultdict[UUID, list[Allocation]] = defaultdict(list)
    for one in live:
        held[one.assessor_id].append(one)
    work = [one.submission for some in held.values() for one in some]
    if not work:
        return []
    staff = staff_of(delivery, work)
    moves = []
    for giver in sorted(held, key=lambda key: (key not in staff.away, -staff.spent[key], str(key))):
        for one in reversed(held[giver]):
            over = staff.is_over(giver)
            must = giver in staff.away or over
            taker = _taker(staff, one.submission, giver, must=must)
            if taker is None or staff.pins.get(one.submission.learner_id) == giver:
                continue
            name = one.assessor.name
            why = f"{name} has {_in_hand(staff, giver)}; {taker.name} {_in_hand(staff, taker.pk)}"
            if giver in staff.away:
                why = f"{name} is {staff.away[giver].words}"
            elif over:
                why = f"{name} has {_in_hand(staff, giver)} and takes {staff.hours[giver]}"
            staff.take(giver, one.submission)
            staff.give(taker.pk, one.submission)
            moves.append(Share(one.submission, taker, why, held=one))
    return moves


def _taker(staff: Staff, submission: Submission, giver: UUID, *, must: bool) -> User | None:
    able = [
        one
        for one in staff.people
        if one.pk != giver
        and staff.is_there(one.pk, submission)
        and staff.may(one.pk, submission)
        and not staff.warns(one.pk, submission)
        and (must or staff.spent[giver] - staff.spent[one.pk] >= 2 * staff.minutes_for(submission))
    ]
    return min(able, key=lambda one: (staff.spent[one.pk], one.search_key), default=None)
