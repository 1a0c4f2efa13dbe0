"""The micro-credential and its immutable versions."""

import json
import uuid
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import django_fsm as fsm
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Actor, Organisation, User
from catalogue import guards, rules
from catalogue.checklist import Answer, examine, recorded
from catalogue.enums import (
    AiPolicy,
    PreModerationDecision,
    SchemeKind,
    VersionState,
    Visibility,
)
from catalogue.hashing import content_of, fingerprints
from catalogue.models.pre_moderation import PreModeration
from catalogue.querysets import VersionQuerySet
from workflows.machines import step
from workflows.models import StateModel


@cache
def policy_defaults() -> dict[str, Any]:
    """Policy values where neither version nor delivery says otherwise (domain 7)."""
    text = (Path(__file__).resolve().parents[1] / "policy_defaults.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def policy_words() -> dict[str, tuple[str, str]]:
    """What each policy value says in words, and in which unit; the unit is empty for yes and no."""
    text = (Path(__file__).resolve().parents[1] / "policy_words.json").read_text("utf-8")
    loaded: dict[str, list[str]] = json.loads(text)
    return {key: (label, unit) for key, (label, unit) in loaded.items()}


def words_of_policy(key: str) -> tuple[str, str]:
    """Label and unit of one policy value; the key itself, in words, for one that has none."""
    return policy_words().get(key, (key.replace(".", ": ").replace("_", " "), ""))


class GradeScheme(models.Model):
    """An ordered list of grades. Bands are percentages and tile 0 to 100 where the scheme has them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=SchemeKind)

    def __str__(self) -> str:
        return self.name


class Grade(models.Model):
    """One grade of a scheme; rank 0 is the lowest."""

    scheme = models.ForeignKey(GradeScheme, models.PROTECT, related_name="grades")
    code = models.CharField(max_length=10)
    label = models.CharField(max_length=50)
    label_mi = models.CharField(max_length=50, blank=True)
    rank = models.PositiveSmallIntegerField()
    is_pass = models.BooleanField()
    min_percent = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    max_percent = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)

    class Meta:
        ordering = ["scheme", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["scheme", "code"], name="catalogue_grade_code_once"),
            models.UniqueConstraint(fields=["scheme", "rank"], name="catalogue_grade_rank_once"),
        ]

    def __str__(self) -> str:
        return self.label


class MicroCredential(models.Model):
    """The listed credential. What is assessed stands in its versions."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.SlugField(unique=True)
    provider = models.ForeignKey(Organisation, models.PROTECT, related_name="micro_credentials")
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.PUBLIC)
    client = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="own_micro_credentials"
    )

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(visibility=Visibility.PUBLIC, client__isnull=True)
                | models.Q(visibility=Visibility.CLIENT, client__isnull=False),
                name="catalogue_client_only_where_private",
            )
        ]

    def __str__(self) -> str:
        return self.code


