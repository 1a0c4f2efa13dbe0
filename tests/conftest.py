"""Fixtures for every app's tests: servers, committed databases, a site with a browser."""

import gc
import os
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from tests import servers
from tests.worlds import standing

# How long a value takes to make is the machine's business, not the code's.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")
LONG = ("stack", "proof", "browser")
TAKE_TURNS = ("catalogue", "portfolios", "assessment", "moderation", "workflows")
# What a database itself keeps, or is asked in words of its own.
IN_EVERY_RUN = ("append_only", "audit", "many", "outbox", "reminders", "sets", "transitions")
ONE_HOUSE = "tests/routes/"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, rather than skip, what is about the database that this run does not use.

    Files with long tests come first, so that no core stands idle behind the last of them.
    """
    sqlite = os.environ.get("TEST_DATABASE_URL", "").startswith("sqlite")
    other = "only_postgresql" if sqlite else "only_sqlite"
    # What S3 does is the same whatever the database; the PostgreSQL run tries both.
    left_out = [
        item
        for item in items
        if item.get_closest_marker(other)
        or (sqlite and (item.name.endswith(("_s3]", "_s3")) or not is_its_turn(item.path)))
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
    ranks: dict[Path, int] = {}
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        rank = min((LONG.index(name) for name in LONG if name in marks), default=len(LONG))
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    items.sort(key=lambda item: ranks[item.path])
    # Everything that is loaded by now stays; looking through it again and again cost a twentieth of a run.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


class ByFile(LoadFileScheduling):
    """A file's tests run in one process, and so do all that ask about one house, which takes long to build."""

    def _split_scope(self, nodeid: str) -> str:
        return ONE_HOUSE if nodeid.startswith(ONE_HOUSE) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Whatever `--dist` says: the worlds of the tests are built for whole files."""
    return ByFile(config, log)


@cache
def is_its_turn(path: Path) -> bool:
    """On SQLite what rests on the machinery takes turns, a fifth of the files each day.

    Triggers, records, sets, outbox, reminders, proofs and migrations are in every run. GATE_SEED repeats a day's
    choice, PROOF=full takes all.
    """
    if os.environ.get("PROOF") == "full" or path.parent.name not in TAKE_TURNS:
        return True
    if path.stem.removeprefix("test_") in IN_EVERY_RUN:
        return True
    drawn = random.Random(f"{os.environ.get('GATE_SEED')} {path.parent.name}/{path.name}")
    return drawn.randrange(5) == 0


@pytest.fixture(scope="session")
def broker_url() -> str:
    """Address of this worker's own database on the run's Valkey server."""
    return os.environ["REDIS_URL"]


@pytest.fixture(scope="session")
def rclone_s3() -> Iterator[servers.Server]:
    """S3 that checks signatures and expiry. Keys and bucket are in `.extra`."""
    server = servers.start_rclone_s3()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def clamd() -> Iterator[servers.Server]:
    """A real virus scanner that knows one signature, EICAR."""
    server = servers.start_clamd()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def moto_s3() -> Iterator[servers.Server]:
    """S3 with create-once and checksums. Make the bucket (`.extra["bucket"]`) in the test."""
    server = servers.start_moto_s3()
    yield server
    server.stop()


@dataclass
class MailSink:
    """A mail server that keeps what it gets."""

    port: int
    messages: list[Any] = field(default_factory=list)


@pytest.fixture
def mail_sink() -> Iterator[MailSink]:
    """A real SMTP server on a free port; the parsed messages are in `.messages`."""
    import email
    import email.policy

    from aiosmtpd.controller import Controller

    sink = MailSink(servers.free_port())

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
            sink.messages.append(parsed)
            return "250 kept"

    controller = Controller(Handler(), hostname="127.0.0.1", port=sink.port)
    controller.start()
    yield sink
    controller.stop()


@dataclass(frozen=True)
class CommittedDatabase:
    """Name and address of a database whose commits are real."""

    name: str
    url: str


@pytest.fixture(scope="session")
def migrated_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The worker's migrated test database, also when no test of the run is marked `django_db`:

    pytest-django sets up only the databases that marked tests name.
    """
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    if str(connection.settings_dict["NAME"]) != os.environ["TEST_DATABASE_URL"].rsplit("/", 1)[-1]:
        yield
        return
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"})
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture
def committed_db(migrated_db: None, django_db_blocker: Any) -> Iterator[CommittedDatabase]:
    """A PostgreSQL database of this test alone, where commits are real. See own_database."""
    with own_database(django_db_blocker) as made:
        yield made


@contextmanager
def own_database(django_db_blocker: Any) -> Iterator[CommittedDatabase]:
    """A clone of the worker's migrated test database, where commits are real.

    Append-only tables refuse the flush with which `transaction=True` tests clean up. So this clones
    with CREATE DATABASE … TEMPLATE (about 0.1 s), points Django's connection settings to the clone and
    drops it afterwards. Threads get it by themselves, because each
    new connection reads the same settings; a thread must close its connection when it ends
    (`django.db.connections.close_all()`), and processes get `.url` as TEST_DATABASE_URL or DATABASE_URL.
    Do not combine it with `db` or `@pytest.mark.django_db`. Query counts, `on_commit` and
    `select_for_update` behave as in production.
    """
    from django.db import connection, connections

    if connection.vendor != "postgresql":
        pytest.fail("committed_db needs PostgreSQL; do not mark its tests for SQLite")
    template = str(connection.settings_dict["NAME"])
    name = f"{template}_{uuid.uuid4().hex[:8]}"
    with django_db_blocker.unblock():
        standing.drop()
        connections.close_all()
        with connection._nodb_cursor() as cursor:
            # A connection from before the browser's event loop began belongs to another context,
            # which close_all() does not reach; a template must have no other session.
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [template],
            )
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        connection.settings_dict["NAME"] = name
        address = os.environ["TEST_DATABASE_URL"].rsplit("/", 1)[0]
        try:
            yield CommittedDatabase(name, f"{address}/{name}")
        finally:
            connections.close_all()
            connection.settings_dict["NAME"] = template
            with connection._nodb_cursor() as cursor:
                cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def live_site(committed_db: CommittedDatabase) -> Iterator[str]:
    """The site on a free port, on a database of this test alone. See served."""
    with served() as address:
        yield address


@contextmanager
def served() -> Iterator[str]:
    """The site on a free port. Use it instead of `live_server`, whose clean-up is a flush.

    Gives the address without a slash at the end.
    """
    from django.test.utils import modify_settings
    from pytest_django.live_server_helper import LiveServer

    with modify_settings(ALLOWED_HOSTS={"append": "localhost"}):
        server = LiveServer("localhost")
        yield str(server.url).rstrip("/")
        server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Chromium for the session, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    # Playwright keeps an event loop in this thread, which Django takes for an asynchronous caller.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=servers.chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh browser context with one page, New Zealand English and Auckland's time."""
    context = browser.new_context(locale="en-NZ", timezone_id="Pacific/Auckland")
    yield context.new_page()
    context.close()
