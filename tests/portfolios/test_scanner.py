"""The virus scanner, a real clamd with one signature: what it finds, what it did not look at, when it is away."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from catalogue.selectors import next_steps
from config.health import NotReadyError, check_scanner
from portfolios import inspection
from portfolios.actions.scanning import (
    MAX_ATTEMPTS,
    STUCK_AFTER,
    ask_scanner,
    scan_waiting_evidence,
)
from portfolios.exceptions import ScanIncomplete, ScannerAway
from portfolios.models import EvidenceItem
from tests import servers
from tests.factories.portfolios import file, pdf, portfolio_of
from tests.servers import EICAR, start_clamd

pytestmark = pytest.mark.sqlite
MIB = 1024 * 1024


@pytest.fixture(params=["port", "socket"])
def scanner(request, settings, clamd):
    """The scanner in use, by its port and by its socket."""
    settings.VIRUS_SCANNER = clamd.url if request.param == "port" else clamd.extra["socket"]
    return settings.VIRUS_SCANNER


def zipped(raw: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", raw)
    return made.getvalue()


def look_again(item: EvidenceItem) -> EvidenceItem:
    """The next look, once the last one counts as lost."""
    earlier = timezone.now() - STUCK_AFTER - timedelta(seconds=1)
    EvidenceItem.objects.filter(pk=item.pk).update(scan_started_at=earlier)
    scan_waiting_evidence()
    item.refresh_from_db()
    return item


def test_what_is_found_is_refused_by_name_and_what_is_clean_is_ready(cast, scanner):
    portfolio = portfolio_of(cast)
    clean = file(portfolio, "a.pdf")
    assert (clean.state, clean.words, clean.scanned_for_viruses) == ("ready", "Ready", True)
    bad = file(portfolio, "notes.txt", EICAR)
    assert (bad.state, bad.words) == ("quarantined", "Refused by the safety check")
    assert bad.refusal == (
        "The virus scanner refused this file (Test.Eicar.UNOFFICIAL). Nobody can open it."
    )
    assert ask_scanner(io.BytesIO(zipped(zipped(EICAR))), scanner) == "Test.Eicar.UNOFFICIAL"
    assert check_scanner() == "answers"


@pytest.mark.parametrize("size", [MIB + 1, 2 * MIB + 1, 9 * MIB])
def test_what_is_beyond_a_limit_of_the_scanner_was_not_looked_at(scanner, size):
    """Beyond MaxFileSize clamd finds a limit, beyond StreamMaxLength it hangs up; neither is a virus or clean."""
    with pytest.raises(ScanIncomplete) as refused:
        ask_scanner(io.BytesIO(bytes(size)), scanner)
    assert not isinstance(refused.value, ScannerAway)


def test_a_file_that_the_scanner_cannot_take_waits_and_is_refused_in_the_end(cast, settings, clamd):
    settings.VIRUS_SCANNER = clamd.extra["socket"]
    item = file(portfolio_of(cast), "big.pdf", pdf() + bytes(3 * MIB))
    for attempt in range(1, MAX_ATTEMPTS):
        assert (item.state, item.words, item.scan_attempts) == (
            "scanning",
            "Being checked",
            attempt,
        )
        item = look_again(item)
    assert (item.state, item.scan_attempts) == ("quarantined", MAX_ATTEMPTS)
    assert item.refusal.startswith("We could not check this file.")


def test_a_file_that_nothing_of_ours_can_open_waits_and_is_refused_in_the_end(cast, monkeypatch):
    """The helper ends without an answer: that is no answer about the file."""
    inspection._inspector.stop()
    monkeypatch.setattr(inspection, "_START", "# {root} {line}")
    item = file(portfolio_of(cast))
    for _attempt in range(1, MAX_ATTEMPTS):
        assert (item.state, item.words, item.copy_key) == ("scanning", "Being checked", "")
        item = look_again(item)
    assert (item.state, item.copy_key) == ("quarantined", "")
    monkeypatch.undo()
    assert file(portfolio_of(cast), "b.pdf").state == "ready"


def test_while_the_scanner_is_away_files_wait_and_are_checked_once_it_is_back(cast, settings):
    server = start_clamd()
    try:
        settings.VIRUS_SCANNER = server.extra["socket"]
        server.halt()
        with pytest.raises(NotReadyError, match="new files wait and do not become ready"):
            check_scanner()
        page = Client().get("/readyz").json()
        assert "scanner" in page["failing"]
        item = file(portfolio_of(cast))
        for _attempt in range(MAX_ATTEMPTS + 1):
            item = look_again(item)
            assert (item.state, item.words) == ("scanning", "Being checked")
        assert next_steps(cast.pam) == []
        EvidenceItem.objects.update(created_at=timezone.now() - timedelta(hours=3))
        (step,) = next_steps(cast.pam)
        assert step.title == "1 file waits for the safety check"
        assert "for 3 hours" in step.text
        assert next_steps(cast.lena) == next_steps(cast.olga) == []
        server.resume()
        assert look_again(item).state == "ready"
        assert next_steps(cast.pam) == []
    finally:
        server.stop()


def test_without_a_scanner_the_page_and_readiness_say_so(cast, settings):
    settings.VIRUS_SCANNER = ""
    portfolio = portfolio_of(cast)
    item = file(portfolio, "notes.txt", EICAR)
    assert (item.state, item.words) == ("ready", "Ready. Not scanned for viruses")
    client = Client()
    client.force_login(cast.lena)
    page = client.get(f"/learn/p/{portfolio.pk}/evidence/")
    assert "Not scanned for viruses" in page.content.decode()
    assert client.get("/readyz").json()["parts"]["scanner"] == {
        "ok": True, "detail": "off: files are not scanned for viruses",
    }  # fmt: skip


def test_a_machine_without_clamd_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(servers, "clamd", lambda: None)
    with pytest.raises(servers.NoServerError, match="Debian's package clamav-daemon"):
        start_clamd()
