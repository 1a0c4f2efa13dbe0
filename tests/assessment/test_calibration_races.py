"""Pressing Begin several times at once begins once."""

from assessment.actions.calibration import begin_calibration
from assessment.models import CalibrationAttempt
from tests.assessment.test_calibrating import POLICY, bank
from tests.personas import make_cast
from tests.threads import at_once


def test_beginning_at_once_begins_once(committed_db):
    cast = make_cast(policy=POLICY)
    bank(cast)
    results = at_once(*[lambda: begin_calibration(cast.task, actor=cast.ada)] * 3)
    assert len(set(results)) == 1
    assert CalibrationAttempt.objects.count() == 1
    assert CalibrationAttempt.objects.get().items.count() == 5
