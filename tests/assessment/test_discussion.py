"""Two assessors who disagree: each reads the other's decision from then on, and what they say leads on."""

import pytest
from django.db import DatabaseError, transaction

from assessment import guards
from assessment.actions.allocation import allocate
from assessment.actions.deciding import refer
from assessment.actions.discussing import end_discussion, say
from assessment.actions.double import open_other_decision
from assessment.enums import AllocationRole, Conclusion, Stand
from assessment.models import Allocation, Discussion, DiscussionEntry
from assessment.selectors import result_for
from portfolios.enums import SubmissionState as S
from tests.assessment.pages import url
from tests.factories.assessment import allocated, decided, drafted
from tests.factories.portfolios import fresh
from tests.personas import Cast, as_, make_cast
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import AccessRecord, Deadline, Notification
from workflows.transitions import perform

CANARY = "canary rationale"


@kept
def talking() -> Cast:
    """Marked twice; who disagrees talks about it first."""
    return make_cast(learners=2, policy={"marking.double": True, "double.discussion": True})


def two(cast, first="E", second="NY"):
    """Ada and Abe seal; gives the submission and what they talk about, if they do."""
    submission = allocated(cast)
    allocate(submission, cast.abe, actor=cast.pam)
    decided(submission, cast.ada, first, feedback="canary of Ada")
    decided(submission, cast.abe, second, feedback="canary of Abe")
    return submission, Discussion.objects.filter(submission=submission).first()


def test_within_tolerance_nobody_talks(talking):
    submission, talk = two(talking, "M", "M")
    assert talk is None
    assert fresh(submission).state == S.ASSESSED


def test_nothing_opens_before_both_are_sealed(talking):
    submission = allocated(talking)
    allocate(submission, talking.abe, actor=talking.pam)
    decided(submission, talking.ada, "E")
    drafted(submission, talking.abe, "NY")
    assert not Discussion.objects.exists()
    for person in (talking.ada, talking.abe):
        assert as_(person).get(url("discussion", submission.pk)).status_code == 404
        assert as_(person).post(url("other_decision", submission.pk)).status_code == 404


def test_outside_tolerance_both_are_told_and_open_the_other_with_a_record(talking):
    submission, talk = two(talking)
    assert fresh(submission).state == S.IN_ASSESSMENT
    told = Notification.objects.filter(topic="assessment.discussion_opened")
    assert {one.recipient for one in told} == {talking.ada, talking.abe}
    deadline = Deadline.objects.of(submission).open().get()
    assert (deadline.kind, deadline.due_at) == ("discussion", talk.due_at)
    ada = as_(talking.ada)
    page = ada.get(url("discussion", submission.pk)).content.decode()
    assert "canary of Abe" not in page
    assert "Abe" not in page
    assert not AccessRecord.objects.exists()
    for _time in range(2):
        other = ada.post(url("other_decision", submission.pk)).content.decode()
        assert "canary of Abe" in other
    assert AccessRecord.objects.filter(actor=talking.ada, subject_id=submission.pk).count() == 2
    listed = as_(talking.lea).get(url("openings", talking.delivery.pk)).content.decode()
    assert listed.count("Read the other assessor’s decision. Both were sealed.") == 2
    assert submission.reference in listed
    assert "Ada Assessor" in listed


