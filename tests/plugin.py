"""Starts PostgreSQL and Valkey before Django reads its settings. Loaded by `-p tests.plugin`.

The settings module reads TEST_DATABASE_URL, REDIS_URL and MODERATO_DATA when it is imported, which pytest-django does
before any conftest.py. Under xdist the controller starts the servers and the workers inherit the
addresses. An address in TEST_DATABASE_URL (also `sqlite:///:memory:`) is used as it stands.
"""

import atexit
import os
import tempfile
from pathlib import Path

import pytest

from tests.servers import NoServerError, Server, start_postgres, start_valkey

running: list[Server] = []
own_data: list[tempfile.TemporaryDirectory[str]] = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Put the servers' addresses into the environment."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        atexit.register(stop)
        folder = tempfile.TemporaryDirectory(prefix="moderato-test-", ignore_cleanup_errors=True)
        own_data.append(folder)
        os.environ["MODERATO_DATA"] = folder.name
        try:
            if not os.environ.get("TEST_DATABASE_URL"):
                running.append(start_postgres())
                os.environ["TEST_DATABASE_URL"] = running[-1].url
            running.append(start_valkey())
        except NoServerError as error:
            stop()
            raise pytest.UsageError(str(error)) from None
        # Never the address a person has in the environment: tests write to this server.
        os.environ["REDIS_URL"] = running[-1].url
    else:
        number = int(worker.removeprefix("gw"))
        address = os.environ["REDIS_URL"].rsplit("/", 1)[0]
        os.environ["REDIS_URL"] = f"{address}/{number % 16}"
        os.environ["MODERATO_DATA"] = str(Path(os.environ["MODERATO_DATA"]) / worker)


def pytest_unconfigure() -> None:
    """Stop what this process started."""
    stop()


def stop() -> None:
    """Stop the servers in reverse and remove the data."""
    while running:
        running.pop().stop()
    while own_data:
        own_data.pop().cleanup()
