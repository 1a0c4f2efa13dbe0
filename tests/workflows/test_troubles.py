"""What about messages waits for an administrator: named on their home, gone when it is settled."""

import datetime as dt
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.models import Membership, Organisation
from catalogue.selectors import troubles_with_messages
from tests.workflows.conftest import person
from workflows import outbox
from workflows.actions.messages import leave_unsent, retry_message
from workflows.actions.preferences import clear_address, leave_address, suspend_address
from workflows.enums import AttemptResult, MessageState
from workflows.exceptions import NotPermitted, StaleState
from workflows.hashing import seal
from workflows.models import OutboxMessage, Webhook
from workflows.notifications import notify
from workflows.notifications.calling import suspend
from workflows.selectors.delivery import troubles_for

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
SOON = "testapp.docket.soon"


def works_for(name, kind, role=OrganisationRole.ADMINISTRATOR):
    made = person(name)
    organisation = Organisation.objects.create(code=name.lower(), name=f"{name} Ltd", kind=kind)
    Membership.objects.create(user=made, organisation=organisation, role=role)
    return made


@pytest.fixture
def some(db):
    """Who may look after messages, and who may not."""
    return SimpleNamespace(
        prue=works_for("Prue", OrganisationKind.PROVIDER),
        chris=works_for("Chris", OrganisationKind.CLIENT),
        arthur=works_for("Arthur", OrganisationKind.PROVIDER, OrganisationRole.AUTHOR),
        petra=person("Petra", is_staff=True),
    )


def hook_of(keeper, address="https://hooks.example.org/in"):
    return Webhook.objects.create(
        organisation=keeper.memberships.get().organisation,
        address=address,
        topics=["testapp.docket.closed"],
        sealed_secret=seal("x"),
        changed_by=keeper,
    )


def stick(docket, person_, number=1, **more):
    for one in range(number):
        notify(
            topic=SOON,
            recipients=[person_],
            subject=docket,
            context={"title": "x"},
            dedupe=f"{one}",
            **more,
        )
    OutboxMessage.objects.filter(topic=SOON).update(state=MessageState.FAILED)
    return OutboxMessage.objects.filter(topic=SOON).order_by("pk")


def steps(who):
    return [(one.title, one.url) for one in troubles_with_messages(who)]


def test_each_kind_stands_on_the_home_with_its_place_until_it_is_settled(docket, ada, some):
    assert steps(some.prue) == []
    row = suspend_address("gone@x.example", because="bounce")
    (stuck,) = stick(docket, ada)
    OutboxMessage.objects.filter(topic="workflows.address.suspended").update(
        state=MessageState.SENT
    )
    notify(topic=SOON, recipients=[ada], subject=docket, context={"title": "x"}, dedupe="late")
    late = OutboxMessage.objects.filter(topic=SOON, state=MessageState.PENDING)
    late.update(available_at=timezone.now() - dt.timedelta(hours=1))
    hook = hook_of(some.prue)
    suspend(hook, "503")
    OutboxMessage.objects.filter(topic="workflows.webhook.suspended").update(
        state=MessageState.SENT
    )
    assert steps(some.prue) == [
        ("Mail to gone@x.example does not arrive", "/manage/messages/#addresses"),
        ("1 message is stuck", f"/manage/messages/{stuck.pk}/"),
        ("Messages wait longer than they should", "/manage/messages/#queue"),
        ("The webhook of Prue Ltd is suspended", f"/manage/webhooks/{hook.pk}/"),
    ]
    clear_address(row, actor=some.prue)
    assert len(steps(some.prue)) == 3
    retry_message(stuck, actor=some.prue)
    assert len(steps(some.prue)) == 2
    outbox.deliver()
    assert len(steps(some.prue)) == 1
    Webhook.objects.update(suspended_at=None)
    assert steps(some.prue) == []


def test_several_of_a_kind_are_one_step(docket, ada, some):
    suspend_address("gone@x.example", because="bounce")
    suspend_address("angry@x.example", because="complaint")
    stick(docket, ada, 2)
    for number in range(2):
        suspend(hook_of(some.prue, f"https://hooks.example.org/{number}"), "503")
    assert steps(some.prue) == [
        ("Mail to 2 addresses does not arrive", "/manage/messages/#addresses"),
        ("2 messages are stuck", "/manage/messages/#messages"),
        ("2 webhooks are suspended", "/manage/webhooks/"),
    ]


