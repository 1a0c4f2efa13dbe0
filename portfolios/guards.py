"""Whether the learner's work is ready for a step. Each guard blocks the step and tells the screen why."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import CLOCK
from catalogue.enums import DeliveryRoleKind
from catalogue.models import policy_defaults
from portfolios.enums import ENDED_ATTEMPT, AttestationState, EvidenceState, PartKind
from workflows.guards import guard

if TYPE_CHECKING:
    from accounts.models import Actor
    from portfolios.models import Attestation, EvidenceItem, ExtensionRequest, Portfolio, Submission


@guard(
    "window_closed",
    _("Submissions for this task are not open now. You can ask for more time."),
    needs_actor=True,
)
def within_window(portfolio: "Portfolio", actor: "Actor | None") -> bool:
    """From the opening of the task to this portfolio's own cut-off, which extensions move.

    What the clock submits was asked for before the cut-off, and may come later than it.
    """
    if actor is CLOCK and portfolio.auto_submit_asked_at is not None:
        return portfolio.auto_submit_asked_at <= portfolio.cut_off_at
    return portfolio.opens_at <= timezone.now() <= portfolio.cut_off_at


@guard(
    "criterion_without_evidence", _("Every required criterion needs at least one evidence item.")
)
def evidence_for_every_criterion(portfolio: "Portfolio") -> bool:
    return not portfolio.criteria_without_evidence()


@guard(
    "evidence_not_ready",
    _("Some evidence is still being checked, or was refused by the safety check."),
)
def evidence_ready(portfolio: "Portfolio") -> bool:
    """All evidence that the portfolio uses is stored, scanned and ready."""
    return not portfolio.mappings.exclude(evidence__state=EvidenceState.READY).exists()


@guard(
    "evidence_too_much", _("The evidence is more than one submission may hold. Remove some of it.")
)
def evidence_within_limits(portfolio: "Portfolio") -> bool:
    """At most as many files and bytes as the delivery's policy allows."""
    used = portfolio.used_evidence()
    delivery = portfolio.enrolment.delivery
    return bool(
        len(used) <= delivery.policy_value("evidence.submission_max_files")
        and sum(item.size for item in used)
        <= delivery.policy_value("evidence.submission_max_bytes")
    )


@guard("attestation_missing", _("A required confirmation from your workplace has not arrived yet."))
def attestations_given(portfolio: "Portfolio") -> bool:
    """As many attested as the task asks for, unless a programme administrator waived it."""
    needed = portfolio.task.attestations_required
    if not needed or portfolio.attestation_waived_at is not None:
        return True
    given: int = portfolio.attestations.filter(state=AttestationState.ATTESTED).count()
    return given >= needed


@guard("declaration_not_accepted", _("The declaration has not been accepted."))
def declaration_accepted(portfolio: "Portfolio") -> bool:
    return portfolio.declaration_accepted_at is not None


@guard("already_submitted", _("This task has been submitted already."))
def no_live_submission(portfolio: "Portfolio") -> bool:
    return not portfolio.submissions.exclude(state__in=ENDED_ATTEMPT).exists()


@guard("on_hold", _("This submission is on hold."))
def no_open_hold(submission: "Submission") -> bool:
    return not submission.holds.filter(closed_at__isnull=True).exists()


@no_open_hold.bulk_check
def _with_open_hold(submissions: "QuerySet[Submission]") -> set[object]:
    held = submissions.annotate(open_holds=Count("holds", filter=Q(holds__closed_at__isnull=True)))
    return set(held.filter(open_holds__gt=0).values_list("pk", flat=True))


@guard(
    "already_opened", _("An assessor has opened this submission, so it can no longer be withdrawn.")
)
def not_opened(submission: "Submission") -> bool:
    return submission.opened_at is None


@guard("evidence_in_use", _("A submission holds this evidence, so it cannot be removed."))
def not_pinned(evidence: "EvidenceItem") -> bool:
    """A submission pins the bytes it used; a portfolio that maps it holds it as well."""
    return not evidence.pins.exists() and not evidence.mappings.exists()


@guard("removal_final", _("This evidence was removed too long ago to be brought back."))
def within_removal_window(evidence: "EvidenceItem") -> bool:
    if evidence.removed_at is None:
        return False
    days = policy_defaults()["evidence.removal_days"]
    return bool(timezone.now() - evidence.removed_at <= timedelta(days=days))


@guard(
    "verifier_assesses",
    _("Somebody who has a part in assessing this learner cannot confirm their work."),
)
def verifier_does_not_assess(attestation: "Attestation") -> bool:
    """The address asked is not that of anybody who marks, moderates or ratifies in the delivery."""
    return not assesses(attestation.portfolio, email__iexact=attestation.verifier_email)


def assesses(portfolio: "Portfolio", **person: object) -> bool:
    """Whether the account found so marks, moderates or ratifies in the delivery, or has a part in the work."""
    roles = portfolio.enrolment.delivery.roles.current().exclude(
        role=DeliveryRoleKind.ADMINISTRATOR
    )
    if roles.filter(**{f"user__{key}": value for key, value in person.items()}).exists():
        return True
    staff = [kind for kind in PartKind if kind != PartKind.LEARNER]
    held = {f"parts__person__{key}": value for key, value in person.items()}
    return bool(portfolio.submissions.filter(parts__kind__in=staff, **held).exists())


@guard("link_over", _("This link is no longer valid."))
def link_still_good(attestation: "Attestation") -> bool:
    return timezone.now() < attestation.expires_at


@guard("already_submitted", _("The task has been submitted meanwhile, so its dates cannot move."))
def not_yet_submitted(request: "ExtensionRequest") -> bool:
    return not request.portfolio.submissions.exclude(state__in=ENDED_ATTEMPT).exists()
