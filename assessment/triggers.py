"""The database keeps sealed decisions as they were sealed.

A sealed decision may only become final, once; its judgements and what they point to may neither change nor
go. A correction is a new decision with the next number. An exemplar may only be retired, once; what it froze
stays.
An answered feedback review stays as it was answered.
Comments on evidence and their entries are only added to, and so is what was read, answered and decided in an
early check, waivers that ended, and which work was a seed. Holds against update(), SQL and the shell, on
PostgreSQL and SQLite.
"""

from typing import Any

DECISION = "assessment_assessmentdecision"
JUDGEMENT = "assessment_criterionjudgement"
POINTER = f"{JUDGEMENT}_pointers"
COMMENTS = ("assessment_evidencecomment", "assessment_commententry")
ONLY_ADDED = "assessment: comments are only added to"
MESSAGE = "assessment: a sealed decision is never changed"
EXEMPLAR = "assessment_exemplar"
EXEMPLAR_PARTS = ("assessment_exemplarlevel", "assessment_exemplarevidence")
EXEMPLAR_MESSAGE = "assessment: an exemplar is never changed"
RETIREMENT = ("retired_at", "retired_by_id", "retirement_reason")

CALIBRATION = ("assessment_calibrationjudgement", "assessment_calibrationwaiver")
# A row is kept from the moment that this column of it has a value.
CALIBRATED = {
    "assessment_calibrationattempt": "concluded_at",
    "assessment_calibrationitem": "marked_at",
}
REVIEW = "assessment_feedbackreview"
REVIEW_MESSAGE = "assessment: an answered feedback review is never changed"
CALIBRATION_MESSAGE = "assessment: what was marked in a calibration is never changed"
WAIVER = "assessment_conflictwaiver"
WAIVER_MESSAGE = "assessment: an ended waiver of a conflict is never changed"
DRAW = "assessment_readingdraw"
DRAW_MESSAGE = "assessment: what was drawn to be read twice is never changed"
DISCUSSION = "assessment_discussion"
ENTRY = "assessment_discussionentry"
DISCUSSION_MESSAGE = "assessment: what two assessors said to each other is never changed"
EARLY = ("assessment_earlyreading", "assessment_earlyanswer", "assessment_earlyverdict")
EARLY_MESSAGE = "assessment: what an early check found is never changed"
SEEDS = ("assessment_seed", "assessment_seedwithdrawal")
SEED_MESSAGE = "assessment: which work was a seed is never changed"

ALWAYS = "1 = 1"
KEPT = (
    *((table, CALIBRATION_MESSAGE, ALWAYS) for table in CALIBRATION),
    *(
        (table, CALIBRATION_MESSAGE, f"OLD.{column} IS NOT NULL")
        for table, column in CALIBRATED.items()
    ),
    (REVIEW, REVIEW_MESSAGE, "OLD.answered_at IS NOT NULL"),
    (WAIVER, WAIVER_MESSAGE, "OLD.ended_at IS NOT NULL"),
    (DRAW, DRAW_MESSAGE, ALWAYS),
    (DISCUSSION, DISCUSSION_MESSAGE, "OLD.concluded_at IS NOT NULL"),
    (ENTRY, DISCUSSION_MESSAGE, ALWAYS),
    *((table, EARLY_MESSAGE, ALWAYS) for table in EARLY),
    *((table, SEED_MESSAGE, ALWAYS) for table in SEEDS),
)
"""Tables whose rows are kept whole, from when on."""


def install(connection: Any) -> None:
    """Put the triggers in place; again and again is the same as once."""
    tables = set(connection.introspection.table_names())
    if not {DECISION, JUDGEMENT, POINTER, *COMMENTS} <= tables:
        return
    on_postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, DECISION)
        kept = sorted(column.name for column in described if column.name != "final_at")
        statements = _postgresql(kept) if on_postgresql else _sqlite(kept)
        if EXEMPLAR in tables:
            described = connection.introspection.get_table_description(cursor, EXEMPLAR)
            frozen = sorted(one.name for one in described if one.name not in RETIREMENT)
            make = _exemplars_on_postgresql if on_postgresql else _exemplars_on_sqlite
            statements += make(frozen)
        for table, message, when in KEPT:
            if table in tables:
                statements += _kept_whole(table, message, on_postgresql=on_postgresql, when=when)
        for statement in statements:
            cursor.execute(statement)


def _kept_whole(table: str, message: str, *, on_postgresql: bool, when: str) -> list[str]:
    """Refuse every change of a row, and that it goes; of those for which `when` is true."""
    if on_postgresql:
        refuse = f"RAISE EXCEPTION '{message}' USING ERRCODE = '23001'"
        head = f"CREATE OR REPLACE FUNCTION {table}_kept() RETURNS trigger LANGUAGE plpgsql AS"
        event = f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW WHEN ({when})"
        return [
            f"{head} $$ BEGIN {refuse}; END $$",
            f"CREATE OR REPLACE TRIGGER {table}_kept {event} EXECUTE FUNCTION {table}_kept()",
        ]
    statements = []
    for event in ("UPDATE", "DELETE"):
        name = f"{table}_{event.lower()}_kept"
        refuse = f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        statements += [
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {when} {refuse}",
        ]
    return statements


