"""Bytes of an upload on their way in, until all are there: appended to a file, or S3 parts.

What counts is what lies in the store, never a counter: on disk the length of the file, in S3 the parts
that the row lists and the store confirms, and a tail object for what is too short to be a part. Nothing
here decides who may send; one sender at a time is the business of the upload's lease, and a sender who
lost it finds out before the next write.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

from botocore.exceptions import ClientError
from django.core.files.storage import FileSystemStorage, storages

from portfolios.exceptions import ChecksumDiffers, OffsetDiffers, UploadBusy, UploadGone
from portfolios.storage import (
    PIECE,
    Meter,
    Stored,
    final_key,
    once,
    publish_on_disk,
    room,
    write_all,
)

FOLDER = "intake"
READ = 256 * 1024
"""How much of a file is in memory while it is hashed; more is not faster."""
PART = 5 * 1024 * 1024
"""The least that S3 takes as a part which is not the last."""
GONE = {"NoSuchKey", "NoSuchUpload", "404", "NotFound"}
DISK, S3 = "disk", "s3"


@dataclass
class Ledger:
    """What the row knows of the parts in S3. A file on disk needs none."""

    multipart: str = ""
    parts: list[dict[str, Any]] = field(default_factory=list)
    tail: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(int(part["size"]) for part in self.parts) + int(self.tail.get("size", 0))


@dataclass(frozen=True)
class Checksum:
    """The digest that a client sent with a chunk."""

    algorithm: str
    digest: bytes

    def hasher(self) -> Any:
        return hashlib.new(self.algorithm, usedforsecurity=False)


Record = Callable[[Ledger], None]
"""Writes the ledger into the row and keeps the lease; raises UploadBusy where the lease is another's."""


def kind_of_store() -> str:
    """Where uploads that begin now are taken in."""
    return DISK if isinstance(storages["evidence"], FileSystemStorage) else S3


def new_key() -> str:
    return f"{FOLDER}/{uuid4().hex}"


def intake(store: str, key: str, ledger: Ledger) -> "DiskIntake | S3Intake":
    """The bytes of one upload. UploadGone where the store has been exchanged since it began."""
    if store != kind_of_store():
        raise UploadGone
    backend: Any = storages["evidence"]
    if store == DISK:
        return DiskIntake(Path(backend.location), key)
    return S3Intake(backend.connection.meta.client, backend.bucket_name, key, ledger)


