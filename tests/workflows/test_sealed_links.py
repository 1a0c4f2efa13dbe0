"""A personal link stands in the database encrypted until its mail has left, and not at all afterwards."""

import pytest
from django.core import mail
from django.db import connection
from django.test import override_settings

from workflows import definitions, outbox
from workflows.actions import fire_time
from workflows.enums import MessageState
from workflows.hashing import seal, unseal
from workflows.models import OutboxMessage
from workflows.notifications import notify_address

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
SECRET = "/v/aSecretThatOpensARequest/"


def everything_stored() -> str:
    """Each text of the two tables, as the database holds it."""
    with connection.cursor() as cursor:
        found = []
        for table in ("workflows_notification", "workflows_outboxmessage"):
            cursor.execute(f"SELECT * FROM {table}")
            found += [str(value) for row in cursor.fetchall() for value in row]
    return "\n".join(found)


@pytest.fixture
def asked(docket):
    return notify_address(
        topic="testapp.docket.soon",
        address="vic@work.example",
        name="Vic",
        subject=docket,
        context={"title": "x"},
        secret_path=SECRET,
    )


def test_the_mail_has_the_link_and_no_row_does(asked):
    assert SECRET not in everything_stored()
    assert outbox.deliver() == 1
    assert SECRET in mail.outbox[0].body
    asked.refresh_from_db()
    assert (asked.sealed_path, asked.path) == ("", "/")
    assert SECRET not in everything_stored()


def test_a_mail_that_nobody_wants_any_more_loses_its_link(asked, monkeypatch):
    monkeypatch.setitem(definitions.relevance, "testapp.docket.soon", lambda notification: False)
    outbox.deliver()
    asked.refresh_from_db()
    assert OutboxMessage.objects.get(kind="delivery").state == MessageState.CANCELLED
    assert asked.sealed_path == ""


def test_a_refused_mail_keeps_it_for_another_try(asked, monkeypatch):
    def refuse(notification, message_id):
        raise definitions.RefusedForGood("550")

    monkeypatch.setitem(definitions.senders, "email", refuse)
    outbox.deliver()
    asked.refresh_from_db()
    assert unseal(asked.sealed_path) == SECRET


def test_two_sealed_texts_differ_and_an_older_key_still_opens():
    sealed = seal("ā")
    assert sealed != seal("ā")
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["test-only"]):
        assert unseal(sealed) == "ā"
    with override_settings(SECRET_KEY="new"), pytest.raises(ValueError, match="another SECRET_KEY"):
        unseal(sealed)


def asked_for():
    from datetime import timedelta

    from django.utils import timezone

    return timezone.now() + timedelta(days=30)


def test_the_old_spelling_is_refused():
    with pytest.raises(ValueError, match="names no clock"):
        fire_time(asked_for(), "+1w", "Pacific/Auckland")
