"""Addresses that do not work: what a mail provider reports, and who looks after it."""

import hashlib
import hmac
import json

import pytest
from django.test import override_settings

from workflows import outbox
from workflows.actions.preferences import clear_address, suspend_address
from workflows.enums import MessageState
from workflows.exceptions import NotPermitted
from workflows.models import Notification, OutboxMessage, SuspendedAddress
from workflows.notifications import notify

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
SOON = "testapp.docket.soon"


def signed(body, secret="s3cret"):
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "headers": {"X-Moderato-Signature": f"sha256={digest}"},
        "content_type": "application/json",
    }


@override_settings(MAIL_FEEDBACK_SECRET="s3cret")
def test_a_bounce_stops_mails_and_gives_somebody_a_task(docket, ada, keeper, client):
    body = json.dumps(
        {"events": [{"address": ada.email.upper(), "kind": "bounce", "detail": "550"}]}
    )
    for _twice in range(2):
        assert client.post("/hooks/mail/", body, **signed(body.encode())).status_code == 200
    row = SuspendedAddress.objects.get()
    task = Notification.objects.get(topic="workflows.address.suspended")
    assert task.recipient == keeper
    given = {"topic": SOON, "recipients": [ada], "subject": docket, "context": {"title": "x"}}
    notify(**given)
    outbox.deliver()
    mails = OutboxMessage.objects.filter(kind="delivery", topic=SOON)
    message = mails.get()
    assert message.state == MessageState.FAILED
    assert "Nothing is sent" in message.last_error
    with pytest.raises(NotPermitted):
        clear_address(row, actor=ada)
    clear_address(row, actor=keeper)
    notify(**given, dedupe="again")
    outbox.deliver()
    assert mails.filter(state=MessageState.SENT).count() == 1


@override_settings(MAIL_FEEDBACK_SECRET="s3cret")
@pytest.mark.parametrize(
    "body", ["{}", "[]", "nonsense", '{"events": [{"address": "x", "kind": "bounce"}]}']
)
def test_what_is_no_report_is_refused(client, body):
    assert client.post("/hooks/mail/", body, **signed(body.encode())).status_code == 422
    assert client.post("/hooks/mail/", body, **signed(body.encode(), "other")).status_code == 403
    with override_settings(MAIL_FEEDBACK_SECRET=""):
        assert client.post("/hooks/mail/", body, **signed(body.encode())).status_code == 404
    assert client.get("/hooks/mail/").status_code == 405


def test_the_bounced_person_is_not_asked_to_look_after_themselves(keeper):
    suspend_address(keeper.email, because="complaint")
    assert not Notification.objects.exists()
