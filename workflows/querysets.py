"""Chainable reads of the machinery's tables, and reads and writes of many rows at once."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from django.db import DEFAULT_DB_ALIAS, connections, models, router, transaction
from django.db.models.functions import Now
from django.db.models.lookups import In
from django.utils import timezone

from accounts.enums import OrganisationRole
from workflows.composition import Composition, Given, compose, stand_in
from workflows.enums import (
    AttemptResult,
    Channel,
    DaySource,
    DeadlineState,
    MessageState,
    ReminderState,
)
from workflows.prepared import literal
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


# Their values go to PostgreSQL as they are; the others are prepared by the field.
PLAIN = frozenset(
    {
        *("CharField", "TextField", "EmailField", "UUIDField", "DateTimeField", "BooleanField"),
        *("IntegerField", "PositiveIntegerField", "PositiveSmallIntegerField", "BigIntegerField"),
    }
)


@cache
def columns_of(model: type[models.Model]) -> tuple[tuple[Any, bool], ...]:
    """The fields that an INSERT names, each with whether its value goes as it is."""
    return tuple(
        (field, (getattr(field, "target_field", field)).get_internal_type() in PLAIN)
        for field in model._meta.local_concrete_fields
        if not isinstance(field, models.AutoField)
    )


def values_of(row: models.Model, connection: Any) -> list[Any]:
    """What an INSERT of the row is given."""
    return [
        getattr(row, field.attname)
        if plain
        else field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for field, plain in columns_of(type(row))
    ]


@cache
def insertion(model: type[models.Model]) -> str:
    """`INSERT INTO table (columns)`, as PostgreSQL reads it."""
    quote = connections[router.db_for_write(model)].ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field, _plain in columns_of(model))
    return f"{quote(model._meta.db_table)} ({columns})"


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
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.cursor.copy(f"COPY {insertion(model)} FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(values_of(row, connection))


def insert_together(*groups: Sequence[models.Model]) -> None:
    """Insert rows of several models that belong together; on PostgreSQL few of them in one statement.

    No row may need another to be there before it: foreign keys are looked at when the transaction ends.
    """
    groups = tuple(rows for rows in groups if rows)
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql" or max(map(len, groups), default=FEW) >= FEW:
        for rows in groups:
            insert_many(rows)
        return
    parts, params = [], []
    for rows in groups:
        values = [values_of(row, connection) for row in rows]
        one = f"({', '.join(['%s'] * len(values[0]))})"
        parts.append(
            f"INSERT INTO {insertion(type(rows[0]))} VALUES {', '.join([one] * len(rows))}"  # noqa: S608
        )
        params += [value for row in values for value in row]
    *before, last = parts
    with_ = ", ".join(f"part_{number} AS ({part})" for number, part in enumerate(before))
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {with_} {last}" if before else last, params)


@models.UUIDField.register_lookup
class Among(In):
    """`pk__among=[…]`: like `in`, but on PostgreSQL one array and not a parameter for each key."""

    lookup_name = "among"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        if not self.rhs_is_direct_value():
            return super().as_sql(compiler, connection)
        left, params = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s)", (*params, list(self.rhs))


def update_each(
    model: type[models.Model],
    keys: Sequence[uuid.UUID],
    same: Mapping[str, Any],
    different: Mapping[str, Sequence[Any]],
) -> None:
    """One UPDATE of these rows: `same` gives columns one value for all, `different` one for each key.

    On PostgreSQL the different ones come as arrays; a CASE with a branch for each row costs the ORM and
    the database many times as much.
    """
    fields = {field.attname: field for field in model._meta.concrete_fields}
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    if connection.vendor != "postgresql":
        values: dict[str, Any] = {fields[name].name: value for name, value in same.items()}
        for name, wanted in different.items():
            cases = [
                models.When(pk=key, then=models.Value(value, output_field=fields[name]))
                for key, value in zip(keys, wanted, strict=True)
            ]
            values[fields[name].name] = models.Case(*cases, output_field=fields[name])
        model._base_manager.filter(pk__in=keys).update(**values, seq=models.F("seq") + 1)
        return

    def prepared(name: str, value: Any) -> Any:
        return fields[name].get_db_prep_save(value, connection)

    sets, params = [], []
    for name, value in same.items():
        sets.append(f"{quote(str(fields[name].column))} = %s")
        params.append(prepared(name, value))
    arrays = ["%s::uuid[]"]
    given: list[Any] = [list(keys)]
    for number, (name, wanted) in enumerate(different.items()):
        sets.append(f"{quote(str(fields[name].column))} = given.value_{number}")
        arrays.append(f"%s::{fields[name].db_type(connection)}[]")
        given.append([prepared(name, value) for value in wanted])
    names = ", ".join(["id", *(f"value_{number}" for number in range(len(different)))])
    table = quote(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET seq = {table}.seq + 1{''.join(f', {one}' for one in sets)}"  # noqa: S608
            f" FROM unnest({', '.join(arrays)}) AS given ({names}) WHERE {table}.id = given.id",
            [*params, *given],
        )


class Composed:
    """Reads whose SQL the ORM composes once for each shape; after that only values change.

    Composing the conditions of a list takes the ORM several times as long as PostgreSQL needs to answer them.
    `build` is therefore called with stand-ins for the values, keys and moments, and what it gives must follow
    from `shape` and the stand-ins alone: a key or a moment that came in another way would stay for everybody,
    and is refused. A moment worked out from a stand-in keeps its distance. PostgreSQL in its turn plans it once
    for each connection (`workflows.prepared`). On SQLite each call composes anew.
    """

    most = 512

    def __init__(self) -> None:
        self.known: dict[Hashable, Composition | None] = {}

    def rows(
        self,
        shape: Hashable,
        build: Callable[[Sequence[Any]], models.QuerySet[Any, Any]],
        values: Sequence[Given],
        *,
        limit: int,
        start: int = 0,
    ) -> list[tuple[Any, ...]]:
        """At most `limit` rows as tuples, from number `start`; `build` gives a queryset of values_list()."""
        connection = connections[DEFAULT_DB_ALIAS]
        if connection.vendor != "postgresql":
            return list(build(values)[start : start + limit])
        if (found := self._composition(shape, build, values)) is None:
            return []
        return found.ask(connection, values, limit=limit, start=start)

    def page(
        self,
        shape: Hashable,
        build: Callable[[Sequence[Any]], models.QuerySet[Any, Any]],
        values: Sequence[Given],
        *,
        words: Sequence[str],
        order: str,
        limit: int,
        start: int = 0,
    ) -> tuple[list[tuple[Any, ...]], dict[str, int]]:
        """As `rows`; and how many rows there are, on this page or not, whose last column, `part`, is each of `words`.

        One statement finds and counts. `order` is that of `build` as SQL. Where there is no row, nothing is counted.
        """
        connection = connections[DEFAULT_DB_ALIAS]
        if connection.vendor != "postgresql":
            rows = list(build(values))
            counted = Counter(row[-1] for row in rows)
            return rows[start : start + limit], {word: counted[word] for word in words if rows}

        def counting(sql: str) -> str:
            numbers = [
                f"count(*) FILTER (WHERE part = {literal(word, connection)}) OVER ()"
                for word in words
            ]
            return f"SELECT found.*, {', '.join(numbers)} FROM ({sql}) AS found ORDER BY {order}"  # noqa: S608

        found = self._composition(
            shape, lambda given: build(given).order_by(), values, around=counting
        )
        if found is None or not (rows := found.ask(connection, values, limit=limit, start=start)):
            return [], {}
        width = len(rows[0]) - len(words)
        return [row[:width] for row in rows], dict(zip(words, rows[0][width:], strict=True))

    def place(
        self,
        shape: Hashable,
        build: Callable[[Sequence[Any]], models.QuerySet[Any, Any]],
        values: Sequence[Given],
        *,
        order: str,
    ) -> tuple[int, int, Any]:
        """The number of one row among all, how many these are, and what follows it; after the last comes the first.

        `build` gives (pk, here, …), with `here` true for that row and with everything that `order`, its order as
        SQL, names. Number 0 says that the row is not among them; then the first follows.
        """
        connection = connections[DEFAULT_DB_ALIAS]
        if connection.vendor != "postgresql":
            rows = list(build(values))
            at = next((number for number, row in enumerate(rows) if row[1]), -1)
            others = [row[0] for row in rows[at + 1 :] + rows[: max(at, 0)]]
            return at + 1, len(rows), others[0] if others else None

        def placing(sql: str) -> str:
            return (
                "SELECT pk, here, number, total, following FROM"  # noqa: S608
                " (SELECT pk, here, row_number() OVER listed AS number, count(*) OVER () AS total,"
                f" lead(pk) OVER listed AS following FROM ({sql}) AS found"
                f" WINDOW listed AS (ORDER BY {order})) AS placed"
                " WHERE here OR number = 1 ORDER BY number"
            )

        found = self._composition(
            shape, lambda given: build(given).order_by(), values, around=placing
        )
        if found is None or not (rows := found.ask(connection, values)):
            return 0, 0, None
        first, _here, _number, total, _following = rows[0]
        _pk, here, number, _total, following = rows[-1]
        if not here:
            return 0, total, first
        return number, total, following or (first if number > 1 else None)

    def instances(
        self,
        shape: Hashable,
        build: Callable[[Sequence[Any]], models.QuerySet[Any, Any]],
        values: Sequence[Given],
    ) -> list[Any]:
        """All rows as `build` asks for them: instances with what belongs to them, or dictionaries of values()."""
        connection = connections[DEFAULT_DB_ALIAS]
        if connection.vendor != "postgresql":
            return list(build(values))
        if (found := self._composition(shape, build, values)) is None:
            return []
        # A copy: threads share what is composed, and a compiler belongs to a connection.
        compiler = copy(found.compiler)
        compiler.connection = connection
        rows = found.ask(connection, values)
        if compiler.has_extra_select:
            # Columns that the order needs and nobody asked for stand at the end.
            rows = [one[: compiler.col_count] for one in rows]
        compiler.execute_sql = lambda *_args, **_kwargs: [rows]
        again: Any = found.queryset.all()
        again.query.get_compiler = lambda *_args, **_kwargs: compiler
        return list(again)

    def _composition(
        self,
        shape: Hashable,
        build: Callable[[Sequence[Any]], models.QuerySet[Any, Any]],
        values: Sequence[Given],
        around: Callable[[str], str] = str,
    ) -> Composition | None:
        key = (shape, tuple(type(one) for one in values))
        if key not in self.known:
            if len(self.known) >= self.most:
                self.known.clear()
            found = compose(build([stand_in(*one) for one in enumerate(values)]))
            self.known[key] = found and replace(found, sql=around(found.sql))
        return self.known[key]


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

    def take(
        self,
        kind: str,
        token: uuid.UUID,
        lease: dt.timedelta,
        batch: int,
        *,
        begun: bool = True,
        **only: Any,
    ) -> dict[int, bool]:
        """Put a lease with this token on what is due, oldest first; with `begun` it is a try at once.

        `only` narrows by column; a digest is not taken. Gives, by key, whether a holder before had begun and
        did not end. On PostgreSQL this is one statement.
        """
        if connections[self.db].vendor == "postgresql":
            return self._take_at_once(kind, token, lease, batch, begun, only)
        with transaction.atomic():
            due = self.due().filter(kind=kind, **only).exclude(channel=Channel.DIGEST)
            ordered = due.order_by("available_at", "id").select_for_update(skip_locked=True)
            rows = ordered.values_list("pk", "lease_token", "begun")[:batch]
            before = {key: held is not None and was_begun for key, held, was_begun in rows}
            self.model._base_manager.filter(pk__in=before).update(
                lease_until=Now() + lease,
                lease_token=token,
                begun=begun,
                attempts=models.F("attempts") + int(begun),
            )
        return before

    def _take_at_once(
        self,
        kind: str,
        token: uuid.UUID,
        lease: dt.timedelta,
        batch: int,
        begun: bool,
        only: Mapping[str, Any],
    ) -> dict[int, bool]:
        table = self.model._meta.db_table
        params: list[Any] = [kind, Channel.DIGEST, MessageState.PENDING]
        narrow = ""
        for name, value in only.items():
            column = self.model._meta.get_field(name).column
            narrow += f" AND {column} IS NULL" if value is None else f" AND {column} = %s"
            params += [] if value is None else [value]
        statement = (
            "WITH due AS (SELECT id, lease_token IS NOT NULL AND begun AS abandoned"  # noqa: S608
            f" FROM {table} WHERE kind = %s AND channel <> %s"
            " AND state = %s AND available_at <= statement_timestamp()"
            " AND (lease_until IS NULL OR lease_until < statement_timestamp())"
            f"{narrow} ORDER BY available_at, id LIMIT %s FOR UPDATE SKIP LOCKED)"
            f" UPDATE {table} m SET lease_until = statement_timestamp() + %s, lease_token = %s,"
            " begun = %s, attempts = attempts + %s FROM due WHERE m.id = due.id"
            " RETURNING m.id, due.abandoned"
        )
        params += [batch, lease, token, begun, int(begun)]
        with connections[self.db].cursor() as cursor:
            cursor.execute(statement, params)
            return dict(cursor.fetchall())

    def begin(self, key: int, token: Any, lease: dt.timedelta) -> bool:
        """Go on from holding a message to sending it: a try, under a lease from now. False means fenced out."""
        mine = self.filter(pk=key, lease_token=token, state=MessageState.PENDING)
        return bool(
            mine.update(begun=True, attempts=models.F("attempts") + 1, lease_until=Now() + lease)
        )

    def give_back(self, keys: Sequence[int], token: Any) -> None:
        """Let others have what was held and not begun."""
        mine = self.filter(pk__in=keys, lease_token=token, state=MessageState.PENDING, begun=False)
        mine.update(lease_until=None, lease_token=None)

    def end_as_sent(
        self,
        key: int,
        token: Any,
        answer: str,
        started_at: dt.datetime,
        following: int | None,
        lease: dt.timedelta,
    ) -> tuple[bool, bool] | None:
        """On PostgreSQL: mark a message as sent, note the try, and begin the `following`; one statement.

        Each of the two holds if the token still holds that message; a fenced out try is noted too. None on
        another database, where nothing was done.
        """
        if connections[self.db].vendor != "postgresql":
            return None
        table = self.model._meta.db_table
        statement = (
            f"WITH done AS (UPDATE {table} SET state = %s, provider_id = %s, lease_until = NULL,"  # noqa: S608
            " lease_token = NULL WHERE id = %s AND lease_token = %s AND state = %s RETURNING id),"
            f" next AS (UPDATE {table} SET begun = true, attempts = attempts + 1,"
            " lease_until = statement_timestamp() + %s"
            " WHERE id = %s AND lease_token = %s AND state = %s RETURNING id)"
            " INSERT INTO workflows_deliveryattempt (message_id, token, started_at, ended_at, result, answer)"
            " SELECT %s, %s, %s, %s, CASE WHEN EXISTS (SELECT FROM done) THEN %s ELSE %s END, %s"
            " RETURNING result, EXISTS (SELECT FROM next)"
        )
        with connections[self.db].cursor() as cursor:
            params: list[Any] = [MessageState.SENT, answer[:200], key, token, MessageState.PENDING]
            params += [lease, following, token, MessageState.PENDING]
            params += [key, token, started_at, timezone.now()]
            params += [AttemptResult.SENT, AttemptResult.FENCED, answer[:2000]]
            cursor.execute(statement, params)
            result, begun = cursor.fetchone()
            return result == AttemptResult.SENT, begun


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


class SuspendedAddressQuerySet(models.QuerySet[Any]):
    def held(self) -> Self:
        """Addresses to which nothing is sent."""
        return self.filter(cleared_at__isnull=True)

    def to_look_at(self) -> Self:
        """Those that nobody has looked at yet."""
        return self.held().filter(left_at__isnull=True)


class WebhookQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User", now: dt.datetime | None = None) -> Self:
        """Those of the organisations that the person administers; all for platform administrators."""
        live = self.filter(removed_at__isnull=True)
        if not user.is_active:
            return self.none()
        if user.is_staff:
            return live
        mine = user.memberships.current(now).filter(role=OrganisationRole.ADMINISTRATOR)
        return live.filter(organisation__in=mine.values("organisation"))

    def working(self) -> Self:
        return self.filter(removed_at__isnull=True, suspended_at__isnull=True)


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
