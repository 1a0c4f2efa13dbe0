"""Everything that must hold before a change is accepted. Usage: check.py all|lint|proof

Runs each step, goes on after a failure, and ends in one summary. A skipped test fails the run: what
cannot be checked is not checked.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sysconfig.get_path("scripts"))
# The files' order is that of tests/conftest.py: the long ones first. One process for each of two cores;
# a third made the same tests take a fifth longer, because they share the machine with browsers and servers.
PARALLEL = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
SLOWEST = 12
KEEPS_NOTHING = "PYTHONDONTWRITEBYTECODE"
APPS = ("accounts", "workflows", "catalogue", "portfolios", "assessment", "moderation", "awards")


@dataclass
class Outcome:
    """How one step went."""

    name: str
    ok: bool
    seconds: float
    note: str = ""


def environment(**more: str) -> dict[str, str]:
    """The environment of every step: tests' settings, no colours, UTF-8.

    Compiled modules are kept whatever the caller says: a run starts some sixty Pythons.
    """
    inherited = {key: value for key, value in os.environ.items() if key != KEEPS_NOTHING}
    return {
        **inherited,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "PYTHONUTF8": "1",
        # All processes of a run draw alike, also at midnight.
        "GATE_SEED": os.environ.get("GATE_SEED") or time.strftime("%Y-%m-%d"),
        **more,
    }


def run(name: str, command: list[str], out: IO[str] = sys.stdout, **more: str) -> Outcome:
    """Run one step; its output goes to `out`."""
    print(f"\n=== {name}", file=out, flush=True)
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return Outcome(name, done.returncode == 0, time.monotonic() - began)


def templates() -> list[str]:
    """Every template of the project."""
    found = [*(ROOT / "templates").rglob("*.html")]
    for app in APPS:
        found += (ROOT / app / "templates").rglob("*.html")
    return [str(path.relative_to(ROOT)) for path in sorted(found)]


def lint(out: IO[str] = sys.stdout) -> list[Outcome]:
    """Everything that reads the code without running the tests."""
    python = sys.executable
    steps = {
        "format": [str(BIN / "ruff"), "format", "--check", "--quiet"],
        "lint": [str(BIN / "ruff"), "check", "--quiet"],
        "types": [str(BIN / "mypy")],
        "layers": [str(BIN / "lint-imports")],
        "system checks": [python, "manage.py", "check", "--fail-level", "ERROR"],
        "migrations complete": [python, "manage.py", "makemigrations", "--check", "--dry-run"],
    }
    if names := templates():
        steps["templates"] = [str(BIN / "djade"), "--check", "--target-version", "5.2", *names]
    database = {"TEST_DATABASE_URL": "sqlite:///:memory:"}
    return [run(name, command, out, **database) for name, command in steps.items()]


def suite(name: str, arguments: list[str], out: IO[str] = sys.stdout, **more: str) -> Outcome:
    """Run pytest; count what it did, and refuse skips."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *arguments]
        outcome = run(name, command, out, **more)
        if not report.exists():
            outcome.ok, outcome.note = False, "pytest did not finish"
            return outcome
        root = ET.parse(report).getroot()  # noqa: S314  our own file
        totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
        for part in root.iter("testsuite"):
            for key in totals:
                totals[key] += int(part.get(key, 0))
    took: defaultdict[str, float] = defaultdict(float)
    for case in root.iter("testcase"):
        took[case.get("classname", "")] += float(case.get("time", 0))
    longest = sorted(took, key=took.__getitem__, reverse=True)[:SLOWEST]
    slowest = ", ".join(f"{place} {took[place]:.0f} s" for place in longest)
    print(f"slowest: {slowest}", file=out, flush=True)
    outcome.note = ", ".join(f"{number} {key}" for key, number in totals.items())
    if totals["skipped"] or not totals["tests"]:
        outcome.ok = False
    return outcome


