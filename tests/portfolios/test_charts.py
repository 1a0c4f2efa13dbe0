"""What stands around and upon sheets, and the numbers of charts and words of diagrams in every kind of document."""

import io
import re
import zipfile
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from docx.opc.packuri import PackURI
from docx.opc.part import Part as Piece
from docx.oxml import parse_xml
from openpyxl.chart import BarChart, Reference
from openpyxl.drawing.image import Image as Placed
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from portfolios.inspection import (
    charts,
    office,
    open_sheets,
    open_slides,
    open_texts,
    sheets,
    slides,
    word,
)
from portfolios.inspection.rendering import SHEETS, pdf_of
from portfolios.inspection.sheet_parts import around_of
from tests.factories.portfolios import png
from tests.portfolios.corpus import odf
from tests.portfolios.test_office import colours, drawn, saved

A = "http://schemas.openxmlformats.org/drawingml/2006/main"
DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SMART = f"""<dgm:dataModel xmlns:dgm="{DIAGRAM}" xmlns:a="{A}"><dgm:ptLst>
    <dgm:pt modelId="0" type="doc"/>
    <dgm:pt modelId="3"><dgm:t><a:p><a:r><a:t>Mend</a:t></a:r></a:p></dgm:t></dgm:pt>
    <dgm:pt modelId="1"><dgm:t><a:p><a:r><a:t>Kite</a:t></a:r></a:p></dgm:t></dgm:pt>
    <dgm:pt modelId="2"><dgm:t><a:p><a:r><a:t>by keyboard</a:t></a:r></a:p></dgm:t></dgm:pt>
    </dgm:ptLst><dgm:cxnLst><dgm:cxn srcId="0" destId="3" srcOrd="1"/><dgm:cxn srcId="0" destId="1" srcOrd="0"/>
    <dgm:cxn srcId="1" destId="2" srcOrd="0"/><dgm:cxn srcId="2" destId="1" srcOrd="0"/></dgm:cxnLst></dgm:dataModel>"""


def deck() -> Any:
    """A slide with a chart of shares, one with points, whose numbers PowerPoint has kept."""
    made = pptx.Presentation()
    shares = CategoryChartData(number_format="0%")
    shares.categories = ["Hui-tanguru", "Poutū-te-rangi"]
    shares.add_series("Web", (0.25, 0.5))
    shares.add_series("App", (0.1, None))
    place = (Inches(1), Inches(2), Inches(6), Inches(4))
    one = made.slides.add_slide(made.slide_layouts[6])
    chart = one.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, shares).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Use by month"
    chart.value_axis.axis_title.text_frame.text = "Share of visits"
    chart.category_axis.axis_title.text_frame.text = "Month"
    points = XyChartData()
    for name, far in (("Before", 1), ("After", 2)):
        series = points.add_series(name)
        series.add_data_point(far, 0.1 + 0.2)
    two = made.slides.add_slide(made.slide_layouts[6])
    two.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, *place, points)
    return made


def chart_part() -> bytes:
    with zipfile.ZipFile(saved(deck())) as archive:
        name = next(one for one in archive.namelist() if one.startswith("ppt/charts/chart"))
        # Without the workbook inside, which another document would not find.
        return re.sub(rb"<c:externalData.*?</c:externalData>", b"", archive.read(name))


def test_a_chart_on_a_slide_comes_as_its_numbers():
    first, second = slides.pages_of(saved(deck()))
    assert first.text.strip().split("\n") == [
        "[A chart. Its numbers follow] ",
        "Bar chart: Use by month",
        "Along: Month. Up: Share of visits",
        "Month | Web | App",
        "Hui-tanguru | 25% | 10%",
        "Poutū-te-rangi | 50%",
    ]
    # Series with other places have a table each.
    assert second.text.strip().split("\n")[1:] == [
        "Scatter chart", " | Before", "1 | 0.3", " | After", "2 | 0.3",
    ]  # fmt: skip
    # Its numbers are enough for people who cannot see it.
    assert [first.undescribed, second.undescribed] == [0, 0]
    with pdf_of(office.laid_out([first])) as made:
        said = made[0].get_textpage().get_text_bounded()
    assert ["Use by month" in said, "Poutū-te-rangi" in said, "50%" in said] == [True] * 3


