"""A read as the ORM composed it once: its text with numbers in place of its values, and the stand-ins for these."""

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, models

from workflows.prepared import literal, prepared

Given = uuid.UUID | dt.datetime | list[uuid.UUID]
"""What a composed read is given: a key, a moment, or keys that go as one array (`__among`)."""


@dataclass(frozen=True)
class Composition:
    """A read with a number in place of each value, and the compiler that knows which column belongs to what."""

    queryset: models.QuerySet[Any, Any]
    compiler: Any
    sql: str
    """With $1, $2 … for the values, and everything that never changes written out."""
    given: tuple[uuid.UUID | dt.datetime, ...]
    """The stand-ins that these numbers stand for."""

    def ask(
        self, connection: Any, values: Sequence[Any], *, limit: int | None = None, start: int = 0
    ) -> list[tuple[Any, ...]]:
        """The rows for these values, planned once for each connection."""
        sql, params = self.sql, [real(one, values) for one in self.given]
        if limit is not None:
            # Written out: a plan for a page is another than one for everything.
            sql = f"{sql} LIMIT {limit:d}"
        if start:
            params.append(start)
            sql = f"{sql} OFFSET ${len(params)}::bigint"
        with prepared(connection) as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())


def compose(queryset: models.QuerySet[Any, Any]) -> Composition | None:
    """The composition; None where the ORM sees that nothing can match."""
    compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
    try:
        sql, given = compiler.as_sql()
    except EmptyResultSet:
        return None
    numbers: dict[uuid.UUID | dt.datetime, int] = {}

    def written(one: Any) -> str:
        several = isinstance(one, list) and bool(one) and isinstance(one[0], uuid.UUID)
        key = one[0] if several else one
        if not isinstance(key, uuid.UUID | dt.datetime):
            return literal(one, compiler.connection)
        if not is_stand_in(key):
            raise ValueError(f"{key!r} did not come as a stand-in; it would stay for everybody")
        number = numbers.setdefault(key, len(numbers) + 1)
        if isinstance(key, dt.datetime):
            return f"${number}::timestamptz"
        return f"${number}::uuid[]" if several else f"${number}::uuid"

    values = iter(given)
    sql = re.sub("%[s%]", lambda at: written(next(values)) if at[0] == "%s" else "%", sql)
    return Composition(queryset, compiler, sql, tuple(numbers))


def is_stand_in(value: uuid.UUID | dt.datetime) -> bool:
    """Real keys are random, and real moments lie in our time."""
    return value.year < 1000 if isinstance(value, dt.datetime) else value.int < 2**32


def stand_in(number: int, value: Given) -> Given:
    """A key that no row has; for a list of keys one of them; for a moment, the middle of year 1, 2, 3 …"""
    if isinstance(value, dt.datetime):
        return dt.datetime(number + 1, 7, 1, tzinfo=dt.UTC)
    key = uuid.UUID(int=number + 1)
    return [key] if isinstance(value, list) else key


def real(given: uuid.UUID | dt.datetime, values: Sequence[Any]) -> Any:
    """The value that a stand-in stands for."""
    if isinstance(given, uuid.UUID):
        return values[given.int - 1]
    return values[given.year - 1] + (given - dt.datetime(given.year, 7, 1, tzinfo=dt.UTC))
