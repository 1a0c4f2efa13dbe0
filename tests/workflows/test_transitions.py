"""The door: who passes, who does not, and what it leaves behind."""

import pytest

from tests.testapp.models import Box, Docket, DocketState, Note
from tests.workflows.conftest import file_docket, person
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.hashing import START, record_hash
from workflows.models import ChainHead, OutboxMessage, TransitionRecord
from workflows.transitions import perform

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_a_birth_writes_record_head_and_message(docket, ada):
    record = TransitionRecord.objects.of(docket).get()
    assert (docket.state, docket.seq) == ("open", 1)
    assert (record.name, record.source, record.target, record.seq) == ("file", "", "open", 1)
    assert record.actor == ada
    assert bytes(record.hash) == record_hash(START, record.payload.encode())
    assert record.label.actor_label == "Ada"
    assert "Ada" not in record.payload
    head = ChainHead.objects.of(docket).get()
    assert (head.seq, bytes(head.hash)) == (1, bytes(record.hash))
    message = OutboxMessage.objects.get(record=record)
    assert (message.kind, message.topic) == ("event", "testapp.docket.filed")


def test_a_step_continues_the_chain(docket, ada):
    moved = perform(docket, "check_it", actor=ada, reason="Looks right", facts={"pages": 3})
    first, second = TransitionRecord.objects.of(docket).order_by("seq")
    assert (moved.state, moved.seq) == ("checked", 2)
    assert moved.checked_at is not None
    assert bytes(second.prev_hash) == bytes(first.hash)
    assert second.facts == {"pages": 3}
    assert second.label.reason == "Looks right"
    assert ChainHead.objects.of(docket).get().seq == 2


def test_the_rule_refuses_a_person(docket):
    banned = person("Banned")
    with pytest.raises(NotPermitted):
        perform(docket, "check_it", actor=banned)
    assert TransitionRecord.objects.of(docket).count() == 1


def test_every_unmet_guard_is_named(box, ada):
    docket = file_docket(box, ada, title="", owner_id=ada.pk)
    with pytest.raises(GuardsNotMet) as refused:
        perform(docket, "check_it", actor=ada)
    assert refused.value.codes == ["no_title", "own_work"]
    assert refused.value.reasons == [
        "A docket needs a title.",
        "You cannot check your own docket.",
    ]
    docket.refresh_from_db()
    assert docket.state == DocketState.OPEN


def test_an_overridden_guard_is_recorded(box, ada):
    docket = file_docket(box, ada, title="")
    perform(docket, "check_it", actor=ada, overridden=["no_title", "own_work"])
    assert TransitionRecord.objects.of(docket).get(seq=2).overridden == ["no_title"]


def test_a_guard_registered_from_above_counts(docket, ada):
    checked = perform(docket, "check_it", actor=ada)
    Note.objects.create(docket=docket)
    with pytest.raises(GuardsNotMet) as refused:
        perform(checked, "close", actor=ada)
    assert refused.value.codes == ["has_notes"]


def test_a_rule_registered_from_above_decides(box, ada, abe):
    docket = perform(file_docket(box, ada, keeper_id=abe.pk), "check_it", actor=ada)
    with pytest.raises(NotPermitted):
        perform(docket, "close", actor=ada)
    assert perform(docket, "close", actor=abe).state == DocketState.CLOSED


def test_a_step_that_the_state_does_not_offer_is_stale(docket, ada):
    with pytest.raises(StaleState) as refused:
        perform(docket, "close", actor=ada)
    assert refused.value.instance.state == DocketState.OPEN


def test_a_page_that_is_too_old_is_stale(docket, ada):
    perform(docket, "check_it", actor=ada)
    with pytest.raises(StaleState):
        perform(docket, "make_void", actor=ada, seen_seq=1)


def test_guards_of_a_birth_ask_the_parent(ada):
    box = Box.objects.create(room=1)
    file_docket(box, ada)
    with pytest.raises(GuardsNotMet) as refused:
        file_docket(box, ada)
    assert refused.value.codes == ["box_full"]
    with pytest.raises(NotPermitted):
        file_docket(box, person("Banned"))
    assert Docket.objects.count() == 1


def test_calling_the_method_is_refused(docket, ada):
    with pytest.raises(RuntimeError, match="must go through"):
        docket.make_void(actor=ada)


def test_assigning_the_state_is_refused(docket):
    with pytest.raises(AttributeError):
        docket.state = DocketState.CLOSED


def test_a_refresh_leaves_the_state_protected(docket):
    gone = Docket(title="never saved")
    with pytest.raises(Docket.DoesNotExist):
        gone.refresh_from_db()
    docket.refresh_from_db()
    with pytest.raises(AttributeError):
        docket.state = DocketState.CLOSED
