"""The library: finding, age, reuse, the rules of evidence, and what is missing for people who cannot see or hear."""

import pytest
from django.urls import reverse

from assessment.actions.allocation import allocate
from assessment.actions.marking import start_assessment
from catalogue.models import Criterion
from portfolios.actions.drafting import map_evidence
from portfolios.actions.rendering import make_renditions
from portfolios.selectors.evidence import reuse_of
from tests.factories.portfolios import file, portfolio_of, ready, submit
from tests.factories.recordings import pages_of

pytestmark = pytest.mark.sqlite


def with_file(cast, who: str, content: bytes):
    """A submission that uses this file for the first criterion too."""
    portfolio = ready(cast, who)
    item = file(portfolio, "form.pdf", content)
    learner = portfolio.enrolment.learner
    first = Criterion.objects.filter(rubric__task=cast.task).order_by("number")[0]
    map_evidence(portfolio, item, first, actor=learner, claim="The form.", locator="page 2")
    return submit(portfolio), item


# --- reuse -------------------------------------------------------------------------------------------


def test_the_assessor_sees_pages_and_that_somebody_else_has_the_same_file(cast, as_):
    content = pages_of(2)
    submission, item = with_file(cast, "lena", content)
    assert not reuse_of(submission).by_others
    file(portfolio_of(cast, "hone"), "mine.pdf", content)
    assert reuse_of(submission).by_others == {item.pk}
    make_renditions()
    allocate(submission, cast.ada, actor=cast.lea)
    start_assessment(submission, actor=cast.ada)
    page = as_(cast.ada).get(reverse("assessment:workspace", args=[submission.pk])).content.decode()
    assert page.count("Somebody else has added the same content.") == 1
    assert cast.hone.name not in page
    number = submission.pins.get(evidence=item).number
    assert f'id="evidence-{number}-page-2"' in page
    assert f'href="#evidence-{number}-page-2"' in page


def test_what_a_learner_submitted_for_another_task_is_flagged_and_a_new_attempt_is_not(cast):
    content = pages_of(1)
    submission, item = with_file(cast, "lena", content)
    assert not reuse_of(submission).elsewhere
    other, _item = with_file(cast, "hone", content)
    assert not reuse_of(other).elsewhere
    assert reuse_of(other).by_others
    type(other).objects.filter(pk=other.pk).update(learner=cast.lena)
    assert reuse_of(submission).elsewhere == {item.pk}
