"""The site's addresses, and pages that nobody can provoke on purpose."""

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from config.urls import urlpatterns as site


def bad(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("Broken on purpose")


def moved(request: HttpRequest) -> HttpResponse:
    context = {
        "reasons": ["Somebody else recorded a decision at 2:41 pm."],
        "back_url": "/",
        "back_text": "Look at it as it is now",
    }
    return render(request, "errors/409.html", context, status=409)


def unmet(request: HttpRequest) -> HttpResponse:
    context = {
        "reasons": ["Two required criteria have no evidence.", "The declaration is not accepted."],
        "back_url": "/",
        "back_text": "Back to your work",
    }
    return render(request, "errors/422.html", context, status=422)


def unsent(request: HttpRequest) -> HttpResponse:
    """What somebody typed when the session ended."""
    context = {
        "values": [("reason", "The minute says otherwise."), ("choice", "accept")],
        "words": ["The minute says otherwise.", "Kei te pai.\nTwo lines."],
        "action": "/gate/unsent/",
        "leave": "/gate/unsent/?unsent=leave",
        "had_files": True,
    }
    return render(request, "pages/unsent.html", context)


urlpatterns = [
    *site,
    path("gate/400/", bad),
    path("gate/500/", broken),
    path("gate/409/", moved),
    path("gate/422/", unmet),
    path("gate/unsent/", unsent),
]
