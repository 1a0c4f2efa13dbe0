"""Read-only tables for platform administrators. Nothing of the catalogue is changed here."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from catalogue.models import (
    AssessmentTask,
    Criterion,
    Delivery,
    DeliveryRole,
    Enrolment,
    GradeScheme,
    LearningOutcome,
    Level,
    MicroCredential,
    MicroCredentialVersion,
    PreModeration,
    Rubric,
    TaskSchedule,
)

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = admin.ModelAdmin


class ReadOnly(Base):
    """Rows can be looked at, and that is all: state moves through the door, content by new versions."""

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(MicroCredential)
class MicroCredentialAdmin(ReadOnly):
    list_display = ("code", "provider", "visibility", "client")
    list_select_related = ("provider", "client")


@admin.register(MicroCredentialVersion)
class VersionAdmin(ReadOnly):
    list_display = ("title", "number", "state", "credits", "level", "author", "created_at")
    list_filter = ("state",)
    list_select_related = ("author",)


@admin.register(PreModeration)
class PreModerationAdmin(ReadOnly):
    list_display = ("version", "number", "decision", "moderator", "at")
    list_filter = ("decision",)
    list_select_related = ("version", "moderator")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = ("title", "code", "version", "starts_on", "ends_on", "opened_at")
    list_select_related = ("version",)


@admin.register(DeliveryRole)
class DeliveryRoleAdmin(ReadOnly):
    list_display = ("delivery", "user", "role", "since", "ended_at")
    list_filter = ("role",)
    list_select_related = ("delivery", "user")


@admin.register(Enrolment)
class EnrolmentAdmin(ReadOnly):
    list_display = (
        "delivery",
        "learner",
        "employer",
        "site",
        "recognition",
        "enrolled_at",
        "ended_at",
    )
    list_select_related = ("delivery", "learner", "employer")


for model in (
    AssessmentTask,
    Criterion,
    GradeScheme,
    LearningOutcome,
    Level,
    Rubric,
    TaskSchedule,
):
    admin.site.register(model, ReadOnly)
