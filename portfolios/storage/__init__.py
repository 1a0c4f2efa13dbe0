"""Where evidence bytes lie: written once under their own hash, read in pieces, local disk or S3.

A key is `organisation HMAC / ab / cd / sha256`: equal bytes are stored once within an organisation, and
nobody can learn from a key that another organisation holds the same file. Nothing here goes through
Storage.save(), which would overwrite on one back end and race on the other.
"""

import errno
import hashlib
import os
import tempfile
import unicodedata
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.http import content_disposition_header

from portfolios.exceptions import NoRoom, UploadRefused

PIECE = 1024 * 1024
PART = 8 * 1024 * 1024
"""S3 takes no part below 5 MiB but the last."""
ALREADY_THERE = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def room() -> Iterator[None]:
    """NoRoom instead of the system's error where a disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL and not isinstance(error, NoRoom):
            raise NoRoom(*error.args) from error
        raise


@dataclass(frozen=True)
class Stored:
    """Facts of bytes that now lie in the store."""

    size: int
    sha256: str
    key: str


class Meter:
    """Counts and hashes what passes, and stops it at the limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._hash = hashlib.sha256()

    def take(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self.limit:
            raise UploadRefused(
                f"This file is too big. The limit is {megabytes(self.limit)}.", "too_big"
            )
        self._hash.update(piece)

    def close(self, expected: int | None) -> None:
        """Refuse nothing and less than was announced: a line that breaks looks like a normal end."""
        if expected is not None and self.size != expected:
            raise UploadRefused(
                "The upload was cut off before the end, so nothing was kept. Add the file again.",
                "truncated",
            )
        if self.size == 0:
            raise UploadRefused("This file is empty. Choose another file.", "empty")

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def megabytes(size: int) -> str:
    """A size in words, as people know it from their own machine."""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} KB"
    if size < 1024**3:
        return f"{size / 1024 / 1024:.0f} MB"
    return f"{size / 1024**3:.1f}".removesuffix(".0") + " GB"


def folder_of(organisation_id: uuid.UUID) -> str:
    return salted_hmac("portfolios.storage", str(organisation_id), algorithm="sha256").hexdigest()[
        :32
    ]


def final_key(organisation_id: uuid.UUID, sha256: str) -> str:
    return f"{folder_of(organisation_id)}/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def clean_name(name: str) -> str:
    """A file's name as data: no path, no control or direction marks, NFC with macrons, 255 characters.

    Never becomes a path of ours; it is shown to its owner and says which extension was claimed.
    """
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    kept = "".join(c for c in name if unicodedata.category(c)[0] != "C" and c not in '"<>')
    stem, dot, extension = kept.strip().rpartition(".")
    if not dot:
        return kept.strip()[:255] or "file"
    extension = extension[:20]
    return f"{stem[: 254 - len(extension)] or 'file'}.{extension}"


def store(
    source: Iterable[bytes], *, organisation_id: uuid.UUID, limit: int, expected: int | None = None
) -> Stored:
    """Stream the pieces into the store. Either all bytes lie under their final key, or none do.

    Raises UploadRefused, and NoRoom where the disk is full.
    """
    backend = storages["evidence"]
    meter = Meter(limit)
    if isinstance(backend, FileSystemStorage):
        return _store_on_disk(Path(backend.location), source, organisation_id, meter, expected)
    return _store_on_s3(backend, source, organisation_id, meter, expected)


def _store_on_disk(
    base: Path,
    source: Iterable[bytes],
    organisation_id: uuid.UUID,
    meter: Meter,
    expected: int | None,
) -> Stored:
    intake = base / "intake"
    draft = intake / uuid.uuid4().hex
    with room():
        intake.mkdir(parents=True, exist_ok=True)
        try:
            # Without a buffer: what a full disk did not take must not come again when the file is closed.
            with draft.open("xb", buffering=0) as file:
                for piece in source:
                    meter.take(piece)
                    write_all(file, piece)
                meter.close(expected)
                os.fsync(file.fileno())
            key = publish_on_disk(base, draft, organisation_id, meter)
        finally:
            draft.unlink(missing_ok=True)
    return Stored(meter.size, meter.sha256, key)


def write_all(file: Any, piece: bytes) -> None:
    """Write a piece to an unbuffered file; a disk that fills up takes a part of it first."""
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


def publish_on_disk(base: Path, draft: Path, organisation_id: uuid.UUID, meter: Meter) -> str:
    """Give a finished, synced draft its final key too; the draft's own name stays. Doing it twice is once."""
    draft.chmod(0o444)
    key = final_key(organisation_id, meter.sha256)
    final = base / key
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(draft, final)  # fails where a rename would overwrite
    except FileExistsError:
        if final.stat().st_size != meter.size:
            raise OSError(f"stored bytes under {key} have another size") from None
    directory = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return key


def _parts(source: Iterable[bytes], meter: Meter) -> Iterator[bytes]:
    """The source in parts of the size that S3 wants, counted on the way."""
    held = bytearray()
    for piece in source:
        meter.take(piece)
        held += piece
        while len(held) >= PART:
            yield bytes(held[:PART])
            del held[:PART]
    if held:
        yield bytes(held)


