"""Captions of recordings: WebVTT and SRT read strictly, said back as WebVTT without anything that is no cue.

What is wrong is told by line. Notes, styles and regions of a file are left out: they may name people or
programs, and nothing here needs them. Pure.
"""

import re
from dataclasses import dataclass

START = "WEBVTT"
MOST_CUES = 20_000
TOLD = 5
"""Problems that are told at once; more would not be read."""
MOMENT = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
TIMES = re.compile(rf"\s*{MOMENT}\s+-->\s+{MOMENT}(?:\s+.*)?$")
LEFT_OUT = ("NOTE", "STYLE", "REGION")


class BadCaptions(Exception):  # noqa: N818  reads as a fact
    """What is wrong with captions, each as a sentence that begins with its line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems[0])
        self.problems = problems


@dataclass(frozen=True)
class Cue:
    """Words between two moments, in milliseconds from the start of the recording."""

    start: int
    end: int
    text: str


def look_like_captions(text: str) -> bool:
    """Whether a text means to be captions: the mark of WebVTT, or a first block with times, as SRT has."""
    plain = text.lstrip("\ufeff \r\n\t")
    return plain.startswith(START) or any("-->" in one for one in plain.splitlines()[:2])


def decoded(raw: bytes) -> str:
    """The text of a file of captions. Raises BadCaptions where its letters cannot be read."""
    encoding = "utf-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        problem = "The letters in this file cannot be read. Save it as UTF-8 text."
        raise BadCaptions([problem]) from None


def as_webvtt(text: str) -> str:
    """Captions in either form as plain WebVTT. Raises BadCaptions with what is wrong, line by line."""
    said = [f"{_written(cue.start)} --> {_written(cue.end)}\n{cue.text}" for cue in cues_of(text)]
    return "\n\n".join([START, *said]) + "\n"


def cues_of(text: str) -> list[Cue]:
    """The cues of WebVTT or SRT, in order."""
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cues: list[Cue] = []
    problems: list[str] = []
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        start = at
        while at < len(lines) and lines[at].strip():
            at += 1
        block = lines[start:at]
        first = block[0].strip()
        if not cues and first.startswith(START) and not any("-->" in one for one in block[:1]):
            block, start = _after_head(block, start)
        if not block or first.startswith(LEFT_OUT):
            continue
        found = _cue(block, start, cues, problems)
        if found is not None:
            cues.append(found)
        if len(problems) >= TOLD or len(cues) > MOST_CUES:
            break
    if len(cues) > MOST_CUES:
        problems.append(f"There are more than {MOST_CUES:,} captions. Leave some out.")
    if not cues and not problems:
        problems.append(
            "Line 1: no caption was found. Each needs its times, such as 00:00:01.000 --> 00:00:04.000."
        )
    if problems:
        raise BadCaptions(problems[:TOLD])
    return cues


def _after_head(block: list[str], start: int) -> tuple[list[str], int]:
    """What follows the first line of WebVTT in the same block: a cue only where somebody forgot the empty line."""
    times = next((n for n, line in enumerate(block) if "-->" in line), None)
    return ([], start) if times is None else (block[times:], start + times)


def _cue(block: list[str], start: int, cues: list[Cue], problems: list[str]) -> Cue | None:
    times = 0 if "-->" in block[0] else 1
    line = start + times + 1
    found = TIMES.match(block[times]) if len(block) > times else None
    if found is None:
        problems.append(
            f"Line {min(line, start + len(block))}: the times of a caption are missing or cannot be read."
            " Write them as 00:00:01.000 --> 00:00:04.000."
        )
        return None
    begins, ends = _moment(found.groups()[:4]), _moment(found.groups()[4:])
    words = "\n".join(one.strip() for one in block[times + 1 :])
    if "-->" in words:
        problems.append(f"Line {line + 1}: there is no empty line before the next caption.")
    elif begins is None or ends is None:
        problems.append(f"Line {line}: minutes and seconds go up to 59.")
    elif ends <= begins:
        problems.append(f"Line {line}: the caption ends before it begins.")
    elif cues and begins < cues[-1].start:
        problems.append(f"Line {line}: the caption begins before the one above it.")
    elif not words:
        problems.append(f"Line {line}: the caption has no words.")
    else:
        return Cue(begins, ends, words)
    return None


def _moment(parts: tuple[str | None, ...]) -> int | None:
    hours, minutes, seconds = (int(one or 0) for one in parts[:3])
    if minutes > 59 or seconds > 59:
        return None
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + int(str(parts[3]).ljust(3, "0"))


def _written(moment: int) -> str:
    seconds, thousandths = divmod(moment, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"
