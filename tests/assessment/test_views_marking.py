"""What the pages of marking say and answer beside their journeys: keys, leases, late and foreign steps."""

import pytest

from accounts.models import User
from tests.assessment.pages import url
from tests.factories.assessment import allocated, opened
from tests.personas import as_


@pytest.mark.parametrize(
    ("shortcuts", "key"),
    [
        ({}, None),
        ({"on": False, "keys": {"flag": "q"}}, None),
        ({"on": True}, "x"),
        ({"on": True, "keys": {"flag": "q"}}, "q"),
    ],
)
def test_the_key_of_a_flag_is_announced_as_it_was_chosen(cast, shortcuts, key):
    submission = allocated(cast)
    opened(submission, cast.ada)
    User.objects.filter(pk=cast.ada.pk).update(shortcuts=shortcuts)
    page = as_(cast.ada).get(url("workspace", submission.pk)).content.decode()
    part = as_(cast.ada).post(
        url("flag", submission.pk),
        {"number": "1", "flagged": "yes"},
        headers={"HX-Request": "true"},
    )
    for words, count in ((page, 1 + submission.pins.count()), (part.content.decode(), 1)):
        assert words.count('aria-keyshortcuts="x"') == (count if key == "x" else 0)
        assert words.count('aria-keyshortcuts="q"') == (count if key == "q" else 0)
