"""Pages of Office documents: what is drawn, where pages end, and what happens to what cannot be drawn."""

import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from PIL import Image
from pptx.util import Inches

from portfolios.inspection import (
    inspect,
    office,
    render,
    rendering,
    sheet_parts,
    sheets,
    slides,
    word,
)
from portfolios.inspection.rendering import SHEETS, SLIDES, WORD, Part, parts_in, pdf_of
from tests.factories.portfolios import png


def saved(document: Any) -> io.BytesIO:
    made = io.BytesIO()
    document.save(made)
    made.seek(0)
    return made


def drawn(document: Any, media_type: str) -> list[tuple[Part, Image.Image]]:
    """Page images with their parts, made by the helper as a worker has them made."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as made:
        source.write(saved(document).getvalue())
        source.flush()
        answer = render(source, made, media_type, 1)
        assert answer.get("refusal") is None
        return [(part, Image.open(io.BytesIO(raw))) for part, raw in parts_in(made)]


def break_of_word(run: Any) -> None:
    run._r.insert(0, OxmlElement("w:lastRenderedPageBreak"))


def colours(picture: Image.Image) -> set[tuple[int, ...]]:
    small = picture.convert("RGB").quantize(8).convert("RGB")
    return {colour for _count, colour in small.getcolors()}


def test_a_text_document_is_drawn_with_pictures_lists_and_tables():
    made = docx.Document()
    made.add_heading("Tikanga o te mahi", 1)
    made.add_paragraph("").add_run('#read("/etc/passwd") *not bold* $x$ āēīōū').bold = True
    for step in ("one", "two"):
        made.add_paragraph(step, style="List Number")
    made.add_paragraph("dot", style="List Bullet")
    table = made.add_table(rows=2, cols=3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    table.cell(0, 2).merge(table.cell(1, 2)).text = "deep"
    table.cell(1, 0).text = "below"
    made.add_picture(io.BytesIO(png((400, 300), "red")))
    ((part, picture),) = drawn(made, WORD)
    assert (part.number, picture.width) == (1, 1200)
    # Markup in a document is words, nothing else.
    for words in (
        '#read("/etc/passwd") *not bold* $x$ āēīōū',
        "1. one\n2. two\n• dot",
        "wide | deep\nbelow",
    ):
        assert words in part.text
    assert any(red > 200 and green < 60 for red, green, _blue in colours(picture))


def test_pages_end_where_word_ended_them():
    made = docx.Document()
    made.add_paragraph("first")
    break_of_word(made.add_paragraph("").add_run("second"))
    made.add_page_break()
    break_of_word(made.add_paragraph("").add_run("third, not fourth"))
    table = made.add_table(rows=2, cols=1)
    table.cell(0, 0).text = "row on three"
    break_of_word(table.cell(1, 0).paragraphs[0].add_run("row on four"))
    # Longer than a page of paper: the page grows, and the count stays.
    for number in range(80):
        made.add_paragraph(f"line {number}")
    pages = drawn(made, WORD)
    assert [one.text.split("\n")[0] for one, _picture in pages] == [
        "first", "second", "third, not fourth", "row on four",
    ]  # fmt: skip
    heights = [picture.height for _part, picture in pages]
    assert heights[3] > heights[0] == heights[1]


def test_footnotes_stand_at_the_end():
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part as Piece

    made = docx.Document()
    run = made.add_paragraph("What we found").add_run("")
    mark = OxmlElement("w:footnoteReference")
    mark.set(qn("w:id"), "2")
    run._r.append(mark)
    namespace = qn("w:p").partition("}")[0].strip("{")
    notes = f"""<w:footnotes xmlns:w="{namespace}"><w:footnote w:id="2"><w:p><w:r>
        <w:t>By keyboard</w:t></w:r></w:p></w:footnote></w:footnotes>"""
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    made.part.relate_to(
        Piece(
            PackURI("/word/footnotes.xml"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml",
            notes.encode(),
            made.part.package,
        ),
        kind,
    )
    ((part, _picture),) = drawn(made, WORD)
    assert part.text.split("\n") == ["What we found[2]", "[2] By keyboard"]


def test_without_word_s_breaks_the_text_flows_over_pages():
    made = docx.Document()
    for number in range(120):
        made.add_paragraph(f"line {number}")
    pages = drawn(made, WORD)
    assert len(pages) > 1
    assert "line 0" in pages[0][0].text
    assert "line 119" in pages[-1][0].text


def test_a_table_comes_with_letters_and_numbers_fifty_rows_a_page():
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Findings"
    for number in range(60):
        sheet.append([f"Issue {number}", number / 8, None])
    made.create_sheet("Empty")
    labels = [(part.label, part.text.split("\n")[1] if "\n" in part.text else part.text)
              for part, _picture in drawn(made, SHEETS)]  # fmt: skip
    assert labels == [
        ("Findings", "1 | Issue 0 | 0"),
        ("Findings", "51 | Issue 50 | 6.25"),
        ("Empty", "This sheet is empty."),
    ]
    assert [sheet_parts.letters(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_a_sheet_that_is_cut_says_so():
    made = openpyxl.Workbook()
    made.active.cell(1, 1).value = "first"
    made.active.cell(501, 61).value = "too far"
    (page,) = sheets.pages_of(saved(made))
    assert page.text.endswith(sheets.CUT)
    assert "too far" not in page.text


def test_a_slide_is_a_page_with_its_notes_and_nothing_unreadable():
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Kōrero"
    slide.placeholders[1].text_frame.text = "First point"
    white = slide.shapes.add_textbox(Inches(1), Inches(5), Inches(6), Inches(1)).text_frame
    white.text = "written in white"
    from pptx.dml.color import RGBColor

    white.paragraphs[0].runs[0].font.color.rgb = RGBColor(255, 255, 255)
    slide.shapes.add_picture(io.BytesIO(png((300, 300), "red")), Inches(6), Inches(2))
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(6), Inches(3), Inches(1)).text_frame.text = "grouped"
    slide.notes_slide.notes_text_frame.text = "Say it slowly"
    (page,) = slides.pages_of(saved(deck))
    written = [run for block in page.blocks for line in block["blocks"] for run in line["runs"]]
    assert {run["colour"] for run in written if run.get("text") == "written in white"} == {"000000"}
    ((part, picture),) = drawn(deck, SLIDES)
    assert part.label == "Slide 1"
    assert part.text.endswith("Notes: Say it slowly")
    assert "grouped" in part.text
    right_half = picture.crop((600, 0, 1200, picture.height))
    assert any(red > 200 and green < 60 for red, green, _blue in colours(right_half))


def field_in(paragraph: Any, instruction: str, kept: str) -> None:
    """A number of pages as Word writes it, with the one that it showed when it saved."""
    for kind in ("begin", "separate", "end"):
        if kind == "end":
            paragraph.add_run(kept)
        mark = OxmlElement("w:fldChar")
        mark.set(qn("w:fldCharType"), kind)
        paragraph.add_run()._r.append(mark)
        if kind == "begin":
            told = OxmlElement("w:instrText")
            told.text = f" {instruction} "
            paragraph.add_run()._r.append(told)


def test_headers_and_footers_are_drawn_on_each_page_and_said_once():
    made = docx.Document()
    made.add_paragraph("one")
    made.add_section()
    first, rest = made.sections
    first.different_first_page_header_footer = True
    first.first_page_header.paragraphs[0].text = "The cover"
    first.header.paragraphs[0].text = "Never seen"
    rest.header.is_linked_to_previous = False
    rest.header.paragraphs[0].text = "Kaupapa"
    rest.header.paragraphs[0].add_run().add_picture(io.BytesIO(png((300, 60), "red")))
    foot = rest.footer
    foot.is_linked_to_previous = False
    foot.paragraphs[0].add_run("Page ")
    field_in(foot.paragraphs[0], "PAGE", "77")
    foot.paragraphs[0].add_run(" of ")
    field_in(foot.paragraphs[0], "NUMPAGES", "88")
    for words in ("two", "three"):
        run = made.add_paragraph().add_run(words)
        break_of_word(run)
    pages = word.pages_of(saved(made))
    assert [page.text for page in pages] == [
        "Header: The cover\n\none",
        "Header: Kaupapa\n\ntwo\n\nFooter: Page 2 of 3",
        "three",
    ]
    assert sum(page.undescribed for page in pages) == 0
    with pdf_of(office.laid_out(pages)) as drawn_pages:
        said = [page.get_textpage().get_text_bounded() for page in drawn_pages]
    assert ["Page 2 of 3" in said[1], "Page 3 of 3" in said[2], "77" in said[1]] == [
        True,
        True,
        False,
    ]
    assert ["Kaupapa" in one for one in said] == [False, True, True]
    images = [image for _part, image in drawn(made, WORD)]
    upper = [one.crop((0, 0, 1200, 300)) for one in images]
    assert [any(red > 200 and green < 60 for red, green, _blue in colours(one)) for one in upper] == [
        False, True, True,
    ]  # fmt: skip


def test_pages_that_flow_have_their_header_on_each():
    made = docx.Document()
    made.settings.odd_and_even_pages_header_footer = True
    made.sections[0].header.paragraphs[0].text = "A header\n" * 40
    for number in range(120):
        made.add_paragraph(f"line {number}")
    parts = [part.text for part, _image in drawn(made, WORD)]
    assert len(parts) > 3
    assert all("A header" in one for one in parts)
    assert [f"line {number}\n" in "\n".join([*parts, ""]) for number in range(120)] == [True] * 120


def test_what_cannot_be_drawn_comes_as_text(monkeypatch):
    made = docx.Document()
    made.add_paragraph("Still here")
    for problem in (office.TooLong, RuntimeError("a panic")):
        with monkeypatch.context() as patched:
            patched.setattr(office, "laid_out", lambda pages, p=problem: (_ for _ in ()).throw(p))
            target = io.BytesIO()
            rendering.render(saved(made), target, WORD, 1)
        ((part, image),) = parts_in(target)
        assert (part.text, image) == ("Still here", b"")
    monkeypatch.setattr(office, "MOST_RUNS", 0)
    with pytest.raises(office.TooLong):
        office.laid_out(word.pages_of(saved(made)))


def test_a_picture_that_cannot_be_decoded_is_named():
    run = office.Pictures().run(b"not a picture", alt="The shop floor")
    assert (run["image"], run["alt"]) == ("", "The shop floor")


def test_the_copy_holds_no_name_of_a_picture_s_file():
    made = docx.Document()
    picture = io.BytesIO(png())
    made.add_picture(picture)
    for one in made.element.body.iter(qn("pic:cNvPr"), qn("wp:docPr")):
        one.set("name", "Mere-Tane-at-work.PNG")
        one.set("descr", "The shop floor")
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as copy:
        source.write(saved(made).getvalue())
        source.flush()
        assert inspect(source, "a.docx", copy).refusal == ""
        copy.seek(0)
        again = docx.Document(copy)
    properties = list(again.element.body.iter(qn("wp:docPr")))
    assert [one.get("descr") for one in properties] == ["The shop floor"]
    assert "Tane" not in again.element.xml


AS_IN_THE_CHILD = """
import os, sys
sys.path.insert(0, sys.argv[1])
from portfolios.inspection import helper, office
office.fonts()
if os.getuid() == 0:
    os.setresuid(65534, 65534, 65534)
helper.alone({0, 1, 2})
office.warm()
helper.limit()
page = office.Page(blocks=[office.paragraph([office.run_of("Kia ora")])])
os.write(1, office.laid_out([page])[:4])
"""


def test_it_is_drawn_by_somebody_who_may_start_nothing():
    """As somebody for whom the limit of processes counts; for root it does not."""
    told = subprocess.run(
        [sys.executable, "-c", AS_IN_THE_CHILD, str(Path(office.__file__).parents[2])],
        check=False,
        env={"RAYON_NUM_THREADS": "1"},
        capture_output=True,
        timeout=60,
    )
    assert told.stdout == b"%PDF", told.stderr
