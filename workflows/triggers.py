"""Database triggers: append-only tables, chains that continue, state changes that a machine permits.

One idempotent function installs them after every migrate. They stop the application and its mistakes on
both databases; somebody who owns the tables can pass them, which is what the signed roots are for.
"""

from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from workflows.machines import all_arrows, state_models

RECORD = "workflows_transitionrecord"
LABEL = "workflows_transitionlabel"
HEAD = "workflows_chainhead"
ALLOWED = "workflows_allowedtransition"
APPEND_ONLY = [
    RECORD,
    "workflows_chainroot",
    "workflows_chainleaf",
    "workflows_deliveryattempt",
    "workflows_accessrecord",
]

FUNCTIONS = {
    "workflows_refuse": """
BEGIN
    RAISE EXCEPTION '% on % refused: append-only', TG_OP, TG_TABLE_NAME USING ERRCODE = '23001';
END""",
    # A label may be blanked, one text with its salt at a time, and nothing else may happen to it.
    "workflows_only_blank": f"""
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.record_id = OLD.record_id
       AND ((NEW.actor_label IS NULL AND NEW.actor_salt IS NULL)
            OR (NEW.actor_label IS NOT DISTINCT FROM OLD.actor_label
                AND NEW.actor_salt IS NOT DISTINCT FROM OLD.actor_salt))
       AND ((NEW.subject_label IS NULL AND NEW.subject_salt IS NULL)
            OR (NEW.subject_label IS NOT DISTINCT FROM OLD.subject_label
                AND NEW.subject_salt IS NOT DISTINCT FROM OLD.subject_salt))
       AND ((NEW.reason IS NULL AND NEW.reason_salt IS NULL)
            OR (NEW.reason IS NOT DISTINCT FROM OLD.reason
                AND NEW.reason_salt IS NOT DISTINCT FROM OLD.reason_salt)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on {LABEL} refused: texts may only be blanked', TG_OP USING ERRCODE = '23001';
END""",
    # A record continues its subject's chain, and the head moves with it.
    "workflows_link": f"""
BEGIN
    INSERT INTO {HEAD} (subject_type, subject_id, seq, hash, rooted_seq)
        VALUES (NEW.subject_type, NEW.subject_id, 0, decode(repeat('00', 32), 'hex'), 0)
        ON CONFLICT (subject_type, subject_id) DO NOTHING;
    UPDATE {HEAD} SET seq = NEW.seq, hash = NEW.hash
     WHERE subject_type = NEW.subject_type AND subject_id = NEW.subject_id
       AND seq = NEW.seq - 1 AND hash = NEW.prev_hash;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'record % of % does not continue its chain', NEW.seq, NEW.subject_id
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END""",
    # seq and hash of a head follow the records; only rooted_seq is anybody else's to move, and only up.
    "workflows_head_follows": """
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.seq = OLD.seq AND NEW.hash = OLD.hash
       AND NEW.subject_type = OLD.subject_type AND NEW.subject_id = OLD.subject_id
       AND NEW.rooted_seq BETWEEN OLD.rooted_seq AND NEW.seq THEN
        RETURN NEW;
    END IF;
    IF TG_OP <> 'DELETE' AND pg_trigger_depth() > 1 THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of a chain head refused', TG_OP USING ERRCODE = '23001';
END""",
    # Illegal pairs are refused at once.
    "workflows_guard_state": f"""
DECLARE
    came_from text   := CASE WHEN TG_OP = 'UPDATE' THEN OLD.state ELSE '' END;
    was       bigint := CASE WHEN TG_OP = 'UPDATE' THEN OLD.seq ELSE 0 END;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'the key of a subject does not change' USING ERRCODE = '23514';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.state = OLD.state AND NEW.seq = OLD.seq THEN
        RETURN NEW;
    END IF;
    IF NEW.seq <> was + 1 OR NOT EXISTS (
        SELECT FROM {ALLOWED} a
         WHERE a.machine = TG_ARGV[0] AND a.source = came_from AND a.target = NEW.state) THEN
        RAISE EXCEPTION '%: % to % refused', TG_ARGV[0], came_from, NEW.state USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END""",
    # Legal ones are refused at commit unless their record is there: the door saves first, records after.
    "workflows_require_record": f"""
DECLARE
    came_from text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.state ELSE '' END;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.state = OLD.state AND NEW.seq = OLD.seq THEN
        RETURN NULL;
    END IF;
    IF NOT EXISTS (
        SELECT FROM {RECORD} r
         WHERE r.subject_type = TG_ARGV[0] AND r.subject_id = NEW.id AND r.seq = NEW.seq
           AND r.source = came_from AND r.target = NEW.state) THEN
        RAISE EXCEPTION '%: % to % has no record', TG_ARGV[0], came_from, NEW.state
            USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END""",
}


