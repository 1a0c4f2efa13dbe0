"""Reads that are composed once give everybody their own rows."""

import datetime as dt
import uuid

import pytest
from django.db.models import BooleanField, ExpressionWrapper, Q, Value
from django.db.models.functions import Upper
from django.utils import timezone

from accounts.models import User
from tests.personas import make_user
from workflows.models import Notification
from workflows.querysets import Composed

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def people(db):
    return [make_user(name) for name in ("first", "second", "third")]


def test_the_second_caller_gets_the_second_callers_rows(people):
    reads, calls = Composed(), []

    def build(values):
        calls.append(values)
        return User.objects.filter(pk__in=values).order_by("email").values_list("email")

    for one in people:
        assert reads.rows("one", build, [one.pk], limit=5) == [(one.email,)]
    pair = [people[2].pk, people[0].pk]
    assert reads.rows("two", build, pair, limit=5) == [(people[0].email,), (people[2].email,)]
    assert reads.rows("two", build, pair, limit=1, start=1) == [(people[2].email,)]


@pytest.mark.only_postgresql
def test_it_is_composed_once_with_stand_ins(people):
    reads, calls = Composed(), []

    def build(values):
        calls.append(list(values))
        return User.objects.filter(pk=values[0]).values_list("email")

    for one in people:
        reads.rows("one", build, [one.pk], limit=1)
    assert len(calls) == 1
    assert calls[0][0] not in {one.pk for one in people}


def test_moments_keep_their_distance(people):
    now = timezone.now()
    User.objects.filter(pk=people[0].pk).update(joined_at=now - dt.timedelta(days=2, seconds=1))
    User.objects.filter(pk=people[1].pk).update(joined_at=now - dt.timedelta(days=2, seconds=-1))

    def build(values):
        key, moment = values
        old = User.objects.filter(joined_at__lt=moment - dt.timedelta(days=2))
        return old.exclude(pk=key).values_list("pk")

    reads, nobody = Composed(), uuid.uuid4()
    assert reads.rows("old", build, [nobody, now], limit=9) == [(people[0].pk,)]
    assert reads.rows("old", build, [people[0].pk, now], limit=9) == []
    later = now + dt.timedelta(seconds=2)
    assert len(reads.rows("old", build, [nobody, later], limit=9)) == 2


def test_what_cannot_match_asks_nothing(people):
    reads = Composed()
    assert (
        reads.rows("none", lambda values: User.objects.none().values_list("pk"), [], limit=1) == []
    )


@pytest.mark.only_postgresql
def test_it_does_not_grow_without_end(people):
    reads = Composed()
    reads.most = 3
    for number in range(10):
        reads.rows(number, lambda values: User.objects.values_list("pk"), [], limit=1)
    assert len(reads.known) <= 3


@pytest.mark.only_postgresql
@pytest.mark.parametrize("what", ["key", "moment"])
def test_a_value_that_would_stay_for_everybody_is_refused(people, what):
    taken = {"key": {"pk": people[0].pk}, "moment": {"joined_at__lt": timezone.now()}}[what]
    with pytest.raises(ValueError, match="stand-in"):
        Composed().rows(
            "leak", lambda values: User.objects.filter(**taken).values_list("pk"), [], limit=1
        )


def test_instances_come_with_what_belongs_to_them(people, django_assert_num_queries):
    reads = Composed()
    for one in people:
        Notification.objects.create(
            recipient=one, topic="test.news", context={"of": one.name}, dedupe_key=one.email
        )

    def build(values):
        mine = Notification.objects.filter(recipient=values[0])
        named = mine.annotate(folded=Upper("topic"))
        return named.select_related("recipient").defer("context").order_by("pk")

    for one in people:
        with django_assert_num_queries(1):
            (found,) = reads.instances("inbox", build, [one.pk])
            assert found.recipient == one
            assert found.recipient.joined_at == one.joined_at
            assert found.folded == "TEST.NEWS"
        assert found.context == {"of": one.name}
    assert reads.instances("inbox", build, [uuid.uuid4()]) == []
    assert reads.instances("none", lambda values: User.objects.none(), []) == []


