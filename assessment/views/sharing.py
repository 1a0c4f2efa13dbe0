"""Plans of who gets what: previewed with a reason for each line, then carried out; and what plans go by."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.views import person
from assessment import rules
from assessment.actions.sharing import (
    allocate_as_planned,
    enter_leave,
    pin_learner,
    set_capacity,
    set_groups,
    set_marking_time,
    take_back_leave,
    unpin,
)
from assessment.enums import Way
from assessment.forms.sharing import (
    AllocationFileForm,
    CapacityForm,
    GroupsForm,
    LeaveForm,
    PinForm,
    TimeForm,
)
from assessment.models import LearnerGroup, Leave, Pin
from assessment.selectors import people_of
from assessment.selectors.conflicts import learners_of
from assessment.selectors.queue import name_of
from assessment.selectors.sharing import Share, as_listed, plan_of, staff_of
from assessment.views.shared import led_delivery
from catalogue.enums import DeliveryRoleKind
from workflows.exceptions import StaleState
from workflows.forms import key_of
from workflows.views import step_view

PLANNED = [one for one in Way if one != Way.FILE]


@require_safe
@login_required
def shares(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Who would get what, before anything is written."""
    found = led_delivery(request, delivery)
    way = request.GET.get("way", "")
    way = way if way in PLANNED else Way.EQUAL
    blind = rules.marks_blind(found, person(request))
    return preview(request, found, Way(way), plan_of(found, way, blind=blind))


def preview(
    request: HttpRequest, found: Any, way: Way, plan: list[Share], *, problems: Any = ()
) -> HttpResponse:
    """The plan with its reasons, and a button that does exactly this."""
    given = [one for one in plan if one.assessor]
    context = {
        "delivery": found,
        "way": way,
        "ways": PLANNED,
        "lines": [{"share": one, "who": name_of(one.submission)} for one in plan],
        "count": len(given),
        "left": len(plan) - len(given),
        "problems": problems,
        "plan": "\n".join(
            f"{one.submission.pk}:{one.assessor.pk}:{one.held.pk if one.held else ''}"
            for one in given
            if one.assessor
        ),
    }
    return render(request, "assessment/shares.html", context, status=422 if problems else 200)


