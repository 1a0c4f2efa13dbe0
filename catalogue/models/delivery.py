"""One offering of a version to a cohort, and the people in it."""

import uuid
import zoneinfo
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.models import Organisation, User
from catalogue.enums import DeliveryMode, DeliveryRoleKind, OverdueKind
from catalogue.models.version import AssessmentTask, MicroCredentialVersion
from catalogue.querysets import DeliveryManager, DeliveryQuerySet, ValidityQuerySet
from workflows.models import NonWorkingDay
from workflows.working_days import REGIONS, WorkingCalendar


class Delivery(models.Model):
    """A cohort. Opens once, on an approved version; policy overrides are fixed from then on.

    One that names another in `seeds_for` is no cohort: it holds agreed work that was hidden among what one
    assessor of that other marks (docs/adr/0050). `objects` and all reverse relations leave such rows out, so
    that boards, rounds, batches, exports and counts, all of which ask by delivery, never hold any of it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(MicroCredentialVersion, models.PROTECT, related_name="deliveries")
    code = models.SlugField(unique=True)
    title = models.CharField(max_length=200)
    mode = models.CharField(max_length=20, choices=DeliveryMode)
    time_zone = models.CharField(max_length=64, default="Pacific/Auckland")
    region = models.CharField(
        max_length=30, blank=True, default="", db_default="", choices=list(REGIONS.items())
    )
    starts_on = models.DateField()
    ends_on = models.DateField()
    client = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    policy_overrides = models.JSONField(default=dict, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    seeds_for = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )

    objects = DeliveryManager()
    with_seeds = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "code"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(seeds_for__isnull=True) | ~models.Q(seeds_for=models.F("id")),
                name="catalogue_no_delivery_seeds_itself",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def cohort(self) -> "Delivery":
        """The delivery itself, or the one beside which this one holds seeds."""
        return self if self.seeds_for is None else self.seeds_for

    @property
    def holds_seeds(self) -> bool:
        """Whether it stands beside a cohort and holds hidden agreed work."""
        return self.seeds_for_id is not None

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def calendar(self) -> WorkingCalendar:
        """Working days where the delivery is held, as administrators keep them. One query each time."""
        return NonWorkingDay.objects.calendar(self.region)

    def hides_learner(self, task_id: uuid.UUID) -> bool:
        """Whether those who mark this task see codes instead of names: as its dates say, else by policy. One query."""
        rows = self.schedules.filter(task=task_id).values_list("hides_learner", flat=True)
        said = rows.first()
        return bool(self.policy_value("anonymous_marking") if said is None else said)

    def hides_any_learner(self) -> bool:
        """Whether any task here is marked by codes, so that a list of all learners would tell who is who."""
        hidden = self.schedules.filter(hides_learner=True)
        return bool(self.policy_value("anonymous_marking")) or hidden.exists()

    def policy_value(self, key: str) -> Any:
        """This delivery's value of a policy, else its version's, else the default."""
        if key in self.policy_overrides:
            return self.policy_overrides[key]
        return self.version.policy_value(key)


class TaskSchedule(models.Model):
    """When one task of the delivery opens, is due, and stops taking submissions."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="schedules")
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="schedules")
    opens_at = models.DateTimeField()
    due_at = models.DateTimeField()
    cut_off_at = models.DateTimeField()
    # Whose names are kept from whom until release, for this task; null for what the policy says.
    hides_learner = models.BooleanField(null=True, blank=True)
    hides_assessor = models.BooleanField(null=True, blank=True)
    hides_between = models.BooleanField(null=True, blank=True)

    class Meta:
        ordering = ["due_at"]
        constraints = [
            models.UniqueConstraint(fields=["delivery", "task"], name="catalogue_schedule_once"),
            models.CheckConstraint(
                condition=models.Q(
                    opens_at__lt=models.F("due_at"), due_at__lte=models.F("cut_off_at")
                ),
                name="catalogue_schedule_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} in {self.delivery}"


class DeliveryRole(models.Model):
    """A person's part in a delivery, with validity; ended rows are kept."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="roles")
    user = models.ForeignKey(User, models.PROTECT, related_name="delivery_roles")
    role = models.CharField(max_length=20, choices=DeliveryRoleKind)
    since = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ValidityQuerySet.as_manager()

    class Meta:
        ordering = ["delivery", "role", "user"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "user", "role"],
                condition=models.Q(ended_at__isnull=True),
                name="catalogue_role_once_while_live",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()} in {self.delivery}"


class Escalation(models.Model):
    """Who else hears when something of this kind is overdue in a delivery. May be changed at any time."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="escalations")
    kind = models.CharField(max_length=20, choices=OverdueKind)
    after = models.PositiveSmallIntegerField(default=1)
    roles = models.JSONField(default=list)
    changed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "kind"], name="catalogue_escalation_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} from {self.after} in {self.delivery_id}"


class Enrolment(models.Model):
    """A learner in a delivery.

    `site` is where they learn or work, in the provider's own words; `recognition` that what they submit is a
    claim on prior learning. Both are for moderation: they change no result.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="enrolments")
    learner = models.ForeignKey(User, models.PROTECT, related_name="enrolments")
    employer = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="enrolments"
    )
    site = models.CharField(max_length=100, blank=True, default="", db_default="")
    recognition = models.BooleanField(default=False, db_default=False)
    enrolled_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ValidityQuerySet.as_manager()

    class Meta:
        ordering = ["delivery", "learner"]
        constraints = [
            models.UniqueConstraint(fields=["delivery", "learner"], name="catalogue_enrolment_once")
        ]

    def __str__(self) -> str:
        return f"{self.learner} in {self.delivery}"