def postgres_triggers() -> list[tuple[str, str, str]]:
    """(name, table, definition) of each trigger on PostgreSQL."""
    found = []
    for table in [*APPEND_ONLY, LABEL, HEAD]:
        change = {LABEL: "workflows_only_blank", HEAD: "workflows_head_follows"}.get(
            table, "workflows_refuse"
        )
        events = "INSERT OR UPDATE OR DELETE" if table == HEAD else "UPDATE OR DELETE"
        found += [
            (f"{table}_no_change", table, f"BEFORE {events} ON {table} FOR EACH ROW EXECUTE FUNCTION {change}()"),
            (f"{table}_no_truncate", table, f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION workflows_refuse()"),
        ]  # fmt: skip
    found.append(
        (f"{RECORD}_link", RECORD, f"BEFORE INSERT ON {RECORD} FOR EACH ROW EXECUTE FUNCTION workflows_link()")
    )  # fmt: skip
    for model in state_models():
        table, machine = model._meta.db_table, model._meta.label_lower
        found += [
            (f"{table}_state", table, f"BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION workflows_guard_state('{machine}')"),
            (f"{table}_record", table, f"AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION workflows_require_record('{machine}')"),
        ]  # fmt: skip
    return found


def sqlite_triggers() -> list[tuple[str, str, str]]:
    """(name, table, definition) of each trigger on SQLite.

    The inserts must refuse as well, because REPLACE deletes without firing a delete trigger.
    """
    found = []
    for table in APPEND_ONLY:
        key = "number" if table == "workflows_chainroot" else "id"
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        found += [
            (f"{table}_no_update", table, f"BEFORE UPDATE ON {table} {refuse}"),
            (f"{table}_no_delete", table, f"BEFORE DELETE ON {table} {refuse}"),
            (f"{table}_no_replace", table, f"BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) {refuse}"),
        ]  # fmt: skip
    blanked = " AND ".join(
        f"((NEW.{text} IS NULL AND NEW.{salt} IS NULL) OR (NEW.{text} IS OLD.{text} AND NEW.{salt} IS OLD.{salt}))"
        for text, salt in (
            ("actor_label", "actor_salt"),
            ("subject_label", "subject_salt"),
            ("reason", "reason_salt"),
        )
    )
    refuse = f"BEGIN SELECT RAISE(ABORT, '{LABEL}: texts may only be blanked'); END"
    found += [
        (f"{LABEL}_no_update", LABEL, f"BEFORE UPDATE ON {LABEL} WHEN NOT (NEW.record_id = OLD.record_id AND {blanked}) {refuse}"),
        (f"{LABEL}_no_delete", LABEL, f"BEFORE DELETE ON {LABEL} {refuse}"),
        (f"{LABEL}_no_replace", LABEL, f"BEFORE INSERT ON {LABEL} WHEN EXISTS (SELECT 1 FROM {LABEL} WHERE record_id = NEW.record_id) {refuse}"),
        (f"{RECORD}_link", RECORD, f"""BEFORE INSERT ON {RECORD}
WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM {RECORD}
                               WHERE subject_type = NEW.subject_type AND subject_id = NEW.subject_id), 0)
  OR NEW.prev_hash <> coalesce((SELECT hash FROM {RECORD}
                                 WHERE subject_type = NEW.subject_type AND subject_id = NEW.subject_id
                                 ORDER BY seq DESC LIMIT 1), zeroblob(32))
BEGIN SELECT RAISE(ABORT, 'record does not continue its chain'); END"""),
        (f"{RECORD}_head", RECORD, f"""AFTER INSERT ON {RECORD} BEGIN
    INSERT INTO {HEAD} (subject_type, subject_id, seq, hash, rooted_seq)
        VALUES (NEW.subject_type, NEW.subject_id, NEW.seq, NEW.hash, 0)
        ON CONFLICT (subject_type, subject_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash;
END"""),
    ]  # fmt: skip
    return found


def install(connection: BaseDatabaseWrapper) -> None:
    """Make functions and triggers, and fill the table of permitted transitions. May run any number of times."""
    tables = set(connection.introspection.table_names())
    if RECORD not in tables:
        return
    postgres = connection.vendor == "postgresql"
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if postgres:
            for name, body in FUNCTIONS.items():
                # pg_temp last: otherwise a temporary table could stand before the real one.
                cursor.execute(
                    f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
                    f" SET search_path = pg_catalog, public, pg_temp AS $body${body}$body$"
                )
        for name, table, definition in wanted(connection):
            if table not in tables:
                continue
            if postgres:
                kind = "CONSTRAINT TRIGGER" if "DEFERRABLE" in definition else "TRIGGER"
                cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                cursor.execute(f"CREATE {kind} {name} {definition}")
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
                cursor.execute(f"CREATE TRIGGER {name} {definition}")
        fill_allowed(cursor)


def wanted(connection: BaseDatabaseWrapper) -> list[tuple[str, str, str]]:
    return postgres_triggers() if connection.vendor == "postgresql" else sqlite_triggers()


def fill_allowed(cursor: Any) -> None:
    """Make the table of permitted transitions say what the code says."""
    declared = {(one.machine, one.name, one.source, one.target) for one in all_arrows()}
    cursor.execute(f"SELECT machine, name, source, target FROM {ALLOWED}")
    stored = {tuple(row) for row in cursor.fetchall()}
    for row in stored - declared:
        cursor.execute(
            f"DELETE FROM {ALLOWED} WHERE machine = %s AND name = %s AND source = %s AND target = %s",
            row,
        )
    for row in declared - stored:
        cursor.execute(
            f"INSERT INTO {ALLOWED} (machine, name, source, target) VALUES (%s, %s, %s, %s)", row
        )


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of triggers that should be there and are not; the start-up check reports them."""
    tables = set(connection.introspection.table_names())
    expected = {name for name, table, _definition in wanted(connection) if table in tables}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
            )
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        present = {row[0] for row in cursor.fetchall()}
    return sorted(expected - present)
