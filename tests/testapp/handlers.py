"""Who is told about dockets: the owner, when one is closed."""

from accounts.models import User
from workflows.definitions import describe, handles, quiet, still_relevant
from workflows.enums import Category
from workflows.models import Notification, TransitionRecord
from workflows.notifications import notify

quiet("testapp.docket.filed", "testapp.docket.voided", because="Nobody waits for it.")

RELEVANT = {"answer": True}


@handles("testapp.docket.checked", "testapp.docket.closed")
def tell_owner(record: TransitionRecord) -> None:
    docket = record.subject
    notify(
        topic=f"testapp.docket.{'closed' if record.target == 'closed' else 'checked'}",
        recipients=User.objects.filter(pk=docket.owner_id),
        record=record,
        path=f"/dockets/{docket.pk}/",
        context={"title": docket.title},
        lane="receipt",
    )


@still_relevant("testapp.docket.closed")
def still_wanted(notification: Notification) -> bool:
    return RELEVANT["answer"]


for _topic in ("checked", "closed"):
    describe(
        f"testapp.docket.{_topic}",
        Category.WORK,
        who="The owner",
        why="You own this docket.",
        required=True,
        sample={"title": "Tā moko"},
    )
describe(
    "testapp.docket.soon",
    Category.DATES,
    who="Whoever waits",
    why="You wait for this.",
    sample={"title": "Tā moko"},
)
