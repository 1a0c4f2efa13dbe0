"""Evidence goes its whole way on disk and on S3, with PostgreSQL and with SQLite: all four, in every run of each."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from assessment.actions.allocation import allocate
from catalogue.models import Criterion
from portfolios.actions.drafting import map_evidence
from portfolios.actions.reconciling import reconcile_evidence, verify_submission
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.models import EvidenceItem
from portfolios.storage.intake import PART
from tests.factories.portfolios import pdf, portfolio_of, submit
from tests.personas import make_cast
from tests.portfolios import tus
from tests.portfolios.conftest import empty, on_s3

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize("store", ["disk", "bucket"])
def test_evidence_goes_its_whole_way(
    db: None, settings: Any, tmp_path: Path, request: pytest.FixtureRequest, store: str
) -> None:
    if store == "bucket":
        server = request.getfixturevalue("rclone_s3")
        empty(on_s3(settings, server), server.extra["bucket"])
    else:
        disk = {**settings.STORAGES["evidence"]}
        disk["OPTIONS"] = {**disk["OPTIONS"], "location": str(tmp_path / "evidence")}
        settings.STORAGES = {**settings.STORAGES, "evidence": disk}
    cast = make_cast()
    portfolio, learner = portfolio_of(cast), Client()
    learner.force_login(cast.lena)
    # More than one part, cut within the first and within the last.
    raw = pdf("whole") + bytes(PART + 4321)
    path = tus.create(learner, portfolio, len(raw))["Location"]
    for end in (1000, PART + 99, len(raw)):
        at = tus.offset(learner, path)
        tus.cut(learner, path, at, raw[at:end], len(raw) - at)
    assert scan_waiting_evidence() == 1
    item = EvidenceItem.objects.get()
    assert (item.state, item.sha256) == ("ready", hashlib.sha256(raw).hexdigest())
    for criterion in Criterion.objects.filter(rubric__task=cast.task):
        map_evidence(portfolio, item, criterion, actor=cast.lena)
    submission = submit(portfolio)
    assert verify_submission(submission) == []
    archive = learner.get(reverse("portfolios:archive", args=[portfolio.pk, submission.reference]))
    with zipfile.ZipFile(io.BytesIO(b"".join(archive.streaming_content))) as packed:
        (name,) = (one for one in packed.namelist() if one.startswith("files/"))
        assert packed.read(name) == raw
    allocate(submission, cast.ada, actor=cast.pam)
    assessor, served = Client(), reverse("portfolios:serve", args=[item.pk])
    assessor.force_login(cast.ada)
    piece = assessor.get(served, headers={"Range": "bytes=0-7"})
    assert (piece.status_code, b"".join(piece.streaming_content)[:5]) == (206, b"%PDF-")
    check = reconcile_evidence()
    assert not check.findings.exists()
    assert check.bytes >= 2 * item.copy_size
