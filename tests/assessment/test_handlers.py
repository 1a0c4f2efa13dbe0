"""Who is told, and when a reminder or a mail has nothing to say any more."""

import pytest
from django.utils import timezone

from assessment import rules
from assessment.actions.allocation import allocate, hand_back
from assessment.actions.deciding import record_decision
from assessment.actions.marking import save_draft, start_assessment
from assessment.handlers import (
    marking_reminder,
    still_allocated,
    still_to_mark,
    still_unallocated,
)
from assessment.models import Allocation
from assessment.querysets import waiting_for
from moderation.actions import return_item
from portfolios.enums import HoldKind
from portfolios.enums import SubmissionState as S
from portfolios.models import Hold, Submission
from tests.factories.assessment import allocated, assessed, decided, marks, opened, referred
from tests.factories.moderation import drawn_round, scored
from tests.factories.portfolios import submitted
from workflows import outbox
from workflows.exceptions import GuardsNotMet
from workflows.models import Deadline, Notification
from workflows.notifications import render


def relayed():
    while outbox.relay():
        pass


def returned(cast):
    """Lena's decided work, given back by its moderator with what is to be done."""
    made = drawn_round(cast)
    item = scored(made.items.select_related("submission").order_by("pk").first(), "M")
    return_item(
        item,
        actor=item.moderator,
        reason="Criterion 2 is marked too high.",
        action="Read criterion 2 again.",
    )
    return Submission.objects.get(pk=item.submission_id)


def test_a_referral_reaches_the_learner_at_once_without_any_level(cast):
    submission = referred(cast, levels=["NY", "M", "M"])
    relayed()
    notice = Notification.objects.get(topic="assessment.referral")
    assert notice.recipient == cast.lena
    assert notice.path == f"/learn/referral/{submission.pk}/"
    # The mail brings the new date for the learner's calendar.
    assert (notice.deadline.kind, notice.deadline.subject_id) == (
        "resubmission", submission.portfolio_id,
    )  # fmt: skip
    text = " ".join(render(notice))
    for word in ("Not yet", "Met", "On C1", "look at the evidence"):
        assert word not in text


def test_nobody_is_told_of_a_decision(cast):
    assessed(cast)
    relayed()
    assert (
        not Notification.objects.filter(recipient=cast.lena)
        .exclude(topic="portfolios.submission.submitted")
        .exists()
    )


def test_a_return_reaches_its_author_who_revises_with_a_reason(client, cast):
    submission = returned(cast)
    relayed()
    author = submission.decisions.final().last().author
    assert Notification.objects.get(topic="assessment.returned").recipient == author
    assert submission.state == S.IN_ASSESSMENT
    assert rules.is_turn(submission, author)
    listed = waiting_for(Submission.objects.all(), author)
    assert submission in listed
    draft = opened(submission, author)
    assert draft.number == 2
    assert draft.judgements.filter(level__isnull=False).count() == 3
    with pytest.raises(GuardsNotMet) as caught:
        record_decision(submission, actor=author)
    assert caught.value.codes == ["revision_missing"]
    client.force_login(author)
    page = client.get(f"/assess/m/{submission.pk}/").content.decode()
    assert "Returned by the moderator" in page
    assert "Read criterion 2 again." in page
    save_draft(
        submission.pk,
        actor=author,
        marks=marks(submission, "M", reason="Criterion 2 is Met, not Met well."),
        seen_version=draft.version,
    )
    finish = client.get(f"/assess/m/{submission.pk}/finish/").content.decode()
    changes = finish[finish.index("What you change") : finish.index("What is your verdict?")]
    assert "The rubric was read differently" in changes
    assert "Criterion 2 is Met, not Met well." in changes
    assert "Before" in changes
    record_decision(submission, actor=author)
    result = submission.decisions.final().last()
    assert (result.number, result.reason) == (2, "Criterion 2 is Met, not Met well.")
    assert result.reason_code == "reading"


def test_a_mail_about_work_that_moved_on_is_not_sent(cast):
    submission = allocated(cast)
    notice = Notification.objects.get(topic="assessment.allocated")
    assert still_allocated(notice)
    opened(submission, cast.ada)
    hand_back(submission, actor=cast.ada)
    assert not still_allocated(notice)


def test_a_notice_about_the_pool_is_not_sent_once_somebody_has_it(cast):
    cast.delivery.roles.filter(role="assessor").delete()
    submission = submitted(cast)
    relayed()
    notice = Notification.objects.filter(topic="assessment.nobody_eligible").first()
    assert still_unallocated(notice)
    from catalogue.models import DeliveryRole

    DeliveryRole.objects.create(delivery=cast.delivery, user=cast.ada, role="assessor")
    allocate(submission, cast.ada, actor=cast.pam)
    assert not still_unallocated(notice)


def test_reminders_stop_when_nothing_waits(cast):
    submission = allocated(cast)
    deadline = Deadline.objects.of(submission).get(kind="marking")
    assert still_to_mark(deadline)
    hold = Hold.objects.create(
        submission=submission, kind=HoldKind.PRIVACY, reason="?", opened_by=cast.pam
    )
    assert not still_to_mark(deadline)
    Hold.objects.filter(pk=hold.pk).update(closed_at=timezone.now())
    decided(submission, cast.ada)
    assert not still_to_mark(deadline)
    deadline.refresh_from_db()
    assert deadline.state == "cancelled"


def test_a_reminder_names_work_and_date_and_no_learner(cast):
    submission = allocated(cast)
    reminder = Deadline.objects.of(submission).get(kind="marking").reminders.first()
    topic, path, context = marking_reminder(reminder)
    assert (topic, path) == ("assessment.marking_due", f"/assess/m/{submission.pk}/")
    assert set(context) == {"reference", "task", "due"}
    assert context["due"].endswith(", 5:00 pm")
    assert "Lena" not in str(context)


def test_a_handler_that_runs_twice_allocates_once(cast):
    from assessment.handlers import allocate_what_was_submitted
    from workflows.models import TransitionRecord

    submission = submitted(cast)
    record = TransitionRecord.objects.of(submission).get(name="submit")
    allocate_what_was_submitted(record)
    allocate_what_was_submitted(record)
    assert Allocation.objects.count() == 1
    start_assessment(submission, actor=Allocation.objects.get().assessor)
    allocate_what_was_submitted(record)
    assert Allocation.objects.count() == 1