def _store_on_s3(
    backend: Any,
    source: Iterable[bytes],
    organisation_id: uuid.UUID,
    meter: Meter,
    expected: int | None,
) -> Stored:
    client, bucket = backend.connection.meta.client, backend.bucket_name
    parts = _parts(source, meter)
    first = next(parts, b"")
    second = next(parts, None) if len(first) == PART else None
    if second is None:
        meter.close(expected)
        key = final_key(organisation_id, meter.sha256)
        once(
            client,
            "put_object",
            Bucket=bucket,
            Key=key,
            Body=first,
            ContentType="application/octet-stream",
        )
        return Stored(meter.size, meter.sha256, key)
    # The key is the hash, known only at the end: take the bytes in at a random key, then copy them.
    intake = f"intake/{uuid.uuid4().hex}"
    upload = client.create_multipart_upload(Bucket=bucket, Key=intake)["UploadId"]
    done: list[dict[str, Any]] = []

    def send(part: bytes) -> None:
        number = len(done) + 1
        answer = client.upload_part(
            Bucket=bucket, Key=intake, UploadId=upload, PartNumber=number, Body=part
        )
        done.append({"PartNumber": number, "ETag": answer["ETag"]})

    try:
        send(first)
        send(second)
        del first, second
        for part in parts:
            send(part)
        meter.close(expected)
        client.complete_multipart_upload(
            Bucket=bucket, Key=intake, UploadId=upload, MultipartUpload={"Parts": done}
        )
    except BaseException:
        client.abort_multipart_upload(Bucket=bucket, Key=intake, UploadId=upload)
        raise
    try:
        key = final_key(organisation_id, meter.sha256)
        once(
            client,
            "copy_object",
            Bucket=bucket,
            Key=key,
            CopySource={"Bucket": bucket, "Key": intake},
        )
    finally:
        client.delete_object(Bucket=bucket, Key=intake)
    return Stored(meter.size, meter.sha256, key)


def once(client: Any, write: str, **arguments: Any) -> None:
    """Create, never overwrite, and lock where that is asked for. Equal bytes under an equal key are no error.

    Some stores do not look at the condition of a copy, so it is asked first what is there.
    """
    try:
        if write != "copy_object" or not is_there(client, arguments["Bucket"], arguments["Key"]):
            getattr(client, write)(IfNoneMatch="*", **arguments)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in ALREADY_THERE:
            raise
    lock(client, arguments["Bucket"], arguments["Key"])


def is_there(client: Any, bucket: str, key: str) -> bool:
    """Whether an object lies under the key, with whatever bytes."""
    try:
        client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
            raise
        return False
    return True


def lock(client: Any, bucket: str, key: str) -> None:
    """Ask the store to keep the object from deletion (S3 object lock, governance mode); nothing without days.

    A request of its own, because not every store takes the lock with a copy. Bytes that are stored again are
    kept longer; a longer lock that is there already stays. Whether the store enforces it, `locks` knows.
    """
    if not settings.S3_OBJECT_LOCK_DAYS:
        return
    until = timezone.now() + timedelta(days=settings.S3_OBJECT_LOCK_DAYS)
    wanted = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    try:
        client.put_object_retention(Bucket=bucket, Key=key, Retention=wanted)
    except ClientError:
        held = client.head_object(Bucket=bucket, Key=key).get("ObjectLockRetainUntilDate")
        if held is None or held < until:
            raise


def locks(backend: Any) -> bool:
    """Whether the bucket was made for object locks. A store may take locks and enforce none; such a one says no."""
    try:
        answer = backend.connection.meta.client.get_object_lock_configuration(
            Bucket=backend.bucket_name
        )
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in {400, 404, 501}:
            return False
        raise
    return bool(answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled")


def read(key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes from `start` to and with `end`, in pieces."""
    backend = storages["evidence"]
    if isinstance(backend, FileSystemStorage):
        yield from _read_from_disk(Path(backend.path(key)), start, end)
        return
    wanted = {"Range": f"bytes={start}-{'' if end is None else end}"} if start or end else {}
    answer = backend.connection.meta.client.get_object(  # type: ignore[attr-defined]
        Bucket=backend.bucket_name,  # type: ignore[attr-defined]
        Key=key,
        **wanted,
    )
    yield from answer["Body"].iter_chunks(PIECE)


def _read_from_disk(path: Path, start: int, end: int | None) -> Iterator[bytes]:
    left = None if end is None else end - start + 1
    with path.open("rb") as file:
        file.seek(start)
        while piece := file.read(PIECE if left is None else min(PIECE, left)):
            yield piece
            if left is not None:
                left -= len(piece)


@contextmanager
def opened(key: str) -> Iterator[IO[bytes]]:
    """The bytes as a file that can seek; from S3 they go through a temporary file, not memory."""
    backend = storages["evidence"]
    if isinstance(backend, FileSystemStorage):
        with Path(backend.path(key)).open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as copy:
        for piece in read(key):
            copy.write(piece)
        copy.seek(0)
        yield copy


def checksum(key: str) -> tuple[int, str]:
    """Size and SHA-256 of what really lies in the store."""
    meter = Meter(2**63)
    for piece in read(key):
        meter.take(piece)
    return meter.size, meter.sha256


def presigned(key: str, *, name: str, media_type: str, seconds: int = 60) -> str | None:
    """An address of at most a minute for S3; None where the bytes lie on disk."""
    backend = storages["evidence"]
    if isinstance(backend, FileSystemStorage):
        return None
    address: str = backend.connection.meta.client.generate_presigned_url(  # type: ignore[attr-defined]
        "get_object",
        Params={
            "Bucket": backend.bucket_name,  # type: ignore[attr-defined]
            "Key": key,
            "ResponseContentType": media_type,
            "ResponseContentDisposition": content_disposition_header(True, name),
        },
        ExpiresIn=min(seconds, 60),
    )
    if settings.EVIDENCE_HOST:
        # The proxy on that name hands the request to the store under the store's own name, for which
        # the signature was made.
        address = urlsplit(address)._replace(scheme="https", netloc=settings.EVIDENCE_HOST).geturl()
    return address
