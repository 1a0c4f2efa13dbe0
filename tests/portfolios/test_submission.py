"""Submitting, taking back, holding."""

import hashlib
import json

import pytest

from portfolios.enums import SubmissionState
from portfolios.models import Part
from tests.factories.portfolios import submitted
from tests.personas import make_cast
from workflows.models import Deadline

pytestmark = pytest.mark.django_db


def test_a_ready_portfolio_becomes_a_frozen_attempt() -> None:
    cast = make_cast()
    submission = submitted(cast)
    assert submission.state == SubmissionState.SUBMITTED
    assert submission.reference.startswith("PF-")
    assert hashlib.sha256(submission.manifest.encode()).hexdigest() == submission.fingerprint
    contents = json.loads(submission.manifest)
    assert [file["number"] for file in contents["files"]] == [1, 2]
    assert [pin.sha256 for pin in submission.pins.all()] == [
        file["sha256"] for file in contents["files"]
    ]
    assert Part.objects.get(submission=submission).person == cast.lena
    assert not Deadline.objects.filter(kind="submission", state="open").exists()
