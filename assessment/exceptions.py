"""Mistakes of callers, which no person can cause from a page."""


class SealedDecisionChanged(Exception):  # noqa: N818  reads as a fact
    """Somebody tried to write to a sealed decision instead of adding a version."""
