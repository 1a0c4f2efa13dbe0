"""Models of the learner's work."""

from portfolios.models.attestation import Attestation, AttestationLink, AttestationStatement
from portfolios.models.evidence import (
    EvidenceItem,
    EvidenceMapping,
    TextAlternativeVersion,
)
from portfolios.models.extension import ExtensionRequest
from portfolios.models.portfolio import Portfolio, Reflection, ReflectionVersion
from portfolios.models.rendition import LinkSnapshot, Rendition, RenditionPart
from portfolios.models.store import StoreCheck, StoreFinding
from portfolios.models.submission import (
    Hold,
    Part,
    Submission,
    SubmissionEvidence,
    SupportingEvidence,
)
from portfolios.models.upload import UploadSession

__all__ = [
    "Attestation",
    "AttestationLink",
    "AttestationStatement",
    "EvidenceItem",
    "EvidenceMapping",
    "ExtensionRequest",
    "Hold",
    "LinkSnapshot",
    "Part",
    "Portfolio",
    "Reflection",
    "ReflectionVersion",
    "Rendition",
    "RenditionPart",
    "StoreCheck",
    "StoreFinding",
    "Submission",
    "SubmissionEvidence",
    "SupportingEvidence",
    "TextAlternativeVersion",
    "UploadSession",
]
