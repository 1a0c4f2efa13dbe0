"""Models of confirmation."""

from awards.models.credential import Credential
from awards.models.ratification import (
    Ratification,
    RatificationLine,
    RatificationSignature,
    Recall,
    Reconsideration,
    Release,
)

__all__ = [
    "Credential",
    "Ratification",
    "RatificationLine",
    "RatificationSignature",
    "Recall",
    "Reconsideration",
    "Release",
]
