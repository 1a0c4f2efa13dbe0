"""What a lead moderator does: open, draw, decide, close."""

from collections import Counter
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.views import person
from catalogue.models import AssessmentTask, Delivery
from moderation import actions, guards, rules, selectors
from moderation.enums import RESOLVED, RoundDecision, RoundState, SampleState
from moderation.forms import ReasonForm, RoundDecisionForm
from moderation.models import ModerationRound
from moderation.views.shared import answered, for_moderators, last_proof, round_or_404
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from workflows.actions import open_record
from workflows.exceptions import NotPermitted, StaleState
from workflows.forms import whole_number

REASONS = {
    "small_set": "Small set: all are read",
    "fail": "Not achieved",
    "borderline": "At the pass boundary",
    "probation": "Assessor with few moderated decisions",
    "watch": "Assessor on watch",
    "severity": "Assessor whose severity stands out",
    "early": "Among the first of a new task",
    "rpl": "Recognition of prior learning",
    "conflict": "Conflict declared",
    "resubmission": "Resubmission",
    "hold_cleared": "Was on hold",
    "random": "Drawn at random",
    "extension": "Drawn at random, extension",
}


def for_lead(request: HttpRequest, pk: UUID) -> ModerationRound:
    """A round that the person leads; 403 for other moderators."""
    found = round_or_404(request, pk)
    if not rules.leads(found, person(request)):
        raise NotPermitted(instance=found)
    return found


@require_GET
@for_moderators
def rounds(request: HttpRequest) -> HttpResponse:
    """Rounds that the person may see, and sets that wait for one."""
    me = person(request)
    found = (
        ModerationRound.objects.visible_to(me)
        .select_related("delivery", "task")
        .order_by("-opened_at")[:100]
    )
    context = {"rounds": found, "waiting": selectors.waiting_tasks(me)}
    return render(request, "moderation/rounds.html", context)


@require_http_methods(["GET", "POST"])
@for_moderators
def open_set(request: HttpRequest, delivery: UUID, task: UUID) -> HttpResponse:
    """Preview of the set: what would be frozen, what cannot, and what is still being marked."""
    me = person(request)
    led: Delivery = get_object_or_404(Delivery.objects.visible_to(me), pk=delivery)
    of: AssessmentTask = get_object_or_404(led.version.tasks, pk=task)
    if not rules.leads_delivery(led, me):
        raise NotPermitted(instance=led)
    if request.method == "POST":
        opened = actions.open_round(led, of, actor=me)
        return redirect("moderation:plan", pk=opened.pk)
    open_record(led, actor=me, purpose="Preview of a set")
    everything = Submission.objects.filter(delivery=led, task=of)
    states = Counter(everything.values_list("state", flat=True))
    policy = selectors.policy_of(led)
    population = selectors.candidates(led, of, policy)
    held = everything.filter(
        state=SubmissionState.ASSESSED, holds__in=_open_holds(everything)
    ).distinct()
    context = {
        "delivery": led,
        "task": of,
        "population": population,
        "reasons": counted(population),
        "assessors": by_assessor(population),
        "marking": sum(
            states[one]
            for one in (
                SubmissionState.SUBMITTED,
                SubmissionState.IN_ASSESSMENT,
                SubmissionState.IN_ADJUDICATION,
            )
        ),
        "held": held,
        "has_round": ModerationRound.objects.filter(delivery=led, task=of).open().exists(),
        "policy": policy,
    }
    return render(request, "moderation/open.html", context)


def _open_holds(submissions: Any) -> Any:
    return submissions.model.holds.rel.related_model.objects.open()


def by_assessor(population: Any) -> list[tuple[str, int]]:
    """How many decisions of the set each assessor made, by name, most first. One query."""
    counts = Counter(one.decision.author_id for one in population)
    people = User.objects.filter(pk__in=counts).order_by("name")
    return sorted(((one.name, counts[one.pk]) for one in people), key=lambda pair: -pair[1])


def counted(population: Any) -> list[tuple[str, int]]:
    """How many are read in full, by reason."""
    counts = Counter(reason for one in population for reason in one.row.reasons)
    return [(REASONS[name], counts[name]) for name in REASONS if counts[name]]


def words(reasons: Any) -> str:
    """All reasons as one sentence without its full stop."""
    first, *others = [REASONS.get(one, one) for one in reasons] or [""]
    return "; ".join([first, *(one[:1].lower() + one[1:] for one in others)])


