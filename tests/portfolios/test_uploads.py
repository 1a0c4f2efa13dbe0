"""Resumable uploads: the protocol, the same on disk and on S3, cut anywhere."""

import base64
import hashlib
import os
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portfolios import storage
from portfolios.actions import uploading
from portfolios.actions.drafting import remove_evidence
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.models import EvidenceItem, UploadSession
from portfolios.storage.intake import PART, open_uploads
from tests.factories.portfolios import file, pdf, portfolio_of, submitted
from tests.personas import make_cast
from tests.portfolios import tus

MIB = 1024 * 1024
FULL = os.environ.get("PROOF") == "full"
pytestmark = [pytest.mark.sqlite, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def bytes_of(size: int, seed: int = 1) -> bytes:
    return b"%PDF-1.4\n" + random.Random(seed).randbytes(size - 9)


def stored_keys(below: str = "") -> list[str]:
    """Everything in the store, or in one folder of it, finished or not."""
    backend = storages["evidence"]
    if hasattr(backend, "bucket"):
        return sorted(one.key for one in backend.bucket.objects.filter(Prefix=below))
    base = Path(backend.location)
    return sorted(str(one.relative_to(base)) for one in (base / below).rglob("*") if one.is_file())


def open_parts() -> list[dict[str, Any]]:
    """Uploads in parts that the store has neither joined nor dropped; none on disk."""
    backend: Any = storages["evidence"]
    if not hasattr(backend, "bucket"):
        return []
    return open_uploads(backend.connection.meta.client, backend.bucket_name)


def arrived(session_path: str, raw: bytes) -> EvidenceItem:
    """The evidence that the upload became, with its bytes looked at."""
    session = UploadSession.objects.get(pk=session_path.rstrip("/").rsplit("/", 1)[-1])
    assert session.evidence is not None
    item = session.evidence
    digest = hashlib.sha256(raw).hexdigest()
    assert (item.state, item.size, item.sha256) == ("stored", len(raw), digest)
    assert storage.checksum(item.storage_key) == (len(raw), digest)
    assert not stored_keys("intake")
    return item


# --- the protocol ------------------------------------------------------------------------------------


def test_what_the_server_can_do(cast, client):
    portfolio = portfolio_of(cast)
    path = reverse("portfolios:uploads", args=[portfolio.pk])
    answer = client.options(path)
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert answer["Tus-Extension"] == (
        "creation,creation-with-upload,termination,checksum,expiration"
    )
    assert answer["Tus-Checksum-Algorithm"] == "sha1,sha256"
    assert answer["Tus-Max-Size"] == str(500 * MIB)


def test_an_upload_in_three_chunks_becomes_evidence(cast, as_, any_store):
    portfolio, client = portfolio_of(cast), as_(cast.lena)
    raw = b"twelve bytes" * 25_000
    answer = tus.create(client, portfolio, len(raw), "Pūrongo.txt")
    assert answer.status_code == 201
    assert answer["Tus-Resumable"] == "1.0.0"
    assert answer["Upload-Expires"].endswith("GMT")
    path = answer["Location"]
    assert "no-store" in tus.head(client, path)["Cache-Control"]
    for at in (0, 100_000, 200_000):
        assert tus.offset(client, path) == at
        assert client.get(path).json() == {"evidence": None, "refusal": ""}
        answer = tus.patch(client, path, at, raw[at : at + 100_000])
        assert (answer.status_code, answer["Upload-Offset"]) == (204, str(at + 100_000))
    item = arrived(path, raw)
    assert (item.title, item.original_name, item.owner) == ("Pūrongo.txt", "Pūrongo.txt", cast.lena)
    assert client.get(path).json()["describe"] == reverse(
        "portfolios:describe", args=[portfolio.pk, item.pk]
    )
    answer = tus.head(client, path)
    assert (answer["Upload-Offset"], answer["Upload-Length"]) == (str(len(raw)), str(len(raw)))
    assert "Upload-Expires" not in answer
    # The last answer may have been lost: asking again changes nothing.
    assert tus.patch(client, path, len(raw), b"").status_code == 204
    assert EvidenceItem.objects.count() == 1
    scan_waiting_evidence()
    item.refresh_from_db()
    assert item.state == "ready"


def test_chunks_of_any_size_arrive_whole_on_every_store(cast, as_, any_store):
    portfolio, client = portfolio_of(cast), as_(cast.lena)
    raw = bytes_of(2 * PART + 1234, seed=2)
    path = tus.create(client, portfolio, len(raw))["Location"]
    at, sizes = 0, [1, 700_000, PART - 1, PART, 3, 2_000_000]
    while at < len(raw):
        size = sizes.pop(0) if sizes else 4 * MIB
        answer = tus.patch(client, path, at, raw[at : at + size])
        assert answer.status_code == 204
        at = int(answer["Upload-Offset"])
        if at < len(raw):
            assert tus.offset(client, path) == at
    arrived(path, raw)


def test_creation_may_bring_the_bytes(cast, as_):
    raw = pdf("at once")
    answer = tus.create(
        as_(cast.lena), portfolio_of(cast), len(raw), body=raw, content_type=tus.BODY
    )
    assert (answer.status_code, answer["Upload-Offset"]) == (201, str(len(raw)))
    arrived(answer["Location"], raw)


def test_a_client_that_can_only_post(cast, as_):
    client, raw = as_(cast.lena), pdf("post")
    path = tus.create(client, portfolio_of(cast), len(raw))["Location"]
    answer = client.generic(
        "POST",
        path,
        raw,
        content_type=tus.BODY,
        headers={**tus.TUS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"},
    )
    assert answer.status_code == 204
    arrived(path, raw)


def test_each_mistake_has_its_code_and_changes_nothing(cast, as_):
    portfolio, client, raw = portfolio_of(cast), as_(cast.lena), bytes_of(1000)
    path = tus.create(client, portfolio, 1000)["Location"]
    tus.patch(client, path, 0, raw[:400])
    digest = base64.b64encode(hashlib.sha1(raw[400:]).digest()).decode()
    codes = {
        "version": client.patch(path, raw[400:], content_type=tus.BODY).status_code,
        "wrong version": tus.patch(client, path, 400, b"x", Tus_Resumable="0.2").status_code,
        "offset": tus.patch(client, path, 399, raw[399:]).status_code,
        "no offset": tus.patch(client, path, "", raw).status_code,
        "type": tus.patch(client, path, 400, raw[400:], content_type="text/plain").status_code,
        "too long": tus.patch(client, path, 400, raw[400:] + b"x").status_code,
        "algorithm": tus.patch(
            client, path, 400, raw[400:], Upload_Checksum=f"md5 {digest}"
        ).status_code,
        "no base64": tus.patch(client, path, 400, b"x", Upload_Checksum="sha1 ???").status_code,
        "bad checksum": tus.patch(
            client, path, 400, b"y" * 600, Upload_Checksum=f"sha1 {digest}"
        ).status_code,
        "put": client.put(path, headers=tus.TUS).status_code,
        "no length": tus.create(client, portfolio, "").status_code,
        "nothing": tus.create(client, portfolio, 0).status_code,
        "too big": tus.create(client, portfolio, 501 * MIB).status_code,
        "kind": tus.create(client, portfolio, 5, "page.svg").status_code,
        "metadata": tus.create(client, portfolio, 5, Upload_Metadata="filename ???").status_code,
    }
    assert codes == {
        "version": 412, "wrong version": 412, "offset": 409, "no offset": 400, "type": 415,
        "too long": 413, "algorithm": 400, "no base64": 400, "bad checksum": 460, "put": 405,
        "no length": 400, "nothing": 422, "too big": 413, "kind": 422, "metadata": 400,
    }  # fmt: skip
    assert tus.offset(client, path) == 400
    assert UploadSession.objects.count() == 1
    assert tus.patch(client, path, 399, b"")["Upload-Offset"] == "400"
    good = tus.patch(client, path, 400, raw[400:], Upload_Checksum=f"sha1 {digest}")
    assert good.status_code == 204
    arrived(path, raw)


def test_a_bad_checksum_leaves_nothing_of_the_chunk(cast, as_, any_store):
    portfolio, client, raw = portfolio_of(cast), as_(cast.lena), bytes_of(PART + 300_000, seed=3)
    path = tus.create(client, portfolio, len(raw))["Location"]
    tus.patch(client, path, 0, raw[:1000])
    good = base64.b64encode(hashlib.sha256(raw[1000:]).digest()).decode()
    bad = tus.patch(client, path, 1000, bytes(len(raw) - 1000), Upload_Checksum=f"sha256 {good}")
    assert bad.status_code == 460
    assert tus.offset(client, path) == 1000
    short = tus.cut(client, path, 1000, raw[1000:900_000], len(raw) - 1000)
    assert tus.offset(client, path) == 900_000, short.status_code
    rest = base64.b64encode(hashlib.sha256(raw[900_000:]).digest()).decode()
    tus.patch(client, path, 900_000, raw[900_000:], Upload_Checksum=f"sha256 {rest}")
    arrived(path, raw)


def test_a_body_without_a_length_is_not_read_as_empty(cast, as_):
    client, raw = as_(cast.lena), pdf("chunked")
    path = tus.create(client, portfolio_of(cast), len(raw))["Location"]
    headers = {**tus.TUS, "Upload-Offset": "0"}
    without = client.generic("PATCH", path, raw, content_type=tus.BODY, headers=headers)
    assert without.status_code == 204
    path = tus.create(client, portfolio_of(cast), len(raw))["Location"]
    for extra in (
        {"CONTENT_LENGTH": ""},
        {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"},
    ):
        answer = client.generic("PATCH", path, raw, content_type=tus.BODY, headers=headers, **extra)
        assert answer.status_code == 411
    assert tus.offset(client, path) == 0


def test_only_the_learner_of_the_portfolio_sends_and_sees(cast, as_):
    portfolio = portfolio_of(cast)
    path = tus.create(as_(cast.lena), portfolio, 100)["Location"]
    for who in ("hone", "ada", "pam", "lea", "petra", None):
        client = as_(who and getattr(cast, who))
        created = tus.create(client, portfolio, 100).status_code
        expected = 401 if who is None else 403 if who == "pam" else 404
        assert (who, created) == (who, expected)
        gone = 401 if who is None else 404
        answers = [
            tus.head(client, path),
            tus.patch(client, path, 0, b"x"),
            client.delete(path, headers=tus.TUS),
            client.get(path),
        ]
        assert (who, [one.status_code for one in answers]) == (who, [gone] * 4)
    assert tus.offset(as_(cast.lena), path) == 0
    assert UploadSession.objects.count() == 1
    assert not UploadSession.objects.visible_to(cast.hone).exists()


def test_the_token_of_the_form_is_needed(cast):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.lena)
    portfolio = portfolio_of(cast)
    assert tus.create(client, portfolio, 100).status_code == 403
    page = client.get(reverse("portfolios:add_kind", args=[portfolio.pk, "file"]))
    token = page.context["csrf_token"]
    answer = tus.create(client, portfolio, 100, X_CSRFToken=str(token))
    assert answer.status_code == 201
    path = answer["Location"]
    assert tus.patch(client, path, 0, b"x").status_code == 403
    assert client.delete(path, headers=tus.TUS).status_code == 403
    assert tus.patch(client, path, 0, b"x", X_CSRFToken=str(token)).status_code == 204


def test_nothing_begins_while_the_task_is_submitted(cast, as_):
    submission = submitted(cast)
    answer = tus.create(as_(cast.lena), submission.portfolio, 100)
    assert answer.status_code == 422
    assert "submitted already" in answer.content.decode()


def test_an_upload_that_began_before_submission_still_reaches_the_library(cast, as_):
    from tests.factories.portfolios import ready, submit

    portfolio, raw = ready(cast), pdf("late")
    client = as_(cast.lena)
    path = tus.create(client, portfolio, len(raw))["Location"]
    submit(portfolio)
    assert tus.patch(client, path, 0, raw).status_code == 204
    assert arrived(path, raw).mappings.count() == 0


# --- room --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["evidence.learner_max_bytes", "evidence.delivery_max_bytes"])
def test_room_counts_what_is_there_and_what_has_begun(cast, as_, key):
    cast.delivery.policy_overrides = {key: 2000}
    cast.delivery.save()
    portfolio, client = portfolio_of(cast), as_(cast.lena)
    item = file(portfolio, "a.pdf", bytes_of(500))
    path = tus.create(client, portfolio, 1000)["Location"]
    refused = tus.create(client, portfolio, 501)
    assert refused.status_code == 413
    assert "no room" in refused.content.decode()
    assert tus.create(client, portfolio, 500).status_code == 201
    assert client.delete(path, headers=tus.TUS).status_code == 204
    remove_evidence(item, actor=cast.lena)
    assert tus.create(client, portfolio, 1000).status_code == 201
    page = client.get(reverse("portfolios:add_kind", args=[portfolio.pk, "file"]))
    assert "0 KB are left" not in page.content.decode()


def test_the_room_of_one_learner_is_not_that_of_another(cast, as_):
    cast.delivery.policy_overrides = {"evidence.learner_max_bytes": 1000}
    cast.delivery.save()
    assert tus.create(as_(cast.lena), portfolio_of(cast), 1000).status_code == 201
    assert tus.create(as_(cast.hone), portfolio_of(cast, "hone"), 1000).status_code == 201


def test_a_task_may_take_less_than_the_policy(db, as_):
    cast = make_cast(file_types=["pdf", "docx"], file_max_megabytes=2)
    portfolio, client = portfolio_of(cast), as_(cast.lena)
    assert tus.create(client, portfolio, 2 * MIB).status_code == 201
    assert tus.create(client, portfolio, 2 * MIB + 1).status_code == 413
    refused = tus.create(client, portfolio, 5, "a.png")
    assert refused.content.decode() == "We cannot take this kind of file. You can add DOCX, PDF."
    page = client.get(reverse("portfolios:add_kind", args=[portfolio.pk, "file"])).content.decode()
    assert "At most 2 MB for each file" in page
    assert "DOCX, PDF." in page


# --- an end without a file ----------------------------------------------------------------------------


def test_a_removed_upload_leaves_nothing(cast, as_, any_store):
    client, raw = as_(cast.lena), bytes_of(PART + 5000)
    path = tus.create(client, portfolio_of(cast), len(raw))["Location"]
    tus.patch(client, path, 0, raw[:-100])
    before = stored_keys()
    assert any(key.startswith("intake") for key in before) or any_store == "rclone_s3"
    assert open_parts() or any_store != "moto_s3"
    assert client.delete(path, headers=tus.TUS).status_code == 204
    assert not [key for key in stored_keys() if key.startswith("intake")]
    assert not open_parts()
    assert tus.head(client, path).status_code == 410
    assert tus.patch(client, path, 0, raw).status_code == 410
    assert client.delete(path, headers=tus.TUS).status_code == 204


def test_what_is_evidence_by_now_is_not_removed_with_its_upload(cast, as_):
    client, raw = as_(cast.lena), pdf("stays")
    path = tus.create(client, portfolio_of(cast), len(raw))["Location"]
    tus.patch(client, path, 0, raw)
    assert client.delete(path, headers=tus.TUS).status_code == 204
    arrived(path, raw)


def test_abandoned_uploads_are_swept_with_their_bytes(cast, as_, any_store):
    portfolio, client, raw = portfolio_of(cast), as_(cast.lena), bytes_of(PART + 5000)
    old = tus.create(client, portfolio, len(raw))["Location"]
    tus.patch(client, old, 0, raw[:-100])
    young = tus.create(client, portfolio, len(raw))["Location"]
    tus.patch(client, young, 0, raw[:100])
    past = timezone.now() - timedelta(seconds=1)
    UploadSession.objects.filter(pk=old.split("/")[-2]).update(expires_at=past)
    assert tus.head(client, old).status_code == 410
    assert uploading.sweep_uploads() == 1
    assert uploading.sweep_uploads() == 0
    assert tus.offset(client, young) == 100
    left = [key for key in stored_keys() if key.startswith("intake")]
    session = UploadSession.objects.get(pk=young.split("/")[-2])
    assert left
    assert all(key.startswith(session.key) for key in left)
    assert not open_parts()
    UploadSession.objects.filter(pk=old.split("/")[-2]).update(
        ended_at=timezone.now() - timedelta(days=8)
    )
    uploading.sweep_uploads()
    assert tus.head(client, old).status_code == 404


def test_bytes_that_no_upload_knows_are_swept_once_they_are_old(cast, as_):
    client = as_(cast.lena)
    path = tus.create(client, portfolio_of(cast), 100)["Location"]
    tus.patch(client, path, 0, b"x" * 50)
    intake = Path(storages["evidence"].location) / "intake"
    stray = intake / "0123456789abcdef0123456789abcdef"
    stray.write_bytes(b"left by a crash")
    uploading.sweep_uploads()
    assert stray.exists()
    old = (timezone.now() - timedelta(days=2)).timestamp()
    for one in intake.glob("*"):
        os.utime(one, (old, old))
    uploading.sweep_uploads()
    assert not stray.exists()
    assert tus.offset(client, path) == 50


@pytest.mark.parametrize("s3", ["moto_s3"], indirect=True)
def test_parts_that_no_upload_knows_are_swept_once_they_are_old(cast, as_, s3):
    client, bucket = s3
    # This server says of every such upload that it began years ago.
    client.create_multipart_upload(Bucket=bucket, Key="intake/0123456789abcdef0123456789abcdef")
    path = tus.create(as_(cast.lena), portfolio_of(cast), PART + 5000)["Location"]
    tus.patch(as_(cast.lena), path, 0, bytes_of(PART + 4000))
    assert len(open_parts()) == 2
    uploading.sweep_uploads()
    (left,) = open_parts()
    assert left["Key"] == UploadSession.objects.get(pk=path.split("/")[-2]).key
    assert tus.offset(as_(cast.lena), path) == PART + 4000


# --- cuts, races, crashes -----------------------------------------------------------------------------


# A transaction for so many cuts: in one alone each upload leaves versions of the same few rows that nothing may
# clear away before its end, and every later one walks past them all.
PARTS = 64 if FULL else 1


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PARTS))
def test_a_file_of_4_kib_cut_at_every_byte_arrives_whole(cast, as_, any_store, part):
    portfolio, client = portfolio_of(cast), as_(cast.lena)
    step = 1 if FULL else {"disk": 512, "rclone_s3": 2048, "moto_s3": 2048}[any_store]
    for at in sorted({*range(0, 4097, step), 1, 4095})[part::PARTS]:
        raw = bytes_of(4096, seed=at)
        path = tus.create(client, portfolio, 4096)["Location"]
        tus.cut(client, path, 0, raw[:at], 4096)
        assert tus.offset(client, path) == at
        if at < 4096:
            assert not EvidenceItem.objects.filter(uploaded_by__pk=path.split("/")[-2]).exists()
            assert tus.patch(client, path, at, raw[at:]).status_code == 204
        arrived(path, raw)


