"""The pages of comments on evidence and of the comment bank: what they begin with, whom they serve, what they say."""

import pytest

from assessment.actions.allocation import hand_back
from assessment.actions.commenting import change_comment, write_comment
from assessment.actions.marking import take_over
from assessment.actions.preparing import prepare_comment
from assessment.definitions import Remark
from assessment.enums import Audience
from assessment.models import CommentEntry, EvidenceComment, PreparedComment
from catalogue.models import Criterion, MicroCredential
from tests.assessment.pages import url
from tests.factories.assessment import allocated, opened
from tests.factories.awards import released
from tests.personas import as_

SENT = {"body": "Look again.", "page": "1", "audience": "learner"}
WITHIN = {"HX-Request": "true"}


def begun(cast, name="lena"):
    submission = allocated(cast, name)
    opened(submission, cast.ada)
    return submission


def remark_on(submission, person, words="The label is missing.", evidence=2, **more):
    return write_comment(
        submission.pk, actor=person, evidence=evidence, remark=Remark(words, **more)
    )


def chosen(page):
    """The criterion that is chosen in the form, by its code."""
    field = page.partition('name="criterion"')[2].partition("</select>")[0]
    for option in field.split("<option")[1:]:
        if " selected" in option.partition(">")[0]:
            return option.partition(">")[2].partition(" ")[0].partition("<")[0]
    return ""


@pytest.mark.parametrize(
    ("evidence", "query", "criterion", "words"),
    [
        (1, "", "C1", []),
        (2, "", "", ['name="page" value="1"']),
        (2, "?criterion=C2", "C2", []),
        (1, "?criterion=C2", "C2", []),
        (2, "?criterion=C9", "", []),
        (2, "?page=7&box=1+2+30+40", "", ['name="page" value="7"', 'name="box" value="1 2 30 40"']),
        (2, "?page=nine", "", ['name="page" value="1"']),
        (2, "?quote=N%C4%81u", "", ['name="quote" value="Nāu"']),
    ],
)
def test_the_form_begins_with_what_the_page_knows(cast, evidence, query, criterion, words):
    submission = begun(cast)
    page = as_(cast.ada).get(url("comment", submission.pk, evidence) + query).content.decode()
    assert page.count("<h1") == 1
    assert chosen(page) == (criterion or "None")
    for one in words:
        assert one in page


def test_only_whoever_marks_it_now_has_the_form(cast):
    submission, waits = begun(cast), allocated(cast, "hone")
    made = remark_on(submission, cast.ada)
    for person in (cast.lea, cast.pam, cast.lena):
        for where in (
            url("comment", submission.pk, 2),
            url("change_comment", submission.pk, made.pk),
        ):
            assert as_(person).get(where).status_code == 403
            assert as_(person).post(where, SENT).status_code == 403
    assert as_(cast.ada).get(url("comment", waits.pk, 2)).status_code == 403
    for number in (0, 99):
        assert as_(cast.ada).get(url("comment", submission.pk, number)).status_code == 404
        assert as_(cast.ada).get(url("comments_vtt", submission.pk, number)).status_code == 404
    hand_back(submission, actor=cast.ada)
    assert as_(cast.ada).get(url("comment", submission.pk, 2)).status_code in (403, 404)
    assert CommentEntry.objects.count() == 1


def test_a_comment_is_found_by_its_own_work_and_author_alone(cast):
    submission, other = begun(cast), begun(cast, "hone")
    made = remark_on(submission, cast.ada)
    ada = as_(cast.ada)
    assert ada.get(url("change_comment", other.pk, made.pk)).status_code == 404
    assert ada.post(url("mark_comment", other.pk, made.pk), {"deed": "resolved"}).status_code == 404
    assert ada.get(url("change_comment", submission.pk, submission.pk)).status_code == 404
    assert made.entries.count() == 1


