"""The database keeps a verifier's answer as it was given.

An answered request may only be disowned, once; what it says about each criterion may neither change nor go.
Holds against update(), SQL and the shell, on PostgreSQL and SQLite.
"""

from typing import Any

ATTESTATION = "portfolios_attestation"
STATEMENT = "portfolios_attestationstatement"
MESSAGE = "portfolios: a given confirmation is never changed"
MOVES = {"state", "seq", "disowned_at"}
"""Columns that the step "this was not me" moves."""


def install(connection: Any) -> None:
    """Put the triggers in place; again and again is the same as once."""
    if not {ATTESTATION, STATEMENT} <= set(connection.introspection.table_names()):
        return
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, ATTESTATION)
        kept = sorted(column.name for column in described if column.name not in MOVES)
        make = _postgresql if connection.vendor == "postgresql" else _sqlite
        for statement in make(kept):
            cursor.execute(statement)


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
