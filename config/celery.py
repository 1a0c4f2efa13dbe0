"""The Celery application. Tasks carry no facts; see docs/operations.md."""

import os
from typing import Any

import structlog
from celery import Celery, signals
from django.core.exceptions import ImproperlyConfigured
from django_structlog.celery.steps import DjangoStructLogInitStep

from config import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

log = structlog.get_logger(__name__)
broker.use()
app = Celery("moderato")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Puts the id of the request that sent a task on every line which the task logs.
app.steps["worker"].add(DjangoStructLogInitStep)


@app.on_after_configure.connect
def share_the_clock(sender: Celery, **_kwargs: Any) -> None:
    """Several beats take turns by a lock in the broker where BEAT_SCHEDULER is RedBeat's.

    RedBeat reads these from the application, not from CELERY_… settings.
    """
    from django.conf import settings  # noqa: PLC0415  `celery -A config` imports this before them

    sender.conf.redbeat_redis_url = settings.REDIS_URL
    sender.conf.redbeat_key_prefix = "moderato:redbeat:"
    sender.conf.redbeat_lock_timeout = settings.BEAT_LOCK_SECONDS
    sender.conf.beat_scheduler = settings.BEAT_SCHEDULER
    if "redbeat" in settings.BEAT_SCHEDULER:
        # So often a waiting beat asks for the lock; by default it does every five minutes.
        sender.conf.beat_max_loop_interval = max(1, settings.BEAT_LOCK_SECONDS // 6)


@signals.setup_logging.connect
def keep_django_logging(**_kwargs: Any) -> None:
    """Stop Celery from replacing the structured logging that the settings configure."""


@signals.after_task_publish.connect(sender="workflows.tasks.heartbeat")
def show_that_beat_lives(**_kwargs: Any) -> None:
    """Beat, which alone asks for this task, leaves its own sign; the worker that runs it leaves another.

    A database that is away must not end beat: the next time tells.
    """
    from django.db import DatabaseError, close_old_connections  # noqa: PLC0415  needs the settings

    from workflows.outbox import beat  # noqa: PLC0415  needs the apps

    close_old_connections()
    try:
        beat("beat")
    except DatabaseError:
        log.warning("beat.no_database")
    finally:
        close_old_connections()


@signals.celeryd_init.connect
@signals.beat_init.connect
def refuse_unsafe_start(**_kwargs: Any) -> None:
    """Worker and beat stand under the same start-up checks as the web process.

    Celery swallows exceptions of signal handlers; SystemExit is none of them.
    """
    import django  # noqa: PLC0415  `celery -A config` imports this before them

    django.setup()
    from config.checks import refuse_unsafe  # noqa: PLC0415  needs the apps

    try:
        refuse_unsafe()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None
