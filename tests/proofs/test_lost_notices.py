"""Workers are killed with -9 while they send, and the broker is emptied and killed: nobody misses a notice.

At full size several beats take turns by RedBeat's lock; the one that works is killed too, and another takes over.

The mail server is the failpoint: it kills the worker that is connected to it at a chosen moment, so nothing
in the product knows of the test. Events are caught between claim and commit by watching their rows.
"""

import email
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import transaction

from accounts.models import User
from tests import servers
from tests.testapp.models import Box, Docket
from tests.workflows.conftest import file_docket, person
from workflows.enums import MessageKind, MessageState
from workflows.models import Notification, OutboxMessage
from workflows.outbox import message_id
from workflows.selectors import verify
from workflows.transitions import perform_set

pytestmark = [pytest.mark.proof, pytest.mark.stack, pytest.mark.only_postgresql]

FULL = os.environ.get("PROOF") == "full"
NOTICES, KILLS, WORKERS, BEATS = (6_000, 72, 4, 3) if FULL else (120, 6, 2, 1)
MOMENTS = ("event held", "connected", "before data", "data taken", "answered", "child")
"""When the worker dies. `child`: as `data taken`, but only the pool's process, as out of memory does it."""
FLUSHED, BEAT_KILLED, BROKER_KILLED, BROKER_EMPTY = (10, 18, 25, 45) if FULL else (1, None, 3, 4)
"""Before which kill the broker is emptied; a beat killed; the broker killed and started again, or with nothing."""
TOPIC = "testapp.docket.checked"
ROOT = Path(__file__).resolve().parents[2]


def owner_of(port: int, mine: int) -> int:
    """The process at the other end of a connection to a port of this machine (Linux)."""
    wanted = (f":{port:04X}", f":{mine:04X}")
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        parts = line.split()
        if parts[1].endswith(wanted[0]) and parts[2].endswith(wanted[1]):
            inode = f"socket:[{parts[9]}]"
            break
    else:
        raise LookupError(port)
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(entry) == inode:
                return int(entry.parts[2])
        except OSError:
            continue
    raise LookupError(inode)


@dataclass
class Killer:
    """Waits, armed, for one moment; then kills the worker that stands in it."""

    armed: str = ""
    hit: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, moment: str) -> None:
        self.hit.clear()
        self.armed = moment

    def moment(self, name: str, session: Any, *, after: float = 0.0) -> bool:
        """Kill the sender when this is what was waited for, at once or so many seconds later."""
        with self.lock:
            if self.armed != name:
                return False
            self.armed = ""
        child = owner_of(session.peer[1], session.own_port)
        if after:
            threading.Timer(after, self.kill, (child, name)).start()
        else:
            self.kill(child, name)
        return True

    def kill(self, child: int, name: str) -> None:
        if name == "child":
            os.kill(child, signal.SIGKILL)
        else:
            os.killpg(os.getpgid(child), signal.SIGKILL)
        self.hit.set()


class Postbox:
    """The SMTP server's part: keeps the Message-ID of everything that it took."""

    def __init__(self, killer: Killer, port: int) -> None:
        self.killer, self.port = killer, port
        self.taken: list[str] = []

    async def handle_MAIL(  # noqa: N802  aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        session.own_port = self.port
        self.killer.moment("connected", session)
        envelope.mail_from = address
        return "250 yes"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.killer.moment("before data", session):
            return "451 nobody is there"
        self.taken.append(email.message_from_bytes(envelope.content)["Message-ID"])
        for name in ("data taken", "child"):
            self.killer.moment(name, session)
        # The kill and the answer race: the worker may or may not get to write it down.
        self.killer.moment("answered", session, after=0.002)
        return "250 kept"


@dataclass
class Fleet:
    """Workers and beats as processes, and the broker between them."""

    environment: dict[str, str]
    folder: Path
    broker: servers.Server
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    beats: list[subprocess.Popen[bytes]] = field(default_factory=list)
    logs: dict[int, Path] = field(default_factory=dict)
    started: int = 0

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        self.started += 1
        path = self.folder / f"{arguments[0]}-{self.started}.log"
        with path.open("wb") as log:
            made = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "config", *arguments, "-l", "INFO"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=servers.die_with_parent,  # noqa: PLW1509  one system call
            )
        self.logs[made.pid] = path
        return made

    def man(self) -> int:
        """Replace workers and beats that are dead, as a supervisor does. Gives how many workers there were."""
        self.man_beats()
        dead = [one for one in self.workers if one.poll() is not None]
        for one in dead:
            self.workers.remove(one)
        while len(self.workers) < WORKERS:
            name = f"w{self.started}@proof"
            command = ("worker", "-Q", "default,notify", "-c", "1", "-n", name, "--without-mingle")
            self.workers.append(self.start(*command))
        return len(dead)

    def man_beats(self) -> None:
        """RedBeat ends by itself where lock or broker are gone; a new one writes the schedule anew."""
        self.beats = [one for one in self.beats if one.poll() is None]
        while len(self.beats) < BEATS:
            place = self.folder / f"schedule-{self.started}"
            self.beats.append(self.start("beat", "-s", str(place), "--pidfile="))

    def is_watched(self) -> bool:
        """True, once dead beats are replaced."""
        self.man_beats()
        return True

    def working(self) -> list[subprocess.Popen[bytes]]:
        """The living beats that have asked for anything: one, while the others wait for its lock."""
        return [
            one
            for one in self.beats
            if one.poll() is None and b"Sending due task" in self.logs[one.pid].read_bytes()
        ]

    def kill_working_beat(self) -> None:
        """Kill -9, and wait until another has its turn."""

        def one_works() -> bool:
            self.man_beats()
            return len(self.working()) == 1

        servers.wait_until(one_works, 60, "one beat that works")
        (one,) = self.working()
        os.killpg(one.pid, signal.SIGKILL)
        one.wait(10)
        servers.wait_until(lambda: len(self.working()) == 1, 60, "the turn of another beat")

    def kill_broker(self, *, empty: bool) -> None:
        """Kill -9; start it again on the same port, with its log of keys or with nothing."""
        self.broker.process.kill()
        self.broker.process.wait(10)
        base = servers.scratch("valkey") if empty else self.broker.base
        self.broker = servers.start_valkey(self.broker.port, base)

    def flush(self) -> None:
        import redis

        with redis.Redis.from_url(self.broker.url) as client:
            client.flushall()

    def log(self) -> str:
        return "\n".join(one.read_text()[-2000:] for one in sorted(self.folder.glob("*.log")))

    def end(self) -> None:
        for one in (*self.workers, *self.beats):
            if one.poll() is None:
                os.killpg(one.pid, signal.SIGKILL)
            one.wait(10)
        self.broker.stop()


