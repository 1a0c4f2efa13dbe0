"""Opening the workspace, keeping it, and saving drafts."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import Actor, User
from accounts.words import plain_text
from assessment import guards, rules, selectors
from assessment.actions.allocation import allocate_automatically, lock
from assessment.actions.double import fix_reading
from assessment.actions.early import lock_check, take_place
from assessment.definitions import Marks
from assessment.enums import MARKED_AS, MARKING_PARTS, WORK_STATES
from assessment.hashing import policy_hash
from assessment.models import AssessmentDecision, CriterionJudgement, Lease
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Criterion, Level
from portfolios.enums import HoldKind, SubmissionState
from portfolios.models import Hold, Part, Submission, SubmissionEvidence
from workflows.actions import open_record
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState, StaleVersion
from workflows.notifications import notify
from workflows.transitions import perform


def take_lease(submission: Submission, actor: User, *, seizes: bool = False) -> Lease:
    """Keep the workspace for the policy's minutes. The caller holds the submission's lock."""
    now = timezone.now()
    until = now + dt.timedelta(minutes=submission.delivery.policy_value("lease.minutes"))
    lease = Lease.objects.filter(submission=submission).first()
    if lease is None:
        made: Lease = Lease.objects.create(
            submission=submission, holder=actor, since=now, until=until
        )
        return made
    if lease.is_live and lease.holder_id != actor.pk and not seizes:
        # The other one of two who mark blind: theirs stays, so that neither notices when it ends.
        return Lease(submission=submission, holder=actor, since=now, until=until)
    if lease.holder_id != actor.pk or not lease.is_live:
        lease.since = now
    lease.holder, lease.until = actor, until
    lease.save(update_fields=["holder", "since", "until"])
    return lease


@transaction.atomic
def start_assessment(submission: Submission, *, actor: User) -> Submission:
    """Open the workspace: take the lease, move `submitted` to `in_assessment`, begin the person's draft.

    From then on the learner cannot withdraw. While the first decisions on a new task are not read, the
    work takes one of their places, or is refused. A second assessor, an adjudicator and the author of a
    returned decision open work that has moved already. Raises what perform() raises; where nothing has
    to move, StaleState, NotPermitted and GuardsNotMet come from the same states, rule and guards.
    """
    fresh = lock(submission)
    if fresh.state == SubmissionState.SUBMITTED:
        early = lock_check(fresh)
        fix_reading(fresh)
        if guards.reads_blind(fresh):
            # Also where the first was asked by hand: later, the moment would tell when the first sealed.
            allocate_automatically(fresh)
        fresh = perform(fresh, "start_assessment", actor=actor)
        if early is not None:
            take_place(early, fresh)
    else:
        if fresh.state not in (*WORK_STATES, SubmissionState.UNDER_RECONSIDERATION):
            raise StaleState(instance=fresh)
        if not rules.is_turn(fresh, actor):
            raise NotPermitted(instance=fresh)
        asked = [guards.independent_of_learner, guards.calibrated_if_asked, guards.lease_free]
        if unmet := [one for one in asked if not one.holds(fresh, actor)]:
            raise GuardsNotMet(unmet, instance=fresh)
    take_lease(fresh, actor)
    begin_draft(fresh, actor)
    return fresh


def begin_draft(submission: Submission, actor: User) -> AssessmentDecision:
    """The person's draft: the one they left, a copy of what was returned to them, or an empty one.

    Criteria that were met in an earlier attempt are carried over and locked. Bound to manifest, rubric and
    policy as they are now. The caller holds the submission's lock.
    """
    part = Part.objects.get(submission=submission, person=actor, ended_at__isnull=True)
    known_decisions = list(submission.decisions.values_list("number", "author_id", "sealed_at"))
    if any(author == actor.pk and sealed is None for _number, author, sealed in known_decisions):
        draft: AssessmentDecision = AssessmentDecision.objects.drafts_of(actor).get(
            submission=submission
        )
        # Left behind in another role: it counts as what the person is now.
        if submission.returned_at is None and draft.basis != MARKED_AS[part.kind]:
            draft.basis = MARKED_AS[part.kind]
            draft.save(update_fields=["basis"])
        return draft
    returned = (
        submission.decisions.sealed().filter(author=actor).order_by("-number").first()
        if submission.returned_at is not None
        else None
    )
    made: AssessmentDecision = AssessmentDecision.objects.create(
        submission=submission,
        author=actor,
        basis=returned.basis if returned else MARKED_AS[part.kind],
        number=max((number for number, _author, _sealed in known_decisions), default=0) + 1,
        manifest_hash=submission.fingerprint,
        rubric_hash=submission.rubric.content_hash,
        policy_hash=policy_hash(submission.delivery),
        feedback=returned.feedback if returned else "",
        staff_note=returned.staff_note if returned else "",
    )
    before = returned or earlier_referral(submission)
    known = {one.criterion_id: one for one in before.judgements.all()} if before else {}
    met = met_before(submission)
    rows = []
    for criterion in selectors.criteria_of(submission.rubric_id):
        old = known.get(criterion.pk)
        carried = criterion.pk in met
        keep = old is not None and (carried or returned is not None)
        rows.append(
            CriterionJudgement(
                decision=made,
                criterion=criterion,
                level_id=old.level_id if keep and old else None,
                feedback=old.feedback if keep and old else "",
                staff_note=old.staff_note if keep and old and returned else "",
                carried_over=carried and old is not None and old.level_id is not None,
            )
        )
    CriterionJudgement.objects.bulk_create(rows)
    if returned is not None:
        _keep_pointers(rows, known.values())
    return made


def _keep_pointers(
    rows: Sequence[CriterionJudgement], before: Iterable[CriterionJudgement]
) -> None:
    """Point from each judgement to what the earlier one on the same submission points to."""
    through = CriterionJudgement.pointers.through
    new = {one.criterion_id: one.pk for one in rows}
    old = {one.pk: new[one.criterion_id] for one in before if one.criterion_id in new}
    through.objects.bulk_create(
        through(
            criterionjudgement_id=old[row.criterionjudgement_id],
            submissionevidence_id=row.submissionevidence_id,
        )
        for row in through.objects.filter(criterionjudgement__in=old)
    )


def met_before(submission: Submission) -> set[UUID]:
    """Criteria that an earlier attempt met; there is none before the first."""
    if submission.attempt == 1:
        return set()
    return set(submission.portfolio.met_criteria.values_list("pk", flat=True))


def earlier_referral(submission: Submission) -> AssessmentDecision | None:
    """The decision with which the attempt before was referred back."""
    if submission.attempt == 1:
        return None
    found: AssessmentDecision | None = (
        AssessmentDecision.objects.sealed()
        .filter(
            submission__portfolio=submission.portfolio_id,
            submission__state=SubmissionState.REFERRED,
            submission__attempt__lt=submission.attempt,
        )
        .order_by("-submission__attempt", "-number")
        .first()
    )
    return found


@transaction.atomic
def renew_lease(submission: Submission, *, actor: User) -> Lease:
    """Keep the workspace open for some minutes more. StaleState where somebody else has it now."""
    fresh = lock(submission)
    if not rules.is_turn(fresh, actor):
        raise NotPermitted(instance=fresh)
    if not guards.lease_free.holds(fresh, actor):
        raise StaleState(instance=fresh)
    return take_lease(fresh, actor)


@transaction.atomic
def take_over(submission: Submission, *, actor: User, reason: str = "") -> Lease:
    """Close the workspace that somebody left open, for lead moderators and programme administrators.

    The person's next save is refused while the lease of the one who took over lasts; drafts stay. Writes
    an access record, with as much of the reason as it holds, and tells the former holder. Opens nobody's
    decision to anybody.
    """
    fresh = lock(submission)
    if not rules.may_take_over(fresh, actor):
        raise NotPermitted(instance=fresh)
    former = Lease.objects.filter(submission=fresh).select_related("holder").first()
    lease = take_lease(fresh, actor, seizes=True)
    why = f"Took over the workspace. {plain_text(reason)}".strip()
    record = open_record(fresh, actor=actor, purpose=why[:100])
    if former is not None and former.holder_id != actor.pk:
        notify(
            topic="assessment.taken_over",
            recipients=[former.holder],
            subject=fresh,
            path=f"/assess/m/{fresh.pk}/",
            context={"reference": fresh.reference, "by": actor.name},
            dedupe=f"take-over:{record.pk}",
        )
    return lease


def save_draft(
    submission: UUID, *, actor: User, marks: Marks, seen_version: int
) -> AssessmentDecision:
    """Save what the person has so far. Nothing is visible to anybody else.

    Raises NotPermitted where the person has no draft to write to; StaleState where somebody took the
    workspace over; StaleVersion with both versions where another page of the same person saved first.
    Carried-over criteria are never changed. Few statements: this runs while people type.
    """
    with transaction.atomic():
        draft = locked_draft(submission, actor)
        if seen_version != draft.version:
            raise StaleVersion(mine=marks, theirs=draft)
        judgements = selectors.judgements_of(draft)
        changed = _apply(judgements, marks, _levels(judgements, marks))
        # They are there: one INSERT whose conflicts are the changes is composed faster than an UPDATE by cases.
        CriterionJudgement.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["pk"],
            update_fields=["level", "feedback", "staff_note"],
        )
        _point(draft, judgements, marks)
        draft.feedback = plain_text(marks.feedback)
        draft.staff_note = plain_text(marks.staff_note)
        draft.reason = plain_text(marks.reason)
        draft.reason_code = marks.reason_code
        draft.version += 1
        draft.saved_at = timezone.now()
        draft.save(
            update_fields=["feedback", "staff_note", "reason", "reason_code", "version", "saved_at"]
        )
    return draft


def locked_draft(submission: UUID, actor: Actor) -> AssessmentDecision:
    """The person's draft, locked; NotPermitted without one, StaleState where somebody took the work over."""

    def build(values: Sequence[Any]) -> QuerySet[Any]:
        on, by = values
        live = Part.objects.filter(
            submission=OuterRef("submission"),
            person=OuterRef("author"),
            kind__in=MARKING_PARTS,
            ended_at__isnull=True,
        )
        drafts = AssessmentDecision.objects.filter(
            Exists(live), submission=on, author=by, sealed_at__isnull=True
        )
        locked = drafts.order_by().select_for_update(of=("self",), no_key=True)
        return locked.select_related("submission__lease").defer("submission__manifest")

    asked: list[Any] = [submission, getattr(actor, "pk", None)]
    drafts = selectors.composed.instances("draft to write to", build, asked)
    if not drafts:
        raise NotPermitted
    draft: AssessmentDecision = drafts[0]
    if guards.lease_against(draft.submission, actor) is not None:
        raise StaleState(instance=draft.submission)
    return draft


