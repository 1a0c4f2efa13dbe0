"""One world for all questions of a module; each question is undone after it was asked."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from tests.proofs.world import World, build_world


@pytest.fixture(scope="module")
def world(migrated_db: None, django_db_blocker: Any) -> Iterator[World]:
    """Built once for each module, in a transaction that never commits."""
    with django_db_blocker.unblock():
        try:
            with transaction.atomic():
                yield build_world()
                transaction.set_rollback(True)
        finally:
            transaction.get_connection().close()
