"""A recall of some results only: by who judged, by criterion, by day; what was listed moves, and no more."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from awards import guards, selectors
from awards.actions.recall import ask_recall, confirm_recall
from awards.models import Credential, Recall
from catalogue.models import Criterion
from moderation.enums import RoundState
from moderation.models import ModerationRound
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from tests.factories.assessment import assessed
from tests.factories.awards import batch, conclude, moderate, relay_all, release, sign
from tests.personas import Cast
from tests.tampering import tampering
from workflows.exceptions import GuardsNotMet
from workflows.models import Notification

pytestmark = pytest.mark.django_db


@pytest.fixture
def both(two: Cast) -> tuple[Submission, Submission]:
    """Lena's result from Ada and Hone's from Abe, released."""
    mine = assessed(two, "lena", "M", "ada"), assessed(two, "hone", "M", "abe")
    moderate(two, mine)
    sign(batch(two), two.rita)
    release(two)
    first, second = (Submission.objects.get(pk=one.pk) for one in mine)
    return first, second


def found(cast: Cast, **narrow: object) -> set[object]:
    scope = selectors.RecallScope(**narrow)  # type: ignore[arg-type]
    return {
        one.submission.pk
        for one in selectors.recall_candidates(cast.delivery, cast.task, scope).eligible
    }


def test_who_is_affected(two: Cast, both: tuple[Submission, Submission]) -> None:
    first, second = both
    today = timezone.now().astimezone(two.delivery.zone).date()
    day = timedelta(days=1)
    criterion = Criterion.objects.filter(rubric=first.rubric_id).first()
    assert found(two) == {first.pk, second.pk}
    assert found(two, assessor=two.ada) == {first.pk}
    assert found(two, assessor=two.abe, criterion=criterion) == {second.pk}
    assert found(two, assessor=two.ana) == set()
    # A criterion that was not judged in a piece of work does not concern it.
    with tampering():
        second.decisions.get().judgements.filter(criterion=criterion).update(level=None)
    assert found(two, criterion=criterion) == {first.pk}
    assert found(two, since=today, until=today) == {first.pk, second.pk}
    assert found(two, since=today + day) == found(two, until=today - day) == set()


def test_only_what_was_listed_goes_back(two: Cast, both: tuple[Submission, Submission]) -> None:
    first, second = both
    scope = selectors.RecallScope(assessor=two.ada)
    asked = ask_recall(two.delivery, two.task, actor=two.lea, reason="Misread C1.", scope=scope)
    assert asked.is_partial
    assert list(asked.affected.all()) == [first]
    assert "Judged by Ada" in selectors.scope_in_words(asked)[0]
    done = confirm_recall(asked, actor=two.rita)
    assert done.report["recalled"] == [str(first.pk)]
    states = {one.pk: one.state for one in Submission.objects.all()}
    assert states == {first.pk: SubmissionState.IN_MODERATION, second.pk: SubmissionState.RELEASED}
    assert sorted(Credential.objects.values_list("state", flat=True)) == ["issued", "suspended"]
    assert not guards.recalled_by_two.holds(second)
    relay_all()
    told = Notification.objects.filter(topic="portfolios.submission.recalled")
    assert [one.recipient for one in told] == [two.lena]
    reopened = ModerationRound.objects.get()
    assert reopened.state == RoundState.REOPENED
    conclude(two, reopened)
    assert {one.state for one in Submission.objects.all()} == {"moderated", "released"}


def test_a_scope_that_finds_nobody_is_refused(
    two: Cast, both: tuple[Submission, Submission]
) -> None:
    scope = selectors.RecallScope(assessor=two.ana)
    with pytest.raises(GuardsNotMet) as refused:
        ask_recall(two.delivery, two.task, actor=two.lea, reason="Any.", scope=scope)
    assert refused.value.codes == ["nothing_to_recall"]
    assert both


def test_narrowed_previewed_and_asked_for_in_the_browser(
    two: Cast, both: tuple[Submission, Submission]
) -> None:
    first, second = both
    client = Client()
    client.force_login(two.lea)
    path = reverse("awards:recall_new", args=[two.delivery.pk, two.task.pk])
    everybody = client.get(path).content.decode()
    assert first.reference in everybody
    assert second.reference in everybody
    mine = client.get(path, {"assessor": str(two.ada.pk)}).content.decode()
    assert first.reference in mine
    assert second.reference not in mine
    days = {
        f"{name}_{part}": value
        for name, day in (("since", "2"), ("until", "1"))
        for part, value in enumerate((day, "5", "2026"))
    }
    wrong = client.get(path, days).content.decode()
    assert "The last day lies before the first." in wrong
    client.post(path, {"assessor": str(two.ada.pk), "reason": "Misread C1."})
    asked = Recall.objects.get()
    assert list(asked.affected.all()) == [first]
    page = client.get(reverse("awards:recall", args=[asked.pk])).content.decode()
    assert "Only these results" in page
    assert first.reference in page
    assert second.reference not in page
