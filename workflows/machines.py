"""What the state machines declare, read from django-fsm: arrows, births, topics."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

import django_fsm as fsm
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models
from django_fsm import FSMFieldMixin

if TYPE_CHECKING:
    from workflows.guards import Guard

Rule = Callable[[Any, Any], bool]
Method = TypeVar("Method", bound=Callable[..., None])


@dataclass(frozen=True)
class Arrow:
    """One permitted step. A birth comes from the empty state; the subject of its rule is the parent."""

    machine: str
    name: str
    source: str
    target: str
    permission: Any
    conditions: "tuple[Guard, ...]"
    past: str
    label: Any
    birth: bool = False

    @property
    def step_id(self) -> str:
        return f"{self.machine}.{self.name}"

    @property
    def topic(self) -> str:
        return f"{self.machine}.{self.past}"


@dataclass(frozen=True)
class Birth:
    """The step by which a subject comes into being. Registered when it is made; rule and guards get the parent."""

    machine: str
    name: str
    into: str
    permission: Rule
    past: str
    conditions: "Sequence[Guard]" = field(default=())
    label: Any = ""

    def __post_init__(self) -> None:
        if self.step_id in _births:
            raise ImproperlyConfigured(f"{self.step_id} is declared twice")
        _births[self.step_id] = self

    @property
    def step_id(self) -> str:
        return f"{self.machine}.{self.name}"

    @property
    def topic(self) -> str:
        return f"{self.machine}.{self.past}"

    @property
    def arrow(self) -> Arrow:
        return Arrow(
            self.machine, self.name, "", str(self.into), self.permission, tuple(self.conditions),
            self.past, self.label or self.name.replace("_", " ").capitalize(), birth=True,
        )  # fmt: skip


_births: dict[str, Birth] = {}


def births() -> list[Birth]:
    return list(_births.values())


def state_field(model: type[models.Model]) -> FSMFieldMixin | None:
    """The field `state` of a model that has a machine."""
    try:
        found = model._meta.get_field("state")
    except FieldDoesNotExist:
        return None
    return found if isinstance(found, FSMFieldMixin) else None


def state_models() -> list[type[models.Model]]:
    """Every concrete model with a machine, in the order of its name."""
    found = [model for model in apps.get_models() if state_field(model) is not None]
    return sorted(found, key=lambda model: model._meta.label_lower)


def states_of(model: type[models.Model]) -> list[str]:
    return [str(value) for value, _label in labels_of(model)]


def labels_of(model: type[models.Model]) -> list[tuple[Any, Any]]:
    """The states of a machine with their words."""
    found: Any = state_field(model)
    return list(found.flatchoices) if found is not None else []


def arrow(machine: str, transition: Any, source: str) -> Arrow:
    """One django-fsm transition as an arrow from one state."""
    return Arrow(
        machine,
        transition.name,
        source,
        str(getattr(transition.target, "value", transition.target)),
        transition.permission,
        tuple(transition.conditions),
        transition.custom.get("past") or transition.name,
        transition.custom.get("label") or transition.name.replace("_", " ").capitalize(),
    )


def arrows_of(model: type[models.Model]) -> Iterator[Arrow]:
    """Arrows of one machine; `*` and `+` are spelt out for each state they stand for."""
    machine = model._meta.label_lower
    for birth in births():
        if birth.machine == machine:
            yield birth.arrow
    field_ = state_field(model)
    if field_ is None:
        return
    for transition in field_.get_all_transitions(model):
        source = getattr(transition.source, "value", transition.source)
        target = getattr(transition.target, "value", transition.target)
        if source in ("*", "+"):
            sources = [one for one in states_of(model) if source == "*" or one != target]
        else:
            sources = [str(source)]
        for one in sources:
            yield arrow(machine, transition, one)


def all_arrows() -> Iterator[Arrow]:
    for model in state_models():
        yield from arrows_of(model)


def step_on(instance: models.Model, name: str) -> Arrow | None:
    """The arrow of that name from the state the instance is in; None where the state does not offer it."""
    declared = getattr(getattr(type(instance), name, None), "_django_fsm", None)
    if declared is None:
        raise ImproperlyConfigured(f"{instance._meta.label_lower} has no step {name}")
    state = str(getattr(instance, "state"))  # noqa: B009  django-fsm adds the attribute
    if not declared.has_transition(state):
        return None
    return arrow(instance._meta.label_lower, declared.get_transition(state), state)


def step(
    *,
    field: Any,
    source: str | Sequence[str],
    target: str,
    permission: Callable[[Any, Any], bool],
    custom: dict[str, Any],
    conditions: Sequence[Callable[[Any], bool]] = (),
) -> Callable[[Method], Method]:
    """django-fsm's `transition` for our actors, who are people or the system.

    `permission` must be a callable: django-fsm would let a string fall back to a global permission.
    `custom` holds `past` (the topic's last word) and `label`. Nothing is enforced here; the door
    in workflows.transitions asks rule and guards.
    """
    declared = fsm.transition(
        field=field,
        source=source if isinstance(source, str) else list(source),
        target=target,
        permission=cast("Any", permission),
        conditions=cast("Any", list(conditions)),
        custom=custom,
    )
    return cast("Callable[[Method], Method]", declared)
