"""Micro-credentials, one version, and its pre-assessment moderation."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.querysets import search_key
from accounts.views import person
from catalogue import rules, selectors
from catalogue.actions import (
    approve_version,
    approve_version_with_changes,
    confirm_minor_changes,
    publish_version,
    reject_version,
    retire_version,
    send_version_back,
    send_version_to_pre_moderation,
)
from catalogue.forms import FindForm, PreModerationForm
from catalogue.models import MicroCredentialVersion
from catalogue.views.answers import allow_staff, answering, for_catalogue_staff
from workflows.exceptions import StaleState
from workflows.forms import whole_number

STEPS = {
    "send_to_pre_moderation": (
        send_version_to_pre_moderation,
        "It is with the pre-assessment moderators. Its content is frozen.",
    ),
    "confirm_changes": (
        confirm_minor_changes,
        "You confirmed that the changes are done. A programme administrator can publish it now.",
    ),
    "publish": (publish_version, "It is published. Deliveries can open on it."),
    "retire": (retire_version, "It is retired. No new delivery opens on it."),
}

DECISIONS: dict[str, tuple[Callable[..., MicroCredentialVersion], str]] = {
    PreModerationForm.APPROVE: (approve_version, "You approved this version."),
    PreModerationForm.MINOR: (
        approve_version_with_changes,
        "You approved this version with minor changes. It is published once it is confirmed that they are done.",
    ),
    PreModerationForm.BACK: (send_version_back, "The author was asked for changes."),
    PreModerationForm.REJECT: (reject_version, "You rejected this version. It has ended."),
}


@require_safe
@for_catalogue_staff
def micro_credentials(request: HttpRequest) -> HttpResponse:
    """Every version that the person may see, by credential."""
    form = FindForm(request.GET or None)
    wanted = form.key()
    versions = selectors.versions_for(person(request))
    # Few rows, and titles are folded in Python as people's names are: macrons do not matter.
    found = [
        version
        for version in versions
        if wanted in search_key(f"{version.title} {version.micro_credential.code}")
    ]
    page = Paginator(found, 25).get_page(request.GET.get("page"))
    return render(request, "catalogue/micro_credentials.html", {"page": page, "form": form})


@require_safe
@for_catalogue_staff
def version(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One version as it was written, with its way so far and the steps that the person may take."""
    found = visible_version(request, pk)
    user = person(request)
    return render(
        request,
        "catalogue/version.html",
        {
            "version": found,
            "tasks": selectors.tasks_with_rubric(found),
            "outcomes": list(found.outcomes.all()),
            "grades": list(found.grade_scheme.grades.order_by("-rank")),
            "policy": selectors.policy_lines(found),
            "stacks_into": list(found.stacks_into.order_by("target_title")),
            "decisions": selectors.decisions_on(found),
            "moved": selectors.moved_since_approval(found),
            "minor_changes": found.changes_asked,
            "examined": selectors.examined(found),
            "history": selectors.history_of(found),
            "steps": [step for step in selectors.steps_on(found, user) if step.name in STEPS],
            "may_pre_moderate": rules.is_pre_moderator(found, user),
            "may_write": rules.writes_for(found.micro_credential, user),
            "may_deliver": found.state == "published" and rules.administers_version(found, user),
        },
    )


@require_POST
@for_catalogue_staff
@answering("catalogue:version")
def step(request: HttpRequest, pk: UUID, name: str) -> HttpResponse:
    """Send to pre-moderation, publish or retire."""
    found = visible_version(request, pk)
    if name not in STEPS:
        raise Http404
    act, said = STEPS[name]
    act(found, actor=person(request), seen_seq=whole_number(request.POST.get("seq", "")))
    messages.success(request, said)
    return redirect("catalogue:version", found.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@for_catalogue_staff
@answering("catalogue:version")
def pre_moderation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read the version and what the system found, answer the checklist, and decide."""
    found = visible_version(request, pk)
    if not rules.is_pre_moderator(found, person(request)):
        raise PermissionDenied("Only a pre-assessment moderator who did not write this decides.")
    if found.state != "in_pre_moderation":
        raise StaleState(instance=found)
    examined = selectors.examined(found)
    form = PreModerationForm(
        request.POST if request.method == "POST" else None,
        version=found,
        examined=examined.facts,
    )
    if form.is_valid():
        act, said = DECISIONS[form.cleaned_data["decision"]]
        act(
            found,
            actor=person(request),
            note=form.cleaned_data["note"],
            checklist=form.checklist(),
            seen_seq=whole_number(request.POST.get("seq", "")),
            **form.asked(),
        )
        messages.success(request, said)
        return redirect("catalogue:version", found.pk)
    context = {
        "version": found,
        "form": form,
        "examined": examined,
        "outcomes": list(found.outcomes.all()),
        "tasks": selectors.tasks_with_rubric(found),
    }
    return render(
        request, "catalogue/pre_moderation.html", context, status=422 if form.errors else 200
    )


def visible_version(request: HttpRequest, pk: UUID) -> MicroCredentialVersion:
    """A version that the person may see; 404 otherwise, and 403 for whoever has no part in the catalogue."""
    visible = MicroCredentialVersion.objects.visible_to(person(request)).select_related(
        "micro_credential__provider", "micro_credential__client", "author", "pre_moderator",
        "grade_scheme",
    )  # fmt: skip
    found: MicroCredentialVersion = get_object_or_404(visible, pk=pk)
    allow_staff(request)
    return found