@pytest.mark.proof
def test_a_large_file_cut_at_random_arrives_whole(cast, as_, any_store):
    size, cuts = (64 * MIB, 1000) if FULL else (12 * MIB, 8 if any_store == "disk" else 2)
    portfolio, client, chance = portfolio_of(cast), as_(cast.lena), random.Random(7)
    raw = bytes_of(size, seed=8)
    edges = [PART - 1, PART, PART + 1, 2 * PART - 1, 2 * PART, 2 * PART + 1]
    places = sorted({*chance.sample(range(1, size), cuts), *edges})
    path = tus.create(client, portfolio, size)["Location"]
    at = 0
    for place in [*places, size]:
        tus.cut(client, path, at, raw[at:place], size - at)
        if place < size:
            assert tus.offset(client, path) == place
        at = place
    arrived(path, raw)


def test_two_clients_at_once_one_goes_on(cast, as_):
    portfolio, client, raw = portfolio_of(cast), as_(cast.lena), bytes_of(1000)
    path = tus.create(client, portfolio, 1000)["Location"]
    session = UploadSession.objects.get()
    with uploading.held(session):
        assert tus.patch(client, path, 0, raw).status_code == 423
        assert tus.offset(client, path) == 0
    assert tus.patch(client, path, 0, raw).status_code == 204
    arrived(path, raw)


