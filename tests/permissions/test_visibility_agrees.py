"""Whoever finds a thing in a list may look at it, and whoever may look at it finds it."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organisation, User
from assessment import rules as assessing
from assessment.models import (
    AssessmentDecision,
    CalibrationAttempt,
    ConflictWaiver,
    EarlyCheck,
    EvidenceComment,
    Exemplar,
    FeedbackReview,
    PreparedComment,
    Seed,
    SeedPlan,
    SeedWithdrawal,
)
from awards import rules as awarding
from awards.models import Credential, Ratification, Recall, Reconsideration, Release
from catalogue import rules as offering
from catalogue.models import Delivery, MicroCredentialVersion
from moderation import rules as moderating
from moderation.models import ExternalReview, Meeting, ModerationRound, RequiredAction, SampleItem
from portfolios import rules as learning
from portfolios.models import EvidenceItem, Portfolio, Submission, UploadSession
from tests.personas import make_user
from tests.proofs.world import World
from workflows import rules as machinery
from workflows.models import Webhook

AGREES: list[tuple[type[Any], Callable[[Any, Any], bool]]] = [
    (Delivery, offering.can_view_delivery),
    (MicroCredentialVersion, offering.can_view_version),
    (Portfolio, learning.can_view_portfolio),
    (EvidenceItem, learning.can_view_evidence),
    (UploadSession, learning.owns_upload),
    (Submission, learning.can_view_submission),
    (Exemplar, assessing.can_view_exemplar),
    (SeedPlan, assessing.can_view_seed_plan),
    (Seed, assessing.can_view_seed),
    (EvidenceComment, assessing.can_view_comment),
    (PreparedComment, assessing.can_view_prepared),
    (EarlyCheck, assessing.can_view_early_check),
    (FeedbackReview, assessing.can_view_review),
    (ConflictWaiver, assessing.can_view_conflict_waiver),
    (CalibrationAttempt, assessing.can_view_calibration),
    (ModerationRound, moderating.can_view_round),
    (SampleItem, moderating.can_view_item),
    (ExternalReview, moderating.can_view_external),
    (Meeting, moderating.can_view_meeting),
    (RequiredAction, moderating.can_view_action),
    (Ratification, awarding.can_view_batch),
    (Release, awarding.can_view_release),
    (Reconsideration, awarding.can_view_reconsideration),
    (Recall, awarding.can_view_recall),
    (Credential, awarding.can_view_credential),
    (Webhook, machinery.may_keep_webhook),
]


def add_seeds(world: World) -> None:
    """Told and untold, withdrawn and not, and one that was hidden for the lead."""
    works = iter(Submission.objects.filter(decisions__sealed_at__isnull=False).distinct())
    for told_at in (None, timezone.now()):
        plan = SeedPlan.objects.create(
            delivery=world.cast.delivery, task=world.cast.task, percent=5, telling="after",
            chance="x", begun_by=world.cast.lea, ended_at=timezone.now(), told_at=told_at,
        )  # fmt: skip
        for withdrawn, who in ((False, None), (True, None), (False, world.cast.lea)):
            work = next(works)
            author = who or work.decisions.filter(sealed_at__isnull=False)[0].author
            text = Exemplar.objects.create(
                task=world.cast.task, rubric_hash="1" * 64, code=f"EX-S{work.attempt}{work.pk.hex[:6]}",
                title="Just met", origin="written", outcome="achieved", rationale="Agreed.",
                made_by=world.cast.lea, content_hash="0" * 64,
            )  # fmt: skip
            seed = Seed.objects.create(plan=plan, exemplar=text, assessor=author, submission=work)
            if withdrawn:
                SeedWithdrawal.objects.create(seed=seed, by=world.cast.lea, reason="Shown.")


@pytest.fixture(scope="module")
def everybody(world: World) -> Iterator[list[User]]:
    """All people of the world, and one whose account is closed though all parts are still there."""
    closed = world.people["abe"]
    User.objects.filter(pk=closed.pk).update(is_active=False)
    for one in ModerationRound.objects.all():
        RequiredAction.objects.create(
            round=one,
            text="Reword C1.",
            owner=closed,
            due_on=date(2026, 12, 11),
            made_by=one.opened_by,
        )
    for person, hours in (("nina", 1), ("noa", -1)):
        ExternalReview.objects.create(
            round=ModerationRound.objects.all()[0], person=make_user(person),
            opens_at=timezone.now() - timedelta(hours=2),
            closes_at=timezone.now() + timedelta(hours=hours), invited_by=world.cast.lea,
        )  # fmt: skip
    for signed_at in (None, timezone.now()):
        made = Meeting.objects.create(
            task=world.cast.task, held_on=date(2026, 6, 1), made_by=world.cast.lea
        )
        made.attendees.add(world.people["fran"])
        Meeting.objects.filter(pk=made.pk).update(signed_at=signed_at, signed_by=world.cast.lea)
    for reserved in (True, False):
        Exemplar.objects.create(
            task=world.cast.task, rubric_hash="1" * 64, code=f"EX-{reserved}", title="Just met",
            origin="written", outcome="achieved", rationale="Agreed.", made_by=world.cast.lea,
            content_hash="0" * 64, for_calibration=reserved,
        )  # fmt: skip
    add_seeds(world)
    for author in (world.people["ada"], closed):
        EvidenceComment.objects.create(
            submission=world.submissions["in_assessment"],
            pin=world.submissions["in_assessment"].pins.all()[0], author=author, number=1,
        )  # fmt: skip
        for shared in (True, False):
            PreparedComment.objects.create(
                owner=author, micro_credential=world.cast.task.version.micro_credential,
                text="Say what changed.", search_key="say what changed", is_shared=shared,
            )  # fmt: skip
    for decision in AssessmentDecision.objects.all()[:12]:
        FeedbackReview.objects.create(
            submission=decision.submission, decision=decision, asked_by=decision.author,
            question="Is this clear?",
        )  # fmt: skip
    ConflictWaiver.objects.create(
        delivery=world.cast.delivery, person=world.people["ada"], learner=world.people["lena"],
        ground="team", reason="Needed.", asked_by=world.cast.pam,
    )  # fmt: skip
    EarlyCheck.objects.create(delivery=world.cast.delivery, task=world.cast.task, size=5)
    for number, passed in enumerate((None, True)):
        CalibrationAttempt.objects.create(
            assessor=world.people["ada"], task=world.cast.task, rubric_hash=str(number) * 64,
            passed=passed, concluded_at=timezone.now() if passed else None,
        )  # fmt: skip
    for owner in Organisation.objects.all():
        for ended in (None, one.opened_at):
            Webhook.objects.create(
                organisation=owner,
                address="https://hooks.example.org/",
                removed_at=ended,
                changed_by=closed,
            )
    yield list(User.objects.all())
    User.objects.filter(pk=closed.pk).update(is_active=True)


def everything(model: type[Any]) -> list[Any]:
    return list(model._default_manager.all())


@pytest.mark.parametrize(("model", "rule"), AGREES, ids=[m.__name__ for m, _r in AGREES])
def test_lists_and_rules_agree(
    world: World, everybody: list[User], model: type[Any], rule: Callable[[Any, Any], bool]
) -> None:
    things = everything(model)
    assert things or model is Recall
    wrong = []
    for person in everybody:
        listed = set(model._default_manager.visible_to(person).values_list("pk", flat=True))
        wrong += [
            f"{person} {'finds' if thing.pk in listed else 'does not find'} {thing}"
            for thing in things
            if bool(rule(thing, person)) != (thing.pk in listed)
        ]
    assert wrong == []


def test_everything_that_has_a_list_has_a_rule_here() -> None:
    """A model whose queryset asks `visible_to` and that is missing above is not compared."""
    from django.apps import apps

    # A person's own messages need no second rule: recipient is the only condition.
    own = {"workflows.notification"}
    asked = {
        model._meta.label_lower
        for model in apps.get_models()
        if hasattr(model._default_manager, "visible_to")
    }
    assert asked - own == {model._meta.label_lower for model, _rule in AGREES}
