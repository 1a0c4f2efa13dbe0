"""Guards say whether the work is ready; rules say who may. Higher apps register theirs here."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import models

Rule = Callable[[Any, Any], bool]
BulkRule = Callable[[Any, Any], Iterable[Any]]

# The step that the door is running now: (machine, primary key, name). Its guards have been asked already,
# so django-fsm's own round of questions, which would repeat every query, is answered at once.
running: ContextVar[tuple[str, Any, str] | None] = ContextVar("running_step", default=None)

_guards: dict[str, "list[Guard]"] = defaultdict(list)
_rules: dict[str, Rule] = {}
_bulk_rules: dict[Rule, BulkRule] = {}


class Guard:
    """A condition with a code and a sentence: the same object blocks the step and explains on the screen."""

    do_not_call_in_templates = True
    """A template that asks for the sentence would else call the guard, and get nothing."""

    def __init__(
        self,
        code: str,
        message: Any,
        check: Callable[..., bool],
        bulk: Callable[..., Iterable[Any]] | None = None,
        *,
        needs_actor: bool = False,
    ) -> None:
        self.code = code
        self.message = message
        self.check = check
        self.bulk = bulk
        self.needs_actor = needs_actor
        self.__doc__ = check.__doc__
        self.__name__ = getattr(check, "__name__", code)

    def __repr__(self) -> str:
        return f"<Guard {self.code}>"

    def __call__(self, instance: Any, actor: Any = None) -> bool:
        """True when the condition holds."""
        if running.get() is not None:
            return True
        return self.holds(instance, actor)

    def holds(self, instance: Any, actor: Any = None) -> bool:
        """Ask the check itself, whatever the door is doing."""
        return bool(self.check(instance, actor) if self.needs_actor else self.check(instance))

    def failing(self, queryset: models.QuerySet[Any], actor: Any = None) -> set[Any]:
        """Primary keys of those in the queryset for which the condition does not hold."""
        if self.bulk is not None:
            return set(self.bulk(queryset, actor) if self.needs_actor else self.bulk(queryset))
        return {one.pk for one in queryset if not self.holds(one, actor)}

    def bulk_check(self, bulk: Callable[..., Iterable[Any]]) -> Callable[..., Iterable[Any]]:
        """Attach the set form: queryset (and actor, where needed) to the keys that fail, in one query."""
        self.bulk = bulk
        return bulk


def guard(
    code: str, message: Any, *, on: Sequence[str] = (), needs_actor: bool = False
) -> Callable[[Callable[..., bool]], Guard]:
    """Make a guard of a check. `on` names steps of lower apps that it protects too."""

    def wrap(check: Callable[..., bool]) -> Guard:
        made = Guard(code, message, check, needs_actor=needs_actor)
        for step in on:
            _guards[step].append(made)
        return made

    return wrap


def may(*steps: str) -> Callable[[Rule], Rule]:
    """Register the one rule of a step that was left to a higher app."""

    def wrap(rule: Rule) -> Rule:
        for step in steps:
            if step in _rules:
                raise ImproperlyConfigured(f"{step} already has a rule")
            _rules[step] = rule
        return rule

    return wrap


def bulk_rule(rule: Rule) -> Callable[[BulkRule], BulkRule]:
    """Attach the set form of a rule: queryset and actor to the keys for which the person may."""

    def wrap(form: BulkRule) -> BulkRule:
        _bulk_rules[rule] = form
        return form

    return wrap


def granted_above(instance: Any, actor: Any) -> bool:
    """Placeholder for a step that a higher app drives. Refuses until that app registers a rule."""
    return False


def guards_for(step_id: str, declared: Iterable[Guard] = ()) -> list[Guard]:
    """The guards on the arrow, then those registered from above."""
    return [*declared, *_guards.get(step_id, ())]


def rule_for(step_id: str, declared: Rule) -> Rule:
    """The registered rule of a `granted_above` step, otherwise the one on the arrow."""
    return _rules.get(step_id, declared) if declared is granted_above else declared


def allowed_in(
    rule: Rule, rows: Sequence[Any], queryset: models.QuerySet[Any], actor: Any
) -> set[Any]:
    """Keys of the rows on which the person may act: by the set form of the rule where it has one."""
    if rule in _bulk_rules:
        return set(_bulk_rules[rule](queryset, actor))
    return {one.pk for one in rows if rule(one, actor)}


def registered_steps() -> set[str]:
    """Steps for which somebody registered a guard or a rule; the system check compares them with the arrows."""
    return {step for step, found in _guards.items() if found} | set(_rules)


def registered_rules() -> dict[str, Rule]:
    return dict(_rules)
