"""What people do in moderation. Each is one transaction."""

from moderation.actions.external import (
    comment_on_item,
    invite_external,
    revoke_external,
    save_external_report,
    submit_external_report,
)
from moderation.actions.items import (
    Feedback,
    adjust_item,
    allocate_moderator,
    bring_back,
    come_back,
    due_for,
    escalate_item,
    open_comparison,
    return_item,
    uphold_item,
)
from moderation.actions.reading import (
    INDEPENDENCE,
    SUFFICIENCY,
    Levels,
    open_in_sight,
    save_reading,
    seal_reading,
)
from moderation.actions.required import close_action, respond_to_action
from moderation.actions.rounds import (
    change_plan,
    draw_again,
    draw_sample,
    end_watch,
    extend_sample,
    open_round,
    watch_assessor,
)
from moderation.actions.sets import (
    CLOSING_GUARDS,
    approve_adjustment,
    close_round,
    decide_round,
    reopen_round,
    take_back_decision,
)
from moderation.actions.severity import keep_severities

__all__ = [
    "CLOSING_GUARDS",
    "INDEPENDENCE",
    "SUFFICIENCY",
    "Feedback",
    "Levels",
    "adjust_item",
    "allocate_moderator",
    "approve_adjustment",
    "bring_back",
    "change_plan",
    "close_action",
    "close_round",
    "come_back",
    "comment_on_item",
    "decide_round",
    "draw_again",
    "draw_sample",
    "due_for",
    "end_watch",
    "escalate_item",
    "extend_sample",
    "invite_external",
    "keep_severities",
    "open_comparison",
    "open_in_sight",
    "open_round",
    "reopen_round",
    "respond_to_action",
    "return_item",
    "revoke_external",
    "save_external_report",
    "save_reading",
    "seal_reading",
    "submit_external_report",
    "take_back_decision",
    "uphold_item",
    "watch_assessor",
]
