"""Freezing, concluding and ratifying whole sets against the same rows by plain SQL; pages of figures.

A set is one piece of work that was assessed by the real actions, and copies of all its rows. What an operation
wrote is read back from the tables by the numbers of its transactions, and written again by plain SQL into
tables with the same columns and indexes, without triggers, rules, guards or hashes. BENCH_SET is the size of
the set; a tenth of it is done before, to show that the number of statements does not grow.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import Weight, database, once, table, weigh

SET = int(os.environ.get("BENCH_SET", "1000"))
JUDGEMENTS = int(os.environ.get("BENCH_JUDGEMENTS", "10000"))
Line = tuple[str, Weight, Weight | None, str]

UPDATED = {"portfolios_submission": "submission", "workflows_chainhead": "subject_id"}
"""Tables of which an operation changes rows, one for each subject; in all others it adds them."""


def assessed_set(cast: Any, learner: str, size: int, first: int) -> None:
    """So many pieces of assessed work in the delivery of the cast: a learner's, and copies of it."""
    from django.db import connection, transaction

    from assessment.models import AssessmentDecision, CriterionJudgement
    from benchmarks.support.world import analyse, copy_rows, copy_submission, key
    from tests.factories.assessment import assessed
    from workflows import outbox

    source = assessed(cast, learner, "M")
    while outbox.relay():
        pass
    source.refresh_from_db()
    decisions = AssessmentDecision.objects.filter(submission=source)
    with transaction.atomic():
        copy_submission(source, size - 1, first=first)
        copy_rows(decisions, size - 1, first, id=key("decision"), submission_id=key("submission"))
        copy_rows(
            CriterionJudgement.objects.filter(decision__in=decisions),
            size - 1,
            first,
            decision_id=key("decision"),
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE workflows_chainhead h SET seq = s.seq FROM portfolios_submission s"
                " WHERE s.id = h.subject_id AND h.seq = 1"
            )
    analyse()


def transactions() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_current()")
        return int(cursor.fetchone()[0])


def written(operation: Callable[[], Any]) -> tuple[Weight, dict[str, list[tuple[Any, ...]]]]:
    """The cost of an operation, and every row that it left in any table, as text."""
    from django.db import connection

    before = transactions()
    cost = once(operation)
    after = transactions()
    rows: dict[str, list[tuple[Any, ...]]] = {}
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            columns = [
                one.name for one in connection.introspection.get_table_description(cursor, name)
            ]
            quoted = ", ".join(f'"{one}"::text' for one in columns)
            cursor.execute(
                f'SELECT {quoted} FROM "{name}"'
                " WHERE xmin::text::bigint > %s AND xmin::text::bigint < %s",
                [before, after],
            )
            if found := cursor.fetchall():
                rows[name] = found
    return cost, rows


def plain(rows: dict[str, list[tuple[Any, ...]]]) -> Weight:
    """The same rows by plain SQL in one transaction, into copies of their tables."""
    from django.db import connection, transaction

    columns: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        for name, found in rows.items():
            cursor.execute(f'DROP TABLE IF EXISTS "bench_{name}"')
            cursor.execute(f'CREATE TABLE "bench_{name}" (LIKE "{name}" INCLUDING ALL)')
            columns[name] = [
                one.name for one in connection.introspection.get_table_description(cursor, name)
            ]
            if name in UPDATED:
                cursor.executemany(insert(name, columns[name]), found)

    def write() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for name, found in rows.items():
                if name not in UPDATED:
                    cursor.executemany(insert(name, columns[name]), found)
                    continue
                at = columns[name].index("id" if "id" in columns[name] else "subject_id")
                keys = [row[at] for row in found]
                column = columns[name][at]
                cursor.execute(
                    f'SELECT * FROM "bench_{name}" WHERE "{column}"::text = ANY(%s) FOR UPDATE',
                    [keys],
                )
                cursor.fetchall()
                cursor.execute(
                    f'UPDATE "bench_{name}" SET seq = seq + 1 WHERE "{column}"::text = ANY(%s)',
                    [keys],
                )

    return once(write)