def _levels(judgements: Sequence[CriterionJudgement], marks: Marks) -> dict[UUID, Level]:
    """The levels that were chosen anew, if they are levels of these criteria."""
    before = {one.criterion.number: one.level_id for one in judgements}
    chosen = {
        said.level
        for number, said in marks.criteria.items()
        if said.level is not None and before.get(number) != said.level
    }
    if not chosen:
        return {}
    criteria = [one.criterion_id for one in judgements]
    return {one.pk: one for one in Level.objects.filter(pk__in=chosen, criterion__in=criteria)}


def _apply(
    judgements: Sequence[CriterionJudgement], marks: Marks, levels: Mapping[UUID, Level]
) -> list[CriterionJudgement]:
    changed = []
    for judgement in judgements:
        said = marks.criteria.get(judgement.criterion.number)
        if said is None or judgement.carried_over:
            continue
        level_id = judgement.level_id
        if said.level is None:
            level_id = None
        elif said.level in levels and levels[said.level].criterion_id == judgement.criterion_id:
            level_id = said.level
        feedback, note = plain_text(said.feedback), plain_text(said.staff_note)
        after = (level_id, feedback, note)
        if after != (judgement.level_id, judgement.feedback, judgement.staff_note):
            judgement.level_id, judgement.feedback, judgement.staff_note = after
            changed.append(judgement)
    return changed


