"""What changes the machinery's own rows."""

from workflows.actions.audit import open_by_link, open_once, open_record, sign_root
from workflows.actions.deadlines import (
    NewDeadline,
    cancel_deadline,
    cancel_deadlines,
    make_deadlines,
    move_deadline,
    pass_on,
    recount_deadlines,
    reopen_deadline,
    set_deadline,
)
from workflows.actions.messages import mark_read, retry_message
from workflows.actions.reminders import sweep_due
from workflows.working_days import After, fire_time

__all__ = [
    "After",
    "NewDeadline",
    "cancel_deadline",
    "cancel_deadlines",
    "fire_time",
    "make_deadlines",
    "mark_read",
    "move_deadline",
    "open_by_link",
    "open_once",
    "open_record",
    "pass_on",
    "recount_deadlines",
    "reopen_deadline",
    "retry_message",
    "set_deadline",
    "sign_root",
    "sweep_due",
]