def drawing(inner: str, words: str = "") -> Any:
    space = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
    main = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return parse_xml(
        f'<w:drawing xmlns:w="{main}" xmlns:wp="{space}" xmlns:a="{A}" xmlns:r="{RELATIONS}"><wp:inline>'
        f'<wp:docPr id="1" name="x" descr="{words}"/><a:graphic><a:graphicData>{inner}</a:graphicData>'
        "</a:graphic></wp:inline></w:drawing>"
    )


def with_part(made: Any, path: str, kind: str, content: bytes) -> str:
    piece = Piece(PackURI(path), "application/xml", content, made.part.package)
    return str(made.part.relate_to(piece, f"{RELATIONS}/{kind}"))


def test_charts_and_diagrams_of_a_text_document_come_as_words():
    made = docx.Document()
    space = "http://schemas.openxmlformats.org/drawingml/2006/chart"
    for content, alt in ((chart_part(), ""), (b"damaged", ""), (b"damaged", "Visits rise")):
        key = with_part(made, f"/word/charts/chart{len(made.part.rels)}.xml", "chart", content)
        run = made.add_paragraph().add_run()
        run._r.append(drawing(f'<c:chart xmlns:c="{space}" r:id="{key}"/>', alt))
    key = with_part(made, "/word/diagrams/data1.xml", "diagramData", SMART.encode())
    run = made.add_paragraph().add_run("The way")
    run._r.append(drawing(f'<dgm:relIds xmlns:dgm="{DIAGRAM}" r:dm="{key}"/>'))
    newer = f'<cx:chart xmlns:cx="{charts.NEWER_CHART[1:].partition("}")[0]}"/>'
    made.add_paragraph().add_run()._r.append(drawing(newer, "A waterfall"))
    made.element.body.insert_element_before(run._r.getparent(), "w:sectPr")
    (page,) = word.pages_of(saved(made))
    assert "Bar chart: Use by month" in page.text
    assert "[A waterfall]" in page.text
    assert "Hui-tanguru | 25% | 10%" in page.text
    assert "[A chart, which is not drawn here]" in page.text
    assert "[Visits rise]" in page.text
    # In the order of the diagram, not of its parts; what goes round in a ring ends.
    assert page.text.endswith(
        "The way [A diagram. Its words follow] \n• Kite\n• by keyboard\n• Mend"
    )
    assert page.undescribed == 1


def workbook() -> Any:
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Visits"
    for row in (["Month", "Visits"], ["Hui-tanguru", 30], *([f"Day {n}", n] for n in range(60))):
        sheet.append(row)
    sheet.oddHeader.left.text = "Kaupapa: &[Tab]"
    sheet.oddHeader.center.text = 'R&&D "x"'
    sheet.oddFooter.right.text = "Page &P of &N"
    sheet.oddFooter.left.text = "&F &Z"
    chart = BarChart()
    chart.title = "Visits by month"
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=2), titles_from_data=True)
    sheet.add_chart(chart, "E2")
    sheet.add_image(Placed(io.BytesIO(png((300, 200), "red"))), "E20")
    alone = made.create_chartsheet("Alone")
    other = BarChart()
    other.title = "On its own"
    other.add_data(Reference(sheet, min_col=2, min_row=1, max_row=2), titles_from_data=True)
    alone.add_chart(other)
    made.create_sheet("Plain").append(["words"])
    return made


def test_a_sheet_has_its_header_and_footer_and_what_lies_upon_it():
    pages = sheets.pages_of(saved(workbook()))
    assert [page.label for page in pages] == ["Visits"] * 3 + ["Alone", "Plain"]
    first, _second, upon, alone, plain = (page.text for page in pages)
    assert first.startswith('Header: Kaupapa: Visits | R&D "x"\n\n | A | B\n1 | Month | Visits')
    # Neither the name of the file nor its folder.
    assert first.endswith("Footer: Page 1 of 5")
    assert upon.startswith("At E2\n [A chart, which is not drawn here: Visits by month] \nAt E20\n")
    assert "Header" not in upon
    assert alone.strip() == "[A chart, which is not drawn here: On its own]"
    assert plain == " | A\n1 | words"
    with pdf_of(office.laid_out(pages)) as made:
        said = [page.get_textpage().get_text_bounded() for page in made]
    assert ["Kaupapa: Visits" in one for one in said] == [True, True, True, False, False]
    assert ["Page 3 of 5" in said[2], "&" in said[1].replace("R&D", "")] == [True, False]
    images = [image for _part, image in drawn(workbook(), SHEETS)]
    assert any(red > 200 and green < 60 for red, green, _blue in colours(images[2]))