class MicroCredentialVersion(StateModel):
    """One version. From `in_pre_moderation` on, nothing bound to it may change."""

    state = fsm.FSMField(
        max_length=30, default=VersionState.DRAFT, choices=VersionState.choices, protected=True
    )
    micro_credential = models.ForeignKey(MicroCredential, models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200)
    title_mi = models.CharField(max_length=200, blank=True)
    credits = models.PositiveSmallIntegerField()
    level = models.PositiveSmallIntegerField()
    purpose = models.TextField()
    delivery_modes = models.JSONField(default=list)
    grade_scheme = models.ForeignKey(GradeScheme, models.PROTECT, related_name="versions")
    policy = models.JSONField(default=dict)
    listing = models.JSONField(default=dict, blank=True)
    definition_hash = models.CharField(max_length=64)
    # The definition as it was loaded; empty in versions from before it was kept.
    definition = models.JSONField(
        default=dict, blank=True, db_default=models.Value({}, models.JSONField())
    )
    review_interval_months = models.PositiveSmallIntegerField(default=12)
    author = models.ForeignKey(User, models.PROTECT, related_name="versions_written")
    pre_moderator = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="versions_pre_moderated"
    )
    pre_moderation_note = models.TextField(blank=True)
    # Every policy value as it was when the version was approved: a later default does not reach it.
    approved_policy = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField())
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    changes_confirmed_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["micro_credential", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["micro_credential", "number"], name="catalogue_version_number_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=VersionState.values),
                name="catalogue_version_state_known",
            ),
            models.CheckConstraint(
                condition=models.Q(credits__gte=1, credits__lte=40),
                name="catalogue_version_credits_1_to_40",
            ),
            models.CheckConstraint(
                condition=models.Q(level__gte=1, level__lte=10),
                name="catalogue_version_level_1_to_10",
            ),
            models.CheckConstraint(
                condition=models.Q(pre_moderator__isnull=True)
                | ~models.Q(pre_moderator=models.F("author")),
                name="catalogue_pre_moderator_is_not_author",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}, version {self.number}"

    @property
    def is_published(self) -> bool:
        """Now or once: what was rejected has ended without it."""
        return self.state in {VersionState.PUBLISHED, VersionState.RETIRED} and not self.is_rejected

    @property
    def is_rejected(self) -> bool:
        """Ended in pre-assessment moderation: never approved, never published."""
        return self.state == VersionState.RETIRED and self.published_at is None

    @property
    def changes_asked(self) -> PreModeration | None:
        """The decision whose minor changes are still to be confirmed; None where there are none."""
        if self.changes_confirmed_at is not None:
            return None
        asked = self.pre_moderations.filter(decision=PreModerationDecision.WITH_MINOR_CHANGES)
        return asked.select_related("owner").first()

    @property
    def minor_changes(self) -> str:
        """What still has to be confirmed; empty where nothing was asked for or all is confirmed."""
        asked = self.changes_asked
        return asked.note if asked else ""

    def policy_value(self, key: str) -> Any:
        """The version's own value, else the one it was approved with, else the default.

        KeyError for a key nobody knows.
        """
        if key in self.policy:
            return self.policy[key]
        if key in self.approved_policy:
            return self.approved_policy[key]
        return policy_defaults()[key]

    @step(
        field=state,
        source=VersionState.DRAFT,
        target=VersionState.IN_PRE_MODERATION,
        permission=rules.is_author,
        conditions=[guards.definition_whole],
        custom={"past": "sent_to_pre_moderation", "label": _("Send to pre-assessment moderation")},
    )
    def send_to_pre_moderation(self, *, actor: Actor) -> None:
        """Freeze the version's content for the pre-moderator."""

    @step(
        field=state,
        source=VersionState.IN_PRE_MODERATION,
        target=VersionState.APPROVED,
        permission=rules.is_pre_moderator,
        conditions=[guards.least_pass_proves_all],
        custom={"past": "approved", "label": _("Approve")},
    )
    def approve(
        self, *, actor: Actor, note: str = "", checklist: Mapping[str, Answer] | None = None
    ) -> None:
        """Record who approved what; the policy that holds now is the version's from here on."""
        self._approve(PreModerationDecision.APPROVED, actor, note, checklist or {})

    @step(
        field=state,
        source=VersionState.IN_PRE_MODERATION,
        target=VersionState.APPROVED,
        permission=rules.is_pre_moderator,
        conditions=[guards.least_pass_proves_all],
        custom={"past": "approved_with_changes", "label": _("Approve with minor changes")},
    )
    def approve_with_changes(
        self,
        *,
        actor: Actor,
        note: str,
        checklist: Mapping[str, Answer] | None = None,
        owner: User | None = None,
        due_on: date | None = None,
    ) -> None:
        """As an approval, with changes beside what was approved: their owner or the author confirms them."""
        decision = PreModerationDecision.WITH_MINOR_CHANGES
        self._approve(decision, actor, note, checklist or {}, owner=owner, due_on=due_on)

    def _approve(
        self,
        decision: PreModerationDecision,
        actor: Actor,
        note: str,
        checklist: Mapping[str, Answer],
        **asked: Any,
    ) -> None:
        self.pre_moderator = self._decided(decision, actor, note, checklist, **asked)
        self.approved_policy = {key: self.policy_value(key) for key in policy_defaults()}
        self.approved_at = timezone.now()

    @step(
        field=state,
        source=VersionState.APPROVED,
        target=VersionState.APPROVED,
        permission=rules.confirms_changes,
        conditions=[guards.minor_changes_open],
        custom={"past": "changes_confirmed", "label": _("Confirm that the changes are done")},
    )
    def confirm_changes(self, *, actor: Actor) -> None:
        """The owner or the author says that the minor changes are done. What was approved stays as it is."""
        self.changes_confirmed_at = timezone.now()

    @step(
        field=state,
        source=VersionState.IN_PRE_MODERATION,
        target=VersionState.RETIRED,
        permission=rules.is_pre_moderator,
        custom={"past": "rejected", "label": _("Reject")},
    )
    def reject(
        self, *, actor: Actor, note: str, checklist: Mapping[str, Answer] | None = None
    ) -> None:
        """End the version for good, with what was found. A new one has to be loaded."""
        self._decided(PreModerationDecision.REJECTED, actor, note, checklist or {})

    @step(
        field=state,
        source=VersionState.IN_PRE_MODERATION,
        target=VersionState.DRAFT,
        permission=rules.is_pre_moderator,
        custom={"past": "sent_back", "label": _("Ask for changes")},
    )
    def send_back(
        self, *, actor: Actor, note: str = "", checklist: Mapping[str, Answer] | None = None
    ) -> None:
        """Give the version back to its author, with what was found."""
        self._decided(PreModerationDecision.CHANGES_REQUIRED, actor, note, checklist or {})

    def _decided(
        self,
        decision: PreModerationDecision,
        actor: Actor,
        note: str,
        checklist: Mapping[str, Answer],
        **asked: Any,
    ) -> User:
        """Keep the decision with the fingerprints of what was read. Never changed afterwards."""
        assert isinstance(actor, User)  # noqa: S101  the rule lets only people through
        policy = {key: self.policy_value(key) for key in policy_defaults()}
        content = content_of(self, policy)
        self.pre_moderation_note = note
        self.pre_moderations.create(
            number=self.pre_moderations.count() + 1,
            decision=decision,
            moderator=actor,
            note=note,
            checklist=recorded(examine(content), checklist),
            parts=fingerprints(content),
            policy=policy,
            **asked,
        )
        return actor

    @step(
        field=state,
        source=VersionState.APPROVED,
        target=VersionState.PUBLISHED,
        permission=rules.administers_version,
        conditions=[guards.content_as_approved, guards.minor_changes_confirmed],
        custom={"past": "published", "label": _("Publish")},
    )
    def publish(self, *, actor: Actor) -> None:
        """List it; deliveries may open on it."""
        self.published_at = timezone.now()

    @step(
        field=state,
        source=VersionState.PUBLISHED,
        target=VersionState.RETIRED,
        permission=rules.administers_version,
        custom={"past": "retired", "label": _("Retire")},
    )
    def retire(self, *, actor: Actor) -> None:
        """Stop new deliveries; those that run go on."""


