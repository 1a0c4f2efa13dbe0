"""The second assessor's whole world, byte by byte, whether or not the first has decided.

One world is built up to the point where both have the work open. Everything that the second assessor can get is
read, then the first seals (or does not), then it is read again in the same order. What differs from one request
to the next in any case (tokens of forms, the moment) is taken out, and nothing else.
"""

import io
import re
import zipfile

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assessment.actions.allocation import (
    allocate,
    allocate_automatically,
    claim_next,
    end_allocation,
    hand_back,
)
from assessment.actions.deciding import record_decision, refer
from assessment.actions.double import plan_readings
from assessment.actions.sharing import set_capacity
from assessment.enums import AllocationRole, Reading
from assessment.handlers import still_unallocated
from assessment.models import Allocation, ReadingDraw, ReadingPlan
from assessment.selectors import open_work, role_needed
from assessment.selectors.filters import Filters
from assessment.selectors.queue import queue_for
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from tests.factories.assessment import allocated, drafted, opened
from tests.factories.portfolios import submitted
from workflows.exceptions import NotPermitted
from workflows.models import Deadline, Notification, Reminder
from workflows.selectors.agenda import agenda_of

TOKENS = (
    (re.compile(r'"until": ?"[^"]+"'), "UNTIL"),
    (re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"'), "TOKEN"),
    (re.compile(r'nonce-[^\'" ]+|nonce="[^"]+"'), "NONCE"),
    (re.compile(r'data-autosave-key="[^"]+"'), "KEY"),
    (re.compile(r'data-csrf="[^"]+"|content="[A-Za-z0-9]{64}"'), "TOKEN"),
)
OWN = re.compile(r'action="/inbox/[^"]+"|<time.*?</time>')
HEADERS = ("Set-Cookie", "X-Request-Id", "Content-Security-Policy", "Server-Timing")


def second_of(submission):
    live = Allocation.objects.current().filter(submission=submission)
    return live.get(role=AllocationRole.SECOND_ASSESSOR).assessor


def unpacked(body):
    """The files of an archive, without the moment at which it was made."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return repr([(one, archive.read(one)) for one in archive.namelist()])


def world_of(person, submission, *, without=""):
    """Each answer: status, headers, body, and the statements that made it."""
    client = Client()
    client.force_login(person)
    key = submission.pk
    address = reverse
    asked = [
        ("get", address("assessment:home")),
        ("get", address("assessment:queue")),
        ("get", address("assessment:queue") + "?state=in_assessment"),
        ("get", address("assessment:queue") + "?state=submitted&whose=mine"),
        ("get", address("assessment:workspace", args=[key])),
        ("get", address("assessment:finish", args=[key])),
        ("get", address("assessment:recorded", args=[key])),
        ("get", address("assessment:result", args=[key])),
        ("get", address("assessment:ask_review", args=[key])),
        ("get", address("assessment:discussion", args=[key])),
        ("get", address("assessment:known", args=[key])),
        ("get", address("assessment:comments_table", args=[key])),
        ("get", address("assessment:comments_vtt", args=[key, 1])),
        ("get", address("assessment:offline")),
        ("post", address("assessment:other_decision", args=[key])),
        ("post", address("assessment:first_decision", args=[key])),
        ("post", address("assessment:autosave", args=[key])),
        ("post", address("assessment:lease", args=[key])),
        ("post", address("assessment:finish", args=[key])),
        ("get", address("workflows:inbox")),
        ("get", address("workflows:agenda")),
        ("get", address("assessment:offline_files", args=[submission.delivery_id])),
    ]
    seen = []
    for method, where in asked:
        if without and where.endswith(f"/{without}/"):
            continue
        with CaptureQueriesContext(
            connection,
        ) as made:
            answer = getattr(client, method)(where)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        text = unpacked(body) if body[:2] == b"PK" else body.decode()
        for pattern, word in TOKENS:
            text = pattern.sub(word, text)
        headers = {name: value for name, value in answer.headers.items() if name not in HEADERS}
        statements = [re.sub(r"'[^']*'|\d+", "?", one["sql"]) for one in made.captured_queries]
        seen.append((where, answer.status_code, headers, text, statements))
    return seen


def notices_of(person):
    return list(
        Notification.objects.filter(recipient=person).order_by("pk").values_list("topic", "path")
    )


def dates_of(person):
    rows = Reminder.objects.filter(recipient=person).order_by("pk")
    kept = rows.values_list("pk", "offset", "fire_at", "state", "generation")
    deadlines = Deadline.objects.filter(reminders__recipient=person).distinct()
    return list(kept), list(deadlines.values_list("pk", "due_at", "generation", "state"))


def both_open(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada, "M")
    second = second_of(submission)
    drafted(submission, second, "M")
    return submission, second


def verdict(name, cast, submission):
    if name == "nothing":
        return
    if name == "opened":
        opened(submission, cast.ada)
        return
    if name == "handed back":
        drafted(submission, cast.ada, "G")
        hand_back(submission, actor=cast.ada)
        return
    drafted(submission, cast.ada, "E" if name == "best" else "NY")
    if name == "refer":
        refer(submission, actor=cast.ada)
    else:
        record_decision(submission, actor=cast.ada)


def test_both_are_asked_before_anybody_has_decided(double):
    submission = allocated(double)
    drafted(submission, double.ada, "M")
    second = second_of(submission)
    assert second != double.ada
    first = Allocation.objects.get(submission=submission, role=AllocationRole.ASSESSOR)
    other = Allocation.objects.get(submission=submission, role=AllocationRole.SECOND_ASSESSOR)
    assert first.due_at == other.due_at
    assert not submission.decisions.filter(sealed_at__isnull=False).exists()


def test_every_answer_is_the_same_whatever_the_first_did(double):
    submission, second = both_open(double)
    before = world_of(second, submission)
    notices, dates = notices_of(second), dates_of(second)
    for name in ("nothing", "best", "refer", "handed back"):
        with transaction.atomic():
            verdict(name, double, submission)
            after = world_of(second, submission)
            assert notices_of(second) == notices
            assert dates_of(second) == dates
            transaction.set_rollback(True)
        # A lease that ended with its part is not asked about any more; every answer is the same all the same.
        kept = 4 if name == "handed back" else 5
        for one, other in zip(before, after, strict=True):
            assert one[:kept] == other[:kept], f"{one[0]} after {name}"


def test_what_the_first_does_afterwards_is_the_same_too(double):
    submission, second = both_open(double)
    verdicts = []
    for levels in ("nothing", "best"):
        with transaction.atomic():
            verdict(levels, double, submission)
            client = Client()
            client.force_login(second)
            where = reverse("assessment:finish", args=[submission.pk])
            version = submission.decisions.get(author=second).version
            sent = client.post(where, {"verdict": "record", "version": version})
            page = client.get(sent.url)
            verdicts.append((sent.status_code, page.status_code, len(page.content)))
            text = page.content.decode()
            assert "Your decision is sealed" in text
            transaction.set_rollback(True)
    assert verdicts[0] == verdicts[1]


def test_neither_stands_in_the_others_way_while_both_have_it_open(double):
    submission, _second = both_open(double)
    assert Submission.objects.get(pk=submission.pk).lease.holder == double.ada
    client = Client()
    client.force_login(double.ada)
    page = client.get(reverse("assessment:workspace", args=[submission.pk])).content.decode()
    assert "has had this open" not in page
    assert drafted(submission, double.ada, "G").author == double.ada


def test_the_reminders_of_one_end_without_moving_those_of_the_other(double):
    submission, second = both_open(double)
    deadline = Deadline.objects.of(submission).open().get(kind="marking")
    assert set(deadline.people) == {str(double.ada.pk), str(second.pk)}
    record_decision(submission, actor=double.ada)
    after = Deadline.objects.get(pk=deadline.pk)
    assert after.people == [str(second.pk)]
    assert (after.generation, after.state) == (deadline.generation, "open")
    planned = Reminder.objects.filter(deadline=deadline, state="planned")
    assert {one.recipient for one in planned} == {second}
    # A date that stayed until the other one sealed would tell when that was.
    assert agenda_of(double.ada) == []
    assert [one.deadline for one in agenda_of(second)] == [after]


def test_first_work_that_is_handed_back_after_the_second_sealed_is_asked_for_again(double):
    submission, second = both_open(double)
    record_decision(submission, actor=second)
    hand_back(submission, actor=double.ada)
    fresh = Submission.objects.get(pk=submission.pk)
    # The other one is at it, or was: for them the work is where it was.
    assert fresh.state == SubmissionState.IN_ASSESSMENT
    assert not submission.parts.filter(person=double.ada, ended_at__isnull=True).exists()
    assert role_needed(fresh) == AllocationRole.ASSESSOR
    assert open_work(double.delivery) == [fresh]


def shared(cast, percent=100):
    """Of the task so many of a hundred are marked twice."""
    plan_readings(cast.delivery, cast.task, actor=cast.pam, reading=Reading.SHARE, percent=percent)
    return submitted(cast)


@pytest.fixture
def twice(double):
    """Lena's work, which was drawn to be marked twice, and for which both were asked."""
    submission = shared(double)
    allocate(submission, double.ada, actor=double.pam)
    allocate_automatically(submission)
    return double, submission, second_of(submission)


def test_who_has_not_begun_sees_nothing_of_what_the_other_does(twice):
    cast, submission, second = twice
    # Asking for the lease takes it: what a page sends that is open does not belong to who has not begun.
    before = world_of(second, submission, without="lease")
    notices, dates = notices_of(second), dates_of(second)
    statements = {}
    for name in ("opened", "best", "refer"):
        with transaction.atomic():
            verdict(name, cast, submission)
            after = world_of(second, submission, without="lease")
            assert notices_of(second) == notices
            assert dates_of(second) == dates
            transaction.set_rollback(True)
        for one, other in zip(before, after, strict=True):
            assert one[:4] == other[:4], f"{one[0]} after {name}"
        statements[name] = [one[4] for one in after]
    # That somebody has it open asks the database once more; that they decided asks nothing.
    assert statements["opened"] == statements["best"] == statements["refer"]


def test_the_state_in_the_queue_is_what_one_did_oneself(twice):
    cast, submission, second = twice
    opened(submission, cast.ada)

    def seen(person, **asked):
        return [row.state for row in queue_for(person, Filters(**asked), 1).rows]

    assert (seen(cast.ada), seen(second)) == (["Being assessed"], ["Submitted"])
    assert seen(second, state="submitted") == ["Submitted"]
    assert seen(second, state="in_assessment") == seen(cast.ada, state="submitted") == []
    # Whoever leads the work reads how it stands.
    assert seen(cast.pam) == ["Being assessed"]
    opened(submission, second)
    assert seen(second, state="in_assessment") == ["Being assessed"]
    for person in (cast.ada, second):
        assert [row.opened_by for row in queue_for(person, Filters(), 1).rows] == [""]


def test_whoever_marks_a_share_is_not_told_whether_theirs_was_drawn(double):
    submission = shared(double)
    worlds = []
    for percent in (0, 100):
        with transaction.atomic():
            ReadingPlan.objects.update(percent=percent)
            allocate(Submission.objects.get(pk=submission.pk), double.ada, actor=double.pam)
            allocate_automatically(submission)
            drafted(submission, double.ada, "NY")
            assert ReadingDraw.objects.get().is_double == (percent == 100)
            people = Allocation.objects.current().filter(submission=submission).count()
            assert people == (2 if percent else 1)
            worlds.append((world_of(double.ada, submission), notices_of(double.ada)))
            transaction.set_rollback(True)
    (once, told), (drawn, told_of_drawn) = worlds
    assert told == told_of_drawn
    for one, other in zip(once, drawn, strict=True):
        # The message of each world has a key and a moment of its own, and it may be another length.
        where, status, headers, text = one[:4]
        if where == reverse("workflows:inbox"):
            assert OWN.sub("", text) == OWN.sub("", other[3])
        else:
            assert (status, headers, text) == other[1:4], where


def test_the_pool_offers_both_parts_from_the_beginning(twice):
    cast, submission, second = twice
    # The second part is nobody's, and nobody has time for it: whoever likes takes it.
    held = Allocation.objects.get(submission=submission, role=AllocationRole.SECOND_ASSESSOR)
    for name in ("abe", "ana", "ada"):
        set_capacity(cast.delivery, cast.people[name], actor=cast.pam, shares=1, hours=0)
    end_allocation(held, actor=cast.pam, reason="Away")
    assert open_work(cast.delivery) == [submission]
    before = world_of(second, submission)
    for name in ("opened", "best"):
        with transaction.atomic():
            verdict(name, cast, submission)
            for one, other in zip(before, world_of(second, submission), strict=True):
                assert one == other, f"{one[0]} after {name}"
            transaction.set_rollback(True)
    (row,) = queue_for(second, Filters(), 1).rows
    assert (row.is_claimable, row.state, row.opened_by) == (True, "Submitted", "")
    assert queue_for(cast.ada, Filters(whose="unallocated"), 1).rows == []
    assert claim_next(actor=second, delivery=cast.delivery.pk) == submission
    assert second_of(submission) == second
    assert open_work(cast.delivery) == []
    assert claim_next(actor=second, delivery=cast.delivery.pk) is None


def test_only_whoever_has_it_hands_one_of_two_parts_back(double):
    submission, second = both_open(double)
    for name in ("moses", "rita"):
        with pytest.raises(NotPermitted):
            hand_back(submission, actor=double.people[name])
    hand_back(submission, actor=second)
    assert role_needed(Submission.objects.get(pk=submission.pk)) == AllocationRole.SECOND_ASSESSOR
    hand_back(submission, actor=double.ada)
    assert Submission.objects.get(pk=submission.pk).state == SubmissionState.SUBMITTED


def test_a_notice_of_missing_people_counts_while_either_part_is_free(twice):
    _cast, submission, _second = twice
    notice = Notification(topic="assessment.nobody_eligible", subject_id=submission.pk)
    assert not still_unallocated(notice)
    Allocation.objects.filter(role=AllocationRole.SECOND_ASSESSOR).update(
        ended_at=submission.submitted_at
    )
    assert still_unallocated(notice)
