"""What stands in a digest: titles with the places they are about, things to do first."""

from collections.abc import Iterable
from typing import Any

from workflows.definitions import DIGEST, NotWanted, topic_of, unwanted
from workflows.enums import Channel, MessageState
from workflows.models import Notification, OutboxMessage
from workflows.notifications.wording import Titles

__all__ = ["DIGEST", "left_out", "listed", "look_again"]
BESIDE = ("recipient", "record", "deadline")


def left_out(notice: Notification) -> str:
    """Why a piece of news does not stand in the digest any more; empty where it does."""
    return "Read already." if notice.read_at is not None else unwanted(notice)


def listed(notices: Iterable[Notification], titles: Titles) -> dict[str, Any]:
    """The context of a digest: each piece of news with its title, its path and its key, in their order."""
    found: dict[str, Any] = {"todo": [], "news": []}
    for notice in notices:
        item = {"title": titles.of(notice), "path": notice.path, "key": notice.pk}
        found["todo" if topic_of(notice.topic).asks else "news"].append(item)
    return {**found, "number": len(found["todo"]) + len(found["news"])}


def look_again(digest: Notification, titles: Titles) -> None:
    """Leave out, right before it is sent, what was read or has gone since it was written.

    What is left out is marked with the reason. NotWanted when nothing remains.
    """
    keys = [item["key"] for part in ("todo", "news") for item in digest.context[part]]
    rows = Notification.objects.filter(pk__in=keys).select_related(*BESIDE)
    kept: list[Notification] = []
    for one in rows.order_by("created_at", "pk"):
        if not (why := left_out(one)):
            kept.append(one)
            continue
        OutboxMessage.objects.filter(
            notification=one, channel=Channel.DIGEST, state=MessageState.SENT
        ).update(state=MessageState.CANCELLED, last_error=why)
    if not kept:
        raise NotWanted("Nothing in it is wanted any more.")
    digest.context = listed(kept, titles)
