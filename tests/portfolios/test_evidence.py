"""Taking bytes in, checking them, and handing them out."""

import hashlib
import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.client import ClientHandler
from django.urls import reverse

from portfolios import storage
from portfolios.actions.drafting import add_file_evidence
from portfolios.actions.scanning import claim
from portfolios.enums import EvidenceState
from portfolios.exceptions import UploadRefused
from portfolios.inspection.examination import examine
from portfolios.models import EvidenceItem
from portfolios.views.evidence import protect
from tests.factories.portfolios import file, note, pdf, png, portfolio_of, submitted
from tests.portfolios.corpus import heic
from workflows.models import AccessRecord

MIB = 1024 * 1024


def stored_files() -> list[Path]:
    base = Path(storages["evidence"].location)
    return [path for path in base.rglob("*") if path.is_file()] if base.exists() else []


def office(kind: str = "wordprocessingml.document.main+xml", **extra: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", f"<Types>{kind}</Types>")
        archive.writestr("word/document.xml", "<w/>")
        for name, content in extra.items():
            archive.writestr(name.replace("__", "/"), content)
    return made.getvalue()


ACCEPTED = {
    "a.pdf": pdf(),
    "a.png": png(),
    "a.docx": office(),
    "a.xlsx": office("spreadsheetml.sheet.main+xml"),
    "a.pptx": office("presentationml.presentation.main+xml"),
    "a.heic": heic(),
    "a.mp4": b"\0\0\0\x18ftypisom" + bytes(40),
    "a.mov": b"\0\0\0\x14ftypqt  " + bytes(40),
    "a.m4a": b"\0\0\0\x18ftypM4A " + bytes(40),
    "a.webm": b"\x1a\x45\xdf\xa3\x93\x42\x82\x88webm" + bytes(40),
    "a.mp3": b"ID3\x04" + bytes(40),
    "a.wav": b"RIFF\x24\0\0\0WAVEfmt ",
    "a.txt": "Ngā mihi\n".encode(),
    "a.csv": b"a,b\r\n1,2\r\n",
}
REFUSED = {
    "html.png": b"<html><script>1</script>",
    "html.pdf": b"<html>%PDF-1.4",
    "html.txt": b"<!DOCTYPE html><script>1</script>",
    "svg.csv": b"<svg onload=alert(1)>",
    "pdf.jpg": pdf(),
    "png.pdf": png(),
    "exe.txt": b"MZ\x90\0\3\0",
    "elf.csv": b"\x7fELF\2\1\1\0",
    "zip.docx": b"PK\x03\x04 not a zip",
    "sheet.docx": office("spreadsheetml.sheet.main+xml"),
    "cut.png": png()[:20],
    "latin.txt": b"caf\xe9 \xff",
    "empty.pdf": b"",
    "gif.jpg": b"GIF89a/*",
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_each_allowed_kind_is_recognised(name):
    assert not examine(io.BytesIO(ACCEPTED[name]), name).refusal


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_what_it_says_is_refused_in_words(name):
    verdict = examine(io.BytesIO(REFUSED[name]), name)
    assert not verdict.media_type
    assert verdict.refusal.endswith(".")


def test_macros_passwords_bombs_and_slips_are_refused():
    macro = io.BytesIO()
    with zipfile.ZipFile(macro, "w") as archive:
        archive.writestr("[Content_Types].xml", "wordprocessingml.document.main+xml")
        archive.writestr("word/vbaProject.bin", b"x")
    assert "macros" in examine(io.BytesIO(macro.getvalue()), "a.docx").refusal
    enabled = office("application/vnd.ms-word.document.macroEnabled.main+xml")
    assert "macros" in examine(io.BytesIO(enabled), "a.docx").refusal
    bomb = office(word__bomb=bytes(80 * MIB))
    assert "unpacks" in examine(io.BytesIO(bomb), "a.docx").refusal
    slip = io.BytesIO()
    with zipfile.ZipFile(slip, "w") as archive:
        archive.writestr("../evil", "x")
    assert "damaged" in examine(io.BytesIO(slip.getvalue()), "a.docx").refusal
    locked = bytearray(office())
    at = locked.find(b"PK\x01\x02")
    locked[at + 8] |= 1
    assert "password" in examine(io.BytesIO(bytes(locked)), "a.docx").refusal


def test_a_picture_of_too_many_pixels_is_refused():
    import struct
    import zlib

    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    chunk += (
        struct.pack(">I", 4)
        + b"IDAT"
        + bytes(4)
        + struct.pack(">I", zlib.crc32(b"IDAT" + bytes(4)))
    )
    verdict = examine(io.BytesIO(b"\x89PNG\r\n\x1a\n" + chunk), "big.png")
    assert "too many pixels" in verdict.refusal


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\x\\ā ē ī.pdf", "ā ē ī.pdf"),
        ("Ma\u0304ori.pdf", "Māori.pdf"),
        ("evil\u202efdp.exe.pdf", "evilfdp.exe.pdf"),
        ("a\x00b\r\n.pdf", "ab.pdf"),
        ("", "file"),
        (".pdf", "file.pdf"),
        ("ā" * 300 + ".pdf", "ā" * 251 + ".pdf"),
    ],
)
def test_names_are_data_without_paths_and_keep_their_macrons(given, kept):
    assert storage.clean_name(given) == kept


