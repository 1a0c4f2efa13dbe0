"""Chainable reads of the machinery's tables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from django.db import connections, models, router
from django.db.models.functions import Now
from django.utils import timezone

from workflows.enums import DaySource, DeadlineState, MessageState, ReminderState
from workflows.working_days import WorkingCalendar

if TYPE_CHECKING:
    from accounts.models import User


FEW = 20


def clock(alias: str) -> Any:
    """The database's clock, which decides what is due.

    SQLite's counts milliseconds, and a row written within the same one would not be due yet; there the
    clock of this machine, which is the database's too, is asked to the microsecond.
    """
    return timezone.now() if connections[alias].vendor == "sqlite" else Now()


def insert_many(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model in one statement, whatever their number; on PostgreSQL many by COPY.

    psycopg takes a long INSERT apart placeholder by placeholder, in time that grows with the square of
    the rows; COPY has none, and fires the same row triggers. Keys that the database gives are not read back.
    """
    if not rows:
        return
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    if connection.vendor != "postgresql" or len(rows) < FEW:
        model._base_manager.bulk_create(rows)
        return
    fields = [
        field
        for field in model._meta.local_concrete_fields
        if not isinstance(field, models.AutoField)
    ]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    statement = f"COPY {quote(model._meta.db_table)} ({columns}) FROM STDIN"
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.cursor.copy(statement) as copy,
    ):
        for row in rows:
            copy.write_row(
                [
                    field.get_db_prep_save(field.pre_save(row, add=True), connection)
                    for field in fields
                ]
            )


class SubjectQuerySet(models.QuerySet[Any]):
    """Rows that refer to a subject by type and key."""

    def of(self, subject: models.Model) -> Self:
        return self.filter(subject_type=subject._meta.label_lower, subject_id=subject.pk)


class TransitionRecordQuerySet(SubjectQuerySet):
    def with_people(self) -> Self:
        return self.select_related("actor", "on_behalf_of", "label")


class ChainHeadQuerySet(SubjectQuerySet):
    def unrooted(self) -> Self:
        return self.filter(seq__gt=models.F("rooted_seq"))


class AccessRecordQuerySet(SubjectQuerySet):
    pass


class OutboxMessageQuerySet(models.QuerySet[Any]):
    def due(self) -> Self:
        """Waiting, its time has come by the database's clock, and nobody holds a live lease."""
        return self.filter(
            models.Q(lease_until__isnull=True) | models.Q(lease_until__lt=clock(self.db)),
            state=MessageState.PENDING,
            available_at__lte=clock(self.db),
        )

    def stuck(self) -> Self:
        return self.filter(state__in=[MessageState.DEAD, MessageState.FAILED])


class NotificationQuerySet(SubjectQuerySet):
    def visible_to(self, user: "User") -> Self:
        return self.filter(recipient=user, in_app=True)

    def unread(self) -> Self:
        return self.filter(read_at__isnull=True)


class DeadlineQuerySet(SubjectQuerySet):
    def open(self) -> Self:
        return self.filter(state=DeadlineState.OPEN)


class ReminderQuerySet(models.QuerySet[Any]):
    def due(self) -> Self:
        return self.filter(state=ReminderState.PLANNED, fire_at__lte=clock(self.db))


class NonWorkingDayQuerySet(models.QuerySet[Any]):
    def current(self) -> Self:
        return self.filter(removed_at__isnull=True)

    def calendar(self, region: str = "") -> WorkingCalendar:
        """The calendar of a region as it is now, in one query."""
        rows = list(self.filter(region__in={"", region}).values_list("day", "source", "removed_at"))
        return WorkingCalendar(
            off=frozenset(day for day, _source, removed in rows if removed is None),
            # A year that was filled in once goes by its rows alone, also where some were removed.
            years=frozenset(day.year for day, source, _removed in rows if source == DaySource.RULE),
            region=region,
        )
