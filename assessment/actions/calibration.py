"""Calibration: begun with work the person does not know, marked blind, concluded by rule, or waived."""

import calendar
import datetime as dt
import secrets
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.words import plain_text
from assessment import rules
from assessment.calibration import PassRule, judge
from assessment.exceptions import CalibrationRefused
from assessment.models import (
    CalibrationAttempt,
    CalibrationItem,
    CalibrationJudgement,
    CalibrationWaiver,
    Exemplar,
)
from assessment.models.calibration import rule_values
from assessment.outcome import result_of
from assessment.selectors import bands_of, marks_of
from assessment.selectors.calibration import compared, next_item, unseen_exemplars
from catalogue.enums import DeliveryRoleKind
from catalogue.models import AssessmentTask, Criterion, Level
from workflows.exceptions import NotPermitted, StaleState
from workflows.notifications import notify


@transaction.atomic
def begin_calibration(task: AssessmentTask, *, actor: User) -> CalibrationAttempt:
    """Choose the policy's number of exemplars that the assessor cannot know, one for each boundary first.

    Returns the open attempt where there is one. CalibrationRefused with what is missing where there are
    too few: one who did not pass needs others than before.
    """
    if not rules.calibrates_on(task, actor):
        raise NotPermitted(instance=task)
    rubric_hash = task.rubric.content_hash
    # The person's row, so that two presses of the button make one attempt.
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    opened: CalibrationAttempt | None = CalibrationAttempt.objects.filter(
        assessor=actor, rubric_hash=rubric_hash, concluded_at__isnull=True
    ).first()
    if opened is not None:
        return opened
    wanted = int(rule_values(task)["exemplars"])
    free = _once_each(unseen_exemplars(task, actor))
    if len(free) < wanted or not wanted:
        raise CalibrationRefused(
            f"Calibration needs {wanted} pieces of agreed work that you have not seen,"
            f" and there are {len(free)}. Ask a lead moderator to add some."
        )
    made: CalibrationAttempt = CalibrationAttempt.objects.create(
        assessor=actor, task=task, rubric_hash=rubric_hash
    )
    CalibrationItem.objects.bulk_create(
        CalibrationItem(attempt=made, exemplar=one, number=number)
        for number, one in enumerate(_chosen(free, wanted), 1)
    )
    return made


def _once_each(found: Iterable[Exemplar]) -> list[Exemplar]:
    """Work that was frozen more than once is one piece: any of its exemplars, by chance."""
    order = list(found)
    secrets.SystemRandom().shuffle(order)
    return list({one.source_id or one.pk: one for one in order}.values())


def _chosen(free: Sequence[Exemplar], wanted: int) -> list[Exemplar]:
    """At random, with work at each boundary while there is room (domain 2.8: at least one for each)."""
    order = list(free)
    secrets.SystemRandom().shuffle(order)
    first = list({one.boundary_id: one for one in reversed(order)}.values())
    chosen = [*first, *(one for one in order if one not in first)][:wanted]
    secrets.SystemRandom().shuffle(chosen)
    return chosen


