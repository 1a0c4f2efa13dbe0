"""The queue: order, reasons, and the same few statements for one row and for a thousand."""

import copy
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import Membership, User
from assessment.actions.marking import take_over
from assessment.enums import AllocationRole, Why
from assessment.models import Allocation, Lease
from assessment.querysets import claimable, in_order, unallocated, waiting_for
from assessment.rules import may_allocate
from assessment.selectors.filters import QUEUED, Filters
from assessment.selectors.queue import place_of, queue_for
from catalogue.enums import DeliveryRoleKind as Role
from catalogue.models import DeliveryRole, Enrolment
from portfolios.enums import PartKind
from portfolios.models import Part, Portfolio, Submission
from portfolios.transitions import SUBMIT
from tests.factories.assessment import allocated, opened
from tests.factories.portfolios import submitted
from workflows.transitions import write


def fill(cast, number):
    """So many more submissions like Lena's, allocated to Ada, with their first records."""
    first = Submission.objects.get(learner=cast.lena)
    portfolio = first.portfolio
    people = [
        User(email=f"many{at}@example.org", name=f"Many {at}", search_key=f"many {at}")
        for at in range(number)
    ]
    User.objects.bulk_create(people)
    enrolments = [Enrolment(delivery=cast.delivery, learner=person) for person in people]
    Enrolment.objects.bulk_create(enrolments)
    portfolios = [
        Portfolio(
            enrolment=one, task=cast.task, opens_at=portfolio.opens_at, due_at=portfolio.due_at,
            cut_off_at=portfolio.cut_off_at,
        )
        for one in enrolments
    ]  # fmt: skip
    Portfolio.objects.bulk_create(portfolios)
    made = []
    for at, one in enumerate(portfolios):
        row = copy.copy(first)
        row._state = copy.copy(first._state)
        row._state.adding, row._state.fields_cache = True, {}
        row.pk, row.reference, row.portfolio = uuid.uuid4(), f"PF-MANY-{at}", one
        row.enrolment, row.learner, row.seq = one.enrolment, one.enrolment.learner, 1
        made.append(row)
    Submission.objects.bulk_create(made)
    write([(row, SUBMIT.arrow, None) for row in made], actor=cast.lena)
    Part.objects.bulk_create(
        Part(submission=row, person=cast.ada, kind=PartKind.ASSESSOR) for row in made
    )
    Allocation.objects.bulk_create(
        Allocation(submission=row, assessor=cast.ada, role=AllocationRole.ASSESSOR) for row in made
    )


def statements(client, address):
    with CaptureQueriesContext(connection) as caught:
        answer = client.get(address)
    assert answer.status_code == 200
    return len(caught.captured_queries), answer.content


def test_a_thousand_rows_take_the_statements_of_one(client, cast):
    allocated(cast)
    counted = {}
    for name in ("ada", "pam"):
        client.force_login(cast.people[name])
        counted[name], _page = statements(client, reverse("assessment:queue"))
    fill(cast, 1000)
    for name in ("ada", "pam"):
        client.force_login(cast.people[name])
        count, page = statements(client, reverse("assessment:queue"))
        assert count == counted[name] <= 12
        assert len(page) <= 60_000
        assert b"1001 submissions in this view" in page
        last, _page = statements(client, reverse("assessment:queue") + "?page=41&whose=mine")
        assert last <= 12
    place = place_of(Submission.objects.get(learner=cast.lena), cast.ada, Filters())
    assert place.total == 1001
    assert place.following is not None


def test_the_queue_is_for_those_who_mark_or_allocate_and_a_part_is_enough(client, cast):
    submission = allocated(cast)
    queue = reverse("assessment:queue")

    def status(person):
        client.force_login(person)
        return client.get(queue).status_code

    assert [status(one) for one in (cast.ada, cast.lea, cast.pam)] == [200, 200, 200]
    assert [status(one) for one in (cast.moses, cast.lena)] == [403, 403]
    # A delivery that somebody knows from moderating gives them no queue.
    Part.objects.create(submission=submission, person=cast.moses, kind=PartKind.MODERATOR)
    assert status(cast.moses) == 403
    DeliveryRole.objects.filter(user=cast.ada).update(ended_at=timezone.now())
    assert status(cast.ada) == 200


def test_the_order_and_its_reason(cast):
    now = timezone.now()
    submission = allocated(cast)
    for values, why in (
        ({"marking_due_at": None}, Why.OLDEST),
        ({"attempt": 2}, Why.RESUBMISSION),
        ({"marking_due_at": now + timedelta(days=2)}, Why.SOON),
        ({"marking_due_at": now - timedelta(minutes=1)}, Why.OVERDUE),
    ):
        Submission.objects.filter(pk=submission.pk).update(**values)
        assert in_order(Submission.objects.all()).get().why == why
    row = queue_for(cast.ada, Filters(), 1).rows[0]
    assert (row.why, row.is_overdue) == ("Overdue", True)


def test_a_row_says_who_has_it_open_and_for_how_long_that_counts(cast, client):
    submission = allocated(cast)
    opened(submission, cast.ada)

    def shown(person):
        (row,) = queue_for(person, Filters(), 1).rows
        return row.opened_by

    # Of two who mark the same work blind neither learns from the queue that the other is at it.
    assert (shown(cast.ada), shown(cast.pam)) == ("", "Ada Assessor")
    client.force_login(cast.pam)
    assert b"Ada Assessor" in client.get(reverse("assessment:queue")).content
    Lease.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert (shown(cast.ada), shown(cast.pam)) == ("", "")


