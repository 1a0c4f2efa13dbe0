"""User, Organisation, Membership, DeclaredConflict, and the named actors that are not people."""

import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.enums import ConflictKind, MailLanguage, OrganisationKind, OrganisationRole, Theme
from accounts.querysets import MembershipQuerySet, UserManager, search_key
from accounts.words import plain_text


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account. What they may do follows from relations, read on each request."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    preferred_name = models.CharField(max_length=100, blank=True)
    search_key = models.CharField(max_length=300, editable=False, db_index=True)
    time_zone = models.CharField(max_length=64, default="Pacific/Auckland")
    theme = models.CharField(max_length=10, choices=Theme, default=Theme.DEVICE)
    mail_language = models.CharField(
        max_length=5, choices=MailLanguage, default=MailLanguage.SITE, db_default=MailLanguage.SITE
    )
    shortcuts = models.JSONField(null=True, blank=True, editable=False)
    """The person's keyboard map, as `definitions.keys_of` reads it. Nothing chosen is off."""
    saved_views = models.JSONField(null=True, blank=True, editable=False)
    """The person's own views of the marking queue: a list of name, filters and whether it is the first to be shown."""
    reo_capable = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    joined_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        ordering = ["search_key"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="accounts_user_email_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name = plain_text(self.name)
        self.search_key = search_key(f"{self.name} {self.email}")[:300]
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.preferred_name or self.name.split(" ")[0]


@dataclass(frozen=True)
class SystemActor:
    """Something that acts without being a person: the clock, the relay. Has rows of its own in the rules."""

    name: str

    @property
    def label(self) -> str:
        return f"System ({self.name})"


CLOCK = SystemActor("clock")
SYSTEM = SystemActor("system")

Actor = User | SystemActor


class Organisation(models.Model):
    """A legal body: the provider, or a client whose people learn."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=OrganisationKind)
    email_domain = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's part in an organisation, with validity; ended rows are kept."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=OrganisationRole)
    since = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organisation", "role"],
                condition=models.Q(ended_at__isnull=True),
                name="accounts_membership_once_while_live",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()} of {self.organisation}"


class DeclaredConflict(models.Model):
    """Somebody said that these two are too close for one to judge the other. Read in both directions."""

    person = models.ForeignKey(User, models.PROTECT, related_name="conflicts_declared")
    other = models.ForeignKey(User, models.PROTECT, related_name="conflicts_named_in")
    kind = models.CharField(max_length=20, choices=ConflictKind)
    declared_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    declared_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "other", "kind"], name="accounts_conflict_declared_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(person=models.F("other")), name="accounts_conflict_of_two"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} and {self.other}: {self.get_kind_display()}"
