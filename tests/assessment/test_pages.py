"""Pages of marking: by persona, without scripts, with filters, and with few queries."""

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from assessment.actions.allocation import allocate, end_allocation, reallocate
from assessment.actions.marking import take_over
from assessment.enums import AllocationRole
from assessment.models import Allocation, AssessmentDecision, Lease
from portfolios.actions.submission import DECLARATION
from portfolios.enums import SubmissionState as S
from portfolios.models import Hold, Part, Submission
from tests.assessment.pages import url
from tests.factories.assessment import allocated, assessed, decided, drafted, opened, referred
from tests.factories.portfolios import submitted
from tests.personas import make_cast
from tests.tampering import tampering
from workflows.models import AccessRecord, TransitionRecord


def sql(client, address, data=None):
    """How many statements a request takes, savepoints of the test left out."""
    with CaptureQueriesContext(connection) as caught:
        answer = client.post(address, data) if data is not None else client.get(address)
    assert answer.status_code < 400, answer.status_code
    return len([q for q in caught.captured_queries if "SAVEPOINT" not in q["sql"]])


def test_a_get_changes_nothing_and_steps_are_posts(client, cast):
    submission = allocated(cast)
    client.force_login(cast.ada)
    page = client.get(url("workspace", submission.pk))
    assert "Start marking" in page.content.decode()
    assert Submission.objects.get(pk=submission.pk).state == S.SUBMITTED
    for name in ("start", "save", "autosave", "lease", "take_over", "hand_back", "look_again"):
        assert client.get(url(name, submission.pk)).status_code == 405


def test_the_journey_without_scripts(client, cast):
    submission, other = allocated(cast), allocated(cast, "hone")
    client.force_login(cast.ada)
    where = f"{url('start', submission.pk)}?whose=mine"
    page = client.post(where, follow=True).content.decode()
    assert page.count("<h1") == 1
    assert "Lena Tūhoe" in page
    assert "Not yet for criterion 1." in page
    assert "Shows C1." in page
    assert "page 1" in page
    form = fields(page)
    assert form["version"] == "1"
    chosen = pick(page, "M") | {"feedback_1": "Ka pai.", "feedback": "Tēnā koe."}
    answer = client.post(
        f"{url('save', submission.pk)}?whose=mine", {**form, **chosen, "then": "next"}
    )
    assert answer["Location"] == f"{url('workspace', other.pk)}?whose=mine"
    assert Submission.objects.get(pk=other.pk).state == S.IN_ASSESSMENT
    draft = AssessmentDecision.objects.get(submission=submission)
    assert draft.feedback == "Tēnā koe."
    assert draft.version == 2
    finish = client.get(url("finish", submission.pk)).content.decode()
    assert "Ka pai." in finish
    assert "Achieved" in finish
    done = client.post(
        url("finish", submission.pk), {"verdict": "record", "version": 2}, follow=True
    )
    assert "Decision recorded" in done.content.decode()
    assert Submission.objects.get(pk=submission.pk).state == S.ASSESSED


