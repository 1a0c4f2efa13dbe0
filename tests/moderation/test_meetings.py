"""Standardisation meetings: a draft for the lead, signed for good, then only amended."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalogue.models import DeliveryRole
from moderation import rules
from moderation.actions import (
    Minutes,
    amend_meeting,
    change_meeting,
    record_meeting,
    sign_meeting,
)
from moderation.exceptions import MeetingIncomplete, ReasonNeeded
from moderation.models import Meeting
from portfolios.models import Submission
from tests.assessment.test_exemplars import frozen
from tests.factories.assessment import assessed
from tests.moderation.test_views import at, signed_in
from tests.personas import Cast, make_cast
from tests.worlds import kept
from workflows.exceptions import NotPermitted, StaleState, StaleVersion

pytestmark = pytest.mark.django_db


@kept
def cast() -> Cast:
    made = make_cast()
    assessed(made)
    return made


def minutes(cast: Cast, **more: Any) -> Minutes:
    said: dict[str, Any] = {
        "held_on": timezone.localdate() - timedelta(days=1),
        "attendees": [cast.ada, cast.moses],
        "submissions": Submission.objects.all(),
        "readings": "C1 asks for order, not for beauty.",
    }
    return Minutes(**said | more)


def recorded(cast: Cast, **more: Any) -> Meeting:
    return record_meeting(cast.task, minutes(cast, **more), actor=cast.lea)


def signed(cast: Cast) -> Meeting:
    return sign_meeting(recorded(cast), actor=cast.lea, seen_version=1)


def test_only_the_lead_records_changes_signs_and_amends(cast: Cast) -> None:
    made = recorded(cast)
    for name in ("ada", "moses", "pam", "olga", "lena"):
        person = cast.people[name]
        with pytest.raises(NotPermitted):
            record_meeting(cast.task, minutes(cast), actor=person)
        with pytest.raises(NotPermitted):
            change_meeting(made, minutes(cast), actor=person, seen_version=1)
        with pytest.raises(NotPermitted):
            sign_meeting(made, actor=person, seen_version=1)
        with pytest.raises(NotPermitted):
            amend_meeting(made, actor=person, text="Mine.")


def test_nobody_signs_or_overwrites_what_they_have_not_seen(cast: Cast) -> None:
    made = recorded(cast)
    changed = change_meeting(
        made, minutes(cast, decisions="Use it."), actor=cast.lea, seen_version=1
    )
    assert (changed.version, changed.decisions) == (2, "Use it.")
    with pytest.raises(StaleVersion):
        change_meeting(made, minutes(cast), actor=cast.lea, seen_version=1)
    with pytest.raises(StaleVersion):
        sign_meeting(made, actor=cast.lea, seen_version=1)
    with pytest.raises(StaleState):
        amend_meeting(made, actor=cast.lea, text="Too early.")
    sign_meeting(made, actor=cast.lea, seen_version=2)
    for again in (
        lambda: sign_meeting(made, actor=cast.lea, seen_version=2),
        lambda: change_meeting(made, minutes(cast), actor=cast.lea, seen_version=2),
    ):
        with pytest.raises(StaleState):
            again()
    with pytest.raises(ReasonNeeded):
        amend_meeting(made, actor=cast.lea, text=" ")
    amend_meeting(made, actor=cast.lea, text="C2 as well.")
    assert [one.text for one in made.amendments.all()] == ["C2 as well."]


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ({"attendees": []}, "who attended"),
        ({"readings": " "}, "agreed or decided"),
        ({"held_on": date.today() + timedelta(days=3)}, "lies ahead"),
    ],
)
def test_what_is_missing_before_it_is_signed(cast: Cast, lacks: Any, says: str) -> None:
    made = recorded(cast, **lacks)
    with pytest.raises(MeetingIncomplete, match=says):
        sign_meeting(made, actor=cast.lea, seen_version=1)
    assert not Meeting.objects.get().is_signed


def test_who_reads_it(cast: Cast) -> None:
    draft, done = recorded(cast), signed(cast)
    finds = {
        name: {one.pk for one in Meeting.objects.visible_to(person)}
        for name, person in cast.people.items()
    }
    for name, person in cast.people.items():
        for made in (draft, done):
            assert rules.can_view_meeting(made, person) == (made.pk in finds[name]), name
    assert {name for name, found in finds.items() if draft.pk in found} == {"lea"}
    assert {name for name, found in finds.items() if done.pk in found} == {
        "lea", "ada", "abe", "ana", "moses", "ed",
    }  # fmt: skip
    DeliveryRole.objects.filter(user__in=[cast.ada, cast.abe]).update(
        ended_at=timezone.now() - timedelta(hours=1)
    )
    assert rules.can_view_meeting(done, cast.ada)  # was there
    assert not rules.can_view_meeting(done, cast.abe)
    assert list(Meeting.objects.visible_to(cast.ada)) == [done]
    assert not Meeting.objects.visible_to(cast.abe).exists()
    cast.ada.is_active = False
    assert not rules.can_view_meeting(done, cast.ada)
    assert not Meeting.objects.visible_to(cast.ada).exists()


def refused(change: Any) -> None:
    with pytest.raises(DatabaseError, match="moderation:"), transaction.atomic():
        change()


def test_the_database_keeps_what_was_signed(cast: Cast) -> None:
    made = signed(cast)
    row = Meeting.objects.filter(pk=made.pk)
    refused(lambda: row.update(readings="Other"))
    refused(lambda: row.update(signed_at=None))
    refused(lambda: row._raw_delete(row.db))
    refused(lambda: made.attendees.add(cast.abe))
    refused(lambda: made.attendees.remove(cast.ada))
    refused(made.submissions.clear)
    refused(lambda: made.exemplars.add(frozen(cast)))
    amend_meeting(made, actor=cast.lea, text="C2 as well.")
    added = made.amendments.all()
    refused(lambda: added.update(text="Other"))
    refused(lambda: added._raw_delete(added.db))


def test_in_the_browser(cast: Cast) -> None:
    lea: Client = signed_in(cast, "lea")
    reference = Submission.objects.get().reference
    shown = frozen(cast, title="Shown piece")
    hidden = frozen(cast, title="Blind piece", for_calibration=True)
    assert "No records yet" in lea.get(at("meetings")).content.decode()
    address = at("new_meeting", cast.task.pk)
    sent: dict[str, Any] = {
        "held_on_0": "1", "held_on_1": "6", "held_on_2": "2026", "attendees": [str(cast.ada.pk)],
        "references": "PF-2026-NONE", "readings": "C1 asks for order.",
        "exemplars": [str(shown.pk), str(hidden.pk)],
    }  # fmt: skip
    wrong = lea.post(address, sent)
    assert wrong.status_code == 422
    assert "PF-2026-NONE" in wrong.content.decode()
    assert "C1 asks for order." in wrong.content.decode()
    made = lea.post(address, sent | {"references": reference.lower()})
    assert made.status_code == 302
    found = Meeting.objects.get()
    assert signed_in(cast, "ada").get(made.url).status_code == 404
    assert lea.post(at("sign_meeting", found.pk), {"version": "7"}).status_code == 409
    lea.post(at("change_meeting", found.pk), sent | {"references": reference, "version": "1"})
    late = lea.post(at("change_meeting", found.pk), sent | {"references": "", "version": "1"})
    assert late.status_code == 409
    assert "Your words are still here" in late.content.decode()
    assert lea.post(at("amend_meeting", found.pk), {"text": "x"}).status_code == 409
    assert lea.post(at("sign_meeting", found.pk), {"version": "2"}).status_code == 302
    assert lea.post(at("amend_meeting", found.pk), {"text": ""}).status_code == 422
    lea.post(at("amend_meeting", found.pk), {"text": "C2 as well."})
    page = signed_in(cast, "ada").get(at("meeting", found.pk)).content.decode()
    for words in (reference, "C1 asks for order.", "C2 as well.", "Ada Assessor", "Shown piece"):
        assert words in page
    assert "Blind piece" not in page
    assert "Add an amendment" not in page
    assert (
        signed_in(cast, "ada").post(at("amend_meeting", found.pk), {"text": "x"}).status_code == 403
    )
    assert lea.get(at("change_meeting", found.pk)).status_code == 409
    for name in ("lena", "pam", "olga"):
        assert signed_in(cast, name).get(at("meetings")).status_code == 403, name
        assert signed_in(cast, name).get(at("meeting", found.pk)).status_code == 404, name
        assert signed_in(cast, name).get(address).status_code == 404, name


def test_the_list_takes_a_fixed_number_of_queries(cast: Cast) -> None:
    counts = []
    for number in (1, 3):
        while Meeting.objects.count() < number:
            signed(cast)
        with CaptureQueriesContext(connection) as held:
            page = signed_in(cast, "ada").get(at("meetings")).content.decode()
        counts.append(len(held))
        assert page.count("2 people") == number
    assert counts[0] == counts[1]
