"""Evidence items, and where they support a criterion."""

from typing import Any

import django_fsm as fsm
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Actor, Organisation, User
from catalogue.models import Criterion, Delivery
from portfolios import guards, rules
from portfolios.definitions import extension_of, is_document, type_of_extension
from portfolios.enums import Confidentiality, EvidenceKind, EvidenceState
from portfolios.models.portfolio import Portfolio
from portfolios.querysets import EvidenceQuerySet
from workflows.machines import step
from workflows.models import StateModel


class EvidenceItem(StateModel):
    """One piece of evidence in a learner's library. Its bytes never change; a replacement is a new item."""

    state = fsm.FSMField(
        max_length=30,
        default=EvidenceState.UPLOADING,
        choices=EvidenceState.choices,
        protected=True,
    )
    owner = models.ForeignKey(User, models.PROTECT, related_name="evidence")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    # Where it was added: room is counted by delivery. Unknown for what is older than this column.
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="+", null=True)
    kind = models.CharField(max_length=10, choices=EvidenceKind)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    text_alternative = models.TextField(blank=True)
    happened_on = models.DateField(null=True, blank=True)
    confidentiality = models.CharField(
        max_length=15, choices=Confidentiality, default=Confidentiality.INTERNAL
    )
    consent_given = models.BooleanField(default=False)
    link = models.URLField(max_length=2000, blank=True)
    note = models.TextField(blank=True)
    original_name = models.CharField(max_length=255, blank=True)
    declared_type = models.CharField(max_length=120, blank=True)
    media_type = models.CharField(max_length=120, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    storage_key = models.CharField(max_length=300, blank=True)
    # The copy for the eyes of others, without metadata; empty where none could be made.
    copy_key = models.CharField(max_length=300, blank=True, db_index=True)
    copy_type = models.CharField(max_length=120, blank=True)
    copy_size = models.PositiveBigIntegerField(default=0)
    copy_sha256 = models.CharField(max_length=64, blank=True)
    inspected_at = models.DateTimeField(null=True)
    hints = models.JSONField(default=dict, blank=True)
    refusal = models.CharField(max_length=300, blank=True)
    scan_started_at = models.DateTimeField(null=True, blank=True)
    scan_attempts = models.PositiveSmallIntegerField(default=0)
    scanned_for_viruses = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=EvidenceState.values),
                name="portfolios_evidence_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def needs_text_alternative(self) -> bool:
        """Pictures need a description, sound and video captions or a transcript."""
        return self.kind in {EvidenceKind.PHOTO, EvidenceKind.MEDIA} or (
            self.media_type.startswith(("image/", "video/", "audio/"))
        )

    @property
    def is_document(self) -> bool:
        """Pages that people look at: a PDF, or what an office program made. Plain text is words already.

        Before its check a file is what its name says.
        """
        named = type_of_extension(extension_of(self.original_name))
        return is_document(self.media_type if self.inspected_at else named)

    @property
    def is_recording(self) -> bool:
        """Sound or film, which captions go with."""
        return self.kind == EvidenceKind.MEDIA or self.media_type.startswith(("video/", "audio/"))

    @property
    def words(self) -> str:
        """The state as the learner reads it."""
        if self.state == EvidenceState.READY and self.storage_key and not self.scanned_for_viruses:
            return "Ready. Not scanned for viruses"
        return str(EvidenceState(self.state).label)

    @property
    def is_being_checked(self) -> bool:
        """Whether what comes of its check is still to be seen."""
        return self.state in {EvidenceState.STORED, EvidenceState.SCANNING}

    @property
    def colour(self) -> str:
        """Colour of the tag beside the words."""
        return {EvidenceState.READY: "green", EvidenceState.QUARANTINED: "red"}.get(
            EvidenceState(self.state), "blue"
        )

    @property
    def has_preview(self) -> bool:
        """Whether a picture of ours can be shown in its place."""
        return self.state == EvidenceState.READY and self.copy_type.startswith("image/")

    @property
    def is_shown(self) -> bool:
        """Whether somebody who is asked about it sees it. Words and addresses need not wait for their check."""
        if self.state in {EvidenceState.QUARANTINED, EvidenceState.REMOVED}:
            return False
        return self.state == EvidenceState.READY or bool(self.note or self.link)

    @property
    def asks_for_consent(self) -> bool:
        """Whether people may be seen or heard in it, and the learner has not said that they agreed."""
        return self.needs_text_alternative and not self.consent_given

    @property
    def sharing(self) -> list[str]:
        """How freely it may be shown, as the learner says, in sentences for everybody else."""
        said = []
        if self.confidentiality == Confidentiality.CONFIDENTIAL:
            said.append("Confidential: it is for those who assess this work, and for nobody else.")
        elif self.confidentiality == Confidentiality.INTERNAL:
            said.append("Internal to the learner’s employer.")
        if self.consent_given:
            said.append("People who can be recognised in it have agreed.")
        elif self.asks_for_consent:
            said.append("The learner has not said that people who can be recognised in it agreed.")
        return said

    @property
    def hint_words(self) -> str:
        """What the text seems to hold about people, for the learner."""
        return ", ".join(
            f"{number} {kind if number == 1 else kind.replace('address', 'addresse') + 's'}"
            for kind, number in sorted(self.hints.items())
        )

    @property
    def file_details(self) -> str:
        """First twelve characters of the fingerprint, as shown under "File details"."""
        return self.sha256[:12]

    @step(
        field=state,
        source=EvidenceState.UPLOADING,
        target=EvidenceState.STORED,
        permission=rules.owns_evidence,
        custom={"past": "stored", "label": _("Store")},
    )
    def store(
        self, *, actor: Actor, size: int, sha256: str, storage_key: str, media_type: str
    ) -> None:
        """Take the facts of the bytes that now lie in the store."""
        self.size, self.sha256, self.storage_key = size, sha256, storage_key
        self.media_type = media_type

    @step(
        field=state,
        source=[EvidenceState.STORED, EvidenceState.SCANNING],
        target=EvidenceState.SCANNING,
        permission=rules.is_system,
        custom={"past": "scan_started", "label": _("Check")},
    )
    def start_scan(self, *, actor: Actor) -> None:
        """Count the attempt, so that a file that kills its scan runs out of attempts."""
        self.scan_started_at = timezone.now()
        self.scan_attempts += 1

    @step(
        field=state,
        source=EvidenceState.SCANNING,
        target=EvidenceState.READY,
        permission=rules.is_system,
        custom={"past": "ready", "label": _("Mark ready")},
    )
    def pass_scan(
        self,
        *,
        actor: Actor,
        media_type: str = "",
        scanned_for_viruses: bool = False,
        copy: dict[str, Any] | None = None,
        hints: dict[str, int] | None = None,
    ) -> None:
        """Keep the type that the check found, not the one the browser claimed, and the copy for others."""
        self.scanned_for_viruses = scanned_for_viruses
        self.hints = hints or {}
        self.inspected_at = timezone.now()
        for field, value in (copy or {}).items():
            setattr(self, f"copy_{field}", value)
        if media_type:
            self.media_type = media_type

    @step(
        field=state,
        source=EvidenceState.SCANNING,
        target=EvidenceState.QUARANTINED,
        permission=rules.is_system,
        custom={"past": "quarantined", "label": _("Refuse")},
    )
    def quarantine(self, *, actor: Actor, refusal: str) -> None:
        """Say why in words that tell the learner what to do."""
        self.refusal = refusal

    @step(
        field=state,
        source=[EvidenceState.READY, EvidenceState.QUARANTINED],
        target=EvidenceState.REMOVED,
        permission=rules.owns_evidence,
        conditions=[guards.not_pinned],
        custom={"past": "removed", "label": _("Remove")},
    )
    def remove(self, *, actor: Actor) -> None:
        """Soft: the learner may restore it for as long as the policy says."""
        self.removed_at = timezone.now()

    @step(
        field=state,
        source=EvidenceState.REMOVED,
        target=EvidenceState.STORED,
        permission=rules.owns_evidence,
        conditions=[guards.within_removal_window],
        custom={"past": "restored", "label": _("Undo remove")},
    )
    def restore(self, *, actor: Actor) -> None:
        """Back into the library; it is checked again before it counts."""
        self.removed_at = None
        self.scan_attempts = 0


class TextAlternativeVersion(models.Model):
    """An earlier description, transcript or captions of an item; kept when others took their place."""

    evidence = models.ForeignKey(EvidenceItem, models.PROTECT, related_name="earlier_words")
    text = models.TextField()
    replaced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-replaced_at", "-pk"]

    def __str__(self) -> str:
        return f"Earlier words for {self.evidence_id}"


class EvidenceMapping(models.Model):
    """Evidence supports a criterion: the learner's claim, and the place in the evidence."""

    portfolio = models.ForeignKey(Portfolio, models.PROTECT, related_name="mappings")
    evidence = models.ForeignKey(EvidenceItem, models.PROTECT, related_name="mappings")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="mappings")
    claim = models.CharField(max_length=500, blank=True)
    locator = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["criterion__number", "created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["portfolio", "evidence", "criterion"], name="portfolios_mapping_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.evidence} supports {self.criterion}"
