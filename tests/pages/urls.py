"""The site's addresses, and a few pages on which the scripts and components are tried."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
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

UPLOAD = """{% extends "base.html" %}{% load moderato %}{% block title %}Add{% endblock %}{% block content %}
{% error_summary form %}<h1 class="govuk-heading-l">Add a file</h1>
<form method="post" enctype="multipart/form-data" data-upload>{% csrf_token %}{% field form.title %}
{% field form.file %}<button class="govuk-button">Send</button></form>{% endblock %}"""

DONE = """{% extends "base.html" %}{% block title %}Stored{% endblock %}{% block content %}
<h1 class="govuk-heading-l">Stored {{ size }} bytes</h1>{% endblock %}"""

saved: dict[str, Any] = {"version": 1, "text": "", "broken": False, "size": 0}


class UploadForm(forms.Form):
    title = forms.CharField()
    file = forms.FileField()


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


def upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        saved["size"] = form.cleaned_data["file"].size
        return redirect("/try/done/")
    return page(UPLOAD, request, form=form)


def done(request: HttpRequest) -> HttpResponse:
    return page(DONE, request, size=saved["size"])


urlpatterns = [
    *site,
    path("try/autosave/", autosaved),
    path("try/draft/", draft),
    path("try/upload/", upload),
    path("try/done/", done),
]
