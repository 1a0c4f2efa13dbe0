"""What the process that takes uploads in leaves out: `docs/adr/0060-uploads-have-a-process-of-their-own.md`.

Everything that is not named here it has like every other process, so that a protection which is added to the
settings one day holds for uploads as well.
"""

from typing import Any

UPLOADS_AT_ONCE = 16
"""Threads of one process. Each keeps a connection to the database as long as its request lasts."""
APPS_FOR_PAGES = frozenset(
    {
        "anymail",
        "django.contrib.admin",
        "django.contrib.humanize",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "whitenoise.runserver_nostatic",
        "allauth.mfa",
        "django_htmx",
    }
)
MIDDLEWARE_FOR_PAGES = frozenset(
    {
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
        "config.middleware.UnsentWords",
    }
)
INSTEAD = {"config.apps.ConfigConfig": "config.apps.UploadsConfig"}


def lean(whole: dict[str, Any]) -> dict[str, Any]:
    """The settings that change, out of all settings of another process."""
    return {
        "INSTALLED_APPS": [
            INSTEAD.get(app, app) for app in whole["INSTALLED_APPS"] if app not in APPS_FOR_PAGES
        ],
        "MIDDLEWARE": [one for one in whole["MIDDLEWARE"] if one not in MIDDLEWARE_FOR_PAGES],
        "ROOT_URLCONF": "config.upload_urls",
        # Refusals of the protocol are plain text; those of Django, like that of a missing token, its own short page.
        "TEMPLATES": [],
        # It writes no mails, so it has no use for their words.
        "SILENCED_SYSTEM_CHECKS": [*whole.get("SILENCED_SYSTEM_CHECKS", []), "workflows.E012"],
        "DJANGO_STRUCTLOG_CELERY_ENABLED": False,
        "DATABASES": {
            name: {**entry, "OPTIONS": {**entry["OPTIONS"], **pool(entry["OPTIONS"])}}
            for name, entry in whole["DATABASES"].items()
        },
    }


def pool(options: dict[str, Any]) -> dict[str, Any]:
    """As many connections as there are threads, where connections are pooled."""
    if "pool" not in options:
        return {}
    return {"pool": {**options["pool"], "max_size": UPLOADS_AT_ONCE}}
