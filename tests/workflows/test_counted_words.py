"""Messages that count something speak of one thing and of several as people do."""

import pytest

from accounts.models import User
from workflows.definitions import topic_of, topics
from workflows.models import Notification
from workflows.notifications import render

pytestmark = pytest.mark.django_db

COUNTED = {
    ("assessment.early_check_ready", "size"): (
        "The first decision on the task “T” in D is there.",
        "The first 2 decisions on the task “T” in D are there.",
    ),
    ("moderation.item_given", "count"): (
        "You are asked to read one submission of T in D.\n\nRead it blind first",
        "You are asked to read 2 submissions of T in D.\n\nRead each blind first",
    ),
    ("moderation.item_due", "count"): (
        "An item of round 4 of T in D waits for your reading. It is due",
        "2 items of round 4 of T in D wait for your reading. They are due",
    ),
    ("moderation.waiting_over", "count"): (
        "An item that waited for this can be decided now.",
        "2 items that waited for this can be decided now.",
    ),
    ("portfolios.attestation.link", "days"): ("works for 1 day.", "works for 2 days."),
    ("catalogue.deadline.overdue", "number"): ("It was due on", "The first was due on"),
    ("workflows.digest", "number"): ("1 message for you", "2 messages for you"),
    ("workflows.reconciler.difference", "missing"): ("have been made: 1.", "have been made: 2."),
    ("workflows.reconciler.difference", "extra"): ("been cancelled: 1.", "been cancelled: 2."),
}


@pytest.mark.parametrize(("code", "name"), COUNTED)
@pytest.mark.parametrize("number", [1, 2])
def test_a_message_that_counts_speaks_of_one_and_of_several(code, name, number):
    context = {**topic_of(code).sample, name: number, "task": "T", "delivery": "D"}
    if name == "count":
        context["number"] = 4
    made = Notification(recipient=User(name="Ana"), topic=code, context=context)
    subject, text, _html = render(made)
    assert COUNTED[code, name][number - 1] in f"{subject}\n{text}"


def test_every_message_that_counts_is_in_that_table():
    """A number of a sample is a count, or the number of a round."""
    numbers = {
        (code, name)
        for code, topic in topics.items()
        for name, value in topic.sample.items()
        if isinstance(value, int) and not isinstance(value, bool)
    }
    rounds = {one for one in numbers if one[0].startswith("moderation.") and one[1] == "number"}
    assert numbers - rounds - {("portfolios.submission.submitted", "attempt")} == set(COUNTED)
