"""Steps of marking that come too late, from elsewhere or twice: what is answered, and that nothing is lost."""

import pytest
from django.utils import timezone

from assessment.actions.marking import save_draft, take_over
from assessment.models import AssessmentDecision, Seed, SeedPlan, SeedWithdrawal
from catalogue.models import Level
from portfolios.actions.submission import place_hold
from portfolios.enums import HoldKind
from portfolios.models import Hold, Submission
from tests.assessment.pages import url
from tests.factories.assessment import allocated, assessed, decided, drafted, marks, opened
from tests.factories.seeds import hidden, planned, seeded_cast
from tests.personas import as_
from tests.worlds import kept


def level(code, number=1):
    return str(Level.objects.get(code=code, criterion__number=number).pk)


@kept
def seeded():
    """A seed that Ada marked, beside live work of hers."""
    made = seeded_cast()
    made.live = allocated(made, "lena")
    made.plan = planned(made)
    made.seed = hidden(made, made.plan)
    decided(made.seed.submission, made.ada)
    return made


WRITTEN = {
    "feedback": "First words on the whole.",
    "staff_note": "First note for staff.",
    "feedback_1": "First words on C1.",
    "note_1": "First note on C1.",
}


def test_two_versions_show_every_word_that_is_saved(cast):
    """Also without scripts: whoever presses Save again has seen what they replace."""
    submission = allocated(cast)
    opened(submission, cast.ada)
    ada, where = as_(cast.ada), url("save", submission.pk)
    saved = ada.post(
        where, {**WRITTEN, "level_1": level("M"), "feedback_2": "The same.", "version": 1}
    )
    assert saved.status_code == 302
    late = {name: words.replace("First", "Second") for name, words in WRITTEN.items()}
    answer = ada.post(
        where, {**late, "level_1": level("NY"), "feedback_2": "The same.", "version": 1}
    )
    page = answer.content.decode()
    assert answer.status_code == 409
    shown = page.partition("Two versions</h2>")[2].partition("</section>")[0]
    for words in (*WRITTEN.values(), *late.values()):
        assert words in shown, words
    for version in ("saved", "your"):
        assert shown.count(f'-s">C1: {version} version') == 1
    assert "C2: saved version" not in shown
    assert "The same." not in shown
    form = page.partition('id="marks"')[2]
    for words in late.values():
        assert words in form
    assert 'name="version" value="2"' in form
    assert AssessmentDecision.objects.get().feedback == "First words on the whole."


