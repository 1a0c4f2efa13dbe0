"""Tables of the machinery."""

from workflows.models.audit import (
    AccessRecord,
    AllowedTransition,
    ChainHead,
    ChainLeaf,
    ChainRoot,
    TransitionLabel,
    TransitionRecord,
)
from workflows.models.calendar import NonWorkingDay
from workflows.models.deadline import Deadline, DeadlineMove, Reconciliation, Reminder
from workflows.models.notice import Notification
from workflows.models.outbox import (
    DeliveryAttempt,
    Heartbeat,
    IdempotencyKey,
    OutboxMessage,
    SendingPace,
)
from workflows.models.preferences import (
    CalendarFeed,
    MessagePreference,
    QuietHours,
    ReminderPreference,
    SuspendedAddress,
    Wording,
)
from workflows.models.state import StateModel
from workflows.models.webhook import Webhook

__all__ = [
    "AccessRecord",
    "AllowedTransition",
    "CalendarFeed",
    "ChainHead",
    "ChainLeaf",
    "ChainRoot",
    "Deadline",
    "DeadlineMove",
    "DeliveryAttempt",
    "Heartbeat",
    "IdempotencyKey",
    "MessagePreference",
    "NonWorkingDay",
    "Notification",
    "OutboxMessage",
    "QuietHours",
    "Reconciliation",
    "Reminder",
    "ReminderPreference",
    "SendingPace",
    "StateModel",
    "SuspendedAddress",
    "TransitionLabel",
    "TransitionRecord",
    "Webhook",
    "Wording",
]
