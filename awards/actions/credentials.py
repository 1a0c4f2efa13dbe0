"""What a learner takes away: issue, suspend, reinstate, revoke. Done by the system, never by hand."""

import hashlib
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import SYSTEM
from assessment.enums import Outcome
from assessment.models import AssessmentDecision
from awards import guards, selectors
from awards.enums import CredentialState
from awards.models import Credential
from awards.transitions import ISSUE
from portfolios.models import Submission
from workflows.hashing import canonical
from workflows.transitions import begin, perform, perform_set


def claims_of(credential: Credential) -> dict[str, Any]:
    """What the credential says: who achieved what, when, from whom. No marks, no evidence."""
    submission = credential.submission
    version = submission.delivery.version
    return {
        "id": selectors.check_address(credential),
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"name": version.micro_credential.provider.name},
        "validFrom": credential.issued_at,
        "credentialSubject": {
            "name": submission.learner.name,
            "achievement": {
                "code": version.micro_credential.code,
                "version": version.number,
                "name": version.title,
                "description": version.purpose,
                "level": version.level,
                "credits": version.credits,
                "outcomes": [outcome.title for outcome in version.outcomes.all()],
                "task": submission.task.title,
            },
        },
    }


def issue_credential(submission: Submission, decision: AssessmentDecision) -> Credential:
    """Make the credential for an achieved result, with its claims and their hash."""

    def build() -> Credential:
        credential: Credential = Credential(
            submission=submission,
            decision=decision,
            issued_at=timezone.now().replace(microsecond=0),
        )
        text = canonical(claims_of(credential))
        credential.claims = text.decode()
        credential.content_hash = hashlib.sha256(text).hexdigest()
        return credential

    made: Credential = begin(ISSUE, parent=submission, actor=SYSTEM, build=build)
    return made


@transaction.atomic
def settle_credential(submission: Submission) -> Credential | None:
    """Bring the credential into line with the released result, and return the live one.

    Issues it where achieved and there is none, reinstates a suspended one whose decision stands, and
    revokes and reissues where the result changed. Does nothing the second time, nor for a result that is
    not released (any more).
    """
    submission = (
        Submission.objects.select_for_update(of=("self",), no_key=True)
        .select_related("delivery__version__micro_credential__provider", "learner", "task")
        .get(pk=submission.pk)
    )
    if submission.state not in selectors.VISIBLE:
        return None  # recalled meanwhile: the message of the earlier release comes too late
    decision = selectors.current_decision(submission)
    found: Credential | None = (
        Credential.objects.live()
        .filter(submission=submission)
        .select_related("decision__grade")
        .first()
    )
    earned = decision if decision is not None and decision.outcome == Outcome.ACHIEVED else None
    if found is not None and (
        earned is None or guards.standing(found.decision) != guards.standing(earned)
    ):
        perform(found, "revoke", actor=SYSTEM, reason="The result changed.")
        found = None
    if earned is None:
        return None
    if found is None:
        return issue_credential(submission, earned)
    if found.state == CredentialState.SUSPENDED:
        return perform(found, "reinstate", actor=SYSTEM, reason="The result stood.")
    return found


def suspend_credentials(submissions: list[Any], *, reason: str) -> int:
    """Suspend what was issued for these submissions; how many were suspended."""
    # The record names each credential by its submission, so that is loaded with the set.
    issued = Credential.objects.filter(
        submission__in=submissions, state=CredentialState.ISSUED
    ).select_related("submission")
    return len(perform_set(issued, "suspend", actor=SYSTEM, reason=reason).moved)
