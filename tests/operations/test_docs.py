"""What the documents promise is what the files do."""

import re
import subprocess

import pytest
import yaml

from scripts.check import APPS
from tests.operations.compose import ROOT, settings_variables


def test_the_table_of_variables_matches_the_code():
    text = (ROOT / "docs/operations.md").read_text()
    table = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", text, re.MULTILINE))
    # Those that only the test suite reads.
    assert table == settings_variables() | {
        "TEST_DATABASE_URL", "CHROMIUM", "NGINX", "CLAMD",
    }  # fmt: skip


def test_make_help_names_every_target():
    makefile = (ROOT / "Makefile").read_text()
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    named = set(re.findall(r"make (\w+)", shown))
    assert named == {"help", "setup", "run", "test", "proof", "lint", "bench", "reset", "lock"}
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    assert named | {"dev"} == set(phony[1].split())


NOT_WORDS_OF_PAGES = {"Tab", "Shift+Tab", "Enter", "Esc"}


def test_the_readme_calls_pages_and_people_as_they_are_called():
    """Each bold word is a link, button or heading of the product, each account one of the demonstration."""
    from config.demo.people import EVERYBODY, STAFF

    text = (ROOT / "README.md").read_text()
    bold = set(re.findall(r"\*\*([^*]+)\*\*", text)) - NOT_WORDS_OF_PAGES
    said = {one.replace("’", "'") for one in bold if not one.endswith(".")}
    assert len(said) > 40
    places = [*APPS, "config", "templates", "static/src/js"]
    sources = (path for one in places for path in (ROOT / one).rglob("*"))
    known = "\n".join(
        path.read_text() for path in sources if path.suffix in {".py", ".html", ".js"}
    )
    missing = sorted(one for one in said if one not in known.replace("’", "'"))
    assert missing == []
    named = set(re.findall(r"`(\w+)@", text))
    assert len(named) > 10
    assert named <= {*EVERYBODY, *STAFF}


def test_what_the_integration_runs_is_make_test():
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    assert re.search(r"^exec make test\b", script.read_text(), re.MULTILINE)


def test_each_hook_before_a_commit_is_a_step_of_make_lint():
    """Same tools, same arguments, no repositories to fetch."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [one["repo"] for one in hooks] == ["local"]
    entries = {one["id"]: one["entry"] for one in hooks[0]["hooks"]}
    assert set(entries) == {"ruff-format", "ruff", "djade", "layers", "migrations"}
    code = (ROOT / "scripts/check.py").read_text()
    for entry in entries.values():
        for word in entry.replace(".venv/bin/", "").split():
            if word in {"env", "--fix"}:
                continue
            if word == "python":
                assert "sys.executable" in code
            else:
                assert f'"{word.rpartition("=")[2]}"' in code, word


def test_everything_that_running_leaves_is_ignored():
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"var/", ".venv", ".env", "node_modules/", "static/build", "staticfiles/"} <= set(
        ignored
    )
    default = re.search(r'"MODERATO_DATA", str\(BASE_DIR / "(\w+)"\)',
                        (ROOT / "config/settings/base.py").read_text())  # fmt: skip
    assert default is not None
    assert default[1] == "var"


def test_requirements_hold_hashes_and_no_addresses():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"https?://|file:|--index-url|--find-links", text), path


def python_that_is_old(folder):
    """A python3 that says no to the question whether it is new enough."""
    for name in ("python3", *(f"python3.{minor}" for minor in range(11, 15)), "python"):
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
        (folder / name).chmod(0o755)


def test_an_old_python_is_one_sentence(tmp_path):
    checkout, old = tmp_path / "checkout", tmp_path / "old"
    (checkout / "scripts").mkdir(parents=True)
    (checkout / "requirements").mkdir()
    old.mkdir()
    (checkout / "requirements/run.txt").write_text("")
    (checkout / "requirements/dev.txt").write_text("")
    (checkout / "scripts/setup.sh").write_text((ROOT / "scripts/setup.sh").read_text())
    python_that_is_old(old)
    done = subprocess.run(
        ["sh", "scripts/setup.sh", "run"],
        cwd=checkout,
        env={"PATH": f"{old}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "needs Python 3.11 or newer" in done.stderr


@pytest.mark.parametrize(("answer", "gone"), [("yes\n", True), ("no\n", False), ("", False)])
def test_reset_asks_first(tmp_path, answer, gone):
    data = tmp_path / "data"
    data.mkdir()
    (data / "up.lock").touch()
    reset = ["sh", str(ROOT / "scripts/reset.sh")]
    subprocess.run(reset, env={"MODERATO_DATA": str(data)}, input=answer, text=True, check=False)
    assert data.exists() is not gone


def test_reset_deletes_no_other_folder(tmp_path):
    (tmp_path / "thesis.txt").touch()
    reset = ["sh", str(ROOT / "scripts/reset.sh")]
    environment = {"MODERATO_DATA": str(tmp_path)}
    done = subprocess.run(reset, env=environment, input="yes\n", text=True, check=False)
    assert done.returncode == 1
    assert (tmp_path / "thesis.txt").exists()


def test_a_skipped_test_fails_the_run(tmp_path):
    from scripts.check import suite

    test = tmp_path / "test_skipped.py"
    test.write_text("import pytest\ndef test_a(): pytest.skip('no')\ndef test_b(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    plain = [
        "-p",
        "no:django",
        "-c",
        str(tmp_path / "pytest.ini"),
        "--rootdir",
        str(tmp_path),
        str(test),
    ]
    outcome = suite("skips", plain)
    assert not outcome.ok
    assert "1 skipped" in outcome.note
    assert suite("passes", [*plain, "-k", "test_b"]).ok
