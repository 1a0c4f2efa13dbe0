"""Fixed vocabularies of marking."""

from django.db import models

from catalogue.enums import DeliveryRoleKind
from portfolios.enums import PartKind, SubmissionState


class AllocationRole(models.TextChoices):
    """As what a person is asked to mark a submission."""

    ASSESSOR = "assessor", "Assessor"
    SECOND_ASSESSOR = "second_assessor", "Second assessor"
    ADJUDICATOR = "adjudicator", "Adjudicator"
    RECONSIDERATION_ASSESSOR = "reconsideration_assessor", "Reconsideration assessor"


class Way(models.TextChoices):
    """How a pool of work is shared out, or what is allocated evened out."""

    EQUAL = "equal", "Share out equally"
    SHARE = "share", "By share"
    GROUP = "group", "By group or site"
    BALANCE = "balance", "Even out what is allocated"
    FILE = "file", "From a file"


class Act(models.TextChoices):
    """What can be done at once to work that was chosen in the queue."""

    ALLOCATE = "allocate", "Allocate"
    MOVE = "move", "Give to somebody else"
    RELEASE = "release", "Put back into the pool"
    EXTEND = "extend", "Give more time for marking"


class Reading(models.TextChoices):
    """How often the submissions of a task are marked, and what the second assessor may know."""

    SINGLE = "single", "Once"
    BLIND = "blind", "Twice, blind to each other"
    OPEN = "open", "Twice, the second may read the first decision"
    SHARE = "share", "A share twice, blind to each other, the rest once"


class Basis(models.TextChoices):
    """Why a decision version exists."""

    ASSESSMENT = "assessment", "Assessment"
    SECOND_ASSESSMENT = "second_assessment", "Second assessment"
    ADJUDICATION = "adjudication", "Adjudication"
    MODERATION = "moderation", "Moderation of the set"
    CORRECTION = "correction", "Authorised correction"
    RECONSIDERATION = "reconsideration", "Reconsideration"


class ChangeReason(models.TextChoices):
    """Why a decision was changed after it was given."""

    OVERLOOKED = "overlooked", "Evidence was overlooked"
    READING = "reading", "The rubric was read differently"
    FACT = "fact", "There was an error of fact"
    FEEDBACK = "feedback", "The feedback was missing or unclear"
    STANDARD = "standard", "The standard was applied evenly to the whole set"
    OTHER = "other", "Something else"


class Conclusion(models.TextChoices):
    """How a discussion of two sealed decisions ended."""

    AGREED = "agreed", "The two assessors agreed on one decision"
    ADJUDICATION = "adjudication", "An adjudicator was asked"


class Stand(models.TextChoices):
    """What an assessor wants of a discussion."""

    MINE = "mine", "My decision stands"
    OTHERS = "others", "The other decision stands"
    ADJUDICATOR = "adjudicator", "An adjudicator decides"


class Outcome(models.TextChoices):
    """Result of the whole work."""

    ACHIEVED = "achieved", "Achieved"
    NOT_ACHIEVED = "not_achieved", "Not achieved"


class EarlyVerdictKind(models.TextChoices):
    """What a moderator decides about the first decisions on a new task."""

    PASSED = "passed", "Marking goes on"
    CHANGES_ASKED = "changes_asked", "Changes first"


class ExemplarOrigin(models.TextChoices):
    """Where the work of an exemplar comes from."""

    RELEASED = "released", "Released work"
    CONSENTED = "consented", "Work whose learner agreed"
    WRITTEN = "written", "Written for the purpose"


MARKED_AS: dict[str, str] = {
    AllocationRole.ASSESSOR: Basis.ASSESSMENT,
    AllocationRole.SECOND_ASSESSOR: Basis.SECOND_ASSESSMENT,
    AllocationRole.ADJUDICATOR: Basis.ADJUDICATION,
    AllocationRole.RECONSIDERATION_ASSESSOR: Basis.RECONSIDERATION,
}
"""The basis of the decision that each role writes. Roles and kinds of part have the same values."""

ASSESSES = (PartKind.ASSESSOR, PartKind.SECOND_ASSESSOR)
"""Parts of those who mark an attempt first."""

MARKING_PARTS = (*ASSESSES, PartKind.ADJUDICATOR, PartKind.RECONSIDERATION_ASSESSOR)
"""Parts of all who write decisions."""

SHOWN_EXEMPLARS = (
    DeliveryRoleKind.ASSESSOR,
    DeliveryRoleKind.MODERATOR,
    DeliveryRoleKind.EXTERNAL_MODERATOR,
    DeliveryRoleKind.LEAD_MODERATOR,
)
"""Parts in a delivery of the micro-credential with which people find its exemplars."""

SHARES_BANK = (DeliveryRoleKind.ASSESSOR, DeliveryRoleKind.LEAD_MODERATOR)
"""Parts in a delivery whose people share a comment bank."""


EARLY_READERS = (DeliveryRoleKind.MODERATOR, DeliveryRoleKind.LEAD_MODERATOR)
"""Parts in a delivery with which people read the first decisions on a new task."""

WORK_STATES = (
    SubmissionState.SUBMITTED,
    SubmissionState.IN_ASSESSMENT,
    SubmissionState.IN_ADJUDICATION,
)
"""States in which marking waits for somebody."""


REVIEWABLE = (
    SubmissionState.SUBMITTED,
    SubmissionState.IN_ASSESSMENT,
    SubmissionState.IN_ADJUDICATION,
    SubmissionState.ASSESSED,
    SubmissionState.UNDER_RECONSIDERATION,
)
"""States in which somebody senior may be asked to read the feedback of a decision."""

AFTER_MODERATION = (
    SubmissionState.MODERATED,
    SubmissionState.RATIFIED,
    SubmissionState.RELEASED,
    SubmissionState.UNDER_RECONSIDERATION,
)
"""States in which nobody reads the work blind any more."""

SHOWN_TO_LEARNER = (SubmissionState.RELEASED, SubmissionState.UNDER_RECONSIDERATION)
"""States in which a learner has the result, and anonymity has ended."""


class Why(models.IntegerChoices):
    """Why a piece of work stands where it stands in the queue, most urgent first."""

    RETURNED = 0, "Returned by the moderator"
    OVERDUE = 1, "Overdue"
    SOON = 2, "Due within 3 days"
    RESUBMISSION = 3, "Resubmission"
    OLDEST = 4, "In order of submission"


class Place(models.TextChoices):
    """Where in a piece of evidence a comment stands."""

    WHOLE = "whole", "The whole piece"
    PAGE = "page", "A page"
    QUOTE = "quote", "Quoted words"
    BOX = "box", "A part of a page"
    TIME = "time", "A moment"
    RANGE = "range", "A stretch of time"


class Audience(models.TextChoices):
    """Who reads a comment."""

    LEARNER = "learner", "The learner, once results are released"
    STAFF = "staff", "Staff only"


class Deed(models.TextChoices):
    """What was done to a comment."""

    WRITTEN = "written", "Written"
    CHANGED = "changed", "Changed"
    RESOLVED = "resolved", "Resolved"
    REOPENED = "reopened", "Opened again"
    REMOVED = "removed", "Removed"


class Telling(models.TextChoices):
    """Whether assessors ever hear which work was agreed work."""

    NEVER = "never", "Never"
    AFTER = "after", "When marking in the delivery is over, and a lead moderator says so"