def _sealed(row: str) -> str:
    """SQL: the decision of this judgement is sealed."""
    return (
        f"EXISTS (SELECT 1 FROM {DECISION} d WHERE d.id = {row}.decision_id"  # noqa: S608  constants
        " AND d.sealed_at IS NOT NULL)"
    )


def _pointed_from_sealed(row: str) -> str:
    """SQL: the judgement of this pointer belongs to a sealed decision."""
    return (
        f"EXISTS (SELECT 1 FROM {JUDGEMENT} j JOIN {DECISION} d ON d.id = j.decision_id"  # noqa: S608
        f" WHERE j.id = {row}.criterionjudgement_id AND d.sealed_at IS NOT NULL)"
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
        f"""CREATE OR REPLACE FUNCTION {POINTER}_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF {_pointed_from_sealed("OLD")} THEN {refuse}; END IF;
          {back}
        END $$""",
        *(
            f"CREATE OR REPLACE TRIGGER {table}_sealed BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {table}_sealed()"
            for table in (DECISION, JUDGEMENT, POINTER)
        ),
        f"""CREATE OR REPLACE FUNCTION assessment_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          RAISE EXCEPTION '{ONLY_ADDED}' USING ERRCODE = '23001';
        END $$""",
        *(
            f"CREATE OR REPLACE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION assessment_only_added()"
            for table in COMMENTS
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
        **{
            f"{POINTER}_{event.lower()}": (
                f"BEFORE {event} ON {POINTER} WHEN {_pointed_from_sealed('OLD')}"
            )
            for event in ("UPDATE", "DELETE")
        },
    }
    statements = []
    for name, rule in wanted.items():
        statements += [
            f"DROP TRIGGER IF EXISTS {name}_sealed",
            f"CREATE TRIGGER {name}_sealed {rule} {refuse}",
        ]
    refuse_comment = f"BEGIN SELECT RAISE(ABORT, '{ONLY_ADDED}'); END"
    for table in COMMENTS:
        for deed in ("UPDATE", "DELETE"):
            name = f"{table}_{deed.lower()}_only_added"
            statements += [
                f"DROP TRIGGER IF EXISTS {name}",
                f"CREATE TRIGGER {name} BEFORE {deed} ON {table} {refuse_comment}",
            ]
    return statements


def _exemplars_on_postgresql(frozen: list[str]) -> list[str]:
    changed = " OR ".join(
        f'OLD."{name}"::text IS DISTINCT FROM NEW."{name}"::text' for name in frozen
    )
    refuse = f"RAISE EXCEPTION '{EXEMPLAR_MESSAGE}' USING ERRCODE = '23001'"
    only_retired = (
        f"IF TG_OP = 'DELETE' OR OLD.retired_at IS NOT NULL OR {changed} THEN {refuse}; END IF;"
        " RETURN NEW;"
    )
    statements = []
    for table in (EXEMPLAR, *EXEMPLAR_PARTS):
        body = only_retired if table == EXEMPLAR else f"{refuse};"
        head = f"CREATE OR REPLACE FUNCTION {table}_kept() RETURNS trigger LANGUAGE plpgsql AS"
        event = f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW"
        statements += [
            f"{head} $$ BEGIN {body} END $$",
            f"CREATE OR REPLACE TRIGGER {table}_kept {event} EXECUTE FUNCTION {table}_kept()",
        ]
    return statements


def _exemplars_on_sqlite(frozen: list[str]) -> list[str]:
    changed = " OR ".join(f'OLD."{name}" IS NOT NEW."{name}"' for name in frozen)
    refuse = f"BEGIN SELECT RAISE(ABORT, '{EXEMPLAR_MESSAGE}'); END"
    wanted = {
        f"{EXEMPLAR}_update": (
            f"BEFORE UPDATE ON {EXEMPLAR} WHEN OLD.retired_at IS NOT NULL OR {changed}"
        ),
        f"{EXEMPLAR}_delete": f"BEFORE DELETE ON {EXEMPLAR}",
    }
    for table in EXEMPLAR_PARTS:
        wanted[f"{table}_update"] = f"BEFORE UPDATE ON {table}"
        wanted[f"{table}_delete"] = f"BEFORE DELETE ON {table}"
    statements = []
    for name, rule in wanted.items():
        statements += [
            f"DROP TRIGGER IF EXISTS {name}_kept",
            f"CREATE TRIGGER {name}_kept {rule} {refuse}",
        ]
    return statements