def _point(
    draft: AssessmentDecision, judgements: Sequence[CriterionJudgement], marks: Marks
) -> None:
    """Pointers into the evidence, by its number in the manifest."""
    pointed = selectors.pointed_in(draft)
    wanted: dict[CriterionJudgement, set[int]] = {}
    for judgement in judgements:
        said = marks.criteria.get(judgement.criterion.number)
        if said is None or said.pointers is None or judgement.carried_over:
            continue
        if pointed.get(judgement.pk, set()) != set(said.pointers):
            wanted[judgement] = set(said.pointers)
    if wanted:
        pins = list(SubmissionEvidence.objects.filter(submission=draft.submission_id))
        for judgement, numbers in wanted.items():
            judgement.pointers.set([pin for pin in pins if pin.number in numbers])


@transaction.atomic
def look_again(submission: Submission, *, actor: User) -> AssessmentDecision:
    """Bind the person's draft to manifest, rubric and policy as they are now, after they looked at it again.

    Criteria that the rubric gained get an empty judgement. Raises NotPermitted without a draft.
    """
    fresh = lock(submission)
    draft = locked_draft(fresh.pk, actor)
    draft.manifest_hash = fresh.fingerprint
    draft.rubric_hash = fresh.rubric.content_hash
    draft.policy_hash = policy_hash(fresh.delivery)
    draft.version += 1
    draft.save(update_fields=["manifest_hash", "rubric_hash", "policy_hash", "version"])
    known = draft.judgements.values("criterion_id")
    new = Criterion.objects.filter(rubric=fresh.rubric_id).exclude(pk__in=known)
    CriterionJudgement.objects.bulk_create(
        CriterionJudgement(decision=draft, criterion=criterion) for criterion in new
    )
    return draft


@transaction.atomic
def raise_concern(submission: Submission, *, actor: User, concern: str) -> Hold:
    """Put the work on hold for academic integrity: the assessor raises it and does not decide it.

    Programme administrators are told, without the concern itself; of a seed, of which they know nothing, its
    lead moderators. The draft stays. Raises NotPermitted for anybody but the person whose turn it is.
    """
    fresh = lock(submission)
    if not rules.is_turn(fresh, actor):
        raise NotPermitted(instance=fresh)
    hold: Hold
    hold, made = Hold.objects.get_or_create(
        submission=fresh,
        kind=HoldKind.INTEGRITY,
        closed_at=None,
        defaults={"reason": plain_text(concern).strip(), "opened_by": actor},
    )
    if made:
        told, path = selectors.administrators_of(fresh.delivery), f"/assess/m/{fresh.pk}/"
        if fresh.delivery.holds_seeds:
            told = selectors.people_of(fresh.delivery.cohort, DeliveryRoleKind.LEAD_MODERATOR)
            path = f"/assess/calibration/seeds/{fresh.seed.pk}/"
        notify(
            topic="assessment.concern_raised",
            recipients=told,
            subject=fresh,
            path=path,
            context={"reference": fresh.reference, "delivery": fresh.delivery.title},
            dedupe=f"hold:{hold.pk}",
        )
    return hold
