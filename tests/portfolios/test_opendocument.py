"""Pages of OpenDocument files: what is drawn, where pages end, and what their cells and slides say."""

import io
import tempfile

from PIL import Image

from portfolios.inspection import inspect, office, open_sheets, open_slides, open_texts, render
from portfolios.inspection.rendering import OPEN_DOCUMENT, Part, parts_in, pdf_of
from portfolios.inspection.sheets import CUT
from tests.factories.portfolios import png
from tests.portfolios.corpus import odf

LAYOUT = (
    '<office:automatic-styles><style:page-layout style:name="L"><style:page-layout-properties'
    ' fo:page-width="20cm" fo:page-height="{high}cm"/></style:page-layout></office:automatic-styles>'
    '<office:master-styles><style:master-page style:name="M" style:page-layout-name="L"'
    ' draw:style-name="dark"/></office:master-styles>'
)
AUTOMATIC = (
    '<style:style style:name="B" style:family="text"><style:text-properties fo:font-weight="bold"/></style:style>'
    '<style:style style:name="New" style:family="paragraph"><style:paragraph-properties'
    ' fo:break-before="page"/></style:style>'
    '<style:style style:name="Cell" style:family="table-cell"><style:text-properties fo:font-weight="bold"/>'
    "</style:style>"
    '<style:style style:name="dark" style:family="drawing-page"><style:drawing-page-properties'
    ' draw:fill="solid" draw:fill-color="#202020"/></style:style>'
    '<text:list-style style:name="N"><text:list-level-style-number text:level="1" style:num-format="1"/>'
    '<text:list-level-style-number text:level="2" style:num-format="a"/></text:list-style>'
)


def picture(alt: str = "") -> str:
    words = f"<svg:desc>{alt}</svg:desc>" if alt else ""
    return (
        '<draw:frame svg:x="12cm" svg:y="3cm" svg:width="6cm" svg:height="4cm">'
        f'<draw:image xlink:href="Pictures/1.png"/>{words}</draw:frame>'
    )


def drawn(raw: bytes, family: str) -> list[tuple[Part, Image.Image]]:
    """The pages that the helper makes of the copy which others get."""
    with (
        tempfile.TemporaryFile() as source,
        tempfile.TemporaryFile() as copy,
        tempfile.TemporaryFile() as made,
    ):
        source.write(raw)
        source.flush()
        extension = {"text": "odt", "spreadsheet": "ods", "presentation": "odp"}[family]
        report = inspect(source, f"a.{extension}", copy)
        assert (report.refusal, report.copy_type) == ("", f"{OPEN_DOCUMENT}{family}")
        assert render(copy, made, report.copy_type, 1).get("refusal") is None
        return [(part, Image.open(io.BytesIO(image))) for part, image in parts_in(made)]


def has_red(image: Image.Image) -> bool:
    small = image.convert("RGB").quantize(8).convert("RGB")
    return any(red > 200 and green < 60 for _count, (red, green, _blue) in small.getcolors())


def test_a_text_is_drawn_with_headings_lists_tables_notes_and_pictures():
    body = (
        '<text:h text:outline-level="1">Tikanga <text:span text:style-name="B">o te</text:span> mahi</text:h>'
        '<text:p>#read("/etc/passwd")<text:s text:c="2"/>*x*<text:tab/>ā<text:line-break/>ē'
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>By keyboard</text:p>"
        "</text:note-body></text:note><office:annotation><text:p>not shown</text:p></office:annotation></text:p>"
        '<text:list text:style-name="N"><text:list-item><text:p>one</text:p><text:list><text:list-item>'
        "<text:p>inner</text:p></text:list-item></text:list></text:list-item><text:list-item><text:p>two</text:p>"
        "</text:list-item></text:list>"
        '<table:table><table:table-column table:number-columns-repeated="2"/><table:table-row>'
        '<table:table-cell table:number-columns-spanned="2"><text:p>wide</text:p></table:table-cell>'
        "<table:covered-table-cell/></table:table-row><table:table-row><table:table-cell><text:p>left</text:p>"
        "</table:table-cell><table:table-cell><text:p>right</text:p></table:table-cell></table:table-row>"
        "</table:table>"
        f"<text:p>{picture()}</text:p>"
        "<text:p><draw:frame><draw:text-box><text:p>in a box</text:p></draw:text-box></draw:frame></text:p>"
        '<text:p><draw:frame><draw:object xlink:href="./Object 1"/></draw:frame></text:p>'
    )
    raw = odf(body, automatic=AUTOMATIC, parts={"Pictures/1.png": png((60, 40), "red")})
    ((part, image),) = drawn(raw, "text")
    for words in (
        "Tikanga o te mahi",
        '#read("/etc/passwd")  *x*    ā\nē[1]',
        "1. one\na. inner\n2. two",
        "wide\nleft | right",
        "in a box",
        "A chart or formula, which is not drawn here",
        "[1] By keyboard",
    ):
        assert words in part.text
    assert "not shown" not in part.text
    assert has_red(image)
    assert part.undescribed == 2


