"""Presentations (ODP) as pages: one for each slide, its shapes at their places. Notes come with the text.

Charts come as their numbers, formulas as they were typed; animations and transitions are not there. Runs in the
helper's child only.
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from portfolios.inspection.office import Page, box, paragraph
from portfolios.inspection.open_parts import (
    DRAW,
    OFFICE,
    SHOWN,
    SVG,
    TABLE,
    TEXT,
    Document,
    Element,
    points,
)
from portfolios.inspection.open_texts import Blocks

SIZE = (793.7, 446.5)
"""A slide of 28 × 15.75 cm, where the layout does not say."""
DEEPEST = 8
TITLES = {"title"}
BODIES = {"outline", "subtitle", "text"}
MOVED = re.compile(r"translate\s*\(\s*(\S+?)[\s,]+(\S+?)\s*\)")
SHAPES = {f"{DRAW}{name}" for name in ("frame", "custom-shape", "rect", "ellipse", "circle")}


def pages_of(source: BinaryIO) -> list[Page]:
    """One page for each slide, in order."""
    document = Document(source)
    document.size_below = 14.0
    deck = document.body.find(f"{OFFICE}presentation") if document.body is not None else None
    masters = document.masters()
    pages = []
    for number, slide in enumerate(deck.findall(f"{DRAW}page") if deck is not None else (), 1):
        master = masters.get(slide.get(f"{DRAW}master-page-name", ""))
        wide, high = document.layout_of(master)
        page = Page(
            width=wide or SIZE[0], height=high or SIZE[1], margin=0, label=f"Slide {number}"
        )
        painter = Painter(document, slide, master)
        page.fill = painter.behind
        if master is not None:
            page.blocks += painter.shapes(master, of_layout=True)
        page.blocks += painter.shapes(slide)
        page.notes = notes_of(slide)
        pages.append(page)
    return pages or [Page(width=SIZE[0], height=SIZE[1], margin=0)]


def notes_of(slide: Element) -> str:
    found = slide.find(f"{SHOWN}notes")
    if found is None:
        return ""
    lines = ("".join(one.itertext()).strip() for one in found.iter(f"{TEXT}p"))
    return "\n".join(line for line in lines if line)


class Painter:
    """Shapes of one slide as boxes."""

    def __init__(self, document: Document, slide: Element, master: Element | None) -> None:
        self.document = document
        fills = [
            document.fill_of("drawing-page", one.get(f"{DRAW}style-name"))
            for one in (slide, master)
            if one is not None
        ]
        self.behind = next((one for one in fills if one), "ffffff")

    def shapes(
        self, holder: Element, *, of_layout: bool = False, depth: int = 0
    ) -> Iterator[dict[str, Any]]:
        """In order, those of groups too. Of a master only what is no place for text."""
        for one in holder:
            if one.tag in {f"{DRAW}g", f"{DRAW}a"} and depth < DEEPEST:
                yield from self.shapes(one, of_layout=of_layout, depth=depth + 1)
            elif one.tag in SHAPES and not (of_layout and one.get(f"{SHOWN}class")):
                yield from self.shape(one, of_layout)

    def shape(self, shape: Element, of_layout: bool) -> Iterator[dict[str, Any]]:
        place = place_of(shape)
        kind = shape.get(f"{SHOWN}class", "")
        family, name = self.style_of(shape)
        fill = self.document.fill_of(family, name) if shape.tag != f"{DRAW}frame" or kind else ""
        blocks = Blocks(self.document, place[2])
        blocks.behind = fill or self.behind
        size = 36.0 if kind in TITLES else 26.0 if kind in BODIES else 18.0
        blocks.base = {"size": size, **self.document.look_of(family, name)}
        blocks.base.pop("breaks", None)
        if shape.tag != f"{DRAW}frame":
            words = [one for one in blocks.of(shape) if one and one["runs"]]
            if words or fill:
                oval = shape.tag.endswith(("ellipse", "circle"))
                yield box(words, place, fill=fill, round_=oval, middle=True)
            return
        for one in self.document.frame(shape, place[2]):
            if isinstance(one, dict):
                if of_layout:
                    one["bare"] = False
                # A box leaves five points at each side for text.
                left, top, wide, high = place
                yield box([paragraph([one])], (left - 5, top - 6, wide + 10, high + 12))
            elif one.tag == f"{TABLE}table":
                blocks.base["size"] = 14.0
                if (found := blocks.table(one, place[2])) is not None:
                    yield box([found], place)
            else:
                made = [each for each in blocks.of(one) if each and said(each)]
                if made and kind in TITLES:
                    made = [{**each, "level": 1} if "runs" in each else each for each in made]
                if made or fill:
                    yield box(made, place, fill=fill, middle=kind in TITLES)

    def style_of(self, shape: Element) -> tuple[str, str | None]:
        if name := shape.get(f"{SHOWN}style-name"):
            return "presentation", name
        return "graphic", shape.get(f"{DRAW}style-name")


def said(block: dict[str, Any]) -> bool:
    """Whether anything stands in it."""
    return block["kind"] != "paragraph" or any(
        one.get("text", "").strip() or "image" in one for one in block["runs"]
    )


def place_of(shape: Element) -> tuple[float, float, float, float]:
    """Left, top, width and height in points. Of what is turned, where it was moved to; it is drawn upright."""
    moved = MOVED.search(shape.get(f"{DRAW}transform", ""))
    left = points(moved[1]) if moved else points(shape.get(f"{SVG}x"))
    top = points(moved[2]) if moved else points(shape.get(f"{SVG}y"))
    return left, top, points(shape.get(f"{SVG}width")), points(shape.get(f"{SVG}height"))
