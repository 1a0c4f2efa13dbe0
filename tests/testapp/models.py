"""A docket that goes from desk to desk, out of a box."""

import uuid
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from workflows.guards import bulk_rule, granted_above, guard, may
from workflows.models import StateModel
from workflows.transitions import Birth


class DocketState(models.TextChoices):
    OPEN = "open", "Open"
    CHECKED = "checked", "Checked"
    CLOSED = "closed", "Closed"
    VOID = "void", "Void"


@guard("box_full", _("The box takes no more dockets."))
def box_has_room(box: "Box") -> bool:
    return box.dockets.count() < box.room


@guard("no_title", _("A docket needs a title."))
def has_title(docket: "Docket") -> bool:
    return bool(docket.title)


@has_title.bulk_check
def without_title(dockets: models.QuerySet[Any]) -> Any:
    return dockets.filter(title="").values_list("pk", flat=True)


@guard("own_work", _("You cannot check your own docket."), needs_actor=True)
def not_own_work(docket: "Docket", actor: Any) -> bool:
    return docket.owner_id != getattr(actor, "pk", None)


@not_own_work.bulk_check
def own_work(dockets: models.QuerySet[Any], actor: Any) -> Any:
    return dockets.filter(owner_id=getattr(actor, "pk", None)).values_list("pk", flat=True)


@guard("has_notes", _("Open notes are in the way."), on=["testapp.docket.close"])
def no_open_notes(docket: "Docket") -> bool:
    return not Note.objects.filter(docket=docket).exists()


@no_open_notes.bulk_check
def with_notes(dockets: models.QuerySet[Any]) -> Any:
    return Note.objects.filter(docket__in=dockets).values_list("docket_id", flat=True)


def anybody(instance: Any, actor: Any) -> bool:
    return actor is not None


def not_banned(instance: Any, actor: Any) -> bool:
    return getattr(actor, "email", "") != "banned@example.org"


@may("testapp.docket.close")
def may_close(docket: "Docket", actor: Any) -> bool:
    return docket.keeper_id is None or docket.keeper_id == getattr(actor, "pk", None)


@bulk_rule(may_close)
def closable(dockets: models.QuerySet[Any], actor: Any) -> Any:
    mine = models.Q(keeper_id=None) | models.Q(keeper_id=getattr(actor, "pk", None))
    return dockets.filter(mine).values_list("pk", flat=True)


class Box(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    room = models.PositiveIntegerField(default=1000)


class Docket(StateModel):
    state = FSMField(max_length=30, choices=DocketState.choices, protected=True)
    box = models.ForeignKey(Box, models.PROTECT, related_name="dockets")
    title = models.CharField(max_length=100, blank=True)
    owner_id = models.UUIDField(null=True)
    keeper_id = models.UUIDField(null=True)
    checked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Docket {self.title}"

    @transition(
        field=state,
        source=DocketState.OPEN,
        target=DocketState.CHECKED,
        permission=not_banned,
        conditions=[has_title, not_own_work],
        custom={"past": "checked", "label": _("Check")},
    )
    def check_it(self, *, actor: Any) -> None:
        self.checked_at = timezone.now()

    @transition(
        field=state,
        source=DocketState.CHECKED,
        target=DocketState.CLOSED,
        permission=granted_above,
        conditions=[has_title],
        custom={"past": "closed", "label": _("Close")},
    )
    def close(self, *, actor: Any) -> None:
        pass

    @transition(
        field=state,
        source=[DocketState.OPEN, DocketState.CHECKED],
        target=DocketState.VOID,
        permission=anybody,
        custom={"past": "voided", "label": _("Void")},
    )
    def make_void(self, *, actor: Any) -> None:
        pass


class Note(models.Model):
    docket = models.ForeignKey(Docket, models.CASCADE)


FILE = Birth(
    machine="testapp.docket",
    name="file",
    into=DocketState.OPEN,
    permission=not_banned,
    conditions=[box_has_room],
    past="filed",
    label=_("File"),
)
