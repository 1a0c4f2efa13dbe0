"""Actions that a round or a meeting asks for: answered, closed, and in the way of the next delivery."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalogue.actions.deliveries import missing_to_open
from catalogue.actions.people import assign_role, end_role
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from moderation import guards, rules
from moderation.actions import (
    Minutes,
    add_meeting_action,
    close_action,
    close_round,
    decide_round,
    drop_meeting_action,
    record_meeting,
    respond_to_action,
    sign_meeting,
)
from moderation.exceptions import ReasonNeeded
from moderation.models import Meeting, ModerationRound, RequiredAction
from tests.factories.moderation import read_round
from tests.moderation.test_views import at, signed_in
from tests.personas import Cast, make_cast, make_user
from workflows.actions import sweep_due
from workflows.exceptions import NotPermitted, StaleState, StaleVersion
from workflows.models import Deadline, Notification, Reminder
from workflows.notifications import compose
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


def drafted(cast: Cast) -> Meeting:
    """The draft of a record that gives Ada two things to do."""
    held = Minutes(date.today() - timedelta(days=1), [cast.ada], readings="C1 asks for order.")
    made = record_meeting(cast.task, held, actor=cast.lea)
    for text, days in (("Reword C1.", 3), ("Add an example.", 0)):
        add_meeting_action(
            made, actor=cast.lea, text=text, owner=cast.ada, due_on=DUE + timedelta(days)
        )
    made.refresh_from_db()
    return made


def of_meeting(cast: Cast) -> Meeting:
    """A signed record that gives Ada two things to do."""
    made = drafted(cast)
    return sign_meeting(made, actor=cast.lea, seen_version=made.version)


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


def test_no_delivery_opens_until_what_a_meeting_asked_for_is_closed() -> None:
    cast = make_cast(learners=1)
    meeting = drafted(cast)
    other = next_delivery(cast)
    assert guards.no_open_action.holds(other)  # nobody is asked by a draft
    sign_meeting(meeting, actor=cast.lea, seen_version=meeting.version)
    assert "actions_open" in [one.code for one in missing_to_open(other)]
    first, second = meeting.required_actions.all()
    close_action(first, actor=cast.lea, note="Seen.")
    assert not guards.no_open_action.holds(other)
    close_action(second, actor=cast.lea, note="Seen.")
    assert guards.no_open_action.holds(other)


def test_actions_of_a_draft_are_nobody_s_yet() -> None:
    cast = make_cast(learners=1)
    meeting = drafted(cast)
    action = meeting.required_actions.all()[0]
    for person in cast.people.values():
        assert not RequiredAction.objects.visible_to(person).exists()
        assert not rules.can_view_action(action, person)
    with pytest.raises(StaleState):
        close_action(action, actor=cast.lea, note="Seen.")
    assert not Notification.objects.filter(topic="moderation.action_given").exists()
    assert not Deadline.objects.of(action).exists()
    with pytest.raises(ReasonNeeded):
        add_meeting_action(meeting, actor=cast.lea, text=" ", owner=cast.ada, due_on=DUE)
    for name in ("ada", "moses", "pam"):
        person = cast.people[name]
        with pytest.raises(NotPermitted):
            add_meeting_action(meeting, actor=person, text="Mine.", owner=person, due_on=DUE)
        with pytest.raises(NotPermitted):
            drop_meeting_action(meeting, action.pk, actor=person)
    drop_meeting_action(meeting, action.pk, actor=cast.lea)
    drop_meeting_action(meeting, action.pk, actor=cast.lea)
    assert meeting.required_actions.count() == 1
    with pytest.raises(StaleVersion):  # the draft is no longer as it was looked at
        sign_meeting(meeting, actor=cast.lea, seen_version=meeting.version)


def test_owners_of_what_a_meeting_asks_are_told_once_and_reminded() -> None:
    cast = make_cast(learners=1)
    meeting = of_meeting(cast)
    told = Notification.objects.get(topic="moderation.action_given")
    assert told.recipient == cast.ada
    assert told.context["meeting"] == f"{meeting.held_on:%-d %B %Y}"
    assert told.context["due"] == DUE.strftime("%A %-d %B %Y")  # the earlier of the two
    for action in meeting.required_actions.all():
        assert {one.recipient for one in reminders_of(action, "action")} == {cast.ada}
        assert {one.recipient for one in reminders_of(action, "action_overdue")} == {cast.lea}
    row = reminders_of(action, "action")[0]
    Reminder.objects.filter(pk=row.pk).update(fire_at=timezone.now())
    sweep_due()
    due = Notification.objects.get(topic="moderation.action_due")
    assert "standardisation meeting of" in compose(due, "<m@localhost>").body
    with_second_lead(cast, action)
    close_action(action, actor=cast.lea, note="Seen.")
    assert not Deadline.objects.of(action).open().exists()


def test_the_database_keeps_what_a_signed_record_asks_for() -> None:
    cast = make_cast(learners=1)
    meeting = of_meeting(cast)
    action = meeting.required_actions.all()[0]
    row = RequiredAction.objects.filter(pk=action.pk)
    closed = with_actions(cast)
    changes: list[Any] = [
        lambda: row.update(text="Other"),
        lambda: row.update(owner=cast.abe),
        lambda: row.update(due_on=DUE + timedelta(days=90)),
        lambda: row.update(meeting=None, round=closed),
        lambda: row._raw_delete(row.db),
        lambda: RequiredAction.objects.create(
            meeting=meeting, text="More.", owner=cast.ada, due_on=DUE, made_by=cast.lea
        ),
    ]
    for change in changes:
        with pytest.raises(DatabaseError, match="moderation:"), transaction.atomic():
            change()
    for asks in ({}, {"meeting": drafted(cast), "round": closed}):
        with pytest.raises(IntegrityError, match="asked_by_one"), transaction.atomic():
            RequiredAction.objects.create(
                text="Whose?", owner=cast.ada, due_on=DUE, made_by=cast.lea, **asks
            )


@pytest.mark.parametrize("asked_by", ["round", "meeting"])
def test_who_answers_and_who_closes(asked_by: str) -> None:
    cast = make_cast(learners=2)
    rows = with_actions(cast).actions if asked_by == "round" else of_meeting(cast).required_actions
    action = rows.all()[0]
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


def with_second_lead(cast: Cast, action: RequiredAction) -> None:
    """Somebody who leads from now on hears of what gets overdue, and no more once they have left."""
    came = make_user("lou")
    part = assign_role(cast.delivery, came, DeliveryRoleKind.LEAD_MODERATOR, actor=cast.pam)
    assert {one.recipient for one in reminders_of(action, "action_overdue")} == {cast.lea, came}
    end_role(part, actor=cast.pam)
    assert {one.recipient for one in reminders_of(action, "action_overdue")} == {cast.lea}


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
    with_second_lead(cast, second)
    close_action(second, actor=cast.lea, note="Seen.")
    assert not reminders_of(second, "action")
    assert not reminders_of(second, "action_overdue")
    assert not Deadline.objects.of(second).open().exists()
    Reminder.objects.filter(pk__in=[late[0].pk]).update(fire_at=timezone.now())
    sweep_due()
    told = Notification.objects.get(topic="moderation.action_overdue")
    assert (told.recipient, told.context["owner"]) == (cast.lea, "Ada Assessor")
    assert told.path == reverse("moderation:required_action", args=[first.pk])


@pytest.mark.parametrize("asked_by", ["round", "meeting"])
def test_what_is_seen_agrees_with_the_rule(asked_by: str) -> None:
    cast = make_cast(learners=2)
    rows = with_actions(cast).actions if asked_by == "round" else of_meeting(cast).required_actions
    action = rows.all()[0]
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


def test_actions_of_a_meeting_in_the_browser() -> None:
    cast = make_cast(learners=1)
    meeting = drafted(cast)
    Meeting.objects.filter(pk=meeting.pk).update(actions="Ada looks for an example.")
    lea: Client = signed_in(cast, "lea")
    page = at("meeting", meeting.pk)
    wrong = lea.post(at("meeting_actions", meeting.pk), {"action-text": "Think."})
    assert wrong.status_code == 422
    said = wrong.content.decode()
    assert "<title>Error:" in " ".join(said.split())
    assert "Who does it: choose a person." in said
    assert "Think.</textarea>" in said
    sent = {
        "action-text": "Think.", "action-owner": str(cast.moses.pk), "action-due_on_0": "11",
        "action-due_on_1": "12", "action-due_on_2": "2026",
    }  # fmt: skip
    assert lea.post(at("meeting_actions", meeting.pk), sent).status_code == 302
    first = meeting.required_actions.get(text="Reword C1.")
    lea.post(at("meeting_actions", meeting.pk), {"drop": str(first.pk)})
    assert lea.post(at("meeting_actions", meeting.pk), {"drop": "x"}).status_code == 404
    shown = lea.get(page).content.decode()
    for words in ("Think.", "Moses", "Add an example.", "Ada looks for an example."):
        assert words in shown
    assert "Reword C1." not in shown
    meeting.refresh_from_db()
    form = lea.get(at("change_meeting", meeting.pk)).context["form"]
    assert form.initial["actions"] == "Ada looks for an example."
    lea.post(at("sign_meeting", meeting.pk), {"version": meeting.version})
    assert lea.post(at("meeting_actions", meeting.pk), sent).status_code == 409
    action = meeting.required_actions.get(text="Add an example.")
    ada = signed_in(cast, "ada")
    assert f"/moderate/actions/{action.pk}/" in ada.get(page).content.decode()
    own = ada.get(at("required_actions")).content.decode()
    assert "standardisation meeting of" in own
    assert "Think." not in own
    address = at("required_action", action.pk)
    ada.post(address, {"what": "respond", "response": "It is in the brief."})
    lea.post(address, {"what": "close", "note": "Seen."})
    assert "Closed" in ada.get(page).content.decode()
    other = signed_in(cast, "abe").get(page).content.decode()
    assert f"/moderate/actions/{action.pk}/" not in other
    assert "Add an example." in other
