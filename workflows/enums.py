"""Closed lists of the machinery."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class MessageKind(models.TextChoices):
    EVENT = "event", _("Event")
    DELIVERY = "delivery", _("Delivery")


class MessageState(models.TextChoices):
    PENDING = "pending", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Refused by the recipient's mail server")
    DEAD = "dead", _("Given up")
    CANCELLED = "cancelled", _("Cancelled")


class Lane(models.TextChoices):
    """Each lane is claimed on its own, so that a digest never delays a result."""

    RESULT = "result", _("Results")
    RECEIPT = "receipt", _("Receipts")
    REMINDER = "reminder", _("Reminders")
    DIGEST = "digest", _("Digests")
    INTEGRATION = "integration", _("Integrations")


# Sent again when nobody knows whether the first copy arrived: two copies are better than none.
REPEATABLE_LANES = frozenset({Lane.RESULT, Lane.RECEIPT, Lane.INTEGRATION})


class Channel(models.TextChoices):
    NONE = "", _("None")
    EMAIL = "email", _("E-mail")
    DIGEST = "digest", _("Digest")
    WEBHOOK = "webhook", _("Webhook")


class AttemptResult(models.TextChoices):
    SENT = "sent", _("Accepted")
    DEFERRED = "deferred", _("Try again later")
    REFUSED = "refused", _("Refused for good")
    UNKNOWN = "unknown", _("Connection lost, not known")
    CANCELLED = "cancelled", _("No longer wanted")
    FENCED = "fenced", _("Another worker had taken over")
    REQUEUED = "requeued", _("Put back by a person")


class DeadlineState(models.TextChoices):
    OPEN = "open", _("Open")
    CANCELLED = "cancelled", _("Cancelled")


class ReminderState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    FIRED = "fired", _("Sent out")
    CANCELLED = "cancelled", _("Cancelled")
    SUPERSEDED = "superseded", _("Overtaken")


class RootKind(models.TextChoices):
    DELTA = "delta", _("What moved")
    FULL = "full", _("Everything")


class OffKind(models.TextChoices):
    HOLIDAY = "holiday", _("Public holiday")
    ANNIVERSARY = "anniversary", _("Regional anniversary")
    CLOSED = "closed", _("Closed")


class DaySource(models.TextChoices):
    RULE = "rule", _("Computed")
    TYPED = "typed", _("Entered")
    IMPORTED = "imported", _("Imported")


class Category(models.TextChoices):
    """What a person can set apart in the settings of their messages."""

    DATES = "dates", _("Due dates and reminders")
    WORK = "work", _("Your submissions")
    RESULTS = "results", _("Results")
    CONFIRMING = "confirming", _("Confirmation from work")
    TIME = "time", _("More time")
    MARKING = "marking", _("Marking")
    MODERATION = "moderation", _("Moderation")
    SIGN_OFF = "sign_off", _("Confirming and publishing results")
    CATALOGUE = "catalogue", _("Micro-credentials")
    DELIVERY = "delivery", _("Running a delivery")
    ACCOUNT = "account", _("Your account and parts")


class Frequency(models.TextChoices):
    NOW = "now", _("At once")
    DAILY = "daily", _("Once a day")
    WEEKLY = "weekly", _("Once a week")
    INAPP = "inapp", _("Only here, no e-mail")


class SuspendedFor(models.TextChoices):
    BOUNCE = "bounce", _("Mail came back")
    COMPLAINT = "complaint", _("Reported as unwanted")
