"""The database keeps what moderation promises, against update(), SQL and the shell, on both databases.

No single result moves while an extension is open; a round is neither decided nor closed with an item that
waits, an extension that is owed, or an adjustment that a second person has not approved; plans and decisions
on items are only added to, a sealed reading keeps its levels, a report from outside and a signed
record of a meeting their words, and what that record asks for its owner and date.
"""

from dataclasses import dataclass
from typing import Any

ROUND = "moderation_moderationround"
MEMBER = "moderation_roundmember"
ITEM = "moderation_sampleitem"
PLAN = "moderation_planversion"
READING = "moderation_moderatorreading"
JUDGEMENT = "moderation_moderatorjudgement"
POINTER = f"{JUDGEMENT}_pointers"
ITEM_DECISION = "moderation_moderationdecision"
RESULT = "assessment_assessmentdecision"
REVIEW = "moderation_externalreview"
REMARK = "moderation_externalcomment"
MEETING = "moderation_meeting"
AMENDMENT = "moderation_meetingamendment"
ACTION = "moderation_requiredaction"
MET = tuple(f"{MEETING}_{name}" for name in ("attendees", "submissions", "exemplars"))
TABLES = (
    ROUND,
    MEMBER,
    ITEM,
    PLAN,
    READING,
    JUDGEMENT,
    POINTER,
    ITEM_DECISION,
    RESULT,
    REVIEW,
    REMARK,
    MEETING,
    AMENDMENT,
    ACTION,
    *MET,
)

ASKED_OTHERWISE = (
    "NEW.text <> OLD.text OR NEW.owner_id <> OLD.owner_id OR NEW.due_on <> OLD.due_on"
    " OR NEW.meeting_id IS NULL OR NEW.meeting_id <> OLD.meeting_id"
)

UNREAD_EXTENSION = (
    f"EXISTS (SELECT 1 FROM {ITEM} i WHERE i.round_id = r.id AND i.superseded_at IS NULL"  # noqa: S608
    " AND i.state = 'drawn' AND {reasons} LIKE '%extension%')"
)


@dataclass(frozen=True)
class Trigger:
    """Refuse an event on a table where `when` holds. `{owed}` and `{reasons}` are JSON as text."""

    name: str
    table: str
    events: tuple[str, ...]
    when: str
    message: str


def _open_extension(row: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM {MEMBER} m JOIN {ROUND} r ON r.id = m.round_id"  # noqa: S608
        f" WHERE m.submission_id = {row}.submission_id"
        " AND r.state IN ('reviewing', 'decided', 'reopened')"
        f" AND ({{owed}} <> '[]' OR {UNREAD_EXTENSION}))"
    )


