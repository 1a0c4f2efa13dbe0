"""The library of evidence: what of it was used before."""

import uuid
from dataclasses import dataclass

from portfolios.models import EvidenceItem, Submission, SubmissionEvidence


@dataclass(frozen=True)
class Reuse:
    """Of a submission's evidence: what others hold too, and what the same learner submitted elsewhere."""

    by_others: frozenset[uuid.UUID]
    elsewhere: frozenset[uuid.UUID]


def reuse_of(submission: Submission) -> Reuse:
    """Equal bytes within the provider, by evidence. Says that, never whose; three queries."""
    pins = dict(submission.pins.values_list("evidence_id", "sha256"))
    known = set(pins.values())
    provider = submission.delivery.version.micro_credential.provider_id
    others = EvidenceItem.objects.filter(sha256__in=known, organisation=provider).exclude(
        owner=submission.learner_id
    )
    found = set(others.values_list("sha256", flat=True))
    mine = SubmissionEvidence.objects.filter(
        sha256__in=known, submission__learner=submission.learner_id
    ).exclude(submission__portfolio=submission.portfolio_id)
    again = set(mine.values_list("sha256", flat=True))
    return Reuse(
        frozenset(pk for pk, sha256 in pins.items() if sha256 in found),
        frozenset(pk for pk, sha256 in pins.items() if sha256 in again),
    )
