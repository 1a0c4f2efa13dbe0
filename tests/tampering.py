"""Changing what the database keeps, as somebody could who owns it and turns its triggers off."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from assessment import triggers


@contextmanager
def tampering() -> Iterator[None]:
    """Inside, sealed decisions can be changed; tests use it to make decisions that are about something else."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
        else:
            for table in (triggers.DECISION, triggers.JUDGEMENT):
                for event in ("update", "delete"):
                    cursor.execute(f"DROP TRIGGER {table}_{event}_sealed")
        yield
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = origin")
        else:
            triggers.install(connection)
