"""Hidden agreed work: what a lead moderator turns on and reads. Assessors and administrators have no such pages."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.views import person
from assessment.actions.seeding import begin_seeds, end_seeds, tell_assessors
from assessment.exceptions import SeedsRefused
from assessment.models import SeedPlan
from catalogue.enums import DeliveryRoleKind
from catalogue.models import AssessmentTask, Delivery
from moderation.forms.seeds import SeedPlanForm
from moderation.selectors.agreement import led_by
from moderation.selectors.seeds import seed_standing, seeded_tasks
from moderation.views.shared import answered, for_moderators


@require_safe
@for_moderators
def seeds(request: HttpRequest) -> HttpResponse:
    """The tasks in which the person may hide agreed work, those in which it is first."""
    if not led_by(person(request)):
        raise PermissionDenied("These pages are for lead moderators.")
    return render(request, "moderation/seeds.html", {"tasks": seeded_tasks(person(request))})


def led_task(request: HttpRequest, delivery: UUID, task: UUID) -> tuple[Delivery, AssessmentTask]:
    """A task of a delivery that the person leads; 404 for everybody else, whatever else they may see of it."""
    led = Delivery.objects.with_role(person(request), DeliveryRoleKind.LEAD_MODERATOR)
    found: Delivery = get_object_or_404(
        led.select_related("version__micro_credential"), pk=delivery
    )
    of = AssessmentTask.objects.filter(version=found.version_id).select_related("rubric")
    return found, get_object_or_404(of, pk=task)


@require_http_methods(["GET", "HEAD", "POST"])
@for_moderators
def seeds_of(request: HttpRequest, delivery: UUID, task: UUID) -> HttpResponse:
    """How agreed work that was hidden was marked; begin to hide some."""
    led, of = led_task(request, delivery, task)
    form = SeedPlanForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            begin_seeds(led, of, actor=person(request), **form.for_action())
        except SeedsRefused as refused:
            for reason in refused.reasons:
                form.add_error(None, reason)
        else:
            messages.success(request, "Agreed work comes among the rest from now on.")
            return redirect("moderation:seeds_of", led.pk, of.pk)
    context = {
        "delivery": led,
        "task": of,
        "standing": seed_standing(led, of, person(request)),
        "form": form,
    }
    return render(request, "moderation/seeds_of.html", context, status=answered(form))


def plan_or_404(request: HttpRequest, pk: UUID) -> SeedPlan:
    found: SeedPlan = get_object_or_404(SeedPlan.objects.visible_to(person(request)), pk=pk)
    return found


@require_POST
@for_moderators
def stop_seeds(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Hide nothing more."""
    plan = end_seeds(plan_or_404(request, pk), actor=person(request))
    messages.success(request, "Nothing more is hidden. What is out stays until it is marked.")
    return redirect("moderation:seeds_of", plan.delivery_id, plan.task_id)


@require_POST
@for_moderators
def tell_of_seeds(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Open to assessors which of their work was agreed work."""
    plan = plan_or_404(request, pk)
    try:
        plan = tell_assessors(plan, actor=person(request))
    except SeedsRefused as refused:
        context = {
            "reasons": refused.reasons,
            "back_url": f"/moderate/seeds/{plan.delivery_id}/{plan.task_id}/",
            "back_text": "Hidden agreed work",
        }
        return render(request, "errors/422.html", context, status=422)
    messages.success(request, "Assessors see their own levels beside the agreed ones now.")
    return redirect("moderation:seeds_of", plan.delivery_id, plan.task_id)