def test_a_comment_is_changed_on_its_page(cast):
    submission = begun(cast)
    second = Criterion.objects.get(rubric=submission.rubric_id, code="C2")
    made = remark_on(submission, cast.ada, page=2, criterion=second.pk, audience=Audience.STAFF)
    where, ada = url("change_comment", submission.pk, made.pk), as_(cast.ada)
    page = ada.get(where).content.decode()
    assert "The label is missing.</textarea>" in page
    assert 'name="page" value="2"' in page
    assert chosen(page) == "C2"
    assert 'name="entry" value="1"' in page
    empty = ada.post(where, SENT | {"body": "", "entry": "1"})
    assert empty.status_code == 422
    assert "Write the comment." in empty.content.decode()
    assert made.entries.count() == 1
    sent = SENT | {"body": "Better words.", "criterion": second.pk, "entry": "1"}
    done = ada.post(where, sent)
    assert done["Location"] == f"{url('workspace', submission.pk)}#comment-{made.pk}"
    assert "Comment saved." in ada.get(done["Location"]).content.decode()
    now = made.entries.order_by("number").last()
    assert (now.body, now.page, now.criterion, now.audience) == (
        "Better words.", 1, second, Audience.LEARNER,
    )  # fmt: skip
    assert "The label is missing." in ada.get(where).content.decode()


def test_two_pages_on_one_comment_show_both_versions(cast):
    submission = begun(cast)
    made = remark_on(submission, cast.ada)
    change_comment(made, actor=cast.ada, remark=Remark("From elsewhere."), seen_entry=1)
    for entry in ("1", ""):
        late = as_(cast.ada).post(
            url("change_comment", submission.pk, made.pk),
            SENT | {"body": "My late words.", "entry": entry},
        )
        page = late.content.decode()
        assert late.status_code == 409
        assert "Both versions stand below." in page
        assert "My late words.</textarea>" in page
        assert "From elsewhere." in page
        assert "The label is missing." in page or entry
    assert made.entries.count() == 2


def test_work_that_was_taken_over_keeps_the_words_of_a_change(cast):
    submission = begun(cast)
    made = remark_on(submission, cast.ada)
    take_over(submission, actor=cast.lea)
    late = as_(cast.ada).post(
        url("change_comment", submission.pk, made.pk), SENT | {"body": "Unsaved.", "entry": "1"}
    )
    assert late.status_code == 409
    assert "Unsaved.</textarea>" in late.content.decode()
    assert "Somebody else has this open now" in late.content.decode()
    assert made.entries.count() == 1


def test_scripts_get_the_part_that_changed_and_nothing_else(cast):
    submission = begun(cast)
    ada = as_(cast.ada)
    where = url("comment", submission.pk, 2)
    form = ada.get(where, headers=WITHIN).content.decode()
    assert "data-comment-form" in form
    wrong = ada.post(where, SENT | {"body": ""}, headers=WITHIN)
    assert wrong.status_code == 422
    assert "data-comment-form" in wrong.content.decode()
    remark_on(submission, cast.ada, "On the note.", evidence=1)
    saved = ada.post(where, SENT, headers=WITHIN).content.decode()
    made = EvidenceComment.objects.get(pin__number=2)
    assert f'Saved: <a class="govuk-link" href="#comment-{made.pk}"' in saved
    here = saved.partition('id="comments-here-2"')[2].partition('id="comments"')[0]
    assert f"#comment-{made.pk}" in here
    assert here.count("#comment-") == 1
    marked = ada.post(
        url("mark_comment", submission.pk, made.pk), {"deed": "resolved"}, headers=WITHIN
    ).content.decode()
    assert "Saved:" not in marked
    assert f'id="comment-{made.pk}" tabindex="-1" data-focus' in marked
    for part in (form, saved, marked):
        assert "<html" not in part


