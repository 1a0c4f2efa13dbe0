"""Hostile files are refused, what looks into them can do nothing else, and copies name nobody."""

import base64
import contextlib
import ctypes
import io
import json
import logging
import os
import resource
import socket
import threading
import time
import zipfile
import zlib
from importlib import import_module
from pathlib import Path

import pikepdf
import pytest
from django.apps import apps
from django.core import mail
from django.urls import reverse

from assessment.actions.allocation import allocate
from catalogue.models import Criterion
from portfolios import storage
from portfolios.actions.drafting import map_evidence
from portfolios.actions.rendering import make_renditions
from portfolios.actions.scanning import copy_missing
from portfolios.enums import EvidenceState
from portfolios.inspection import TOO_MUCH, Inspector, helper, inspect
from portfolios.models import EvidenceItem, RenditionPart
from tests.factories.assessment import opened
from tests.factories.portfolios import file, note, portfolio_of, submit
from tests.personas import make_cast
from tests.portfolios import corpus, described
from workflows.models import AccessRecord, Notification, OutboxMessage
from workflows.outbox import message_id, relay, senders

HOSTILE = corpus.hostile()
WITH_NAMES = {
    "a.docx": corpus.docx_with_names,
    "a.odt": corpus.odt_with_names,
    "b.docx": lambda: corpus.docx(described.parts_of_office()),
    "a.pdf": corpus.pdf_with_names,
    "b.pdf": described.pdf_with_pictures,
    "a.jpg": corpus.photo,
    "a.png": lambda: corpus.photo("PNG"),
    "a.webp": lambda: corpus.photo("WEBP"),
    "a.heic": corpus.heic,
    "a.mp4": lambda: corpus.recording("mp4"),
    "a.mov": lambda: corpus.recording("mov"),
    "a.webm": lambda: corpus.recording("webm"),
    "a.mp3": lambda: corpus.recording("mp3"),
    "a.wav": lambda: corpus.recording("wav"),
}


def looked_at(raw: bytes, name: str):
    """The report of the helper, and the copy."""
    import tempfile

    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as copy:
        source.write(raw)
        source.flush()
        report = inspect(source, name, copy)
        copy.seek(0)
        return report, copy.read()


def everything_in(raw: bytes) -> bytes:
    """The bytes, and what lies packed in them: parts, streams, packed text of pictures."""
    found = raw
    if raw.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for name in archive.namelist():
                found += name.encode() + everything_in(archive.read(name))
    elif raw.startswith(b"%PDF"):
        with pikepdf.open(io.BytesIO(raw)) as document:
            for one in document.objects:
                if isinstance(one, pikepdf.Stream):
                    found += one.read_raw_bytes()
                    with contextlib.suppress(pikepdf.PdfError):
                        found += one.read_bytes()
                found += one.unparse()
    elif raw.startswith(b"\x89PNG"):
        for at in (place for place in range(len(raw)) if raw[place : place + 1] == b"\x78"):
            with contextlib.suppress(zlib.error):
                found += zlib.decompressobj().decompress(raw[at:])
    return found


@pytest.mark.parametrize("case", HOSTILE)
def test_each_hostile_file_is_refused_in_words(case):
    name, raw = HOSTILE[case]
    report, copy = looked_at(raw, storage.clean_name(name))
    assert report.refusal.endswith(".")
    assert len(report.refusal) < 300
    assert copy == b""


