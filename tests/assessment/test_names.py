"""Three switches of anonymity, ending at release for one piece of work at a time, and each name shown is noted."""

import pytest
from django.urls import reverse

from assessment.actions.allocation import allocate
from assessment.actions.discussing import say
from assessment.actions.revealing import plan_names
from assessment.enums import Stand
from assessment.models import Discussion
from tests.assessment.pages import url
from tests.factories.assessment import allocated, assessed, decided, opened
from tests.factories.awards import batch, moderate, release, sign
from tests.personas import as_, make_cast
from tests.worlds import kept
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import AccessRecord

HIDDEN = {"anonymous_marking": True}


def noted(submission, person):
    rows = AccessRecord.objects.filter(subject_id=submission.pk, actor=person)
    return list(rows.filter(purpose__startswith="Name of").values_list("purpose", flat=True))


@kept
def coded():
    """Codes instead of learners' names."""
    return make_cast(learners=2, policy=HIDDEN)


def released(cast, submission):
    moderate(cast, [submission])
    sign(batch(cast), cast.rita)
    release(cast)


def test_before_release_the_assessor_gets_no_name_and_who_allocates_needs_a_reason(coded):
    submission = assessed(coded)
    ada, pam = as_(coded.ada), as_(coded.pam)
    where = url("reveal_learner", submission.pk)
    assert ada.post(where, {"reason": "I wonder."}).status_code == 403
    assert "Show the name" not in ada.get(url("workspace", submission.pk)).content.decode()
    assert pam.post(where).status_code == 403
    assert noted(submission, coded.ada) == noted(submission, coded.pam) == []
    shown = pam.post(where, {"reason": "She rang up."}).content.decode()
    assert "Lena Tūhoe" in shown
    assert noted(submission, coded.pam) == ["Name of the learner shown. She rang up."]
    assert "Tūhoe" not in pam.get(url("workspace", submission.pk)).content.decode()


def test_from_release_on_it_is_shown_for_that_piece_of_work_and_noted(coded):
    submission, other = assessed(coded), None
    released(coded, submission)
    other = assessed(coded, "hone")
    ada = as_(coded.ada)
    page = ada.get(url("workspace", submission.pk)).content.decode()
    assert submission.pseudonym in page
    assert "Show the name" in page
    shown = ada.post(url("reveal_learner", submission.pk)).content.decode()
    assert "Lena Tūhoe" in shown
    assert f'href="{url("workspace", submission.pk)}" class="govuk-back-link"' in shown
    assert noted(submission, coded.ada) == ["Name of the learner shown."]
    assert ada.post(url("reveal_learner", other.pk)).status_code == 403


def test_the_learner_sees_who_assessed_it_from_release_on(coded):
    submission = assessed(coded)
    lena, hone = as_(coded.lena), as_(coded.hone)
    where = url("reveal_assessor", submission.pk)
    assert lena.post(where).status_code == 403
    released(coded, submission)
    page = lena.get(reverse("awards:result", args=[submission.pk])).content.decode()
    assert "Ada" not in page
    assert "Show who assessed it" in page
    shown = lena.post(where).content.decode()
    assert "Ada Assessor" in shown
    back = reverse("portfolios:result", args=[submission.portfolio_id])
    assert f'href="{back}" class="govuk-back-link"' in shown
    assert lena.get(back)["Location"] == reverse("awards:result", args=[submission.pk])
    assert noted(submission, coded.lena) == ["Name of the assessor shown to the learner."]
    assert hone.post(where).status_code == 404
    assert as_(coded.ada).post(where).status_code == 403


def test_where_it_is_not_asked_for_the_result_names_the_assessor(db):
    cast = make_cast(policy={"anonymous_assessor": False})
    submission = assessed(cast)
    released(cast, submission)
    page = as_(cast.lena).get(reverse("awards:result", args=[submission.pk])).content.decode()
    assert "Ada Assessor" in page


@pytest.mark.parametrize("hides", [True, False])
def test_assessors_know_of_one_another_only_where_they_may(db, hides):
    policy = {
        "marking.double": True,
        "double.discussion": True,
        "anonymous_between_assessors": hides,
    }
    cast = make_cast(policy=policy)
    submission = allocated(cast)
    allocate(submission, cast.abe, actor=cast.pam)
    decided(submission, cast.ada, "E")
    opened(submission, cast.abe)
    client = as_(cast.abe)
    for name, args in (("queue", ()), ("workspace", (submission.pk,))):
        assert "Ada Assessor" not in client.get(url(name, *args)).content.decode()
    decided(submission, cast.abe, "NY")
    talk = Discussion.objects.get()
    say(talk, actor=cast.ada, rationale="Page 4 shows it.", stand=Stand.MINE)
    page = client.get(url("discussion", submission.pk)).content.decode()
    assert ("Ada Assessor" in page) is not hides


def test_each_switch_is_set_for_a_task_and_kept_with_its_work(db):
    cast = make_cast(learners=2)
    pam = as_(cast.pam)
    where = url("names", cast.delivery.pk)
    sent = {"task": cast.task.pk, "learner": "yes", "assessor": "no"}
    assert as_(cast.ada).post(where, sent).status_code == 403
    # The action asks again, whoever calls it.
    for name in ("ada", "moses", "rita", "lena"):
        with pytest.raises(NotPermitted):
            plan_names(
                cast.delivery, cast.task, actor=cast.people[name],
                learner=False, assessor=None, between=None,
            )  # fmt: skip
    assert pam.post(where, sent).status_code == 302
    submission = assessed(cast)
    assert (submission.hides_learner, submission.hides_assessor) == (True, False)
    assert submission.hides_between is None
    ada = as_(cast.ada)
    for name, args in (("queue", ()), ("workspace", (submission.pk,))):
        assert "Tūhoe" not in ada.get(url(name, *args)).content.decode()
    waiting = allocated(cast, "hone")
    for name, args in (("home", ()), ("queue", ()), ("workspace", (waiting.pk,))):
        page = ada.get(url(name, *args)).content.decode()
        assert waiting.pseudonym in page
        assert "Parata" not in page
    board = pam.get(url("allocate", cast.delivery.pk)).content.decode()
    assert "Parata" not in board
    with pytest.raises(StaleState):
        plan_names(
            cast.delivery, cast.task, actor=cast.pam, learner=False, assessor=None, between=None
        )
    assert pam.post(where, sent).status_code == 422
    released(cast, submission)
    result = reverse("awards:result", args=[submission.pk])
    assert "Ada Assessor" in as_(cast.lena).get(result).content.decode()
    assert "Show the name" in ada.get(url("workspace", submission.pk)).content.decode()
    assert "Lena Tūhoe" in ada.post(url("reveal_learner", submission.pk)).content.decode()
    listed = pam.get(url("openings", cast.delivery.pk)).content.decode()
    assert "Name of the learner shown." in listed
    assert as_(cast.ada).get(url("openings", cast.delivery.pk)).status_code == 403


def test_a_task_may_show_names_where_the_policy_hides_them(coded):
    for who in (coded.ada, coded.moses, coded.rita, coded.lena):
        with pytest.raises(NotPermitted):
            plan_names(
                coded.delivery, coded.task, actor=who, learner=False, assessor=None, between=None
            )
    plan_names(
        coded.delivery, coded.task, actor=coded.lea, learner=False, assessor=None, between=None
    )
    allocated(coded)
    assert "Lena Tūhoe" in as_(coded.ada).get(url("queue")).content.decode()
