"""Who else hears when something is overdue, by delivery: chosen on a page, written with the reminder."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from catalogue.actions.escalations import OVERDUE, set_escalations
from catalogue.enums import OverdueKind
from catalogue.models import DeliveryRole, Escalation
from tests.factories.portfolios import submitted
from tests.personas import make_cast
from tests.worlds import kept
from workflows.actions import sweep_due
from workflows.exceptions import NotPermitted
from workflows.models import Deadline, Notification, OutboxMessage, QuietHours, Reminder
from workflows.notifications import render
from workflows.outbox import relay
from workflows.working_days import days_after

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
BOTH = ["lead_moderator", "administrator"]


@kept
def cast():
    made = make_cast(learners=3)
    made.submissions = [submitted(made, name) for name in ("lena", "hone")]
    while relay():
        pass
    return made


def overdue(cast, offset, number=1):
    """Let that reminder of so many markings go out now."""
    keys = [one.pk for one in cast.submissions[:number]]
    rows = Deadline.objects.filter(kind="marking", subject_id__in=keys)
    Reminder.objects.filter(deadline__in=rows, offset=offset).update(
        fire_at=Now() - timedelta(seconds=5)
    )
    sweep_due()


def told():
    rows = Notification.objects.filter(topic=OVERDUE).select_related("recipient")
    return sorted((one.recipient.name, one.path.split("/")[1]) for one in rows)


def test_nobody_else_hears_until_somebody_is_chosen(cast):
    overdue(cast, "+1wd")
    assert Notification.objects.filter(topic="assessment.marking_due").count() == 1
    assert told() == []


def test_leads_and_administrators_hear_each_once_where_they_work(cast):
    set_escalations(cast.delivery, chosen={"marking": (1, BOTH)}, actor=cast.pam)
    overdue(cast, "+1wd")
    publisher = cast.provider.memberships.get(role="administrator").user
    assert told() == sorted(
        [(cast.lea.name, "moderate"), (cast.pam.name, "manage"), (publisher.name, "manage")]
    )
    sweep_due()
    overdue(cast, "+3wd")
    assert len(told()) == 6


def test_only_from_the_day_that_was_chosen_and_only_of_that_kind(cast):
    set_escalations(
        cast.delivery,
        chosen={"marking": (3, ["lead_moderator"]), "submission": (1, BOTH)},
        actor=cast.pam,
    )
    overdue(cast, "+1wd")
    assert told() == []
    overdue(cast, "+3wd")
    assert told() == [(cast.lea.name, "moderate")]
    overdue(cast, "-48h", 2)
    assert len(told()) == 1


def test_whoever_is_reminded_anyway_and_whose_part_ended_is_not_told(cast):
    set_escalations(cast.delivery, chosen={"marking": (1, ["lead_moderator"])}, actor=cast.pam)
    mine = Reminder.objects.filter(deadline__subject_id=cast.submissions[0].pk, offset="+1wd")
    mine.update(recipient=cast.lea)
    overdue(cast, "+1wd")
    assert told() == []
    mine.update(state="planned", recipient=cast.submissions[0].allocations.get().assessor)
    DeliveryRole.objects.filter(user=cast.lea).update(ended_at=Now())
    overdue(cast, "+1wd")
    assert told() == []


def test_marked_work_is_told_to_nobody(cast):
    set_escalations(cast.delivery, chosen={"marking": (1, BOTH)}, actor=cast.pam)
    Deadline.objects.filter(subject_id=cast.submissions[0].pk).update(state="cancelled")
    overdue(cast, "+1wd")
    assert told() == []


@pytest.mark.parametrize("number", [1, 2])
def test_more_overdue_work_takes_no_more_questions(cast, number, django_assert_max_num_queries):
    set_escalations(cast.delivery, chosen={"marking": (1, BOTH)}, actor=cast.pam)
    with django_assert_max_num_queries(26):
        overdue(cast, "+1wd", number)
    assert len(told()) == 3
    assert {one.context["number"] for one in Notification.objects.filter(topic=OVERDUE)} == {number}


def test_a_person_hears_once_of_all_that_is_overdue_at_a_moment(cast):
    """Also where the sweep takes them in two batches; of another moment they hear again."""
    set_escalations(cast.delivery, chosen={"marking": (1, ["lead_moderator"])}, actor=cast.pam)
    keys = [one.pk for one in cast.submissions]
    rows = Reminder.objects.filter(deadline__subject_id__in=keys, deadline__kind="marking")
    moment = timezone.now() - timedelta(seconds=5)
    rows.filter(offset="+1wd").update(fire_at=moment)
    assert sweep_due(batch=1) == 2
    (notice,) = Notification.objects.filter(topic=OVERDUE)
    assert (notice.recipient, notice.context["number"]) == (cast.lea, 2)
    text = render(notice)[1]
    assert "2 submissions are not marked in" in text
    assert "The first was due on" in text
    rows.filter(offset="+3wd", deadline__subject_id=keys[0]).update(fire_at=moment)
    sweep_due()
    _first, second = Notification.objects.filter(topic=OVERDUE).order_by("pk")
    assert "A submission is not marked in" in render(second)[1]
    assert "It was due on" in render(second)[1]


def test_of_what_a_person_has_themselves_others_are_counted_without_it(cast):
    set_escalations(cast.delivery, chosen={"marking": (1, ["lead_moderator"])}, actor=cast.pam)
    Reminder.objects.filter(deadline__subject_id=cast.submissions[0].pk, offset="+1wd").update(
        recipient=cast.lea
    )
    overdue(cast, "+1wd", 2)
    (notice,) = Notification.objects.filter(topic=OVERDUE)
    assert notice.context["number"] == 1


def test_administrators_of_the_delivery_choose_on_its_page(cast, client):
    with pytest.raises(NotPermitted):
        set_escalations(cast.delivery, chosen={"marking": (1, BOTH)}, actor=cast.lea)
    where = f"/manage/deliveries/{cast.delivery.pk}/overdue/"
    client.force_login(cast.lea)
    assert client.get(where).status_code == 403
    client.force_login(cast.pam)
    page = client.get(where).content.decode()
    assert all(kind.label in page for kind in OverdueKind)
    sent = {f"after_{kind}": "1" for kind in OverdueKind}
    assert client.post(where, {**sent, "who_marking": ["ratifier"]}).status_code == 422
    sent |= {"who_marking": ["lead_moderator"], "after_marking": "3"}
    assert client.post(where, sent).status_code == 302
    kept_one = Escalation.objects.get(kind="marking")
    assert (kept_one.roles, kept_one.after, kept_one.changed_by) == (
        ["lead_moderator"], 3, cast.pam,
    )  # fmt: skip
    assert "checked" in client.get(where).content.decode()


@pytest.mark.parametrize(
    ("offset", "days"), [("+1wd", 1), ("+3d", 3), ("-7d", 0), ("0d", 0), ("+48h", 0), ("x", 0)]
)
def test_the_days_of_an_offset(offset, days):
    assert days_after(offset) == days


def test_the_mail_waits_for_what_other_batches_bring(cast):
    """A mail that leaves between two batches of one moment would count too few."""
    set_escalations(cast.delivery, chosen={"marking": (1, ["lead_moderator"])}, actor=cast.pam)
    QuietHours.objects.create(user=cast.lea, is_on=False)
    overdue(cast, "+1wd")
    (message,) = OutboxMessage.objects.filter(topic=OVERDUE)
    rests = message.available_at - message.notification.created_at
    assert timedelta(seconds=59) < rests < timedelta(seconds=62)
