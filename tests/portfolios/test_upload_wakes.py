"""The check of a new file begins at once, also where the process that took it in can wake nobody."""

import pytest

from portfolios.actions import scanning
from portfolios.actions.scanning import scan_waiting_evidence
from tests.factories.portfolios import pdf, portfolio_of
from tests.portfolios import tus

pytestmark = pytest.mark.sqlite


def test_whoever_asks_what_became_of_an_upload_wakes_the_scanner(
    cast, as_, monkeypatch, django_capture_on_commit_callbacks
):
    woken: list[str] = []
    raw, client = pdf("wakes"), as_(cast.lena)
    # Nobody to wake, as in the process that takes uploads in.
    monkeypatch.setattr(scanning, "_wakers", [])
    path = tus.create(client, portfolio_of(cast), len(raw))["Location"]
    assert tus.patch(client, path, 0, raw).status_code == 204
    scanning.on_waiting(lambda: woken.append("scanner"))

    def asked() -> list[str]:
        woken.clear()
        with django_capture_on_commit_callbacks(execute=True):
            assert client.get(path).json()["evidence"]
        return woken

    assert asked() == ["scanner"]
    scan_waiting_evidence()
    assert asked() == []
