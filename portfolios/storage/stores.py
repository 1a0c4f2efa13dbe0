"""A whole store: which keys lie in it, and the same bytes put into another one."""

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.utils.module_loading import import_string

from portfolios.storage import ALREADY_THERE, PART, PIECE, lock
from portfolios.storage.intake import GONE, code_of

NOT_EVIDENCE = ("intake/", "probe/")


class StoreNotSet(Exception):  # noqa: N818  reads as a fact
    """The environment describes no such store."""


class BytesMissing(Exception):  # noqa: N818
    """Nothing lies under this key."""


def store_in_use() -> Any:
    return storages["evidence"]


def store_named(name: str) -> Any:
    """`local` or `s3`, as the environment describes it, whichever of the two is in use."""
    entry: dict[str, Any] | None = settings.EVIDENCE_STORES.get(name)
    if entry is None:
        raise StoreNotSet(
            f"There is no store “{name}”. Set S3_BUCKET for s3; local is always there."
        )
    return import_string(entry["BACKEND"])(**entry["OPTIONS"])


def keys_of(store: Any) -> Iterator[tuple[str, datetime]]:
    """Every key but those of bytes on their way in, with the time of its last change."""
    if isinstance(store, FileSystemStorage):
        base = Path(store.location)
        for folder, _folders, names in os.walk(base):
            for name in names:
                path = Path(folder) / name
                key = str(path.relative_to(base))
                if not key.startswith(NOT_EVIDENCE):
                    yield key, datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return
    client = store.connection.meta.client
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=store.bucket_name):
        for one in page.get("Contents", []):
            if not one["Key"].startswith(NOT_EVIDENCE):
                yield one["Key"], one["LastModified"]


def pieces_of(store: Any, key: str) -> Iterator[bytes]:
    """The bytes under a key, in pieces. BytesMissing where there are none."""
    if isinstance(store, FileSystemStorage):
        path = Path(store.path(key))
        if not path.exists():
            raise BytesMissing(key)
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
        return
    try:
        answer = store.connection.meta.client.get_object(Bucket=store.bucket_name, Key=key)
    except ClientError as error:
        if code_of(error) in GONE:
            raise BytesMissing(key) from error
        raise
    yield from answer["Body"].iter_chunks(PIECE)


def digest_of(store: Any, key: str) -> tuple[int, str]:
    """Size and SHA-256 of what really lies under a key."""
    size, digest = 0, hashlib.sha256()
    for piece in pieces_of(store, key):
        size += len(piece)
        digest.update(piece)
    return size, digest.hexdigest()


def put(store: Any, key: str, pieces: Iterable[bytes], *, sha256: str) -> None:
    """Create the object under its key if the pieces have this hash; otherwise nothing is created."""
    if isinstance(store, FileSystemStorage):
        _put_on_disk(Path(store.location), key, pieces, sha256)
    else:
        _put_on_s3(store, key, pieces, sha256)


def _put_on_disk(base: Path, key: str, pieces: Iterable[bytes], sha256: str) -> None:
    draft = base / "intake" / uuid.uuid4().hex
    draft.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        with draft.open("xb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        same(key, digest.hexdigest(), sha256)
        draft.chmod(0o444)
        final = base / key
        final.parent.mkdir(parents=True, exist_ok=True)
        os.link(draft, final)
    finally:
        draft.unlink(missing_ok=True)


def same(key: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise ValueError(f"{key}: the bytes read have another hash")


def _put_on_s3(store: Any, key: str, pieces: Iterable[bytes], sha256: str) -> None:
    client, place = store.connection.meta.client, {"Bucket": store.bucket_name, "Key": key}
    digest, held = hashlib.sha256(), bytearray()
    done: list[dict[str, Any]] = []
    upload = client.create_multipart_upload(**place)["UploadId"]

    def send() -> None:
        number = len(done) + 1
        answer = client.upload_part(
            **place, UploadId=upload, PartNumber=number, Body=bytes(held[:PART])
        )
        del held[:PART]
        done.append({"PartNumber": number, "ETag": answer["ETag"]})

    try:
        for piece in pieces:
            digest.update(piece)
            held += piece
            if len(held) >= PART:
                send()
        if held or not done:
            send()
        same(key, digest.hexdigest(), sha256)
        client.complete_multipart_upload(
            **place, UploadId=upload, MultipartUpload={"Parts": done}, IfNoneMatch="*"
        )
    except ClientError as error:
        client.abort_multipart_upload(**place, UploadId=upload)
        if code_of(error) not in ALREADY_THERE:
            raise
    except BaseException:
        client.abort_multipart_upload(**place, UploadId=upload)
        raise
    lock(client, store.bucket_name, key)
