"""The whole story, by the people in it: from the first note to a credential that others can check."""

import io
import json
import re
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from assessment.actions.allocation import allocate
from assessment.models import Allocation, AssessmentDecision
from awards.models import Credential, Ratification, Reconsideration
from catalogue.models import Criterion, Level
from moderation.actions import draw_sample, open_round
from moderation.models import ModerationRound
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.actions.schedules import begin_portfolios
from portfolios.enums import SubmissionState
from portfolios.models import EvidenceItem, Portfolio, Submission
from tests.factories.awards import conclude, relay_all
from tests.factories.moderation import agreed
from tests.factories.portfolios import ready
from tests.personas import PASSWORD, Cast, make_cast
from workflows.enums import Channel
from workflows.models import Notification, OutboxMessage, TransitionRecord
from workflows.outbox import deliver

pytestmark = pytest.mark.django_db


def sign_in(user: User) -> Client:
    """Sign in as people do, with e-mail and password."""
    client = Client()
    answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return client


def words(response: Any) -> str:
    assert response.status_code == 200, (response.status_code, getattr(response, "url", ""))
    return str(response.content.decode())


def everybody_is_told() -> None:
    """What worker and beat do: events to their handlers, then mails to the server."""
    relay_all()
    deliver(batch=200)


def told(user: User) -> list[str]:
    return list(
        Notification.objects.filter(recipient=user)
        .order_by("created_at", "pk")
        .values_list("topic", flat=True)
    )


def add_note_for_everything(client: Client, portfolio: Portfolio, title: str) -> None:
    """Write a note, let the check see it, and map it to every criterion that is open."""
    base = f"/learn/p/{portfolio.pk}/"
    added = client.post(
        f"{base}evidence/add/note/",
        {"title": title, "note": f"{title}: I made the headings real headings.", "description": ""},
    )
    assert added.status_code == 302
    scan_waiting_evidence(limit=10)
    item = EvidenceItem.objects.get(title=title)
    pairs = [
        f"{item.pk}:{criterion.pk}"
        for criterion in Criterion.objects.filter(rubric__task=portfolio.task_id)
    ]
    saved = client.post(f"{base}map/", {"shown": pairs, "supports": pairs})
    assert saved.status_code == 302


def submit(client: Client, portfolio: Portfolio) -> Submission:
    base = f"/learn/p/{portfolio.pk}/"
    page = words(client.get(f"{base}submit/"))
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    answers = {"key": key[1], "accept": "on", "ai_use": "none"}
    done = client.post(f"{base}submit/", answers)
    assert done.status_code == 302, words(done)
    assert client.post(f"{base}submit/", answers).url == done.url  # a double tap
    assert "Fingerprint" in words(client.get(done.url))
    return Submission.objects.filter(portfolio=portfolio).order_by("-attempt", "-submitted_at")[0]


def mark(
    assessor: User, submission: Submission, levels: str, *, verdict: str = "record"
) -> AssessmentDecision:
    """Open, give every criterion the level, and give the verdict, all on the pages."""
    client = sign_in(assessor)
    base = f"/assess/m/{submission.pk}/"
    assert client.post(f"{base}start/").status_code == 302
    draft = AssessmentDecision.objects.drafts_of(assessor).get(submission=submission)
    sent: dict[str, Any] = {"version": draft.version, "feedback": "Read twice.", "then": "finish"}
    for criterion in Criterion.objects.filter(rubric=submission.rubric):
        level = Level.objects.get(criterion=criterion, code=levels)
        sent[f"level_{criterion.number}"] = str(level.pk)
        sent[f"feedback_{criterion.number}"] = f"{criterion.code}: see the note."
    saved = client.post(f"{base}save/", sent)
    assert saved.status_code == 302, saved.content
    draft.refresh_from_db()
    finished = client.post(f"{base}finish/", {"verdict": verdict, "version": draft.version})
    assert finished.status_code == 302, finished.content
    draft.refresh_from_db()
    return draft


def moderate(cast: Cast) -> ModerationRound:
    """The lead freezes and draws; the moderators read blind and uphold; the lead accepts and closes."""
    made = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
    for item in made.items.all():
        assert item.moderator not in {cast.ada, cast.abe}
        agreed(item)
    conclude(cast, made)
    return made


def ratify(cast: Cast) -> Ratification:
    """Rita opens the batch, proves who she is, and signs."""
    rita = sign_in(cast.rita)
    place = reverse("awards:set", args=[cast.delivery.pk, cast.task.pk])
    opened = rita.post(place, {"minute": "Rita and Rob read the results."})
    assert opened.status_code == 302
    made = Ratification.objects.order_by("-opened_at")[0]
    answers = {"seen_hash": made.content_hash, "agreed": "on"}
    sign_url = reverse("awards:sign", args=[made.pk])
    assert rita.post(sign_url, answers).status_code == 422  # signing in is no confirmation
    proof = rita.post(
        f"{reverse('account_reauthenticate')}?next={opened.url}", {"password": PASSWORD}
    )
    assert proof.status_code == 302
    assert "Batch ratified" in words(rita.post(sign_url, answers, follow=True))
    return made


def state_of(submission: Submission) -> str:
    return str(Submission.objects.get(pk=submission.pk).state)


