"""What documents say to people who cannot see them, and that their learners are asked for the rest."""

import io
import tempfile
from typing import Any

import docx
import pytest
import typst
from django.urls import reverse
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from PIL import Image

from catalogue.models import Criterion
from portfolios.actions.drafting import describe_evidence, map_evidence
from portfolios.actions.rendering import claim_rendition, count_again, make_renditions, note_missing
from portfolios.inspection import render
from portfolios.inspection.rendering import WORD, parts_in
from portfolios.models import EvidenceItem, Rendition
from portfolios.selectors.evidence import access_gap, named
from portfolios.selectors.viewing import views_of
from portfolios.tasks import reconcile
from tests.factories.portfolios import file, note, png, portfolio_of

pytestmark = pytest.mark.sqlite
ASKED = "What the pages show, in words"


def paper(
    alt: str | None = None, *, words: str = "What we found", decorates: bool = False
) -> bytes:
    """A text document with a picture; described, not, or marked as decoration."""
    made = docx.Document()
    if words:
        made.add_paragraph(words)
    made.add_picture(io.BytesIO(png((40, 30))))
    (properties,) = made.element.body.iter(qn("wp:docPr"))
    if alt:
        properties.set("descr", alt)
    if decorates:
        mark = OxmlElement("a:decorative")
        mark.set("val", "1")
        properties.append(mark)
    kept = io.BytesIO()
    made.save(kept)
    return kept.getvalue()


def tagged(alt: str) -> bytes:
    """A PDF as good programs make it, with a picture that has words, or has none."""
    picture = ",".join(str(byte) for byte in png((40, 30)))
    words = f', alt: "{alt}"' if alt else ""
    body = f'Found.\n#image(bytes(({picture})), format: "png", width: 60%{words})'
    return bytes(typst.compile(body.encode(), format="pdf"))


def scan() -> bytes:
    """A PDF that is only a picture."""
    kept = io.BytesIO()
    Image.new("RGB", (100, 140), "white").save(kept, "PDF")
    return kept.getvalue()


def undescribed(raw: bytes, media_type: str) -> list[int]:
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as made:
        source.write(raw)
        source.flush()
        assert render(source, made, media_type, 1).get("refusal") is None
        return [part.undescribed for part, _raw in parts_in(made)]


def test_pictures_without_words_are_counted():
    counts = {
        "none": undescribed(paper(), WORD),
        "words": undescribed(paper("A form with labels"), WORD),
        "decoration": undescribed(paper(decorates=True), WORD),
        "pdf": undescribed(tagged(""), "application/pdf"),
        "pdf with words": undescribed(tagged("A form with labels"), "application/pdf"),
        "scan": undescribed(scan(), "application/pdf"),
    }
    assert counts == {
        "none": [1], "words": [0], "decoration": [0], "pdf": [1], "pdf with words": [0], "scan": [1],
    }  # fmt: skip


def test_what_was_drawn_before_pictures_were_counted_is_drawn_again_at_night(cast, settings):
    settings.WAKE_WORKERS = False
    portfolio = portfolio_of(cast)
    item = file(portfolio, "bare.docx", paper())
    others = [file(portfolio, "a.png", png(), kind="photo"), file(portfolio, "a.txt", b"Kia ora")]
    make_renditions()
    made = Rendition.objects.get(source_key=item.copy_key)
    assert (made.counted, made.parts.get().undescribed) == (True, 1)
    # As an earlier version has left it.
    Rendition.objects.update(counted=False)
    made.parts.update(undescribed=0)
    reconcile()
    waiting = Rendition.objects.filter(state="waiting")
    assert [one.source_key for one in waiting] == [item.copy_key]
    fresh = file(portfolio, "fresh.docx", paper("A form"))
    note_missing()
    first = claim_rendition()
    assert first is not None
    assert first.source_key == fresh.copy_key
    make_renditions()
    made.refresh_from_db()
    assert (made.state, made.counted, made.parts.get().undescribed) == ("made", True, 1)
    assert count_again() == 0
    assert len(others) == 2


def test_the_learner_of_a_document_is_asked_for_what_its_pages_show(cast, as_):
    portfolio = portfolio_of(cast)
    items = {
        "bare": file(portfolio, "bare.docx", paper()),
        "silent": file(portfolio, "scan.pdf", scan()),
        "good": file(portfolio, "good.docx", paper("A form with labels")),
    }
    texts = [note(portfolio), file(portfolio, "a.txt", b"Kia ora")]
    make_renditions()
    says = {
        "bare": "Page 1 has pictures without a description.",
        "silent": "Its pages seem to be pictures of text.",
        "good": "We found text on every page",
    }
    client = as_(cast.lena)

    def page_of(item: EvidenceItem) -> str:
        address = reverse("portfolios:describe", args=[portfolio.pk, item.pk])
        return str(client.get(address).content.decode())

    for name, item in items.items():
        page = page_of(item)
        assert ASKED in page, name
        assert [words for words in says.values() if words in page] == [says[name]]
    for item in texts:
        assert ASKED not in page_of(item)
    photo = file(portfolio, "a.png", png(), kind="photo")
    assert "Description of the picture" in page_of(photo)
    # Asked in the panel as well, until there are words; and they may be given in the form.
    criterion = Criterion.objects.get(code="C1")
    for item in items.values():
        map_evidence(portfolio, item, criterion, actor=cast.lena)
    check = reverse("portfolios:check", args=[portfolio.pk])
    panel = client.get(check).content.decode()
    assert (says["bare"] in panel, says["silent"] in panel) == (True, True)
    for name in ("bare", "silent"):
        address = reverse("portfolios:describe", args=[portfolio.pk, items[name].pk])
        typed = {"title": name, "text_alternative": "A form.", "confidentiality": "internal"}
        assert client.post(address, {**typed, "criteria": [str(criterion.pk)]}).status_code == 302
    assert "We found nothing missing" in client.get(check).content.decode()
    assert EvidenceItem.objects.get(pk=items["bare"].pk).text_alternative == "A form."


def test_it_is_asked_before_the_check_too_by_what_the_name_says(cast):
    portfolio = portfolio_of(cast)
    item = file(portfolio, "a.docx", paper())
    item.inspected_at, item.media_type = None, "application/octet-stream"
    assert item.is_document
    item.original_name = "a.txt"
    assert not item.is_document


def test_pages_are_named_in_words(cast):
    assert named([2]) == "Page 2"
    assert named([2, 3, 7]) == "Pages 2, 3 and 7"
    assert named([*range(1, 10)]) == "Pages 1, 2, 3, 4, 5 and 4 more"
    assert named([*range(1, 7)]) == "Pages 1, 2, 3, 4, 5 and 6"
    item = file(portfolio_of(cast), "a.docx", paper(words=""))
    make_renditions()
    view: Any = views_of([item])[item.pk]
    view.parts[0].text = ""
    spoken = type(view.parts[0])(number=2, key="x", text="Words")
    view.parts = [view.parts[0], spoken]
    assert access_gap(view) == "Page 1 cannot be read aloud. Say in words what stands there."
    described = describe_evidence(item, actor=cast.lena, title="A", text_alternative="A form.")
    view.item = described
    assert access_gap(view) == ""
