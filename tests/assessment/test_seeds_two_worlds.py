"""An assessor's whole world, byte by byte, with a seed and with a learner's work of the same content.

One world is built up to the point where the work comes. In one copy a learner hands in what the agreed work holds,
in the other it comes as a seed, both at the same frozen moment. Everything that the assessor can get is read in
each state of marking (PROOF=full; else in one). Keys and codes of the two are taken out, and what differs from one
request to the next.
"""

import io
import os
import re
import zipfile
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from assessment.actions.allocation import hand_back
from assessment.actions.conflicts import declare_known
from assessment.actions.deciding import record_decision, refer
from assessment.actions.exemplars import Anonymous, retire_exemplar
from assessment.actions.marking import raise_concern
from assessment.actions.reviewing import ask_review
from assessment.models import Exemplar
from catalogue.models import Criterion
from portfolios import storage
from portfolios.actions.drafting import (
    add_file_evidence,
    describe_evidence,
    map_evidence,
    save_reflection,
)
from portfolios.actions.drafting import add_note as add_words
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.manifest import Support
from portfolios.models import Submission
from tests.assessment.test_two_worlds import HEADERS, TOKENS
from tests.factories.assessment import allocated, drafted, opened
from tests.factories.portfolios import portfolio_of, submit
from tests.factories.seeds import TEXTS, anchored, hidden, planned, relay, seeded_cast
from tests.worlds import kept
from workflows.models import Notification, Reminder

pytestmark = [pytest.mark.django_db]


@kept
def cast():
    """Ada has one piece of live work; Mere's decided work is agreed on."""
    made = seeded_cast(learners=3)
    allocated(made, "lena")
    made.plan = planned(made)
    relay()
    return made


def from_learner(cast):
    """Hōne hands in what the agreed work holds, by the actions that a learner's pages call.

    What each piece shows, where and since when, and the use of AI are said as learners are asked to say them.
    """
    exemplar = Exemplar.objects.current().get()
    portfolio = portfolio_of(cast, "hone")
    criteria = list(Criterion.objects.filter(rubric__task=cast.task).order_by("number"))
    held = []
    for words, supports in exemplar.notes.items():
        with time_machine.travel(timezone.now() - timedelta(seconds=1), tick=False):
            note = add_words(portfolio, actor=cast.hone, note=words, title="What I kept")
        held.append((note, {said["criterion"]: said for said in supports}))
    for one in exemplar.evidence.select_related("item").order_by("number"):
        item = add_file_evidence(
            portfolio, actor=cast.hone, name=one.name, pieces=storage.read(one.item.copy_key),
            expected_size=one.item.copy_size, kind=one.item.kind,
        )  # fmt: skip
        describe_evidence(
            item, actor=cast.hone, title=one.name, description=one.about,
            happened_on=one.item.happened_on,
        )  # fmt: skip
        held.append((item, {said["criterion"]: said for said in one.supports}))
    scan_waiting_evidence(limit=10)
    for item, supports in held:
        item.refresh_from_db()
        for criterion in criteria:
            if said := supports.get(criterion.code):
                map_evidence(
                    portfolio, item, criterion, actor=cast.hone,
                    claim=said["claim"], locator=said["locator"],
                )  # fmt: skip
    for said in exemplar.texts:
        for criterion in criteria:
            if said["criterion"] == criterion.code:
                save_reflection(
                    portfolio, criterion, actor=cast.hone, text=said["text"], seen_version=0
                )
    return submit(portfolio, ai_use=exemplar.ai_use)


def comes(cast, how):
    """The work as it stands in Ada's queue."""
    if how == "seed":
        return Submission.objects.get(pk=hidden(cast, cast.plan).submission_id)
    # Nobody else may take it, so that it goes where the seed goes.
    cast.delivery.roles.filter(user__in=[cast.abe, cast.ana]).update(ended_at=timezone.now())
    made = from_learner(cast)
    relay()
    return Submission.objects.get(pk=made.pk)


