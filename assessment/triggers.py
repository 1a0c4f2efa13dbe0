"""The database keeps sealed decisions as they were sealed.

A sealed decision may only become final, once; its judgements may neither change nor go. A correction is
a new decision with the next number. Holds against update(), SQL and the shell, on PostgreSQL and SQLite.
"""

from typing import Any

DECISION = "assessment_assessmentdecision"
JUDGEMENT = "assessment_criterionjudgement"
MESSAGE = "assessment: a sealed decision is never changed"


def install(connection: Any) -> None:
    """Put the triggers in place; again and again is the same as once."""
    if not {DECISION, JUDGEMENT} <= set(connection.introspection.table_names()):
        return
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, DECISION)
        kept = sorted(column.name for column in described if column.name != "final_at")
        make = _postgresql if connection.vendor == "postgresql" else _sqlite
        for statement in make(kept):
            cursor.execute(statement)


def _sealed(row: str) -> str:
    """SQL: the decision of this judgement is sealed."""
    return (
        f"EXISTS (SELECT 1 FROM {DECISION} d WHERE d.id = {row}.decision_id"  # noqa: S608  constants
        " AND d.sealed_at IS NOT NULL)"
    )


def _postgresql(kept: list[str]) -> list[str]:
    changed = " OR ".join(f'OLD."{name}" IS DISTINCT FROM NEW."{name}"' for name in kept)
    refuse = f"RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = '23001'"
    back = "RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;"
    return [
        f"""CREATE OR REPLACE FUNCTION {DECISION}_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF OLD.sealed_at IS NOT NULL THEN
            IF TG_OP = 'DELETE' THEN {refuse}; END IF;
            IF {changed} OR (OLD.final_at IS NOT NULL AND OLD.final_at IS DISTINCT FROM NEW.final_at)
            THEN {refuse}; END IF;
          END IF;
          {back}
        END $$""",
        f"""CREATE OR REPLACE FUNCTION {JUDGEMENT}_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF {_sealed("OLD")} THEN {refuse}; END IF;
          {back}
        END $$""",
        *(
            f"CREATE OR REPLACE TRIGGER {table}_sealed BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {table}_sealed()"
            for table in (DECISION, JUDGEMENT)
        ),
    ]


def _sqlite(kept: list[str]) -> list[str]:
    changed = " OR ".join(f'OLD."{name}" IS NOT NEW."{name}"' for name in kept)
    refuse = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    late = "(OLD.final_at IS NOT NULL AND OLD.final_at IS NOT NEW.final_at)"
    wanted = {
        f"{DECISION}_update": (
            f"BEFORE UPDATE ON {DECISION} WHEN OLD.sealed_at IS NOT NULL AND ({changed} OR {late})"
        ),
        f"{DECISION}_delete": f"BEFORE DELETE ON {DECISION} WHEN OLD.sealed_at IS NOT NULL",
        f"{JUDGEMENT}_update": f"BEFORE UPDATE ON {JUDGEMENT} WHEN {_sealed('OLD')}",
        f"{JUDGEMENT}_delete": f"BEFORE DELETE ON {JUDGEMENT} WHEN {_sealed('OLD')}",
    }
    statements = []
    for name, rule in wanted.items():
        statements += [
            f"DROP TRIGGER IF EXISTS {name}_sealed",
            f"CREATE TRIGGER {name}_sealed {rule} {refuse}",
        ]
    return statements
