"""What setup builds, and how much of it a first visit fetches."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config.management.commands import build_assets

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "static" / "build"
FIRST_VISIT = 130 * 1024


def test_the_lock_file_names_no_registry() -> None:
    lock = (ROOT / "package-lock.json").read_text()
    assert "http" not in re.sub(r'"(url|homepage)": "[^"]*"', "", lock)
    assert all("resolved" not in each for each in json.loads(lock)["packages"].values())


def test_a_second_build_does_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("build_assets")
    capsys.readouterr()
    before = (BUILD / "app.css").stat().st_mtime_ns
    call_command("build_assets")
    assert "up to date" in capsys.readouterr().out
    assert (BUILD / "app.css").stat().st_mtime_ns == before


def test_a_changed_source_changes_the_fingerprint(tmp_path: Path) -> None:
    for path in build_assets.sources(ROOT):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    before = build_assets.fingerprint(tmp_path)
    assert before == build_assets.fingerprint(ROOT)
    (tmp_path / "static" / "styles" / "_tokens.scss").write_text(":root {}")
    assert build_assets.fingerprint(tmp_path) != before


def test_an_unreachable_registry_is_said_in_one_sentence(tmp_path: Path, monkeypatch: Any) -> None:
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / ".npmrc").write_text("registry=http://127.0.0.1:9/\nfetch-retries=0\n")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(CommandError) as refusal:
        build_assets.install(tmp_path, build_assets.find_node()[1])
    assert "govuk-frontend" in str(refusal.value)
    assert "cannot be reached" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_stylesheet_is_ours() -> None:
    css = (BUILD / "app.css").read_text()
    assert "GDS Transport" not in css
    assert (BUILD / "licences" / "public-sans.txt").exists()
    assert (BUILD / "pdf-fonts" / "PublicSans-Regular.ttf").exists()


@pytest.mark.browser
def test_a_first_visit_is_light(browser: Any, live_site: str) -> None:
    """Fonts as they are, everything else as it is sent, compressed. On paper there are no buttons."""
    context = browser.new_context()
    page = context.new_page()
    weights: dict[str, int] = {}

    def weigh(response: Any) -> None:
        body = response.body()
        font = response.url.endswith(".woff2")
        weights[response.url] = len(body) if font else len(gzip.compress(body, 9))

    page.on("requestfinished", lambda request: weigh(request.response()))
    page.goto(f"{live_site}/accounts/login/")
    page.wait_for_load_state("networkidle")
    buttons = page.locator(".govuk-button").filter(visible=True)
    on_screen = buttons.count()
    page.emulate_media(media="print")
    on_paper = buttons.count()
    assert page.get_by_role("heading", name="Sign in").is_visible()
    context.close()
    assert on_screen
    assert on_paper == 0
    assert len(weights) >= 8
    assert sum(weights.values()) <= FIRST_VISIT, weights