@pytest.mark.parametrize("name", WITH_NAMES)
def test_the_copy_for_others_names_nobody_and_keeps_the_content(name):
    raw = WITH_NAMES[name]()
    token = corpus.TOKEN.encode()
    assert token in everything_in(raw) or corpus.TOKEN.encode("utf-16-le") in raw
    report, copy = looked_at(raw, name)
    assert report.refusal == ""
    kept = everything_in(copy)
    for form in (token, corpus.TOKEN.encode("utf-16-le"), corpus.TOKEN.encode("utf-16-be")):
        assert form not in kept
    if name in {"a.mp4", "a.mov", "a.webm", "a.mp3", "a.wav"}:
        assert corpus.frames(copy) == corpus.frames(raw)
    elif report.copy_type.startswith("image/"):
        from PIL import Image

        with Image.open(io.BytesIO(copy)) as picture, Image.open(io.BytesIO(raw)) as first:
            assert not dict(picture.getexif())
            # HEIC is turned by its decoder.
            assert picture.size == (first.size if name == "a.heic" else first.size[::-1])
    else:
        assert b"kept" in kept or name == "a.pdf"
        again, _copy = looked_at(copy, name)
        assert again.refusal == ""


def test_texts_are_looked_through_for_what_belongs_to_people():
    words = "Mail mere@work.example or ring 021 555 0123, NSN 123456789, NHI ZAC5361, room 12, 2026-11-25"
    report, _copy = looked_at(words.encode(), "a.txt")
    assert report.hints == {
        "e-mail address": 1, "phone number": 1, "student number": 1, "health number": 1,
    }  # fmt: skip
    in_word = corpus.docx({"word/comments.xml": f"<w:t>{words}</w:t>"})
    assert looked_at(in_word, "a.docx")[0].hints == report.hints
    for part in ("word/header2.xml", "word/footnotes.xml"):
        in_part = corpus.docx({part: f"<w:t>{words}</w:t>"})
        assert looked_at(in_part, "a.docx")[0].hints == report.hints
    in_styles = corpus.odf(styles=f"<text:p>{words}</text:p>")
    assert looked_at(in_styles, "a.odt")[0].hints == report.hints
    assert looked_at(b"Room 12, 25 November 2026, $1,234,567.89", "a.txt")[0].hints == {}


def test_the_learner_reads_the_hint(cast, as_):
    portfolio = portfolio_of(cast)
    item = file(portfolio, "a.txt", b"write to a@example.org, b@example.org or 021 555 0123")
    page = as_(cast.lena).get(reverse("portfolios:describe", args=[portfolio.pk, item.pk]))
    assert "seems to hold 2 e-mail addresses, 1 phone number." in page.content.decode()
    said = note(portfolio, "The hui", "Ring 021 555 0123 or 09 555 0199")
    page = as_(cast.lena).get(reverse("portfolios:describe", args=[portfolio.pk, said.pk]))
    words = "2 phone numbers. If these belong to people, write it again without them"
    assert words in page.content.decode()


# --- the helper can do nothing else ------------------------------------------------------------------