@pytest.mark.parametrize(
    ("size", "words"),
    [(1, "1 KB"), (500 * MIB, "500 MB"), (10_180 * MIB, "9.9 GB"), (10 * 1024 * MIB, "10 GB")],
)
def test_sizes_are_said_as_people_know_them(size, words):
    assert storage.megabytes(size) == words


def test_the_limit_stops_the_stream_and_keeps_nothing(cast):
    portfolio = portfolio_of(cast)
    cast.delivery.policy_overrides = {"evidence.max_bytes": 10}
    cast.delivery.save()
    portfolio.refresh_from_db()
    seen = []

    def pieces():
        for number in range(100):
            seen.append(number)
            yield b"12345678"

    with pytest.raises(UploadRefused, match="too big"):
        add_file_evidence(portfolio, actor=cast.lena, pieces=pieces(), name="a.pdf")
    assert len(seen) == 2
    assert not EvidenceItem.objects.exists()
    assert not stored_files()


@pytest.mark.parametrize(
    ("pieces", "expected", "code"),
    [([b""], 0, "empty"), ([], None, "empty"), ([b"%PDF-"], 9, "truncated")],
)
def test_empty_and_cut_off_uploads_leave_nothing(cast, pieces, expected, code):
    portfolio = portfolio_of(cast)
    with pytest.raises(UploadRefused) as refusal:
        add_file_evidence(
            portfolio, actor=cast.lena, pieces=pieces, name="a.pdf", expected_size=expected
        )
    assert refusal.value.code == code
    assert not EvidenceItem.objects.exists()
    assert not stored_files()


def test_a_source_that_breaks_leaves_nothing(cast):
    portfolio = portfolio_of(cast)

    def broken():
        yield pdf()
        raise OSError("line is down")

    with pytest.raises(OSError, match="line is down"):
        add_file_evidence(portfolio, actor=cast.lena, pieces=broken(), name="a.pdf")
    assert not stored_files()


def test_equal_bytes_are_written_once_and_never_again(cast):
    portfolio = portfolio_of(cast)
    one = file(portfolio, "a.pdf", pdf("same"))
    written = {path: path.stat().st_ino for path in stored_files()}
    two = file(portfolio, "b.pdf", pdf("same"))
    assert {path: path.stat().st_ino for path in stored_files()} == written
    assert one.storage_key == two.storage_key
    assert one.copy_key == two.copy_key != one.storage_key
    assert len(stored_files()) == 2
    assert {path.stat().st_mode & 0o777 for path in stored_files()} == {0o444}
    assert storage.checksum(one.storage_key) == (one.size, one.sha256)
    other = storage.final_key(cast.other.pk, one.sha256)
    assert other.split("/")[0] != one.storage_key.split("/")[0]


def test_memory_does_not_grow_with_the_file(cast):
    portfolio = portfolio_of(cast)

    def pieces():
        yield b"%PDF-1.4\n"
        for _number in range(64):
            yield bytes(MIB)

    tracemalloc.start()
    add_file_evidence(portfolio, actor=cast.lena, pieces=pieces(), name="big.pdf")
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * MIB


def test_the_check_decides_and_says_what_was_not_looked_for(cast):
    portfolio = portfolio_of(cast)
    good, bad = file(portfolio), file(portfolio, "bad.pdf", b"<html>")
    assert good.state == EvidenceState.READY
    assert good.media_type == "application/pdf"
    assert good.words == "Ready. Not scanned for viruses"
    assert bad.state == EvidenceState.QUARANTINED
    assert "not what its name says" in bad.refusal
    assert note(portfolio).words == "Ready"


def test_two_workers_never_take_the_same_item(cast):
    portfolio = portfolio_of(cast)
    add_file_evidence(portfolio, actor=cast.lena, pieces=[pdf()], name="a.pdf")
    assert len(claim()) == 1
    assert claim() == []