def marked(name: str) -> list[str]:
    """The test files that say this mark anywhere: pytest takes fourteen seconds to look in all of them."""
    found = (ROOT / "tests").rglob("test_*.py")
    return sorted(str(file) for file in found if f"mark.{name}" in file.read_text(encoding="utf-8"))


def from_debian(package: str) -> None:
    """Install a Debian package where that is possible: as root, with apt. Starts no service of it."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    lists_of_packages()
    apt_get("install", "-y", "--no-install-recommends", package)


@cache
def lists_of_packages() -> None:
    """Ask Debian once what there is."""
    apt_get("update")


def apt_get(*arguments: str) -> None:
    apt = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    command = ["apt-get", "-qq", *arguments]
    subprocess.run(command, env=apt, stdin=subprocess.DEVNULL, check=False)


def ensure_browser() -> Outcome:
    """Find a Chromium, or get one: Debian's as root, else Playwright's."""
    began = time.monotonic()

    def found() -> str | None:
        sys.path.insert(0, str(ROOT))
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  only where tests run

        from tests.servers import chromium  # noqa: PLC0415  only where tests run

        if named := chromium():
            return named
        with sync_playwright() as playwright:
            own = playwright.chromium.executable_path
        return own if Path(own).exists() else None

    if not found():
        print("\n=== no Chromium on this machine: installing one", flush=True)
        from_debian("chromium")
        if not found():
            own = [sys.executable, "-m", "playwright", "install", "chromium"]
            subprocess.run(own, stdin=subprocess.DEVNULL, check=False)
    path = found()
    note = path or "No Chromium: install Debian's package chromium, or name one in CHROMIUM."
    return Outcome("browser", path is not None, time.monotonic() - began, note)


def ensure(name: str, program: str, package: str) -> Outcome:
    """Find a server that tests run for real, or get Debian's as root. The variable of its name names one."""
    began = time.monotonic()
    sys.path.insert(0, str(ROOT))
    from tests import servers  # noqa: PLC0415  only where tests run

    found = getattr(servers, program)
    if found() is None:
        print(f"\n=== no {program} on this machine: installing one", flush=True)
        from_debian(package)
    path = found()
    note = (
        path
        or f"No {program}: install Debian's package {package}, or name one in {program.upper()}."
    )
    return Outcome(name, path is not None, time.monotonic() - began, note)


def summary(outcomes: list[Outcome]) -> int:
    """One line for each step; the exit code."""
    print("\n=== summary")
    for outcome in outcomes:
        state = "ok    " if outcome.ok else "FAILED"
        print(f"{state} {outcome.name:<24}{outcome.seconds:7.1f} s  {outcome.note}".rstrip())
    failed = [outcome.name for outcome in outcomes if not outcome.ok]
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


def main(what: str) -> int:
    """Run the steps that belong to the name."""
    if what == "lint":
        return summary(lint())
    outcomes = [
        ensure_browser(),
        ensure("proxy", "nginx", "nginx-light"),
        # Without its database: the tests bring one signature.
        ensure("scanner", "clamd", "clamav-daemon"),
    ]
    if what == "proof":
        outcomes.append(suite("proofs at full size", ["-m", "proof", *PARALLEL], PROOF="full"))
        return summary(outcomes)
    # What waits for servers and workers runs beside what keeps the cores busy.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told, ThreadPoolExecutor(1) as beside:
        rest = beside.submit(meanwhile, told)
        outcomes.append(suite("suite on PostgreSQL", ["-m", "not stack", *PARALLEL]))
        outcomes += rest.result()
        told.seek(0)
        print(told.read(), flush=True)
    return summary(outcomes)


def meanwhile(told: IO[str]) -> list[Outcome]:
    """What needs neither the long suite's servers nor its processes; whole stacks bring their own."""
    on_sqlite = {"TEST_DATABASE_URL": "sqlite:///:memory:"}
    return [
        suite("suite of whole stacks", ["-m", "stack", *marked("stack")], told),
        *lint(told),
        suite("suite on SQLite", ["-m", "sqlite", *marked("sqlite")], told, **on_sqlite),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "all"))
