"""What would become of work that was chosen in the queue, before anything is written: a line for each, with the reason.

The number of statements does not grow with the work.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.models import User
from assessment.enums import Act
from assessment.models import Allocation, AssessmentDecision
from assessment.selectors import MARKING_ROLES, NOT_INDEPENDENT, roles_needed, within
from assessment.selectors.filters import QUEUED
from assessment.selectors.sharing import NOBODY, Staff, spread, staff_of
from catalogue.models import Delivery
from portfolios.enums import SubmissionState
from portfolios.models import Submission

MOST = 100
"""Rows that can be chosen at once: what a page of the queue shows."""
TO_ONE = "You chose them"


@dataclass(frozen=True)
class Line:
    """One piece of work: what would be done, or why nothing. `token` is what the button sends for it."""

    submission: Submission
    words: str = ""
    problem: str = ""
    token: str = ""
    assessor: User | None = None


@dataclass(frozen=True)
class Held:
    """Who has what of the chosen work."""

    live: dict[UUID, list[Allocation]]
    sealed: Collection[tuple[UUID, UUID]]
    """(Submission, author)."""

    def unsealed(self, submission: Submission) -> list[Allocation]:
        """Live allocations whose assessor has not decided yet."""
        rows = self.live.get(submission.pk, [])
        return [one for one in rows if (submission.pk, one.assessor_id) not in self.sealed]


def chosen_work(user: User, keys: Collection[UUID]) -> list[Submission]:
    """Those of these that the person may see and that wait for marking, in the order of the queue's dates."""
    rows = Submission.objects.visible_to(user).filter(pk__in=keys, state__in=QUEUED)
    related = rows.select_related("delivery__version__micro_credential").defer("manifest")
    return list(related.order_by("marking_due_at", "submitted_at", "pk"))


def held_of(work: Iterable[Submission]) -> Held:
    """Live allocations of this work, and who sealed a decision on it; two queries."""
    keys = [one.pk for one in work]
    live: defaultdict[UUID, list[Allocation]] = defaultdict(list)
    rows = Allocation.objects.current().filter(submission__in=keys).select_related("assessor")
    for one in rows.order_by("allocated_at", "pk"):
        live[one.submission_id].append(one)
    decisions = AssessmentDecision.objects.sealed().filter(submission__in=keys)
    return Held(live, set(decisions.order_by().values_list("submission_id", "author_id")))


def lines_of(
    delivery: Delivery,
    keys: Collection[UUID],
    act: Act,
    *,
    to: User | None = None,
    due_at: dt.datetime | None = None,
    blind: bool = False,
) -> list[Line]:
    """What the act would do to each of these in one delivery.

    `to` is whom it goes to; None is whoever has least and may. `due_at` is the new date of EXTEND. `blind` is for
    somebody who marks here without names: grounds of conflicts are not said.
    """
    rows = Submission.objects.filter(delivery=delivery, pk__in=keys, state__in=QUEUED)
    ordered = rows.order_by("marking_due_at", "submitted_at", "pk")
    work = within(delivery, ordered)
    held = held_of(work)
    if act == Act.ALLOCATE:
        return _allocated(delivery, work, to, blind=blind)
    if act == Act.MOVE:
        return _moved(delivery, work, held, to, blind=blind)
    if act == Act.RELEASE:
        return [_released(one, held) for one in work]
    return [_extended(one, due_at) for one in work]


def _given(
    staff: Staff, work: Sequence[Submission], to: User | None, *, blind: bool
) -> dict[UUID, tuple[User | None, str]]:
    """Who would get each, and why; nobody with the reason."""
    if to is None:
        plan = spread(staff, work)
        return {one.submission.pk: (one.assessor, one.reason or NOBODY) for one in plan}
    found: dict[UUID, tuple[User | None, str]] = {}
    for one in work:
        findings = staff.conflicts.findings(to.pk, one)
        kept = [each.words for each in findings if each.blocks]
        if to.pk in staff.taken.get(one.pk, ()):
            found[one.pk] = (None, f"{to.name} has or had a part in it.")
        elif kept:
            why = NOT_INDEPENDENT if blind else "; ".join(kept)
            found[one.pk] = (None, f"{to.name}: {why}.")
        else:
            said = [TO_ONE]
            if staff.warns(to.pk, one):
                said += [NOT_INDEPENDENT] if blind else [each.words for each in findings]
            if to.pk in staff.away:
                said.append(staff.away[to.pk].words)
            if staff.is_full(to.pk, one):
                said.append("has as many hours as they take")
            staff.give(to.pk, one)
            found[one.pk] = (to, "; ".join(said))
    return found


def _allocated(
    delivery: Delivery, work: Sequence[Submission], to: User | None, *, blind: bool
) -> list[Line]:
    needed = roles_needed(work)
    able = [one for one in work if needed[one.pk] in MARKING_ROLES]
    given = _given(staff_of(delivery, able), able, to, blind=blind)
    lines = []
    for one in work:
        person, why = given.get(one.pk, (None, "Somebody has it already, or it waits for nobody."))
        if needed[one.pk] is not None and one.pk not in given:
            why = "Allocate this by itself: it waits for somebody who had no part in it."
        if person is None:
            lines.append(Line(one, problem=why))
        else:
            lines.append(Line(one, why, token=f"{one.pk}:{person.pk}:", assessor=person))
    return lines


def _moved(
    delivery: Delivery, work: Sequence[Submission], held: Held, to: User | None, *, blind: bool
) -> list[Line]:
    movable: dict[UUID, Allocation] = {}
    why_not: dict[UUID, str] = {}
    for one in work:
        rows = held.unsealed(one)
        if not held.live.get(one.pk):
            why_not[one.pk] = "Nobody has it. Allocate it instead."
        elif not rows:
            why_not[one.pk] = "Whoever has it has decided already."
        elif len(rows) > 1 or rows[0].role not in MARKING_ROLES:
            why_not[one.pk] = "Move this by itself: it needs somebody who had no part in it."
        else:
            movable[one.pk] = rows[0]
    able = [one for one in work if one.pk in movable]
    given = _given(staff_of(delivery, able), able, to, blind=blind)
    lines = []
    for one in work:
        person, why = given.get(one.pk, (None, why_not.get(one.pk, "")))
        if person is None:
            lines.append(Line(one, problem=why))
            continue
        holder = movable[one.pk]
        words = f"From {holder.assessor.name}. {why}"
        if one.state == SubmissionState.IN_ASSESSMENT:
            words += ". It is open; the draft is kept"
        token = f"{one.pk}:{person.pk}:{holder.pk}"
        lines.append(Line(one, words, token=token, assessor=person))
    return lines


def _released(submission: Submission, held: Held) -> Line:
    rows = held.unsealed(submission)
    if submission.state != SubmissionState.SUBMITTED:
        return Line(submission, problem="Somebody has opened it. Give it to somebody else instead.")
    if not rows:
        return Line(submission, problem="Nobody has it.")
    names = " and ".join(one.assessor.name for one in rows)
    token = ":".join(["", "", *sorted(str(one.pk) for one in rows)])
    return Line(submission, f"{names} would have it no longer", token=f"{submission.pk}{token}")


def _extended(submission: Submission, due_at: dt.datetime | None) -> Line:
    now = submission.marking_due_at
    if due_at is None:
        return Line(submission)
    if now is not None and due_at <= now:
        return Line(submission, problem="It has as much time already.")
    seen = now.isoformat() if now else ""
    return Line(submission, "Has more time", token=f"{submission.pk}|{seen}")
