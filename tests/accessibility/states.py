"""Preparing the pages of pages.py: one function for each state, by the name written there.

Each gets the cast and returns what the page's path is filled in with.
"""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import Membership
from catalogue.actions import plan_delivery, send_version_to_pre_moderation
from moderation.models import SampleItem
from portfolios.actions.attestation import ask_to_confirm
from portfolios.actions.drafting import map_evidence, save_reflection
from portfolios.actions.extension import ask_for_more_time
from portfolios.actions.submission import place_hold
from portfolios.enums import HoldKind
from tests.factories import portfolios as work
from tests.factories.catalogue import draft_version
from tests.factories.moderation import (
    NOTHING_TARGETED,
    assessed_set,
    decided_round,
    drawn_round,
    fresh,
    frozen_round,
    moderated,
    read_round,
    scored,
)
from tests.personas import Cast
from workflows.models import Notification


def running_delivery(cast: Cast) -> dict[str, Any]:
    """The cast's open delivery as its administrator sees it."""
    part = cast.delivery.roles.get(user=cast.ada)
    return {
        "delivery": cast.delivery.pk,
        "version": cast.delivery.version_id,
        "task": cast.task.pk,
        "part": part.pk,
    }


def planned_delivery(cast: Cast) -> dict[str, Any]:
    """One that is not open, with everything missing."""
    membership(cast, OrganisationRole.ADMINISTRATOR)
    today = timezone.now().date()
    made = plan_delivery(
        cast.delivery.version, code="planned", title="Planned", mode="online_live",
        starts_on=today, ends_on=today + timedelta(days=9), actor=cast.pam,
    )  # fmt: skip
    return {"delivery": made.pk, "task": cast.task.pk, "version": made.version_id}


def version_to_check(cast: Cast) -> dict[str, Any]:
    """A version in pre-assessment moderation; pam is a pre-moderator too."""
    membership(cast, OrganisationRole.PRE_MODERATOR)
    draft = draft_version(cast.provider, code="tocheck")
    send_version_to_pre_moderation(draft, actor=draft.author)
    return {"version": draft.pk}


def membership(cast: Cast, role: OrganisationRole) -> None:
    Membership.objects.create(user=cast.pam, organisation=cast.provider, role=role)


def half_built(cast: Cast) -> dict[str, Any]:
    """A portfolio with a ready picture, a refused file with a long name, a reflection and open requests."""
    portfolio = work.portfolio_of(cast)
    item = work.file(portfolio, "whakaahua.png", work.png((40, 30)), kind="photo")
    work.file(portfolio, f"{'Pūrongo' * 12}.pdf", b"<html>")
    criterion = cast.task.rubric.criteria.first()
    map_evidence(
        portfolio, item, criterion, actor=cast.lena, claim="I led the hui.", locator="page 2"
    )
    save_reflection(portfolio, criterion, actor=cast.lena, text="Ngā mihi", seen_version=0)
    asked = ask_to_confirm(
        portfolio, actor=cast.lena, name="Vic", email="vic@work.example", evidence=[item]
    )
    request = ask_for_more_time(
        portfolio, actor=cast.lena, until=portfolio.due_at + timedelta(days=3), reason="work"
    )
    link = Notification.objects.get(dedupe_key__contains=str(asked.pk)).path
    return {
        "portfolio": portfolio.pk,
        "evidence": item.pk,
        "request": request.pk,
        "token": link.split("/")[2],
    }


def ready_to_submit(cast: Cast) -> dict[str, Any]:
    """Everything there, nothing declared."""
    return {"portfolio": work.ready(cast).pk}


def submitted_work(cast: Cast) -> dict[str, Any]:
    """Submitted, with an open hold."""
    submission = work.submitted(cast)
    place_hold(submission, actor=cast.pam, kind=HoldKind.PRIVACY, reason="A face is shown.")
    return {
        "portfolio": submission.portfolio_id,
        "submission": submission.pk,
        "reference": submission.reference,
    }


def set_to_open(cast: Cast) -> dict[str, Any]:
    """Assessed work that waits for a round."""
    assessed_set(cast)
    return {"delivery": cast.delivery.pk, "task": cast.task.pk}


def sample_plan(cast: Cast) -> dict[str, Any]:
    """A frozen set with a random part."""
    cast.delivery.policy_overrides = NOTHING_TARGETED
    cast.delivery.save()
    return {"round": frozen_round(cast).pk}


def round_being_read(cast: Cast) -> dict[str, Any]:
    """One item, given to moses, not read yet."""
    cast.ed.delivery_roles.all().delete()
    found = drawn_round(cast)
    return {"round": found.pk, "item": found.items.first().pk}  # type: ignore[union-attr]


def item_to_compare(cast: Cast) -> dict[str, Any]:
    """Read blind by moses, with another level than the assessor's."""
    keys = round_being_read(cast)
    scored(fresh(SampleItem.objects.get(pk=keys["item"])), "E")
    return keys


def round_to_decide(cast: Cast) -> dict[str, Any]:
    return {"round": read_round(cast).pk}


def round_to_close(cast: Cast) -> dict[str, Any]:
    return {"round": decided_round(cast).pk}


def closed_round(cast: Cast) -> dict[str, Any]:
    return {"round": moderated(cast).pk}
