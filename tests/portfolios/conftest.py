"""One delivery with its people, for tests of the learner's work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.personas import Cast, make_cast
from tests.worlds import kept


@kept
def cast() -> Cast:
    """Lena and Hōne with their staff."""
    return make_cast(learners=2)


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, settings: Any) -> None:
    """A folder for this test's evidence."""
    stores = {name: dict(entry) for name, entry in settings.STORAGES.items()}
    for name in ("evidence", "default"):
        options = {**stores[name]["OPTIONS"], "location": str(tmp_path / name)}
        stores[name] = {**stores[name], "OPTIONS": options}
    settings.STORAGES = stores


def on_s3(settings: Any, server: Any) -> Any:
    """Put the evidence store on an S3 server; gives its client."""
    from botocore.config import Config
    from django.core.files.storage import storages

    settings.STORAGES = {
        **settings.STORAGES,
        "evidence": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": server.extra["bucket"],
                "endpoint_url": server.url,
                "region_name": "us-east-1",
                "access_key": server.extra["access_key"],
                "secret_key": server.extra["secret_key"],
                "client_config": Config(
                    signature_version="s3v4",
                    s3={"addressing_style": "path"},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    retries={"max_attempts": 2},
                ),
                "file_overwrite": False,
                "default_acl": None,
                "querystring_auth": True,
                "querystring_expire": 60,
            },
        },
    }
    return storages["evidence"].connection.meta.client


def empty(client: Any, bucket: str) -> None:
    """Take away what another test has left in the bucket."""
    for one in client.list_objects_v2(Bucket=bucket).get("Contents", []):
        client.delete_object(Bucket=bucket, Key=one["Key"])
    from portfolios.storage.intake import open_uploads

    for one in open_uploads(client, bucket):
        client.abort_multipart_upload(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])


@pytest.fixture(params=["rclone_s3", "moto_s3"])
def s3(request: Any, settings: Any) -> tuple[Any, str]:
    """The evidence store on a real S3 server: its client, and the bucket, which is empty."""
    server = request.getfixturevalue(request.param)
    client, bucket = on_s3(settings, server), server.extra["bucket"]
    if request.param == "moto_s3":
        client.create_bucket(Bucket=bucket)
    empty(client, bucket)
    return client, bucket


@pytest.fixture(params=["disk", "rclone_s3", "moto_s3"])
def any_store(request: Any, settings: Any) -> str:
    """The evidence store on each of the three."""
    if request.param != "disk":
        server = request.getfixturevalue(request.param)
        client, bucket = on_s3(settings, server), server.extra["bucket"]
        if request.param == "moto_s3":
            client.create_bucket(Bucket=bucket)
        empty(client, bucket)
    return str(request.param)


@pytest.fixture
def as_(client: Client) -> Callable[[Any], Client]:
    """A client signed in as that person."""

    def sign_in(person: Any) -> Client:
        client.logout()
        if person is not None:
            client.force_login(person)
        return client

    return sign_in
