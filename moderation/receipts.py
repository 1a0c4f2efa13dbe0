"""The round's record as a tagged PDF, for people. The JSON beside it is what can be verified."""

from typing import Any

from accounts.wording import percent
from moderation.enums import ExternalFinding, RoundDecision, RoundState, SamplePart, SampleState
from portfolios.receipts import pdf

Facts = dict[str, Any]
ANSWER = {"yes": "Yes", "partly": "In part", "no": "No", "": "Not said"}
COEFFICIENTS = ("quadratic_weighted_kappa", "gwet_ac2_quadratic")
BASES = {"moderation": "Moderation", "correction": "Factual error"}


def record_pdf(record: Facts) -> bytes:
    """Everything that domain 2.5 asks of a moderation record. Raises FontsMissing."""
    return pdf("moderation/record.typ", facts_of(record))


def facts_of(record: Facts) -> Facts:
    """The record in words, in the order of the pages."""
    about, decision = record["round"], record["decision"]
    plan = record["plans"][-1]
    return {
        "title": f"{about['task']}, round {about['number']}",
        "state": RoundState(about["state"]).label,
        "rows": [
            ["Delivery", about["delivery"]],
            ["Micro-credential", f"{about['micro_credential']}, version {about['version']}"],
            ["Definition", about["definition_hash"]],
            ["Rubric", ", ".join(about["rubric_hashes"])],
            ["Grade scheme", about["grade_scheme"]],
            ["Kind of moderation", about["kind"]],
            [
                "Read blind first",
                "Yes"
                if about["blind_first"]
                else "No: with the assessor’s decision in sight, so agreement is not independent",
            ],
            ["Opened", f"{about['opened_by']}, {when(about['opened_at'])}"],
            [
                "Closed",
                f"{about['closed_by']}, {when(about['closed_at'])}"
                if about["closed_at"]
                else "Not yet",
            ],
        ],
        "assurance": " ".join(
            one
            for one in (
                record["assurance"].get("sentence", "The round is not closed yet."),
                record["assurance"].get("caution", ""),
            )
            if one
        ),
        "decision": [
            ["Decision", label(RoundDecision, decision["decision"]) or "None yet"],
            ["Reason", decision["reason"]],
            [
                "Required actions",
                "; ".join(
                    f"{one['text']} ({one['owner']}, by {one['due_on']}, "
                    f"{'closed: ' + one['closing_note'] if one['closed_at'] else 'open'})"
                    for one in record["actions"]
                )
                or decision["required_actions"]
                or "None",
            ],
            ["Decided", f"{decision['decided_by']} {when(decision['decided_at'])}".strip()],
            [
                "Second approver",
                f"{decision['approved_by']} {when(decision['approved_at'])}".strip() or "None",
            ],
        ],
        "actions": [
            [
                one["text"],
                f"{one['owner']}, by {one['due_on']}",
                one["response"] or "None yet",
                f"{one['closed_by']}, {when(one['closed_at'])}. {one['closing_note']}"
                if one["closed_at"]
                else "Open",
            ]
            for one in record["actions"]
        ],
        "external": [external_facts(one) for one in record["external"]],
        "changes": [
            [
                one["code"],
                f"{grade(one['before'])} → {grade(one['after'])}",
                BASES.get(one["basis"], one["basis"].replace("_", " ").capitalize()),
                one["reason"],
                ", ".join(code for code in (one["by"], one["approved_by"]) if code),
            ]
            for one in record["changes"]
        ],
        "agreement": agreement_rows(record["statistics"]),
        "coefficients": coefficient_rows(record["statistics"]),
        "population": [
            ["Decisions", str(len(record["members"]))],
            ["Algorithm", plan["algorithm"]],
            ["Seed", plan["seed"]],
            ["Fingerprint of the population", plan["population_hash"]],
            ["Fingerprint of the policy", plan["policy_hash"]],
        ],
        "strata": strata_rows(record),
        "plans": [
            [str(one["number"]), one["reason"], one["made_by"], when(one["made_at"])]
            for one in record["plans"]
        ],
        "draws": [
            [
                str(one["draw"]),
                one["because"],
                str(one["targeted"]),
                str(one["random"]),
                when(one["at"]),
            ]
            for one in record["draws"]
        ],
        "items": [item_facts(one) for one in record["items"]],
        "people": [
            [code, ", ".join(roles).replace("_", " ") or "staff"]
            for code, roles in sorted(record["people"].items())
        ],
        "key": record["signature"]["key_id"],
    }


def when(moment: str) -> str:
    """A moment of the record for people, to the minute; the JSON has it whole."""
    return f"{moment[:10]} {moment[11:16]} UTC" if moment else ""


def label(choices: Any, value: str) -> str:
    return str(choices(value).label) if value else ""


def grade(result: Facts) -> str:
    return str(result["grade"] or result["outcome"].replace("_", " "))


