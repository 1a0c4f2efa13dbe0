"""A few people, a box and a way to file dockets."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from tests.testapp.models import FILE, Box, Docket
from workflows.transitions import begin


def person(name: str, **more: Any) -> User:
    return User.objects.create(name=name, email=f"{name.lower()}@example.org", **more)


def file_docket(box: Box, actor: Any, **fields: Any) -> Docket:
    fields.setdefault("title", "Tā moko")
    return begin(FILE, parent=box, actor=actor, build=lambda: Docket(box=box, **fields))


@pytest.fixture
def ada(db: None) -> User:
    return person("Ada")


@pytest.fixture
def abe(db: None) -> User:
    return person("Abe")


@pytest.fixture
def box(db: None) -> Box:
    return Box.objects.create()


@pytest.fixture
def docket(box: Box, ada: User) -> Docket:
    return file_docket(box, ada)


@pytest.fixture
def make_docket(box: Box, ada: User) -> Callable[..., Docket]:
    return lambda **fields: file_docket(box, ada, **fields)


@pytest.fixture
def keeper(db):
    return person("Kim", is_staff=True)
