"""Whoever narrowed the queue stays in that view: on every page of marking, behind each link, form and step."""

import re

import pytest
from django.urls import reverse

from accounts.enums import ConflictKind
from assessment.actions.allocation import allocate
from assessment.actions.commenting import write_comment
from assessment.actions.double import plan_readings
from assessment.definitions import Remark
from assessment.enums import Reading
from assessment.models import AssessmentDecision
from tests.factories.assessment import allocated, assessed, decided, drafted, opened, referred
from tests.personas import Cast, as_, make_cast
from tests.tampering import tampering
from tests.worlds import kept

VIEW = "whose=mine&rows=50"
PLACES = re.compile(r' (?:href|action|hx-get|hx-post|data-ahead)="(/assess/(?:m/|queue/)[^"#]*)')
OWN = ("table.csv", ".vtt", "/queue/views/")
"""Files, and names of views: nobody goes on marking from there."""


def url(name, *args):
    return f"{reverse(f'assessment:{name}', args=args)}?{VIEW}"


def left_behind(answer):
    """Those places on a page that lead on with marking and forget the view."""
    main = answer.content.decode().partition("<main")[2] or answer.content.decode()
    found = PLACES.findall(main.replace("&amp;", "&"))
    assert found, "nothing leads on from here"
    return [one for one in found if VIEW not in one and not any(a in one for a in OWN)]


@kept
def talking() -> Cast:
    return make_cast(learners=2, policy={"marking.double": True, "double.discussion": True})


def test_the_pages_of_marking(cast):
    submission = allocated(cast)
    ada = as_(cast.ada)
    assert not left_behind(ada.get(url("workspace", submission.pk)))
    assert not left_behind(ada.get(url("known", submission.pk)))
    drafted(submission, cast.ada)
    comment = write_comment(submission.pk, actor=cast.ada, evidence=1, remark=Remark("Look."))
    assert not left_behind(ada.get(url("workspace", submission.pk)))
    for name, *more in (
        ("known",),
        ("finish",),
        ("ask_review",),
        ("comment", 1),
        ("change_comment", comment.pk),
    ):
        assert not left_behind(ada.get(url(name, submission.pk, *more))), name
    refused = ada.post(url("finish", submission.pk), {"verdict": ""})
    assert (refused.status_code, left_behind(refused)) == (422, [])
    lost = ada.post(url("save", submission.pk), {"version": 0})
    assert (lost.status_code, left_behind(lost)) == (409, [])


def test_the_parts_that_scripts_put_into_the_workspace(cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    comment = write_comment(submission.pk, actor=cast.ada, evidence=1, remark=Remark("Look."))
    ada = as_(cast.ada)
    within = {"HX-Request": "true"}
    for name, sent, *more in (
        ("flag", {"number": 1, "flagged": "yes"}),
        ("mark_comment", {"deed": "resolved"}, comment.pk),
        ("comment", {"body": "And this.", "audience": "learner", "page": ""}, 1),
    ):
        part = ada.post(url(name, submission.pk, *more), sent, headers=within)
        assert (part.status_code, left_behind(part)) == (200, []), name
    assert not left_behind(ada.get(url("comment", submission.pk, 1), headers=within))


def test_the_pages_after_a_verdict(cast):
    done, back = assessed(cast), referred(cast, "hone")
    for one in (done, back):
        for name in ("recorded", "workspace"):
            assert not left_behind(as_(cast.ada).get(url(name, one.pk))), name


def test_the_pages_of_whoever_leads(cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    page = as_(cast.lea).get(url("workspace", submission.pk))
    assert f'action="{url("take_over", submission.pk)}"' in page.content.decode().replace(
        "&amp;", "&"
    )
    assert f'action="{url("hand_back", submission.pk)}"' in as_(cast.pam).get(
        url("workspace", submission.pk)
    ).content.decode().replace("&amp;", "&")
    assert not left_behind(page)


def test_the_pages_of_two_assessors(talking):
    submission = allocated(talking)
    allocate(submission, talking.abe, actor=talking.pam)
    decided(submission, talking.ada, "E")
    decided(submission, talking.abe, "NY")
    ada, lea = as_(talking.ada), as_(talking.lea)
    assert not left_behind(ada.get(url("workspace", submission.pk)))
    assert not left_behind(ada.get(url("discussion", submission.pk)))
    assert not left_behind(ada.post(url("other_decision", submission.pk)))
    said = ada.post(url("discussion", submission.pk), {"rationale": "Page 2.", "stand": "mine"})
    assert said["Location"] == url("discussion", submission.pk)
    assert not left_behind(lea.get(url("workspace", submission.pk)))
    ended = lea.post(url("end_discussion", submission.pk), {"reason": "They are away."})
    assert ended["Location"] == url("workspace", submission.pk)


def test_a_first_decision_that_is_read_in_the_open(cast):
    plan_readings(cast.delivery, cast.task, actor=cast.pam, reading=Reading.OPEN, percent=100)
    submission = decided(allocated(cast), cast.ada)
    allocation = submission.allocations.get(role="second_assessor", ended_at=None)
    opened(submission, allocation.assessor)
    assessor = as_(allocation.assessor)
    workspace = assessor.get(url("workspace", submission.pk))
    assert "Read the first decision" in workspace.content.decode()
    assert not left_behind(workspace)
    page = assessor.post(url("first_decision", submission.pk))
    assert (page.status_code, left_behind(page)) == (200, [])


STEPS = {
    "start": ({}, "workspace"),
    "save": ({"then": "stay", "version": 1}, "workspace"),
    "finish": ({"verdict": "record", "version": 2}, "recorded"),
    "look_again": ({}, "workspace"),
    "hand_back": ({}, "queue"),
    "known": ({"kind": ConflictKind.KNOWN}, "queue"),
    "flag": ({"number": 0, "flagged": "yes"}, "workspace"),
    "ask_review": ({"question": "Is it fair?"}, "ask_review"),
    "take_over": ({"reason": "Ada is ill."}, "workspace"),
    "comment": ({"body": "Look.", "audience": "learner", "page": ""}, "workspace"),
}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_goes_on_in_the_view(cast, step):
    sent, to = STEPS[step]
    submission = allocated(cast)
    if step == "finish":
        drafted(submission, cast.ada)
    elif step != "start":
        opened(submission, cast.ada)
    if step == "look_again":
        with tampering():
            AssessmentDecision.objects.update(rubric_hash="e" * 64)
    person = cast.lea if step == "take_over" else cast.ada
    number = (1,) if step == "comment" else ()
    answer = as_(person).post(url(step, submission.pk, *number), sent)
    key = () if to == "queue" else (submission.pk,)
    assert answer.status_code == 302
    assert answer["Location"].partition("#")[0] == url(to, *key)
