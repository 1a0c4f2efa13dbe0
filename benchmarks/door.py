"""One step, and a step of a whole set, against the same rows written by plain SQL."""

import os
import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import database, once, table

SET = int(os.environ.get("BENCH_SET", "1000"))


def plain_one(columns: dict[str, object]) -> None:
    """Lock, update, three inserts: what one step leaves behind, without rule, guard or hash."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM bench_subject WHERE id = %s FOR UPDATE", [columns["id"]])
        cursor.execute(
            "UPDATE bench_subject SET state = 'b', seq = seq + 1 WHERE id = %s", [columns["id"]]
        )
        cursor.execute(
            "INSERT INTO bench_record VALUES (%s, %s, 1, 'a', 'b', %s, now())",
            [uuid.uuid4(), columns["id"], columns["payload"]],
        )
        cursor.execute(
            "INSERT INTO bench_label VALUES (%s, %s)", [uuid.uuid4(), columns["payload"]]
        )
        cursor.execute("INSERT INTO bench_outbox VALUES (%s, 'topic', now())", [uuid.uuid4()])


def plain_set() -> None:
    """The same for all rows in five statements."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM bench_subject ORDER BY id FOR UPDATE")
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute("UPDATE bench_subject SET state = 'c', seq = seq + 1")
        payload = "x" * 700
        cursor.executemany(
            "INSERT INTO bench_record VALUES (%s, %s, 2, 'b', 'c', %s, now())",
            [(uuid.uuid4(), one, payload) for one in ids],
        )
        cursor.executemany(
            "INSERT INTO bench_label VALUES (%s, %s)", [(uuid.uuid4(), payload) for _ in ids]
        )
        cursor.executemany(
            "INSERT INTO bench_outbox VALUES (%s, 'topic', now())", [(uuid.uuid4(),) for _ in ids]
        )


def baseline_tables(count: int) -> list[uuid.UUID]:
    """Bare tables with the indexes that a plain design would have."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_subject (id uuid PRIMARY KEY, state text, seq int)")
        cursor.execute(
            "CREATE TABLE bench_record (id uuid PRIMARY KEY, subject uuid, seq int, source text,"
            " target text, payload text, at timestamptz, UNIQUE (subject, seq))"
        )
        cursor.execute("CREATE TABLE bench_label (id uuid PRIMARY KEY, text text)")
        cursor.execute(
            "CREATE TABLE bench_outbox (id uuid PRIMARY KEY, topic text, at timestamptz)"
        )
        ids = [uuid.uuid4() for _each in range(count)]
        cursor.executemany("INSERT INTO bench_subject VALUES (%s, 'a', 0)", [(one,) for one in ids])
    return ids


def main() -> None:
    from accounts.models import SYSTEM
    from tests.testapp.models import FILE, Box, Docket
    from workflows.transitions import begin, perform, perform_set

    box = Box.objects.create(room=10**6)
    ones = min(200, SET)
    dockets = [
        begin(
            FILE,
            parent=box,
            actor=SYSTEM,
            build=lambda: Docket(box=box, title="A docket", owner_id=uuid.uuid4()),
        )
        for _each in range(SET + ones)
    ]
    rest = Docket.objects.filter(pk__in=[one.pk for one in dockets[ones:]])
    ids = baseline_tables(SET)
    plain = once(
        lambda: [plain_one({"id": one, "payload": "x" * 700}) for one in ids[:ones]], times=ones
    )
    ours = once(
        lambda: [perform(one, "check_it", actor=SYSTEM) for one in dockets[:ones]], times=ones
    )
    plain_many = once(plain_set)
    many = once(lambda: perform_set(rest, "check_it", actor=SYSTEM, whole=True))
    table(
        f"The door, {SET} subjects, PostgreSQL with fsync",
        [
            ("plain SQL, one", plain, None, ""),
            ("perform()", ours, plain, "≤ 3"),
            (f"plain SQL, set of {SET}", plain_many, None, ""),
            (f"perform_set() of {SET}", many, plain_many, "≤ 3"),
        ],
    )


if __name__ == "__main__":
    with database():
        main()
