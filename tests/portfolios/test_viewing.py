"""Page images, text, posters and captions: what is made, for whom, how often, and what happens when it breaks."""

import io
from typing import Any

import pytest
from django.db import connection
from django.template import Context, Template
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from portfolios import storage
from portfolios.actions import rendering
from portfolios.actions.drafting import add_file_evidence, describe_evidence
from portfolios.actions.reconciling import reconcile_evidence
from portfolios.actions.rendering import claim_rendition, make_renditions, note_missing, remake
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.models import EvidenceItem, Rendition, RenditionPart, StoreFinding
from portfolios.selectors.viewing import anchor_of, page_of, seconds_of, transcript_of, views_of
from tests.factories.portfolios import file, note, png, portfolio_of, ready, submit
from tests.factories.recordings import film_of, pages_of
from tests.portfolios.corpus import odf
from workflows.exceptions import NotPermitted
from workflows.models import AccessRecord

VTT = "WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.000\n<v Mere>Kia ora\n\n00:00:01.000 --> 00:00:02.000\ntātou\n"


def word() -> bytes:
    import docx

    made = docx.Document()
    made.add_heading("Tikanga", 1)
    made.add_paragraph("Every change gets a keyboard test.")
    made.add_table(rows=1, cols=2).rows[0].cells[1].text = "cell"
    made.sections[0].footer.paragraphs[0].text = "Kaupapa 7"
    return saved(made)


def open_word() -> bytes:
    header = "<style:header><text:p>Whakapapa</text:p></style:header>"
    master = f'<style:master-page style:name="Standard">{header}</style:master-page>'
    return odf(styles=f"<office:master-styles>{master}</office:master-styles>")


def sheets() -> bytes:
    import openpyxl

    made = openpyxl.Workbook()
    made.active.title = "Findings"
    made.active.append(["What", "How often", None])
    made.active.append(["Labels", 3])
    made.create_sheet("Later").append(["nothing"])
    return saved(made)


def slides() -> bytes:
    import pptx

    made = pptx.Presentation()
    for number in (1, 2):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = f"Hui {number}"
        slide.notes_slide.notes_text_frame.text = "Say it slowly"
    return saved(made)


def saved(document: Any) -> bytes:
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def rendered(portfolio, name: str, content: bytes, **kw) -> EvidenceItem:
    item = file(portfolio, name, content, **kw)
    assert item.state == "ready", item.refusal
    make_renditions()
    return item


def shown(item: EvidenceItem, person: Any, **kw: Any) -> str:
    request = RequestFactory().get("/")
    request.user = person
    more = " text_alternative=text_alternative" if "text_alternative" in kw else ""
    text = "{% load evidence_tags %}{% evidence_view item number=number" + more + " %}"
    return Template(text).render(Context({"request": request, "item": item, "number": 3, **kw}))


# --- what is made ------------------------------------------------------------------------------------


def test_pages_of_a_pdf_come_as_images_with_their_text(cast, as_):
    item = rendered(portfolio_of(cast), "report.pdf", pages_of())
    one, two = views_of([item])[item.pk].pages
    assert "wāhanga 2" in two.text
    assert (one.width, one.media_type) == (1200, "image/webp")
    page = shown(item, cast.lena)
    assert 'id="evidence-3-page-2"' in page
    assert "Page 2 of 2" in page
    assert "What we &lt;b&gt;found." in page
    answer = as_(cast.lena).get(reverse("portfolios:page_image", args=[item.pk, 1]))
    with Image.open(io.BytesIO(b"".join(answer.streaming_content))) as picture:
        assert picture.size == (one.width, one.height)
    assert answer["Content-Disposition"] == "inline"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cache-Control"] == "private, no-store"
    for number in (0, 3):
        missing = as_(cast.lena).get(reverse("portfolios:page_image", args=[item.pk, number]))
        assert missing.status_code == 404


@pytest.mark.parametrize(
    ("name", "make", "labels", "words"),
    [
        ("plan.docx", word, [""], ["Tikanga", "keyboard test", " | cell", "Footer: Kaupapa 7"]),
        ("plan.odt", open_word, [""], ["Header: Whakapapa", "kept"]),
        ("list.xlsx", sheets, ["Findings", "Later"], ["Labels | 3"]),
        ("talk.pptx", slides, ["Slide 1", "Slide 2"], ["Hui 1", "Notes: Say it slowly"]),
        ("notes.txt", "Kōrero".encode, [""], ["Kōrero"]),
    ],
)
def test_office_documents_come_as_pages_and_plain_text_as_text(cast, name, make, labels, words):
    item = rendered(portfolio_of(cast), name, make())
    is_office = not name.endswith("txt")
    parts = views_of([item])[item.pk].pages
    assert [one.label for one in parts] == labels
    assert [bool(one.key) for one in parts] == [is_office] * len(parts)
    text = "\n".join(one.text for one in parts)
    assert [one for one in words if one not in text] == []
    page = shown(item, cast.lena)
    assert ("drawn here from what the document holds" in page) == is_office
    assert ("Charts are shown as tables of their numbers" in page) == is_office
    assert 'id="evidence-3-page-1"' in page
    assert f'id="evidence-3-sheet-{len(parts)}"' in page
    RenditionPart.objects.update(key="")
    assert ("There are no page images of this document." in shown(item, cast.lena)) == is_office