# --- handing out -------------------------------------------------------------------------------------


def content(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.parametrize(
    ("asked", "code", "part"),
    [
        (None, 200, slice(None)),
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=-4", 206, slice(-4, None)),
        ("bytes=2-9999", 206, slice(2, None)),
        ("bytes=9999-", 416, None),
        ("bytes=5-2", 416, None),
        ("bytes=0-1,3-4", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
    ],
)
def test_one_range_at_a_time(cast, as_, asked, code, part):
    raw = pdf("range")
    item = file(portfolio_of(cast), "Pūrongo.pdf", raw)
    headers = {"Range": asked} if asked else {}
    answer = as_(cast.lena).get(reverse("portfolios:serve", args=[item.pk]), headers=headers)
    assert answer.status_code == code
    if part is None:
        assert answer["Content-Range"] == f"bytes */{len(raw)}"
        return
    assert content(answer) == raw[part]
    assert answer["Content-Length"] == str(len(raw[part]))
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''P%C5%ABrongo.pdf")


def test_a_download_goes_on_where_it_broke_off_only_with_the_same_bytes(cast, as_):
    item = file(portfolio_of(cast))
    client, place = as_(cast.lena), reverse("portfolios:serve", args=[item.pk])
    tag = client.get(place)["ETag"]
    same = client.get(place, headers={"Range": "bytes=4-", "If-Range": tag})
    assert (same.status_code, content(same)) == (206, content(client.get(place))[4:])
    other = client.get(place, headers={"Range": "bytes=4-", "If-Range": '"other"'})
    assert (other.status_code, content(other)) == (200, content(client.get(place)))


def test_behind_nginx_the_site_asks_and_nginx_sends(cast, as_, settings):
    settings.EVIDENCE_ACCEL = "_evidence"
    item = file(portfolio_of(cast), "Pūrongo.pdf")
    place = reverse("portfolios:serve", args=[item.pk])
    answer = as_(cast.lena).get(place, headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["X-Accel-Redirect"] == f"/_evidence/{item.storage_key}"
    assert "attachment" in answer["Content-Disposition"]
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "no-store" in answer["Cache-Control"]
    assert as_(cast.hone).get(place).status_code == 404


@pytest.mark.parametrize("s3", ["moto_s3"], indirect=True)
def test_what_lies_in_s3_is_not_asked_of_nginx(cast, as_, settings, s3):
    settings.EVIDENCE_ACCEL = "_evidence"
    item = file(portfolio_of(cast))
    answer = as_(cast.lena).get(reverse("portfolios:serve", args=[item.pk]))
    assert "X-Accel-Redirect" not in answer
    assert content(answer).startswith(b"%PDF")


def test_bytes_of_people_are_guarded_by_themselves():
    """Whatever the middleware adds, and where it is not."""
    answer = protect(HttpResponse(b"x", content_type="text/html"))
    assert {name: answer[name] for name in answer.headers if name != "Content-Type"} == {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def test_others_get_a_neutral_name_and_leave_a_trace(cast, as_):
    submission = submitted(cast)
    item = submission.pins.get(number=2).evidence
    path = reverse("portfolios:serve", args=[item.pk])
    for who in ("lena", "hone", "pam"):
        as_(getattr(cast, who)).get(path)
    answer = as_(cast.lea).get(path)
    assert "evidence-02.pdf" in answer["Content-Disposition"]
    assert "report" not in answer["Content-Disposition"]
    assert set(AccessRecord.objects.values_list("actor", flat=True)) == {
        cast.lea.pk,
        cast.pam.pk,
    }


def test_nothing_that_failed_its_check_is_served(cast, as_):
    bad = file(portfolio_of(cast), "bad.pdf", b"<html>")
    client = as_(cast.lena)
    assert client.get(reverse("portfolios:serve", args=[bad.pk])).status_code == 404
    assert client.get(reverse("portfolios:preview", args=[bad.pk])).status_code == 404


def test_previews_are_ours_and_hold_no_location(cast, as_):
    from PIL import Image

    made = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    exif.get_ifd(0x8825)[2] = (36.0, 50.0, 0.0)
    Image.new("RGB", (40, 20), "teal").save(made, "JPEG", exif=exif)
    assert b"secret place" in made.getvalue()
    item = file(portfolio_of(cast), "photo.jpg", made.getvalue(), kind="photo")
    client = as_(cast.lena)
    for _time in range(2):
        answer = client.get(reverse("portfolios:preview", args=[item.pk]))
        shown = content(answer)
        assert answer["Content-Type"] == "image/jpeg"
        assert answer["Content-Disposition"] == "inline"
        assert b"secret place" not in shown
        with Image.open(io.BytesIO(shown)) as picture:
            assert picture.size == (40, 20)
            assert not dict(picture.getexif())
    assert (
        client.get(reverse("portfolios:preview", args=[note(portfolio_of(cast)).pk])).status_code
        == 404
    )


# --- the page ----------------------------------------------------------------------------------------


def test_a_refused_file_keeps_the_words_that_were_typed(cast, as_):
    portfolio = portfolio_of(cast)
    path = reverse("portfolios:add_kind", args=[portfolio.pk, "file"])
    for name, raw, words in (
        ("empty.pdf", b"", "This file is empty"),
        ("x.svg", b"<svg/>", "We cannot take this kind of file"),
        ("noextension", b"abc", "We cannot take this kind of file"),
    ):
        sent = {"upload": SimpleUploadedFile(name, raw), "title": "My report", "description": "Hui"}
        answer = as_(cast.lena).post(path, sent)
        assert answer.status_code == 422
        page = answer.content.decode()
        assert words in page
        assert "My report" in page
    assert not EvidenceItem.objects.exists()


def test_a_body_shorter_than_announced_is_not_evidence(cast, client: Client):
    portfolio = portfolio_of(cast)
    client.force_login(cast.lena)
    upload = SimpleUploadedFile("a.pdf", pdf("cut") * 50)
    path = reverse("portfolios:add_kind", args=[portfolio.pk, "file"])
    request = RequestFactory().post(path, {"upload": upload, "title": "x"})
    whole = request.environ["wsgi.input"].read()
    environ = {
        **request.environ,
        "wsgi.input": io.BytesIO(whole[: len(whole) // 2]),
        "HTTP_COOKIE": f"sessionid={client.cookies['sessionid'].value}",
        "HTTP_HOST": "testserver",
    }
    answer = ClientHandler(enforce_csrf_checks=False)(environ)
    assert answer.status_code == 422
    assert "cut off before the end" in answer.content.decode()
    assert not EvidenceItem.objects.exists()
    assert not stored_files()


# --- S3 ----------------------------------------------------------------------------------------------


def keys(s3) -> list[str]:
    client, bucket = s3
    return [one["Key"] for one in client.list_objects_v2(Bucket=bucket).get("Contents", [])]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_same_on_s3(cast, as_, s3):
    raw = hashlib.sha256(b"x").hexdigest().encode() * (20 * MIB // 64)
    portfolio = portfolio_of(cast)
    add_file_evidence(
        portfolio,
        actor=cast.lena,
        pieces=(raw[at : at + MIB] for at in range(0, len(raw), MIB)),
        name="big.txt",
        expected_size=len(raw),
    )
    small = file(portfolio, "small.pdf", pdf("small"))
    again = file(portfolio, "again.pdf", pdf("small"))
    big = EvidenceItem.objects.get(original_name="big.txt")
    assert {one.state for one in (small, again, big)} == {EvidenceState.READY}
    assert big.copy_key == big.storage_key  # a text has nothing to take out
    assert sorted(keys(s3)) == sorted({small.storage_key, small.copy_key, big.storage_key})
    assert storage.checksum(big.storage_key) == (len(raw), hashlib.sha256(raw).hexdigest())
    client = as_(cast.lena)
    answer = client.get(
        reverse("portfolios:serve", args=[big.pk]), headers={"Range": "bytes=100-199"}
    )
    assert answer.status_code == 206
    assert content(answer) == raw[100:200]
    before = keys(s3)

    def broken():
        for at in range(0, len(raw), MIB):
            yield raw[at : at + MIB]
        raise OSError("line is down")

    with pytest.raises(OSError, match="line is down"):
        add_file_evidence(portfolio, actor=cast.lena, pieces=broken(), name="c.pdf")
    with pytest.raises(UploadRefused, match="cut off"):
        add_file_evidence(
            portfolio, actor=cast.lena, pieces=[raw], name="d.pdf", expected_size=len(raw) + 1
        )
    assert keys(s3) == before
    storages_client, bucket = s3
    assert not storages_client.list_multipart_uploads(Bucket=bucket).get("Uploads")
    address = storage.presigned(small.storage_key, name="evidence-01.pdf", media_type="x/y")
    assert "X-Amz-Signature" in address
    assert "X-Amz-Expires=60" in address