def test_what_is_the_same_in_both_versions_is_not_shown_twice(cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    ada, where = as_(cast.ada), url("save", submission.pk)
    ada.post(where, {**WRITTEN, "version": 1})
    page = ada.post(where, {**WRITTEN, "version": 1}).content.decode()
    shown = page.partition("Two versions</h2>")[2].partition("</section>")[0]
    assert "saved version</h3>" not in shown
    for words in WRITTEN.values():
        assert words not in shown


def test_autosave_says_in_short_what_stands_in_its_way(cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    save_draft(
        submission.pk, actor=cast.ada, seen_version=1,
        marks=marks(submission, "M", staff_note="For staff.", reason="Why."),
    )  # fmt: skip
    where = url("autosave", submission.pk)
    late = as_(cast.ada).post(where, {"version": 1}).json()
    theirs = late["theirs"]
    assert late["version"] == 2
    assert (theirs["feedback"], theirs["staff_note"], theirs["reason"], theirs["reason_code"]) == (
        "Clear work.", "For staff.", "Why.", "reading",
    )  # fmt: skip
    assert theirs["level_1"] == level("M")
    refused = as_(cast.lea).post(where, {"version": 2})
    assert (refused.status_code, refused.json()) == (403, {"errors": ["You cannot do this."]})
    take_over(submission, actor=cast.lea)
    lost = as_(cast.ada).post(where, {"version": 2})
    assert lost.status_code == 422
    assert "Somebody took the work over." in lost.json()["errors"][0]
    assert as_(cast.lea).post(url("lease", submission.pk)).status_code == 403


def test_what_is_saved_after_the_verdict_says_how_the_marking_stands(cast):
    submission = assessed(cast)
    ada = as_(cast.ada)
    for name, sent in (
        ("save", {"version": 2, "feedback": "Late."}),
        ("finish", {"version": 2, "verdict": "record"}),
    ):
        late = ada.post(url(name, submission.pk), sent)
        assert late.status_code in (403, 409), name
        assert as_(cast.pam).post(url(name, submission.pk), sent).status_code == 403
    assert late.status_code == 409
    assert "Your decision is sealed" in late.content.decode()
    assert AssessmentDecision.objects.get().feedback == "Clear work."
    assert ada.get(url("result", submission.pk)).status_code == 404
    assert "Decision recorded" in ada.get(url("recorded", submission.pk)).content.decode()
    assert (
        "Decision recorded"
        not in as_(cast.pam).get(url("recorded", submission.pk)).content.decode()
    )


def going_on(cast, submission, following):
    """Save and next, with what the page thinks comes next."""
    draft = AssessmentDecision.objects.get(submission=submission)
    sent = {"version": draft.version, "then": "next", "following": following}
    return as_(cast.ada).post(url("save", submission.pk), sent, follow=True)


@pytest.mark.parametrize("sent", ["nobody's", "another's", "its own", "nonsense", ""])
def test_the_next_is_found_again_where_the_page_was_wrong(cast, sent):
    submission, after = allocated(cast), allocated(cast, "hone")
    others = allocated(cast, "mere", "abe")
    opened(submission, cast.ada)
    following = {
        "nobody's": cast.ada.pk, "another's": others.pk, "its own": submission.pk,
    }.get(sent, sent)  # fmt: skip
    answer = going_on(cast, submission, following)
    assert answer.redirect_chain[-1][0] == url("workspace", after.pk)
    assert f"Saved {submission.reference}." in answer.content.decode()
    states = Submission.objects.values_list("pk", "state")
    assert dict(states) == {
        submission.pk: "in_assessment", after.pk: "in_assessment", others.pk: "submitted",
    }  # fmt: skip


def test_a_next_piece_that_cannot_be_begun_says_why(cast):
    submission, after = allocated(cast), allocated(cast, "hone")
    opened(submission, cast.ada)
    place_hold(after, actor=cast.pam, kind=HoldKind.INTEGRITY, reason="Copied?")
    answer = going_on(cast, submission, after.pk)
    page = answer.content.decode()
    assert answer.redirect_chain[-1][0] == url("workspace", after.pk)
    assert f"Saved {submission.reference}." in page
    assert "This submission is on hold." in page
    assert Submission.objects.get(pk=after.pk).state == "submitted"


def test_where_nothing_else_waits_the_queue_says_so(cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    answer = going_on(cast, submission, "")
    assert answer.redirect_chain[-1][0] == url("queue")
    assert "Nothing else waits in this view." in answer.content.decode()


def test_a_concern_needs_words_and_leads_back_to_the_queue(cast):
    submission = allocated(cast)
    draft = drafted(submission, cast.ada)
    ada, where = as_(cast.ada), url("finish", submission.pk)
    empty = ada.post(where, {"verdict": "hold", "version": draft.version, "concern": " "})
    assert empty.status_code == 422
    done = ada.post(
        where, {"verdict": "hold", "version": draft.version, "concern": "Copied."}, follow=True
    )
    assert done.redirect_chain[-1][0] == url("queue")
    assert f"{submission.reference} is on hold." in done.content.decode()
    assert Hold.objects.get().reason == "Copied."


def test_a_seed_is_withdrawn_on_its_page_once_and_with_a_reason(seeded):
    lea, where = as_(seeded.lea), url("seed", seeded.seed.pk)
    page = lea.get(where).content.decode()
    assert "error-summary" not in page
    empty = lea.post(where, {"reason": ""})
    assert (empty.status_code, "Say why you withdraw it." in empty.content.decode()) == (422, True)
    assert not SeedWithdrawal.objects.exists()
    done = lea.post(where, {"reason": "It is too long."}, follow=True)
    assert "Withdrawn. It counts no more." in done.content.decode()
    late = lea.post(where, {"reason": "Again."})
    assert (late.status_code, "withdrawn already" in late.content.decode()) == (409, True)
    assert SeedWithdrawal.objects.get().reason == "It is too long."


def test_an_assessor_who_was_told_of_a_seed_changes_nothing_about_it(seeded):
    where, ada = url("seed", seeded.seed.pk), as_(seeded.ada)
    assert ada.get(where).status_code == 404
    SeedPlan.objects.update(told_at=timezone.now())
    refused = ada.post(where, {"reason": "It was hard."})
    assert refused.status_code == 403
    assert "A lead moderator withdraws it." in refused.content.decode()
    assert ada.get(where).status_code == 200
    assert not SeedWithdrawal.objects.exists()
    assert as_(seeded.abe).get(where).status_code == 404
    assert Seed.objects.count() == 1
