"""Reads of people that many places share."""

import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth.models import BaseUserManager
from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from accounts.models import User


def search_key(text: str) -> str:
    """Fold case, macrons and doubled vowels, so that maori, māori and maaori are found alike."""
    folded = unicodedata.normalize("NFKD", text).replace("\u0304", "").casefold()
    for vowel in "aeiou":
        folded = folded.replace(vowel * 2, vowel)
    return folded


class UserManager(BaseUserManager["User"]):
    """Makes users whose name is their e-mail address, kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a platform administrator: runs the system, may change no result."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class MembershipQuerySet(models.QuerySet[Any]):
    """Relations of people to organisations."""

    def current(self, now: datetime | None = None) -> Self:
        """Those that have not ended at that moment, or now."""
        now = now or timezone.now()
        return self.filter(models.Q(ended_at__isnull=True) | models.Q(ended_at__gt=now))
