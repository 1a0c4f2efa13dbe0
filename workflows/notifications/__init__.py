"""Telling people: rows first, mail later. A mail points to the news, it never contains a result."""

from workflows.definitions import describe, extra_topics
from workflows.enums import Category
from workflows.notifications.calling import SUSPENDED
from workflows.notifications.mailing import compose, send_email, verdict
from workflows.notifications.wording import Titles, render
from workflows.notifications.writing import Draft, notify, notify_address, notify_all

__all__ = [
    "Draft",
    "Titles",
    "compose",
    "notify",
    "notify_address",
    "notify_all",
    "render",
    "send_email",
    "verdict",
]

# Sent by the machinery itself.
extra_topics.update(
    {
        "workflows.reconciler.difference",
        "workflows.digest",
        "workflows.address.suspended",
        SUSPENDED,
    }
)
describe(
    "workflows.digest",
    Category.ACCOUNT,
    who="Everybody with news that waits for the morning",
    why="You get a summary because you chose one, or because it was outside your hours.",
    required=True,
    ways=("email",),
    sample={
        "number": 2,
        "todo": [{"title": "A portfolio is due Friday", "path": "/learn/", "key": 1}],
        "news": [{"title": "Vic has answered", "path": "/learn/evidence/", "key": 2}],
    },
)
describe(
    "workflows.reconciler.difference",
    Category.DELIVERY,
    who="Platform administrators",
    why="You look after this system.",
    required=True,
    asks=True,
    sample={"missing": 1, "extra": 0},
)
describe(
    "workflows.address.suspended",
    Category.DELIVERY,
    who="People who look after the delivery of messages",
    why="You look after the delivery of messages.",
    required=True,
    asks=True,
    sample={"person": "Lena Tūhoe", "because": "Mail came back"},
)
describe(
    SUSPENDED,
    Category.DELIVERY,
    who="Administrators of the organisation",
    why="You administer this organisation.",
    required=True,
    asks=True,
    sample={"organisation": "Te Pūkenga Rawa", "host": "hooks.example.org"},
)