WANTED = (
    Trigger(
        "moderation_result_frozen_insert",
        RESULT,
        ("INSERT",),
        "NEW.final_at IS NOT NULL AND NEW.basis IN ('moderation', 'correction')"
        f" AND {_open_extension('NEW')}",
        "no single result changes while an extension is open",
    ),
    Trigger(
        "moderation_result_frozen_update",
        RESULT,
        ("UPDATE",),
        "OLD.final_at IS NULL AND NEW.final_at IS NOT NULL"
        f" AND NEW.basis IN ('moderation', 'correction') AND {_open_extension('NEW')}",
        "no single result changes while an extension is open",
    ),
    Trigger(
        "moderation_round_resolved",
        ROUND,
        ("UPDATE",),
        "NEW.state IN ('decided', 'closed') AND OLD.state <> NEW.state AND ({new_owed} <> '[]'"  # noqa: S608
        f" OR EXISTS (SELECT 1 FROM {ITEM} i WHERE i.round_id = NEW.id"
        " AND i.superseded_at IS NULL AND i.state NOT IN ('upheld', 'adjusted')))",
        "a round with unresolved items or an open extension is neither decided nor closed",
    ),
    Trigger(
        "moderation_round_approved",
        ROUND,
        ("UPDATE",),
        "NEW.state = 'closed' AND OLD.state <> 'closed' AND"
        " (NEW.decision NOT IN ('accept', 'accept_with_actions', 'adjust_set')"
        " OR (NEW.decision = 'adjust_set'"
        " AND (NEW.approved_by_id IS NULL OR NEW.approved_by_id = NEW.decided_by_id)))",
        "a round closes by a closing decision, an adjustment by two people",
    ),
    Trigger("moderation_plan_kept_update", PLAN, ("UPDATE",), "", "plans are only added to"),
    Trigger("moderation_plan_kept_delete", PLAN, ("DELETE",), "", "plans are only added to"),
    Trigger(
        "moderation_item_decision_kept",
        ITEM_DECISION,
        ("UPDATE",),
        "NEW.item_id <> OLD.item_id OR NEW.moderator_id <> OLD.moderator_id"
        " OR NEW.outcome <> OLD.outcome OR NEW.reason <> OLD.reason"
        " OR NEW.disagreement <> OLD.disagreement OR NEW.factual_error <> OLD.factual_error"
        " OR NEW.decided_at <> OLD.decided_at OR NEW.compared_with_id <> OLD.compared_with_id"
        " OR (OLD.new_decision_id IS NOT NULL AND NEW.new_decision_id <> OLD.new_decision_id)"
        " OR (OLD.new_decision_id IS NOT NULL AND NEW.new_decision_id IS NULL)",
        "a decision on an item is never changed",
    ),
    Trigger(
        "moderation_item_decision_gone",
        ITEM_DECISION,
        ("DELETE",),
        "",
        "a decision on an item is never deleted",
    ),
    Trigger(
        "moderation_reading_sealed_update",
        READING,
        ("UPDATE",),
        "OLD.sealed_at IS NOT NULL",
        "a sealed reading is never changed",
    ),
    Trigger(
        "moderation_reading_sealed_delete",
        READING,
        ("DELETE",),
        "OLD.sealed_at IS NOT NULL",
        "a sealed reading is never deleted",
    ),
    Trigger(
        "moderation_external_report_kept",
        REVIEW,
        ("UPDATE",),
        "OLD.submitted_at IS NOT NULL AND (NEW.submitted_at IS NULL"
        " OR NEW.submitted_at <> OLD.submitted_at OR NEW.finding <> OLD.finding"
        " OR NEW.report <> OLD.report OR NEW.person_id <> OLD.person_id"
        " OR NEW.round_id <> OLD.round_id OR NEW.achievement_record <> OLD.achievement_record)",
        "a report that was submitted is never changed",
    ),
    Trigger(
        "moderation_external_report_gone",
        REVIEW,
        ("DELETE",),
        "",
        "an invitation is never deleted",
    ),
    *(
        Trigger(
            f"{MEETING}_signed_{event.lower()}",
            MEETING,
            (event,),
            "OLD.signed_at IS NOT NULL",
            "a signed record of a meeting is never changed",
        )
        for event in ("UPDATE", "DELETE")
    ),
    *(
        Trigger(
            f"{AMENDMENT}_kept_{event.lower()}",
            AMENDMENT,
            (event,),
            "",
            "amendments are only added to",
        )
        for event in ("UPDATE", "DELETE")
    ),
    *(
        Trigger(
            f"{table}_signed_{event.lower()}",
            table,
            (event,),
            f"EXISTS (SELECT 1 FROM {MEETING} x WHERE x.id = {row}.meeting_id"  # noqa: S608
            " AND x.signed_at IS NOT NULL)",
            "a signed record of a meeting is never changed",
        )
        for table in MET
        for event, row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD"))
    ),
    *(
        Trigger(
            f"{ACTION}_signed_{event.lower()}",
            ACTION,
            (event,),
            f"EXISTS (SELECT 1 FROM {MEETING} x WHERE x.id = {row}.meeting_id"  # noqa: S608
            f" AND x.signed_at IS NOT NULL){also}",
            "what a signed record of a meeting asks for is never changed",
        )
        for event, row, also in (
            ("INSERT", "NEW", ""),
            ("UPDATE", "OLD", f" AND ({ASKED_OTHERWISE})"),
            ("DELETE", "OLD", ""),
        )
    ),
    *(
        Trigger(
            f"moderation_external_comment_{event.lower()}",
            REMARK,
            (event,),
            f"EXISTS (SELECT 1 FROM {REVIEW} x WHERE x.id = {row}.review_id"  # noqa: S608
            " AND x.submitted_at IS NOT NULL)",
            "a report that was submitted is never changed",
        )
        for event, row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD"))
    ),
    *(
        Trigger(
            f"moderation_levels_sealed_{event.lower()}",
            JUDGEMENT,
            (event,),
            f"EXISTS (SELECT 1 FROM {READING} x WHERE x.id = {row}.reading_id"  # noqa: S608
            " AND x.sealed_at IS NOT NULL)",
            "a sealed reading keeps its levels",
        )
        for event, row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD"))
    ),
    *(
        Trigger(
            f"moderation_pointers_sealed_{event.lower()}",
            POINTER,
            (event,),
            f"EXISTS (SELECT 1 FROM {JUDGEMENT} j JOIN {READING} x ON x.id = j.reading_id"  # noqa: S608
            f" WHERE j.id = {row}.moderatorjudgement_id AND x.sealed_at IS NOT NULL)",
            "a sealed reading keeps the evidence that it points to",
        )
        for event, row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD"))
    ),
)


def install(connection: Any) -> None:
    """Put the triggers in place; again and again is the same as once."""
    if not set(TABLES) <= set(connection.introspection.table_names()):
        return
    make = _postgresql if connection.vendor == "postgresql" else _sqlite
    with connection.cursor() as cursor:
        for trigger in WANTED:
            for statement in make(trigger):
                cursor.execute(statement)


def _postgresql(trigger: Trigger) -> list[str]:
    back = "OLD" if trigger.events == ("DELETE",) else "NEW"
    when = _filled(
        trigger.when, "r.extensions_owed::text", "NEW.extensions_owed::text", "i.reasons::text"
    )
    refuse = f"RAISE EXCEPTION 'moderation: {trigger.message}' USING ERRCODE = '23001';"
    body = f"IF {when} THEN {refuse} END IF; RETURN {back};" if when else refuse
    head = f"CREATE OR REPLACE FUNCTION {trigger.name}() RETURNS trigger LANGUAGE plpgsql AS"
    event = f"BEFORE {' OR '.join(trigger.events)} ON {trigger.table} FOR EACH ROW"
    return [
        f"{head} $$ BEGIN {body} END $$",
        f"CREATE OR REPLACE TRIGGER {trigger.name} {event} EXECUTE FUNCTION {trigger.name}()",
    ]


def _sqlite(trigger: Trigger) -> list[str]:
    when = _filled(trigger.when, "r.extensions_owed", "NEW.extensions_owed", "i.reasons")
    event = f"BEFORE {trigger.events[0]} ON {trigger.table}{f' WHEN {when}' if when else ''}"
    refuse = f"BEGIN SELECT RAISE(ABORT, 'moderation: {trigger.message}'); END"
    return [
        f"DROP TRIGGER IF EXISTS {trigger.name}",
        f"CREATE TRIGGER {trigger.name} {event} {refuse}",
    ]


def _filled(when: str, owed: str, new_owed: str, reasons: str) -> str:
    return (
        when.replace("{owed}", owed).replace("{new_owed}", new_owed).replace("{reasons}", reasons)
    )
