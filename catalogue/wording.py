"""Hints about how outcomes and tasks are worded. Each is a reason to look, never a verdict.

Outcomes: the doing word that leads them, held against the level of the framework. The groups follow the
usual ladder of cognitive demand (recall, explain, apply, analyse, evaluate, create); what a level asks at
least is read from the level descriptors of the New Zealand framework: operational knowledge up to level 4,
solving familiar and unfamiliar problems from 5, analysing from 7, evaluating and researching from 9.
Tasks: what is known to shut people out of reading a brief. English only; other languages get no hint.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

GROUPS = ("recall", "explain", "apply", "analyse", "evaluate", "create")
_WORDS = {
    "recall": "name list identify state recall define label match recognise locate outline record",
    "explain": (
        "describe explain summarise discuss interpret illustrate classify report present"
        " communicate clarify give"
    ),
    "apply": (
        "use apply carry demonstrate perform operate implement prepare produce make maintain mend"
        " remove repair respond protect follow complete conduct collect support help manage run"
        " practise solve select choose adapt organise monitor notice facilitate engage work"
        " configure install deliver set change write draft teach lead"
    ),
    "analyse": (
        "analyse compare contrast examine investigate differentiate distinguish map diagnose test"
        " categorise relate question audit trace"
    ),
    "evaluate": (
        "evaluate assess judge appraise critique justify recommend review defend prioritise"
        " argue validate reflect"
    ),
    "create": (
        "create design develop plan devise formulate construct compose invent generate synthesise"
        " build propose research transform integrate"
    ),
}
VERBS = {word: place for place, name in enumerate(GROUPS) for word in _WORDS[name].split()}
VAGUE = frozenset(
    ("understand", "know", "appreciate", "learn", "grasp", "realise", "value", "believe", "become")
)
"""Words that name nothing which an assessor could see."""
LEAST = {1: 0, 2: 0, 3: 1, 4: 1, 5: 2, 6: 2, 7: 3, 8: 3, 9: 4, 10: 4}
"""For each level of the framework the lowest group that the leading words of the outcomes should reach."""

LONG_SENTENCE = 30  # words; plain-language guides ask for 20 to 25 on average
_ALIKE = 0.9


@dataclass(frozen=True)
class OutcomeWord:
    """The doing word of one outcome: `group` is None where it is not known, `is_vague` where none can be seen."""

    number: int
    word: str
    group: str | None
    is_vague: bool
    is_low: bool


def outcome_words(outcomes: Iterable[Mapping[str, Any]], level: int) -> list[OutcomeWord]:
    """The leading word of each outcome, and whether it asks for less than the level does.

    Of words joined by “and” or “or” (“plan and carry out”) the strongest counts.
    """
    found = []
    for one in outcomes:
        words = re.findall(r"[^\W\d_]+", one["title"].casefold())
        while words and words[0] in {"to", "can", "able"}:
            words = words[1:]
        lead = words[0] if words else ""
        places = [VERBS[lead]] if lead in VERBS else []
        for joint, word in pairwise(words[1:5]):
            if places and joint in {"and", "or"} and word in VERBS:
                places.append(VERBS[word])
        place = max(places, default=None)
        found.append(
            OutcomeWord(
                one["number"],
                lead,
                None if place is None else GROUPS[place],
                lead in VAGUE,
                place is not None and place < LEAST[level],
            )
        )
    return found


@dataclass(frozen=True)
class BriefHint:
    """Something in a brief that may shut people out, with the words it is about."""

    task: int
    what: str
    words: str


_PATTERNS = (
    (
        "Says where or in which colour something is; not everybody can see that",
        re.compile(
            r"\b(?:on|to|at) the (?:left|right)\b"
            r"|\bin (?:red|green|blue|yellow|grey|orange)\b"
            r"|\bthe (?:red|green|blue|yellow|grey|orange) (?:button|box|text|part|link)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "Has a link whose words do not say where it leads",
        re.compile(r"\b(?:click|read|see|look) here\b|\bhttps?://\S+", re.IGNORECASE),
    ),
    (
        "Sets a short time; some people need longer",
        re.compile(r"\bwithin \d+ (?:minutes|hours?)\b|\bagainst the clock\b", re.IGNORECASE),
    ),
    (
        "Is in capitals, which are hard to read",
        re.compile(r"\b[A-ZĀĒĪŌŪ]{4,}(?:\s+[A-ZĀĒĪŌŪ]{2,}){2,}"),
    ),
)
_FILM = re.compile(r"\b(?:watch|listen to|view) (?:the|this|a|an)\b", re.IGNORECASE)
_CAPTIONS = re.compile(r"\b(?:captions?|captioned|transcripts?|New Zealand Sign)\b", re.IGNORECASE)
PICTURES = frozenset({"jpg", "jpeg", "png", "webp", "heic", "heif"})
FILM = frozenset({"mp4", "m4v", "mov", "webm"})
SOUND = frozenset({"mp3", "m4a", "wav"})


def brief_hints(tasks: Iterable[Mapping[str, Any]]) -> list[BriefHint]:
    """What in the tasks may shut disabled learners out."""
    found = []
    for task in tasks:
        text = task["brief"]
        for what, pattern in _PATTERNS:
            found += [
                BriefHint(task["number"], what, hit.group()) for hit in pattern.finditer(text)
            ]
        if (hit := _FILM.search(text)) and not _CAPTIONS.search(text):
            what = "Speaks of film or sound and of no captions or transcript"
            found.append(BriefHint(task["number"], what, hit.group()))
        for sentence in re.split(r"(?<=[.!?])\s+", text):
            count = len(sentence.split())
            if count > LONG_SENTENCE:
                what = f"Has a sentence of {count} words"
                found.append(BriefHint(task["number"], what, f"{sentence[:60].rstrip()} …"))
        kinds = set(task["file_types"])
        if kinds and kinds <= PICTURES | FILM | SOUND:
            what = "Takes pictures, film or sound and nothing written"
            found.append(BriefHint(task["number"], what, ", ".join(sorted(kinds))))
    return found


def evidence_kinds(file_types: Iterable[str]) -> str:
    """What a task takes, in words."""
    kinds = set(file_types)
    if not kinds:
        return "files of every kind that the system takes, links and written notes"
    named = [
        (kinds - PICTURES - FILM - SOUND, "documents"),
        (kinds & PICTURES, "pictures"),
        (kinds & FILM, "film"),
        (kinds & SOUND, "sound"),
    ]
    parts = [f"{name} ({', '.join(sorted(some))})" for some, name in named if some]
    return ", ".join([*parts, "links and written notes"])


@dataclass(frozen=True)
class LevelHint:
    """Two neighbouring levels of a criterion that say nearly the same."""

    code: str
    lower: str
    upper: str


def levels_alike(rubrics: Iterable[Mapping[str, Any]]) -> list[LevelHint]:
    """Neighbouring levels whose descriptors share nearly all of their words (by Jaccard's index)."""
    found = []
    for rubric in rubrics:
        for one in rubric["criteria"]:
            levels = one["levels"]
            for lower, upper in pairwise(levels):
                a, b = _bag(lower["descriptor"]), _bag(upper["descriptor"])
                if len(a & b) >= _ALIKE * len(a | b):
                    found.append(LevelHint(one["code"], lower["label"], upper["label"]))
    return found


def _bag(text: str) -> set[str]:
    return set(re.findall(r"\w+", unicodedata.normalize("NFC", text).casefold()))