@pytest.mark.only_postgresql
def test_instances_are_composed_once_and_refuse_what_would_stay(people):
    reads, calls = Composed(), []

    def build(values):
        calls.append(list(values))
        return User.objects.filter(pk=values[0])

    for one in [*people, *people]:
        found = reads.instances("one", build, [one.pk])
        assert found == [one]
        found[0].name = "Changed by whoever has it"
    assert len(calls) == 1
    assert [one.name for one in reads.instances("one", build, [people[0].pk])] == [people[0].name]
    with pytest.raises(ValueError, match="stand-in"):
        reads.instances("leak", lambda values: User.objects.filter(pk=people[0].pk), [])


def test_keys_go_as_one_list_of_any_length(people):
    reads, calls = Composed(), []

    def build(values):
        calls.append(values)
        found = User.objects.filter(pk__among=values[1]).exclude(pk=values[0])
        return found.order_by("email").values_list("email")

    keys = [one.pk for one in people]
    emails = sorted(one.email for one in people)
    nobody = uuid.uuid4()
    assert reads.rows("many", build, [nobody, keys], limit=5) == [(one,) for one in emails]
    assert reads.rows("many", build, [nobody, keys[:1]], limit=5) == [(people[0].email,)]
    assert reads.rows("many", build, [keys[0], keys[:1]], limit=5) == []


@pytest.mark.only_postgresql
def test_a_list_of_keys_that_would_stay_for_everybody_is_refused(people):
    keys = [one.pk for one in people]
    with pytest.raises(ValueError, match="stand-in"):
        Composed().rows(
            "leak",
            lambda values: User.objects.filter(pk__among=keys).values_list("pk"),
            [],
            limit=1,
        )


def test_a_page_says_how_many_there_are_of_each_word(people):
    reads = Composed()
    for one in people[1:]:
        one.name = "Same"
        one.save(update_fields=["name"])

    def build(values):
        some = User.objects.filter(pk__among=values[0])
        first = some.filter(name="Same").annotate(part=Value("same")).order_by()
        rest = some.exclude(name="Same").annotate(part=Value("other")).order_by()
        both = first.values_list("email", "part").union(rest.values_list("email", "part"), all=True)
        return both.order_by("email")

    def page(keys, **where):
        return reads.page("page", build, [keys], words=["other", "same"], order="email", **where)

    keys = [one.pk for one in people]
    counts = {"other": 1, "same": 2}
    every = sorted((one.email, "same" if one in people[1:] else "other") for one in people)
    assert page(keys, limit=9) == (every, counts)
    assert page(keys, limit=1, start=1) == (every[1:2], counts)
    assert page(keys[1:], limit=1)[1] == {"other": 0, "same": 2}
    assert page(keys, limit=1, start=5)[0] == []
    assert page([uuid.uuid4()], limit=1) == ([], {})


def test_a_place_says_its_number_and_what_follows_it(people):
    reads, order = Composed(), sorted(people, key=lambda one: one.email)

    def place(among, here):
        def build(values):
            keys, own = values
            found = User.objects.filter(pk__among=keys).order_by("email")
            found = found.annotate(here=ExpressionWrapper(Q(pk=own), BooleanField()))
            return found.values_list("pk", "here", "email")

        keys = [one.pk for one in among]
        return reads.place("place", build, [keys, here.pk], order="email")

    first, second, third = order
    assert place(people, first) == (1, 3, second.pk)
    assert place(people, second) == (2, 3, third.pk)
    assert place(people, third) == (3, 3, first.pk)
    assert place([second], second) == (1, 1, None)
    assert place([second, third], first) == (0, 2, second.pk)
    assert place([second], first) == (0, 1, second.pk)