@pytest.mark.parametrize(("hides", "words"), [(False, "Lea Lead"), (True, "Somebody else")])
def test_an_assessor_reads_that_somebody_else_has_it_open(cast, hides, words):
    submission = allocated(cast)
    opened(submission, cast.ada)
    Submission.objects.filter(pk=submission.pk).update(hides_between=hides)
    take_over(submission, actor=cast.lea)
    (row,) = queue_for(cast.ada, Filters(), 1).rows
    assert row.opened_by == words
    # Those who lead it read the name in any case.
    assert queue_for(cast.pam, Filters(), 1).rows[0].opened_by == "Lea Lead"


def test_overdue_comes_before_soon_and_soon_before_the_rest(cast):
    now = timezone.now()
    for name, days in (("lena", 9), ("hone", -1), ("mere", 2)):
        one = allocated(cast, name)
        Submission.objects.filter(pk=one.pk).update(marking_due_at=now + timedelta(days=days))
    rows = queue_for(cast.ada, Filters(), 1).rows
    assert [row.who for row in rows] == ["Hōne Parata", "Mere Ngata", "Lena Tūhoe"]


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ({"state": "submitted", "attempt": "1", "whose": "mine"},
         "state=submitted&attempt=1&whose=mine"),
        ({"delivery": "nonsense", "due": "never", "state": "released"}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_filters_are_read_and_written_as_an_address(query, kept):
    assert Filters.read(query).query == kept


def test_the_next_goes_round_in_the_view(cast):
    for name in ("lena", "hone", "mere"):
        allocated(cast, name)
    order = [row.pk for row in queue_for(cast.ada, Filters(), 1).rows]
    for at, key in enumerate(order):
        place = place_of(Submission.objects.get(pk=key), cast.ada, Filters())
        assert (place.number, place.total, place.following) == (at + 1, 3, order[(at + 1) % 3])
    other = Submission.objects.get(pk=order[0])
    elsewhere = Filters(delivery=str(uuid.uuid4()))
    place = place_of(other, cast.ada, elsewhere)
    assert (place.number, place.total, place.following) == (0, 0, None)


def plainly(person, filters):
    """Whose queue holds what, by the conditions themselves and nothing composed."""
    queued = Submission.objects.filter(state__in=QUEUED)
    mine = set(waiting_for(queued, person).values_list("pk", flat=True))
    pool = set(claimable(queued, person).values_list("pk", flat=True))
    led = {one.pk for one in queued if may_allocate(one.delivery, person)}
    if filters.whose == "mine":
        found = mine
    elif filters.whose == "unallocated":
        free = set(unallocated(queued).values_list("pk", flat=True))
        found = pool | (led & free)
    else:
        found = mine | pool | led
    return found & set(filters.apply(queued).values_list("pk", flat=True)), mine, pool


def test_everybodys_queue_holds_what_the_conditions_say(cast):
    now = timezone.now()
    submitted(cast, "lena")
    allocated(cast, "hone", "abe")
    other = allocated(cast, "mere", "ada")
    Submission.objects.filter(pk=other.pk).update(marking_due_at=now + timedelta(days=1))
    DeliveryRole.objects.create(delivery=cast.delivery, user=cast.lea, role=Role.ASSESSOR)
    Membership.objects.create(
        user=cast.ana, organisation=cast.client, role=OrganisationRole.EMPLOYEE
    )
    Membership.objects.create(
        user=cast.rob, organisation=cast.provider, role=OrganisationRole.ADMINISTRATOR
    )
    people = [cast.people[name] for name in ("ada", "abe", "ana", "lea", "pam", "rob", "moses")]
    wanted = [
        Filters(), Filters(whose="mine"), Filters(whose="unallocated"), Filters(due="soon"),
        Filters(task=str(cast.task.pk)), Filters(delivery=str(uuid.uuid4())),
        Filters(delivery=str(cast.delivery.pk), state="submitted", rows="50"),
    ]  # fmt: skip
    for filters in wanted:
        for person in people:
            queue = queue_for(person, filters, 1)
            found, mine, pool = plainly(person, filters)
            assert {row.pk for row in queue.rows} == found, (person, filters)
            assert len(queue.rows) == queue.page.paginator.count == len(found)
            assert {row.pk for row in queue.rows if row.is_mine} == mine & found
            assert {row.pk for row in queue.rows if row.is_claimable} == pool & found
            assert (queue.mine, queue.pool) == (len(mine), len(pool))


def test_an_account_that_was_closed_has_an_empty_queue(cast):
    allocated(cast)
    cast.ada.is_active = False
    cast.ada.save()
    assert not queue_for(cast.ada, Filters(), 1).rows


def test_more_rows_fit_on_a_page_when_asked(cast):
    allocated(cast)
    fill(cast, 60)
    for rows, shown in (("", 25), ("50", 50), ("100", 61), ("1000", 25)):
        filters = Filters.read({"rows": rows})
        assert len(queue_for(cast.ada, filters, 1).rows) == shown
    assert len(queue_for(cast.ada, Filters(rows="50"), 2).rows) == 11


def test_a_page_that_is_not_there_gives_the_nearest_that_is(cast):
    allocated(cast)
    fill(cast, 60)
    first, last = (queue_for(cast.ada, Filters(), number).rows for number in (1, 3))
    assert len({row.pk for row in first + last}) == 36
    for asked, number, rows in (
        (None, 1, first), ("", 1, first), ("x", 1, first), ("1.0", 1, first),
        ("0", 3, last), ("-7", 3, last), ("4", 3, last), (str(10**30), 3, last),
    ):  # fmt: skip
        queue = queue_for(cast.ada, Filters(), asked)
        assert (queue.page.number, queue.page.paginator.count, queue.mine) == (number, 61, 61)
        assert [row.pk for row in queue.rows] == [row.pk for row in rows]
    assert queue_for(cast.ana, Filters(), 5).page.number == 1
