"""What happened to a subject, and the machines as data."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models

from workflows.guards import granted_above, guards_for, rule_for
from workflows.machines import arrows_of, labels_of, state_models
from workflows.models import TransitionRecord


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
