"""What changes the machinery's own rows."""

from workflows.actions.audit import open_record, sign_root
from workflows.actions.deadlines import cancel_deadline, fire_time, move_deadline, set_deadline
from workflows.actions.messages import mark_read, retry_message
from workflows.actions.reminders import sweep_due

__all__ = [
    "cancel_deadline",
    "fire_time",
    "mark_read",
    "move_deadline",
    "open_record",
    "retry_message",
    "set_deadline",
    "sign_root",
    "sweep_due",
]
