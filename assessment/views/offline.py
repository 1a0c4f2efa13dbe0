"""Marking away from the system: the files out, and back in after a look."""

import json
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.views import person
from assessment.actions.offline import apply_offline, as_data, from_data, plan_offline
from assessment.forms.marking import OfflineForm
from assessment.selectors.offline import (
    offline_rows,
    offline_work,
    waiting_by_delivery,
)
from assessment.tables import read_offline, write_offline
from assessment.views.queue import for_assessors
from catalogue.models import Delivery


@require_safe
@for_assessors
def files(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """The person's own work of one delivery as a ZIP: table, feedback, and how to go about it."""
    me = person(request)
    places = [one.pk for one, _count in waiting_by_delivery(me)]
    found: Delivery = get_object_or_404(Delivery.objects.filter(pk__in=places), pk=delivery)
    works = offline_work(me, delivery=found)
    texts = {one.submission.reference: one.draft.feedback if one.draft else "" for one in works}
    response = HttpResponse(write_offline(offline_rows(works), texts), "application/zip")
    response["Content-Disposition"] = f'attachment; filename="marks-{found.code}.zip"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@for_assessors
def offline(request: HttpRequest) -> HttpResponse:
    """Take files out; bring one back, see what it does, and save it."""
    me = person(request)
    if request.POST.get("kept"):
        return saved(request)
    form = OfflineForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    context: dict[str, Any] = {"places": waiting_by_delivery(me), "form": form, "plan": None}
    if not form.is_valid():
        status = 422 if form.errors else 200
        return render(request, "assessment/offline.html", context, status=status)
    file = read_offline(form.cleaned_data["file"].read())
    plan = plan_offline(file, actor=me)
    context |= {
        "plan": plan,
        "errors": [str(one) for one in plan.problems],
        "kept": json.dumps(as_data(file), ensure_ascii=False),
    }
    status = 200 if plan.items else 422
    return render(request, "assessment/offline.html", context, status=status)


def saved(request: HttpRequest) -> HttpResponse:
    """Save what was looked at, and report each work."""
    form = OfflineForm()
    context: dict[str, Any] = {"form": form, "plan": None}
    try:
        file = from_data(json.loads(request.POST["kept"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        form = OfflineForm({})
        form.add_error(None, forms.ValidationError("Choose the file again: it was not sent whole."))
        context |= {"form": form, "places": waiting_by_delivery(person(request))}
        return render(request, "assessment/offline.html", context, status=422)
    plan, done = apply_offline(file, actor=person(request))
    context |= {"plan": plan, "done": done, "places": waiting_by_delivery(person(request))}
    return render(request, "assessment/offline.html", context)
