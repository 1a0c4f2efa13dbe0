"""The database keeps a verifier's answer as it was given, and seeds out of moderation and everything after it.

An answered request may only be disowned, once; what it says about each criterion may neither change nor go.
A submission in a delivery that holds seeds is marked and goes no further (docs/adr/0050).
Holds against update(), SQL and the shell, on PostgreSQL and SQLite.
"""

from typing import Any

ATTESTATION = "portfolios_attestation"
STATEMENT = "portfolios_attestationstatement"
MESSAGE = "portfolios: a given confirmation is never changed"
SUBMISSION = "portfolios_submission"
DELIVERY = "catalogue_delivery"
SEED_STATES = ("submitted", "withdrawn", "in_assessment", "referred", "assessed")
SEED_MESSAGE = "portfolios: a seed is marked and goes no further"
MOVES = {"state", "seq", "disowned_at"}
"""Columns that the step "this was not me" moves."""


def install(connection: Any) -> None:
    """Put the triggers in place; again and again is the same as once."""
    tables = set(connection.introspection.table_names())
    if not {ATTESTATION, STATEMENT, SUBMISSION, DELIVERY} <= tables:
        return
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, ATTESTATION)
        kept = sorted(column.name for column in described if column.name not in MOVES)
        make = _postgresql if connection.vendor == "postgresql" else _sqlite
        described = connection.introspection.get_table_description(cursor, DELIVERY)
        statements = make(kept)
        if "seeds_for_id" in {column.name for column in described}:
            statements += _seeds(on_postgresql=connection.vendor == "postgresql")
        for statement in statements:
            cursor.execute(statement)


def _seeds(*, on_postgresql: bool) -> list[str]:
    """Refuse states that nobody who marks brings about, for rows of deliveries that hold seeds."""
    allowed = ", ".join(f"'{one}'" for one in SEED_STATES)
    beyond = f"NEW.state NOT IN ({allowed})"
    held = (
        f"EXISTS (SELECT 1 FROM {DELIVERY} d WHERE d.id = NEW.delivery_id"  # noqa: S608  constants
        " AND d.seeds_for_id IS NOT NULL)"
    )
    if on_postgresql:
        function = f"{SUBMISSION}_seeds"
        when = f"BEFORE INSERT OR UPDATE OF state ON {SUBMISSION} FOR EACH ROW WHEN ({beyond})"
        return [
            f"""CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF {held} THEN RAISE EXCEPTION '{SEED_MESSAGE}' USING ERRCODE = '23001'; END IF;
          RETURN NEW;
        END $$""",
            f"CREATE OR REPLACE TRIGGER {function} {when} EXECUTE FUNCTION {function}()",
        ]
    refuse = f"BEGIN SELECT RAISE(ABORT, '{SEED_MESSAGE}'); END"
    statements = []
    for event in ("INSERT", "UPDATE"):
        name = f"{SUBMISSION}_seeds_{event.lower()}"
        when = f"BEFORE {event} ON {SUBMISSION} WHEN {beyond} AND {held}"
        statements += [f"DROP TRIGGER IF EXISTS {name}", f"CREATE TRIGGER {name} {when} {refuse}"]
    return statements


def _postgresql(kept: list[str]) -> list[str]:
    changed = " OR ".join(f'OLD."{name}" IS DISTINCT FROM NEW."{name}"' for name in kept)
    refuse = f"RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = '23001'"
    return [
        f"""CREATE OR REPLACE FUNCTION {ATTESTATION}_given() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF OLD.answered_at IS NOT NULL AND (TG_OP = 'DELETE' OR {changed}) THEN {refuse}; END IF;
          RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
        END $$""",
        f"""CREATE OR REPLACE FUNCTION {STATEMENT}_given() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          {refuse};
        END $$""",
        *(
            f"CREATE OR REPLACE TRIGGER {table}_given BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {table}_given()"
            for table in (ATTESTATION, STATEMENT)
        ),
    ]


def _sqlite(kept: list[str]) -> list[str]:
    changed = " OR ".join(f'OLD."{name}" IS NOT NEW."{name}"' for name in kept)
    refuse = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    wanted = {
        f"{ATTESTATION}_update": (
            f"BEFORE UPDATE ON {ATTESTATION} WHEN OLD.answered_at IS NOT NULL AND ({changed})"
        ),
        f"{ATTESTATION}_delete": (
            f"BEFORE DELETE ON {ATTESTATION} WHEN OLD.answered_at IS NOT NULL"
        ),
        f"{STATEMENT}_update": f"BEFORE UPDATE ON {STATEMENT}",
        f"{STATEMENT}_delete": f"BEFORE DELETE ON {STATEMENT}",
    }
    statements = []
    for name, rule in wanted.items():
        statements += [
            f"DROP TRIGGER IF EXISTS {name}_given",
            f"CREATE TRIGGER {name}_given {rule} {refuse}",
        ]
    return statements
