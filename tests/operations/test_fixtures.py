"""The fixtures themselves: real servers, real commits, and a browser that sees them."""

import os
import threading
from pathlib import Path

import pytest
import redis
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.core.files.storage import storages
from django.db import connections

from tests.servers import free_port, listening


def test_broker_answers(broker_url):
    with redis.Redis.from_url(broker_url) as client:
        assert client.ping()
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"


def test_commits_reach_another_thread(committed_db):
    people = get_user_model().objects
    before = people.count()
    seen = []

    def look():
        seen.append(people.count())
        connections.close_all()

    people.create(email="lena@example.org")
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before + 1]


def test_the_next_test_starts_clean(committed_db):
    assert not get_user_model().objects.filter(email="lena@example.org").exists()


@pytest.mark.sqlite
@pytest.mark.django_db
def test_a_row_is_written_and_read_on_either_database():
    get_user_model().objects.create(email="ada@example.org")
    assert get_user_model().objects.filter(email="ada@example.org").count() == 1


def test_mail_arrives(mail_sink, settings):
    from django.core.mail import send_mail

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = (
        "localhost",
        mail_sink.port,
        False,
    )
    send_mail("Tēnā koe", "Kia ora", "noreply@example.org", ["lena@example.org"])
    assert [message["Subject"] for message in mail_sink.messages] == ["Tēnā koe"]


@pytest.mark.parametrize("name", ["rclone_s3", "moto_s3"])
def test_s3_servers_keep_an_object(request, name):
    import boto3
    from botocore.config import Config

    server = request.getfixturevalue(name)
    client = boto3.client(
        "s3",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=server.extra["access_key"],
        aws_secret_access_key=server.extra["secret_key"],
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    if name == "moto_s3":
        client.create_bucket(Bucket=server.extra["bucket"])
    client.put_object(Bucket=server.extra["bucket"], Key="a", Body=b"evidence")
    assert client.get_object(Bucket=server.extra["bucket"], Key="a")["Body"].read() == b"evidence"


@pytest.mark.browser
def test_browser_opens_the_site(live_site, page):
    page.goto(f"{live_site}/accounts/login/")
    assert page.locator("body").inner_text()


def test_a_free_port_is_free():
    assert not listening(free_port())


def test_files_of_tests_lie_apart_from_everybody_elses():
    """Each process has a folder of its own: a sweep in one takes nothing from another."""
    place = Path(storages["evidence"].location)
    assert place == Path(os.environ["MODERATO_DATA"]) / "evidence"
    assert Path(project.BASE_DIR) not in place.parents
