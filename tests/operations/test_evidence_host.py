"""Evidence leaves by its own host name, and the signature still holds behind the proxy."""

import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from django.core.files.storage import storages

from portfolios.storage import presigned


@pytest.fixture
def s3(settings, rclone_s3):
    """Evidence on a server that checks signatures."""
    store = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": rclone_s3.extra["bucket"],
            "endpoint_url": rclone_s3.url,
            "region_name": "us-east-1",
            "access_key": rclone_s3.extra["access_key"],
            "secret_key": rclone_s3.extra["secret_key"],
            "signature_version": "s3v4",
            "addressing_style": "path",
            "file_overwrite": False,
        },
    }
    settings.STORAGES = {**settings.STORAGES, "evidence": store}
    settings.EVIDENCE_HOST = "moderato-files.example"
    storages["evidence"].bucket.put_object(Key="ab/cd/ef", Body=b"evidence")
    return rclone_s3


def behind_the_proxy(server, address):
    """What deploy/nginx.conf does: the same path and query, under the store's own name."""
    path = urlsplit(address)._replace(scheme="http", netloc=server.url.split("//")[1]).geturl()
    return urllib.request.urlopen(path)


def test_the_signature_holds_behind_the_proxy(s3):
    address = presigned("ab/cd/ef", name="a.pdf", media_type="application/pdf")
    assert address is not None
    assert address.startswith("https://moderato-files.example/evidence/ab/cd/ef?")
    assert "X-Amz-Signature=" in address
    with behind_the_proxy(s3, address) as answer:
        assert answer.read() == b"evidence"


def test_another_file_by_the_same_signature_is_refused(s3):
    storages["evidence"].bucket.put_object(Key="ab/cd/other", Body=b"of somebody else")
    address = presigned("ab/cd/ef", name="a.pdf", media_type="application/pdf")
    with pytest.raises(urllib.error.HTTPError) as refused:
        behind_the_proxy(s3, address.replace("/ef?", "/other?"))
    assert refused.value.code == 403
