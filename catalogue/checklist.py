"""The checklist of pre-assessment moderation (domain 2.2): its questions, and what the system works out itself.

Of the questions some are settled by the content alone: the system answers them and nobody can answer
otherwise. For others it only says what it found, and a person answers. Pure: from the content of a version
(`hashing.content_of`) to findings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalogue.minimum_pass import BarePass, bare_passes, unproven
from catalogue.wording import brief_hints, evidence_kinds, levels_alike, outcome_words

QUESTIONS = {
    "outcomes_assessed": "Each learning outcome is assessed at least once",
    "minimum_pass": "A learner with the least that passes has shown every outcome",
    "outcome_words": "The outcomes say what can be seen, in words that fit the level",
    "instructions": "The instructions are clear, and the conditions fit the level",
    "workload": "The work fits the hours of the credits",
    "evidence_types": "Each criterion can be shown by evidence that its task takes",
    "levels_distinct": "The levels of each criterion can be told apart",
    "examples": "The rubric says what good work looks like, in how well and how much",
    "accessible": "Nothing in the tasks shuts out disabled learners",
    "reo": "Learners may submit in te reo Māori, or there is a stated reason why not",
    "cultural_safety": "Tasks and evidence are culturally safe",
    "confidentiality": "Learners are told how to treat confidential evidence",
    "authenticity": "There is a way to confirm that the work is the learner’s own",
    "ai_use": "Each task says how AI tools may be used",
}
ANSWERS = {"yes": "Yes", "no": "No", "not_applicable": "Does not apply"}
AI_WORDS = {
    "not_allowed": "not allowed",
    "with_declaration": "allowed, with declaration",
    "required": "part of the task",
}
TOLERANCE = 0.05  # of the hours of the credits (domain 1.1)


@dataclass(frozen=True)
class Answer:
    """What was answered to one question, with a note and the place where one looked."""

    answer: str
    note: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class Finding:
    """What the system found about one question. `answer` is empty where only a person can say."""

    lines: tuple[str, ...]
    answer: str = ""


@dataclass(frozen=True)
class Examined:
    """Everything the system worked out about a version."""

    content: Mapping[str, Any]
    passes: tuple[BarePass, ...]
    unproven: tuple[int, ...]
    findings: Mapping[str, Finding]


def examine(content: Mapping[str, Any]) -> Examined:
    """Answer what can be answered, and gather what may help with the rest."""
    passes = tuple(bare_passes(content))
    missing = tuple(unproven(content, passes))
    criteria = [one for rubric in content["rubrics"] for one in rubric["criteria"]]
    assessed = {one["outcome"] for one in criteria}
    forgotten = [one for one in content["outcomes"] if one["number"] not in assessed]
    tasks = content["tasks"]
    alike = levels_alike(content["rubrics"])
    shown = sum(1 for one in criteria if one["good_looks_like"].strip())
    asked = sum(task["attestations_required"] for task in tasks)
    briefs = [f"Task {one.task}: {one.what}: “{one.words}”." for one in brief_hints(tasks)]
    findings = {
        "outcomes_assessed": Finding(
            tuple(f"No criterion assesses outcome {_named(one)}." for one in forgotten)
            or (f"{len(criteria)} criteria assess {len(content['outcomes'])} outcomes.",),
            "no" if forgotten else "yes",
        ),
        "minimum_pass": _minimum(content, passes, missing),
        "outcome_words": Finding(tuple(_outcome_lines(content))),
        "workload": _workload(content["credential"]),
        "evidence_types": Finding(
            tuple(
                f"Task {task['number']} takes {evidence_kinds(task['file_types'])}."
                for task in tasks
            )
        ),
        "levels_distinct": Finding(
            tuple(
                f"{one.code}: “{one.lower}” and “{one.upper}” say nearly the same." for one in alike
            )
            or ("No two neighbouring levels say nearly the same.",)
        ),
        "examples": Finding(
            (f"{shown} of {len(criteria)} criteria say what good work looks like.",)
        ),
        "accessible": Finding(
            tuple(briefs) or ("Nothing in the wording of the tasks is known to shut people out.",)
        ),
        "authenticity": Finding(
            (
                f"Verifiers confirm {asked} {'time' if asked == 1 else 'times'}."
                if asked
                else "No task asks for the confirmation of a verifier.",
            )
        ),
        "ai_use": Finding(
            tuple(f"Task {task['number']}: {AI_WORDS[task['ai_policy']]}." for task in tasks), "yes"
        ),
    }
    return Examined(content, passes, missing, findings)


def _named(outcome: Mapping[str, Any]) -> str:
    return f"{outcome['number']}, “{outcome['title']}”"


def _minimum(
    content: Mapping[str, Any], passes: tuple[BarePass, ...], missing: tuple[int, ...]
) -> Finding:
    """In words: whether the least pass proves every outcome, and which it leaves open."""
    lines = [f"No set of levels passes task {one.task}." for one in passes if one.ranks is None] + [
        f"Somebody can pass and still not have shown outcome {_named(one)}."
        for one in content["outcomes"]
        if one["number"] in missing
    ]
    if lines:
        return Finding(tuple(lines), "no")
    count = len(content["outcomes"])
    said = "Whoever passes with the least has met a criterion of every outcome"
    return Finding((f"{said} ({count} of {count}).",), "yes")


def _outcome_lines(content: Mapping[str, Any]) -> list[str]:
    level = content["credential"]["level"]
    lines = []
    for one in outcome_words(content["outcomes"], level):
        if one.is_vague:
            said = "names nothing that an assessor can see"
        elif one.group is None:
            said = "is not a word that the system knows"
        elif one.is_low:
            said = f"asks to {one.group}, which is little for level {level}"
        else:
            said = f"asks to {one.group}; that fits level {level}"
        lines.append(f"Outcome {one.number}: “{one.word}” {said}.")
    return lines


def _workload(credential: Mapping[str, Any]) -> Finding:
    """Ten hours for each credit, give or take five percent; no answer where no hours are listed."""
    parts = credential["listing"].get("workload") or []
    wanted = credential["credits"] * 10
    if not parts:
        return Finding((f"No hours are listed; the credits stand for {wanted}.",))
    hours = sum(part["hours"] for part in parts)
    fits = abs(hours - wanted) <= wanted * TOLERANCE
    return Finding(
        (f"{hours:g} hours are listed; the credits stand for {wanted}.",), "yes" if fits else "no"
    )


def recorded(examined: Examined, answers: Mapping[str, Answer]) -> list[dict[str, Any]]:
    """The whole checklist as it is kept: each question, its answer, who gave it, and what was found.

    What the content settles stands as the system's, whatever a person sent.
    """
    rows = []
    for name, question in QUESTIONS.items():
        found = examined.findings.get(name, Finding(()))
        given = answers.get(name, Answer(""))
        rows.append(
            {
                "name": name,
                "question": question,
                "answer": found.answer or given.answer,
                "by": "system" if found.answer else "person",
                "found": list(found.lines),
                "note": given.note,
                "evidence": given.evidence,
            }
        )
    return rows
