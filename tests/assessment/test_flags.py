"""A flag for later: one's own, on a work or a piece of it, seen in the queue by nobody else."""

import pytest

from assessment.actions.flagging import set_flag
from assessment.models import WorkFlag
from assessment.selectors.filters import Filters
from assessment.selectors.queue import queue_for
from tests.assessment.pages import url
from tests.factories.assessment import allocated, drafted, opened
from workflows.exceptions import NotPermitted


def test_a_flag_goes_on_and_off_with_and_without_scripts(client, cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    client.force_login(cast.ada)
    page = client.get(url("workspace", submission.pk)).content.decode()
    assert page.count("Flag for later") == 1 + submission.pins.count()
    answer = client.post(url("flag", submission.pk), {"number": "1", "flagged": "yes"})
    assert answer["Location"] == f"{url('workspace', submission.pk)}#flag-1"
    page = client.get(url("workspace", submission.pk)).content.decode()
    assert page.count("Take the flag off") == 1
    for flagged, words in (("no", "Flag for later"), ("yes", "Take the flag off")):
        part = client.post(
            url("flag", submission.pk),
            {"number": "1", "flagged": flagged},
            headers={"HX-Request": "true"},
        ).content.decode()
        assert words in part
        assert "<html" not in part
    assert WorkFlag.objects.get().number == 1


def test_the_queue_shows_and_filters_ones_own_flags_only(client, cast):
    one, other = allocated(cast, "lena"), allocated(cast, "hone")
    set_flag(one, actor=cast.ada, number=0, flagged=True)
    set_flag(one, actor=cast.ada, number=1, flagged=True)
    rows = {row.pk: row for row in queue_for(cast.ada, Filters(), 1).rows}
    assert (rows[one.pk].is_flagged, rows[other.pk].is_flagged) == (True, False)
    found = queue_for(cast.ada, Filters(flagged="yes"), 1)
    assert [row.pk for row in found.rows] == [one.pk]
    assert found.page.paginator.count == 1
    assert not any(row.is_flagged for row in queue_for(cast.lea, Filters(), 1).rows)
    assert queue_for(cast.lea, Filters(flagged="yes"), 1).rows == []
    client.force_login(cast.ada)
    page = client.get(url("queue"), {"flagged": "yes"}).content.decode()
    assert "Flagged</strong>" in page


def test_only_those_who_mark_it_flag_and_only_what_there_is(cast):
    submission = allocated(cast)
    with pytest.raises(NotPermitted):
        set_flag(submission, actor=cast.lea, number=0, flagged=True)
    with pytest.raises(NotPermitted):
        set_flag(submission, actor=cast.ada, number=99, flagged=True)
    assert not WorkFlag.objects.exists()


def test_the_verdict_page_shows_the_pointers_that_the_learner_will_see(client, cast):
    submission = allocated(cast)
    draft = drafted(submission, cast.ada)
    draft.judgements.first().pointers.set(submission.pins.filter(number=1))
    client.force_login(cast.ada)
    assert "Points to evidence 1" in client.get(url("finish", submission.pk)).content.decode()