def test_numbers_that_excel_kept_with_a_chart_are_told():
    """As Excel writes it: the library that made this workbook keeps none."""
    made = io.BytesIO()
    with zipfile.ZipFile(saved(workbook())) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            chart = name.startswith("xl/charts/chart")
            new.writestr(name, chart_part() if chart else old.read(name))
    texts = [page.text for page in sheets.pages_of(made)]
    assert "At E2\n [A chart. Its numbers follow] \nBar chart: Use by month\n" in texts[2]
    assert texts[3].endswith("Month | Web | App\nHui-tanguru | 25% | 10%\nPoutū-te-rangi | 50%")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("plain", "plain"),
        ("&LLeft&RRight", "Left | Right"),
        ('&C&"Arial,Bold"&14&K01+000Title&B&I', "Title"),
        ("&D &T&F&Z", ""),
        ("&A&G", "Findings [A picture, which is not drawn here]"),
        ("", ""),
    ],
)
def test_codes_of_a_header_are_read(code, words):
    assert " ".join(office.words_of(around_of(code, "Findings")).split()) == words


def test_headers_of_a_first_and_of_even_pages_are_their_own():
    made = openpyxl.Workbook()
    for number in range(120):
        made.active.append([number])
    made.active.HeaderFooter.differentFirst = True
    made.active.HeaderFooter.differentOddEven = True
    made.active.firstHeader.center.text = "first"
    made.active.oddHeader.center.text = "odd"
    made.active.evenHeader.center.text = "even"
    heads = [office.words_of(page.header) for page in sheets.pages_of(saved(made))]
    assert heads == ["first", "even", "odd"]


# --- OpenDocument -------------------------------------------------------------------------------------

CHART = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:chart="urn:oasis:names:tc:opendocument:xmlns:chart:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:chart>'
    '<chart:chart chart:class="chart:line"><chart:title><text:p>Use by month</text:p></chart:title><chart:plot-area>'
    '<chart:axis chart:dimension="x"><chart:title><text:p>Month</text:p></chart:title></chart:axis></chart:plot-area>'
    "<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p/></table:table-cell>"
    "<table:table-cell><text:p>Web</text:p></table:table-cell></table:table-row></table:table-header-rows>"
    "<table:table-rows><table:table-row><table:table-cell><text:p>Hui-tanguru</text:p></table:table-cell>"
    '<table:table-cell office:value="0.30000000000000004"><text:p>0.30000000000000004</text:p></table:table-cell>'
    "</table:table-row></table:table-rows></table:table></chart:chart></office:chart></office:body>"
    "</office:document-content>"
)
FORMULA = (
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mi>a</mi>'
    '<annotation encoding="StarMath 5.0">{a} over {b}</annotation></semantics></math>'
)
OBJECTS: dict[str, str | bytes] = {
    "Object 1/content.xml": CHART,
    "Object 2/content.xml": FORMULA,
    "Object 3/content.xml": "<damaged",
}


def framed(number: int) -> str:
    return f'<draw:frame><draw:object xlink:href="./Object {number}"/></draw:frame>'


TOLD = ["[A chart. Its numbers follow] ", "Line chart: Use by month", "Along: Month", "| Web"]
TOLD += ["Hui-tanguru | 0.3"]


def test_charts_and_formulas_of_open_documents_come_as_words():
    text = "".join(f"<text:p>{framed(number)}</text:p>" for number in (1, 2, 3))
    (page,) = open_texts.pages_of(io.BytesIO(odf(text, parts=OBJECTS)))
    lines = [line for line in page.text.strip().split("\n") if line.strip()]
    assert [line.strip() for line in lines] == [
        *(line.strip() for line in TOLD),
        "[Formula: {a} over {b}]",
        "[A chart or formula, which is not drawn here]",
    ]
    assert page.undescribed == 1
    (slide,) = open_slides.pages_of(
        io.BytesIO(odf(f"<draw:page>{framed(1)}</draw:page>", kind="odp", parts=OBJECTS))
    )
    assert [line.strip() for line in slide.text.strip().split("\n")] == [
        one.strip() for one in TOLD
    ]