def test_a_sender_who_fell_silent_is_taken_over_and_writes_no_more(cast, as_, any_store):
    portfolio, client, raw = portfolio_of(cast), as_(cast.lena), bytes_of(500_000, seed=4)
    path = tus.create(client, portfolio, len(raw))["Location"]
    codes = []

    def slow():
        """Half of it, then a pause in which somebody else sends all of it."""
        yield raw[:100_000]
        UploadSession.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        here = tus.offset(client, path)
        codes.append(tus.patch(client, path, here, raw[here:]).status_code)
        yield b"X" * 100_000

    session = UploadSession.objects.get()
    with pytest.raises((uploading.UploadBusy, uploading.OffsetDiffers, uploading.UploadGone)):
        uploading.receive(session, actor=cast.lena, at=0, pieces=slow(), announced=200_000)
    assert codes == [204]
    arrived(path, raw)


def test_a_web_process_that_dies_at_the_very_end_is_made_good(cast, as_, any_store):
    portfolio, client, raw = portfolio_of(cast), as_(cast.lena), bytes_of(PART + 77, seed=5)
    path = tus.create(client, portfolio, len(raw))["Location"]
    tus.patch(client, path, 0, raw[:-1])
    session = UploadSession.objects.get()
    with uploading.held(session) as (fresh, place, record):
        offset = place.append(len(raw) - 1, [raw[-1:]], record=record)
        uploading.seen(fresh, place)
        # … and here, or after the bytes got their key, the process ends.
        place.publish(cast.provider.pk, offset, record=record)
    assert not EvidenceItem.objects.exists()
    assert uploading.finish_arrived() == 1
    assert uploading.finish_arrived() == 0
    arrived(path, raw)


