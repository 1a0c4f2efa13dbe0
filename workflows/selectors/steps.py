"""What happened to a subject, what can happen next, and the machines as data."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models
from django_fsm import FSMFieldMixin

from accounts.models import Actor
from workflows.guards import Guard, granted_above, guards_for, rule_for
from workflows.machines import Arrow, arrows_of, labels_of, state_models, step_on
from workflows.models import TransitionRecord


@dataclass(frozen=True)
class Step:
    """A step that the state of the subject offers: whether this person may take it, and what is in the way."""

    name: str
    label: str
    allowed: bool
    failed: list[Guard] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return self.allowed and not self.failed

    @property
    def reasons(self) -> list[str]:
        return [str(one.message) for one in self.failed]


@dataclass(frozen=True)
class Entry:
    """One line of a timeline. `note` is the reason, for pages whose reader may know it."""

    title: str
    at: dt.datetime
    by: str
    note: str
    name: str
    source: str
    target: str
    seq: int


def available_steps(instance: Any, actor: Actor) -> list[Step]:
    """The steps that the present state offers, with the reasons against those that are not ready."""
    found: FSMFieldMixin = instance._meta.get_field("state")
    steps = []
    for name in sorted(found.transitions[type(instance)]):
        arrow = step_on(instance, name)
        if arrow is not None:
            steps.append(step_for(arrow, instance, actor))
    return steps


def step_for(arrow: Arrow, instance: Any, actor: Actor) -> Step:
    """Ask rule and guards without taking the step."""
    allowed = bool(rule_for(arrow.step_id, arrow.permission)(instance, actor))
    failed = [
        one
        for one in guards_for(arrow.step_id, arrow.conditions)
        if allowed and not one.holds(instance, actor)
    ]
    return Step(arrow.name, str(arrow.label), allowed, failed)


def timeline_for(subject: models.Model) -> list[Entry]:
    """What happened to a subject, newest first, in three queries at the most."""
    labels = {one.name: str(one.label) for one in arrows_of(type(subject))}
    records = TransitionRecord.objects.of(subject).with_people().order_by("-seq")
    return [
        Entry(
            title=labels.get(record.name, record.name),
            at=record.at,
            by=record.label.actor_label or "",
            note=record.label.reason or "",
            name=record.name,
            source=record.source,
            target=record.target,
            seq=record.seq,
        )
        for record in records
    ]


def documented(model: type[models.Model]) -> bool:
    """False for models of apps that say they are not part of the product."""
    config = apps.get_app_config(model._meta.app_label)
    return bool(getattr(config, "documented", True))


def machines() -> list[dict[str, Any]]:
    """Every machine as plain data: its states, and its steps with rule and guards from arrow and registry."""
    return [machine(model) for model in state_models() if documented(model)]


def machine(model: type[models.Model]) -> dict[str, Any]:
    steps: dict[str, dict[str, Any]] = {}
    for arrow in arrows_of(model):
        rule = rule_for(arrow.step_id, arrow.permission)
        step = steps.setdefault(
            f"{arrow.name}>{arrow.target}",
            {
                "name": arrow.name,
                "label": str(arrow.label),
                "sources": [],
                "target": arrow.target,
                "birth": arrow.birth,
                "topic": arrow.topic,
                "rule": f"{rule.__module__}.{rule.__name__}",
                "rule_says": first_line(rule),
                "granted_above": arrow.permission is granted_above,
                "guards": [
                    {"code": one.code, "message": str(one.message)}
                    for one in guards_for(arrow.step_id, arrow.conditions)
                ],
            },
        )
        if arrow.source:
            step["sources"].append(arrow.source)
    for step in steps.values():
        step["sources"].sort()
    return {
        "machine": model._meta.label_lower,
        "name": str(model._meta.verbose_name),
        "states": [{"value": str(value), "label": str(label)} for value, label in labels_of(model)],
        "steps": sorted(
            steps.values(), key=lambda one: (not one["birth"], one["name"], one["target"])
        ),
    }


def first_line(thing: Any) -> str:
    return (thing.__doc__ or "").strip().split("\n")[0]
