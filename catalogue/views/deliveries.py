"""Home, list of deliveries, one delivery: dates, policy, opening."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.views import person
from catalogue import rules, selectors
from catalogue.actions import open_delivery, plan_delivery, set_policy, set_schedule
from catalogue.actions.deliveries import missing_to_open
from catalogue.actions.escalations import set_escalations
from catalogue.actions.hooks import preview_schedule
from catalogue.exceptions import PolicyRefused, ScheduleRefused
from catalogue.forms import DeliveryForm, EscalationForm, PolicyForm, ScheduleForm
from catalogue.models import Delivery, MicroCredentialVersion
from catalogue.views.answers import administered, answering, for_catalogue_staff
from workflows.rules import may_keep_calendar

form_methods = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@for_catalogue_staff
def home(request: HttpRequest) -> HttpResponse:
    """What to do next, and the deliveries that run."""
    nothing = selectors.NextStep("Nothing waits for you", "Everything that you run is up to date.")
    card, *also = selectors.next_steps(person(request)) or [nothing]
    return render(
        request,
        "catalogue/home.html",
        {
            "card": card,
            "also": also,
            "deliveries": selectors.deliveries_for(person(request))[:10],
            "keeps_calendar": may_keep_calendar(person(request)),
        },
    )


@require_safe
@for_catalogue_staff
def deliveries(request: HttpRequest) -> HttpResponse:
    """Every delivery that the person runs."""
    page = Paginator(selectors.deliveries_for(person(request)), 25).get_page(
        request.GET.get("page")
    )
    versions = selectors.versions_to_deliver(person(request))
    return render(request, "catalogue/deliveries.html", {"page": page, "versions": versions})


@form_methods
@for_catalogue_staff
@answering("catalogue:version")
def new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Plan a delivery of a version."""
    version = get_object_or_404(MicroCredentialVersion.objects.visible_to(person(request)), pk=pk)
    if not rules.administers_version(version, person(request)):
        raise PermissionDenied("Only programme administrators of the provider plan deliveries.")
    form = DeliveryForm(
        request.POST if request.method == "POST" else None,
        version=version,
        initial={"time_zone": "Pacific/Auckland"},
    )
    if form.is_valid():
        made = plan_delivery(version, actor=person(request), **form.cleaned_data)
        messages.success(request, f"{made} is planned. Nobody but administrators sees it yet.")
        return redirect("catalogue:delivery", made.pk)
    context = {"form": form, "version": version}
    return render(
        request, "catalogue/new_delivery.html", context, status=422 if form.errors else 200
    )


@require_safe
@for_catalogue_staff
def delivery(request: HttpRequest, pk: UUID) -> HttpResponse:
    """People by part, dates, and what is missing before it can open."""
    found = administered(request, pk)
    try:
        board = reverse("awards:board", args=[found.pk])
    except NoReverseMatch:
        board = ""
    return render(
        request,
        "catalogue/delivery.html",
        {
            "delivery": found,
            "people": selectors.people_of(found),
            "schedules": selectors.schedules_of(found),
            "missing": [] if found.opened_at else _sentences(found),
            "policy": [
                line
                for line in selectors.policy_lines(found.version, found)
                if line.source != "Default"
            ],
            "board_url": board if found.opened_at else "",
            "more_time_name": "portfolios:more_time_for_all",
        },
    )


@form_methods
@for_catalogue_staff
@answering("catalogue:delivery")
def open_(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Preview, then open. Cannot be undone."""
    found = administered(request, pk)
    if request.method == "POST":
        opened = open_delivery(found, actor=person(request))
        messages.success(request, f"{opened} is open.")
        return redirect("catalogue:delivery", opened.pk)
    return render(
        request,
        "catalogue/open_delivery.html",
        {
            "delivery": found,
            "missing": _sentences(found),
            "learner_count": found.enrolments.current().count(),
            "schedules": selectors.schedules_of(found),
            "policy": selectors.policy_lines(found.version, found),
        },
    )


@form_methods
@for_catalogue_staff
@answering("catalogue:delivery")
def policy(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The delivery's own policy values, before it opens."""
    found = administered(request, pk)
    form = PolicyForm(request.POST if request.method == "POST" else None, delivery=found)
    if form.is_valid():
        try:
            set_policy(found, overrides=form.overrides(), actor=person(request))
        except PolicyRefused as refused:
            for key, problem in refused.problems.items():
                form.add_error(key.replace(".", "__"), problem)
        else:
            messages.success(request, "The policy of this delivery is saved.")
            return redirect("catalogue:delivery", found.pk)
    context = {
        "form": form,
        "delivery": found,
        "policy": selectors.policy_lines(found.version, found),
    }
    return render(request, "catalogue/policy.html", context, status=422 if form.errors else 200)


@form_methods
@for_catalogue_staff
@answering("catalogue:delivery")
def escalations(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who else hears when something is overdue."""
    found = administered(request, pk)
    form = EscalationForm(request.POST if request.method == "POST" else None, delivery=found)
    if form.is_valid():
        set_escalations(found, chosen=form.chosen(), actor=person(request))
        messages.success(request, "Who hears of overdue work is saved.")
        return redirect("catalogue:delivery", found.pk)
    context = {"form": form, "delivery": found}
    return render(
        request, "catalogue/escalations.html", context, status=422 if form.errors else 200
    )


@form_methods
@for_catalogue_staff
@answering("catalogue:delivery")
def schedule(request: HttpRequest, pk: UUID, task: UUID) -> HttpResponse:
    """When a task opens, is due and closes."""
    found = administered(request, pk)
    chosen = get_object_or_404(found.version.tasks, pk=task)
    dates = found.schedules.filter(task=chosen).select_related("delivery").first()
    form = ScheduleForm(
        request.POST if request.method == "POST" else None,
        delivery=found,
        initial=ScheduleForm.initial_of(dates),
    )
    if form.is_valid():
        cleaned = form.cleaned_data
        moment = {name: cleaned[name] for name in ("opens_at", "due_at", "cut_off_at")}
        effects = preview_schedule(schedule=dates, **moment) if dates and found.opened_at else []
        if effects and "confirm" not in request.POST:
            shown = {"form": form, "delivery": found, "task": chosen, "dates": dates, **moment}
            return render(
                request,
                "catalogue/schedule_preview.html",
                {**shown, "effects": effects, "posted": kept_fields(request)},
            )
        try:
            set_schedule(
                found,
                chosen,
                **moment,
                reason=cleaned["reason"],
                actor=person(request),
            )
        except ScheduleRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"The dates of {chosen} are saved.")
            return redirect("catalogue:delivery", found.pk)
    context = {"form": form, "delivery": found, "task": chosen, "dates": dates}
    return render(request, "catalogue/schedule.html", context, status=422 if form.errors else 200)


def kept_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """What was typed, to be sent again with the confirmation."""
    return [
        (name, str(value))
        for name, value in request.POST.items()
        if name not in {"csrfmiddlewaretoken", "confirm"}
    ]


def _sentences(delivery: Delivery) -> list[str]:
    """What is missing before it can open. Sentences: a template would call the guards."""
    return [str(guard.message) for guard in missing_to_open(delivery)]