@transaction.atomic
def mark_exemplar(
    item: CalibrationItem,
    *,
    actor: User,
    levels: Mapping[UUID, UUID],
    reasons: Mapping[UUID, str] | None = None,
) -> CalibrationAttempt:
    """Keep the person's levels for one exemplar, for good. With the last one the attempt is concluded.

    Tells the person nothing of the agreed levels before that, and the lead moderators the result after.
    CalibrationRefused where a criterion has no level of its own; NotPermitted for anybody but the person;
    StaleState where it was marked already.
    """
    attempt: CalibrationAttempt = (
        CalibrationAttempt.objects.select_for_update(of=("self",), no_key=True)
        .select_related("task__rubric", "task__version__grade_scheme")
        .get(pk=item.attempt_id)
    )
    if attempt.assessor_id != actor.pk or not rules.calibrates_on(attempt.task, actor):
        raise NotPermitted(instance=attempt)
    fresh = attempt.items.get(pk=item.pk)
    if fresh.marked_at is not None:
        raise StaleState(instance=attempt)
    known = list(
        Level.objects.filter(criterion__rubric=attempt.task.rubric).select_related("criterion")
    )
    chosen = {one.criterion_id: one for one in known if levels.get(one.criterion_id) == one.pk}
    criteria = list(Criterion.objects.filter(rubric=attempt.task.rubric).order_by("number"))
    if missing := [one.code for one in criteria if one.pk not in chosen]:
        raise CalibrationRefused(f"Choose a level for {', '.join(missing)}.")
    said = reasons or {}
    rows = [
        CalibrationJudgement(
            item=fresh,
            criterion=one,
            level=chosen[one.pk],
            reason=plain_text(said.get(one.pk, "")).strip(),
        )
        for one in criteria
    ]
    CalibrationJudgement.objects.bulk_create(rows)
    version = attempt.task.version
    outcome = result_of(version.grade_scheme.kind, marks_of(rows, known), bands_of(version)).outcome
    fresh.marked_at, fresh.outcome = timezone.now(), outcome or ""
    fresh.save(update_fields=["marked_at", "outcome"])
    return attempt if next_item(attempt) else _conclude(attempt)


def _conclude(attempt: CalibrationAttempt) -> CalibrationAttempt:
    values = rule_values(attempt.task)
    rule = PassRule(values["exact"], values["adjacent"], values["bias"])
    verdict = judge([one.pair for one in compared(attempt)], rule)
    now = timezone.now()
    attempt.concluded_at, attempt.passed = now, verdict.passed
    attempt.valid_until = months_after(now, values["valid_months"]) if verdict.passed else None
    attempt.figures = {
        "criteria": verdict.criteria,
        "exact": verdict.exact,
        "adjacent": verdict.adjacent,
        "wrong_outcomes": verdict.wrong_outcomes,
        "bias": f"{float(verdict.bias):+.2f}",
        "reasons": list(verdict.reasons),
        "rule": {"exact": rule.exact, "adjacent": rule.adjacent, "bias": rule.bias},
    }
    attempt.save(update_fields=["concluded_at", "passed", "valid_until", "figures"])
    leads = User.objects.filter(
        is_active=True,
        delivery_roles__ended_at__isnull=True,
        delivery_roles__role=DeliveryRoleKind.LEAD_MODERATOR,
        delivery_roles__delivery__version=attempt.task.version_id,
    ).distinct()
    if not verdict.passed:
        notify(
            topic="assessment.calibration_not_passed",
            recipients=leads,
            subject=attempt,
            path=f"/assess/calibration/{attempt.pk}/",
            context={"assessor": attempt.assessor.name, "task": attempt.task.title},
        )
    return attempt


def months_after(moment: dt.datetime, months: int) -> dt.datetime:
    """The same day some months later; the last day of a month that is too short."""
    total = moment.month - 1 + months
    year, month = moment.year + total // 12, total % 12 + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return moment.replace(year=year, month=month, day=day)


@transaction.atomic
def waive_calibration(
    task: AssessmentTask, assessor: User, *, actor: User, reason: str
) -> CalibrationWaiver:
    """Let an assessor mark without calibration, for as long as a passed one would hold.

    Lead moderators of the micro-credential, never for themselves. CalibrationRefused without a reason.
    """
    if not rules.keeps_exemplars(task, actor) or assessor.pk == actor.pk:
        raise NotPermitted(instance=task)
    if not rules.calibrates_on(task, assessor):
        raise NotPermitted(instance=task)
    if not reason.strip():
        raise CalibrationRefused("Say why calibration is waived.")
    made: CalibrationWaiver = CalibrationWaiver.objects.create(
        assessor=assessor,
        task=task,
        rubric_hash=task.rubric.content_hash,
        reason=plain_text(reason).strip(),
        waived_by=actor,
        valid_until=months_after(timezone.now(), rule_values(task)["valid_months"]),
    )
    return made
