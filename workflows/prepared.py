"""Statements that PostgreSQL parses and plans once for each connection, not each time they are asked.

Django writes values into the text of a statement, so that PostgreSQL meets a new one each time; here values
stand beside it. Only what is asked over and over belongs here: each is kept by each connection that asks it.
"""

from typing import Any, Self

from psycopg import ClientCursor, RawCursor, errors

AGAIN = 1
"""A statement is prepared when it is asked for the second time on a connection."""


class Prepared(RawCursor[Any]):
    """A cursor for statements with $1, $2 … for their values.

    psycopg would also remember the text of every other statement, with all that people wrote in it, if the
    connection as a whole was set to prepare; so it is set for these alone.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        self.connection.prepare_threshold = AGAIN
        try:
            try:
                return super().execute(query, params, **options)
            except errors.FeatureNotSupported:
                # A migration gave a column another type while this connection was open.
                if not self.connection.autocommit:
                    raise
                self.connection.execute("DEALLOCATE ALL")
                return super().execute(query, params, **options)
        finally:
            self.connection.prepare_threshold = None

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        # Django's log of statements reads it, and psycopg keeps it only of what is not prepared.
        self._query = super()._convert_query(query, params)
        return self._query


def prepared(connection: Any) -> Any:
    """Such a cursor on Django's connection, counted and logged like any other."""
    cursor = connection.cursor()
    cursor.cursor = Prepared(connection.connection)
    return cursor


def literal(value: Any, connection: Any) -> str:
    """A value as it stands in the text of a statement."""
    connection.ensure_connection()
    return str(ClientCursor(connection.connection).mogrify("%s", [value]))
