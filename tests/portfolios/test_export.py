"""A whole attempt in one archive: complete, streamed, and broken off rather than wrong."""

import hashlib
import io
import tracemalloc
import zipfile

import pikepdf
import pytest
from django.urls import reverse

from catalogue.models import Criterion
from portfolios.actions.drafting import map_evidence
from portfolios.models import EvidenceItem
from portfolios.views.export import archived
from tests.factories.portfolios import file, ready, submit, submitted

MIB = 1024 * 1024


def address(submission):
    return reverse("portfolios:archive", args=[submission.portfolio_id, submission.reference])


def test_the_archive_holds_files_manifest_and_a_tagged_document(cast, as_, any_store):
    submission = submitted(cast, files=2)
    answer = as_(cast.lena).get(address(submission))
    assert answer["Content-Disposition"] == f'attachment; filename="{submission.reference}.zip"'
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert archive.testzip() is None
        files = submission.contents["files"]
        names = ["manifest.json", "portfolio.pdf", *(f"files/{one['name']}" for one in files)]
        assert archive.namelist() == names
        manifest = archive.read("manifest.json")
        assert hashlib.sha256(manifest).hexdigest() == submission.fingerprint
        for one in files:
            raw = archive.read(f"files/{one['name']}")
            assert hashlib.sha256(raw).hexdigest() == one["sha256"]
        with pikepdf.open(io.BytesIO(archive.read("portfolio.pdf"))) as document:
            assert document.Root.MarkInfo.Marked
            assert "/StructTreeRoot" in document.Root


def test_only_the_learner_downloads_it(cast, as_):
    submission = submitted(cast)
    codes = {
        who: as_(getattr(cast, who)).get(address(submission)).status_code
        for who in ("lena", "hone", "ada", "lea", "pam", "rita", "petra")
    }
    assert codes == dict.fromkeys(codes, 404) | {"lena": 200, "pam": 403}


def test_memory_does_not_grow_with_the_files(cast):
    portfolio = ready(cast)
    item = file(portfolio, "big.txt", b"a line of text \n" * (4 * MIB))
    for criterion in Criterion.objects.filter(rubric__task=cast.task):
        map_evidence(portfolio, item, criterion, actor=cast.lena)
    submission = submit(portfolio)
    tracemalloc.start()
    size = sum(len(piece) for piece in archived(submission))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 64 * MIB
    assert peak < 16 * MIB


def test_a_changed_file_breaks_the_download_off(cast):
    submission = submitted(cast)
    EvidenceItem.objects.filter(kind="note").update(note="Something else")
    with pytest.raises(OSError, match="not what was submitted"):
        list(archived(submission))