def test_pages_end_where_the_program_noted_it():
    body = (
        "<text:p>first</text:p><text:soft-page-break/><text:p>second<text:soft-page-break/>third</text:p>"
        '<text:p text:style-name="New">fourth</text:p>'
    )
    styles = LAYOUT.format(high=10)
    pages = drawn(odf(body, automatic=AUTOMATIC, styles=styles), "text")
    assert [part.text for part, _image in pages] == ["first", "second", "third", "fourth"]
    assert [image.size for _part, image in pages] == [(1200, 600)] * 4
    flowing = odf("".join(f"<text:p>line {n}</text:p>" for n in range(120)))
    assert len(drawn(flowing, "text")) > 1


def test_headers_and_footers_are_drawn_with_our_numbers():
    def master(name: str, inner: str, following: str = "") -> str:
        return (
            f'<style:master-page style:name="{name}" style:page-layout-name="L"'
            f' style:next-style-name="{following}">{inner}</style:master-page>'
        )

    styles = (
        "<office:master-styles>"
        + master(
            "Standard",
            "<style:header><text:p>Kaupapa</text:p></style:header><style:footer><text:p>Page <text:page-number>77"
            "</text:page-number> of <text:page-count>88</text:page-count></text:p></style:footer>"
            '<style:header-left style:display="false"><text:p>hidden</text:p></style:header-left>',
        )
        + master("Cover", "<style:header><text:p>The cover</text:p></style:header>", "Standard")
        + "</office:master-styles>"
    )
    automatic = (
        '<style:style style:name="First" style:family="paragraph" style:master-page-name="Cover"/>'
        '<style:style style:name="Then" style:family="paragraph" style:parent-style-name="First"/>'
    )
    body = (
        '<text:p text:style-name="First">one</text:p><text:soft-page-break/><text:p text:style-name="Then">two'
        "<text:soft-page-break/>three</text:p>"
    )
    raw = odf(body, automatic=automatic, styles=styles)
    assert [part.text for part, _image in drawn(raw, "text")] == [
        "Header: The cover\n\none",
        "Header: Kaupapa\n\ntwo\n\nFooter: Page 2 of 3",
        "three",
    ]
    with pdf_of(office.laid_out(open_texts.pages_of(io.BytesIO(raw)))) as made:
        said = [page.get_textpage().get_text_bounded() for page in made]
    assert ["Page 3 of 3" in said[2], "77" in "".join(said)] == [True, False]


def test_a_sheet_comes_with_letters_and_numbers_and_says_where_it_is_cut():
    row = (
        '<table:table-row{times}><table:table-cell table:style-name="Cell"><text:p>Āe</text:p></table:table-cell>'
        '<table:table-cell table:number-columns-repeated="2"><text:p>3</text:p></table:table-cell>'
        '<table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
    )
    empty = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row>'
    sheet = '<table:table table:name="{name}">{rows}</table:table>'
    one = sheet.format(name="Findings", rows=row.format(times="") + empty)
    ((part, _image),) = drawn(odf(one, kind="ods", automatic=AUTOMATIC), "spreadsheet")
    assert (part.label, part.text) == ("Findings", "| A | B | C\n1 | Āe | 3 | 3")
    long = row.format(times=' table:number-rows-repeated="900"')
    raw = odf(sheet.format(name="Long", rows=long), kind="ods", automatic=AUTOMATIC)
    pages = open_sheets.pages_of(io.BytesIO(raw))
    assert (len(pages), pages[-1].text.endswith(CUT)) == (10, True)
    (page,) = open_sheets.pages_of(io.BytesIO(odf(one, kind="ods", automatic=AUTOMATIC)))
    cell = page.blocks[0]["rows"][1][1]["blocks"][0]["runs"][0]
    assert cell["bold"] is True


def test_a_slide_is_a_page_with_its_notes_and_nothing_unreadable():
    body = (
        '<draw:page draw:master-page-name="M" draw:style-name="dark">'
        '<draw:frame presentation:class="title" svg:x="1cm" svg:y="1cm" svg:width="10cm" svg:height="2cm">'
        "<draw:text-box><text:p>Kōrero</text:p></draw:text-box></draw:frame>"
        '<draw:g><draw:custom-shape svg:x="1cm" svg:y="4cm" svg:width="5cm" svg:height="2cm">'
        "<text:p>grouped</text:p></draw:custom-shape></draw:g>"
        f"{picture('A form')}<presentation:notes><draw:frame><draw:text-box><text:p>Say it slowly</text:p>"
        "</draw:text-box></draw:frame></presentation:notes></draw:page>"
        '<draw:page draw:master-page-name="M"/>'
    )
    parts = {"Pictures/1.png": png((60, 40), "red")}
    raw = odf(body, kind="odp", automatic=AUTOMATIC, styles=LAYOUT.format(high=10), parts=parts)
    pages = open_slides.pages_of(io.BytesIO(raw))
    assert [(page.width > page.height, page.fill) for page in pages] == [(True, "202020")] * 2
    written = [run for block in pages[0].blocks for line in block["blocks"] for run in line["runs"]]
    assert {run["colour"] for run in written if "text" in run} == {"ffffff"}
    (first, image), (second, _image) = drawn(raw, "presentation")
    assert (first.label, second.label) == ("Slide 1", "Slide 2")
    assert [words for words in ("Kōrero", "grouped", "[A form]") if words not in first.text] == []
    assert first.text.endswith("Notes: Say it slowly")
    assert has_red(image.crop((600, 0, 1200, image.height)))
    assert first.undescribed == 0


def test_a_document_without_a_body_is_one_empty_page():
    (page,) = open_texts.pages_of(io.BytesIO(odf(kind="ods")))
    assert page.blocks == []
