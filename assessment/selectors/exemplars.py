"""Reads of the bank of exemplars."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from assessment.models import Exemplar
from catalogue.enums import DeliveryRoleKind
from catalogue.models import AssessmentTask
from portfolios.enums import EvidenceKind
from portfolios.manifest import Support
from portfolios.models import EvidenceItem, Submission, SubmissionEvidence
from portfolios.selectors import altered_among

RELATED = ("task__version__micro_credential", "boundary", "made_by", "retired_by")


def bank_of(user: User, *, words: str = "", retired: bool = False) -> QuerySet[Any]:
    """Exemplars that the person finds, by task; those in use, or those that were retired."""
    rows = Exemplar.objects.visible_to(user).filter(retired_at__isnull=not retired)
    for word in words.split():
        rows = rows.filter(
            Q(title__icontains=word)
            | Q(code__icontains=word)
            | Q(rationale__icontains=word)
            | Q(task__title__icontains=word)
            | Q(levels__rationale__icontains=word)
        )
    found: QuerySet[Any] = rows.select_related(*RELATED).order_by(
        "task__version__micro_credential__code", "task__version__number", "task", "title", "code"
    )
    return found.distinct()


def tasks_kept_by(user: User) -> QuerySet[Any]:
    """Tasks of the micro-credentials that the person leads in a delivery: there they freeze exemplars."""
    led = user.delivery_roles.current().filter(role=DeliveryRoleKind.LEAD_MODERATOR)
    found: QuerySet[Any] = (
        AssessmentTask.objects.filter(
            version__micro_credential__in=led.values("delivery__version__micro_credential_id"),
            rubric__isnull=False,
        )
        .select_related("version__micro_credential")
        .order_by("version__micro_credential__code", "-version__number", "number")
    )
    return found


def copies_of(submission: Submission) -> list[tuple[SubmissionEvidence, EvidenceItem]]:
    """Evidence of the submission of which there is a whole copy without metadata, by number. Two queries."""
    pins = list(submission.pins.select_related("evidence").order_by("number"))
    altered = altered_among(pin.evidence.copy_key for pin in pins)
    return [
        (pin, pin.evidence)
        for pin in pins
        if pin.evidence.copy_key and pin.evidence.copy_key not in altered
    ]


def notes_of(submission: Submission) -> list[tuple[int, EvidenceItem]]:
    """Written notes of the submission, by number."""
    pins = submission.pins.filter(evidence__kind=EvidenceKind.NOTE).select_related("evidence")
    return [(pin.number, pin.evidence) for pin in pins.order_by("number")]


def supports_of(submission: Submission) -> dict[UUID, list[Support]]:
    """What its learner said of each piece of evidence as it was submitted, by the evidence's key."""
    return {
        UUID(one["id"]): [Support(**said) for said in one["criteria"]]
        for one in submission.contents["files"]
    }
