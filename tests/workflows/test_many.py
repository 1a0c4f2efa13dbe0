"""Many rows in few statements: the same rows as one by one."""

import uuid

import pytest
import rfc8785
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Organisation, User
from tests.testapp.models import Box, Docket, Note
from tests.workflows.conftest import person
from workflows.hashing import canonical, plain
from workflows.models import Notification, OutboxMessage
from workflows.notifications import notify
from workflows.querysets import FEW, insert_many, insert_together, update_each

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

keys = st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, max_size=6))
def test_the_fast_way_writes_the_canonical_bytes(payload):
    assert canonical(payload) == rfc8785.dumps(plain(payload))


def test_keys_beyond_the_basic_plane_are_sorted_by_their_units():
    payload = {"\U0001f600": 1, "\ue000": 2, "a": '\x7f\x1f\n"\\'}
    assert canonical(payload) == rfc8785.dumps(payload)


def organisations(number):
    return [
        Organisation(code=f"o-{at}", name=f"Ō “{at}”\t\\N", kind="client") for at in range(number)
    ]


@pytest.mark.parametrize("number", [1, 3, FEW, FEW + 5])
def test_rows_of_several_models_arrive_whole(number):
    made = organisations(number)
    people = [User(email=f"p{at}@example.org", name=f"P {at}") for at in range(number)]
    for one in people:
        one.set_unusable_password()
    insert_together(made, people, [])
    for model, rows in ((Organisation, made), (User, people)):
        stored = model.objects.in_bulk([one.pk for one in rows])
        for one in rows:
            for field in model._meta.concrete_fields:
                assert getattr(stored[one.pk], field.attname) == getattr(one, field.attname)


def test_nothing_to_insert_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        insert_together([], [])
        insert_many([])


@pytest.mark.only_postgresql
def test_few_rows_of_three_models_are_one_statement():
    box = Box(room=1)
    with CaptureQueriesContext(connection) as caught:
        insert_together([box], organisations(2))
    assert len(caught) == 1


def test_a_refused_row_takes_the_others_with_it():
    Organisation.objects.create(code="o-0", name="There", kind="client")
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_together([Box(room=1)], organisations(1))
    assert not Box.objects.exists()


def test_each_row_gets_its_own_values():
    from accounts.models import SYSTEM
    from tests.testapp.models import FILE
    from workflows.transitions import begin

    box = Box.objects.create(room=9)
    made = [
        begin(FILE, parent=box, actor=SYSTEM, build=lambda: Docket(box=box, title="T"))
        for _each in range(4)
    ]
    others = [Box.objects.create(room=number) for number in range(4)]
    moments = [timezone.now(), None, timezone.now(), timezone.now()]
    titles = ["a", "ā", "'; --", "{1,2}"]
    with transaction.atomic():
        update_each(
            Docket,
            [one.pk for one in made],
            {"state": "checked", "keeper_id": made[0].pk},
            {"checked_at": moments, "title": titles, "box_id": [one.pk for one in others]},
        )
        rows = Docket.objects.in_bulk([one.pk for one in made])
        for number, one in enumerate(made):
            row = rows[one.pk]
            assert (row.checked_at, row.title) == (moments[number], titles[number])
            assert (row.box_id, row.keeper_id) == (others[number].pk, made[0].pk)
            assert row.seq == 2
        # Without records the database would refuse all this at the end of the transaction.
        transaction.set_rollback(True)
    assert {one.seq for one in Docket.objects.all()} == {1}


def test_keys_are_found_among_many():
    boxes = [Box.objects.create(room=number) for number in range(3)]
    keys_ = [boxes[0].pk, boxes[2].pk, uuid.uuid4()]
    found = Box.objects.filter(pk__among=keys_)
    assert {one.room for one in found} == {0, 2}
    assert not Box.objects.filter(pk__among=[]).exists()
    assert Box.objects.exclude(pk__among=keys_).get().room == 1
    assert not Note.objects.filter(docket__in=Docket.objects.filter(pk__among=keys_)).exists()


@pytest.mark.parametrize("number", [1, 25])
def test_a_repeat_gives_the_rows_that_were_there_and_writes_no_second_mail(docket, number):
    people = [person(f"P{one}") for one in range(number)]

    def tell(*some):
        return notify(topic="testapp.docket.soon", recipients=some, subject=docket,
                      context={"title": "x"}, dedupe="once")  # fmt: skip

    first = tell(*people)
    assert [one.pk for one in first] == sorted(one.pk for one in first)
    assert {one.recipient for one in first} == set(people)
    Notification.objects.update(read_at=timezone.now())
    late = person("Late")
    again = tell(*people, late)
    assert [one.pk for one in again[:-1]] == [one.pk for one in first]
    assert again[-1].recipient == late
    assert [one.read_at is None for one in again] == [False] * number + [True]
    rows = OutboxMessage.objects.filter(kind="delivery")
    assert rows.count() == Notification.objects.count() == number + 1
    assert set(rows.values_list("notification", flat=True)) == {one.pk for one in again}
    again[-1].context = {"title": "y"}
    again[-1].save()
    assert Notification.objects.count() == number + 1