def test_they_agree_on_one_decision_with_their_reasons(talking):
    submission, talk = two(talking)
    ada, abe = as_(talking.ada), as_(talking.abe)
    where = url("discussion", submission.pk)
    assert ada.post(where, {"stand": "mine"}).status_code == 422
    assert ada.post(where, {"stand": "mine", "rationale": CANARY}).status_code == 302
    assert Notification.objects.get(topic="assessment.discussion_said").recipient == talking.abe
    assert CANARY in abe.get(where).content.decode()
    assert fresh(submission).state == S.IN_ASSESSMENT
    assert abe.post(where, {"stand": "others", "rationale": "Page 4."}).status_code == 302
    moved = fresh(submission)
    assert moved.state == S.ASSESSED
    assert result_for(moved).author == talking.ada
    assert moved.decisions.filter(sealed_at__isnull=False).count() == 2
    talk.refresh_from_db()
    assert (talk.conclusion, talk.chosen.author) == (Conclusion.AGREED, talking.ada)
    assert not Deadline.objects.of(submission).open().exists()
    assert ada.post(where, {"stand": "mine", "rationale": "Again."}).status_code == 409
    assert ada.post(url("other_decision", submission.pk)).status_code == 403
    page = abe.get(where).content.decode()
    assert "The other decision stands." in page
    for deed in (
        lambda: Discussion.objects.update(reason="x"),
        lambda: DiscussionEntry.objects.update(rationale="x"),
        DiscussionEntry.objects.all().delete,
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            deed()


def test_both_insisting_agrees_on_nothing(talking):
    submission, talk = two(talking)
    for who in (talking.ada, talking.abe):
        say(talk, actor=who, rationale="Mine.", stand=Stand.MINE)
    assert fresh(submission).state == S.IN_ASSESSMENT
    say(talk, actor=talking.ada, rationale="Yes.", stand=Stand.OTHERS)
    assert result_for(fresh(submission)).author == talking.abe


def test_one_who_wants_an_adjudicator_gets_one_who_reads_nothing_of_it(talking):
    submission, talk = two(talking)
    say(talk, actor=talking.abe, rationale=CANARY, stand=Stand.MINE)
    say(talk, actor=talking.ada, rationale="No way.", stand=Stand.ADJUDICATOR)
    assert fresh(submission).state == S.IN_ADJUDICATION
    asked = Allocation.objects.get(role=AllocationRole.ADJUDICATOR)
    assert asked.assessor == talking.ana
    drafted(submission, talking.ana, "M")
    ana = as_(talking.ana)
    assert ana.get(url("discussion", submission.pk)).status_code == 403
    assert ana.post(url("other_decision", submission.pk)).status_code == 403
    seen = ""
    for name in ("home", "queue"):
        seen += ana.get(url(name)).content.decode()
    for name in ("workspace", "finish", "recorded"):
        seen += ana.get(url(name, submission.pk)).content.decode()
    for word in (CANARY, "No way.", "canary of", "Ada", "Abe"):
        assert word not in seen


@pytest.mark.parametrize("name", ["lea", "pam", "moses", "rita", "lena", "ana"])
def test_nobody_else_speaks_or_opens(talking, name):
    submission, talk = two(talking)
    who = talking.people[name]
    for deed in (
        lambda: say(talk, actor=who, rationale="I think.", stand=Stand.MINE),
        lambda: open_other_decision(talk, actor=who),
    ):
        with pytest.raises(NotPermitted):
            deed()
    assert as_(who).get(url("discussion", submission.pk)).status_code in (403, 404)
    assert not DiscussionEntry.objects.exists()


def test_whoever_allocates_may_end_it_with_a_reason_and_the_two_may_not(talking):
    submission, talk = two(talking)
    for who, why in ((talking.lea, " "), (talking.ada, "Why"), (talking.moses, "Why")):
        with pytest.raises(NotPermitted):
            end_discussion(talk, actor=who, reason=why)
    lea = as_(talking.lea)
    page = lea.get(url("workspace", submission.pk)).content.decode()
    assert url("end_discussion", submission.pk) in page
    sent = lea.post(url("end_discussion", submission.pk), {"reason": "Abe is away."})
    assert sent.status_code == 302
    assert fresh(submission).state == S.IN_ADJUDICATION
    with pytest.raises(StaleState):
        end_discussion(talk, actor=talking.lea, reason="Again.")


def test_work_is_neither_handed_back_nor_adjudicated_meanwhile(talking):
    submission, _talk = two(talking)
    with pytest.raises(GuardsNotMet) as refused:
        perform(fresh(submission), "hand_back", actor=talking.pam)
    assert [one.code for one in refused.value.guards] == ["discussion_open"]
    assert not guards.no_open_discussion.holds(fresh(submission))


def test_agreement_on_one_pair_says_nothing_of_another(talking):
    submission, talk = two(talking)
    say(talk, actor=talking.ada, rationale="Mine.", stand=Stand.MINE)
    say(talk, actor=talking.abe, rationale="Theirs.", stand=Stand.OTHERS)
    moved = fresh(submission)
    first, second = guards.sealed_pair(moved)
    assert guards.settled(moved, first, second)
    assert not guards.settled(moved, second, first)


def test_of_two_who_mark_blind_neither_refers_alone(talking):
    submission = allocated(talking)
    allocate(submission, talking.abe, actor=talking.pam)
    for who in (talking.ada, talking.abe):
        drafted(submission, who, "NY")
    refer(submission, actor=talking.ada)
    assert fresh(submission).state == S.IN_ASSESSMENT
    assert not Discussion.objects.exists()
    refer(submission, actor=talking.abe)
    assert fresh(submission).state == S.REFERRED
    assert fresh(submission).portfolio.attempt == 2


def test_a_wish_to_refer_against_a_decision_is_a_disagreement(talking):
    submission = allocated(talking)
    allocate(submission, talking.abe, actor=talking.pam)
    drafted(submission, talking.abe, "NY")
    refer(submission, actor=talking.abe)
    decided(submission, talking.ada, "NY")
    talk = Discussion.objects.get()
    assert fresh(submission).state == S.IN_ASSESSMENT
    say(talk, actor=talking.abe, rationale="More can come.", stand=Stand.MINE)
    say(talk, actor=talking.ada, rationale="Right.", stand=Stand.OTHERS)
    assert fresh(submission).state == S.REFERRED