@step_view()
def share_out(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Do what was previewed, or nothing where something has changed since."""
    found = led_delivery(request, delivery)
    pairs, moved = [], []
    for line in request.POST.get("plan", "").split():
        keys = [key_of(one) for one in line.split(":")]
        if len(keys) != 3 or keys[0] is None or keys[1] is None:
            raise StaleState(instance=found)
        pairs.append((keys[0], keys[1]))
        if keys[2] is not None:
            moved.append(keys[2])
    count = allocate_as_planned(found, actor=person(request), previewed=pairs, moved=moved)
    messages.success(request, f"{count} allocated. Each assessor is told.")
    return redirect("assessment:allocate", delivery=delivery)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def listed(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Who gets what, from a file: rows that fit are previewed beside what is wrong with the others."""
    found = led_delivery(request, delivery)
    form = AllocationFileForm(
        request.POST if request.method == "POST" else None, request.FILES or None
    )
    if form.is_valid():
        blind = rules.marks_blind(found, person(request))
        plan, problems = as_listed(found, form.cleaned_data["rows"], blind=blind)
        return preview(request, found, Way.FILE, plan, problems=problems)
    context = {"delivery": found, "form": form}
    return render(
        request, "assessment/allocate_file.html", context, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def workload(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """How much each assessor has and takes, how long work takes, who is away, and whose work is pinned to whom."""
    found = led_delivery(request, delivery)
    people = people_of(found, DeliveryRoleKind.ASSESSOR)
    what = request.POST.get("what", "")
    sent = {
        name: request.POST if what == name else None for name in ("takes", "time", "leave", "pin")
    }
    takes = CapacityForm(sent["takes"], people=people, prefix="takes")
    tasks = list(found.version.tasks.order_by("number"))
    time = TimeForm(sent["time"], tasks=tasks, prefix="time")
    leave = LeaveForm(sent["leave"], people=people, prefix="leave")
    pin = PinForm(sent["pin"], people=people, learners=learners_of(found), prefix="pin")
    forms = {"takes": takes, "time": time, "leave": leave, "pin": pin}
    sent_form = forms.get(what)
    if sent_form is not None and sent_form.is_valid():
        me, given = person(request), sent_form.cleaned_data
        if what == "takes":
            set_capacity(
                found, takes.chosen, actor=me, shares=given["shares"], hours=given["hours"]
            )
        elif what == "time":
            set_marking_time(found, time.chosen, actor=me, minutes=given["minutes"])
        elif what == "leave":
            days = {"first_day": given["first_day"], "last_day": given["last_day"]}
            enter_leave(found, leave.chosen, actor=me, **days)
        else:
            pin_learner(found, pin.chosen_learner, pin.chosen, actor=me)
        messages.success(request, "Saved. Work that is allocated already stays where it is.")
        return redirect("assessment:workload", delivery=delivery)
    staff = staff_of(found, [])
    anonymous = found.hides_any_learner()
    context = {
        "delivery": found,
        "rows": [
            {
                "person": one,
                "load": staff.loads[one.pk],
                "hours": staff.hours_of(one.pk),
                "shares": staff.shares.get(one.pk, 1),
                "most": staff.hours.get(one.pk),
                "away": staff.away.get(one.pk),
            }
            for one in people
        ],
        "leaves": Leave.objects.filter(person__in=people, ended_at__isnull=True).select_related(
            "person"
        ),
        "pins": []
        if anonymous
        else Pin.objects.filter(delivery=found, ended_at__isnull=True).select_related(
            "learner", "assessor"
        ),
        "is_anonymous": anonymous,
        "times": [(one, staff.times.of(found.pk, one.pk)) for one in tasks],
        **forms,
        "form": sent_form,
    }
    bad = sent_form is not None and bool(sent_form.errors)
    return render(request, "assessment/workload.html", context, status=422 if bad else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def groups(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Groups of the delivery's own choosing: whose work one person can mark as a whole."""
    found = led_delivery(request, delivery)
    form = GroupsForm(
        request.POST if request.method == "POST" else None,
        request.FILES or None,
        learners=learners_of(found),
    )
    if form.is_valid():
        number = set_groups(found, actor=person(request), groups=form.cleaned_data["groups"])
        messages.success(request, f"Saved for {number} {'learner' if number == 1 else 'learners'}.")
        return redirect("assessment:groups", delivery=delivery)
    rows = LearnerGroup.objects.filter(delivery=found).select_related("learner")
    context = {
        "delivery": found,
        "form": form,
        "members": rows.order_by("name", "learner__search_key"),
    }
    return render(request, "assessment/groups.html", context, status=422 if form.errors else 200)


@step_view()
def back_early(request: HttpRequest, delivery: UUID, pk: UUID) -> HttpResponse:
    """Take leave back."""
    found = led_delivery(request, delivery)
    people = people_of(found, DeliveryRoleKind.ASSESSOR)
    leave = get_object_or_404(Leave.objects.filter(person__in=people, ended_at__isnull=True), pk=pk)
    take_back_leave(found, leave, actor=person(request))
    messages.success(request, f"{leave.person.name} is there.")
    return redirect("assessment:workload", delivery=delivery)


@step_view()
def release_pin(request: HttpRequest, delivery: UUID, pk: UUID) -> HttpResponse:
    """End a pin."""
    found = led_delivery(request, delivery)
    live = Pin.objects.filter(delivery=found, ended_at__isnull=True).select_related("delivery")
    unpin(get_object_or_404(live, pk=pk), actor=person(request))
    messages.success(request, "The pin is gone. Work that is allocated already stays where it is.")
    return redirect("assessment:workload", delivery=delivery)
