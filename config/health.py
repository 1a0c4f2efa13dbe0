"""Is it ready, what do the queues look like: for probes, people and Prometheus."""

import hmac
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import psycopg
import redis
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from config.celery import app
from portfolios.actions.scanning import scanner_answers
from portfolios.enums import StoreProblem
from portfolios.models import StoreCheck, StoreFinding
from portfolios.storage import locks
from workflows.enums import AttemptResult, MessageKind, MessageState
from workflows.models import (
    DeliveryAttempt,
    Heartbeat,
    OutboxMessage,
    Reconciliation,
    Reminder,
    Webhook,
)

BEAT_SIGNS = {"beat", "dispatch"}
WORKER_SIGNS = {"worker", "relay", "mail", "reminders", "roots", "dispatch"}
RELAY_QUEUE = "notify"
SEVERAL = 3  # one or two may be a full mailbox; these are the mail server
STORAGE_SECONDS = 60.0
_storage_seen_at = 0.0


class NotReadyError(Exception):
    """One part of the system does not work; the message says how."""


@dataclass(frozen=True)
class Part:
    """What was found of one part."""

    name: str
    ok: bool
    detail: str


def check_database() -> str:
    """A statement on a fresh connection, because a pool would wait long for a server that is down."""
    if connection.vendor == "postgresql":
        params = {**connection.get_connection_params(), "connect_timeout": 2}
        with psycopg.connect(**params) as fresh:
            fresh.execute("SELECT 1")
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    return connection.vendor


