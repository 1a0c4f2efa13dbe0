"""The site's addresses, and a few pages on which the scripts and components are tried."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from config.urls import urlpatterns as site

AUTOSAVED = """{% extends "base.html" %}{% block title %}Reflection{% endblock %}{% block content %}
<h1 class="govuk-heading-l">Reflection</h1>
<form method="post" data-autosave="/try/draft/" data-autosave-key="try">{% csrf_token %}
<input type="hidden" name="version" value="{{ version }}">
<label class="govuk-label" for="text">Reflection</label>
<textarea class="govuk-textarea" id="text" name="text">{{ text }}</textarea>
<p class="app-save-state" role="status" data-save-state></p></form>{% endblock %}"""

saved: dict[str, Any] = {"version": 1, "text": "", "broken": False}


def page(source: str, request: HttpRequest, **context: Any) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(source).render(context, request))


def autosaved(request: HttpRequest) -> HttpResponse:
    return page(AUTOSAVED, request, **saved)


@csrf_exempt
def draft(request: HttpRequest) -> HttpResponse:
    if saved["broken"]:
        return HttpResponse(status=503)
    if int(request.POST["version"]) != saved["version"]:
        return JsonResponse(
            {"version": saved["version"], "theirs": {"text": saved["text"]}}, status=409
        )
    saved["version"] += 1
    saved["text"] = request.POST["text"]
    return JsonResponse({"version": saved["version"], "saved_at": "2:41 pm"})


urlpatterns = [
    *site,
    path("try/autosave/", autosaved),
    path("try/draft/", draft),
]