def test_a_film_gets_a_poster_and_its_length_and_plays_from_our_address(cast, as_):
    item = rendered(portfolio_of(cast), "film.mp4", film_of(), kind="media")
    view = views_of([item])[item.pk]
    assert (view.has_poster, view.length, view.pages) == (True, "2 s", [])
    page = shown(item, cast.lena)
    assert f'src="{reverse("portfolios:serve", args=[item.pk])}"' in page
    assert "No captions or transcript were given." in page
    poster = as_(cast.lena).get(reverse("portfolios:page_image", args=[item.pk, 0]))
    assert poster.status_code == 200
    sound = rendered(portfolio_of(cast), "talk.m4a", film_of(sound_only=True), kind="media")
    assert "<audio" in shown(sound, cast.lena)
    assert views_of([sound])[sound.pk].length == "2 s"


def test_captions_play_with_the_film_and_read_as_a_transcript(cast, as_):
    item = rendered(portfolio_of(cast), "film.mp4", film_of(1), kind="media")
    address = reverse("portfolios:captions", args=[item.pk])
    assert as_(cast.lena).get(address).status_code == 404
    item = describe_evidence(item, actor=cast.lena, title="Film", text_alternative=VTT)
    page = shown(item, cast.lena)
    assert f'<track kind="captions" label="Captions" src="{address}"' in page
    assert "Kia ora\n" in transcript_of(VTT)
    assert "-->" not in page
    # Others see the words that were submitted: captions that came later do not play with them.
    assert "<track" not in shown(item, cast.ada, text_alternative="As it was submitted")
    answer = as_(cast.lena).get(address)
    assert answer["Content-Type"] == "text/vtt"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert as_(cast.hone).get(address).status_code == 404


# --- for whom ----------------------------------------------------------------------------------------


def test_only_who_sees_the_evidence_sees_its_pages_and_one_look_is_noted_once(cast, as_):
    portfolio = ready(cast)
    item = portfolio.used_evidence()[1]
    make_renditions()
    addresses = [
        reverse("portfolios:page_image", args=[item.pk, 1]),
        reverse("portfolios:view", args=[item.pk]),
    ]
    submission = submit(portfolio)
    from assessment.actions.allocation import allocate

    allocate(submission, cast.ada, actor=cast.lea)
    for address in addresses * 2:
        assert as_(cast.ada).get(address).status_code == 200
        for other in (cast.hone, cast.abe, cast.rita, cast.olga):
            assert as_(other).get(address).status_code == 404
    assert AccessRecord.objects.filter(subject_id=item.pk, actor=cast.ada).count() == 1
    page = as_(cast.ada).get(addresses[1] + "?number=2").content.decode()
    assert "Evidence 2" in page
    assert item.title not in page
    part = as_(cast.ada).get(addresses[1], headers={"HX-Request": "true"}).content.decode()
    assert "<h1" not in part


def test_a_page_that_waits_says_so_and_asks_again(cast):
    item = file(portfolio_of(cast), "report.pdf", pages_of())
    note_missing()
    page = shown(item, cast.lena)
    assert "This takes a moment" in page
    assert f'hx-get="{reverse("portfolios:view", args=[item.pk])}?number=3"' in page
    Rendition.objects.update(total=12, next=4, state="making")
    assert "Making page images: 3 of 12." in shown(item, cast.lena)


# --- how often ---------------------------------------------------------------------------------------


def test_the_page_of_a_file_asks_until_its_check_is_done(cast, as_):
    portfolio, client = portfolio_of(cast), as_(cast.lena)
    item = add_file_evidence(portfolio, actor=cast.lena, pieces=[pages_of()], name="a.pdf")
    path = reverse("portfolios:describe", args=[portfolio.pk, item.pk])
    asks = f'<div id="evidence-state" hx-get="{path}" hx-trigger="every 4s" hx-select="#evidence-state"'
    page = client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert asks in page
    assert "Load this page again to see what came of it." in page
    assert EvidenceItem(state="scanning").is_being_checked
    scan_waiting_evidence()
    refused = file(portfolio, "bad.pdf", b"<html>bad")
    for one in (item, refused):
        page = client.get(path.replace(str(item.pk), str(one.pk))).content.decode()
        assert '<div id="evidence-state">' in page
        assert "to see what came of it" not in page


def test_equal_bytes_are_rendered_once(cast):
    content = pages_of(1)
    rendered(portfolio_of(cast), "a.pdf", content)
    rendered(portfolio_of(cast, "hone"), "b.pdf", content)
    assert Rendition.objects.count() == 1
    assert make_renditions() == 0


