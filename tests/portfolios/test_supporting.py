"""Evidence for a special consideration: an access class of its own."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from catalogue.actions.people import assign_role, end_role
from catalogue.enums import DeliveryRoleKind
from portfolios.actions.reconciling import reconcile_evidence
from portfolios.actions.submission import lift_hold, place_hold
from portfolios.actions.supporting import (
    add_supporting,
    apply_for_consideration,
    last_day_to_apply,
    open_supporting,
)
from portfolios.enums import HoldKind
from portfolios.exceptions import ReasonNeeded, UploadRefused
from portfolios.handlers.submissions import evidence_reminder, keep_evidence_dates, still_to_support
from portfolios.models import Hold, Part, Portfolio, Submission, SupportingEvidence
from tests.factories.portfolios import png, submitted
from tests.personas import make_user
from tests.tampering import tampering
from workflows.actions import After
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import AccessRecord, Deadline, Notification

CANARY = "A broken collarbone"


def considered(cast, kind=HoldKind.SPECIAL_CONSIDERATION):
    return place_hold(submitted(cast), actor=cast.pam, kind=kind, reason="Asked for on Monday.")


def where(hold, *more):
    name = "open_supporting" if more else "supporting"
    return reverse(f"portfolios:{name}", args=[hold.submission_id, hold.pk, *more])


def test_it_is_kept_opened_with_a_record_and_never_shown_in_the_list(cast, as_):
    hold = considered(cast)
    pam = as_(cast.pam)
    file = SimpleUploadedFile("letter.png", png(), "image/png")
    sent = pam.post(where(hold), {"words": CANARY, "file": file})
    assert sent.status_code == 302
    piece = SupportingEvidence.objects.get()
    assert (piece.number, piece.media_type) == (1, "image/png")
    assert CANARY not in pam.get(where(hold)).content.decode()
    assert not AccessRecord.objects.filter(subject_id=hold.submission_id).exists()
    assert CANARY in pam.post(where(hold, 1)).content.decode()
    got = pam.post(where(hold, 1), {"part": "file"})
    assert b"".join(got.streaming_content) == png()
    assert got["Content-Disposition"].startswith("attachment")
    records = AccessRecord.objects.filter(subject_id=hold.submission_id, actor=cast.pam)
    assert [one.purpose for one in records] == ["Special consideration, evidence 1 opened"] * 2
    check = reconcile_evidence()
    assert not check.findings.exists()
    assert check.bytes > 0


@pytest.mark.parametrize("name", ["ada", "lea", "lena"])
def test_others_who_see_the_submission_are_refused(cast, as_, name):
    hold = considered(cast)
    add_supporting(hold, actor=cast.pam, words=CANARY)
    if name == "ada":
        Part.objects.create(submission=hold.submission, person=cast.ada, kind="assessor")
    client = as_(cast.people.get(name) or cast.lena)
    assert client.get(where(hold)).status_code == 403
    assert client.post(where(hold), {"words": "x"}).status_code == 403
    assert client.post(where(hold, 1)).status_code == 403
    holds = client.get(reverse("portfolios:holds", args=[hold.submission_id]))
    assert CANARY not in holds.content.decode()
    with pytest.raises(NotPermitted):
        open_supporting(hold, 1, actor=cast.people.get(name) or cast.lena)


def test_an_administrator_with_a_part_in_the_work_is_refused(cast):
    hold = considered(cast)
    Part.objects.create(submission=hold.submission, person=cast.pam, kind="assessor")
    with pytest.raises(NotPermitted):
        add_supporting(hold, actor=cast.pam, words=CANARY)
    with pytest.raises(NotPermitted):
        lift_hold(hold, actor=cast.pam, outcome="declined")


def test_the_lead_may_place_it_and_not_decide_it(cast, as_):
    hold = considered(cast)
    lift = reverse("portfolios:lift", args=[hold.submission_id, hold.pk])
    lea = as_(cast.lea)
    assert lea.post(lift, {"outcome": "declined"}).status_code == 403
    assert (
        "A programme administrator decides"
        in lea.get(reverse("portfolios:holds", args=[hold.submission_id])).content.decode()
    )
    pam = as_(cast.pam)
    assert pam.post(lift, {}).status_code == 422
    assert pam.post(lift, {"outcome": "declined"}).status_code == 302
    hold.refresh_from_db()
    assert hold.outcome == "declined"
    with pytest.raises(StaleState):
        add_supporting(hold, actor=cast.pam, words="Later.")


def test_other_holds_have_no_outcome_and_no_such_evidence(cast, as_):
    hold = considered(cast, HoldKind.INTEGRITY)
    assert as_(cast.pam).get(where(hold)).status_code == 404
    with pytest.raises(NotPermitted):
        add_supporting(hold, actor=cast.pam, words=CANARY)
    assert lift_hold(hold, actor=cast.lea, outcome="declined").outcome == ""


def test_nothing_and_what_is_no_document_are_refused(cast, as_):
    hold = considered(cast)
    assert as_(cast.pam).post(where(hold), {}).status_code == 422
    file = SimpleUploadedFile("run.exe", b"MZ\x90\x00", "application/pdf")
    answer = as_(cast.pam).post(where(hold), {"file": file})
    assert answer.status_code == 422
    with pytest.raises(UploadRefused):
        add_supporting(hold, actor=cast.pam, file=SimpleUploadedFile("a.exe", b"MZ\x90\x00"))
    assert not SupportingEvidence.objects.exists()
    with pytest.raises(ReasonNeeded):
        lift_hold(hold, actor=cast.pam)


def test_a_learner_applies_and_assessors_read_only_what_came_of_it(cast, as_):
    submission = submitted(cast)
    lena = as_(cast.lena)
    page = reverse("portfolios:consideration", args=[submission.portfolio_id])
    assert page in lena.get(f"/learn/p/{submission.portfolio_id}/state/").content.decode()
    assert lena.post(page, {"words": ""}).status_code == 422
    file = SimpleUploadedFile("letter.png", png(), "image/png")
    assert lena.post(page, {"words": CANARY, "file": file}).status_code == 302
    hold = submission.holds.get()
    assert (hold.kind, hold.opened_by) == (HoldKind.SPECIAL_CONSIDERATION, cast.lena)
    assert CANARY not in hold.reason
    deadline = Deadline.objects.of(submission).open().get(kind="consideration")
    told = Notification.objects.filter(topic="portfolios.consideration.asked")
    people = {one.recipient for one in told}
    assert deadline.people == sorted(str(one.pk) for one in people)
    assert cast.pam in people
    assert not people & {cast.ada, cast.lea, cast.moses, cast.lena}
    assert lena.post(page, {"words": "And a second letter."}).status_code == 302
    assert submission.holds.get().supporting.count() == 2
    assert CANARY not in lena.get(page).content.decode()
    for name in ("ada", "lea", "moses"):
        assert as_(cast.people[name]).get(where(hold)).status_code in (403, 404)
    assert CANARY in as_(cast.pam).post(where(hold, 1)).content.decode()
    came = make_user("peta")
    part = assign_role(cast.delivery, came, DeliveryRoleKind.ADMINISTRATOR, actor=cast.pam)
    reminded = deadline.reminders.filter(state="planned", recipient=came)
    assert reminded.exists()
    end_role(part, actor=cast.pam)
    assert not reminded.exists()
    lift_hold(hold, actor=cast.pam, outcome="impaired")
    deadline.refresh_from_db()
    assert deadline.state == "cancelled"
    lena = as_(cast.lena)
    assert "Impaired performance" in lena.get(page).content.decode()
    assert lena.post(page, {"words": "More."}).status_code == 403


def test_nobody_applies_for_another_too_late_or_once_it_is_moderated(cast, as_):
    submission = submitted(cast)
    for name in ("pam", "ada", "hone"):
        with pytest.raises(NotPermitted):
            apply_for_consideration(submission, actor=cast.people[name], words="Ill.")
    with tampering():
        Submission.objects.filter(pk=submission.pk).update(state="moderated")
    fresh = Submission.objects.get(pk=submission.pk)
    with pytest.raises(NotPermitted):
        apply_for_consideration(fresh, actor=cast.lena, words="Ill.")
    long_ago = submission.submitted_at - timedelta(days=40)
    with tampering():
        Submission.objects.filter(pk=submission.pk).update(state="assessed", submitted_at=long_ago)
    Portfolio.objects.filter(pk=submission.portfolio_id).update(due_at=long_ago)
    with pytest.raises(StaleState):
        apply_for_consideration(
            Submission.objects.get(pk=submission.pk), actor=cast.lena, words="Ill."
        )
    page = reverse("portfolios:consideration", args=[submission.portfolio_id])
    assert "The last day was" in as_(cast.lena).get(page).content.decode()


def dates(submission):
    rows = Deadline.objects.of(submission).open()
    return dict(rows.values_list("kind", "due_at"))


def counted(submission, since, days):
    delivery = submission.delivery
    return After(since, days).resolve(delivery.zone, delivery.calendar)


def test_evidence_has_a_date_of_its_own_after_applying(cast, as_):
    submission = submitted(cast)
    hold = apply_for_consideration(submission, actor=cast.lena, words="Ill.")
    assert hold.evidence_due_at == counted(submission, hold.opened_at, 10)
    assert dates(submission) == {
        "consideration_evidence": hold.evidence_due_at,
        # Nobody has to decide before there may be evidence.
        "consideration": counted(submission, hold.evidence_due_at, 5),
    }
    deadline = Deadline.objects.of(submission).get(kind="consideration_evidence")
    assert deadline.people == [str(cast.lena.pk)]
    assert deadline.reminders.filter(recipient=cast.lena, state="planned").exists()
    assert still_to_support(deadline)
    reminder = deadline.reminders.first()
    topic, path, context = evidence_reminder(reminder)
    assert (topic, context["reference"]) == (
        "portfolios.consideration.evidence_due",
        submission.reference,
    )
    assert as_(cast.lena).get(path).status_code == 200
    # The days of applying are over, and those of evidence are not.
    long_ago = submission.submitted_at - timedelta(days=40)
    with tampering():
        Submission.objects.filter(pk=submission.pk).update(submitted_at=long_ago)
    Portfolio.objects.filter(pk=submission.portfolio_id).update(due_at=long_ago)
    fresh = Submission.objects.get(pk=submission.pk)
    assert last_day_to_apply(fresh) < timezone.now()
    page = reverse("portfolios:consideration", args=[submission.portfolio_id])
    assert "You can give evidence" in as_(cast.lena).get(page).content.decode()
    letter = SimpleUploadedFile("letter.png", png(), "image/png")
    before = timezone.now()
    apply_for_consideration(fresh, actor=cast.lena, file=letter)
    assert not still_to_support(deadline)
    # With the first file there is what a decision needs; a second one moves nothing.
    due = dates(submission)["consideration"]
    assert due == counted(submission, before, 5)
    Deadline.objects.filter(kind="consideration").update(counted_from=before - timedelta(days=9))
    more = SimpleUploadedFile("more.png", png(), "image/png")
    apply_for_consideration(fresh, actor=cast.lena, file=more)
    kept = Deadline.objects.of(submission).get(kind="consideration")
    assert (kept.due_at, kept.counted_from) == (due, before - timedelta(days=9))
    with pytest.raises(StaleState):
        Hold.objects.filter(pk=hold.pk).update(evidence_due_at=timezone.now())
        apply_for_consideration(fresh, actor=cast.lena, words="Too late.")
    assert "The last day for evidence was" in as_(cast.lena).get(page).content.decode()
    lift_hold(hold, actor=cast.pam, outcome="declined")
    assert dates(submission) == {}


def test_a_moved_date_for_evidence_is_the_one_that_counts(cast):
    submission = submitted(cast)
    hold = apply_for_consideration(submission, actor=cast.lena, words="Ill.")
    deadline = Deadline.objects.of(submission).get(kind="consideration_evidence")
    later = deadline.due_at + timedelta(days=3)
    Deadline.objects.filter(pk=deadline.pk).update(due_at=later)
    deadline.refresh_from_db()
    keep_evidence_dates(deadline)
    hold.refresh_from_db()
    assert hold.evidence_due_at == later


def test_who_gives_a_file_at_once_has_a_decision_counted_from_then(cast):
    submission = submitted(cast)
    letter = SimpleUploadedFile("letter.png", png(), "image/png")
    hold = apply_for_consideration(submission, actor=cast.lena, file=letter)
    assert dates(submission)["consideration"] == counted(submission, hold.opened_at, 5)
