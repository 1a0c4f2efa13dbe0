"""A sealed decision stays as it was sealed, whoever asks."""

import pytest
from django.db import DatabaseError, transaction

from assessment.models import AssessmentDecision, CriterionJudgement
from tests.factories.assessment import assessed
from tests.personas import make_cast

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def refused(change):
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        change()


@pytest.fixture
def decision():
    cast = make_cast()
    submission = assessed(cast, "lena", levels="M", assessor="ada")
    return AssessmentDecision.objects.get(submission=submission, final_at__isnull=False)


@pytest.mark.parametrize(
    "change",
    [{"outcome": "not_achieved"}, {"feedback": "Other"}, {"sealed_at": None}, {"final_at": None}],
)
def test_no_column_of_it_changes(decision, change):
    refused(lambda: AssessmentDecision.objects.filter(pk=decision.pk).update(**change))


def test_no_judgement_of_it_changes_or_goes(decision):
    judgements = CriterionJudgement.objects.filter(decision=decision)
    lowest = judgements.first().criterion.levels.get(rank=0)
    refused(lambda: judgements.update(level=lowest))
    refused(lambda: judgements.update(feedback="Other"))
    refused(lambda: judgements._raw_delete(judgements.db))


def test_it_cannot_be_deleted(decision):
    own = AssessmentDecision.objects.filter(pk=decision.pk)
    refused(lambda: own._raw_delete(own.db))
