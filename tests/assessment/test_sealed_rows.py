"""A sealed decision stays as it was sealed, whoever asks."""

from dataclasses import replace

import pytest
from django.db import DatabaseError, transaction

from assessment.actions.allocation import allocate
from assessment.actions.deciding import record_decision
from assessment.actions.marking import save_draft
from assessment.models import AssessmentDecision, CriterionJudgement
from tests.factories.assessment import assessed, marks, opened
from tests.factories.portfolios import submitted
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


def test_what_a_judgement_points_to_neither_changes_nor_goes():
    cast = make_cast()
    submission = submitted(cast, "lena", files=2)
    allocate(submission, cast.ada, actor=cast.pam)
    draft = opened(submission, cast.ada)
    said = marks(submission, "M")
    pointing = {number: replace(one, pointers=[1]) for number, one in said.criteria.items()}
    save_draft(
        submission.pk, actor=cast.ada, marks=replace(said, criteria=pointing), seen_version=1
    )
    rows = CriterionJudgement.pointers.through.objects.filter(criterionjudgement__decision=draft)
    rows.first().delete()
    record_decision(submission, actor=cast.ada)
    other = submission.pins.get(number=2)
    refused(lambda: rows.update(submissionevidence=other))
    refused(rows.delete)
    assert rows.count() == submission.rubric.criteria.count() - 1


def test_it_cannot_be_deleted(decision):
    own = AssessmentDecision.objects.filter(pk=decision.pk)
    refused(lambda: own._raw_delete(own.db))
