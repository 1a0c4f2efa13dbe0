"""The decision of a fresh assessor, and decision versions that are written for a whole set: what each refuses."""

import pytest
from django.utils import timezone

from accounts.models import DeclaredConflict
from assessment.actions.deciding import record_decision, refer, write_new_versions
from assessment.enums import AllocationRole, Basis
from assessment.models import Allocation, AssessmentDecision
from awards.actions.reconsideration import request_reconsideration
from catalogue.models import Grade
from portfolios.enums import HoldKind
from portfolios.models import Hold, Part, Submission
from tests.factories.assessment import assessed, drafted
from tests.factories.awards import released
from tests.personas import make_cast
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState, StaleVersion

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def asked():
    """Lena's released result is looked at afresh, by somebody with a draft that says not yet."""
    made = make_cast(learners=1)
    made.work = released(made)
    request_reconsideration(made.work, actor=made.lena, grounds="Criterion 2 was missed")
    made.work = Submission.objects.get(pk=made.work.pk)
    role = AllocationRole.RECONSIDERATION_ASSESSOR
    made.person = Allocation.objects.current().get(role=role).assessor
    made.draft = drafted(made.work, made.person, "NY")
    return made


@kept
def done():
    """Lena's and Hōne's work, both decided."""
    made = make_cast(learners=2)
    made.work = [assessed(made, name) for name in ("lena", "hone")]
    return made


def held(cast):
    Hold.objects.create(
        submission=cast.work, kind=HoldKind.INTEGRITY, reason="?", opened_by=cast.pam
    )


def close(cast):
    DeclaredConflict.objects.create(
        person=cast.person, other=cast.lena, kind="whanau", declared_by=cast.pam
    )


def unjudged(cast):
    cast.draft.judgements.filter(criterion__number=1).update(level=None)


def silent(cast):
    cast.draft.judgements.filter(criterion__number=1).update(feedback=" ")


def changed(cast):
    AssessmentDecision.objects.filter(pk=cast.draft.pk).update(manifest_hash="0" * 64)


REFUSED = {
    held: "on_hold", close: "not_independent", unjudged: "criterion_not_judged",
    silent: "feedback_missing", changed: "decision_stale",
}  # fmt: skip


@pytest.mark.parametrize("change", REFUSED, ids=lambda one: one.__name__)
def test_a_fresh_decision_is_asked_what_any_other_is(asked, change):
    change(asked)
    with pytest.raises(GuardsNotMet) as refused:
        record_decision(asked.work, actor=asked.person)
    assert refused.value.codes == [REFUSED[change]]
    asked.draft.refresh_from_db()
    assert asked.draft.sealed_at is None


def test_a_fresh_decision_is_sealed_once_as_it_was_seen_and_refers_nothing_back(asked):
    with pytest.raises(StaleState):
        refer(asked.work, actor=asked.person)
    with pytest.raises(StaleVersion):
        record_decision(asked.work, actor=asked.person, seen_version=asked.draft.version - 1)
    record_decision(asked.work, actor=asked.person, seen_version=asked.draft.version)
    asked.draft.refresh_from_db()
    assert asked.draft.sealed_at is not None
    assert asked.draft.final_at is None
    with pytest.raises(StaleState):
        record_decision(asked.work, actor=asked.person)
    assert Submission.objects.get(pk=asked.work.pk).state == "under_reconsideration"


def test_whoever_looks_at_it_no_more_decides_nothing(asked):
    Part.objects.filter(submission=asked.work, person=asked.person).update(ended_at=timezone.now())
    with pytest.raises(NotPermitted):
        record_decision(asked.work, actor=asked.person)
    asked.draft.refresh_from_db()
    assert asked.draft.sealed_at is None


# --- versions for a whole set


def versions(done, **given):
    said = {"actor": done.lea, "basis": Basis.MODERATION, "reason": "Read one level lower."}
    return write_new_versions({one.pk: {} for one in done.work}, **said | given)


def test_a_set_gets_new_versions_with_a_reason_for_each_and_a_basis_of_their_own(done):
    first, other = done.work
    for reason in ("  ", {first.pk: "Read again.", other.pk: " "}):
        with pytest.raises(ValueError, match="reason"):
            versions(done, reason=reason)
    for basis in (
        Basis.ASSESSMENT, Basis.SECOND_ASSESSMENT, Basis.ADJUDICATION, Basis.RECONSIDERATION,
    ):  # fmt: skip
        with pytest.raises(ValueError, match="basis"):
            versions(done, basis=basis)
    assert AssessmentDecision.objects.count() == 2
    made = versions(done, reason={first.pk: "Read again.", other.pk: "Read too."})
    assert {key: one.reason for key, one in made.items()} == {
        first.pk: "Read again.", other.pk: "Read too.",
    }  # fmt: skip


def test_a_set_with_one_that_comes_to_no_result_gets_no_new_versions(done):
    """A criterion without a level, as a version may carry that was written elsewhere."""
    last = done.work[1].decisions.get()
    copy = AssessmentDecision.objects.create(
        submission=last.submission, author=done.lea, basis=Basis.CORRECTION, number=2, reason="A slip.",
        reason_code="fact", manifest_hash=last.manifest_hash, rubric_hash=last.rubric_hash,
        policy_hash=last.policy_hash,
    )  # fmt: skip
    for one in last.judgements.all():
        copy.judgements.create(criterion=one.criterion, level=None)
    copy.outcome, copy.grade = "achieved", Grade.objects.get(scheme=last.grade.scheme, code="A")
    copy.sealed_at = copy.final_at = copy.saved_at
    copy.save()
    with pytest.raises(GuardsNotMet) as refused:
        versions(done)
    assert refused.value.codes == ["no_result"]
    assert AssessmentDecision.objects.count() == 3