@require_GET
@for_moderators
def round_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Progress, disagreements and what is owed for the lead; progress and own items for moderators."""
    found = round_or_404(request, pk)
    me = person(request)
    is_lead = rules.leads(found, me)
    items = list(
        found.items.live()
        .select_related("submission", "moderator", "decision__author")
        .order_by("draw", "part", "pk")
    )
    items.sort(key=lambda one: selectors.FIRST.index(SampleState(one.state)))
    states = Counter(one.state for one in items)
    context: dict[str, Any] = {
        "round": found,
        "is_lead": is_lead,
        "total": len(items),
        "progress": [(label, states[value]) for value, label in SampleState.choices],
        "may_approve": found.state == RoundState.DECIDED
        and found.decision == RoundDecision.ADJUST_SET
        and found.approved_by_id is None
        and rules.may_approve_adjustment(found, me),
    }
    if is_lead:
        open_record(found, actor=me, purpose="Round with reasons and disagreements")
        closed = found.state == RoundState.CLOSED
        known = found.statistics if closed else selectors.statistics_of(found)
        proven = found.assurance if closed else selectors.assurance_of(found).as_json()
        context |= {
            "items": [(one, words(one.reasons)) for one in items],
            "disagreements": selectors.disagreements_of(found),
            "shares": selectors.shares_of(items),
            "reading": sum(states[one] for one in (SampleState.DRAWN, SampleState.SCORED)),
            "done": sum(states[one] for one in RESOLVED),
            "escalated": [one for one in items if one.state == SampleState.ESCALATED],
            "elsewhere": selectors.waiting_elsewhere(found),
            "level_words": selectors.level_words(found.task),
            "came_back": found.members.filter(submission__state=SubmissionState.ASSESSED).exists(),
            "assurance": proven,
            "stepwise": selectors.stepwise_of(found, proven),
            "agreement": table_of(known),
            "reassessing": found.decision == RoundDecision.REASSESS_SET,
            "may_decide": rules.decides_set(found, me),
            "plans": found.plans.order_by("number"),
            "actions": found.actions.select_related("owner"),
        }
    else:
        context["items"] = [(one, "") for one in items if one.moderator_id == me.pk]
        context["mine"] = selectors.shares_of(one for one, _why in context["items"])
    return render(request, "moderation/round.html", context)


def table_of(known: dict[str, Any]) -> dict[str, Any]:
    """Agreement as rows for a table, people by name."""
    names = {
        str(one.pk): one.name for one in User.objects.filter(pk__in=known.get("by_assessor", {}))
    }
    return {
        "all": known.get("all"),
        "min_items": known.get("min_items"),
        "by_criterion": list(known.get("by_criterion", {}).items()),
        "by_assessor": [
            (names.get(key, "Somebody"), one) for key, one in known.get("by_assessor", {}).items()
        ],
    }


@require_POST
@for_moderators
def extend(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Draw what is owed."""
    found = for_lead(request, pk)
    actions.extend_sample(found, actor=person(request))
    return redirect("moderation:round", pk=found.pk)


@require_POST
@for_moderators
def bring_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take work back that was on hold when it came."""
    found = for_lead(request, pk)
    actions.bring_back(found, actor=person(request))
    return redirect("moderation:round", pk=found.pk)


@require_POST
@for_moderators
def draw_again(request: HttpRequest, pk: UUID) -> HttpResponse:
    """After a reassessment: freeze the new decisions and draw."""
    found = for_lead(request, pk)
    actions.draw_again(found, actor=person(request))
    return redirect("moderation:round", pk=found.pk)


@require_http_methods(["GET", "POST"])
@for_moderators
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One question, then who is affected and what changes, then confirm."""
    found = for_lead(request, pk)
    form = RoundDecisionForm(found, request.POST or None)
    preview: dict[str, Any] | None = None
    if "change" in request.POST:
        form = RoundDecisionForm(found, initial=form.as_entered())
    elif request.method == "POST" and form.is_valid():
        if "confirm" in request.POST:
            actions.decide_round(found, actor=person(request), **form.for_action())
            return redirect("moderation:round", pk=found.pk)
        preview = preview_of(found, form.for_action())
    open_record(found, actor=person(request), purpose="Preview of a decision on the set")
    proven = selectors.assurance_of(found).as_json()
    context = {
        "round": found,
        "form": form,
        "preview": preview,
        "assurance": proven,
        "stepwise": selectors.stepwise_of(found, proven),
        "agreement": table_of(selectors.statistics_of(found)),
        "blocking": selectors.unresolved_reasons(found),
        "level_words": selectors.level_words(found.task),
    }
    return render(request, "moderation/decide.html", context, status=answered(form))


