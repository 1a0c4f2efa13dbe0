"""Two people take released results back into moderation: one asks, the other confirms."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from awards import exceptions, rules, selectors
from awards.actions.credentials import suspend_credentials
from awards.models import Recall
from catalogue.enums import DeliveryRoleKind
from catalogue.models import AssessmentTask, Delivery
from moderation.actions import reopen_round
from moderation.enums import RoundState
from moderation.models import ModerationRound
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from workflows.exceptions import GuardsNotMet, NotPermitted
from workflows.notifications import notify
from workflows.transitions import perform_set


def ask_recall(
    delivery: Delivery,
    task: AssessmentTask,
    *,
    actor: User,
    reason: str,
    scope: selectors.RecallScope = selectors.WHOLE,
) -> Recall:
    """Ask that released results of a task be taken back, with a reason: all, or those within the scope.

    The results that a partial recall is about are listed now and do not grow.

    Nothing changes until a second person confirms; those who may are told. Raises NotPermitted or
    GuardsNotMet.
    """
    if not rules.may_ask_recall(delivery, actor):
        raise NotPermitted
    unmet = []
    if not reason.strip():
        unmet.append(exceptions.REASON_MISSING)
    found = selectors.recall_candidates(delivery, task, scope).eligible
    if not found:
        unmet.append(exceptions.NOTHING_TO_RECALL)
    if unmet:
        raise GuardsNotMet(unmet)
    try:
        with transaction.atomic():
            recall = Recall.objects.create(
                delivery=delivery,
                task=task,
                reason=reason.strip(),
                asked_by=actor,
                is_partial=not scope.is_whole,
                scope=scope.as_json(),
            )
            if recall.is_partial:
                recall.affected.set([one.submission for one in found])
            others = selectors.people_of(
                delivery, DeliveryRoleKind.LEAD_MODERATOR, DeliveryRoleKind.RATIFIER
            )
            notify(
                topic="awards.recall_asked",
                recipients=[one for one in others if rules.may_confirm_recall(recall, one)],
                subject=recall,
                path=f"/ratify/recalls/{recall.pk}/",
                context={"task": task.title, "delivery": delivery.title, "asked_by": actor.name},
                dedupe=str(recall.pk),
            )
    except IntegrityError as error:
        raise GuardsNotMet([exceptions.RECALL_OPEN]) from error
    return recall


@transaction.atomic
def confirm_recall(recall: Recall, *, actor: User) -> Recall:
    """Recall as the second person: results are hidden at once and go back into moderation.

    Suspends the credentials of what moved, reopens the moderation round, and keeps the report. Learners
    and the people in charge are told through the outbox. Refused while another round of the task is
    open. Raises NotPermitted, RecallOver or GuardsNotMet.
    """
    locked: Recall = Recall.objects.select_for_update(of=("self",)).get(pk=recall.pk)
    if not rules.may_confirm_recall(locked, actor):
        raise NotPermitted
    if locked.confirmed_at is not None or locked.cancelled_at is not None:
        raise exceptions.RecallOver(instance=locked)
    if open_rounds(locked).exists():
        # The recalled results go back into their own round, and only one round of a task is open.
        raise GuardsNotMet([exceptions.ROUND_OPEN], instance=locked)
    locked.confirmed_by, locked.confirmed_at = actor, timezone.now()
    locked.save(update_fields=["confirmed_by", "confirmed_at"])
    released = Submission.objects.filter(
        delivery=locked.delivery_id, task=locked.task_id, state=SubmissionState.RELEASED
    )
    if locked.is_partial:
        released = released.filter(pk__in=locked.affected.values("pk"))
    outcome = perform_set(
        released,
        "recall",
        actor=actor,
        reason=locked.reason,
        facts={"recall": str(locked.pk), "asked_by": str(locked.asked_by_id)},
    )
    if not outcome.moved:
        raise GuardsNotMet([exceptions.NOTHING_TO_RECALL], instance=locked)
    locked.report = {
        "recalled": [str(key) for key in outcome.moved],
        "refused": {
            str(key): [str(one.message) for one in reasons]
            for key, reasons in outcome.refused.items()
        },
        "credentials_suspended": suspend_credentials(outcome.moved, reason=locked.reason),
    }
    locked.save(update_fields=["report"])
    leader = actor if rules.leads(locked.delivery, actor) else locked.asked_by
    reopen_rounds(locked, outcome.moved, actor=leader)
    return locked


@transaction.atomic
def cancel_recall(recall: Recall, *, actor: User) -> Recall:
    """Drop a recall that nobody has confirmed. Nothing had changed, so nobody is told."""
    locked: Recall = Recall.objects.select_for_update(of=("self",)).get(pk=recall.pk)
    if not rules.may_ask_recall(locked.delivery, actor):
        raise NotPermitted
    if locked.confirmed_at is not None or locked.cancelled_at is not None:
        raise exceptions.RecallOver(instance=locked)
    locked.cancelled_at = timezone.now()
    locked.save(update_fields=["cancelled_at"])
    return locked


def open_rounds(recall: Recall) -> QuerySet[ModerationRound]:
    """Rounds of the same task that are not closed."""
    found: QuerySet[ModerationRound] = ModerationRound.objects.open().filter(
        delivery=recall.delivery_id, task=recall.task_id
    )
    return found


def reopen_rounds(recall: Recall, submissions: list[Any], *, actor: User) -> None:
    """The closed rounds in which these submissions were moderated last are open again."""
    newest = (
        ModerationRound.objects.filter(
            delivery=recall.delivery_id,
            task=recall.task_id,
            state=RoundState.CLOSED,
            members__submission__in=submissions,
        )
        .order_by("-number")
        .first()
    )
    if newest is not None:
        reopen_round(newest, actor=actor, reason=recall.reason)
