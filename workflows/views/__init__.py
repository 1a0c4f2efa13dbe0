"""Pages of the machinery."""

from workflows.views.delivery import message, retry, stuck
from workflows.views.inbox import inbox, open_message, read_all
from workflows.views.steps import once, refusal, same_site, step_view

__all__ = [
    "inbox",
    "message",
    "once",
    "open_message",
    "read_all",
    "refusal",
    "retry",
    "same_site",
    "step_view",
    "stuck",
]
