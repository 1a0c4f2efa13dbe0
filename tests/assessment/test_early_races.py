"""Two who open work at once while one place of the early check is left: one opens, the other is refused."""

import pytest

from assessment.actions.marking import start_assessment
from assessment.models import EarlyCheck, EarlyPlace
from portfolios.enums import SubmissionState as S
from portfolios.models import Submission
from tests.factories.assessment import allocated, assessed
from tests.personas import make_cast
from tests.threads import at_once
from workflows.exceptions import GuardsNotMet


@pytest.mark.parametrize("left", [1, 2])
def test_only_as_many_start_as_places_are_left(committed_db, left):
    cast = make_cast(learners=4)
    EarlyCheck.objects.create(delivery=cast.delivery, task=cast.task, size=1 + left)
    assessed(cast, "lena")
    works = {
        "ada": allocated(cast, "hone", "ada"),
        "abe": allocated(cast, "mere", "abe"),
        "ana": allocated(cast, "learner4", "ana"),
    }
    results = at_once(
        *[
            lambda name=name, work=work: start_assessment(work, actor=cast.people[name])
            for name, work in works.items()
        ]
    )
    assert sum(isinstance(one, Submission) for one in results) == left
    refused = [one for one in results if isinstance(one, GuardsNotMet)]
    assert [one.codes for one in refused] == [["early_check_open"]] * (3 - left)
    assert Submission.objects.filter(state=S.IN_ASSESSMENT).count() == left
    assert sorted(EarlyPlace.objects.values_list("number", flat=True)) == [*range(1, left + 2)]
