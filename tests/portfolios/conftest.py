"""One delivery with its people, for tests of the learner's work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.personas import Cast, make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast(learners=2)


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, settings: Any) -> None:
    """A folder for this test's evidence."""
    stores = {name: dict(entry) for name, entry in settings.STORAGES.items()}
    for name in ("evidence", "default"):
        options = {**stores[name]["OPTIONS"], "location": str(tmp_path / name)}
        stores[name] = {**stores[name], "OPTIONS": options}
    settings.STORAGES = stores


@pytest.fixture
def as_(client: Client) -> Callable[[Any], Client]:
    """A client signed in as that person."""

    def sign_in(person: Any) -> Client:
        client.logout()
        if person is not None:
            client.force_login(person)
        return client

    return sign_in
