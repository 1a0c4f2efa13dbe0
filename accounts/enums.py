"""Fixed vocabularies of people and organisations."""

from django.db import models


class OrganisationKind(models.TextChoices):
    """What part an organisation plays."""

    PROVIDER = "provider", "Provider"
    CLIENT = "client", "Client organisation"


class OrganisationRole(models.TextChoices):
    """What a person may do for an organisation as a whole."""

    ADMINISTRATOR = "administrator", "Programme administrator"
    AUTHOR = "author", "Author"
    PRE_MODERATOR = "pre_moderator", "Pre-assessment moderator"
    EMPLOYEE = "employee", "Employee"


class ConflictKind(models.TextChoices):
    """Why one person may not judge another's work."""

    EMPLOYER = "employer", "Works for the same employer"
    LINE_MANAGER = "line_manager", "Line manager"
    TEAM = "team", "Same team"
    WHANAU = "whanau", "Whānau or close relation"
    VERIFIER = "verifier", "Confirmed their work"
    CO_AUTHOR = "co_author", "Made some of this work together"
    KNOWN = "known", "Know each other in another way"


class ConflictGround(models.TextChoices):
    """Why somebody may not be the one to judge a piece of work. Policies name them by their values.

    Those that two people declare have the values of ConflictKind; the others are found in what the system
    knows: who wrote it, who marked it before, who reads whose decisions, and its language.
    """

    OWN = "own", "It is their own work"
    EMPLOYER = "employer", "Works for the same employer"
    LINE_MANAGER = "line_manager", "Line manager"
    TEAM = "team", "Same team"
    WHANAU = "whanau", "Whānau or close relation"
    VERIFIER = "verifier", "Confirmed the learner’s work"
    CO_AUTHOR = "co_author", "Made some of this work together"
    KNOWN = "known", "Know each other in another way"
    EARLIER_ASSESSOR = "earlier_assessor", "Marked an earlier attempt"
    RECIPROCAL = "reciprocal", "The two read most of each other’s decisions this term"
    REO = "reo", "Does not mark in te reo Māori"


class MailLanguage(models.TextChoices):
    """Whether a person's mails greet and name their kind in te reo Māori."""

    SITE = "site", "As Moderato usually writes"
    ENGLISH = "en", "English only"
    ENGLISH_FIRST = "en_mi", "English, with greeting and terms in te reo Māori"
    REO_FIRST = "mi_en", "Greeting and terms in te reo Māori first, then English"


class Theme(models.TextChoices):
    """Colour scheme a person has chosen."""

    DEVICE = "device", "Match my device"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"
