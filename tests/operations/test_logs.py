"""Logs carry keys, never people, their work or the secrets of links."""

import io
import json
import logging
import os
import subprocess
import sys

import pytest
import structlog
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.db import IntegrityError

from config.logs import logging_config


@pytest.fixture
def lines():
    """Log as production does; call it for the lines so far.

    A handler of its own: configuring all logging again would close the handlers of the test run.
    """
    house = dict(logging_config(as_json=True)["formatters"]["house"])
    handler = logging.StreamHandler(written := io.StringIO())
    handler.setFormatter(house.pop("()")(**house))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)


def test_people_and_their_words_are_left_out(lines):
    structlog.get_logger("portfolios").info(
        "evidence_stored",
        evidence_id="7c9e6679-7425-40de-944b-e07fc1f90ae7",
        filename="Reflexion Mereana.pdf",
        title="Te whakaaro o Mereana",
        note="sent to mereana@example.org",
        hint="ask mereana@example.org",
    )
    logging.getLogger("old").warning("could not reach %s", "mereana@example.org")
    text = json.dumps(found := lines(), ensure_ascii=False)
    assert "ereana" not in text
    assert found[0]["event"] == "evidence_stored"
    assert found[0]["evidence_id"] == "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    assert found[1]["event"] == "could not reach [e-mail]"


@pytest.mark.django_db
def test_a_broken_constraint_does_not_quote_the_row(lines):
    people = get_user_model().objects
    people.create(email="mereana@example.org")
    try:
        people.create(email="mereana@example.org")
    except IntegrityError:
        structlog.get_logger("accounts").exception("creation_failed")
    (line,) = lines()
    assert "IntegrityError" in line["exception"]
    assert "mereana" not in json.dumps(line)


@pytest.mark.django_db
def test_requests_are_logged_by_key_without_query_and_secret(lines, client):
    secret = "Zk3xT9qLm2Vb7RpW1sYc8Nd4"
    person = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    client.get(f"/v/{secret}/", {"q": "mereana"})
    client.get(f"/portfolios/{person}/")
    found = [line for line in lines() if line["event"] == "request_finished"]
    assert [line["request"] for line in found] == [
        "GET /v/[secret]/",
        f"GET /portfolios/{person}/",
    ]
    assert len({line["request_id"] for line in found}) == 2


SEND = """
import django; django.setup()
import structlog
from config.celery import app
structlog.contextvars.bind_contextvars(request_id="request-of-this-test")
app.send_task("workflows.tasks.heartbeat", queue="only-this-test")
"""


@pytest.mark.stack
def test_the_request_id_reaches_the_worker(broker_url, tmp_path):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "MODERATO_DATA": str(tmp_path),
        "REDIS_URL": broker_url,
    }
    common = {"cwd": project.BASE_DIR, "env": environment, "stdin": subprocess.DEVNULL}
    subprocess.run([sys.executable, "-c", SEND], check=True, timeout=60, **common)
    log = tmp_path / "worker.log"
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-P", "solo"]
    with log.open("wb") as file:
        worker = subprocess.Popen(
            [*command, "-Q", "only-this-test", "-l", "INFO"], stdout=file, stderr=file, **common
        )
    try:
        from tests.servers import wait_until

        wait_until(lambda: "request-of-this-test" in log.read_text(), 40, "the id in the log")
    finally:
        worker.terminate()
        worker.wait(60)
