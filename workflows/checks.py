"""System checks: a machine that is not fully wired does not start."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.template.exceptions import TemplateDoesNotExist
from django.template.loader import get_template

from workflows import triggers
from workflows.definitions import handlers, offers, silences, told_topics, topics
from workflows.guards import Guard, granted_above, registered_rules, registered_steps
from workflows.machines import Arrow, all_arrows, labels_of, state_models


@register()
def check_machines(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Every arrow has a callable rule, every guard explains itself, every registration names a real step."""
    arrows = list(all_arrows())
    known = {one.step_id for one in arrows}
    own = {one.step_id for one in arrows if one.permission is not granted_above}
    found = [message for one in arrows for message in faults_of(one)]
    found += [
        Error(f"A guard or rule is registered for {step}, which is no step.", id="workflows.E004")
        for step in sorted(registered_steps() - known)
    ]
    found += [
        Error(f"{step} has a rule of its own; the other is never asked.", id="workflows.E005")
        for step in sorted(set(registered_rules()) & own)
    ]
    found += [
        Error(f"A state of {model._meta.label} has no label.", id="workflows.E006")
        for model in state_models()
        if any(not str(label).strip() for _value, label in labels_of(model))
    ]
    return unique(found)


def faults_of(arrow: Arrow) -> Iterator[CheckMessage]:
    if not callable(arrow.permission):
        yield Error(f"{arrow.step_id} has no callable permission.", id="workflows.E001")
    elif arrow.permission is granted_above and arrow.step_id not in registered_rules():
        yield Error(
            f"{arrow.step_id} is left to a higher app, but none registered a rule: it refuses everybody.",
            id="workflows.E002",
        )
    for one in arrow.conditions:
        if not isinstance(one, Guard):
            yield Error(f"{arrow.step_id} has a condition that is no Guard.", id="workflows.E003")


@register()
def check_topics(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Every fact has a handler or a stated silence, and every topic that is told has its words."""
    known = {one.topic for one in all_arrows()}
    found: list[CheckMessage] = [
        Error(
            f"{topic} has neither a handler nor a silence.",
            hint='Use @handles("…") or quiet("…", because="…") in its handlers.',
            id="workflows.E010",
        )
        for topic in sorted(known - set(handlers) - set(silences))
    ]
    found += [
        Error(f"{topic} is handled, but no step leads to it.", id="workflows.E011")
        for topic in sorted((set(handlers) | set(silences)) - known)
    ]
    found += [
        Error(f"{topic} is offered to webhooks, but no step leads to it.", id="workflows.E014")
        for topic in sorted(set(offers) - known)
    ]
    told = told_topics()
    found += [
        Error(
            f"{topic} is sent, but not in the catalogue of messages.",
            hint='Add describe("…", Category.…, who="…", why="…", sample={…}) to its handlers.',
            id="workflows.E013",
        )
        for topic in sorted(told - set(topics))
    ]
    for topic in sorted(told):
        for name in ("subject.txt", "body.txt"):
            try:
                get_template(f"emails/{topic}/{name}")
            except TemplateDoesNotExist:
                found.append(
                    Error(f"templates/emails/{topic}/{name} is missing.", id="workflows.E012")
                )
    return found


@register(Tags.database)
def check_triggers(
    app_configs: Sequence[AppConfig] | None,
    databases: Sequence[str] | None = None,
    **_kwargs: Any,
) -> list[CheckMessage]:
    """The triggers are there. They come with every migrate, and so does this check."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        if triggers.RECORD not in connection.introspection.table_names():
            continue
        if names := triggers.missing(connection):
            found.append(
                Error(
                    f"Triggers are missing: {', '.join(names)}.",
                    hint="Run manage.py migrate --skip-checks, which installs them.",
                    id="workflows.E020",
                )
            )
    return found


def unique(messages: list[CheckMessage]) -> list[CheckMessage]:
    """One message of a kind: an arrow with several sources would say the same for each."""
    seen: dict[tuple[str, str], CheckMessage] = {}
    for one in messages:
        seen.setdefault((str(one.id), str(one.msg)), one)
    return list(seen.values())
