"""Days on which nobody has to work, kept by administrators."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from workflows.enums import DaySource, OffKind
from workflows.querysets import NonWorkingDayQuerySet
from workflows.working_days import REGIONS


class NonWorkingDay(models.Model):
    """A holiday, an anniversary or a day on which the provider is closed; removed rows are kept.

    Without a region it holds everywhere.
    """

    day = models.DateField()
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=OffKind)
    region = models.CharField(max_length=30, blank=True, choices=list(REGIONS.items()))
    source = models.CharField(max_length=10, choices=DaySource)
    added_at = models.DateTimeField(default=timezone.now)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = NonWorkingDayQuerySet.as_manager()

    class Meta:
        ordering = ["day", "region"]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "region"],
                condition=models.Q(removed_at__isnull=True),
                name="workflows_day_off_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} on {self.day}"
