"""Statements do not grow with the number of rows."""

import os

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from awards import selectors
from awards.actions.recall import ask_recall, confirm_recall
from awards.actions.release import release_now
from catalogue.models import Enrolment
from portfolios.models import Portfolio
from tests.awards.test_views import as_
from tests.factories.awards import batch, moderate, relay_all, sign
from tests.factories.moderation import assessed_set
from tests.personas import Cast, make_cast

pytestmark = pytest.mark.django_db

LARGE = 200 if os.environ.get("PROOF") == "full" else 8


def statements(act) -> int:
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def through_everything(size: int) -> dict[str, int]:
    """Statements of each batch step and page over a set of that size."""
    cast = make_cast(learners=size)
    moderate(cast, assessed_set(cast))
    place = [cast.delivery.pk, cast.task.pk]
    rita, pam = as_(cast.rita), as_(cast.pam)
    found: dict[str, int] = {}

    def count(name: str, act) -> None:
        found[name] = statements(act)

    count("set page", lambda: rita.get(reverse("awards:set", args=place)))
    count("open", lambda: batch(cast))
    made = cast.delivery.ratifications.get()
    count("batch page", lambda: rita.get(reverse("awards:batch", args=[made.pk])))
    count("sign", lambda: sign(made, cast.rita))
    assert made.lines.filter(ratified_at__isnull=False).count() == size
    count("result page", lambda: rita.get(reverse("awards:batch_result", args=[made.pk])))
    count("release page", lambda: pam.get(reverse("awards:release_set", args=place)))
    count("release", lambda: release_now(cast.delivery, cast.task, actor=cast.pam))
    done = cast.delivery.releases.get()
    assert len(done.report["released"]) == size
    count("report page", lambda: pam.get(reverse("awards:release_report", args=[done.pk])))
    relay_all()
    recall = ask_recall(cast.delivery, cast.task, actor=cast.lea, reason="x")
    count("recall", lambda: confirm_recall(recall, actor=cast.rita))
    recall.refresh_from_db()
    assert recall.report["credentials_suspended"] == size
    count("board", lambda: pam.get(reverse("awards:board", args=[cast.delivery.pk])))
    for name in ("sign", "release"):
        # The door's own are at most twelve; the rest is the batch, its lines and its report.
        assert found[name] <= 40, (name, found[name])
    return found


@pytest.mark.proof
def test_batches_and_pages_take_the_same_statements_for_three_and_for_many():
    point = transaction.savepoint()
    small = through_everything(3)
    transaction.savepoint_rollback(point)
    ContentType.objects.clear_cache()
    large = through_everything(LARGE)
    # A large set may take fewer: the door inserts its records by COPY then.
    assert {name: count for name, count in large.items() if count > small[name]} == {}


def enrol_more(cast: Cast, number: int, round_: int) -> None:
    """Learners who have opened their portfolio and not begun."""
    people = User.objects.bulk_create(
        User(
            email=f"many{round_}-{n}@example.org",
            name=f"Learner {round_} {n:04}",
            search_key=f"learner {round_} {n:04}",
        )
        for n in range(number)
    )
    enrolments = Enrolment.objects.bulk_create(
        Enrolment(delivery=cast.delivery, learner=person) for person in people
    )
    schedule = cast.delivery.schedules.get()
    Portfolio.objects.bulk_create(
        Portfolio(
            enrolment=enrolment,
            task=cast.task,
            opens_at=schedule.opens_at,
            due_at=schedule.due_at,
            cut_off_at=schedule.cut_off_at,
        )
        for enrolment in enrolments
    )


def test_the_board_takes_the_same_statements_for_one_three_and_a_thousand():
    cast = make_cast(learners=0)
    client = as_(cast.pam)
    url = reverse("awards:board", args=[cast.delivery.pk])
    counted = []
    for more in (1, 2, 997):
        enrol_more(cast, more, len(counted))
        counted.append(statements(lambda: client.get(url)))
    assert counted[0] == counted[1] == counted[2] <= 25
    board = selectors.board(cast.delivery)
    assert len(board.rows) == 1000
    assert {code: count for code, _label, count in board.columns}["not_started"] == 1000
    assert "Learner 2 0500" in str(client.get(url, {"q": "learner 2 0500"}).content)
