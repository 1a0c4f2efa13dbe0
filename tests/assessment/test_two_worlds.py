"""The second assessor's whole world, byte by byte, whether or not the first has decided.

One world is built up to the point where both have the work open. Everything that the second assessor can get is
read, then the first seals (or does not), then it is read again in the same order. What differs from one request
to the next in any case (tokens of forms, the moment) is taken out, and nothing else.
"""

import io
import re
import zipfile

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assessment.actions.deciding import record_decision, refer
from assessment.enums import AllocationRole
from assessment.models import Allocation
from portfolios.models import Submission
from tests.factories.assessment import allocated, drafted
from workflows.models import Deadline, Notification, Reminder

TOKENS = (
    (re.compile(r'"until": ?"[^"]+"'), "UNTIL"),
    (re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"'), "TOKEN"),
    (re.compile(r'nonce-[^\'" ]+|nonce="[^"]+"'), "NONCE"),
    (re.compile(r'data-csrf="[^"]+"|content="[A-Za-z0-9]{64}"'), "TOKEN"),
)
HEADERS = ("Set-Cookie", "X-Request-Id", "Content-Security-Policy", "Server-Timing")


def second_of(submission):
    live = Allocation.objects.current().filter(submission=submission)
    return live.get(role=AllocationRole.SECOND_ASSESSOR).assessor


def unpacked(body):
    """The files of an archive, without the moment at which it was made."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return repr([(one, archive.read(one)) for one in archive.namelist()])


def world_of(person, submission):
    """Each answer: status, headers, body, and the statements that made it."""
    client = Client()
    client.force_login(person)
    key = submission.pk
    address = reverse
    asked = [
        ("get", address("assessment:home")),
        ("get", address("assessment:queue")),
        ("get", address("assessment:queue") + "?state=in_assessment"),
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
    for name in ("nothing", "best", "refer"):
        with transaction.atomic():
            verdict(name, double, submission)
            after = world_of(second, submission)
            assert notices_of(second) == notices
            assert dates_of(second) == dates
            transaction.set_rollback(True)
        for one, other in zip(before, after, strict=True):
            assert one == other, f"{one[0]} after {name}"


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


def test_first_work_that_is_handed_back_after_the_second_sealed_is_asked_for_again(double):
    from assessment.actions.allocation import hand_back
    from assessment.selectors import open_work, role_needed

    submission, second = both_open(double)
    record_decision(submission, actor=second)
    hand_back(submission, actor=double.ada)
    fresh = Submission.objects.get(pk=submission.pk)
    assert role_needed(fresh) == AllocationRole.ASSESSOR
    assert open_work(double.delivery) == [fresh]
