"""Messages of a person, stuck messages, and the answers of step_view."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.test import RequestFactory
from django.urls import reverse

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.models import Membership, Organisation
from tests.testapp.models import Docket, Note
from tests.workflows.conftest import file_docket, person
from workflows.actions import open_record
from workflows.enums import MessageState
from workflows.models import AccessRecord, IdempotencyKey, Notification, OutboxMessage
from workflows.notifications import notify
from workflows.selectors import timeline_for
from workflows.transitions import perform
from workflows.views import step_view

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def news(docket, ada):
    return notify(
        topic="testapp.docket.soon",
        recipients=[ada],
        subject=docket,
        path="/help/",
        context={"title": "<b>"},
    )[0]


@pytest.fixture
def pam(db):
    """A programme administrator of the provider."""
    who = person("Pam")
    provider = Organisation.objects.create(code="uni", name="Uni", kind=OrganisationKind.PROVIDER)
    Membership.objects.create(user=who, organisation=provider, role=OrganisationRole.ADMINISTRATOR)
    return who


def test_the_inbox_shows_own_messages_escaped(client, ada, abe, news):
    client.force_login(ada)
    page = client.get(reverse("workflows:inbox")).content.decode()
    assert "News about &lt;b&gt;" in page
    assert "1 message not read" in page
    assert page.count("<h1") == 1
    client.force_login(abe)
    assert "You have no messages" in client.get(reverse("workflows:inbox")).content.decode()


def test_every_page_counts_what_is_not_read(client, ada, abe, news):
    client.force_login(ada)
    assert 'class="app-count">1<' in client.get("/help/").content.decode()
    client.post(reverse("workflows:open_message", args=[news.pk]))
    assert "app-count" not in client.get("/help/").content.decode()


def test_opening_marks_as_read_and_goes_there(client, ada, abe, news):
    address = reverse("workflows:open_message", args=[news.pk])
    client.force_login(abe)
    assert client.post(address).status_code == 404
    client.force_login(ada)
    assert client.get(address).status_code == 405
    assert client.post(address).url == "/help/"
    news.refresh_from_db()
    assert news.read_at is not None


def test_all_are_marked_as_read(client, ada, news):
    client.force_login(ada)
    client.post(reverse("workflows:read_all"))
    assert not Notification.objects.unread().exists()


@pytest.mark.parametrize("count", [1, 3])
def test_the_inbox_costs_the_same_for_one_and_three(
    client, ada, docket, count, django_assert_max_num_queries
):
    for number in range(count):
        notify(
            topic="testapp.docket.soon",
            recipients=[ada],
            dedupe=str(number),
            context={"title": number},
        )
    client.force_login(ada)
    with django_assert_max_num_queries(9):
        client.get(reverse("workflows:inbox"))


def test_administrators_see_stuck_messages_and_put_them_back(client, ada, pam, news):
    OutboxMessage.objects.filter(notification=news).update(
        state=MessageState.DEAD, last_error="451 busy"
    )
    stuck = OutboxMessage.objects.get(notification=news)
    listing, one, retry = (
        reverse("workflows:messages"),
        reverse("workflows:message", args=[stuck.pk]),
        reverse("workflows:retry", args=[stuck.pk]),
    )
    client.force_login(ada)
    assert [
        client.get(listing).status_code,
        client.get(one).status_code,
        client.post(retry).status_code,
    ] == [403, 404, 404]
    client.force_login(pam)
    assert f"News about …, number {stuck.pk}" in client.get(listing).content.decode()
    for words in ("testapp.docket.soon", "451 busy"):
        assert words in client.get(one).content.decode()
    assert client.post(retry).url == one
    stuck.refresh_from_db()
    assert stuck.state == MessageState.PENDING
    assert "Put back by a person" in client.get(one).content.decode()
    assert client.post(retry).status_code == 409
    assert "No message is stuck" in client.get(listing).content.decode()


def post(view, user, **data):
    request = RequestFactory().post("/step/", data)
    request.user = user
    request.session = {}
    request._messages = FallbackStorage(request)
    request.htmx = False
    return view(request)


def taking(docket, name):
    @step_view()
    def view(request):
        perform(docket, name, actor=request.user)
        return redirect("/done/")

    return view


def test_each_refusal_has_its_answer(docket, ada):
    assert post(taking(docket, "check_it"), ada).status_code == 302
    stale = post(taking(docket, "check_it"), ada)
    assert stale.status_code == 409
    Note.objects.create(docket=docket)
    unmet = post(taking(docket, "close"), ada)
    assert unmet.status_code == 422
    assert "Open notes are in the way." in unmet.content.decode()


def test_who_may_not_gets_403_and_a_stranger_the_sign_in(docket):
    with pytest.raises(PermissionDenied):
        post(taking(docket, "check_it"), person("Banned"))
    assert "login" in post(taking(docket, "check_it"), AnonymousUser()).url


def test_a_step_is_never_taken_by_get(docket, ada):
    request = RequestFactory().get("/step/")
    request.user = ada
    assert taking(docket, "check_it")(request).status_code == 405


def test_the_same_key_gets_the_same_answer(docket, ada, abe):
    view = taking(docket, "check_it")
    assert post(view, ada, idempotency_key="k1").url == "/done/"
    assert post(view, ada, idempotency_key="k1").url == "/done/"
    assert post(view, ada, idempotency_key="k1", other="x").status_code == 422
    assert (
        post(view, abe, idempotency_key="k1").status_code == 409
    )  # another person's key is another key
    assert IdempotencyKey.objects.count() == 1
    docket.refresh_from_db()
    assert docket.seq == 2


def test_timeline(box, ada):
    docket = perform(file_docket(box, ada), "check_it", actor=ada, reason="Fine")
    assert [(one.title, one.by, one.note) for one in timeline_for(docket)] == [
        ("Check", "Ada", "Fine"),
        ("File", "Ada", ""),
    ]


def test_an_opening_is_kept(docket, ada):
    open_record(docket, actor=ada, purpose="Moderation")
    assert AccessRecord.objects.of(docket).get().actor == ada
    assert Docket.objects.count() == 1
