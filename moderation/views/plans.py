"""The sample plan: what would be picked and why, what it can detect, other rules, and other plans replayed."""

from collections import Counter
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.views import person
from accounts.wording import percent
from moderation import actions, assurance, charts, findings, replay, selectors, verification
from moderation.enums import RoundState
from moderation.exceptions import PlanUnchanged
from moderation.forms import PlanChangeForm, ReplayForm
from moderation.forms.plans import TARGETS
from moderation.models import ModerationRound, PlanVersion
from moderation.views.lead import REASONS, for_lead, words
from moderation.views.records import attached
from moderation.views.shared import answered, for_moderators
from workflows.actions import open_record
from workflows.exceptions import StaleState
from workflows.forms import whole_number


@require_http_methods(["GET", "POST"])
@for_moderators
def plan(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who would be picked and why, targeted and random apart, and what the random part can detect."""
    found = for_lead(request, pk)
    if found.state != RoundState.FROZEN:
        return redirect("moderation:round", pk=found.pk)
    version = selectors.current_plan(found)
    if request.method == "POST":
        if request.POST.get("plan", str(version.number)) != str(version.number):
            raise StaleState(instance=found)
        actions.draw_sample(found, actor=person(request))
        return redirect("moderation:round", pk=found.pk)
    open_record(found, actor=person(request), purpose="Sample plan with reasons")
    drawn = selectors.draw_of(version)
    work = {
        one.code: one for one in found.members.select_related("submission__enrolment", "assessor")
    }
    eligible = selectors.eligible_moderators(
        found.delivery, [work[one.key].submission for one in drawn.picks]
    )
    frame = len(drawn.frame)
    tried = workload(request.GET.get("read", ""), len(drawn.random), frame)
    context = {
        "round": found,
        "plan": version,
        "plans": found.plans.select_related("made_by").order_by("number"),
        "rules": rules_in_words(version.policy, Counter(r for p in drawn.picks for r in p.reasons)),
        "size_words": size_in_words(version.policy),
        "targeted": [(work[one.key], words(one.reasons)) for one in drawn.targeted],
        "random": [(work[one.key], percent(float(one.probability))) for one in drawn.random],
        "drawn_from": frame,
        "hours": hours(len(drawn.picks), version.policy),
        "tried": tried,
        "tried_hours": hours(len(drawn.targeted) + tried, version.policy),
        "charts": charts_of(version.policy, frame, tried),
        "if_nothing": assurance.assurance(
            frame, tried, 0, version.policy["assurance.alpha"]
        ).sentence,
        "boundaries": verification.sequential_of(version.policy).shown(frame)
        if version.policy["sample.sequential"]
        else [],
        "nobody": [
            work[one.key].submission
            for one in drawn.picks
            if not eligible[work[one.key].submission_id]
        ],
    }
    return render(request, "moderation/plan.html", context)


def workload(asked: str, drawn: int, frame: int) -> int:
    """How many random items the page is asked about; what the plan draws where nothing sensible is."""
    return min(int(asked), frame) if asked.isdecimal() and int(asked[:9]) > 0 else drawn


def hours(items: int, policy: dict[str, Any]) -> float:
    return round(items * int(policy["moderation.minutes_per_item"]) / 60, 1)


def rules_in_words(policy: dict[str, Any], picked: Counter[str]) -> list[dict[str, Any]]:
    """Each rule with its switch and how many it picks. One piece may be picked by several."""
    on = policy["sample.targeted"]
    return [
        {"label": REASONS[key], "on": key in on, "count": picked[key]}
        for key, _label, _hint in TARGETS
    ]


def size_in_words(policy: dict[str, Any]) -> str:
    """How large the random part is, in a sentence."""
    if policy["sample.custom_size"]:
        return f"{policy['sample.custom_size']}, a number chosen for this round."
    if policy["sample.sequential"]:
        return "Enough to accept the set if nothing is found; more is read while it is in doubt."
    if policy["sample.by_assurance"]:
        return (
            f"So many that finding nothing rules out {percent(policy['assurance.p_star'])} wrong decisions "
            f"with {percent(1 - policy['assurance.alpha'])} confidence."
        )
    return (
        f"The most of {policy['sample.min_per_assessor']} for each assessor, {policy['sample.min']}, "
        f"{percent(policy['sample.share'])} of the frame and its square root."
    )


def charts_of(policy: dict[str, Any], frame: int, read: int) -> list[charts.Chart]:
    """What this plan can find out; nothing where there is no random part."""
    if not frame:
        return []
    made = [findings.detection(frame, read, policy["assurance.p_star"])]
    if policy["sample.sequential"]:
        made.append(findings.step_by_step(verification.sequential_of(policy), frame))
    return made


@require_GET
@for_moderators
def plan_table(request: HttpRequest, pk: UUID, chart: str) -> HttpResponse:
    """The table of one chart of the plan as a file: the same rows as on the page."""
    found = for_lead(request, pk)
    drawn = selectors.draw_of(selectors.current_plan(found))
    frame = len(drawn.frame)
    read = workload(request.GET.get("read", ""), len(drawn.random), frame)
    made = {one.key: one for one in charts_of(found.policy, frame, read)}
    if chart not in made:
        raise Http404
    response = HttpResponse(made[chart].csv, content_type="text/csv; charset=utf-8")
    return attached(response, found, f"-{chart}.csv")


@require_http_methods(["GET", "POST"])
@for_moderators
def change_plan(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Other rules for the same set: preview, then a new version of the plan with its reason."""
    found = for_lead(request, pk)
    if found.state != RoundState.FROZEN:
        raise StaleState(instance=found)
    version = selectors.current_plan(found)
    form = PlanChangeForm(version.policy, request.POST or None)
    preview = None
    if request.method == "POST" and form.is_valid():
        policy = form.as_policy()
        if "confirm" in request.POST:
            try:
                actions.change_plan(
                    found,
                    policy,
                    actor=person(request),
                    reason=form.cleaned_data["reason"],
                    seen_plan=whole_number(request.POST.get("plan", "")) or None,
                )
            except PlanUnchanged:
                form.add_error(None, "These are the rules of the plan as it is. Change one first.")
            else:
                return redirect("moderation:plan", pk=found.pk)
        else:
            open_record(found, actor=person(request), purpose="Preview of another sample plan")
            preview = compared(found, version, policy)
    context = {"round": found, "plan": version, "form": form, "preview": preview}
    return render(request, "moderation/change_plan.html", context, status=answered(form))


def compared(
    found: ModerationRound, version: PlanVersion, policy: dict[str, Any]
) -> list[tuple[str, str, str]]:
    """The plan as it is beside another one: workload, hours and what would be known."""
    known = [one.item for one in selectors.disagreements_of(found)]
    codes = dict(found.members.values_list("submission_id", "code"))
    wrong = {codes[one.submission_id] for one in known}
    text = selectors.population_under(found, version, policy)
    before = replay.replay(version.population, version.policy, version.seed, wrong)
    after = replay.replay(text, policy, version.seed, wrong)
    rows = [
        ("Targeted", str(before.targeted), str(after.targeted)),
        ("Random", f"{before.random} of {before.frame}", f"{after.random} of {after.frame}"),
        ("To read in all", str(before.read), str(after.read)),
        ("Hours", f"{before.hours:.1f}", f"{after.hours:.1f}"),
        ("If nothing is found", clean_words(before, policy), clean_words(after, policy)),
    ]
    if wrong:
        rows += [
            (
                "Disagreements met on average",
                f"{before.expected:.1f} of {before.known}",
                f"{after.expected:.1f} of {after.known}",
            ),
            ("Chance to meet at least one", percent(before.any_met), percent(after.any_met)),
        ]
    return rows


def clean_words(one: replay.Replay, policy: dict[str, Any]) -> str:
    """The bound that a clean random part would give."""
    if not one.frame:
        return "No random part"
    most = assurance.upper_bound(one.frame, one.random, 0, policy["assurance.alpha"])
    return f"At most {most} of {one.frame} wrong"


@require_GET
@for_moderators
def simulate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put a set that was read through another plan: what it would have cost, and what it would have met."""
    found = for_lead(request, pk)
    if found.state in (RoundState.DRAFT, RoundState.FROZEN):
        raise StaleState(instance=found)
    version = selectors.plan_numbered(found, found.draws[0]["plan"])
    form = ReplayForm(version.policy, request.GET if "size" in request.GET else None)
    rows = None
    if form.is_bound and form.is_valid():
        open_record(found, actor=person(request), purpose="Replay through another plan")
        rows = compared(found, version, form.as_policy())
    context = {"round": found, "form": form, "rows": rows}
    return render(request, "moderation/simulate.html", context)