def check_migrations() -> str:
    """Every migration of the code is applied."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        raise NotReadyError(f"{len(plan)} migrations are not applied, first {plan[0][0]}")
    return "applied"


def check_broker() -> str:
    """The broker answers PING."""
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    with client:
        client.ping()
    return "answers"


def check_storage() -> str:
    """Evidence can be written, read back and removed. Looked at once a minute for each process."""
    global _storage_seen_at  # noqa: PLW0603  a probe each second must not write each second
    if time.monotonic() - _storage_seen_at < STORAGE_SECONDS:
        return "written and read less than a minute ago"
    store = storages["evidence"]
    written = uuid4().bytes
    name = store.save(f"probe/{uuid4()}", ContentFile(written))
    try:
        with store.open(name) as file:
            read = file.read()
    finally:
        store.delete(name)
    if read != written:
        raise NotReadyError("what was read is not what was written")
    if settings.S3_OBJECT_LOCK_DAYS and not locks(store):
        raise NotReadyError(
            "S3_OBJECT_LOCK_DAYS is set, but the bucket does not enforce object locks: files can be deleted"
        )
    _storage_seen_at = time.monotonic()
    return "written and read"


def heartbeats() -> dict[str, datetime]:
    """When each part that works in the background last left a sign of life."""
    return dict(Heartbeat.objects.values_list("name", "at"))


def age_of(signs: set[str]) -> float | None:
    """Seconds since the newest of these signs; None when there is none yet."""
    newest = max((at for name, at in heartbeats().items() if name in signs), default=None)
    return None if newest is None else (timezone.now() - newest).total_seconds()


def seen_lately(signs: set[str], what: str) -> str:
    """How long ago, or NotReadyError when that is too long."""
    age = age_of(signs)
    if age is None:
        raise NotReadyError(f"no sign of life yet: {what} has not started")
    if age > settings.HEARTBEAT_MAX_SECONDS:
        raise NotReadyError(f"last sign of life {age:.0f} s ago: {what} stands still")
    return f"{age:.0f} s ago"


def check_beat() -> str:
    """Beat asked for work lately; it writes its sign itself when it does."""
    return seen_lately(BEAT_SIGNS, "beat")


def served_queues() -> set[str]:
    """The queues from which workers say, through the broker, that they take tasks."""
    try:
        answers = app.control.inspect(timeout=1.0).active_queues() or {}
    except (OperationalError, OSError):
        return set()
    return {queue["name"] for queues in answers.values() for queue in queues}


def check_worker() -> str:
    """A worker did something lately. While nobody asks it to, it has to answer through the broker."""
    try:
        return seen_lately(WORKER_SIGNS, "the worker")
    except NotReadyError:
        age = age_of(BEAT_SIGNS)
        if age is not None and age <= settings.HEARTBEAT_MAX_SECONDS:
            raise
    if RELAY_QUEUE not in served_queues():
        raise NotReadyError("no worker answers")
    return "answers, and is not asked to do anything"


def oldest_due() -> float:
    """Seconds that the oldest message has waited since it was due."""
    now = timezone.now()
    due = OutboxMessage.objects.filter(state=MessageState.PENDING, available_at__lte=now)
    oldest = due.aggregate(at=Min("available_at"))["at"]
    return (now - oldest).total_seconds() if oldest else 0.0


def tried_in_vain() -> int:
    """Mails that wait for another try after a long time in which none was sent: the mail server is away.

    Each is put off a little longer at every try, so none of them is ever long overdue.
    """
    long_ago = timezone.now() - timedelta(seconds=settings.OUTBOX_MAX_SECONDS)
    number = OutboxMessage.objects.filter(
        state=MessageState.PENDING,
        kind=MessageKind.DELIVERY,
        webhook__isnull=True,  # somebody else's receiver that is away is no fault of ours
        attempts__gt=0,
        created_at__lt=long_ago,
    ).count()
    sent = DeliveryAttempt.objects.filter(
        result=AttemptResult.SENT, ended_at__gt=long_ago, message__webhook__isnull=True
    )
    return 0 if number < SEVERAL or sent.exists() else number


def check_outbox() -> str:
    """No message waits long after it was due, and mails do get through."""
    waits = oldest_due()
    if waits > settings.OUTBOX_MAX_SECONDS:
        raise NotReadyError(f"the oldest unsent message waits for {waits:.0f} s")
    if (number := tried_in_vain()) >= SEVERAL:
        raise NotReadyError(f"{number} mails were tried in vain, and none got through meanwhile")
    return f"oldest unsent {waits:.0f} s"


def check_evidence() -> str:
    """The last look at all stored bytes found none missing or altered."""
    last = StoreCheck.objects.filter(ended_at__isnull=False).first()
    if last is None:
        return "not looked at yet"
    found = evidence_findings()
    if bad := found[StoreProblem.MISSING] + found[StoreProblem.ALTERED]:
        raise NotReadyError(f"{bad} files are missing or altered: manage.py reconcile_evidence")
    hours = (timezone.now() - last.began_at) / timedelta(hours=1)
    return f"looked at {hours:.0f} h ago, {found[StoreProblem.ORPHANED]} orphaned"


def evidence_findings() -> dict[str, int]:
    """How many stored files do not fit their rows, by kind of problem."""
    counted = dict.fromkeys(StoreProblem.values, 0)
    rows = StoreFinding.objects.values_list("problem").order_by("problem")
    return counted | dict(rows.annotate(Count("pk")))


def check_scanner() -> str:
    """The virus scanner answers, or there is none and this says so."""
    if not settings.VIRUS_SCANNER:
        return "off: files are not scanned for viruses"
    if not scanner_answers(settings.VIRUS_SCANNER):
        raise NotReadyError("does not answer: new files wait and do not become ready")
    return "answers"


PARTS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "migrations": check_migrations,
    "broker": check_broker,
    "storage": check_storage,
    "beat": check_beat,
    "worker": check_worker,
    "outbox": check_outbox,
    "evidence": check_evidence,
    "scanner": check_scanner,
}
NEED_DATABASE = {"migrations", "beat", "worker", "outbox", "evidence"}


def look() -> list[Part]:
    """Look at every part. A dead database is reported once, and its dependants are not waited for."""
    found: list[Part] = []
    for name, check in PARTS.items():
        if name in NEED_DATABASE and not found[0].ok:
            found.append(Part(name, ok=False, detail="not looked at without the database"))
            continue
        try:
            found.append(Part(name, ok=True, detail=check()))
        except NotReadyError as error:
            found.append(Part(name, ok=False, detail=str(error)))
        except Exception as error:  # noqa: BLE001  whatever breaks is the answer; addresses stay out of it
            found.append(Part(name, ok=False, detail=type(error).__name__))
    return found


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Every part works, or 503 and the names of those that do not."""
    parts = look()
    failing = [part.name for part in parts if not part.ok]
    return JsonResponse(
        {
            "state": "not ready" if failing else "ready",
            "failing": failing,
            "parts": {part.name: {"ok": part.ok, "detail": part.detail} for part in parts},
        },
        status=503 if failing else 200,
    )