def insert(name: str, columns: list[str]) -> str:
    quoted = ", ".join(f'"{one}"' for one in columns)
    return (
        f'INSERT INTO "bench_{name}" ({quoted}) OVERRIDING SYSTEM VALUE'
        f" VALUES ({', '.join(['%s'] * len(columns))})"
    )


def way_of(cast: Any) -> dict[str, tuple[Weight, dict[str, list[tuple[Any, ...]]]]]:
    """Freeze, conclude and ratify one set, with what lies between done as people do it."""
    from moderation.actions import close_round, decide_round, draw_sample, open_round
    from moderation.enums import RoundDecision
    from moderation.models import ModerationRound
    from tests.factories.awards import batch, sign
    from tests.factories.moderation import agreed

    found = {}
    found["freeze"] = written(lambda: open_round(cast.delivery, cast.task, actor=cast.lea))
    made = draw_sample(ModerationRound.objects.open().get(), actor=cast.lea)
    for item in made.items.all():
        agreed(item)
    decide_round(made, actor=cast.lea, decision=RoundDecision.ACCEPT, reason="The standard holds.")
    found["conclude"] = written(lambda: close_round(made, actor=cast.lea))
    signed = batch(cast)
    found["ratify"] = written(lambda: sign(signed, cast.rita))
    return found


def sets(cast: Any) -> None:
    """A tenth of the set first, and then the set."""
    assessed_set(cast, "hone", SET // 10, first=1)
    few = way_of(cast)
    assessed_set(cast, "mere", SET, first=SET)
    many = way_of(cast)
    lines: list[Line] = []
    for name, (cost, rows) in many.items():
        base = plain(rows)
        count = sum(map(len, rows.values()))
        lines.append((f"{name} {SET // 10}", few[name][0], None, ""))
        lines.append((f"the {count:,} rows of the next line by plain SQL", base, None, ""))
        lines.append((f"{name} {SET}", cost, base, "≤ 3, SQL as above"))
    table("Sets in moderation and sign-off", lines)


def figures(cast: Any) -> None:
    """The pages of agreement and severity over one closed round of many readings, as the site answers them."""
    from django.test import Client
    from django.urls import reverse

    from moderation.actions import keep_severities
    from moderation.models import ModerationRound, StoredFigures
    from tests.factories.awards import moderated
    from tests.factories.moderation import kept_readings

    moderated(cast, "lena")
    closed = ModerationRound.objects.get()
    readers = {str(one.pk): 0.0 for one in (cast.moses, cast.ed)}
    assessors = {str(one.pk): 0.3 * n for n, one in enumerate((cast.ada, cast.abe, cast.ana))}
    made = kept_readings(assessors, readers, JUDGEMENTS // 3)
    ModerationRound.objects.filter(pk=closed.pk).update(readings=made)
    lea = Client()
    lea.force_login(cast.lea)

    def ask(page: str) -> None:
        answer = lea.get(reverse(f"moderation:{page}"), secure=True, HTTP_HOST="127.0.0.1")
        assert answer.status_code == 200, answer.status_code

    def anew() -> None:
        StoredFigures.objects.all().delete()
        ask("agreement")

    computing = once(keep_severities)
    table(
        f"Figures over {JUDGEMENTS:,} double-read judgements",
        [
            ("agreement page, nothing stored", weigh(anew), None, "≤ 300 ms CPU"),
            ("agreement page, figures stored", weigh(lambda: ask("agreement")), None, ""),
            ("severities, by the worker", computing, None, ""),
            ("severity page", weigh(lambda: ask("severity")), None, ""),
        ],
    )


def main() -> None:
    from django.core.management import call_command

    from tests.factories.moderation import NOTHING_TARGETED
    from tests.personas import make_cast

    call_command("collectstatic", interactive=False, verbosity=0)
    policy = {**NOTHING_TARGETED, "sample.custom_size": 5}
    cast = make_cast(learners=3, criteria=6, policy=policy)
    figures(cast)
    sets(cast)


if __name__ == "__main__":
    with database():
        main()
