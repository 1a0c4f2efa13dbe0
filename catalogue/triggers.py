"""The database refuses to change what was sent to pre-assessment moderation.

Submissions, decisions and approvals bind to a version's outcomes, tasks, rubrics, criteria, levels and
grades. Those rows may be written while their version is a draft and never afterwards, whoever asks:
not by a queryset's update(), not by SQL. What a pre-assessment moderator decided is never changed at all.
Installed after every migrate, on PostgreSQL and SQLite.
"""

from typing import Any

MESSAGE = "catalogue: content of a version that left draft is frozen"

_VERSION = "SELECT v.state FROM catalogue_microcredentialversion v"
# How to find the state of the version that a row of each table belongs to; {row} is OLD or NEW.
PARTS = {
    "catalogue_learningoutcome": f"{_VERSION} WHERE v.id = {{row}}.version_id",
    "catalogue_stackingrule": f"{_VERSION} WHERE v.id = {{row}}.version_id",
    "catalogue_assessmenttask": f"{_VERSION} WHERE v.id = {{row}}.version_id",
    "catalogue_rubric": (
        f"{_VERSION} JOIN catalogue_assessmenttask t ON t.version_id = v.id"
        " WHERE t.id = {row}.task_id"
    ),
    "catalogue_criterion": (
        f"{_VERSION} JOIN catalogue_assessmenttask t ON t.version_id = v.id"
        " JOIN catalogue_rubric r ON r.task_id = t.id WHERE r.id = {row}.rubric_id"
    ),
    "catalogue_level": (
        f"{_VERSION} JOIN catalogue_assessmenttask t ON t.version_id = v.id"
        " JOIN catalogue_rubric r ON r.task_id = t.id"
        " JOIN catalogue_criterion c ON c.rubric_id = r.id WHERE c.id = {row}.criterion_id"
    ),
}
# A scheme is shared by versions: it is frozen from the first that left draft.
_SCHEME = f"{_VERSION} WHERE v.grade_scheme_id = {{key}} AND v.state <> 'draft'"
SCHEME_PARTS = {
    "catalogue_gradescheme": _SCHEME.format(key="{row}.id"),
    "catalogue_grade": _SCHEME.format(key="{row}.scheme_id"),
}
# What people wrote. The rest of the row (state, dates, the pre-moderator's note) is the machine's.
VERSION_CONTENT = (
    "micro_credential_id",
    "number",
    "title",
    "title_mi",
    "credits",
    "level",
    "purpose",
    "delivery_modes",
    "grade_scheme_id",
    "policy",
    "listing",
    "definition_hash",
    "definition",
    "review_interval_months",
    "author_id",
)
DECISIONS = "catalogue_premoderation"
KEPT = "catalogue: a decision of pre-assessment moderation is never changed"
# Written by the approval itself, and fixed from then on.
APPROVED_CONTENT = "approved_policy"
_ROWS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}


def install(connection: Any) -> None:
    """Put the triggers in place; again and again is the same as once."""
    existing = set(connection.introspection.table_names())
    tables = [*PARTS, *SCHEME_PARTS, "catalogue_microcredentialversion", DECISIONS]
    if not existing.issuperset(tables):
        return
    make = _postgresql if connection.vendor == "postgresql" else _sqlite
    with connection.cursor() as cursor:
        for statement in make():
            cursor.execute(statement)


def _conditions(operation: str) -> dict[str, str]:
    """For each table, the SQL that is true where `operation` must be refused."""
    made = {}
    for table, state in PARTS.items():
        made[table] = " OR ".join(
            f"EXISTS ({state.format(row=row)} AND v.state <> 'draft')" for row in _ROWS[operation]
        )
    for table, frozen in SCHEME_PARTS.items():
        made[table] = " OR ".join(f"EXISTS ({frozen.format(row=row)})" for row in _ROWS[operation])
    return made