def fields(page):
    """Hidden and text fields of the marking form as a browser would send them."""
    start = page.index('id="marks"')
    form = page[start : page.index("Save and next", start)]
    found = dict(re.findall(r'<input type="hidden" name="(version)" value="([^"]*)"', form))
    found |= dict(re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>([^<]*)</textarea>', form))
    return found


def pick(page, label):
    """The radio of each criterion whose level has this code's label."""
    words = {"M": "Met", "NY": "Not yet", "G": "Met well"}[label]
    radios = re.findall(
        r'name="(level_\d+)" value="([^"]+)" id="([^"]+)".*?<label[^>]*>([^<]+)</label>',
        page,
        re.DOTALL,
    )
    return {name: value for name, value, _id, text in radios if text == words}


def test_declaration_and_use_of_ai_stand_beside_the_evidence(client, cast):
    """Both as they were declared, in the pane of the evidence; and said in words where no use was declared."""
    words = "A model wrote my <first> outline; I rewrote it."
    told, untold = submitted(cast, ai_use=words), submitted(cast, "hone")
    client.force_login(cast.ada)
    for submission, ai_use in ((told, escape(words)), (untold, "None declared.")):
        allocate(submission, cast.ada, actor=cast.pam)
        opened(submission, cast.ada)
        page = client.get(url("workspace", submission.pk)).content.decode()
        pane = page.partition('id="evidence"')[2].partition('id="rubric"')[0]
        declared, _, use = pane.partition(">Use of AI</h3>")
        for line in str(DECLARATION).splitlines():
            assert line in declared.partition(">Declaration</h3>")[2]
        assert f">{ai_use}<" in use


def test_refused_verdicts_come_back_with_every_reason(client, cast):
    submission = allocated(cast)
    draft = opened(submission, cast.ada)
    client.force_login(cast.ada)
    answer = client.post(
        url("finish", submission.pk), {"verdict": "record", "version": draft.version}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Every criterion needs a level." in page
    assert "<title>Error:" in page
    nothing = client.post(url("finish", submission.pk), {"version": draft.version})
    assert nothing.status_code == 422
    assert "Choose one verdict." in nothing.content.decode()


def test_what_a_verdict_still_needs_stands_there_before_it_is_asked_for(client, cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    client.force_login(cast.ada)
    page = client.get(url("finish", submission.pk)).content.decode()
    assert "Every criterion needs a level." in page
    assert "Only work with at least one criterion that is not yet met can be referred back." in page


def test_after_the_rubric_moved_the_page_says_what_to_press(client, cast):
    submission = allocated(cast)
    draft = drafted(submission, cast.ada)
    with tampering():
        AssessmentDecision.objects.update(rubric_hash="e" * 64)
    client.force_login(cast.ada)
    sent = {"verdict": "record", "version": draft.version}
    refused = client.post(url("finish", submission.pk), sent)
    button = "I have looked at it again"
    assert refused.status_code == 422
    assert f"press “{button}”" in refused.content.decode()
    assert button in client.get(url("workspace", submission.pk)).content.decode()
    page = client.post(url("look_again", submission.pk), follow=True).content.decode()
    assert "Noted. Your draft now goes" in page
    assert button not in page


def test_an_old_verdict_page_is_a_409(client, cast):
    submission = allocated(cast)
    draft = drafted(submission, cast.ada)
    client.force_login(cast.ada)
    answer = client.post(
        url("finish", submission.pk), {"verdict": "record", "version": draft.version - 1}
    )
    assert answer.status_code == 409
    assert Submission.objects.get(pk=submission.pk).state == S.IN_ASSESSMENT


def test_two_pages_of_one_person_lose_nothing(client, cast):
    submission = allocated(cast)
    draft = opened(submission, cast.ada)
    client.force_login(cast.ada)
    page = client.get(url("workspace", submission.pk)).content.decode()
    sent = {"version": draft.version, **pick(page, "M"), "feedback_1": "From the first page."}
    assert client.post(url("save", submission.pk), {**sent, "then": "stay"}).status_code == 302
    late = {**sent, "feedback_1": "From the second page.", **pick(page, "NY")}
    answer = client.post(url("save", submission.pk), {**late, "then": "stay"})
    words = answer.content.decode()
    assert answer.status_code == 409
    assert "Two versions" in words
    assert words.count("From the first page.") == 1
    assert "From the second page.</textarea>" in words
    again = {**late, **fields(words)}
    assert client.post(url("save", submission.pk), {**again, "then": "stay"}).status_code == 302
    draft.refresh_from_db()
    assert draft.judgements.get(criterion__number=1).feedback == "From the second page."


def test_autosave_answers_shortly_and_shows_the_other_version(client, cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    client.force_login(cast.ada)
    page = client.get(url("workspace", submission.pk)).content.decode()
    sent = {"version": 1, **pick(page, "M"), "feedback_1": "One."}
    answer = client.post(url("autosave", submission.pk), sent)
    assert answer.json()["version"] == 2
    late = client.post(url("autosave", submission.pk), {**sent, "feedback_1": "Two."})
    assert late.status_code == 409
    assert late.json()["version"] == 2
    assert late.json()["theirs"]["feedback_1"] == "One."
    assert "Still to judge: C2 and C3" in client.get(url("result", submission.pk)).content.decode()


def test_autosave_is_eight_statements_at_most(client, cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    client.force_login(cast.ada)
    page = client.get(url("workspace", submission.pk)).content.decode()
    sent = {"version": 1, **pick(page, "M"), "feedback_1": "One."}
    assert sql(client, url("autosave", submission.pk), sent) <= 8


def test_strangers_cannot_autosave(client, cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    client.force_login(cast.abe)
    assert client.post(url("autosave", submission.pk), {"version": 1}).status_code == 404
    client.force_login(cast.lea)
    assert client.post(url("autosave", submission.pk), {"version": 1}).status_code == 403


def test_a_taken_over_workspace_keeps_the_words_and_does_not_save(client, cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    take_over(submission, actor=cast.lea)
    client.force_login(cast.ada)
    sent = {"version": 1, "feedback_1": "My unsaved words.", "then": "stay"}
    answer = client.post(url("save", submission.pk), sent)
    assert answer.status_code == 409
    assert "My unsaved words." in answer.content.decode()
    assert "Lea Lead has had this open" in answer.content.decode()
    assert client.post(url("autosave", submission.pk), sent).status_code == 422
    assert client.post(url("lease", submission.pk)).status_code == 409


def test_the_lease_is_renewed(client, cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    before = Lease.objects.get().until
    client.force_login(cast.ada)
    assert client.post(url("lease", submission.pk)).json()["held"] is True
    assert Lease.objects.get().until > before


def test_handing_back_and_taking_from_the_pool(client, cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    client.force_login(cast.ada)
    client.post(url("hand_back", submission.pk), {"reason": "I know her."})
    assert Submission.objects.get(pk=submission.pk).state == S.SUBMITTED
    assert client.get(url("workspace", submission.pk)).status_code == 404
    client.force_login(cast.abe)
    page = client.get(url("queue")).content.decode()
    assert "In the pool" in page
    assert "Lena" not in page
    assert url("workspace", submission.pk) not in page
    answer = client.post(url("claim"), {"submission": submission.pk})
    assert answer["Location"] == url("workspace", submission.pk)
    assert "Lena Tūhoe" in client.get(answer["Location"]).content.decode()
    empty = client.post(url("claim"), follow=True).content.decode()
    assert "nothing in the pool" in empty


def test_an_integrity_concern_holds_the_work(client, cast):
    submission = allocated(cast)
    draft = drafted(submission, cast.ada)
    client.force_login(cast.ada)
    sent = {"verdict": "hold", "version": draft.version}
    assert client.post(url("finish", submission.pk), sent).status_code == 422
    client.post(url("finish", submission.pk), {**sent, "concern": "Copied text."})
    assert Hold.objects.get().reason == "Copied text."
    answer = client.post(
        url("finish", submission.pk), {"verdict": "record", "version": draft.version}
    )
    assert answer.status_code == 422
    assert "This submission is on hold." in answer.content.decode()


def test_filters_live_in_the_address(client, cast):
    allocated(cast)
    allocated(cast, "hone")
    client.force_login(cast.ada)
    query = f"?delivery={cast.delivery.pk}&task={cast.task.pk}&state=submitted&attempt=1&whose=mine"
    page = client.get(url("queue") + query).content.decode()
    assert "Lena Tūhoe" in page
    assert f"delivery={cast.delivery.pk}&amp;task={cast.task.pk}" in page
    none = client.get(url("queue") + "?state=in_adjudication").content.decode()
    assert "Nothing waits in this view" in none
    odd = client.get(url("queue") + "?delivery=x&attempt=99&page=zz&due=never")
    assert odd.status_code == 200
    for due, there in (("overdue", False), ("soon", False), ("later", True)):
        words = client.get(url("queue") + f"?due={due}").content.decode()
        assert ("Lena Tūhoe" in words) is there


def test_anonymous_marking_shows_the_pseudonym_everywhere(client, db):
    cast = make_cast(policy={"anonymous_marking": True})
    submission = allocated(cast)
    drafted(submission, cast.ada)
    client.force_login(cast.ada)
    for name, args in (
        ("home", ()), ("queue", ()), ("workspace", (submission.pk,)), ("finish", (submission.pk,)),
    ):  # fmt: skip
        page = client.get(url(name, *args)).content.decode()
        assert submission.pseudonym in page
        for word in ("Lena", "Tūhoe", "lena@"):
            assert word not in page.replace("Lena Tūhoe did it.", "")
    client.force_login(cast.pam)
    for name in ("allocate", "shares"):
        page = client.get(url(name, cast.delivery.pk)).content.decode()
        assert "Tūhoe" not in page


def test_allocating_by_hand_and_moving_it(client, cast):
    submission = submitted(cast)
    client.force_login(cast.pam)
    address = url("allocate_one", cast.delivery.pk, submission.pk)
    assert "Ada Assessor" in client.get(address).content.decode()
    assert client.post(address, {}).status_code == 422
    client.post(address, {"assessor": cast.ada.pk})
    allocation = Allocation.objects.get()
    assert (allocation.assessor, allocation.role) == (cast.ada, AllocationRole.ASSESSOR)
    move = f"{address}?from={allocation.pk}"
    assert client.post(move, {"assessor": cast.abe.pk}).status_code == 422
    client.post(move, {"assessor": cast.abe.pk, "reason": "Ada is away."})
    assert Allocation.objects.current().get().assessor == cast.abe
    stale = client.post(move, {"assessor": cast.ana.pk, "reason": "Again."})
    assert stale.status_code == 404
    end = url("end", cast.delivery.pk, Allocation.objects.current().get().pk)
    client.post(end)
    assert not Allocation.objects.current().exists()


def test_equal_shares_are_previewed_and_refused_when_the_pool_moved(client, cast):
    for name in ("lena", "hone", "mere"):
        submitted(cast, name)
    client.force_login(cast.lea)
    page = client.get(url("shares", cast.delivery.pk)).content.decode()
    assert "3 submissions would be allocated" in page
    assert not Allocation.objects.exists()
    (plan,) = re.findall(r'name="plan" value="([^"]+)"', page)
    allocate(Submission.objects.all()[0], cast.ada, actor=cast.pam)
    assert client.post(url("share_out", cast.delivery.pk), {"plan": plan}).status_code == 409
    assert Allocation.objects.count() == 1
    end_allocation(Allocation.objects.get(), actor=cast.pam, reason="Anew.")
    client.post(url("share_out", cast.delivery.pk), {"plan": plan})
    names = set(Allocation.objects.current().values_list("assessor__name", flat=True))
    assert names == {"Ada Assessor", "Abe Assessor", "Ana Assessor"}


def test_the_learner_reads_the_referral_and_nothing_else(client, cast):
    submission = referred(cast, levels={"C1": "NY", "C2": "M", "C3": "M"})
    with tampering():
        AssessmentDecision.objects.filter(submission=submission).update(staff_note="canary-note")
    address = url("referral_feedback", submission.pk)
    client.force_login(cast.lena)
    page = client.get(address).content.decode()
    assert "On C1: look at the evidence again." in page
    assert "On C2: look at" not in page
    assert "C2 Criterion 2: carried over" in page
    for word in ("canary-note", "Not yet", "Met", "Ada"):
        assert word not in page
    other = assessed(cast, "hone")
    client.force_login(cast.hone)
    assert client.get(url("referral_feedback", other.pk)).status_code == 404


@pytest.mark.parametrize("name", ["queue", "home"])
def test_lists_take_the_same_statements_for_one_and_three(client, cast, name):
    allocated(cast)
    client.force_login(cast.ada)
    one = sql(client, url(name))
    allocated(cast, "hone")
    submitted(cast, "mere")
    assert sql(client, url(name)) == one
    client.force_login(cast.pam)
    assert sql(client, url(name)) <= 12


def test_workspace_and_allocation_take_the_same_statements_however_much_there_is(client, cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    submitted(cast, "mere")
    client.force_login(cast.ada)
    one = sql(client, url("workspace", submission.pk))
    assert one <= 17
    client.force_login(cast.pam)
    board = sql(client, url("allocate", cast.delivery.pk))
    shares = sql(client, url("shares", cast.delivery.pk))
    submitted(cast, "hone")
    assert sql(client, url("allocate", cast.delivery.pk)) == board
    assert sql(client, url("shares", cast.delivery.pk)) == shares
    client.force_login(cast.ada)
    assert sql(client, url("workspace", submission.pk)) == one


def test_reading_a_decided_submission(client, cast):
    submission = decided(allocated(cast), cast.ada)
    client.force_login(cast.ada)
    page = client.get(url("workspace", submission.pk)).content.decode()
    assert "Your decision is sealed" in page
    client.force_login(cast.pam)
    words = client.get(url("workspace", submission.pk)).content.decode()
    assert "Who has it" in words
    assert "Clear work." not in words


def test_one_criterion_at_a_time_across_learners(client, cast):
    first, second = allocated(cast), allocated(cast, "hone")
    draft = drafted(first, cast.ada, "M", feedback="On the whole.", staff_note="For staff.")
    client.force_login(cast.ada)
    queue = client.get(url("queue") + f"?task={cast.task.pk}").content.decode()
    assert "Only C2 Criterion 2" in queue
    query = f"task={cast.task.pk}&criterion=2"
    page = client.get(f"{url('workspace', first.pk)}?{query}").content.decode()
    assert 'name="feedback_2"' in page
    assert 'name="feedback_1"' not in page
    assert "You mark only <strong>C2 Criterion 2</strong>" in page
    assert "3 of 3 criteria have a level." in page
    sent = fields(page) | {"feedback": "On the whole.", "staff_note": "For staff.", "reason": ""}
    sent |= pick(page, "NY") | {"feedback_2": "Look again.", "then": "next"}
    answer = client.post(f"{url('save', first.pk)}?{query}", sent)
    assert answer["Location"] == f"{url('workspace', second.pk)}?{query}"
    draft.refresh_from_db()
    assert (draft.feedback, draft.staff_note) == ("On the whole.", "For staff.")
    levels = draft.judgements.order_by("criterion__number").values_list("level__code", "feedback")
    assert [level for level, _words in levels] == ["M", "NY", "M"]
    assert levels[0][1] == "On C1: look at the evidence again."
    whole = client.get(f"{url('workspace', first.pk)}?criterion=9").content.decode()
    assert 'name="feedback_1"' in whole


def test_looking_ahead_names_the_next_and_opens_leases_and_records_nothing(client, cast):
    first, second, other = allocated(cast), allocated(cast, "hone"), allocated(cast, "mere", "abe")
    opened(first, cast.ada)
    records = (AccessRecord, Allocation, AssessmentDecision, Lease, Part, TransitionRecord)
    before = [model.objects.count() for model in records]
    client.force_login(cast.ada)
    answer = client.get(reverse("assessment:ahead", args=[first.pk]))
    assert answer.json() == {"following": str(second.pk)}
    assert [model.objects.count() for model in records] == before
    assert Submission.objects.get(pk=second.pk).state == "submitted"
    save = reverse("assessment:save", args=[first.pk])

    def onwards(following):
        version = AssessmentDecision.objects.get(submission=first).version
        sent = {"version": version, "then": "next", "following": following}
        return client.post(save, sent)["Location"]

    # Whatever the page sends, somebody only gets on to what is theirs; else the queue is read anew.
    wanted = reverse("assessment:workspace", args=[second.pk])
    for following in (other.pk, first.pk, uuid4(), "nonsense", ""):
        assert onwards(following) == wanted
    assert Submission.objects.get(pk=other.pk).state == "submitted"
    assert onwards(second.pk) == wanted
    # What may not be opened now says why on its own page.
    reallocate(
        Allocation.objects.current().get(submission=second), cast.abe, actor=cast.pam, reason="Ill"
    )
    assert onwards(second.pk) == reverse("assessment:queue")
