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
