"""States and fixed vocabularies of the learner's work."""

from django.db import models


class SubmissionState(models.TextChoices):
    """The states of a submission. Labels are what staff see (interaction 4.0)."""

    SUBMITTED = "submitted", "Submitted"
    WITHDRAWN = "withdrawn", "Withdrawn"
    IN_ASSESSMENT = "in_assessment", "Being assessed"
    REFERRED = "referred", "Referred"
    IN_ADJUDICATION = "in_adjudication", "In adjudication"
    ASSESSED = "assessed", "Assessed"
    IN_MODERATION = "in_moderation", "In moderation"
    MODERATED = "moderated", "Moderated"
    RATIFIED = "ratified", "Ratified"
    RELEASED = "released", "Released"
    UNDER_RECONSIDERATION = "under_reconsideration", "Under reconsideration"


ENDED_ATTEMPT = (SubmissionState.WITHDRAWN, SubmissionState.REFERRED)
"""States after which the task may be submitted again."""

RATIFIER_SEES = (
    SubmissionState.MODERATED,
    SubmissionState.RATIFIED,
    SubmissionState.RELEASED,
    SubmissionState.UNDER_RECONSIDERATION,
)
"""States from which on ratifiers of the delivery may see a submission."""

LEARNER_LABELS: dict[str, str] = {
    SubmissionState.SUBMITTED: "Submitted. Waiting to be marked",
    SubmissionState.WITHDRAWN: "You withdrew this attempt",
    SubmissionState.IN_ASSESSMENT: "Being marked",
    SubmissionState.REFERRED: "More evidence asked for",
    SubmissionState.IN_ADJUDICATION: "Being marked",
    SubmissionState.ASSESSED: "Being checked",
    SubmissionState.IN_MODERATION: "Being checked",
    SubmissionState.MODERATED: "Being checked",
    SubmissionState.RATIFIED: "Being checked",
    SubmissionState.RELEASED: "Your result",
    SubmissionState.UNDER_RECONSIDERATION: "Your result, being looked at again",
}
"""What the learner sees for each state; nothing of a decision shows through before release."""


class EvidenceKind(models.TextChoices):
    """What sort of evidence an item is."""

    PHOTO = "photo", "Photo"
    MEDIA = "media", "Video or audio"
    FILE = "file", "File"
    LINK = "link", "Link"
    NOTE = "note", "Written note"


class EvidenceState(models.TextChoices):
    """States of an evidence item. Nothing is evidence before `ready`."""

    UPLOADING = "uploading", "Uploading"
    STORED = "stored", "Stored, waiting to be checked"
    SCANNING = "scanning", "Being checked"
    READY = "ready", "Ready"
    QUARANTINED = "quarantined", "Refused by the safety check"
    REMOVED = "removed", "Removed"


class RenditionState(models.TextChoices):
    """How far the images and text of some bytes are."""

    WAITING = "waiting", "Waiting"
    MAKING = "making", "Being made"
    MADE = "made", "Made"
    FAILED = "failed", "Could not be made"


class SnapshotState(models.TextChoices):
    """How far the copy of a linked page is."""

    WAITING = "waiting", "Waiting"
    KEPT = "kept", "Kept"
    FAILED = "failed", "Not kept"


class Verdict(models.TextChoices):
    """Whether a rule of evidence holds, as far as a portfolio shows."""

    YES = "yes", "Yes"
    UNCLEAR = "unclear", "Not clear"
    NO = "no", "No"


class UploadStore(models.TextChoices):
    """Where the bytes of an unfinished upload lie."""

    DISK = "disk", "Folder"
    S3 = "s3", "S3 store"


class StoreProblem(models.TextChoices):
    """What does not fit between rows and bytes."""

    MISSING = "missing", "Missing"
    ALTERED = "altered", "Altered"
    ORPHANED = "orphaned", "Orphaned"


class Confidentiality(models.TextChoices):
    """How freely evidence may be shown."""

    OPEN = "open", "Open"
    INTERNAL = "internal", "Internal to my employer"
    CONFIDENTIAL = "confidential", "Confidential"


class AttestationState(models.TextChoices):
    """States of a request to a workplace verifier."""

    REQUESTED = "requested", "Asked"
    OPENED = "opened", "Opened"
    ATTESTED = "attested", "Confirmed"
    DECLINED = "declined", "Declined"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Taken back"
    VOIDED = "voided", "Void: not from the person named"


class AskedBy(models.TextChoices):
    """How a verifier gets the personal link."""

    EMAIL = "email", "Send them an e-mail"
    CODE = "code", "They are with me: show a code for their phone"


class Assurance(models.TextChoices):
    """How sure one can be that a confirmation came from the person named, the surest first."""

    WORK_EMAIL = "work_email", "Work e-mail confirmed"
    EMAIL = "email", "E-mail address confirmed"
    FREE_EMAIL = "free_email", "Free e-mail address, which anybody can open"
    OTHER_DEVICE = "other_device", "Code opened on another device"
    LEARNER_DEVICE = "learner_device", "Answered on the learner’s device"


class ExtensionState(models.TextChoices):
    """States of a request for more time."""

    REQUESTED = "requested", "Waiting for an answer"
    APPROVED = "approved", "Approved"
    CHANGED = "changed", "Approved with another date"
    DECLINED = "declined", "Declined"


class HoldKind(models.TextChoices):
    """Why forward transitions are blocked."""

    INTEGRITY = "integrity", "Academic integrity"
    SPECIAL_CONSIDERATION = "special_consideration", "Special consideration"
    PRIVACY = "privacy", "Privacy"


CONSIDERABLE = (
    SubmissionState.SUBMITTED,
    SubmissionState.IN_ASSESSMENT,
    SubmissionState.IN_ADJUDICATION,
    SubmissionState.ASSESSED,
)
"""States in which a learner applies for special consideration: handed in, and not yet moderated."""


class ConsiderationOutcome(models.TextChoices):
    """What came of a special consideration (domain 2.10). All that assessors read of it."""

    IMPAIRED = "impaired", "Impaired performance, to be taken into account"
    AEGROTAT = "aegrotat", "Aegrotat: a pass without a grade"
    ANOTHER = "another", "More time or another attempt"
    DECLINED = "declined", "Not granted"


class PartKind(models.TextChoices):
    """The one part that a person has in a submission."""

    LEARNER = "learner", "Learner"
    ASSESSOR = "assessor", "Assessor"
    SECOND_ASSESSOR = "second_assessor", "Second assessor"
    ADJUDICATOR = "adjudicator", "Adjudicator"
    MODERATOR = "moderator", "Moderator"
    RECONSIDERATION_ASSESSOR = "reconsideration_assessor", "Reconsideration assessor"
    FEEDBACK_READER = "feedback_reader", "Read the feedback for the assessor"