class LearningOutcome(models.Model):
    """What a learner can do afterwards."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(MicroCredentialVersion, models.PROTECT, related_name="outcomes")
    number = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["version", "number"]
        constraints = [
            models.UniqueConstraint(fields=["version", "number"], name="catalogue_outcome_once")
        ]

    def __str__(self) -> str:
        return f"Outcome {self.number}: {self.title}"


class AssessmentTask(models.Model):
    """What a learner is asked to do and show."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(MicroCredentialVersion, models.PROTECT, related_name="tasks")
    number = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200)
    brief = models.TextField()
    ai_policy = models.CharField(max_length=20, choices=AiPolicy, default=AiPolicy.WITH_DECLARATION)
    attestations_required = models.PositiveSmallIntegerField(default=0)
    # Extensions of the files that count as evidence here; none named: all that the system takes.
    file_types = models.JSONField(default=list, blank=True)
    file_max_megabytes = models.PositiveIntegerField(null=True, blank=True)
    marking_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    """How long marking one submission takes; null for what the policy says of all tasks."""

    class Meta:
        ordering = ["version", "number"]
        constraints = [
            models.UniqueConstraint(fields=["version", "number"], name="catalogue_task_once")
        ]

    def __str__(self) -> str:
        return self.title


class Rubric(models.Model):
    """The rubric of one task. `content_hash` is what decisions bind to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.OneToOneField(AssessmentTask, models.PROTECT, related_name="rubric")
    content_hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"Rubric of {self.task}"


class Criterion(models.Model):
    """One thing that is judged. `weight` counts in schemes with percentages only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rubric = models.ForeignKey(Rubric, models.PROTECT, related_name="criteria")
    outcome = models.ForeignKey(LearningOutcome, models.PROTECT, related_name="criteria")
    number = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=10)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    good_looks_like = models.TextField(blank=True)
    reflection_prompt = models.CharField(max_length=300, blank=True)
    is_required = models.BooleanField(default=True)
    weight = models.DecimalField(max_digits=6, decimal_places=2, default=1)

    class Meta:
        ordering = ["rubric", "number"]
        constraints = [
            models.UniqueConstraint(fields=["rubric", "number"], name="catalogue_criterion_once"),
            models.UniqueConstraint(
                fields=["rubric", "code"], name="catalogue_criterion_code_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class Level(models.Model):
    """One level of a criterion; rank 0 is the lowest. `is_met` marks the pass side of the boundary."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="levels")
    rank = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=10)
    label = models.CharField(max_length=50)
    descriptor = models.TextField()
    is_met = models.BooleanField()
    percent = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)

    class Meta:
        ordering = ["criterion", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["criterion", "rank"], name="catalogue_level_rank_once"),
            models.UniqueConstraint(fields=["criterion", "code"], name="catalogue_level_code_once"),
        ]

    def __str__(self) -> str:
        return self.label


class StackingRule(models.Model):
    """That a version may count towards something larger; progress is computed elsewhere."""

    version = models.ForeignKey(MicroCredentialVersion, models.PROTECT, related_name="stacks_into")
    target_code = models.SlugField()
    target_title = models.CharField(max_length=200)
    max_credits = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "target_code"], name="catalogue_stacking_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} into {self.target_title}"
