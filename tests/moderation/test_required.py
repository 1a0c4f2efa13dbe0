"""Actions that a round asks for: made by its closing, answered, closed, and in the way of the next delivery."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalogue.actions.deliveries import missing_to_open
from catalogue.models import Delivery
from moderation import guards, rules
from moderation.actions import close_action, close_round, decide_round, respond_to_action
from moderation.exceptions import ReasonNeeded
from moderation.models import ModerationRound, RequiredAction
from tests.factories.moderation import read_round
from tests.moderation.test_views import at, signed_in
from tests.personas import Cast, make_cast
from workflows.actions import sweep_due
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import Deadline, Notification, Reminder
from workflows.outbox import relay

pytestmark = pytest.mark.django_db
DUE = date.today() + timedelta(days=16)


def with_actions(cast: Cast) -> ModerationRound:
    """A round that was accepted with two actions of Ada's, and closed."""
    decided = decide_round(
        read_round(cast), actor=cast.lea, decision="accept_with_actions", reason="Sound.",
        required_actions="Reword criterion 2.\n\n Add an example. ", owner=cast.ada,
        due_on=DUE,
    )  # fmt: skip
    return close_round(decided, actor=cast.lea)


def next_delivery(cast: Cast) -> Delivery:
    made: Delivery = Delivery.objects.create(
        version=cast.delivery.version, code="next", title="Next", mode="online_live",
        starts_on=cast.delivery.starts_on, ends_on=cast.delivery.ends_on,
    )  # fmt: skip
    return made


def test_closing_makes_one_action_for_each_line_and_tells_its_owner() -> None:
    cast = make_cast(learners=2)
    closed = with_actions(cast)
    rows = closed.actions.order_by("text")
    assert [one.text for one in rows] == ["Add an example.", "Reword criterion 2."]
    assert {one.owner for one in rows} == {cast.ada}
    assert {one.due_on for one in rows} == {DUE}


def test_no_other_delivery_opens_until_they_are_closed() -> None:
    cast = make_cast(learners=2)
    closed = with_actions(cast)
    other = next_delivery(cast)
    assert "actions_open" in [one.code for one in missing_to_open(other)]
    assert guards.no_open_action.holds(cast.delivery)
    first, second = closed.actions.all()
    close_action(first, actor=cast.lea, note="Seen.")
    assert not guards.no_open_action.holds(other)
    close_action(second, actor=cast.lea, note="Seen.")
    assert "actions_open" not in [one.code for one in missing_to_open(other)]


def test_who_answers_and_who_closes() -> None:
    cast = make_cast(learners=2)
    action = with_actions(cast).actions.all()[0]
    for name in ("lea", "abe", "moses"):
        with pytest.raises(NotPermitted):
            respond_to_action(action, actor=cast.people[name], response="Done.")
    with pytest.raises(ReasonNeeded):
        respond_to_action(action, actor=cast.ada, response=" ")
    answered = respond_to_action(action, actor=cast.ada, response="Reworded in version 2.")
    assert answered.closed_at is None
    for name in ("ada", "moses", "pam"):
        with pytest.raises(NotPermitted):
            close_action(action, actor=cast.people[name], note="Fine.")
    with pytest.raises(ReasonNeeded):
        close_action(action, actor=cast.lea, note="")
    close_action(action, actor=cast.lea, note="Read version 2.")
    with pytest.raises(StaleState):
        close_action(action, actor=cast.lea, note="Again.")
    with pytest.raises(StaleState):
        respond_to_action(action, actor=cast.ada, response="More.")


def reminders_of(action: RequiredAction, kind: str) -> list[Reminder]:
    rows = Reminder.objects.filter(
        deadline__in=Deadline.objects.of(action), deadline__kind=kind, state="planned"
    )
    return list(rows.order_by("fire_at"))


def test_the_owner_is_reminded_and_a_late_action_goes_to_the_lead() -> None:
    cast = make_cast(learners=1)
    first, second = with_actions(cast).actions.all()
    relay()
    assert {one.recipient for one in reminders_of(first, "action")} == {cast.ada}
    assert reminders_of(first, "action")[-1].offset == "+3wd"
    late = reminders_of(first, "action_overdue")
    assert [(one.recipient, one.offset) for one in late] == [
        (cast.lea, "+3wd"),
        (cast.lea, "+10wd"),
    ]
    close_action(second, actor=cast.lea, note="Seen.")
    assert not reminders_of(second, "action")
    assert not reminders_of(second, "action_overdue")
    assert not Deadline.objects.of(second).open().exists()
    Reminder.objects.filter(pk__in=[late[0].pk]).update(fire_at=timezone.now())
    sweep_due()
    told = Notification.objects.get(topic="moderation.action_overdue")
    assert (told.recipient, told.context["owner"]) == (cast.lea, "Ada Assessor")
    assert told.path == reverse("moderation:required_action", args=[first.pk])


def test_what_is_seen_agrees_with_the_rule() -> None:
    cast = make_cast(learners=2)
    action = with_actions(cast).actions.all()[0]
    for person in cast.people.values():
        seen = RequiredAction.objects.visible_to(person).filter(pk=action.pk).exists()
        assert seen == rules.can_view_action(action, person), person
    cast.ada.is_active = False
    assert not RequiredAction.objects.visible_to(cast.ada).exists()
    assert not rules.can_view_action(action, cast.ada)


def test_in_the_browser() -> None:
    cast = make_cast(learners=2)
    found = read_round(cast)
    lea: Client = signed_in(cast, "lea")
    sent = {"decision": "accept_with_actions", "reason": "Sound.", "required_actions": "Reword."}
    assert "needed for this decision" in lea.post(at("decide", found.pk), sent).content.decode()
    sent |= {"owner": str(cast.ada.pk), "due_on_0": "11", "due_on_1": "12", "due_on_2": "2026"}
    preview = " ".join(lea.post(at("decide", found.pk), sent).content.decode().split())
    assert 'name="due_on_2" value="2026"' in preview
    lea.post(at("decide", found.pk), sent | {"confirm": "1"})
    lea.post(at("close", found.pk))
    action = found.actions.get()
    ada = signed_in(cast, "ada")
    path = reverse("moderation:required_action", args=[action.pk])
    assert "Reword." in ada.get(at("required_actions")).content.decode()
    assert ada.post(path, {"what": "close", "note": "I did it."}).status_code == 403
    unsaid = ada.post(path, {"what": "respond"})
    assert unsaid.status_code == 422
    assert "<title>Error:" in " ".join(unsaid.content.decode().split())
    ada.post(path, {"what": "respond", "response": "Done in version 2."})
    page = lea.get(path).content.decode()
    assert "Done in version 2." in page
    assert "Close the action" in page
    lea.post(path, {"what": "close", "note": "Seen."})
    action.refresh_from_db()
    assert action.closed_by == cast.lea
    assert "Close the action" not in lea.get(path).content.decode()
    assert lea.post(path, {"what": "close", "note": "Twice."}).status_code == 409
    assert "Closed" in lea.get(at("required_actions")).content.decode()
    assert signed_in(cast, "abe").get(path).status_code == 404
    assert signed_in(cast, "lena").get(at("required_actions")).status_code == 200
