"""How each person wants to be told, and addresses to which nothing is sent for now."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.utils import timezone

from workflows.enums import Category, Frequency, SuspendedFor
from workflows.querysets import SuspendedAddressQuerySet


class MessagePreference(models.Model):
    """A person's own choice for one category; without a row the topic's own frequency counts."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    category = models.CharField(max_length=12, choices=Category)
    frequency = models.CharField(max_length=8, choices=Frequency)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "category"], name="workflows_preference_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.category} {self.frequency}"


class ReminderPreference(models.Model):
    """The reminders before a date of one kind that a person goes without; without a row they get all.

    `selectors.offsets` says which of them can be gone without, and what stays all the same.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=50)
    without = models.JSONField(default=list)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="workflows_reminded_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.kind} without {', '.join(self.without)}"


class QuietHours(models.Model):
    """When a person's optional mails wait for the morning; without a row: 7 pm to 7 am and weekends."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    is_on = models.BooleanField(default=True)
    begins = models.TimeField(default=dt.time(19))
    ends = models.TimeField(default=dt.time(7))
    weekends = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.begins} to {self.ends}"


class SuspendedAddress(models.Model):
    """An address that bounced or complained: nothing is sent there until somebody has looked.

    They clear it, or leave it as it is: then nothing is sent there, and nobody is asked about it any more.
    """

    address = models.EmailField()
    because = models.CharField(max_length=10, choices=SuspendedFor)
    detail = models.CharField(max_length=500, blank=True)
    since = models.DateTimeField(default=timezone.now)
    cleared_at = models.DateTimeField(null=True, blank=True)
    cleared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    left_at = models.DateTimeField(null=True, blank=True)
    left_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = SuspendedAddressQuerySet.as_manager()

    class Meta:
        ordering = ["-since"]
        constraints = [
            models.UniqueConstraint(
                fields=["address"],
                condition=models.Q(cleared_at__isnull=True),
                name="workflows_suspended_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address}: {self.because}"


class Wording(models.Model):
    """An administrator's own words for a topic; the newest row counts, an empty one means the standard words."""

    topic = models.CharField(max_length=150)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["topic", "-id"], name="workflows_wording_newest")]

    def __str__(self) -> str:
        return f"{self.topic} of {self.at:%Y-%m-%d}"


class CalendarFeed(models.Model):
    """A person's secret calendar address; only its hash is kept, and a new one ends the old."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Feed of {self.user_id}"