def in_limits(act) -> dict:
    """Run something in a child of the helper's kind; give what it wrote."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            helper.alone({0, 1, 2, writing})
            helper.limit()
            told = act()
        except BaseException as error:
            told = type(error).__name__
        os.write(writing, json.dumps({"told": told}).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as line:
        raw = line.read()
    _pid, status = os.waitpid(child, 0)
    return {**(json.loads(raw) if raw else {}), "signal": status & 0x7F}


def test_no_file_no_connection_no_process_no_end():
    server = socket.create_server(("127.0.0.1", 0))
    address = server.getsockname()
    heard = []

    def listen() -> None:
        with contextlib.suppress(OSError):  # closed below
            heard.append(server.accept())

    threading.Thread(target=listen, daemon=True).start()
    assert in_limits(lambda: Path("/etc/passwd").read_text())["told"] == "OSError"
    assert in_limits(lambda: socket.create_connection(address, 1))["told"] == "OSError"
    assert in_limits(os.pipe)["told"] == "OSError"
    assert in_limits(lambda: len(bytearray(3 * 1024**3)))["told"] == "MemoryError"
    assert heard == []
    server.close()
    none = in_limits(
        lambda: [resource.getrlimit(one) for one in (resource.RLIMIT_NPROC, resource.RLIMIT_CORE)]
    )
    assert none["told"] == [[0, 0], [0, 0]]
    network = in_limits(lambda: os.readlink("/proc/self/ns/net"))["told"]
    assert (network != os.readlink("/proc/self/ns/net")) == may_leave_the_network()


def may_leave_the_network() -> bool:
    """Whether the kernel lets a process have a network of its own, which is none."""
    child = os.fork()
    if child == 0:
        os._exit(bool(ctypes.CDLL(None).unshare(helper.CLONE_NEWUSER | helper.CLONE_NEWNET)))
    return os.waitpid(child, 0)[1] == 0


def test_each_look_runs_within_these_limits(monkeypatch, tmp_path):
    """Nothing can be opened, nothing of the parent is open, and it ends by the clock on the wall."""
    with (tmp_path / "held").open("wb", buffering=0) as held:
        tasks = {
            "opens": lambda *_about: Path("/etc/passwd").read_text(),
            "writes": lambda *_about: held.write(b"x"),
            "sleeps": lambda *_about: time.sleep(4),
        }
        monkeypatch.setattr(helper, "TASKS", tasks)
        for name in ("opens", "writes"):
            assert helper.in_child({"task": name}, []) == {"broken": "OSError"}
        monkeypatch.setattr(helper, "SECONDS", 0.2)
        assert helper.in_child({"task": "sleeps"}, []) == {"refusal": TOO_MUCH}


def test_time_is_limited(monkeypatch):
    monkeypatch.setattr(helper, "CPU_SECONDS", 1)

    def long() -> None:
        while time.process_time() < 5:
            pass

    assert in_limits(long)["signal"] in {9, 24}


def test_the_helper_knows_nothing_of_ours(settings):
    os.environ["CANARY_SECRET"] = "of the application"
    inspector = Inspector()
    try:
        with open(__file__, "rb") as source:
            assert inspector.ask({"task": "look", "name": "a.py"}, source, None)["refusal"]
        environment = Path(f"/proc/{inspector.process.pid}/environ").read_bytes()
        assert b"CANARY_SECRET" not in environment
        assert b"DJANGO" not in environment
        # A helper that was killed is replaced, and the file is not blamed for it.
        inspector.process.kill()
        inspector.process.wait()
        with open(__file__, "rb") as source:
            assert inspector.ask({"task": "look", "name": "a.py"}, source, None)["refusal"]
    finally:
        inspector.stop()
        del os.environ["CANARY_SECRET"]


# --- who gets which bytes ----------------------------------------------------------------------------


def test_a_refused_file_is_for_administrators_alone(cast, as_):
    item = file(portfolio_of(cast), "bad.pdf", b"<html>bad")
    path = reverse("portfolios:original", args=[item.pk])
    codes = {
        who: as_(getattr(cast, who)).get(path).status_code
        for who in ("lena", "hone", "ada", "moses", "lea", "ed", "pam", "rita", "olga", "petra")
    }
    assert codes == dict.fromkeys(codes, 404) | {"pam": 200}
    answer = as_(cast.pam).get(path)
    assert b"".join(answer.streaming_content) == b"<html>bad"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert set(AccessRecord.objects.values_list("actor", "purpose")) == {(cast.pam.pk, "original")}


def test_evidence_from_before_there_were_copies_gets_one(cast, as_):
    item = file(portfolio_of(cast), "a.jpg", corpus.photo())
    kept = item.copy_key
    EvidenceItem.objects.update(copy_key="", copy_type="", copy_size=0, inspected_at=None)
    preview = reverse("portfolios:preview", args=[item.pk])
    assert as_(cast.lena).get(preview).status_code == 404
    assert copy_missing() == 1
    assert copy_missing() == 0
    item.refresh_from_db()
    assert item.copy_key == kept
    assert as_(cast.lena).get(preview).status_code == 200


def test_documents_get_their_copy_anew_and_pictures_keep_theirs(cast):
    portfolio = portfolio_of(cast)
    photo = file(portfolio, "a.jpg", corpus.photo())
    document = file(portfolio, "a.pdf", described.pdf_with_pictures())
    kept = document.copy_key
    EvidenceItem.objects.filter(pk=document.pk).update(copy_key=document.storage_key)
    anew = import_module("portfolios.migrations.0010_copies_of_documents_anew")
    anew.ask_anew(apps, None)
    photo.refresh_from_db()
    assert photo.inspected_at is not None
    assert copy_missing() == 1
    document.refresh_from_db()
    assert (document.copy_key, document.state) == (kept, EvidenceState.READY)


CANARIES = (corpus.TOKEN, "Lena T", "Tūhoe", "lena@example.org", "geheim")


def in_base64(word: bytes) -> list[bytes]:
    """What base64 makes of the word wherever it begins; eight signs at least, since four come by chance."""
    whole = [word[skip : skip + (len(word) - skip) // 3 * 3] for skip in range(3)]
    return [base64.b64encode(part) for part in whole if len(part) >= 6]


def forms_of(word: str) -> list[bytes]:
    import unicodedata
    from urllib.parse import quote

    found = {word, word.lower(), unicodedata.normalize("NFD", word), quote(word)}
    raw = [one.encode() for one in found]
    return [
        *raw,
        *in_base64(word.encode()),
        word.encode("utf-16-le"),
        word.encode().hex().encode(),
    ]


def test_blind_work_never_names_its_learner(db, as_, caplog, django_capture_on_commit_callbacks):
    cast = make_cast(policy={"anonymous_marking": True})
    portfolio = portfolio_of(cast)
    items = [note(portfolio, "What I did", "Every heading was checked.")]
    for name, make in WITH_NAMES.items():
        items.append(file(portfolio, f"Lena Tūhoe geheim {name}", make()))
        assert items[-1].state == EvidenceState.READY, (name, items[-1].refusal)
    for criterion in Criterion.objects.filter(rubric__task=cast.task):
        for item in items:
            map_evidence(portfolio, item, criterion, actor=cast.lena)
    make_renditions()
    submission = submit(portfolio)
    caplog.set_level(logging.INFO)
    assessor = cast.ada
    allocate(submission, assessor, actor=cast.pam)
    while relay():
        pass
    # Whatever hour it is, and however often this person wants mail.
    for message in OutboxMessage.objects.filter(notification__recipient=assessor):
        senders["email"](message.notification, message_id(message))
    opened(submission, assessor)
    client = as_(assessor)
    pages = [reverse("assessment:home"), reverse("assessment:workspace", args=[submission.pk])]
    pages += [
        reverse(f"portfolios:{view}", args=[pin.evidence_id])
        for pin in submission.pins.all()
        for view in ("serve", "preview", "view", "captions")
    ]
    pages += [
        reverse("portfolios:page_image", args=[pin.evidence_id, part.number])
        for pin in submission.pins.all()
        for part in RenditionPart.objects.filter(rendition__source_key=pin.evidence.copy_key)
    ]
    found = []
    for path in pages:
        answer = client.get(path)
        raw = b"".join(answer.streaming_content) if answer.streaming else answer.content
        headers = repr(sorted(answer.headers.items())).encode()
        text = everything_in(raw) + headers
        found += [(path, form) for word in CANARIES for form in forms_of(word) if form in text]
    assert submission.pins.count() == len(WITH_NAMES) + 1
    told = "".join(
        str(one.context) + one.path for one in Notification.objects.filter(recipient=assessor)
    )
    told += (
        "".join(str(one.message()) for one in mail.outbox if assessor.email in str(one.to))
        + caplog.text
    )
    assert assessor.email in told
    assert "request_finished" in told
    found += [("told", word) for word in CANARIES if word in told]
    assert found == []
    # With the names left in, the same search does find them.
    item = submission.pins.get(number=2).evidence
    EvidenceItem.objects.filter(pk=item.pk).update(copy_key=item.storage_key, copy_size=item.size)
    raw = b"".join(client.get(reverse("portfolios:serve", args=[item.pk])).streaming_content)
    assert corpus.TOKEN.encode() in everything_in(raw)
