"""What the system finds by itself: words of outcomes, barriers in briefs, levels alike, and the answers."""

import pytest

from catalogue.checklist import QUESTIONS, Answer, examine, recorded
from catalogue.wording import brief_hints, evidence_kinds, levels_alike, outcome_words

MET = {
    "rank": 1,
    "code": "M",
    "label": "Met",
    "descriptor": "Shows it.",
    "is_met": True,
    "percent": None,
}
NOT = {
    **MET,
    "rank": 0,
    "code": "N",
    "label": "Not yet",
    "descriptor": "Does not.",
    "is_met": False,
}


def task(brief="Do it.", **other):
    return {
        "number": 1, "brief": brief, "ai_policy": "with_declaration", "attestations_required": 0,
        "file_types": [], **other,
    }  # fmt: skip


def criterion(outcome=1, **other):
    return {
        "number": 1, "code": "C1", "title": "One", "outcome": outcome, "is_required": True,
        "weight": "1.00", "good_looks_like": "", "levels": [NOT, MET], **other,
    }  # fmt: skip


def content(criteria, outcomes=("Evaluate a service",), *, listing=None, tasks=None):
    return {
        "credential": {"level": 6, "credits": 5, "listing": listing or {}},
        "outcomes": [{"number": n, "title": title} for n, title in enumerate(outcomes, start=1)],
        "tasks": tasks or [task()],
        "rubrics": [{"task": 1, "criteria": criteria}],
        "scheme": {
            "kind": "competency",
            "grades": [{"is_pass": False, "min_percent": None}, {"is_pass": True, "min_percent": None}],
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("title", "level", "word", "group", "vague", "low"),
    [
        ("Evaluate a service", 6, "evaluate", "evaluate", False, False),
        ("To plan and carry out a test", 6, "plan", "create", False, False),
        ("Carry out and evaluate a test", 6, "carry", "evaluate", False, False),
        ("List and analyse risks", 7, "list", "analyse", False, False),
        ("List risks", 5, "list", "recall", False, True),
        ("Describe risks", 5, "describe", "explain", False, True),
        ("Describe risks", 4, "describe", "explain", False, False),
        ("Understand risks", 5, "understand", None, True, False),
        ("Whakamārama i te mahi", 5, "whakamārama", None, False, False),
        ("", 5, "", None, False, False),
    ],
)
def test_the_leading_word_of_an_outcome(title, level, word, group, vague, low):
    [found] = outcome_words([{"number": 1, "title": title}], level)
    assert (found.word, found.group, found.is_vague, found.is_low) == (word, group, vague, low)


@pytest.mark.parametrize(
    ("brief", "words"),
    [
        ("Press the green button.", "the green button"),
        ("The form is on the right.", "on the right"),
        ("For more, click here.", "click here"),
        ("See https://example.org/a.", "https://example.org/a."),
        ("Answer within 20 minutes.", "within 20 minutes"),
        ("READ ALL OF THIS first.", "READ ALL OF THIS"),
        ("Watch the film and reply.", "Watch the"),
        ("word " * 31 + ".", "word word"),
    ],
)
def test_what_shuts_people_out_of_a_brief(brief, words):
    found = brief_hints([task(brief)])
    assert len(found) == 1
    assert words in found[0].words
    assert found[0].task == 1


@pytest.mark.parametrize(
    "brief",
    [
        "Show what you did at work. Choose the right method.",
        "Watch the film (with captions and a transcript).",
        "Use WCAG 2.2 and the RNZ style.",
        "Ask one colleague. " * 40,
    ],
)
def test_a_plain_brief_gets_no_hint(brief):
    assert brief_hints([task(brief)]) == []


def test_tasks_that_take_nothing_written_are_named():
    assert brief_hints([task(file_types=["mp4", "png"])])[0].words == "mp4, png"
    assert brief_hints([task(file_types=["mp4", "pdf"])]) == []
    assert evidence_kinds([]).startswith("files of every kind")
    assert evidence_kinds(["mp4", "pdf", "png", "wav"]) == (
        "documents (pdf), pictures (png), film (mp4), sound (wav), links and written notes"
    )


def test_levels_that_say_the_same_are_named():
    nearly = {**MET, "label": "Well", "descriptor": "Shows it, shows it."}
    [found] = levels_alike([{"criteria": [criterion(levels=[NOT, MET, nearly])]}])
    assert (found.code, found.lower, found.upper) == ("C1", "Met", "Well")


def test_what_the_content_settles():
    good = examine(content([criterion()], listing={"workload": [{"hours": 50}]}))
    answers = {name: one.answer for name, one in good.findings.items() if one.answer}
    assert answers == {
        "outcomes_assessed": "yes", "minimum_pass": "yes", "workload": "yes", "ai_use": "yes",
    }  # fmt: skip
    poor = examine(
        content(
            [criterion(), criterion(2, code="C2", is_required=False)],
            ("Evaluate", "Mend", "Lead"),
            listing={"workload": [{"hours": 47}]},
        )
    )
    assert poor.findings["outcomes_assessed"].lines == ("No criterion assesses outcome 3, “Lead”.",)
    assert poor.findings["minimum_pass"].lines == (
        "Somebody can pass and still not have shown outcome 2, “Mend”.",
        "Somebody can pass and still not have shown outcome 3, “Lead”.",
    )
    assert poor.findings["workload"].answer == "no"
    assert examine(content([criterion()])).findings["workload"].answer == ""


@pytest.mark.parametrize(
    ("hours", "answer"), [(47.5, "yes"), (47.4, "no"), (52.5, "yes"), (52.6, "no")]
)
def test_hours_may_lie_five_percent_off(hours, answer):
    found = examine(content([criterion()], listing={"workload": [{"hours": hours}]}))
    assert found.findings["workload"].answer == answer


def test_nobody_answers_otherwise_what_the_content_settles():
    rows = recorded(
        examine(content([criterion()])),
        {"minimum_pass": Answer("no", "I think not."), "reo": Answer("yes", evidence="Brief")},
    )
    assert [row["name"] for row in rows] == list(QUESTIONS)
    by_name = {row["name"]: row for row in rows}
    assert by_name["minimum_pass"]["answer"] == "yes"
    assert by_name["minimum_pass"]["by"] == "system"
    assert by_name["minimum_pass"]["note"] == "I think not."
    assert (by_name["reo"]["answer"], by_name["reo"]["by"]) == ("yes", "person")
    assert by_name["cultural_safety"]["answer"] == ""