def preview_of(moderation_round: ModerationRound, chosen: dict[str, Any]) -> dict[str, Any]:
    """Who a decision affects, what changes and who is told."""
    decision = chosen["decision"]
    shown: dict[str, Any] = {
        "label": RoundDecision(decision).label,
        "settled": selectors.settled_on_closing(moderation_round),
    }
    if decision == RoundDecision.ADJUST_SET:
        shown["adjusted"] = selectors.adjusted_set(moderation_round, chosen["rule"])
        shown["told"] = "Other moderators of the delivery are asked to approve it."
    elif decision == RoundDecision.REASSESS_SET:
        count = moderation_round.members.filter(assessor=chosen["assessor"]).count()
        shown["effect"] = (
            f"{count} decisions of {chosen['assessor'].name} go to {chosen['replacement'].name}. "
            "What was read of them is set aside, and a new sample is drawn afterwards."
        )
        shown["told"] = f"{chosen['replacement'].name} is told."
    elif decision == RoundDecision.EXTEND_SAMPLE:
        shown["effect"] = (
            f"Up to {chosen['count']} more items of {chosen['assessor'].name} are drawn now. "
            "The decision waits."
        )
        shown["told"] = "The moderators who get an item are told."
    else:
        shown["effect"] = "No result changes. The round can be closed."
        shown["told"] = "Nobody is told before the round is closed."
    return shown


@require_http_methods(["GET", "POST"])
@for_moderators
def take_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the decision back and go on reading."""
    found = for_lead(request, pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actions.take_back_decision(found, actor=person(request), reason=form.cleaned_data["reason"])
        return redirect("moderation:round", pk=found.pk)
    context = {"round": found, "form": form}
    return render(request, "moderation/take_back.html", context, status=answered(form))


@require_http_methods(["GET", "POST"])
@for_moderators
def approve(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The second person looks at every change, confirms who they are, and stands for the rule."""
    found = round_or_404(request, pk)
    if not rules.may_approve_adjustment(found, person(request)):
        raise NotPermitted(instance=found)
    if found.decision != RoundDecision.ADJUST_SET or found.approved_by_id is not None:
        raise StaleState(instance=found)
    if request.method == "POST":
        actions.approve_adjustment(
            found,
            actor=person(request),
            proved_at=last_proof(request),
            seen_seq=seen(request),
        )
        return redirect("moderation:round", pk=found.pk)
    open_record(found, actor=person(request), purpose="Preview of an adjustment")
    here = reverse("moderation:approve", args=[found.pk])
    context = {
        "round": found,
        "adjusted": selectors.adjusted_set(found, found.adjustment),
        "proved": guards.is_recent(last_proof(request), found.delivery),
        "proof_url": f"{reverse('account_reauthenticate')}?{urlencode({'next': here})}",
    }
    return render(request, "moderation/approve.html", context)


def seen(request: HttpRequest) -> int | None:
    """The state that the page showed: a rule that changed meanwhile is not approved unseen."""
    return whole_number(request.POST.get("seq", ""))


@require_http_methods(["GET", "POST"])
@for_moderators
def close(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What closing does, for whom, and what stands in the way; then do it."""
    found = for_lead(request, pk)
    if request.method == "POST":
        actions.close_round(found, actor=person(request))
        return redirect("moderation:closed", pk=found.pk)
    if found.state != RoundState.DECIDED:
        raise StaleState(instance=found)
    open_record(found, actor=person(request), purpose="Preview of closing")
    adjusted = (
        selectors.adjusted_set(found, found.adjustment)
        if found.decision == RoundDecision.ADJUST_SET
        else []
    )
    context = {
        "round": found,
        "blocking": selectors.unresolved_reasons(found),
        "unmet": [one.message for one in guards.TO_CLOSE if not one(found)],
        "settled": selectors.settled_on_closing(found),
        "adjusted": adjusted,
        "assurance": selectors.assurance_of(found).as_json(),
        "members": found.members.count(),
        "level_words": selectors.level_words(found.task),
    }
    return render(request, "moderation/close.html", context)


@require_GET
@for_moderators
def closed(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The page on which closing ends."""
    found = for_lead(request, pk)
    if found.state != RoundState.CLOSED:
        return redirect("moderation:round", pk=found.pk)
    return render(request, "moderation/closed.html", {"round": found})
