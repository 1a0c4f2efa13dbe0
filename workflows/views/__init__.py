"""Pages of the machinery."""

from workflows.views.calendar import import_days, remove_day, working_days
from workflows.views.delivery import message, retry, stuck
from workflows.views.inbox import inbox, open_message, read_all
from workflows.views.steps import once, refusal, same_site, step_view

__all__ = [
    "import_days",
    "inbox",
    "message",
    "once",
    "open_message",
    "read_all",
    "refusal",
    "remove_day",
    "retry",
    "same_site",
    "step_view",
    "stuck",
    "working_days",
]
