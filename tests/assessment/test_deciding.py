"""Verdicts: recording, referring, double marking, adjudication, revision."""

import pytest

from assessment.enums import Outcome
from portfolios.enums import SubmissionState as S
from tests.factories.assessment import assessed
from tests.personas import make_cast

pytestmark = pytest.mark.django_db


def test_a_single_decision_is_final_at_once():
    cast = make_cast()
    submission = assessed(cast)
    decision = submission.decisions.get()
    assert submission.state == S.ASSESSED
    assert (decision.outcome, decision.grade.code) == (Outcome.ACHIEVED, "A")
    assert decision.sealed_at is not None
    assert decision.final_at == decision.sealed_at
    assert decision.manifest_hash == submission.fingerprint