def test_only_who_may_settle_it_is_asked(docket, ada, some):
    suspend_address("gone@x.example", because="bounce")
    stick(docket, ada)
    suspend(hook_of(some.chris), "503")
    found = {name: set(troubles_for(who)) for name, who in vars(some).items()}
    assert found == {
        "prue": {"address", "message"},
        "chris": {"webhook"},
        "arthur": set(),
        "petra": {"address", "message", "webhook"},
    }
    some.petra.is_active = False
    assert troubles_for(some.petra) == {}


@pytest.mark.parametrize("number", [1, 3])
def test_the_home_asks_one_question_about_messages(docket, ada, some, number):
    for one in range(number):
        suspend_address(f"gone{one}@x.example", because="bounce")
        suspend(hook_of(some.prue, f"https://hooks.example.org/{one}"), "503")
    stick(docket, ada, number)
    troubles_for(some.prue)
    with CaptureQueriesContext(connection) as caught:
        troubles_for(some.prue)
    assert len(caught) == 1
    client = Client()
    client.force_login(some.prue)
    assert "does not arrive" in client.get("/manage/").content.decode()


# --- leaving it ---------------------------------------------------------------------------------------


def test_an_address_can_stay_as_it_is_and_takes_what_is_stuck_with_it(docket, ada, abe, some):
    row = suspend_address(ada.email.upper(), because="bounce")
    notify(topic=SOON, recipients=[ada, abe], subject=docket, context={"title": "x"})
    outbox.deliver()
    assert {"address", "message"} <= set(troubles_for(some.prue))
    with pytest.raises(NotPermitted):
        leave_address(row, actor=some.arthur)
    leave_address(row, actor=some.prue)
    assert troubles_for(some.prue) == {}
    row.refresh_from_db()
    assert (row.left_by, row.cleared_at) == (some.prue, None)
    notify(topic=SOON, recipients=[ada], subject=docket, context={"title": "x"}, dedupe="more")
    outbox.deliver()
    states = OutboxMessage.objects.filter(topic=SOON, notification__recipient=ada)
    assert set(states.values_list("state", flat=True)) == {MessageState.CANCELLED}
    assert troubles_for(some.prue) == {}
    clear_address(row, actor=some.prue)
    notify(topic=SOON, recipients=[ada], subject=docket, context={"title": "x"}, dedupe="again")
    outbox.deliver()
    assert states.filter(state=MessageState.SENT).count() == 1


def test_stuck_mail_is_left_for_one_recipient_with_who_said_so(docket, ada, abe, some):
    stick(docket, ada, 2)
    stick(docket, abe, 1)
    first = OutboxMessage.objects.filter(notification__recipient=ada, topic=SOON).first()
    with pytest.raises(NotPermitted):
        leave_unsent(first, actor=some.arthur)
    assert leave_unsent(first, actor=some.prue) == 2
    rows = OutboxMessage.objects.filter(topic=SOON)
    assert set(rows.values_list("notification__recipient__name", "state")) == {
        ("Ada", "cancelled"), ("Abe", "failed"),
    }  # fmt: skip
    said = first.tries.get()
    assert (said.actor, said.result) == (some.prue, AttemptResult.CANCELLED)
    with pytest.raises(StaleState):
        leave_unsent(first, actor=some.prue)


def test_an_event_is_not_left(docket, some):
    event = OutboxMessage.objects.filter(kind="event").first()
    OutboxMessage.objects.filter(pk=event.pk).update(state=MessageState.DEAD)
    with pytest.raises(StaleState):
        leave_unsent(event, actor=some.prue)


def test_both_are_buttons_of_the_pages(client, docket, ada, some):
    row = suspend_address("gone@x.example", because="bounce")
    (stuck,) = stick(docket, ada)
    client.force_login(some.prue)
    assert "Send nothing there" in client.get("/manage/messages/").content.decode()
    client.post(f"/manage/messages/addresses/{row.pk}/leave/")
    text = client.get("/manage/messages/").content.decode()
    assert "stays as it is" in text
    assert "Send nothing there" not in text
    assert "Leave it unsent" in client.get(f"/manage/messages/{stuck.pk}/").content.decode()
    client.post(f"/manage/messages/{stuck.pk}/leave/")
    text = client.get(f"/manage/messages/{stuck.pk}/").content.decode()
    assert "An administrator left it unsent." in text
    assert "Leave it unsent" not in text