def test_pictures_and_notes_need_nothing_made(cast):
    portfolio = portfolio_of(cast)
    item = rendered(portfolio, "photo.png", png())
    note(portfolio)
    assert make_renditions() == 0
    assert Rendition.objects.get().state == "made"
    remake(item, actor=cast.lena)
    assert make_renditions() == 0
    page = shown(item, cast.lena)
    assert "No description of this picture was given" in page


def test_a_long_document_goes_on_where_it_stopped(cast, monkeypatch):
    item = file(portfolio_of(cast), "long.pdf", pages_of(3))
    note_missing()
    calls = []

    def stops_after_two(source, made, media_type, first):
        from portfolios.inspection import InspectionBroken

        if len(calls) == 1:
            calls.append(first)
            raise InspectionBroken("the worker was killed")
        calls.append(first)
        answer = rendering_render(source, made, media_type, first)
        return {**answer, "next": 3} if len(calls) == 1 else answer

    rendering_render = rendering.render
    monkeypatch.setattr(rendering, "render", stops_after_two)
    make_renditions()
    assert calls == [1, 3, 3]
    found = Rendition.objects.get()
    assert (found.state, found.total, found.attempts) == ("made", 3, 2)
    assert [one.number for one in views_of([item])[item.pk].pages] == [1, 2, 3]


def test_what_never_works_is_given_up_and_tried_again_on_request(cast, as_, monkeypatch):
    from portfolios.inspection import InspectionBroken

    item = file(portfolio_of(cast), "report.pdf", pages_of(1))
    with monkeypatch.context() as patched:
        patched.setattr(
            rendering, "render", lambda *_: (_ for _ in ()).throw(InspectionBroken("x"))
        )
        make_renditions()
    assert Rendition.objects.get().state == "failed"
    assert "Try again to show it here" in shown(item, cast.lena)
    with pytest.raises(NotPermitted):
        remake(item, actor=cast.hone)
    assert as_(cast.hone).post(reverse("portfolios:remake", args=[item.pk])).status_code == 404
    assert as_(cast.lena).post(reverse("portfolios:remake", args=[item.pk])).status_code == 302
    make_renditions()
    assert Rendition.objects.get().state == "made"
    before = RenditionPart.objects.get().key
    remake(item, actor=cast.lena)
    assert "This takes a moment" in shown(item, cast.lena)
    make_renditions()
    assert RenditionPart.objects.get().key == before


def test_a_document_that_cannot_be_drawn_says_so(cast):
    item = file(
        portfolio_of(cast),
        "film.mp4",
        b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + b"\0" * 64,
        kind="media",
    )
    make_renditions()
    if item.state == "ready":
        assert "No images or text could be made of this file." in shown(item, cast.lena)


def test_two_workers_take_two(cast):
    portfolio = portfolio_of(cast)
    for number in (1, 2):
        file(portfolio, f"{number}.pdf", pages_of(number))
    note_missing()
    assert claim_rendition() != claim_rendition()
    assert claim_rendition() is None


# --- and with the store ------------------------------------------------------------------------------


def test_page_images_belong_to_the_store_and_altered_ones_are_not_shown(cast, as_):
    item = rendered(portfolio_of(cast), "report.pdf", pages_of(1))
    assert not reconcile_evidence().findings.exists()
    part = RenditionPart.objects.get()
    StoreFinding.objects.create(
        check_run=reconcile_evidence(), problem="altered", key=part.key, says="other bytes"
    )
    address = reverse("portfolios:page_image", args=[item.pk, 1])
    assert as_(cast.lena).get(address).status_code == 404
    assert storage.checksum(part.key) == (part.size, part.sha256)


def test_many_items_take_two_queries(cast):
    portfolio = portfolio_of(cast)
    items = [
        rendered(portfolio, f"{number}.pdf", pages_of(1) + b"%" * number) for number in range(3)
    ]
    for some in (items[:1], items):
        with CaptureQueriesContext(connection) as asked:
            views_of(some)
        assert len(asked) == 2


@pytest.mark.parametrize(
    ("locator", "page", "seconds", "fragment"),
    [
        ("page 2", 2, None, "evidence-4-page-2"),
        ("p. 12, the table", 12, None, "evidence-4-page-12"),
        ("Slide 3", 3, None, "evidence-4-page-3"),
        ("sheet 2", None, None, "evidence-4-sheet-2"),
        ("1 min 23 s", None, 83, "evidence-4-media"),
        ("at 1:02:03", None, 3723, "evidence-4-media"),
        ("0:07 to 0:12", None, 7, "evidence-4-media"),
        ("45 seconds in", None, 45, "evidence-4-media"),
        ("the second paragraph", None, None, "evidence-4"),
        ("", None, None, "evidence-4"),
    ],
)
def test_places_in_words_lead_to_places_on_the_page(locator, page, seconds, fragment):
    assert (page_of(locator), seconds_of(locator)) == (page, seconds)
    assert (anchor_of(4, locator).fragment, anchor_of(4, locator).seconds) == (
        fragment,
        None if page else seconds,
    )