def test_a_sheet_of_open_document_has_its_header_and_what_lies_upon_it():
    styles = (
        '<office:master-styles><style:master-page style:name="Default"><style:header><style:region-left><text:p>'
        "Kaupapa: <text:sheet-name>???</text:sheet-name></text:p></style:region-left><style:region-right><text:p>"
        'right</text:p></style:region-right></style:header><style:header-left style:display="false"><text:p>no'
        "</text:p></style:header-left><style:footer><text:p>Page <text:page-number>77</text:page-number> of"
        " <text:page-count>88</text:page-count></text:p></style:footer></style:master-page>"
        '<style:master-page style:name="Bare"><style:header style:display="false"><text:p>hidden</text:p>'
        "</style:header></style:master-page></office:master-styles>"
    )
    automatic = '<style:style style:name="T" style:family="table" style:master-page-name="Bare"/>'
    body = (
        '<table:table table:name="Visits"><table:table-row><table:table-cell table:number-columns-repeated="2">'
        f"<text:p>one</text:p></table:table-cell><table:table-cell>{framed(1)}</table:table-cell></table:table-row>"
        "</table:table>"
        '<table:table table:name="Upon" table:style-name="T"><table:shapes><draw:frame><draw:text-box><text:p>in a box'
        "</text:p></draw:text-box></draw:frame><draw:g><draw:custom-shape><text:p>grouped</text:p></draw:custom-shape>"
        "</draw:g></table:shapes></table:table>"
    )
    raw = odf(body, kind="ods", styles=styles, automatic=automatic, parts=OBJECTS)
    pages = open_sheets.pages_of(io.BytesIO(raw))
    assert [page.label for page in pages] == ["Visits", "Visits", "Upon"]
    first, chart, upon = (page.text for page in pages)
    assert (
        first == "Header: Kaupapa: Visits | right\n\n | A | B\n1 | one | one\n\nFooter: Page 1 of 3"
    )
    assert [line.strip() for line in chart.split("\n")] == ["At C1", *(one.strip() for one in TOLD)]
    # A sheet without cells is what lies upon it.
    assert upon == "in a box\ngrouped"
    with pdf_of(office.laid_out(pages)) as made:
        assert "Page 2 of 3" in made[1].get_textpage().get_text_bounded()


# --- limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("0.30000000000000004", "", "0.3"),
        ("12", "General", "12"),
        ("0.256", "0.0%", "26%"),
        ("45986", "yyyy-mm-dd", "2025-11-25"),
        ("1e300", "", "1e300"),
        ("nan", "", "nan"),
        ("-1e9", "yyyy", "-1000000000"),
        ("words", "0%", "words"),
    ],
)
def test_figures_are_told_as_people_read_them(text, code, words):
    assert charts.figure(text, code) == words


def test_a_long_chart_is_cut_and_says_so():
    numbers = charts.Numbers(["", "a"], [[str(n), str(n)] for n in range(charts.MOST_ROWS + 1)])
    below = charts.Chart("Line chart", tables=[numbers]).blocks()
    assert office.words_of(below).endswith(f"{charts.MOST_ROWS - 1}\n{charts.CUT}")
    space = "http://schemas.openxmlformats.org/drawingml/2006/chart"
    # A place far away makes no list of that length.
    far = (
        f'<c:chartSpace xmlns:c="{space}"><c:chart><c:plotArea><c:lineChart><c:ser><c:val><c:numLit>'
        '<c:pt idx="99999999"><c:v>1</c:v></c:pt><c:pt idx="0"><c:v>2</c:v></c:pt></c:numLit></c:val></c:ser>'
        "</c:lineChart></c:plotArea></c:chart></c:chartSpace>"
    )
    assert office.words_of([office.paragraph([charts.chart_run(far.encode(), "")])]).endswith(
        "Line chart\n | Series 1\n1 | 2"
    )
