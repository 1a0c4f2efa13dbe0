"""What a decision binds to besides the manifest and the rubric."""

import hashlib
from typing import TYPE_CHECKING
from uuid import UUID

import rfc8785

if TYPE_CHECKING:
    from catalogue.models import Delivery

MARKING_POLICY = (
    "double.max_level_difference",
    "marking.double",
    "marking.requires_calibration",
    "referral.max",
)
"""The policy values that bear on what a decision may be."""


def chance_of(seed: str, key: UUID) -> float:
    """A number from 0 to below 1 that follows from seed and key alone: SHA-256 of `seed:key`, its first 52 bits."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
    return int(digest[:13], 16) / 2**52


def policy_hash(delivery: "Delivery") -> str:
    """SHA-256 of the marking policy in force, as RFC 8785 JSON."""
    values = {key: delivery.policy_value(key) for key in MARKING_POLICY}
    return hashlib.sha256(rfc8785.dumps(values)).hexdigest()
