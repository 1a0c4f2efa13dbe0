"""The pages that list work ask as many questions for three rows as for one (for thirty with PROOF=full)."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assessment.actions.allocation import allocate
from benchmarks.support.world import copy_submission
from catalogue.enums import DeliveryRoleKind as Role
from catalogue.models import DeliveryRole
from portfolios.models import Submission
from tests.factories.assessment import allocated, assessed, opened
from tests.factories.portfolios import ready, submitted
from tests.personas import Cast, make_cast
from tests.proofs.world import close_all
from tests.worlds import kept

pytestmark = [pytest.mark.django_db, pytest.mark.proof]
ROWS = 30 if os.environ.get("PROOF") == "full" else 3


@kept
def cast() -> Cast:
    """Everybody else's part ends, so that all work goes through the same hands."""
    made = make_cast(learners=ROWS)
    DeliveryRole.objects.filter(
        delivery=made.delivery, user__in=[made.abe, made.ana], role=Role.ASSESSOR
    ).delete()
    return made


def questions(person: Any, address: str) -> int:
    """Queries of one page, asked for the second time, so that what is cached for all is cached."""
    client = Client()
    client.force_login(person)
    assert client.get(address).status_code == 200, address
    with CaptureQueriesContext(connection) as caught:
        client.get(address)
    return len(caught)


def constant(cast: Cast, person: str, address: str, one: Callable[[str], Any]) -> None:
    """Equal counts with one row and with all of them."""
    names = list(cast.enrolments)
    one(names[0])
    first = questions(cast.people[person], address)
    for name in names[1:]:
        one(name)
    assert questions(cast.people[person], address) == first


@pytest.mark.parametrize("view", ["assessment:home", "assessment:queue"])
def test_the_assessors_lists(cast: Cast, view: str) -> None:
    constant(cast, "ada", reverse(view), lambda name: allocated(cast, name))


def test_the_allocation_board(cast: Cast) -> None:
    address = reverse("assessment:allocate", args=[cast.delivery.pk])
    constant(cast, "pam", address, lambda name: allocated(cast, name))


def test_the_delivery_board(cast: Cast) -> None:
    address = reverse("awards:board", args=[cast.delivery.pk])
    constant(cast, "pam", address, lambda name: allocated(cast, name))


def test_queues_and_boards_of_a_thousand(cast: Cast) -> None:
    """One row against a thousand: 999 copies of its rows by SQL."""
    source = allocated(cast, "lena")
    pages = [
        (cast.ada, reverse("assessment:home")),
        (cast.ada, reverse("assessment:queue")),
        (cast.pam, reverse("assessment:allocate", args=[cast.delivery.pk])),
        (cast.pam, reverse("awards:board", args=[cast.delivery.pk])),
    ]
    first = [questions(*page) for page in pages]
    copy_submission(source, 999)
    assert Submission.objects.filter(delivery=cast.delivery).count() == 1000
    assert [questions(*page) for page in pages] == first


def test_the_workspace_with_more_evidence(cast: Cast) -> None:
    """Rows here are the pieces of evidence of one submission."""
    found = []
    for name, files in zip(list(cast.enrolments)[:2], (1, ROWS), strict=True):
        submission = submitted(cast, name, files=files)
        allocate(submission, cast.ada, actor=cast.pam)
        opened(submission, cast.ada)
        address = reverse("assessment:workspace", args=[submission.pk])
        found.append(questions(cast.ada, address))
    assert found[0] == found[1]


def test_the_learners_home_with_more_evidence(cast: Cast) -> None:
    found = []
    for name, files in zip(list(cast.enrolments)[:2], (1, ROWS), strict=True):
        ready(cast, name, files=files)
        found.append(questions(cast.people[name], reverse("portfolios:home")))
    assert found[0] == found[1]


def test_the_sets_to_ratify(cast: Cast) -> None:
    """Home and set page, with one moderated submission and with all."""
    names = list(cast.enrolments)
    pages = [
        reverse("awards:home"),
        reverse("awards:set", args=[cast.delivery.pk, cast.task.pk]),
    ]
    assessed(cast, names[0])
    close_all(cast)
    first = [questions(cast.rita, page) for page in pages]
    for name in names[1:]:
        assessed(cast, name)
    close_all(cast)
    assert [questions(cast.rita, page) for page in pages] == first
