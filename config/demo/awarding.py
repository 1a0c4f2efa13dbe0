"""Sign-off, release, and what came after it."""

from django.utils import timezone

from assessment.actions.deciding import record_decision
from assessment.actions.marking import save_draft, start_assessment
from assessment.models import Allocation, AssessmentDecision
from awards.actions.ratification import open_ratification, sign_batch
from awards.actions.reconsideration import conclude_reconsideration, request_reconsideration
from awards.actions.release import release_now
from catalogue.models import Delivery
from config.demo.marking import marks
from config.demo.people import Cast
from portfolios.models import Submission


def sign_and_release(delivery: Delivery, cast: Cast) -> None:
    """One ratifier signs the batch; the programme administrator releases it."""
    task = delivery.version.tasks.get()
    minute = "Rita and Rob read the statement of the round and the list. No exceptions."
    batch = open_ratification(delivery, task, actor=cast["rita"], minute=minute)
    sign_batch(
        batch,
        actor=cast["rita"],
        reauthenticated_at=timezone.now(),
        seen_hash=batch.content_hash,
    )
    release_now(delivery, task, actor=cast["pam"])


def look_once_more(submission: Submission, cast: Cast, *, conclude: bool) -> None:
    """The learner asks, somebody fresh decides again, and a ratifier concludes or has it before them."""
    released = Submission.objects.get(pk=submission.pk)
    asked = request_reconsideration(
        released,
        actor=released.learner,
        grounds="My second report was overlooked: it shows that the tests were repeated.",
    )
    assessor = Allocation.objects.get(
        submission=released, role="reconsideration_assessor", ended_at=None
    ).assessor
    start_assessment(Submission.objects.get(pk=released.pk), actor=assessor)
    draft = AssessmentDecision.objects.get(submission=released, author=assessor, sealed_at=None)
    save_draft(released.pk, actor=assessor, marks=marks(released, 2), seen_version=draft.version)
    record_decision(Submission.objects.get(pk=released.pk), actor=assessor)
    if conclude:
        conclude_reconsideration(
            asked,
            actor=cast["rob"],
            note="The second report does show it. The new decision replaces the first one.",
        )
