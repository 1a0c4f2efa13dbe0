"""The library of evidence: what of it was used before."""

import uuid
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from portfolios.models import EvidenceItem, Submission, SubmissionEvidence


@dataclass(frozen=True)
class Reuse:
    """Of a submission's evidence: what others hold too, and what the same learner submitted elsewhere."""

    by_others: frozenset[uuid.UUID]
    elsewhere: frozenset[uuid.UUID]


def reuse_of(submission: Submission) -> Reuse:
    """Equal bytes within the provider, by evidence. Says that, never whose; one statement."""
    provider = submission.delivery.version.micro_credential.provider_id
    others = EvidenceItem.objects.filter(sha256=OuterRef("sha256"), organisation=provider).exclude(
        owner=submission.learner_id
    )
    again = SubmissionEvidence.objects.filter(
        sha256=OuterRef("sha256"), submission__learner=submission.learner_id
    ).exclude(submission__portfolio=submission.portfolio_id)
    rows = submission.pins.annotate(others=Exists(others), again=Exists(again)).values_list(
        "evidence_id", "others", "again"
    )
    found = list(rows)
    return Reuse(
        frozenset(pk for pk, by_others, _again in found if by_others),
        frozenset(pk for pk, _others, elsewhere in found if elsewhere),
    )