class Queues(Collector):
    """Gauges read from the database when asked, so that any number of processes tell the same."""

    def collect(self) -> Iterator[Metric]:
        messages = GaugeMetricFamily(
            "moderato_outbox_messages", "Messages in the outbox by state", labels=["state"]
        )
        counted = OutboxMessage.objects.values_list("state").order_by("state")
        for state, number in counted.annotate(Count("pk")):
            messages.add_metric([state], number)
        yield messages
        yield GaugeMetricFamily(
            "moderato_outbox_oldest_due_seconds",
            "Seconds that the oldest unsent message has waited since it was due",
            value=oldest_due(),
        )
        beats = GaugeMetricFamily(
            "moderato_heartbeat_age_seconds", "Seconds since the last heartbeat", labels=["name"]
        )
        for name, at in heartbeats().items():
            beats.add_metric([name], (timezone.now() - at) / timedelta(seconds=1))
        yield beats
        evidence = GaugeMetricFamily(
            "moderato_evidence_problems",
            "Stored files that did not fit their rows at the last look",
            labels=["problem"],
        )
        for problem, number in evidence_findings().items():
            evidence.add_metric([problem], number)
        yield evidence
        lanes = GaugeMetricFamily(
            "moderato_outbox_lane_oldest_due_seconds",
            "Seconds that the oldest message of a lane has waited since it was due",
            labels=["lane"],
        )
        tries = GaugeMetricFamily(
            "moderato_delivery_attempts_last_hour",
            "Tries to deliver in the last hour by result",
            labels=["result"],
        )
        now = timezone.now()
        due = OutboxMessage.objects.filter(state=MessageState.PENDING, available_at__lte=now)
        for lane, at in due.order_by().values_list("lane").annotate(Min("available_at")):
            lanes.add_metric([lane], (now - at).total_seconds())
        done = DeliveryAttempt.objects.filter(ended_at__gte=now - timedelta(hours=1))
        for result, number in done.order_by().values_list("result").annotate(Count("pk")):
            tries.add_metric([result], number)
        yield lanes
        yield tries
        last = Reconciliation.objects.first()
        yield GaugeMetricFamily(
            "moderato_reconciler_difference",
            "Reminders, notices and events missing or too many in the last nightly comparison",
            value=last.missing + last.extra if last else 0,
        )
        yield GaugeMetricFamily(
            "moderato_webhooks_suspended",
            "Receivers of organisations that are suspended until somebody has seen to them",
            value=Webhook.objects.filter(
                removed_at__isnull=True, suspended_at__isnull=False
            ).count(),
        )
        late = Reminder.objects.filter(state="planned", fire_at__lte=timezone.now())
        yield GaugeMetricFamily(
            "moderato_reminders_due", "Reminders due and not yet sent", value=late.count()
        )


def may_read_metrics(request: HttpRequest) -> bool:
    """By token where one is set; otherwise only from this machine and not through a proxy."""
    if token := settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    direct = "X-Forwarded-For" not in request.headers
    return direct and request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"}


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format."""
    if not may_read_metrics(request):
        raise Http404
    registry = CollectorRegistry(auto_describe=False)
    try:
        registry.register(Queues())
        text = generate_latest(registry)
    except DatabaseError:
        return HttpResponse("The database does not answer.\n", status=503)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)
