"""Reads over several tables of the machinery."""

from workflows.selectors.audit import Finding, verify
from workflows.selectors.steps import Entry, machines, timeline_for

__all__ = ["Entry", "Finding", "machines", "timeline_for", "verify"]
