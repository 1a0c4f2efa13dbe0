"""Nothing of a sealed decision reaches the second assessor or the adjudicator, wherever they look."""

import pytest
from django.test import Client
from django.urls import reverse

from assessment.enums import AllocationRole
from assessment.models import Allocation
from tests.factories.assessment import allocated, decided, drafted
from workflows import outbox
from workflows.models import Notification

CANARIES = ("canary-feedback", "canary-note", "canary-criterion")


def first_decision(cast, name="lena", levels="E"):
    """Ada seals a decision full of words that nobody else may read."""
    from assessment.actions.deciding import record_decision
    from assessment.actions.marking import save_draft
    from assessment.definitions import Judged, Marks
    from tests.factories.assessment import marks

    submission = allocated(cast, name)
    draft = drafted(submission, cast.ada, levels)
    said = {
        number: Judged(one.level, "canary-criterion", "canary-note", [1])
        for number, one in marks(submission, levels).criteria.items()
    }
    save_draft(
        submission.pk,
        actor=cast.ada,
        marks=Marks(said, feedback="canary-feedback", staff_note="canary-note"),
        seen_version=draft.version,
    )
    record_decision(submission, actor=cast.ada)
    return submission


def everything(person, submission):
    """All pages and answers that this person can get about the submission, headers included."""
    client = Client()
    client.force_login(person)
    seen = []
    for name in ("home", "queue"):
        seen.append(client.get(reverse(f"assessment:{name}")))
    for name in ("workspace", "finish", "recorded", "result"):
        seen.append(client.get(reverse(f"assessment:{name}", args=[submission.pk])))
    seen.append(client.post(reverse("assessment:autosave", args=[submission.pk]), {"version": "0"}))
    seen.append(client.post(reverse("assessment:lease", args=[submission.pk])))
    return "\n".join(f"{one.headers} {one.content.decode()}" for one in seen)


@pytest.mark.parametrize("opened", [False, True])
def test_the_second_assessor_learns_nothing(double, opened):
    submission = first_decision(double)
    second = Allocation.objects.get(role=AllocationRole.SECOND_ASSESSOR).assessor
    if opened:
        drafted(submission, second, "M")
    seen = everything(second, submission)
    for canary in (*CANARIES, "Ada Assessor", str(submission.decisions.get(number=1).pk)):
        assert canary not in seen


def test_what_the_second_sees_does_not_depend_on_what_the_first_sealed(double):
    """The same pages, byte for byte but for names and keys, whether the first saw the best or the worst."""
    import re

    pages = []
    for name, levels in (("lena", "E"), ("hone", "NY")):
        submission = first_decision(double, name, levels)
        second = Allocation.objects.get(
            submission=submission, role=AllocationRole.SECOND_ASSESSOR
        ).assessor
        drafted(submission, second, "M")
        client = Client()
        client.force_login(second)
        words = client.get(reverse("assessment:finish", args=[submission.pk])).content.decode()
        words = words.replace(submission.reference, "REF").replace(str(submission.pk), "KEY")
        words = words.replace(submission.learner.name, "NAME").replace(second.name, "SECOND")
        for word in (submission.learner.get_short_name(), second.get_short_name()):
            words = words.replace(word, "WORD")
        words = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", words)
        words = re.sub(r"<time[^>]*>[^<]*</time>", "TIME", words)
        pages.append(re.sub(r"\d+", "9", words))
    assert pages[0] == pages[1]


def test_the_adjudicator_learns_nothing(double):
    submission = first_decision(double)
    second = Allocation.objects.get(role=AllocationRole.SECOND_ASSESSOR).assessor
    decided(submission, second, "NY", feedback="canary-second", staff_note="canary-second")
    adjudicator = Allocation.objects.get(role=AllocationRole.ADJUDICATOR).assessor
    drafted(submission, adjudicator, "M")
    seen = everything(adjudicator, submission)
    for canary in (*CANARIES, "Ada Assessor", second.name, "canary-second"):
        assert canary not in seen


def test_the_end_page_is_the_same_whether_they_agree_or_not(double):
    words = []
    for name, level in (("lena", "M"), ("hone", "NY")):
        submission = allocated(double, name)
        decided(submission, double.ada, "M")
        second = Allocation.objects.get(
            submission=submission, role=AllocationRole.SECOND_ASSESSOR
        ).assessor
        decided(submission, second, level)
        client = Client()
        client.force_login(second)
        page = client.get(reverse("assessment:recorded", args=[submission.pk])).content.decode()
        words.append("Your decision is sealed" in page)
        assert "adjudicat" not in page.lower()
    assert words == [True, True]


def test_messages_carry_no_decision(double):
    submission = first_decision(double)
    second = Allocation.objects.get(role=AllocationRole.SECOND_ASSESSOR).assessor
    decided(submission, second, "NY")
    while outbox.relay():
        pass
    from workflows.notifications import render

    for notice in Notification.objects.all():
        text = " ".join(render(notice))
        for word in (*CANARIES, "Ada Assessor", "excellence", "Not yet", "Achieved"):
            assert word not in text, notice.topic


def test_the_learner_sees_nothing_of_a_decision(double):
    submission = first_decision(double)
    client = Client()
    client.force_login(double.lena)
    for name in ("workspace", "finish", "recorded", "result", "referral_feedback"):
        answer = client.get(reverse(f"assessment:{name}", args=[submission.pk]))
        assert answer.status_code in (403, 404)
        for canary in CANARIES:
            assert canary not in answer.content.decode()
