"""The addresses of the pages of marking."""

from typing import Any

from django.urls import reverse


def url(name: str, *args: Any) -> str:
    return reverse(f"assessment:{name}", args=args)
