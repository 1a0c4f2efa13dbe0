"""One house for all questions of the package; each question is undone after it was asked."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import override_settings

from tests.proofs.world import build_world
from tests.routes.house import build_house
from tests.routes.places import House


@pytest.fixture(scope="package")
def house(migrated_db: None, django_db_blocker: Any) -> Iterator[House]:
    """Built once for the package, in a transaction that never commits. No test here may ask for `db`."""
    with django_db_blocker.unblock():
        try:
            # The clock stands, so that a confirmation stays as fresh as it was, however slow the machine is.
            still = time_machine.travel(dt.datetime.now(dt.UTC), tick=False)
            # With a secret the address of the mail provider's reports is there.
            hooks = override_settings(MAIL_FEEDBACK_SECRET="of the house")
            with still, hooks, transaction.atomic():
                yield build_house(build_world())
                transaction.set_rollback(True)
        finally:
            transaction.get_connection().close()
