"""Worlds that are built once for the tests of a module, inside a transaction that outlives each of them.

    @kept
    def cast():
        return make_cast(learners=3)

makes a fixture. The first test of a module that asks for it builds the world; each test gets a copy of its
objects and works in a savepoint of its own, which is undone. A test that asks for another world, or for none,
gets an empty database: the kept one is dropped first. One test sees one kept world at most.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest


class Kept:
    """The world that stands in this process, if any."""

    def __init__(self) -> None:
        self.key: tuple[Any, ...] | None = None
        self.value: Any = None
        self.atomic: Any = None
        self.session: Any = None

    def stands(self, key: tuple[Any, ...]) -> bool:
        """Is it this one, on a connection that nobody has closed?"""
        from django.db import connection

        return (
            self.key == key
            and connection.connection is self.session
            and not connection.closed_in_transaction
        )

    def build(self, key: tuple[Any, ...], make: Callable[[], Any]) -> None:
        from django.db import connection, transaction

        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        try:
            self.value = make()
            # What waits for the commit is checked here, once, and not again in each test.
            connection.check_constraints()
        except BaseException:
            self.drop()
            raise
        self.key, self.session = key, connection.connection

    def drop(self) -> None:
        """Undo it."""
        from django.db import connection, transaction

        if self.atomic is None:
            return
        atomic, self.atomic = self.atomic, None
        self.key = self.value = self.session = None
        if connection.connection is not None and not connection.closed_in_transaction:
            transaction.set_rollback(True)
        atomic.__exit__(None, None, None)


standing = Kept()


def kept(make: Callable[[], Any]) -> Any:
    """A fixture that gives a copy of the world that `make` builds; `make` takes no fixtures."""

    def world(db: None) -> Any:
        return copy.deepcopy(standing.value)

    world.__name__, world.__doc__ = make.__name__, make.__doc__
    world.make = make  # type: ignore[attr-defined]
    return pytest.fixture(world)


def wanted(item: Any) -> tuple[tuple[Any, ...], Callable[[], Any]] | None:
    """The kept world among the fixtures of a test."""
    found = {}
    for name in item.fixturenames:
        for definition in item._fixtureinfo.name2fixturedefs.get(name, ())[-1:]:
            if make := getattr(definition.func, "make", None):
                found[name] = make
    if len(found) > 1:
        pytest.fail(f"{item.nodeid} asks for several kept worlds: {sorted(found)}")
    return next((((item.path, make), make) for make in found.values()), None)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Tests of a module that want the same world follow one another, so that it is built once."""
    modules: dict[Any, int] = {}
    worlds: dict[Any, int] = {}

    def place(item: Any) -> tuple[int, int]:
        module = modules.setdefault(item.path, len(modules))
        found = wanted(item)
        world = found[0] if found else item.path
        return module, worlds.setdefault(world, len(worlds))

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Any:
    """Before a test's own transaction begins, stand the world that it wants, or clear the place."""
    if fixturedef.argname == "_django_db_helper":
        with request.getfixturevalue("django_db_blocker").unblock():
            world = wanted(request.node)
            try:
                if world is None or not standing.stands(world[0]):
                    standing.drop()
                    if world is not None:
                        standing.build(*world)
            except BaseException as error:
                # As pytest notes a fixture that fails; without it this one is never undone, nor made again.
                key = fixturedef.cache_key(request)
                fixturedef.cached_result = (None, key, (error, error.__traceback__))
                raise
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: Any, nextitem: Any) -> Any:
    """No world outlives its module."""
    try:
        return (yield)
    finally:
        if standing.atomic is not None and (nextitem is None or nextitem.path != item.path):
            from pytest_django.plugin import blocking_manager_key

            with item.config.stash[blocking_manager_key].unblock():
                standing.drop()
