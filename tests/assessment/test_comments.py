"""Comments on evidence: made from a form, only added to, sealed with the decision, released with the result."""

import csv
import io

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from assessment.actions.commenting import change_comment, mark_comment, write_comment
from assessment.actions.deciding import record_decision
from assessment.actions.marking import take_over
from assessment.definitions import Box, Remark
from assessment.enums import AllocationRole, Audience, Deed
from assessment.models import Allocation, CommentEntry, EvidenceComment
from assessment.selectors.comments import comments_by, learner_comments, webvtt
from portfolios.models import Submission
from tests.assessment.pages import url
from tests.factories.assessment import allocated, drafted, opened
from tests.tampering import tampering
from workflows.exceptions import NotPermitted, StaleState, StaleVersion

PAGE = Remark("The label is missing.", page=2, quote="missing label")


def comment_on(submission, person, remark=PAGE, evidence=2):
    return write_comment(submission.pk, actor=person, evidence=evidence, remark=remark)


def begun(cast, name="lena"):
    submission = allocated(cast, name)
    opened(submission, cast.ada)
    return submission


def test_the_form_is_prefilled_and_saves_without_scripts_or_pointer(client, cast):
    submission = begun(cast)
    client.force_login(cast.ada)
    where = url("comment", submission.pk, 2)
    page = client.get(where).content.decode()
    assert 'name="page" value="1"' in page
    sent = {"body": "Label missing.", "page": "2", "audience": "learner"}
    answer = client.post(where, sent | {"quote": "Nāu", "box": "10 20 30 40"})
    made = EvidenceComment.objects.get()
    assert answer["Location"] == f"{url('workspace', submission.pk)}#comment-{made.pk}"
    words = client.get(url("workspace", submission.pk)).content.decode()
    assert "Evidence 2, Page 2, a part 10\u00a0% from the left" in words
    assert f'href="#comment-{made.pk}"' in words
    assert f'id="comment-{made.pk}"' in words


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"body": ""}, "Write the comment."),
        ({"page": "two"}, "Enter the page as a number."),
        ({"page": "0"}, "Pages begin at 1."),
        ({"box": "1 2 3"}, "Enter four whole numbers"),
        ({"box": "60 10 50 10"}, "The part must lie on the page"),
        ({"page": "", "box": "10 10 10 10"}, "Say on which page the part is."),
        ({"audience": "everybody"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_a_place_is_said_and_nothing_is_lost(client, cast, sent, words):
    submission = begun(cast)
    client.force_login(cast.ada)
    given = {"body": "Kept words.", "page": "2", "audience": "staff"} | sent
    answer = client.post(url("comment", submission.pk, 2), given)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert given["body"] in answer.content.decode()
    assert not EvidenceComment.objects.exists()


def recording(submission):
    """Make the first piece of the submission a recording, in its manifest only."""
    with tampering(), connection.cursor():
        text = submission.manifest.replace(
            '"media_type":"application/pdf"', '"media_type":"video/mp4"'
        )
        assert "video/mp4" in text
        Submission.objects.filter(pk=submission.pk).update(manifest=text)


def test_times_are_typed_as_people_say_them(client, cast):
    submission = begun(cast)
    recording(submission)
    client.force_login(cast.ada)
    where = url("comment", submission.pk, 2)
    sent = {
        "body": "Good <here> & there.",
        "audience": "learner",
        "starts": "1:23",
        "ends": "1:31.5",
    }
    for wrong, words in (
        ({"ends": "1:10"}, "The end must come after"),
        ({"starts": "soon"}, "Enter a time like 1:23"),
        ({"starts": "", "ends": "1:31"}, "The end must come after"),
        ({"starts": "1:75"}, "Enter a time like 1:23"),
    ):
        answer = client.post(where, sent | wrong)
        assert (answer.status_code, words in answer.content.decode()) == (422, True)
    client.post(where, sent)
    one = comments_by(submission.pk, cast.ada.pk)[0]
    assert one.place == "From 1:23 to 1:31.5"
    text = client.get(url("comments_vtt", submission.pk, 2))
    assert text["Content-Type"] == "text/vtt; charset=utf-8"
    assert text.content.decode() == (
        "WEBVTT\n\n1\n00:01:23.000 --> 00:01:31.500\nGood &lt;here&gt; &amp; there.\n"
    )


def test_the_table_carries_no_formula_and_no_name(client, cast):
    submission = begun(cast)
    comment_on(submission, cast.ada, Remark("=HYPERLINK(1)", audience=Audience.STAFF))
    client.force_login(cast.ada)
    answer = client.get(url("comments_table", submission.pk))
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[1][:5] == ["1", "2", "The whole piece", "", "'=HYPERLINK(1)"]
    everything = f"{answer.headers} {answer.content.decode()}"
    for name in ("Lena", "Tūhoe", "Ada"):
        assert name not in everything


def test_history_is_only_added_to(cast):
    submission = begun(cast)
    made = comment_on(submission, cast.ada)
    change_comment(made, actor=cast.ada, remark=Remark("Better words."), seen_entry=1)
    with pytest.raises(StaleVersion):
        change_comment(made, actor=cast.ada, remark=Remark("Late words."), seen_entry=1)
    mark_comment(made, actor=cast.ada, deed=Deed.RESOLVED)
    mark_comment(made, actor=cast.ada, deed=Deed.RESOLVED)
    said = list(made.entries.values_list("deed", "body"))
    assert said == [
        ("written", "The label is missing."), ("changed", "Better words."), ("resolved", "Better words."),
    ]  # fmt: skip
    for rows in (CommentEntry.objects.all(), EvidenceComment.objects.all()):
        for change in (lambda r=rows: r.update(number=9), lambda r=rows: r._raw_delete(r.db)):
            with pytest.raises(DatabaseError, match="only added to"), transaction.atomic():
                change()


def test_removed_is_out_of_sight_and_stays_in_the_history(client, cast):
    submission = begun(cast)
    made = comment_on(submission, cast.ada)
    client.force_login(cast.ada)
    client.post(url("mark_comment", submission.pk, made.pk), {"deed": "removed"})
    assert comments_by(submission.pk, cast.ada.pk) == []
    page = client.get(url("change_comment", submission.pk, made.pk)).content.decode()
    assert "You removed this comment." in page
    assert "The label is missing." in page
    assert (
        client.post(url("mark_comment", submission.pk, made.pk), {"deed": "x"}).status_code == 404
    )


def test_only_the_person_who_marks_it_now_comments(cast):
    submission = begun(cast)
    made = comment_on(submission, cast.ada)
    for stranger in (cast.abe, cast.lea, cast.pam, cast.lena):
        with pytest.raises(NotPermitted):
            comment_on(submission, stranger)
        with pytest.raises(NotPermitted):
            mark_comment(made, actor=stranger, deed=Deed.RESOLVED)
    with pytest.raises(NotPermitted):
        comment_on(submission, cast.ada, evidence=99)
    take_over(submission, actor=cast.lea)
    with pytest.raises(StaleState):
        comment_on(submission, cast.ada)


def test_a_taken_over_workspace_keeps_the_words_of_a_comment(client, cast):
    submission = begun(cast)
    take_over(submission, actor=cast.lea)
    client.force_login(cast.ada)
    sent = {"body": "My unsaved words.", "page": "1", "audience": "learner"}
    answer = client.post(url("comment", submission.pk, 2), sent)
    assert answer.status_code == 409
    assert "My unsaved words." in answer.content.decode()


def test_sealed_with_the_decision(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    made = comment_on(submission, cast.ada)
    record_decision(submission, actor=cast.ada)
    with pytest.raises(NotPermitted):
        mark_comment(made, actor=cast.ada, deed=Deed.REMOVED)
    with pytest.raises(NotPermitted):
        comment_on(submission, cast.ada)


def test_the_finish_page_shows_what_the_learner_will_see_and_no_more(client, cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    comment_on(submission, cast.ada, Remark("canary-shown"))
    comment_on(submission, cast.ada, Remark("canary-staff", audience=Audience.STAFF))
    done = comment_on(submission, cast.ada, Remark("canary-resolved"))
    mark_comment(done, actor=cast.ada, deed=Deed.RESOLVED)
    client.force_login(cast.ada)
    page = client.get(url("finish", submission.pk)).content.decode()
    assert "canary-shown" in page
    assert "canary-staff" not in page
    assert "canary-resolved" not in page


def test_the_learner_reads_them_after_release_and_only_those_of_the_result(client, cast):
    from tests.factories.awards import batch, moderate, release, sign

    submission = allocated(cast)
    drafted(submission, cast.ada)
    comment_on(submission, cast.ada, Remark("canary-shown", page=3))
    comment_on(submission, cast.ada, Remark("canary-staff", audience=Audience.STAFF))
    record_decision(submission, actor=cast.ada)
    client.force_login(cast.lena)
    before = client.get(url("comments_table", submission.pk)).content.decode()
    assert "canary" not in before
    moderate(cast, [submission])
    sign(batch(cast), cast.rita)
    release(cast)
    page = client.get(reverse("awards:result", args=[submission.pk])).content.decode()
    table = client.get(url("comments_table", submission.pk)).content.decode()
    for words in (page, table):
        assert "canary-shown" in words
        assert "canary-staff" not in words
    assert learner_comments(Submission.objects.get(pk=submission.pk), cast.hone) == []
    client.force_login(cast.hone)
    assert client.get(url("comments_table", submission.pk)).status_code == 404


def test_blind_double_marking_reveals_no_comment(client, double):
    submission = allocated(double)
    drafted(submission, double.ada)
    made = comment_on(submission, double.ada, Remark("canary-comment"))
    record_decision(submission, actor=double.ada)
    second = Allocation.objects.get(role=AllocationRole.SECOND_ASSESSOR).assessor
    opened(submission, second)
    client.force_login(second)
    own = comment_on(submission, second, Remark("Mine."))
    assert own.number == 1
    seen = [
        client.get(url(name, submission.pk)) for name in ("workspace", "finish", "comments_table")
    ]
    seen.append(client.get(url("change_comment", submission.pk, made.pk)))
    seen.append(client.get(url("comments_vtt", submission.pk, 2)))
    assert seen[-2].status_code == 404
    for answer in seen:
        assert "canary-comment" not in f"{answer.headers} {answer.content.decode()}"
        assert str(made.pk) not in answer.content.decode()
    client.force_login(double.lea)
    for name in ("workspace", "comments_table"):
        assert "canary-comment" not in client.get(url(name, submission.pk)).content.decode()


def test_a_moment_is_shown_for_five_seconds(cast):
    submission = begun(cast)
    comment_on(submission, cast.ada, Remark("Here.\n\nAnd here.", starts_ms=3_600_000))
    text = webvtt(comments_by(submission.pk, cast.ada.pk), 2)
    assert "01:00:00.000 --> 01:00:05.000\nHere.\nAnd here.\n" in text


def test_a_comment_has_its_box(cast):
    submission = begun(cast)
    comment_on(submission, cast.ada, Remark("Here.", page=1, box=Box(1, 2, 3, 4)))
    entry = CommentEntry.objects.get()
    assert (entry.place, entry.left, entry.top, entry.width, entry.height) == ("box", 1, 2, 3, 4)
