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
from moderation.actions.meetings import (
    Minutes,
    amend_meeting,
    change_meeting,
    record_meeting,
    sign_meeting,
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
    approve_adjustment,
    close_round,
    decide_round,
    reopen_round,
    take_back_decision,
)
from moderation.actions.severity import keep_severities
from moderation.actions.telling import MODERATION_DEADLINE, about_round, tell_reader

__all__ = [
    "INDEPENDENCE",
    "MODERATION_DEADLINE",
    "SUFFICIENCY",
    "Feedback",
    "Levels",
    "Minutes",
    "about_round",
    "adjust_item",
    "allocate_moderator",
    "amend_meeting",
    "approve_adjustment",
    "bring_back",
    "change_meeting",
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
    "record_meeting",
    "reopen_round",
    "respond_to_action",
    "return_item",
    "revoke_external",
    "save_external_report",
    "save_reading",
    "seal_reading",
    "sign_meeting",
    "submit_external_report",
    "take_back_decision",
    "tell_reader",
    "uphold_item",
    "watch_assessor",
]