def unpacked(body, codes):
    """The files of an archive, by what stands for their codes: in the archive they stand in the order of these."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        files = [(masked(one, codes), archive.read(one)) for one in archive.namelist()]
    return repr(sorted(files))


def codes_of(submission):
    """Everything that names this piece of work and nothing else, and what stands for it."""
    found = {
        str(submission.pk): "WORK",
        submission.reference: "REFERENCE",
        submission.pseudonym: "WHO",
        submission.fingerprint: "FINGERPRINT",
        submission.fingerprint[:12]: "FINGER",
    }
    for pin in submission.pins.all():
        found[str(pin.evidence_id)] = f"EVIDENCE {pin.number}"
    for decision in submission.decisions.all():
        found[str(decision.pk)] = "DECISION"
    for review in submission.feedback_reviews.all():
        found[str(review.pk)] = "REVIEW"
    return found


def world_of(cast, submission):
    """Each answer: status, headers, body, and the statements that made it."""
    client = Client()
    client.force_login(cast.ada)
    key, place = submission.pk, cast.delivery.pk
    address = reverse
    asked = [
        ("get", address("home")),
        ("get", address("assessment:home")),
        ("get", address("assessment:queue")),
        ("get", address("assessment:queue") + f"?delivery={place}"),
        ("get", address("assessment:queue") + f"?delivery={place}&whose=mine"),
        ("get", address("assessment:queue") + f"?task={cast.task.pk}&attempt=1&due=later"),
        ("get", address("assessment:queue") + "?whose=unallocated"),
        ("get", address("assessment:workspace", args=[key])),
        ("get", address("assessment:workspace", args=[key]) + f"?delivery={place}&criterion=2"),
        ("get", address("assessment:ahead", args=[key])),
        ("get", address("assessment:ahead", args=[key]) + f"?delivery={place}"),
        ("get", address("assessment:finish", args=[key])),
        ("get", address("assessment:recorded", args=[key])),
        ("get", address("assessment:result", args=[key])),
        ("get", address("assessment:ask_review", args=[key])),
        ("get", address("assessment:discussion", args=[key])),
        ("get", address("assessment:known", args=[key])),
        ("get", address("assessment:comments_table", args=[key])),
        ("get", address("assessment:comments_vtt", args=[key, 1])),
        ("get", address("assessment:comment", args=[key, 1])),
        ("get", address("assessment:reveal_learner", args=[key])),
        ("get", address("assessment:offline")),
        ("get", address("assessment:offline_files", args=[place])),
        ("get", address("assessment:calibration")),
        ("get", address("assessment:exemplars")),
        ("get", address("assessment:bank")),
        ("get", address("workflows:inbox")),
        ("get", address("workflows:agenda")),
        ("get", address("catalogue:delivery", args=[place])),
        ("get", address("portfolios:receipts") + f"?reference={submission.reference}"),
        ("get", address("portfolios:extensions")),
        ("post", address("assessment:other_decision", args=[key])),
        ("post", address("assessment:first_decision", args=[key])),
        ("post", address("assessment:autosave", args=[key])),
        ("post", address("assessment:lease", args=[key])),
        ("post", address("assessment:finish", args=[key])),
        ("post", address("assessment:flag", args=[key])),
        *(
            ("get", address(f"portfolios:{page}", args=[pin.evidence_id]))
            for page in ("serve", "original", "preview", "view", "captions")
            for pin in submission.pins.order_by("number")
        ),
    ]
    codes = codes_of(submission)
    seen = []
    for method, where in asked:
        with CaptureQueriesContext(connection) as made:
            answer = getattr(client, method)(where)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        text = unpacked(body, codes) if body[:2] == b"PK" else body.decode("utf-8", "replace")
        for pattern, word in TOKENS:
            text = pattern.sub(word, text)
        headers = {name: value for name, value in answer.headers.items() if name not in HEADERS}
        # The bodies are compared, and a serial number that is masked in them may have a digit more.
        headers.pop("Content-Length", None)
        statements = [re.sub(r"'[^']*'|\d+", "?", one["sql"]) for one in made.captured_queries]
        seen.append(
            (
                masked(where, codes), answer.status_code, masked(repr(headers), codes),
                masked(text, codes), len(statements),
            )
        )  # fmt: skip
    return seen


SERIAL = re.compile(r"/inbox/\d+/")
"""A number that the database counts on, also where what was counted is undone."""


def masked(text, codes):
    text = SERIAL.sub("/inbox/N/", text)
    for code, word in codes.items():
        text = text.replace(code, word)
    return text


def told(cast, submission):
    """Notices and dates of the assessor about it, with what stands in them."""
    codes = codes_of(submission)
    notices = Notification.objects.filter(recipient=cast.ada).order_by("pk")
    reminders = Reminder.objects.filter(recipient=cast.ada).order_by("deadline__pk", "fire_at")
    return (
        [
            masked(repr((one.topic, one.path, one.context, one.lane, one.in_app)), codes)
            for one in notices
        ],
        [
            masked(
                repr((one.offset, one.fire_at, one.state, one.deadline.kind, one.deadline.due_at,
                      one.deadline.zone, one.deadline.region, str(one.deadline.subject_id))),
                codes,
            )
            for one in reminders.select_related("deadline")
        ],
    )  # fmt: skip


STATES = {
    "waits": lambda _cast, _work: None,
    "open": lambda cast, work: opened(work, cast.ada),
    "drafted": lambda cast, work: drafted(work, cast.ada, "M"),
    "decided": lambda cast, work: (
        drafted(work, cast.ada, "M"), record_decision(work, actor=cast.ada)
    ),
    "referred": lambda cast, work: (drafted(work, cast.ada, "NY"), refer(work, actor=cast.ada)),
    "in doubt": lambda cast, work: (
        drafted(work, cast.ada, "M"),
        raise_concern(work, actor=cast.ada, concern="I have read this somewhere."),
    ),
    "asked about": lambda cast, work: (
        drafted(work, cast.ada, "M"), ask_review(work, actor=cast.ada, question="Is this clear?")
    ),
    "handed back": lambda cast, work: (
        drafted(work, cast.ada, "M"), hand_back(work, actor=cast.ada, reason="No time")
    ),
    "known": lambda cast, work: declare_known(work, actor=cast.ada, kind="whanau"),
}  # fmt: skip
"""What the assessor may do with a piece of work, by the state it comes to."""


@contextmanager
def undone():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


FULL = os.environ.get("PROOF") == "full"


@pytest.mark.proof
@pytest.mark.parametrize("state", STATES if FULL else ["drafted"])
def test_every_answer_is_the_same_for_a_seed_and_for_live_work(cast, state):
    assert_alike(cast, state)


@pytest.mark.proof
def test_so_it_is_where_a_required_criterion_rests_on_a_note_alone(cast):
    agreed = Exemplar.objects.get()
    retire_exemplar(agreed, actor=cast.lea, reason="Its note was left out.")
    file = agreed.evidence.get()
    shows = [Support(code, f"Shows {code}.", "page 1") for code in ("C2", "C3")]
    kept_list = ("I kept a list of what I changed.", [Support("C1", "Lists each heading.", "")])
    work = Anonymous(TEXTS, [(file.item, file.about)], {file.item_id: shows}, notes=[kept_list])
    anchored(cast, work=work)
    assert_alike(cast, "drafted")


def assert_alike(cast, state):
    worlds = {}
    now = timezone.now()
    for how in ("live", "seed"):
        with undone(), time_machine.travel(now, tick=False):
            submission = comes(cast, how)
            STATES[state](cast, submission)
            relay()
            submission.refresh_from_db()
            worlds[how] = (world_of(cast, submission), told(cast, submission))
    live, seed = worlds["live"], worlds["seed"]
    apart = [
        (one[0], difference(one, other))
        for one, other in zip(live[0], seed[0], strict=True)
        if one != other
    ]
    assert not apart, f"while {state}: " + "\n".join(map(repr, apart))
    assert live[1] == seed[1], difference(live[1], seed[1])


def difference(one, other):
    """Where two answers part, with what stands around it."""
    for first, second in zip(one, other, strict=True):
        if first != second:
            said = str(first), str(second)
            pairs = enumerate(zip(*said, strict=False))
            at = next((number for number, (a, b) in pairs if a != b), 0)
            return [text[max(0, at - 60) : at + 120] for text in said]
    return None
