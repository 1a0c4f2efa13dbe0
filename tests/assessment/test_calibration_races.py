"""Pressing Begin several times at once begins once."""

from assessment.actions.calibration import begin_calibration
from assessment.models import CalibrationAttempt
from tests.assessment.test_calibrating import POLICY, bank
from tests.assessment.test_races import at_once
from tests.personas import make_cast


def test_beginning_at_once_begins_once(committed_db):
    cast = make_cast(policy=POLICY)
    bank(cast)
    results = at_once(*[lambda: begin_calibration(cast.task, actor=cast.ada)] * 3)
    assert len(set(results)) == 1
    assert CalibrationAttempt.objects.count() == 1
    assert CalibrationAttempt.objects.get().items.count() == 5
