"""What was found when the store was held against the rows."""

from django.db import models
from django.utils import timezone

from portfolios.enums import StoreProblem


class StoreCheck(models.Model):
    """One look at every piece of evidence in the store. Kept, as a history of its health."""

    began_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    looked_at = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-began_at"]

    def __str__(self) -> str:
        return f"Check of {self.began_at:%Y-%m-%d %H:%M}"


class StoreFinding(models.Model):
    """One thing that does not fit. Altered bytes are not handed out while it stands."""

    check_run = models.ForeignKey(StoreCheck, models.CASCADE, related_name="findings")
    problem = models.CharField(max_length=10, choices=StoreProblem)
    key = models.CharField(max_length=300, db_index=True)
    says = models.CharField(max_length=300)

    class Meta:
        ordering = ["problem", "key"]

    def __str__(self) -> str:
        return f"{self.problem}: {self.key}: {self.says}"
