"""Pages of the machinery."""

from workflows.views.agenda import agenda, month
from workflows.views.calendar import import_days, remove_day, working_days
from workflows.views.delivery import (
    change_address,
    clear,
    drop,
    leave,
    message,
    retry,
    retry_every,
    stuck,
)
from workflows.views.feedback import mail_feedback
from workflows.views.inbox import inbox, open_message, read_all
from workflows.views.preferences import (
    calendar_feed_settings,
    feed,
    message_settings,
    new_feed,
    one_click,
    stop_feed,
)
from workflows.views.steps import once, refusal, same_site, step_view
from workflows.views.webhooks import (
    new_webhook,
    test_webhook,
    webhook,
    webhook_again,
    webhook_removal,
    webhook_secret,
    webhooks,
)
from workflows.views.wording import message_catalogue, message_preview, wording

__all__ = [
    "agenda",
    "calendar_feed_settings",
    "change_address",
    "clear",
    "drop",
    "feed",
    "import_days",
    "inbox",
    "leave",
    "mail_feedback",
    "message",
    "message_catalogue",
    "message_preview",
    "message_settings",
    "month",
    "new_feed",
    "new_webhook",
    "once",
    "one_click",
    "open_message",
    "read_all",
    "refusal",
    "remove_day",
    "retry",
    "retry_every",
    "same_site",
    "step_view",
    "stop_feed",
    "stuck",
    "test_webhook",
    "webhook",
    "webhook_again",
    "webhook_removal",
    "webhook_secret",
    "webhooks",
    "wording",
    "working_days",
]
