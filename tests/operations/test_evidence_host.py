"""Evidence leaves by its own host name, and the signature still holds behind the proxy."""

import hashlib
import urllib.error
import urllib.request
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core.files.storage import storages
from django.urls import reverse
from django.utils import timezone

from portfolios.storage import presigned
from tests.factories.portfolios import file, portfolio_of
from tests.personas import make_cast, make_user
from tests.portfolios.conftest import on_s3


@pytest.fixture
def s3(settings, rclone_s3):
    """Evidence on a server that checks signatures."""
    on_s3(settings, rclone_s3)
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


def test_a_signature_is_refused_after_a_minute(s3):
    def signed(seconds_ago):
        with time_machine.travel(timezone.now() - timedelta(seconds=seconds_ago), tick=False):
            return presigned("ab/cd/ef", name="a.pdf", media_type="application/pdf")

    with behind_the_proxy(s3, signed(30)) as answer:
        assert answer.read() == b"evidence"
    address = signed(61)
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["60"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        behind_the_proxy(s3, address)
    assert refused.value.code in {400, 403}  # rclone says 400


def test_another_file_by_the_same_signature_is_refused(s3):
    storages["evidence"].bucket.put_object(Key="ab/cd/other", Body=b"of somebody else")
    address = presigned("ab/cd/ef", name="a.pdf", media_type="application/pdf")
    with pytest.raises(urllib.error.HTTPError) as refused:
        behind_the_proxy(s3, address.replace("/ef?", "/other?"))
    assert refused.value.code == 403


@pytest.fixture
def lena_and_file(db, s3, client):
    cast = make_cast(learners=1)
    item = file(portfolio_of(cast), name="Whānau.pdf")
    client.force_login(cast.lena)
    return client, reverse("portfolios:serve", args=[item.pk]), item


def test_who_follows_the_link_is_sent_to_the_evidence_host(lena_and_file, s3):
    client, place, item = lena_and_file
    answer = client.get(place, HTTP_SEC_FETCH_DEST="document")
    assert answer.status_code == 302
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert urlsplit(answer.url).netloc == "moderato-files.example"
    with behind_the_proxy(s3, answer.url) as got:
        assert hashlib.sha256(got.read()).hexdigest() == item.sha256
        assert "Wh%C4%81nau.pdf" in got.headers["Content-Disposition"]
        assert got.headers["Content-Type"] == "application/pdf"


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"HTTP_RANGE": "bytes=0-3"}, 206), ({"HTTP_SEC_FETCH_DEST": "video"}, 200)],
)
def test_what_a_page_loads_comes_through_the_site(lena_and_file, headers, status):
    client, place, _item = lena_and_file
    answer = client.get(place, **headers)
    assert answer.status_code == status
    assert b"".join(answer.streaming_content).startswith(b"%PDF")


def test_somebody_else_gets_no_address(lena_and_file):
    client, place, _item = lena_and_file
    client.force_login(make_user("eve"))
    assert client.get(place).status_code == 404
