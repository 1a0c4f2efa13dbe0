"""The base of everything that has a state machine."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import models
from django_fsm import ConcurrentTransitionMixin


class StateModel(ConcurrentTransitionMixin, models.Model):
    """A subject of transitions. Concrete models declare `state` themselves, protected.

    `seq` counts transitions and is moved by the door alone; `version` counts saved edits of a draft.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    seq = models.PositiveIntegerField(default=0, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Any] | None = None,
    ) -> None:
        """Read the row again. django-fsm's own way opens `protected` on the field that all instances share."""
        wanted = None if fields is None else set(fields)
        rows = from_queryset
        if rows is None:
            rows = type(self)._base_manager.using(using or self._state.db)
        fresh = rows.get(pk=self.pk)
        for field in self._meta.concrete_fields:
            named = wanted is None or field.name in wanted or field.attname in wanted
            if named and field.attname in fresh.__dict__:
                self.__dict__[field.attname] = fresh.__dict__[field.attname]
                if field.is_relation:
                    self._state.fields_cache.pop(field.name, None)
        if wanted is None:
            self._prefetched_objects_cache: dict[str, Any] = {}
            self._state.fields_cache.clear()
        self._update_initial_state()
