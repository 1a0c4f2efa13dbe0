"""Read-only windows for platform administrators. Nothing here changes anything."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest  # noqa: TID251  the admin's own signatures

from workflows.models import (
    AccessRecord,
    ChainRoot,
    Deadline,
    Heartbeat,
    Notification,
    OutboxMessage,
    Reminder,
    TransitionRecord,
)

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Any]
else:
    _Base = admin.ModelAdmin


class ReadOnly(_Base):
    """Look, do not touch."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(TransitionRecord)
class TransitionRecordAdmin(ReadOnly):
    list_display = ["at", "subject_type", "name", "source", "target", "seq"]
    list_filter = ["subject_type"]
    search_fields = ["subject_id"]


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnly):
    list_display = ["topic", "kind", "lane", "state", "attempts", "available_at"]
    list_filter = ["state", "kind", "lane"]


@admin.register(Deadline)
class DeadlineAdmin(ReadOnly):
    list_display = ["kind", "subject_type", "due_at", "zone", "generation", "state"]


admin.site.register([AccessRecord, ChainRoot, Heartbeat, Notification, Reminder], ReadOnly)