def test_from_the_first_note_to_the_credential():  # noqa: PLR0915  one story, told in order
    cast = make_cast(learners=2)
    begin_portfolios(delivery=cast.delivery, actor=cast.pam)
    lena, hone = sign_in(cast.lena), sign_in(cast.hone)

    # Lena writes, submits too early, takes it back, and submits again.
    assert "Workplace portfolio" in words(lena.get("/learn/"))
    portfolio = Portfolio.objects.get(enrolment__learner=cast.lena)
    add_note_for_everything(lena, portfolio, "What I did")
    early = submit(lena, portfolio)
    assert (
        lena.post(f"/learn/p/{portfolio.pk}/withdraw/", {"reason": "Too early"}).status_code == 302
    )
    assert state_of(early) == SubmissionState.WITHDRAWN
    first = submit(lena, portfolio)
    everybody_is_told()
    assert any(one.to == [cast.lena.email] and first.reference in one.body for one in mail.outbox)

    # The assessor who was asked refers it back; only she was asked.
    asked = Allocation.objects.get(submission=first, ended_at=None).assessor
    assert asked in {cast.ada, cast.abe, cast.ana}
    mark(asked, first, "NY", verdict="refer")
    everybody_is_told()
    assert state_of(first) == SubmissionState.REFERRED
    assert "assessment.referral" in told(cast.lena)

    # Lena adds evidence and submits attempt 2; Hōne submits, too. Ada and Abe decide.
    add_note_for_everything(lena, portfolio, "What I did better")
    second = submit(lena, portfolio)
    assert second.attempt == 2
    other = submit(hone, ready(cast, "hone"))
    for submission, name in ((second, "ada"), (other, "abe")):
        allocate(submission, cast.people[name], actor=cast.pam)
    everybody_is_told()
    mark(cast.ada, second, "M")
    mark(cast.abe, other, "NY")
    assert {state_of(second), state_of(other)} == {SubmissionState.ASSESSED}

    # Moderated as a set, then ratified as a batch. Learners see the same words all the time.
    result = {one: reverse("awards:result", args=[one.pk]) for one in (second, other)}
    made = moderate(cast)
    everybody_is_told()
    assert made.members.count() == 2
    for client, submission in ((lena, second), (hone, other)):
        page = words(client.get(result[submission]))
        assert "Being checked" in page
        assert "chieved" not in page
    ratify(cast)
    everybody_is_told()
    assert {state_of(second), state_of(other)} == {SubmissionState.RATIFIED}
    assert not [one for one in told(cast.lena) + told(cast.hone) if "ratif" in one]

    # Pam releases. One message each, without the result; Lena has a credential.
    mail.outbox.clear()
    pam = sign_in(cast.pam)
    place = reverse("awards:release_set", args=[cast.delivery.pk, cast.task.pk])
    assert "Released to learners: 2" in words(pam.get(place))
    assert "Results released" in words(pam.post(place, {"when": "now"}, follow=True))
    everybody_is_told()
    for user in (cast.lena, cast.hone):
        news = [one for one in mail.outbox if one.to == [user.email]]
        assert [one.subject for one in news] == ["There is news about Workplace portfolio"]
        assert "chieved" not in news[0].body
    assert "Your result: Achieved" in words(lena.get(result[second]))
    page = words(hone.get(result[other]))
    assert "Your result: Not achieved" in page
    assert "C1: see the note." in page
    assert lena.get(result[other]).status_code == 404
    assert [one.submission for one in Credential.objects.all()] == [second]

    # Hōne asks for a fresh look; somebody who has not seen it decides; Rita concludes.
    ask = reverse("awards:reconsider", args=[other.pk])
    asked_page = hone.post(ask, {"grounds": "The second note was missed."}, follow=True)
    assert "You asked for reconsideration" in words(asked_page)
    everybody_is_told()
    fresh = Allocation.objects.get(submission=other, ended_at=None, role="reconsideration_assessor")
    assert fresh.assessor != cast.abe
    mark(fresh.assessor, other, "M")
    assert "Your result: Not achieved" in words(hone.get(result[other]))
    rita = sign_in(cast.rita)
    one = Reconsideration.objects.get()
    assert "A reconsideration is ready to be concluded" in words(rita.get(reverse("awards:home")))
    concluded = rita.post(
        reverse("awards:conclude", args=[one.pk]),
        {"note": "The second note meets C2."},
        follow=True,
    )
    assert "Conclusion" in words(concluded)
    everybody_is_told()
    page = words(hone.get(result[other]))
    assert "Your result: Achieved" in page
    assert "The second note meets C2." in page
    assert told(cast.hone)[-1] == "portfolios.submission.reconsidered"

    # Anybody checks a credential.
    for credential in Credential.objects.all():
        public = words(Client().get(reverse("awards:credential_check", args=[credential.pk])))
        assert "This credential is valid" in public
    assert Credential.objects.count() == 2

    # Every step stands in the history, every message did its work, and the chains hold.
    steps = TransitionRecord.objects.of(second).order_by("seq").values_list("name", flat=True)
    assert list(steps) == [
        "submit",
        "start_assessment",
        "record_decision",
        "enter_moderation",
        "conclude_moderation",
        "ratify",
        "release",
    ]
    names = TransitionRecord.objects.of(other).order_by("seq").values_list("name", flat=True)
    assert list(names)[-2:] == ["request_reconsideration", "conclude_reconsideration"]
    waiting = OutboxMessage.objects.exclude(state__in=["sent", "cancelled"])
    assert {one.channel for one in waiting} <= {Channel.DIGEST}
    learners = {cast.lena.pk, cast.hone.pk}
    assert not waiting.filter(notification__recipient__in=learners).exists()
    report = io.StringIO()
    call_command("verify_audit", "--json", stdout=report)
    assert json.loads(report.getvalue())["findings"] == []
