"""The Celery application. Tasks carry no facts; see docs/operations.md."""

import os
from typing import Any

from celery import Celery, signals
from django.core.exceptions import ImproperlyConfigured
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

app = Celery("moderato")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Puts the id of the request that sent a task on every line which the task logs.
app.steps["worker"].add(DjangoStructLogInitStep)


@signals.setup_logging.connect
def keep_django_logging(**_kwargs: Any) -> None:
    """Stop Celery from replacing the structured logging that the settings configure."""


@signals.celeryd_init.connect
@signals.beat_init.connect
def refuse_unsafe_start(**_kwargs: Any) -> None:
    """Worker and beat stand under the same start-up checks as the web process.

    Celery swallows exceptions of signal handlers; SystemExit is none of them.
    """
    import django  # noqa: PLC0415  the settings import this module

    django.setup()
    from config.checks import refuse_unsafe  # noqa: PLC0415  needs the apps

    try:
        refuse_unsafe()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None
