"""The whole service as real processes: as `manage.py up` runs it, and as the compose file runs it."""

import email
import email.policy
import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests import servers
from tests.operations.compose import ROOT, services

SITE_HOST, EVIDENCE_HOST = "localhost", "files.localhost"
"""A browser takes both for this machine. They share no cookies: the site's are its host's alone."""
UPLOAD_SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.journeys.upload_settings"}
MAIL_END = re.compile(r"^-{79}\n", re.MULTILINE)


@dataclass
class Stack:
    """Where the site is, what its processes run with, and what mail it has sent."""

    address: str
    environment: dict[str, str]
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    sent: list[Any] | None = None
    port: int = 0
    upload_port: int = 0
    places: dict[str, servers.Server] = field(default_factory=dict)

    def manage(self, *arguments: str, module: str = "") -> subprocess.CompletedProcess[str]:
        """Run a management command, or a module, beside the running processes."""
        command = ["-m", module] if module else ["manage.py"]
        return subprocess.run(
            [sys.executable, *command, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def mails(self) -> list[EmailMessage]:
        """Everything sent so far: from the mail server's hands, else from the folder."""
        if self.sent is not None:
            return list(self.sent)
        found: list[EmailMessage] = []
        for path in sorted((self.folder / "data" / "mail").glob("*.log")):
            for text in MAIL_END.split(path.read_text()):
                if text.strip():
                    parsed = email.message_from_string(text, policy=email.policy.default)
                    found.append(parsed)
        return found

    def mail_to(self, name: str, words: str) -> EmailMessage:
        """Wait until a worker has sent a mail with these words in subject or body to that person."""
        found: list[EmailMessage] = []

        def came() -> bool:
            for mail in self.mails():
                text = f"{mail['Subject']}\n{text_of(mail)}"
                if name in str(mail["To"]) and words in text:
                    found.append(mail)
                    return True
            return False

        try:
            servers.wait_until(came, 60, f"a mail to {name} with “{words}”", every=0.3)
        except TimeoutError as error:
            subjects = [f"{mail['To']}: {mail['Subject']}" for mail in self.mails()]
            raise AssertionError(f"{error}; sent: {subjects}") from None
        return found[0]

    def logs(self) -> dict[str, str]:
        """Everything that each process printed."""
        found = [*self.folder.glob("*.log"), *(self.folder / "data" / "logs").glob("*.log")]
        return {path.name: path.read_text() for path in found}

    def log(self) -> str:
        """The end of what each process printed."""
        return "\n".join(f"== {name}\n{text[-3000:]}" for name, text in self.logs().items())


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""


def own_environment(folder: Path) -> dict[str, str]:
    """Nothing of the test run's own settings reaches the stack."""
    (folder / "home").mkdir()
    path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(folder / "home"), "PYTHONUNBUFFERED": "1"}


def spawn(
    name: str, command: list[str], stack: Stack, more: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    with (stack.folder / f"{name}.log").open("ab") as log:
        stack.processes[name] = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**stack.environment, **(more or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=servers.die_with_parent,  # noqa: PLW1509  one system call, nothing locked
        )
    return stack.processes[name]


def end(stack: Stack) -> None:
    """Ask each process to end, then insist, with everything that it started."""
    for process in stack.processes.values():
        process.terminate()
    for process in stack.processes.values():
        try:
            process.wait(50)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


@contextmanager
def local(folder: Path, **settings: str) -> Iterator[Stack]:
    """SQLite, the broker of the wheel, mail into files: what a new user gets from one command."""
    port = servers.free_port()
    environment = own_environment(folder) | settings
    environment |= {"MODERATO_DATA": str(folder / "data"), "PORT": str(port)}
    stack = Stack(f"http://localhost:{port}", environment, folder)
    up = spawn("up", [sys.executable, "manage.py", "up", "--without-demo"], stack)

    def ready() -> bool:
        assert up.poll() is None, stack.log()
        return stack.address in (folder / "up.log").read_text()

    try:
        servers.wait_until(ready, 120, "the site")
        stack.environment["DJANGO_SETTINGS_MODULE"] = "config.settings.local"
        # The broker's port is chosen by `up`; commands beside it should wake the same worker.
        log = (folder / "data" / "logs" / "broker.log").read_text()
        broker = re.search(r"port=(\d+)", log)
        assert broker, log
        stack.environment["REDIS_URL"] = f"redis://127.0.0.1:{broker[1]}/0"
        yield stack
    finally:
        end(stack)


def certificate(folder: Path) -> Path:
    """The folder with a certificate for both names, as CERTS_DIR wants it."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(one) for one in (SITE_HOST, EVIDENCE_HOST)]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (folder / "tls.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder


def proxy(folder: Path, *, web: int, upload: int, storage: int) -> servers.Server:
    """deploy/nginx.conf for real, before the site's two processes and a store on these ports."""
    return servers.start_nginx(
        ROOT / "deploy" / "nginx.conf",
        {
            "${SITE_HOST}": SITE_HOST,
            "${EVIDENCE_HOST}": EVIDENCE_HOST,
            "web:8000": f"127.0.0.1:{web}",
            "upload:8000": f"127.0.0.1:{upload}",
            "storage:9000": f"127.0.0.1:{storage}",
            "/data/evidence/": f"{folder}/evidence/",
        },
        certificate(folder / "certificates"),
    )


def begin(name: str, stack: Stack) -> None:
    """Start a service by the compose file's own command."""
    port = stack.upload_port if name == "upload" else stack.port
    command = [
        part.replace("0.0.0.0:8000", f"127.0.0.1:{port}")
        .replace("/tmp/beat", f"{stack.folder}/beat")
        .replace("--workers=3", "--workers=2")
        for part in services()[name]["command"]
    ]
    spawn(name, command, stack, UPLOAD_SETTINGS if name == "upload" else {})


@contextmanager
def production(folder: Path, mail: Any, **settings: str) -> Iterator[Stack]:
    """The compose file's own commands and environment behind its proxy; PostgreSQL, Valkey, S3, SMTP."""
    port, upload_port = servers.free_port(), servers.free_port()
    with ExitStack() as ended:

        def started(server: servers.Server) -> servers.Server:
            ended.callback(server.stop)
            return server

        database, broker = (
            started(servers.start_postgres(fsync=True)),
            started(servers.start_valkey()),
        )
        cache, storage = started(servers.start_valkey()), started(servers.start_rclone_s3())
        places = {
            "moderato:postgres-of-the-test@postgres:5432/moderato": database.url.split("//")[1],
            "broker:6379": f"127.0.0.1:{broker.port}",
            "cache:6379": f"127.0.0.1:{cache.port}",
            "storage:9000": f"127.0.0.1:{storage.port}",
        }
        environment = own_environment(folder) | services()["web"]["environment"]
        for key, value in environment.items():
            for inside, here in places.items():
                environment[key] = environment[key].replace(inside, here)
            assert value is not None, key
        front = started(proxy(folder, web=port, upload=upload_port, storage=storage.port))
        address = front.url
        environment |= {"MODERATO_DATA": str(folder / "data"), "SITE_URL": address}
        environment["DJANGO_SETTINGS_MODULE"] = "tests.journeys.production_settings"
        environment |= {"ALLOWED_HOSTS": SITE_HOST, "CSRF_TRUSTED_ORIGINS": address}
        environment["EVIDENCE_HOST"] = f"{EVIDENCE_HOST}:{front.port}"
        environment |= {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(mail.port)}
        (folder / "data").mkdir()
        (folder / "tmp").mkdir()
        environment |= {"TMPDIR": str(folder / "tmp"), **settings}
        stack = Stack(address, environment, folder, sent=mail.messages, port=port)
        stack.upload_port = upload_port
        stack.places = {"database": database, "broker": broker, "storage": storage}
        ended.callback(end, stack)
        for step in (["migrate", "--noinput"], ["collectstatic", "--noinput"]):
            done = stack.manage(*step)
            assert done.returncode == 0, done.stderr[-3000:]
        for name in ("web", "upload", "worker", "worker-media", "beat"):
            begin(name, stack)

        def ready() -> bool:
            for name, process in stack.processes.items():
                assert process.poll() is None, f"{name}\n{stack.log()}"
            return servers.listening(port) and servers.listening(upload_port)

        servers.wait_until(ready, 60, "the site")
        yield stack