def _postgresql() -> list[str]:
    statements = []
    for table in [*PARTS, *SCHEME_PARTS]:
        checks = ""
        for operation in _ROWS:
            # Wait for whoever is just sending the version on: it holds the version's row.
            checks += f"""
              IF TG_OP = '{operation}' AND ({_conditions(operation)[table]}) THEN
                RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = '23001';
              END IF;"""
        lock = ""
        if table in PARTS:
            for row, operations in (("NEW", "'INSERT', 'UPDATE'"), ("OLD", "'DELETE'")):
                lock += f"""
              IF TG_OP IN ({operations}) THEN
                PERFORM 1 FROM ({PARTS[table].format(row=row)} FOR SHARE OF v) AS held;
              END IF;"""
        statements.append(
            f"""CREATE OR REPLACE FUNCTION {table}_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN{lock}{checks}
              RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
            END $$"""
        )
        statements.append(
            f"""CREATE OR REPLACE TRIGGER {table}_frozen BEFORE INSERT OR UPDATE OR DELETE
            ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_frozen()"""
        )
    changed = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in VERSION_CONTENT)
    later = f"OLD.{APPROVED_CONTENT} IS DISTINCT FROM NEW.{APPROVED_CONTENT}"
    statements += [
        f"""CREATE OR REPLACE FUNCTION {DECISIONS}_kept() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          RAISE EXCEPTION '{KEPT}' USING ERRCODE = '23001';
        END $$""",
        f"""CREATE OR REPLACE TRIGGER {DECISIONS}_kept BEFORE UPDATE OR DELETE
        ON {DECISIONS} FOR EACH ROW EXECUTE FUNCTION {DECISIONS}_kept()""",
        f"""CREATE OR REPLACE TRIGGER {DECISIONS}_not_emptied BEFORE TRUNCATE
        ON {DECISIONS} FOR EACH STATEMENT EXECUTE FUNCTION {DECISIONS}_kept()""",
        f"""CREATE OR REPLACE FUNCTION catalogue_version_frozen() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
          IF OLD.state <> 'draft' AND (TG_OP = 'DELETE' OR {changed}) THEN
            RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = '23001';
          END IF;
          IF TG_OP = 'UPDATE' AND OLD.state <> 'in_pre_moderation' AND {later} THEN
            RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = '23001';
          END IF;
          RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
        END $$""",
        """CREATE OR REPLACE TRIGGER catalogue_version_frozen BEFORE UPDATE OR DELETE
        ON catalogue_microcredentialversion FOR EACH ROW
        EXECUTE FUNCTION catalogue_version_frozen()""",
    ]
    return statements


def _sqlite() -> list[str]:
    statements = []

    def trigger(name: str, table: str, operation: str, when: str, said: str = MESSAGE) -> None:
        statements.append(f"DROP TRIGGER IF EXISTS {name}")
        statements.append(
            f"CREATE TRIGGER {name} BEFORE {operation} ON {table} FOR EACH ROW WHEN {when}"
            f" BEGIN SELECT RAISE(ABORT, '{said}'); END"
        )

    for operation in _ROWS:
        for table, when in _conditions(operation).items():
            trigger(f"{table}_frozen_{operation.lower()}", table, operation, when)
    changed = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in VERSION_CONTENT)
    table = "catalogue_microcredentialversion"
    trigger(
        "catalogue_version_frozen_update", table, "UPDATE", f"OLD.state <> 'draft' AND ({changed})"
    )
    trigger("catalogue_version_frozen_delete", table, "DELETE", "OLD.state <> 'draft'")
    later = f"OLD.{APPROVED_CONTENT} IS NOT NEW.{APPROVED_CONTENT}"
    trigger(
        "catalogue_approved_policy_frozen", table, "UPDATE",
        f"OLD.state <> 'in_pre_moderation' AND {later}",
    )  # fmt: skip
    trigger(f"{DECISIONS}_kept_update", DECISIONS, "UPDATE", "1", KEPT)
    trigger(f"{DECISIONS}_kept_delete", DECISIONS, "DELETE", "1", KEPT)
    return statements
