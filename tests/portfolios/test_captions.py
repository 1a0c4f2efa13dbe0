"""Captions: read strictly, told by line, kept as plain WebVTT, and never lost when others take their place."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from portfolios.captions import BadCaptions, as_webvtt, decoded, look_like_captions
from portfolios.models import EvidenceItem
from tests.factories.portfolios import file, portfolio_of
from tests.factories.recordings import film_of

SRT = "1\r\n00:00:00,000 --> 00:00:01,500\r\nKia ora\r\nkoutou\r\n\r\n2\r\n00:00:02,000 --> 00:00:03,000\r\nĀe\r\n"
PLAIN = "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nKia ora\nkoutou\n\n00:00:02.000 --> 00:00:03.000\nĀe\n"


def test_srt_and_webvtt_become_the_same_without_what_is_no_caption():
    vtt = (
        "WEBVTT - made by Tool of Mere\nKind: captions\n\nNOTE by Mere\n\nSTYLE\n::cue { color: red }\n\n"
        "REGION\nid:one\n\nfirst\n00:00.000 --> 00:01.500 align:start\nKia ora\nkoutou\n\n00:02.000 --> 00:03.000\nĀe"
    )
    assert as_webvtt(SRT) == as_webvtt(vtt) == as_webvtt(PLAIN) == PLAIN
    assert as_webvtt(decoded(PLAIN.encode("utf-16"))) == PLAIN
    assert as_webvtt(decoded(b"\xef\xbb\xbf" + SRT.encode())) == PLAIN


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("WEBVTT\n\n00:05.000 --> 00:04.000\nlate", "Line 3: the caption ends before it begins."),
        ("WEBVTT\n\n00:01.000 --> 00:75.000\nx", "Line 3: minutes and seconds go up to 59."),
        ("WEBVTT\n\none\ntwo\n", "Line 4: the times of a caption are missing or cannot be read."),
        ("WEBVTT\n\nlone\n", "Line 3: the times of a caption are missing or cannot be read."),
        ("WEBVTT\n\n00:01.000 -> 00:02.000\nx", "Line 4: the times"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\n\n", "Line 3: the caption has no words."),
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000\na\n00:03.000 --> 00:04.000\nb",
            "Line 4: there is no empty line before the next caption.",
        ),
        (
            "WEBVTT\n\n00:05.000 --> 00:06.000\na\n\n00:01.000 --> 00:02.000\nb",
            "Line 6: the caption begins before the one above it.",
        ),
        ("WEBVTT\n", "Line 1: no caption was found."),
        ("", "Line 1: no caption was found."),
    ],
)
def test_what_is_wrong_is_told_by_line(text, problem):
    with pytest.raises(BadCaptions) as refused:
        as_webvtt(text)
    assert refused.value.problems[0].startswith(problem)


def test_so_many_problems_are_told_and_no_more():
    with pytest.raises(BadCaptions) as refused:
        as_webvtt("WEBVTT\n\n" + "nothing here\nnor here\n\n" * 50)
    assert len(refused.value.problems) == 5
    with pytest.raises(BadCaptions):
        decoded(b"\xff\xff\xff")


def test_a_transcript_is_no_captions():
    assert not look_like_captions("Mere: Kia ora.\n\nTane: Āe.")
    assert look_like_captions(SRT)


def test_captions_come_as_a_file_and_what_they_replace_is_kept(cast, as_):
    portfolio = portfolio_of(cast)
    film = file(portfolio, "film.mp4", film_of(1), kind="media")
    address = reverse("portfolios:describe", args=[portfolio.pk, film.pk])
    client = as_(cast.lena)
    sent = {"title": "Film", "confidentiality": "internal", "text_alternative": "First transcript"}
    assert client.post(address, sent).status_code == 302
    wrong = SimpleUploadedFile("c.vtt", b"WEBVTT\n\n00:05.000 --> 00:04.000\nlate")
    refused = client.post(address, {**sent, "captions": wrong})
    assert refused.status_code == 422
    assert "Line 3: the caption ends before it begins." in refused.content.decode()
    assert "First transcript" in refused.content.decode()
    big = SimpleUploadedFile("c.vtt", b"WEBVTT\n\n" + b" " * 1024 * 1024)
    assert "larger than 1 MB" in client.post(address, {**sent, "captions": big}).content.decode()
    client.post(address, {**sent, "captions": SimpleUploadedFile("c.srt", SRT.encode())})
    film = EvidenceItem.objects.get(pk=film.pk)
    assert film.text_alternative == PLAIN
    assert [one.text for one in film.earlier_words.all()] == ["First transcript"]
    page = client.get(address).content.decode()
    assert "Earlier words" in page
    assert "First transcript" in page
    assert '<track kind="captions"' in page
    # Pasted ones are held to the same; saving the same again makes no version.
    client.post(address, {**sent, "text_alternative": PLAIN})
    assert film.earlier_words.count() == 1
    pasted = client.post(address, {**sent, "text_alternative": "WEBVTT\n\nnothing"})
    assert "Line 3: the times of a caption are missing" in pasted.content.decode()
    # What has no sound is not asked for captions.
    paper = file(portfolio, "photo.txt", b"Kia ora")
    page = client.get(reverse("portfolios:describe", args=[portfolio.pk, paper.pk]))
    assert 'name="captions"' not in page.content.decode()
