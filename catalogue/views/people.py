"""People of a delivery: adding, importing, ending; and organisations."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.views import person
from catalogue import selectors
from catalogue.actions import (
    add_person,
    end_enrolment,
    end_role,
    import_people,
    read_people,
)
from catalogue.enums import DeliveryRoleKind
from catalogue.exceptions import ImportRefused, PersonRefused
from catalogue.forms import ImportForm, PersonForm
from catalogue.views.answers import administered, answering, for_catalogue_staff

form_methods = require_http_methods(["GET", "HEAD", "POST"])


@form_methods
@for_catalogue_staff
@answering("catalogue:delivery")
def add(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add one person, or invite somebody new."""
    delivery = administered(request, pk)
    form = PersonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        cleaned = form.cleaned_data
        try:
            added = add_person(
                delivery,
                email=cleaned["email"],
                name=cleaned["name"],
                role=cleaned["role"],
                site=cleaned["site"] or None,
                recognition=cleaned["recognition"] or None,
                actor=person(request),
            )
        except PersonRefused as refused:
            form.add_error("email", str(refused))
        else:
            messages.success(request, f"{added} is in the delivery now.")
            return redirect("catalogue:delivery", delivery.pk)
    context = {"form": form, "delivery": delivery}
    return render(request, "catalogue/add_person.html", context, status=422 if form.errors else 200)


@form_methods
@for_catalogue_staff
@answering("catalogue:delivery")
def import_(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a list and show what it would do. Changes nothing."""
    delivery = administered(request, pk)
    form = ImportForm(request.POST or None, request.FILES or None)
    context = {
        "form": form,
        "delivery": delivery,
        "roles": ["learner", *DeliveryRoleKind.values],
    }
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return render(request, "catalogue/import_people.html", context, status=status)
    content = form.content()
    plan = read_people(content, delivery=delivery)
    if plan.problems:
        context["problems"] = list(map(str, plan.problems))
        return render(request, "catalogue/import_people.html", context, status=422)
    context |= {"plan": plan, "text": content.decode("utf-8-sig")}
    return render(request, "catalogue/import_preview.html", context)


@require_POST
@for_catalogue_staff
@answering("catalogue:delivery")
def apply_import(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Apply the list that was previewed; everybody or nobody."""
    delivery = administered(request, pk)
    content = request.POST.get("text", "").encode()
    try:
        plan = import_people(content, delivery=delivery, actor=person(request))
    except ImportRefused as refused:
        context = {
            "form": ImportForm(),
            "delivery": delivery,
            "problems": list(map(str, refused.problems)),
        }
        return render(request, "catalogue/import_people.html", context, status=422)
    messages.success(
        request,
        f"{plan.changes} added; {plan.new_accounts} of them were invited to set a password.",
    )
    return redirect("catalogue:delivery", delivery.pk)


@form_methods
@for_catalogue_staff
@answering("catalogue:delivery")
def end_part(request: HttpRequest, pk: UUID, part: int) -> HttpResponse:
    """Ask, then end somebody's part."""
    delivery = administered(request, pk)
    found = get_object_or_404(delivery.roles.current().select_related("user", "delivery"), pk=part)
    if request.method == "POST":
        end_role(found, actor=person(request))
        messages.success(request, f"{found.user} is no longer {found.get_role_display().lower()}.")
        return redirect("catalogue:delivery", delivery.pk)
    context = {"delivery": delivery, "who": found.user, "what": found.get_role_display()}
    return render(request, "catalogue/end_part.html", context)


@form_methods
@for_catalogue_staff
@answering("catalogue:delivery")
def end_enrolled(request: HttpRequest, pk: UUID, enrolment: UUID) -> HttpResponse:
    """Ask, then end an enrolment."""
    delivery = administered(request, pk)
    found = get_object_or_404(
        delivery.enrolments.current().select_related("learner", "delivery"), pk=enrolment
    )
    if request.method == "POST":
        end_enrolment(found, actor=person(request))
        messages.success(request, f"{found.learner} is no longer enrolled.")
        return redirect("catalogue:delivery", delivery.pk)
    context = {"delivery": delivery, "who": found.learner, "what": "Learner"}
    return render(request, "catalogue/end_part.html", context)


@require_safe
@for_catalogue_staff
def organisations(request: HttpRequest) -> HttpResponse:
    """Providers and clients."""
    page = Paginator(selectors.organisations_for(person(request)), 50).get_page(
        request.GET.get("page")
    )
    return render(request, "catalogue/organisations.html", {"page": page})
