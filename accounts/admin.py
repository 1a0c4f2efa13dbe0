"""People and organisations for platform administrators: names and addresses, never results."""

from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.actions import keep_membership
from accounts.models import DeclaredConflict, Membership, Organisation, User

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = admin.ModelAdmin


class NoDelete(Base):
    """History points to these rows: accounts are closed, memberships ended."""

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


# What packages would show: secrets of second steps, a second place for addresses, groups that mean nothing.
admin.site.unregister([Authenticator, EmailAddress, Group])


@admin.register(User)
class UserAdmin(NoDelete):
    list_display = ("name", "email", "is_active", "is_staff", "joined_at")
    list_filter = ("is_active", "is_staff")
    search_fields = ("search_key",)
    ordering = ("search_key",)
    fields = (
        "name",
        "preferred_name",
        "email",
        "time_zone",
        "reo_capable",
        "is_active",
        "is_staff",
    )


@admin.register(Organisation)
class OrganisationAdmin(NoDelete):
    list_display = ("name", "code", "kind", "email_domain")
    list_filter = ("kind",)
    search_fields = ("name", "code")


@admin.register(Membership)
class MembershipAdmin(NoDelete):
    """Parts in organisations. Nobody gives one to themselves: who runs the system decides on no result."""

    list_display = ("user", "organisation", "role", "since", "ended_at")
    list_filter = ("role",)
    list_select_related = ("user", "organisation")
    autocomplete_fields = ("user", "organisation")

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.exclude(pk=request.user.pk)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: Any, obj: Any, form: Any, change: Any) -> None:
        keep_membership(obj, actor=request.user)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        if obj is not None and obj.user_id == request.user.pk:
            return False
        return bool(super().has_change_permission(request, obj))


@admin.register(DeclaredConflict)
class DeclaredConflictAdmin(NoDelete):
    list_display = ("person", "other", "kind", "declared_by", "declared_at")
    list_select_related = ("person", "other", "declared_by")
    autocomplete_fields = ("person", "other", "declared_by")
