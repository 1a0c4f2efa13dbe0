"""Deadlines and their reminders, both rows: nothing that must happen waits in a broker."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from workflows.enums import DeadlineState, ReminderState
from workflows.querysets import DeadlineQuerySet, ReminderQuerySet


class Deadline(models.Model):
    """A moment by which something is due. UTC counts; wall time, zone and tzdata version say where it came from."""

    subject_type = models.CharField(max_length=100)
    subject_id = models.UUIDField()
    kind = models.CharField(max_length=50)
    due_at = models.DateTimeField()
    wall_time = models.CharField(max_length=32)
    zone = models.CharField(max_length=64)
    tzdata_version = models.CharField(max_length=20, blank=True)
    region = models.CharField(max_length=30, blank=True)
    # Where the date was counted in working days: from which moment, and how many.
    counted_from = models.DateTimeField(null=True, blank=True)
    counted_days = models.PositiveSmallIntegerField(null=True, blank=True)
    offsets = models.JSONField(default=list)
    # Offsets that nobody can choose to go without.
    required = models.JSONField(default=list, db_default=[])
    # Keys of those who are reminded; null on rows from before they were kept.
    people = models.JSONField(null=True, blank=True)
    generation = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=DeadlineState, default=DeadlineState.OPEN)
    created_at = models.DateTimeField(default=timezone.now)

    objects = DeadlineQuerySet.as_manager()

    class Meta:
        ordering = ["due_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "kind"],
                condition=models.Q(state=DeadlineState.OPEN),
                name="workflows_one_open_deadline",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.wall_time} ({self.zone})"


class DeadlineMove(models.Model):
    """Why a deadline is where it is: one row for each time it was set, moved or cancelled."""

    deadline = models.ForeignKey(Deadline, models.PROTECT, related_name="moves")
    generation = models.PositiveIntegerField()
    due_from = models.DateTimeField(null=True, blank=True)
    due_to = models.DateTimeField(null=True, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.deadline_id}: generation {self.generation}"


class Reminder(models.Model):
    """One reminder of one deadline for one recipient at one offset."""

    deadline = models.ForeignKey(Deadline, models.CASCADE, related_name="reminders")
    offset = models.CharField(max_length=10)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="reminders"
    )
    generation = models.PositiveIntegerField(default=1)
    fire_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=ReminderState, default=ReminderState.PLANNED)
    because = models.CharField(max_length=100, blank=True)
    fired_at = models.DateTimeField(null=True, blank=True)

    objects = ReminderQuerySet.as_manager()

    class Meta:
        ordering = ["fire_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["deadline", "offset", "recipient"], name="workflows_reminder_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["fire_at", "id"],
                name="workflows_reminder_due",
                condition=models.Q(state=ReminderState.PLANNED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offset} of {self.deadline_id}"


class Reconciliation(models.Model):
    """One comparison of what there should be with what there is. The difference is to be 0."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    deadlines = models.PositiveIntegerField(default=0)
    reminders = models.PositiveIntegerField(default=0)
    events = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0)
    extra = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.missing} missing, {self.extra} too many at {self.at}"
