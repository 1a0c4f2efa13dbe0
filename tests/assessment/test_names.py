"""Three switches of anonymity, ending at release for one piece of work at a time, and each name shown is noted."""

import pytest
from django.test import Client
from django.urls import reverse

from assessment.enums import AllocationRole
from assessment.models import Allocation
from tests.factories.assessment import allocated, assessed, decided, opened
from tests.factories.awards import batch, moderate, release, sign
from tests.personas import make_cast
from tests.worlds import kept
from workflows.models import AccessRecord

HIDDEN = {"anonymous_marking": True}


def url(name, *args):
    return reverse(f"assessment:{name}", args=args)


def signed_in(person):
    client = Client()
    client.force_login(person)
    return client


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
    ada, pam = signed_in(coded.ada), signed_in(coded.pam)
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
    ada = signed_in(coded.ada)
    page = ada.get(url("workspace", submission.pk)).content.decode()
    assert submission.pseudonym in page
    assert "Show the name" in page
    assert "Lena Tūhoe" in ada.post(url("reveal_learner", submission.pk)).content.decode()
    assert noted(submission, coded.ada) == ["Name of the learner shown."]
    assert ada.post(url("reveal_learner", other.pk)).status_code == 403


def test_the_learner_sees_who_assessed_it_from_release_on(coded):
    submission = assessed(coded)
    lena, hone = signed_in(coded.lena), signed_in(coded.hone)
    where = url("reveal_assessor", submission.pk)
    assert lena.post(where).status_code == 403
    released(coded, submission)
    page = lena.get(reverse("awards:result", args=[submission.pk])).content.decode()
    assert "Ada" not in page
    assert "Show who assessed it" in page
    assert "Ada Assessor" in lena.post(where).content.decode()
    assert noted(submission, coded.lena) == ["Name of the assessor shown to the learner."]
    assert hone.post(where).status_code == 404
    assert signed_in(coded.ada).post(where).status_code == 403


def test_where_it_is_not_asked_for_the_result_names_the_assessor(db):
    cast = make_cast(policy={"anonymous_assessor": False})
    submission = assessed(cast)
    released(cast, submission)
    page = signed_in(cast.lena).get(reverse("awards:result", args=[submission.pk])).content.decode()
    assert "Ada Assessor" in page


@pytest.mark.parametrize("hides", [True, False])
def test_assessors_know_of_one_another_only_where_they_may(db, hides):
    cast = make_cast(policy={"marking.double": True, "anonymous_between_assessors": hides})
    submission = allocated(cast)
    decided(submission, cast.ada)
    second = Allocation.objects.get(role=AllocationRole.SECOND_ASSESSOR).assessor
    opened(submission, second)
    lease = submission.__class__.objects.get(pk=submission.pk).lease
    lease.holder = cast.ada
    lease.save()
    client = signed_in(second)
    for name, args in (("queue", ()), ("workspace", (submission.pk,))):
        page = client.get(url(name, *args)).content.decode()
        assert ("Ada Assessor" in page) is not hides
    lead = signed_in(cast.lea).get(url("workspace", submission.pk)).content.decode()
    assert "Ada Assessor" in lead
