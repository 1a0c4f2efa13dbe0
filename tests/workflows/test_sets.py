"""The set form of the door: same answers, and a cost that does not grow with the set."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.testapp.models import Docket, DocketState, Note
from tests.workflows.conftest import file_docket, person
from workflows.exceptions import GuardsNotMet, NotPermitted, SetRefused, StaleState
from workflows.models import ChainHead, OutboxMessage, TransitionLabel, TransitionRecord
from workflows.selectors import verify
from workflows.transitions import perform, perform_set

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def checked(make_docket, ada, count):
    made = [make_docket(title=f"Number {n}") for n in range(count)]
    perform_set(Docket.objects.filter(pk__in=[one.pk for one in made]), "check_it", actor=ada)
    return made


def test_the_number_of_statements_does_not_grow(make_docket, ada):
    seen: list[int] = []
    for count in (1, 3, 200):
        keys = [one.pk for one in checked(make_docket, ada, count)]
        with CaptureQueriesContext(connection) as queries:
            outcome = perform_set(Docket.objects.filter(pk__in=keys), "close", actor=ada)
        assert len(outcome.moved) == count
        seen.append(len(queries))
    assert seen[0] == seen[1] <= 12
    # Large sets go in by COPY, which is not counted; SQLite takes 999 values in a statement.
    assert seen[2] <= (20 if connection.vendor == "sqlite" else seen[1])


def test_each_item_gets_its_record_label_head_and_message(make_docket, ada):
    made = checked(make_docket, ada, 5)
    outcome = perform_set(
        Docket.objects.all(),
        "close",
        actor=ada,
        reason="All done",
        facts=lambda one: {"title": one.title},
    )
    assert set(outcome.moved) == {one.pk for one in made}
    assert set(Docket.objects.values_list("state", "seq")) == {(DocketState.CLOSED, 3)}
    assert TransitionRecord.objects.filter(name="close").count() == 5
    assert {one.facts["title"] for one in TransitionRecord.objects.filter(name="close")} == {
        one.title for one in made
    }
    assert TransitionLabel.objects.filter(reason="All done").count() == 5
    assert OutboxMessage.objects.filter(topic="testapp.docket.closed").count() == 5
    assert set(ChainHead.objects.values_list("seq", flat=True)) == {3}
    assert verify()[0] == []


def test_what_cannot_move_is_reported_with_every_reason(make_docket, ada, abe):
    fine, other, noted, open_ = (
        make_docket(keeper_id=keeper) for keeper in (None, abe.pk, None, None)
    )
    perform_set(Docket.objects.exclude(pk=open_.pk), "check_it", actor=ada)
    Note.objects.create(docket=noted)
    outcome = perform_set(Docket.objects.all(), "close", actor=ada)
    assert outcome.moved == [fine.pk]
    assert {key: [one.code for one in found] for key, found in outcome.refused.items()} == {
        other.pk: ["not_permitted"],
        noted.pk: ["has_notes"],
        open_.pk: ["stale_state"],
    }


def test_a_whole_set_moves_whole_or_not_at_all(make_docket, ada):
    made = checked(make_docket, ada, 3)
    Note.objects.create(docket=made[0])
    with pytest.raises(SetRefused) as refused:
        perform_set(Docket.objects.all(), "close", actor=ada, whole=True)
    assert list(refused.value.refused) == [made[0].pk]
    assert refused.value.reasons == ["Open notes are in the way."]
    assert set(Docket.objects.values_list("state", flat=True)) == {DocketState.CHECKED}
    assert not TransitionRecord.objects.filter(name="close").exists()


@pytest.mark.parametrize("title", ["", "Tā moko"])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("name", ["Ada", "Banned"])
def test_both_forms_of_the_door_agree(box, name, own, title):
    who = person(name)
    filer = person("Filer")
    one, two = (
        file_docket(box, filer, title=title, owner_id=who.pk if own else None) for _ in range(2)
    )
    outcome = perform_set(Docket.objects.filter(pk=one.pk), "check_it", actor=who)
    in_set = [reason.code for reason in outcome.refused.get(one.pk, [])]
    try:
        perform(two, "check_it", actor=who)
        alone = []
    except NotPermitted:
        alone = ["not_permitted"]
    except GuardsNotMet as error:
        alone = error.codes
    assert in_set == alone


def test_differing_values_are_saved_for_each_row(make_docket, ada):
    made = checked(make_docket, ada, 3)
    moments = {one.checked_at for one in Docket.objects.all()}
    assert None not in moments
    assert len(moments) == len(made)


def test_an_empty_set_is_no_error(ada):
    assert perform_set(Docket.objects.none(), "close", actor=ada).moved == []


def test_repeating_a_set_moves_nothing(make_docket, ada):
    checked(make_docket, ada, 2)
    perform_set(Docket.objects.all(), "close", actor=ada)
    again = perform_set(Docket.objects.all(), "close", actor=ada)
    assert again.moved == []
    assert {found[0].message for found in again.refused.values()} == {StaleState.headline}