def test_a_full_disk_keeps_what_came_and_says_so(cast, as_):
    import resource

    portfolio, client, raw = portfolio_of(cast), as_(cast.lena), bytes_of(3 * MIB, seed=6)
    path = tus.create(client, portfolio, len(raw))["Location"]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB + 5, before[1]))
    try:
        answer = tus.patch(client, path, 0, raw)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert answer.status_code == 507
    assert "no room at the moment" in answer.content.decode()
    at = tus.offset(client, path)
    assert 0 < at <= MIB + 5
    assert tus.patch(client, path, at, raw[at:]).status_code == 204
    arrived(path, raw)


@pytest.mark.parametrize("s3", ["moto_s3"], indirect=True)
def test_a_part_that_was_overwritten_counts_no_more(cast, as_, s3):
    client_s3, bucket = s3
    portfolio, client, raw = portfolio_of(cast), as_(cast.lena), bytes_of(2 * PART, seed=9)
    path = tus.create(client, portfolio, len(raw))["Location"]
    tus.patch(client, path, 0, raw[: PART + 10])
    session = UploadSession.objects.get()
    client_s3.upload_part(
        Bucket=bucket, Key=session.key, UploadId=session.ledger["multipart"],
        PartNumber=1, Body=b"x" * PART,
    )  # fmt: skip
    assert tus.offset(client, path) == 0
    assert tus.patch(client, path, 0, raw).status_code == 204
    arrived(path, raw)


def test_a_wrong_fingerprint_for_the_whole_file_ends_the_upload(cast, as_):
    portfolio, client, raw = portfolio_of(cast), as_(cast.lena), pdf("x")
    told = tus.encoded(filename="a.pdf", sha256="0" * 64)
    path = tus.create(client, portfolio, len(raw), Upload_Metadata=told)["Location"]
    assert tus.patch(client, path, 0, raw).status_code == 460
    assert "not the file that was sent" in client.get(path).json()["refusal"]
    assert tus.head(client, path).status_code == 410
    assert not EvidenceItem.objects.exists()
