"""Home redirect, the frame around every page."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context that every page's header and footer need."""
    return {}


def home(request: HttpRequest) -> HttpResponse:
    """Send a person to the home of the role they last used."""
    return redirect("account_login")