class DiskIntake:
    """A file that grows at its end."""

    def __init__(self, base: Path, key: str) -> None:
        self.base = base
        self.path = base / key
        self.sign = self.path.with_suffix(".held")

    def begin(self) -> None:
        with room():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.open("xb").close()

    @contextmanager
    def alive(self) -> Iterator[bool]:
        """Whether nobody else lives who holds this upload. The kernel lets go when a process dies."""
        with room():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            sign = self.sign.open("wb")
        with sign:
            try:
                fcntl.flock(sign, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
            else:
                yield True

    def offset(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            raise UploadGone from None

    def known(self) -> int:
        return self.offset()

    def append(
        self, at: int, pieces: Iterable[bytes], *, record: Record, checksum: Checksum | None = None
    ) -> int:
        """Add the pieces at `at` and return where the bytes end now. Syncs before it returns.

        Each piece is written under a lock on the file and only where the file still ends at the place
        this sender wrote last, so that one who was taken over cannot write into another's bytes.
        """
        hasher = checksum.hasher() if checksum else None
        position = at
        try:
            file = self.path.open("r+b", buffering=0)
        except FileNotFoundError:
            raise UploadGone from None
        with room(), file:
            try:
                for piece in pieces:
                    record(Ledger())
                    if hasher:
                        hasher.update(piece)
                    position = self._write(file, position, piece)
            finally:
                os.fsync(file.fileno())
            if hasher and checksum and hasher.digest() != checksum.digest:
                with locked(file):
                    if os.fstat(file.fileno()).st_size == position:
                        file.truncate(at)
                        os.fsync(file.fileno())
                raise ChecksumDiffers
        return position

    @staticmethod
    def _write(file: Any, position: int, piece: bytes) -> int:
        with locked(file):
            ends = os.fstat(file.fileno()).st_size
            if ends != position:
                raise OffsetDiffers(ends)
            file.seek(position)
            write_all(file, piece)
        return position + len(piece)

    def publish(
        self, organisation_id: UUID, length: int, *, record: Record, sha256: str = ""
    ) -> Stored:
        """Hash what lies here and give it its final key. The bytes here stay until `discard`."""
        meter = Meter(length)
        try:
            with self.path.open("rb", buffering=0) as file:
                while piece := file.read(READ):
                    record(Ledger())
                    meter.take(piece)
        except FileNotFoundError:
            raise UploadGone from None
        meter.close(length)
        if sha256 and meter.sha256 != sha256:
            raise ChecksumDiffers
        with room():
            key = publish_on_disk(self.base, self.path, organisation_id, meter)
        return Stored(meter.size, meter.sha256, key)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.sign.unlink(missing_ok=True)


@contextmanager
def locked(file: IO[bytes]) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


class S3Intake:
    """Parts of one multipart upload, and a tail object for what is shorter than a part.

    Tails have a new name each time and parts count only once the row lists them, so that a crash at any
    moment, or a sender who lost the lease, leaves the bytes that count as they were. A part that was
    overwritten by such a sender has another ETag than the row says, and counts no more.
    """

    def __init__(self, client: Any, bucket: str, key: str, ledger: Ledger) -> None:
        self.client, self.bucket, self.key, self.ledger = client, bucket, key, ledger

    def begin(self) -> None:
        """Nothing lies in the store before the first bytes."""

    @contextmanager
    def alive(self) -> Iterator[bool]:
        """No sign of life but the lease: holders may be on other machines."""
        yield False

    def offset(self) -> int:
        """Bytes that count. Parts and tail that the store does not confirm are struck off the ledger."""
        held = self.ledger
        if held.parts:
            confirmed = self._confirmed_parts()
            good = 0
            for part in held.parts:
                if confirmed.get(part["number"]) != (part["etag"], part["size"]):
                    break
                good += 1
            if good < len(held.parts):
                if not confirmed:
                    held.multipart = ""
                del held.parts[good:]
                held.tail = {}
        if held.tail and not self._is_there(held.tail["key"], held.tail["size"]):
            held.tail = {}
        return held.size

    def known(self) -> int:
        """What counts as far as the ledger knows, without asking the store again."""
        return self.ledger.size

    def _confirmed_parts(self) -> dict[int, tuple[str, int]]:
        found: dict[int, tuple[str, int]] = {}
        marker = 0
        while True:
            try:
                answer = self.client.list_parts(
                    Bucket=self.bucket,
                    Key=self.key,
                    UploadId=self.ledger.multipart,
                    PartNumberMarker=marker,
                )
            except ClientError as error:
                if code_of(error) not in GONE:
                    raise
                return self._already_joined()
            for part in answer.get("Parts", []):
                found[part["PartNumber"]] = (part["ETag"].strip('"'), part["Size"])
            if not answer.get("IsTruncated"):
                return found
            marker = answer["NextPartNumberMarker"]

    def _already_joined(self) -> dict[int, tuple[str, int]]:
        """The parts as listed, where a completion was cut off after the store had joined them."""
        if not self._is_there(self.key, self.ledger.size):
            return {}
        return {part["number"]: (part["etag"], part["size"]) for part in self.ledger.parts}

    def _is_there(self, key: str, size: int) -> bool:
        try:
            answer = self.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if code_of(error) not in GONE:
                raise
            return False
        return bool(answer["ContentLength"] == size)

    def append(
        self, at: int, pieces: Iterable[bytes], *, record: Record, checksum: Checksum | None = None
    ) -> int:
        """Add the pieces after what counts, as parts and a new tail, and return where the bytes end now.

        With a checksum nothing counts before all of the chunk has come and fits.
        """
        hasher = checksum.hasher() if checksum else None
        held = bytearray(self._tail_bytes())
        fresh = Ledger(self.ledger.multipart, list(self.ledger.parts), {})
        keep: Record = (lambda _ledger: record(self.ledger)) if checksum else self._keeper(record)
        try:
            for piece in pieces:
                if hasher:
                    hasher.update(piece)
                held += piece
                while len(held) >= PART:
                    self._send_part(fresh, held, keep)
                record(self.ledger)
        finally:
            # Whatever ended the stream, what has come is kept; a checksum decides below.
            if held:
                self._send_tail(fresh, bytes(held))
            if not checksum:
                self._keep_or_drop(fresh, record)
        if hasher and checksum:
            if hasher.digest() != checksum.digest:
                self._drop(fresh.tail)
                raise ChecksumDiffers
            self._keep_or_drop(fresh, record)
        return self.ledger.size

    def _keep_or_drop(self, fresh: Ledger, record: Record) -> None:
        try:
            self._keeper(record)(fresh)
        except UploadBusy:
            self._drop(fresh.tail)
            raise

    def _drop(self, tail: dict[str, Any]) -> None:
        if tail:
            self.client.delete_object(Bucket=self.bucket, Key=tail["key"])

    def _keeper(self, record: Record) -> Record:
        def keep(ledger: Ledger) -> None:
            now = Ledger(ledger.multipart, list(ledger.parts), dict(ledger.tail))
            record(now)
            before, self.ledger = self.ledger.tail, now
            if before != now.tail:
                self._drop(before)

        return keep

    def _tail_bytes(self) -> bytes:
        if not self.ledger.tail:
            return b""
        answer = self.client.get_object(Bucket=self.bucket, Key=self.ledger.tail["key"])
        return bytes(answer["Body"].read())

    def _send_part(self, ledger: Ledger, held: bytearray, keep: Record) -> None:
        if not ledger.multipart:
            made = self.client.create_multipart_upload(
                Bucket=self.bucket, Key=self.key, ContentType="application/octet-stream"
            )
            ledger.multipart = made["UploadId"]
        number = len(ledger.parts) + 1
        body = bytes(held[:PART])
        answer = self.client.upload_part(
            Bucket=self.bucket,
            Key=self.key,
            UploadId=ledger.multipart,
            PartNumber=number,
            Body=body,
        )
        del held[:PART]
        ledger.parts.append(
            {"number": number, "etag": answer["ETag"].strip('"'), "size": len(body)}
        )
        keep(ledger)

    def _send_tail(self, ledger: Ledger, body: bytes) -> None:
        key = f"{self.key}.{uuid4().hex[:12]}"
        self.client.put_object(
            Bucket=self.bucket, Key=key, Body=body, ContentType="application/octet-stream"
        )
        ledger.tail = {"key": key, "size": len(body)}

    def publish(
        self, organisation_id: UUID, length: int, *, record: Record, sha256: str = ""
    ) -> Stored:
        """Join the parts, hash what the store gives back, and copy it to its final key."""
        source = self.key
        if not self.ledger.parts:
            source = self.ledger.tail.get("key", "")
        elif not self._is_there(self.key, length):
            self._join(length)
        meter = Meter(length)
        try:
            body = self.client.get_object(Bucket=self.bucket, Key=source)["Body"]
        except ClientError as error:
            if code_of(error) in GONE:
                raise UploadGone from error
            raise
        for piece in body.iter_chunks(PIECE):
            record(self.ledger)
            meter.take(piece)
        meter.close(length)
        if sha256 and meter.sha256 != sha256:
            raise ChecksumDiffers
        key = final_key(organisation_id, meter.sha256)
        once(
            self.client,
            "copy_object",
            Bucket=self.bucket,
            Key=key,
            CopySource={"Bucket": self.bucket, "Key": source},
        )
        return Stored(meter.size, meter.sha256, key)

    def _join(self, length: int) -> None:
        listed = list(self.ledger.parts)
        if self.ledger.tail:
            body = self._tail_bytes()
            number = len(listed) + 1
            answer = self.client.upload_part(
                Bucket=self.bucket,
                Key=self.key,
                UploadId=self.ledger.multipart,
                PartNumber=number,
                Body=body,
            )
            listed.append({"number": number, "etag": answer["ETag"].strip('"'), "size": len(body)})
        if sum(part["size"] for part in listed) != length:
            raise UploadBusy
        self.client.complete_multipart_upload(
            Bucket=self.bucket,
            Key=self.key,
            UploadId=self.ledger.multipart,
            MultipartUpload={
                "Parts": [{"PartNumber": one["number"], "ETag": one["etag"]} for one in listed]
            },
        )

    def discard(self) -> None:
        """Remove everything that belongs to this upload, whatever the ledger says of it."""
        if self.ledger.multipart:
            try:
                self.client.abort_multipart_upload(
                    Bucket=self.bucket, Key=self.key, UploadId=self.ledger.multipart
                )
            except ClientError as error:
                if code_of(error) not in GONE:
                    raise
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.key)
        for one in found.get("Contents", []):
            self.client.delete_object(Bucket=self.bucket, Key=one["Key"])


@dataclass(frozen=True)
class Leftover:
    """Something in the intake: the key of the upload that it belongs to, and how to remove it."""

    key: str
    remove: Callable[[], Any]


def leftovers(before: datetime) -> Iterator[Leftover]:
    """Everything in the intake that has not changed since `before`, with open multipart uploads."""
    backend: Any = storages["evidence"]
    if kind_of_store() == DISK:
        base = Path(backend.location)
        for path in (base / FOLDER).glob("*"):
            if path.stat().st_mtime < before.timestamp():
                yield Leftover(f"{FOLDER}/{path.stem}", partial(path.unlink, missing_ok=True))
        return
    client, bucket = backend.connection.meta.client, backend.bucket_name
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{FOLDER}/")
    for one in (found for page in pages for found in page.get("Contents", [])):
        if one["LastModified"] < before:
            remove = partial(client.delete_object, Bucket=bucket, Key=one["Key"])
            yield Leftover(one["Key"].split(".")[0], remove)
    for one in open_uploads(client, bucket):
        if one["Initiated"] < before:
            stop = partial(
                client.abort_multipart_upload,
                Bucket=bucket,
                Key=one["Key"],
                UploadId=one["UploadId"],
            )
            yield Leftover(one["Key"], stop)


def open_uploads(client: Any, bucket: str) -> list[dict[str, Any]]:
    """Multipart uploads that were neither joined nor aborted. Some servers say "no such upload" for none."""
    try:
        answer = client.list_multipart_uploads(Bucket=bucket, Prefix=f"{FOLDER}/")
    except ClientError as error:
        if code_of(error) not in GONE:
            raise
        return []
    found: list[dict[str, Any]] = answer.get("Uploads", [])
    return found


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