def groups_of(statistics: Facts) -> list[tuple[str, Facts]]:
    """All together, then each criterion, then each assessor; nothing before figures are stored."""
    if not statistics or not statistics["all"]:
        return []
    return [
        ("All", statistics["all"]),
        *statistics["by_criterion"].items(),
        *statistics["by_assessor"].items(),
    ]


def coefficient_rows(statistics: Facts) -> list[list[str]]:
    """Kappa and AC side by side with their intervals, where enough was read twice."""
    return [
        [name, str(one["items"]), *(interval(one[key]) for key in COEFFICIENTS)]
        for name, one in groups_of(statistics)
        if any(one[key] for key in COEFFICIENTS)
    ]


def interval(one: Facts | None) -> str:
    if one is None:
        return "Undefined"
    if one["low"] is None:
        return f"{one['value']:.2f}"
    return f"{one['value']:.2f} ({one['low']:.2f} to {one['high']:.2f})"


def strata_rows(record: Facts) -> list[list[str]]:
    """Assessor and grade band of every plan: how many decisions, how many of them targeted, how many read."""
    read = {one["code"] for one in record["items"] if not one["superseded"]}
    strata: dict[tuple[int, str], list[Facts]] = {}
    for one in record["members"]:
        strata.setdefault((one["plan"], one["stratum"]), []).append(one)
    return [
        [
            str(plan),
            *stratum.split("|", 1),
            str(len(own)),
            str(sum(bool(one["targeted_for"]) for one in own)),
            str(sum(one["code"] in read for one in own)),
        ]
        for (plan, stratum), own in sorted(strata.items())
    ]


def external_facts(review: Facts) -> Facts:
    """One look from outside: who it was, by a pointer, for how long, and what they reported."""
    return {
        "title": review["person"],
        "rows": [
            ["CV or Record of Achievement", review["achievement_record"] or "Not given"],
            ["Could read", f"{when(review['opens_at'])} to {when(review['closes_at'])}"],
            ["Revoked", when(review["revoked_at"]) or "No"],
            ["Found", label(ExternalFinding, review["finding"]) or "No report yet"],
            ["Report", review["report"] or "None"],
            *([f"On {code}", text] for code, text in review["item_comments"].items()),
        ],
    }


def agreement_rows(statistics: Facts) -> list[list[str]]:
    """Shares and bias of each group."""
    return [
        [
            name,
            str(one["items"]),
            percent(one["exact"]),
            percent(one["adjacent"]),
            percent(one["pass_fail"]),
            f"{one['bias']:+.2f}",
        ]
        for name, one in groups_of(statistics)
    ]


def item_facts(item: Facts) -> Facts:
    """One drawn piece: what both gave, what was said, what was decided."""
    reading = item["readings"][0] if item["readings"] else None
    mine = reading["levels"] if reading else {}
    theirs = item["frozen"]["levels"]
    state = SampleState(item["state"]).label
    return {
        "code": item["code"],
        "state": f"{state}, set aside when the set was assessed again"
        if item["superseded"]
        else state,
        "why": ", ".join(item["reasons"]).replace("_", " "),
        "where": f"{label(SamplePart, item['part'])} part, draw {item['draw']}, stratum "
        f"{item['stratum'].replace('|', ', ')}, chance {percent(item['inclusion_probability'], 1)}",
        "moderator": item["moderator"] or "Nobody",
        "levels": [
            [
                criterion,
                given(criterion, item["frozen"]),
                given(criterion, reading),
                (reading or {}).get("comments", {}).get(criterion, ""),
            ]
            for criterion in sorted({*theirs, *mine})
        ]
        if reading
        else [],
        "rows": [
            ["Independence", reading["independence"] or "Not declared"],
            ["Evidence sufficient", said(reading["evidence_sufficient"], reading["evidence_note"])],
            [
                "Accessibility and te reo Māori",
                reading["accessibility_and_te_reo"] or "Nothing noted",
            ],
            ["Comment", reading["comment"] or "None"],
            *(
                [
                    f"{label(SampleState, one['outcome'])}, {one['by']}, {when(one['at'])}",
                    ". ".join(
                        part
                        for part in (
                            one["reason"],
                            f"Feedback helps: {said(one['feedback_useful'], one['feedback_note'])}",
                        )
                        if part
                    ),
                ]
                for one in item["decisions"]
            ),
        ]
        if reading
        else [],
    }


def given(criterion: str, judged: Facts) -> str:
    """The level of one side, and by its number the evidence that it rests on."""
    level = judged["levels"].get(criterion, {}).get("code", "–")
    numbers = judged.get("evidence", {}).get(criterion, [])
    return f"{level} (evidence {', '.join(map(str, numbers))})" if numbers else str(level)


def said(answer: str, note: str) -> str:
    return f"{ANSWER.get(answer, answer)}. {note}".strip() if note else ANSWER.get(answer, answer)