@contextmanager
def fleet(url: str, folder: Path, mail_port: int) -> Iterator[Fleet]:
    with ExitStack() as ended:
        broker = servers.start_valkey()
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.proofs.relay_settings",
            "TEST_DATABASE_URL": url,
            "REDIS_URL": broker.url,
            "EMAIL_PORT": str(mail_port),
            **({"BEAT_SCHEDULER": "redbeat.RedBeatScheduler"} if BEATS > 1 else {}),
        }
        made = Fleet(environment, folder, broker)
        ended.callback(made.end)
        yield made


def an_event_is_held() -> bool:
    return OutboxMessage.objects.filter(
        kind=MessageKind.EVENT, state=MessageState.PENDING, lease_token__isnull=False
    ).exists()


def tell(box: Box, ada: User, owner: User, number: int) -> None:
    """File and check so many dockets: an event for each, and from it a notice and a mail."""
    with transaction.atomic():
        made = [file_docket(box, ada, owner_id=owner.pk).pk for _ in range(number)]
        perform_set(Docket.objects.filter(pk__in=made), "check_it", actor=ada)


def harm(running: Fleet, killer: Killer, turn: int, enqueue: Callable[[], None]) -> None:
    """Enqueue, and kill one worker at this turn's moment; before some turns the broker suffers too."""
    moment = MOMENTS[turn % len(MOMENTS)]
    if turn == FLUSHED:
        running.flush()
    elif turn == BEAT_KILLED:
        running.kill_working_beat()
    elif turn in (BROKER_KILLED, BROKER_EMPTY):
        running.kill_broker(empty=turn == BROKER_EMPTY)
    if moment != "event held":
        killer.arm(moment)
    enqueue()
    if moment == "event held":
        servers.wait_until(lambda: running.is_watched() and an_event_is_held(), 120, moment)
        worker = running.workers[turn % WORKERS]
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(10)
    else:
        try:
            servers.wait_until(lambda: running.is_watched() and killer.hit.is_set(), 120, moment)
        except TimeoutError:
            pytest.fail(f"{moment} never came\n{running.log()}")
        time.sleep(0.05)


def test_nothing_is_lost_and_nobody_is_told_twice(committed_db: Any, tmp_path: Path) -> None:
    killer, port = Killer(), servers.free_port()
    postbox = Postbox(killer, port)
    mail = Controller(postbox, hostname="127.0.0.1", port=port)
    ada, owner, box = person("Ada"), person("Owner"), Box.objects.create(room=NOTICES)
    began = time.monotonic()
    replaced = 0
    mail.start()
    try:
        with fleet(committed_db.url, tmp_path, port) as running:
            running.man()
            for turn in range(KILLS):
                number = NOTICES // KILLS + (NOTICES % KILLS if turn == 0 else 0)
                harm(running, killer, turn, partial(tell, box, ada, owner, number))
                replaced += running.man()

            def done() -> bool:
                running.man()
                return not OutboxMessage.objects.filter(state=MessageState.PENDING).exists()

            try:
                servers.wait_until(done, 900 if FULL else 120, "an empty outbox")
            except TimeoutError:
                waiting = OutboxMessage.objects.filter(state=MessageState.PENDING)
                pytest.fail(f"{list(waiting.values()[:5])}\n{running.log()}")
            assert len(running.working()) <= 1, "two beats worked at once"
    finally:
        mail.stop()
    assert replaced >= KILLS * (len(MOMENTS) - 1) // len(MOMENTS)
    check_told(owner)
    doubled = check_mails(postbox.taken)
    seconds = time.monotonic() - began
    print(f"\n{NOTICES} notices, {KILLS} kills, 0 lost, {doubled} mails doubled, {seconds:.0f} s")


def check_told(owner: User) -> None:
    """One notice for each docket that was checked, and every message came to its end."""
    told = Counter(
        Notification.objects.visible_to(owner)
        .filter(topic=TOPIC)
        .values_list("record__subject_id", flat=True)
    )
    checked = set(Docket.objects.filter(state="checked").values_list("pk", flat=True))
    assert len(checked) == NOTICES
    assert set(told) == checked, "somebody was not told"
    assert set(told.values()) == {1}, "somebody was told twice"
    assert set(OutboxMessage.objects.values_list("state", flat=True)) == {MessageState.SENT}
    assert verify()[0] == []


def check_mails(ids: list[str]) -> int:
    """Every mail arrived, and no more of them twice than workers were killed. Gives how many did."""
    taken = Counter(ids)
    mails = OutboxMessage.objects.filter(kind=MessageKind.DELIVERY)
    assert set(taken) == {message_id(one) for one in mails}
    assert len(taken) == NOTICES
    doubled = sum(taken.values()) - NOTICES
    assert doubled <= KILLS
    return doubled
