"""Statements that are planned once for each connection."""

import pytest
from django.db import connection as shared
from django.test.utils import CaptureQueriesContext

from workflows.prepared import literal, prepared

pytestmark = [pytest.mark.django_db, pytest.mark.only_postgresql]

STATEMENT = "SELECT amount FROM prepared_proof WHERE amount > $1::bigint"


@pytest.fixture
def connection():
    """One of its own, outside the test's transaction, with a table that nobody else sees."""
    own = shared.copy()
    with own.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE prepared_proof (amount integer)")
        cursor.execute("INSERT INTO prepared_proof VALUES (1), (2), (3)")
    yield own
    own.close()


def asked(connection, least):
    with prepared(connection) as cursor:
        cursor.execute(STATEMENT, [least])
        return cursor.fetchall()


def kept(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [statement for (statement,) in cursor.fetchall()]


def test_what_is_asked_again_is_prepared_and_gets_other_values(connection):
    assert asked(connection, 1) == [(2,), (3,)]
    assert STATEMENT not in kept(connection)
    assert asked(connection, 2) == [(3,)]
    assert STATEMENT in kept(connection)
    assert asked(connection, 0) == [(1,), (2,), (3,)]
    assert kept(connection).count(STATEMENT) == 1


def test_nothing_else_on_the_connection_is_prepared_or_remembered(connection):
    asked(connection, 1)
    asked(connection, 1)
    before = kept(connection)
    for _each in range(8):
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s", ["What somebody wrote."])
    assert kept(connection) == before
    assert connection.connection.prepare_threshold is None


def test_a_migration_that_changes_a_column_leaves_open_connections_at_work(connection):
    for _each in range(8):
        asked(connection, 1)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE prepared_proof ALTER amount TYPE text USING amount::text")
        cursor.execute("ALTER TABLE prepared_proof ALTER amount TYPE bigint USING amount::bigint")
    assert asked(connection, 2) == [(3,)]
    assert asked(connection, 1) == [(2,), (3,)]


def test_it_is_counted_and_logged_like_any_other(connection):
    for _each in range(3):
        with CaptureQueriesContext(connection) as made:
            asked(connection, 1)
        assert [one["sql"] for one in made.captured_queries] == [STATEMENT]


def test_a_value_is_written_as_postgresql_reads_it(connection):
    with connection.cursor() as cursor:
        for value in ("it's", 100, True, None, "100 %"):
            cursor.execute(f"SELECT {literal(value, connection)}", None)
            assert cursor.fetchone() == (value,)
        names = literal(["a", "b'"], connection)
        cursor.execute(f"SELECT 'b''' = ANY({names})", None)
        assert cursor.fetchone() == (True,)