def test_files_of_comments_hold_those_of_the_one_work_and_are_downloads(cast):
    submission, other = begun(cast), begun(cast, "hone")
    remark_on(submission, cast.ada, "canary of Lena")
    remark_on(other, cast.ada, "canary of Hōne")
    for one, own, others in ((submission, "Lena", "Hōne"), (other, "Hōne", "Lena")):
        got = as_(cast.ada).get(url("comments_table", one.pk))
        assert f"canary of {own}" in got.content.decode()
        assert f"canary of {others}" not in got.content.decode()
        film = as_(cast.ada).get(url("comments_vtt", one.pk, 2))
        for answer, name in (
            (got, f"{one.reference}-comments.csv"),
            (film, f"{one.reference}-evidence-02.vtt"),
        ):
            assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
            assert answer["X-Content-Type-Options"] == "nosniff"


def test_whoever_only_sees_the_result_has_no_comments_of_it(cast):
    submission = released(cast)
    for name in ("comments_table",):
        assert as_(cast.rita).get(url(name, submission.pk)).status_code == 403
    assert as_(cast.rita).get(url("comments_vtt", submission.pk, 2)).status_code == 403
    assert as_(cast.ada).get(url("comments_table", submission.pk)).status_code == 200


def kept(cast, text="Ka pai te mahi.", owner="ada", **more):
    return prepare_comment(
        actor=cast.people[owner],
        micro_credential=MicroCredential.objects.get(),
        text=text,
        **more,
    )


def test_the_form_of_a_prepared_comment_begins_where_it_was_asked_for(cast):
    fits = f"{MicroCredential.objects.get().pk}|C2"
    page = as_(cast.ada).get(url("prepare"), {"fits": fits, "level": "M"}).content.decode()
    assert f'value="{fits}" selected' in page
    assert 'value="M" selected' in page
    assert "error-summary" not in page
    for person in (cast.moses, cast.rita):
        assert as_(person).get(url("prepare")).status_code == 403
    sent = {"fits": fits, "level_code": "M", "text": "", "is_shared": "on"}
    assert as_(cast.ada).post(url("prepare"), sent).status_code == 422
    done = as_(cast.ada).post(url("prepare"), sent | {"text": "Ka pai."}, follow=True)
    assert "The comment is in the bank." in done.content.decode()
    made = PreparedComment.objects.get()
    assert (made.criterion_code, made.level_code, made.is_shared) == ("C2", "M", True)


def test_a_prepared_comment_is_changed_and_removed_by_its_owner_on_its_page(cast):
    made, ada = kept(cast, is_shared=True), as_(cast.ada)
    where = url("change_prepared", made.pk)
    page = ada.get(where).content.decode()
    assert "Ka pai te mahi.</textarea>" in page
    assert " checked" in page.partition('name="is_shared"')[2].partition(">")[0]
    for text, says in (("", "Write the comment."), ("Good, Hōne.", "“Hōne” is the name")):
        wrong = ada.post(where, {"text": text})
        assert (wrong.status_code, says in wrong.content.decode()) == (422, True)
    done = ada.post(where, {"text": "Better."}, follow=True)
    assert "The comment is changed." in done.content.decode()
    made.refresh_from_db()
    assert (made.text, made.is_shared) == ("Better.", False)
    gone = ada.post(url("remove_prepared", made.pk), follow=True)
    assert "out of the bank" in gone.content.decode()
    assert "Better." not in ada.get(url("bank")).content.decode()
    for name in ("change_prepared", "remove_prepared"):
        assert ada.post(url(name, made.pk), {"text": "Back."}).status_code == 404


def test_the_bank_is_narrowed_by_words_and_by_whose_they_are(cast):
    kept(cast, "Mine alone.")
    kept(cast, "Shared by Abe.", owner="abe", is_shared=True)
    found = {
        query: [
            words
            for words in ("Mine alone.", "Shared by Abe.")
            if words in as_(cast.ada).get(url("bank") + query).content.decode()
        ]
        for query in (
            "",
            "?whose=mine",
            "?whose=shared",
            "?whose=nobody",
            "?q=alone",
            "?q=%C4%80be",
        )
    }
    both = ["Mine alone.", "Shared by Abe."]
    assert found == {
        "": both, "?whose=mine": both[:1], "?whose=shared": both[1:], "?whose=nobody": both,
        "?q=alone": both[:1], "?q=%C4%80be": both[1:],
    }  # fmt: skip
