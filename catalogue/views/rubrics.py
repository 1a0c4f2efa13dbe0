"""A version as a file, and rubrics from a table."""

import json
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.views import person
from catalogue import rules
from catalogue.actions.exchange import (
    definition_of,
    import_rubrics,
    plan_rubrics,
    points_of,
    rubric_table,
)
from catalogue.exceptions import RubricsRefused
from catalogue.forms import RubricsForm
from catalogue.models import MicroCredentialVersion
from catalogue.views.answers import answering, for_catalogue_staff
from catalogue.views.versions import visible_version


def handed(version: MicroCredentialVersion, text: str, kind: str, ending: str) -> HttpResponse:
    """A file named after the version."""
    response = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    name = f"{version.micro_credential.code}-version-{version.number}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
@for_catalogue_staff
def definition_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The whole version in the format that it is loaded from, as JSON."""
    found = visible_version(request, pk)
    text = json.dumps(definition_of(found), ensure_ascii=False, indent=2) + "\n"
    return handed(found, text, "application/json", "json")


@require_safe
@for_catalogue_staff
def table_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Its rubrics as the table that Canvas takes."""
    found = visible_version(request, pk)
    return handed(found, rubric_table(found), "text/csv", "csv")


@require_http_methods(["GET", "HEAD", "POST"])
@for_catalogue_staff
@answering("catalogue:version")
def from_table(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Choose a table, see what it does, and only then make a new version in draft of it."""
    found = visible_version(request, pk)
    if not rules.writes_for(found.micro_credential, person(request)):
        raise PermissionDenied("Only authors and administrators of the provider write versions.")
    form = RubricsForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    context = {"version": found, "form": form, "plan": None}
    if not form.is_valid():
        status = 422 if form.errors else 200
        return render(request, "catalogue/import_rubrics.html", context, status=status)
    content = form.content()
    if request.POST.get("apply"):
        try:
            outcome = import_rubrics(found, content, actor=person(request))
        except RubricsRefused:
            pass
        else:
            said = "in draft" if outcome.created else "which had these rubrics already"
            messages.success(request, f"{outcome.version} is there, {said}.")
            return redirect("catalogue:version", outcome.version.pk)
    plan = plan_rubrics(found, content)
    context |= {
        "plan": plan,
        "errors": [str(one) for one in plan.errors],
        "warnings": [one for one in plan.problems if one.is_warning],
        "changed": [
            (title, [(one, points_of(one)) for one in criteria]) for title, criteria in plan.changed
        ],
        "text": content.decode("utf-8-sig", "replace"),
    }
    status = 200 if plan.definition is not None else 422
    return render(request, "catalogue/import_rubrics.html", context, status=status)
