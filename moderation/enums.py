"""States and fixed vocabularies of moderation."""

from django.db import models


class RoundState(models.TextChoices):
    """States of a moderation round."""

    DRAFT = "draft", "Draft"
    FROZEN = "frozen", "Frozen"
    REVIEWING = "reviewing", "Being read"
    DECIDED = "decided", "Decided"
    CLOSED = "closed", "Closed"
    REOPENED = "reopened", "Reopened"


class RoundDecision(models.TextChoices):
    """Decision on the whole set."""

    ACCEPT = "accept", "Accept"
    ACCEPT_WITH_ACTIONS = "accept_with_actions", "Accept with actions"
    ADJUST_SET = "adjust_set", "Adjust the set"
    REASSESS_SET = "reassess_set", "Reassess the set"
    EXTEND_SAMPLE = "extend_sample", "Extend the sample"


class SampleState(models.TextChoices):
    """States of a sample item."""

    DRAWN = "drawn", "To read"
    SCORED = "scored", "Read blind"
    UPHELD = "upheld", "Upheld"
    ADJUSTED = "adjusted", "Adjusted"
    RETURNED = "returned", "Returned to the assessor"
    ESCALATED = "escalated", "Escalated"


class SamplePart(models.TextChoices):
    """Why an item is in the sample: only the random part supports inference."""

    TARGETED = "targeted", "Targeted"
    RANDOM = "random", "Random"


class Disagreement(models.TextChoices):
    """How far moderator and assessor are apart on one item."""

    NONE = "", "None"
    GRADE = "grade", "Another level"
    PASS_FAIL = "pass_fail", "Another outcome"


class Sufficiency(models.TextChoices):
    """Whether the evidence is enough to judge by."""

    YES = "yes", "Yes"
    PARTLY = "partly", "In part"
    NO = "no", "No"


class ReadingMode(models.TextChoices):
    """Whether a moderator saw the assessor's decision before choosing levels."""

    BLIND = "blind", "Blind"
    SIGHTED = "sighted", "With the assessor’s decision in sight"


class FeedbackQuality(models.TextChoices):
    """Whether the assessor's feedback helps the learner on."""

    YES = "yes", "Yes"
    PARTLY = "partly", "In part"
    NO = "no", "No"


class ExternalFinding(models.TextChoices):
    """What an external moderator finds of a round as a whole."""

    CONFIRMED = "confirmed", "The judgements are sound"
    WITH_ADVICE = "with_advice", "The judgements are sound, with recommendations"
    NOT_CONFIRMED = "not_confirmed", "The judgements are not sound"


RESOLVED = (SampleState.UPHELD, SampleState.ADJUSTED)
"""States in which an item waits for nobody."""

EXTENSION = "extension"
"""The one reason of an item that an extension drew; the word of moderation.sampling."""
