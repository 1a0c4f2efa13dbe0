"""One step, and a step of a whole set, against the same rows written by plain SQL."""

import os
import sys
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import database, once, table

SET = int(os.environ.get("BENCH_SET", "1000"))


TABLES = {
    "subject": "testapp_docket",
    "record": "workflows_transitionrecord",
    "label": "workflows_transitionlabel",
    "head": "workflows_chainhead",
    "outbox": "workflows_outboxmessage",
}
PAYLOAD = "x" * 700


def baseline_tables(count: int) -> list[uuid.UUID]:
    """Tables with the columns and indexes of the real ones, without triggers; subjects with their heads."""
    from django.db import connection

    with connection.cursor() as cursor:
        for name, real in TABLES.items():
            cursor.execute(f"CREATE TABLE bench_{name} (LIKE {real} INCLUDING ALL)")
        ids = [uuid.uuid4() for _each in range(count)]
        cursor.executemany(
            "INSERT INTO bench_subject (id, seq, version, state, box_id, title, owner_id)"
            " VALUES (%s, 1, 1, 'open', %s, 'A docket', %s)",
            [(one, uuid.uuid4(), uuid.uuid4()) for one in ids],
        )
        cursor.executemany(
            "INSERT INTO bench_head (subject_type, subject_id, seq, hash, rooted_seq)"
            " VALUES ('testapp.docket', %s, 1, %s, 0)",
            [(one, b"h" * 32) for one in ids],
        )
    return ids


RECORD = (
    "INSERT INTO bench_record (id, subject_type, subject_id, seq, name, source, target, actor_system,"
    " overridden, facts, request_id, at, payload, prev_hash, hash) VALUES (%s, 'testapp.docket', %s, 2,"
    " 'check_it', 'open', 'checked', 'system', '[]', '{}', '', now(), %s, %s, %s)"
)
LABEL = (
    "INSERT INTO bench_label (record_id, actor_label, actor_salt, subject_label, subject_salt, reason,"
    " reason_salt) VALUES (%s, 'System', %s, 'A docket', %s, '', %s)"
)
OUTBOX = (
    "INSERT INTO bench_outbox (kind, lane, topic, dedupe_key, record_id, channel, state, created_at,"
    " available_at, attempts, last_error, provider_id) VALUES ('event', 'result',"
    " 'testapp.docket.checked', %s, %s, '', 'pending', now(), now(), 0, '', '')"
)


def plain_rows(ids: list[uuid.UUID]) -> tuple[list[Any], list[Any], list[Any]]:
    """What the three inserts are given."""
    salt = b"s" * 32
    pairs = [(uuid.uuid4(), one) for one in ids]
    return (
        [(record, one, PAYLOAD, salt, salt) for record, one in pairs],
        [(record, salt, salt, salt) for record, _one in pairs],
        [(f"event:{record}", record) for record, _one in pairs],
    )


def plain_one(key: uuid.UUID) -> None:
    """Lock, update, three inserts, the head: what one step leaves, without rule, guard, trigger or hash."""
    from django.db import connection, transaction

    records, labels, messages = plain_rows([key])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM bench_subject WHERE id = %s FOR UPDATE", [key])
        cursor.fetchall()
        cursor.execute(
            "UPDATE bench_subject SET state = 'checked', seq = seq + 1, checked_at = now()"
            " WHERE id = %s",
            [key],
        )
        cursor.execute(RECORD, records[0])
        cursor.execute(LABEL, labels[0])
        cursor.execute(OUTBOX, messages[0])
        cursor.execute(
            "UPDATE bench_head SET seq = 2, hash = %s WHERE subject_type = 'testapp.docket'"
            " AND subject_id = %s",
            [b"i" * 32, key],
        )


def plain_set() -> None:
    """The same for all rows that are left."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM bench_subject WHERE seq = 1 ORDER BY id FOR UPDATE")
        ids = [row[0] for row in cursor.fetchall()]
        records, labels, messages = plain_rows(ids)
        cursor.execute(
            "UPDATE bench_subject SET state = 'checked', seq = seq + 1, checked_at = now()"
            " WHERE id = ANY(%s)",
            [ids],
        )
        cursor.executemany(RECORD, records)
        cursor.executemany(LABEL, labels)
        cursor.executemany(OUTBOX, messages)
        cursor.execute(
            "UPDATE bench_head SET seq = 2, hash = %s WHERE subject_type = 'testapp.docket'"
            " AND subject_id = ANY(%s)",
            [b"i" * 32, ids],
        )


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
    rest = Docket.objects.filter(box=box, state="open")
    ids = baseline_tables(SET + ones)
    plain = once(lambda: [plain_one(one) for one in ids[:ones]], times=ones)
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
