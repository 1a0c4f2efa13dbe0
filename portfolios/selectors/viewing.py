"""What a page shows of evidence in place: images of pages, text, players, and the places that comments point to."""

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from portfolios.definitions import is_office
from portfolios.enums import EvidenceKind, RenditionState, SnapshotState
from portfolios.models import EvidenceItem, LinkSnapshot, Rendition, RenditionPart

PAGE = re.compile(r"\b(?:pages?|p\.?|slide)\s*(\d{1,5})\b", re.IGNORECASE)
SHEET = re.compile(r"\bsheet\s*(\d{1,5})\b", re.IGNORECASE)
CLOCK = re.compile(r"\b(?:(\d{1,2}):)?(\d{1,3}):(\d{2})\b")
SPOKEN = re.compile(
    r"(?:(\d{1,2})\s*h(?:ours?)?\s*)?(?:(\d{1,3})\s*min(?:utes?)?)?\s*(?:(\d{1,5})\s*s(?:ec(?:onds?)?)?\b)?",
    re.IGNORECASE,
)
CAPTIONS = "WEBVTT"


def seconds_of(locator: str) -> int | None:
    """The moment that a place in a recording names: 1:23, 1:02:03, 1 min 23 s, 83 s; None for none."""
    if found := CLOCK.search(locator):
        hours, minutes, seconds = (int(one or 0) for one in found.groups())
        return hours * 3600 + minutes * 60 + seconds
    for found in SPOKEN.finditer(locator):
        if any(found.groups()):
            hours, minutes, seconds = (int(one or 0) for one in found.groups())
            return hours * 3600 + minutes * 60 + seconds
    return None


def page_of(locator: str) -> int | None:
    """The page or slide that a place names; None for none."""
    found = PAGE.search(locator)
    return int(found[1]) if found else None


@dataclass(frozen=True)
class Anchor:
    """Where a link to a place in evidence leads: a fragment of the page, and for recordings the second."""

    fragment: str
    seconds: int | None = None


def anchor_of(number: int, locator: str) -> Anchor:
    """The place in evidence `number` that the words name; the evidence itself where they name none.

    Agrees with the ids that `_evidence_view.html` writes.
    """
    if (page := page_of(locator)) is not None:
        return Anchor(f"evidence-{number}-page-{page}")
    if found := SHEET.search(locator):
        return Anchor(f"evidence-{number}-sheet-{int(found[1])}")
    if (seconds := seconds_of(locator)) is not None:
        return Anchor(f"evidence-{number}-media", seconds)
    return Anchor(f"evidence-{number}")


@dataclass
class EvidenceView:
    """One item as it is shown in place."""

    item: EvidenceItem
    rendition: Rendition | None = None
    parts: Sequence[RenditionPart] = field(default_factory=list)
    snapshot: LinkSnapshot | None = None

    @cached_property
    def pages(self) -> list[RenditionPart]:
        """Its pages. The first page of each sheet of a table knows the number of the sheet."""
        pages = [one for one in self.parts if one.number]
        sheet, before = 0, None
        for one in pages:
            starts = not one.label or one.label != before
            sheet, before = sheet + starts, one.label
            one.sheet = sheet if starts else None
        return pages

    @property
    def has_images(self) -> bool:
        return any(one.key for one in self.pages)

    @property
    def has_text(self) -> bool:
        return any(one.text for one in self.pages)

    @property
    def has_poster(self) -> bool:
        return any(one.key for one in self.parts if not one.number)

    @property
    def is_video(self) -> bool:
        return self.item.copy_type.startswith("video/")

    @property
    def is_audio(self) -> bool:
        return self.item.copy_type.startswith("audio/")

    @property
    def is_office(self) -> bool:
        return is_office(self.item.copy_type)

    @property
    def can_be_read_aloud(self) -> bool:
        """Whether words were found on every page of a document, and nothing that only eyes can read."""
        pages = [] if self.is_waiting or not self.item.is_document else self.pages
        return bool(pages) and all(one.text and not one.undescribed for one in pages)

    @property
    def is_waiting(self) -> bool:
        """Whether more will come by itself."""
        return self.rendition is not None and self.rendition.is_waiting

    @property
    def words(self) -> str:
        """How far it is, or why there is nothing, as people read it."""
        if self.snapshot is not None and self.snapshot.state != SnapshotState.KEPT:
            return self.snapshot.says or "A copy of the page is being kept. This takes a moment."
        return self.rendition.words if self.rendition else ""

    @property
    def kept_page(self) -> LinkSnapshot | None:
        """The copy of the page behind a link, if there is one."""
        found = self.snapshot
        return found if found is not None and found.state == SnapshotState.KEPT else None

    @property
    def can_remake(self) -> bool:
        if self.rendition is None or self.is_waiting or self.item.has_preview:
            return False
        return self.item.kind not in {EvidenceKind.NOTE, EvidenceKind.LINK}

    @property
    def has_failed(self) -> bool:
        return self.rendition is not None and self.rendition.state == RenditionState.FAILED

    @property
    def length(self) -> str:
        """How long a recording is, as people say it."""
        whole = round(self.rendition.seconds) if self.rendition else 0
        minutes, seconds = divmod(whole, 60)
        return f"{minutes} min {seconds} s" if minutes else (f"{seconds} s" if whole else "")


def views_of(items: Iterable[EvidenceItem]) -> dict[uuid.UUID, EvidenceView]:
    """What can be shown of each item, in two queries whatever their number; links take one more."""
    wanted = list(items)
    links = [one.pk for one in wanted if one.kind == EvidenceKind.LINK]
    kept = LinkSnapshot.objects.in_bulk(links, field_name="evidence_id") if links else {}
    keys = {one.copy_key for one in wanted if one.copy_key}
    rows = Rendition.objects.filter(source_key__in=keys).prefetch_related("parts")
    found = {one.source_key: one for one in rows}
    views = {}
    for item in wanted:
        rendition = found.get(item.copy_key)
        parts = list(rendition.parts.all()) if rendition else []
        views[item.pk] = EvidenceView(item, rendition, parts, kept.get(item.pk))
    return views


def are_captions(text: str) -> bool:
    """Whether a text alternative is captions that a player can show."""
    return text.lstrip("\ufeff \r\n").startswith(CAPTIONS)


def transcript_of(text: str) -> str:
    """Captions without their times, as text to read; other text as it is."""
    if not are_captions(text):
        return text
    blocks = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    said = []
    for block in blocks[1:]:
        lines = [line for line in block.split("\n") if line.strip()]
        at = next((n for n, line in enumerate(lines) if "-->" in line), None)
        if at is not None:
            said.append(" ".join(re.sub(r"<[^>]*>", "", line) for line in lines[at + 1 :]))
    return "\n".join(said)
