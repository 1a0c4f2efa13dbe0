"""What a moderator does: home, read blind, compare and decide."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.views import person
from assessment.selectors import manifest_of
from assessment.selectors.comments import comments_of
from assessment.selectors.early import waiting_checks
from catalogue.models import Criterion
from moderation import actions, guards, rules, selectors
from moderation.enums import RoundState, SampleState
from moderation.exceptions import IncompleteReading, ReasonNeeded
from moderation.forms import BlindForm, ItemDecisionForm, ModeratorForm
from moderation.models import SampleItem
from moderation.views.shared import answered, for_moderators, item_or_404
from workflows.actions import open_record
from workflows.exceptions import NotPermitted, StaleVersion, TransitionRefused
from workflows.words import clock


@require_GET
@for_moderators
def home(request: HttpRequest) -> HttpResponse:
    """The one thing to do next, then what else waits."""
    me = person(request)
    queue = list(selectors.queue_of(me))
    led = list(selectors.rounds_led_by(me)[:6])
    waiting = list(selectors.waiting_tasks(me)[:5])
    card, shown = next_card(queue, led, waiting)
    context = {
        "card": card,
        "items": [one for one in queue if one is not shown][:5],
        "reading": own_rounds(queue),
        "rounds": [one for one in led if one is not shown][:5],
        "waiting": waiting,
        "alike": len(selectors.read_alike(me)),
        "early": waiting_checks(me),
    }
    return render(request, "moderation/home.html", context)


def own_rounds(queue: list[Any]) -> list[tuple[Any, Any]]:
    """Each round in which something waits for the person, with how much."""
    found: dict[Any, list[Any]] = {}
    for item in queue:
        found.setdefault(item.round, []).append(item)
    return [(one, selectors.shares_of(items)[0]) for one, items in found.items()]


def next_card(queue: list[Any], led: list[Any], waiting: list[Any]) -> tuple[dict[str, str], Any]:
    """What came back or is due first, then what only a lead can do: escalated, to draw, to decide, to open."""
    if queue and not queue[0].kept_waiting:
        item = queue[0]
        back = item.state == SampleState.SCORED
        return {
            "title": f"{'Compare' if back else 'Read'} {item.submission.reference}",
            "text": f"{item.round.task.title}, {item.round.delivery.title}",
            "url": address_of(item),
            "action": "Compare and decide"
            if back
            else "Read it blind"
            if item.round.reads_blind
            else "Read it",
        }, item
    ready = {
        RoundState.FROZEN: ("Draw the sample", "plan"),
        RoundState.DECIDED: ("Finish the round", "round"),
    }
    for one in led:
        if one.state in (RoundState.REVIEWING, RoundState.REOPENED) and (
            one.escalated or one.extensions_owed
        ):
            words = "Decide what was escalated" if one.escalated else "Draw the extension"
            return {
                "title": f"{words}: {one.task.title}",
                "text": f"Round {one.number}, {one.delivery.title}",
                "url": reverse("moderation:round", args=[one.pk]),
                "action": "Look at the round",
            }, one
    for one in led:
        if one.state in ready or (
            one.state in (RoundState.REVIEWING, RoundState.REOPENED) and not one.waiting
        ):
            words, page = ready.get(one.state, ("Decide on the set", "round"))
            return {
                "title": f"{words}: {one.task.title}",
                "text": f"Round {one.number}, {one.delivery.title}",
                "url": reverse(f"moderation:{page}", args=[one.pk]),
                "action": words,
            }, one
    if waiting:
        first = waiting[0]
        return {
            "title": f"Open a round: {first['task__title']}",
            "text": f"{first['waiting']} assessed, {first['delivery__title']}",
            "url": reverse("moderation:open", args=[first["delivery_id"], first["task_id"]]),
            "action": "Look at the set",
        }, None
    if queue:
        return {
            "title": "All is read that can be read now",
            "text": "What you have read can be decided once everything that was drawn has been read.",
        }, None
    return {"title": "You are up to date", "text": "Nothing waits for you."}, None


def address_of(item: SampleItem) -> str:
    """Where the item is worked on now."""
    page = "mark" if item.state == SampleState.DRAWN else "compare"
    return reverse(f"moderation:{page}", args=[item.pk])


@require_http_methods(["GET", "POST"])
@for_moderators
def mark(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read blind. Nothing of the assessor's decision, nor why the item was drawn, is in the response.

    Where the plan has work read in sight of the decision, that stands above one's own levels, and opening it
    leaves its trace.
    """
    item = item_or_404(request, pk)
    me = person(request)
    if not rules.moderates(item, me):
        raise NotPermitted(instance=item)
    if item.state != SampleState.DRAWN:
        return redirect("moderation:compare", pk=item.pk)
    reading = item.readings.filter(moderator=me).prefetch_related("judgements__pointers").first()
    criteria = list(
        Criterion.objects.filter(rubric=item.submission.rubric_id)
        .prefetch_related("levels")
        .order_by("number")
    )
    evidence = selectors.evidence_in_place(item.submission)
    numbers = [file["number"] for file in evidence["files"]]
    form = BlindForm(criteria, reading, numbers, request.POST or None)
    missing: list[str] = []
    if request.method == "POST" and form.is_valid():
        seen = form.cleaned_data["version"]
        try:
            if "seal" in request.POST:
                actions.seal_reading(item, form.entered(), actor=me, seen_version=seen)
                return redirect("moderation:compare", pk=item.pk)
            saved = actions.save_reading(item, form.entered(), actor=me, seen_version=seen)
        except IncompleteReading as incomplete:
            missing = [
                "Say whether the evidence is enough to judge by"
                if code == actions.SUFFICIENCY
                else f"{code}: choose a level"
                for code in incomplete.codes
            ]
        except StaleVersion as stale:
            if wants_json(request):
                return JsonResponse({"version": stale.theirs.version, "theirs": {}}, status=409)
            raise
        else:
            if wants_json(request):
                at = clock(timezone.localtime(saved.saved_at))
                return JsonResponse({"version": saved.version, "saved_at": at})
            return redirect("moderation:mark", pk=item.pk)
    decision = actions.open_in_sight(item, actor=me)
    context = {
        "item": item,
        "form": form,
        "missing": missing,
        "decision": decision,
        "judged": decision.judgements.select_related("criterion", "level")
        .prefetch_related("pointers")
        .order_by("criterion__number")
        if decision
        else [],
        "evidence": evidence,
        "reading": reading,
        "independence": actions.INDEPENDENCE,
    }
    return render(
        request, "moderation/mark.html", context, status=422 if missing else answered(form)
    )


def wants_json(request: HttpRequest) -> bool:
    """Autosave asks for JSON; a button gets a page."""
    return "application/json" in request.headers.get("Accept", "")


@require_http_methods(["GET", "POST"])
@for_moderators
def compare(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Both readings side by side, one question, and the effect in words before it is confirmed."""
    item = item_or_404(request, pk)
    me = person(request)
    if item.state == SampleState.DRAWN and rules.moderates(item, me):
        return redirect("moderation:mark", pk=item.pk)
    comparison = actions.open_comparison(item, actor=me)
    open_to_me = (
        item.state in (SampleState.SCORED, SampleState.ESCALATED)
        and item.round.state in (RoundState.REVIEWING, RoundState.REOPENED)
        and rules.decides_item(item, me)
    )
    extended = open_to_me and guards.extension_open(item.round)
    form = ItemDecisionForm(
        item, bool(comparison.disagreement), request.POST or None, extended=extended
    )
    confirming = False
    if request.method == "POST":
        if not open_to_me:
            raise NotPermitted(instance=item)
        if "change" in request.POST:
            # Nothing is asked yet: what was said before comes back as it was.
            form = ItemDecisionForm(
                item, bool(comparison.disagreement), initial=form.as_entered(), extended=extended
            )
        elif form.is_valid():
            if "confirm" in request.POST:
                decide(item, form.cleaned_data, me)
                return redirect("moderation:decided", pk=item.pk)
            confirming = True
    due = actions.due_for(item.round, item, comparison.disagreement)
    context = {
        "item": item,
        "comparison": comparison,
        "open_evidence": selectors.evidence_open_to(me, comparison),
        "comments": comments_of(comparison.decision),
        "form": form,
        "open_to_me": open_to_me,
        "extended": extended,
        "confirming": confirming,
        "effect": effect_words(item, comparison, due, form) if confirming else [],
        "adjusting": selectors.effect_of(item, comparison, due),
        "decisions": item.decisions.select_related("moderator"),
        "escalation": item.decisions.filter(outcome=SampleState.ESCALATED)
        .select_related("moderator")
        .last()
        if item.state == SampleState.ESCALATED
        else None,
        "evidence": manifest_of(item.submission),
        "is_lead": rules.leads(item.round, me),
    }
    return render(request, "moderation/compare.html", context, status=answered(form))


def effect_words(item: SampleItem, comparison: Any, due: Any, form: ItemDecisionForm) -> list[str]:
    """What the chosen decision would do."""
    given = form.cleaned_data
    if given["decision"] == form.ADJUST:
        if given["factual_error"]:
            return [*comparison.changes, "The learner has not been told anything."]
        return selectors.effect_of(item, comparison, due)
    if given["decision"] == form.RETURN:
        return ["The work goes back to its assessor. The round waits until it is assessed again."]
    if given["decision"] == form.ESCALATE:
        return ["The lead moderator decides. The round waits for that."]
    return ["The assessor's decision stands."]


def decide(item: SampleItem, given: dict[str, Any], me: Any) -> None:
    """Call the one action that was chosen."""
    form = ItemDecisionForm
    said: dict[str, Any] = {
        "actor": me,
        "reason": given["reason"],
        "feedback": actions.Feedback(given["feedback_quality"], given["feedback_note"]),
    }
    if given["decision"] == form.UPHOLD:
        actions.uphold_item(item, **said)
    elif given["decision"] == form.ADJUST:
        actions.adjust_item(item, factual_error=given["factual_error"], **said)
    elif given["decision"] == form.RETURN:
        actions.return_item(
            item, action=given["action"], factual_error=given["factual_error"], **said
        )
    else:
        actions.escalate_item(item, integrity=given["integrity"], **said)


@require_GET
@for_moderators
def decided(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The page on which the decision ends, with the next item."""
    item = item_or_404(request, pk)
    queue = list(selectors.queue_of(person(request)))
    following = queue[0] if queue and not queue[0].kept_waiting else None
    if following is None:
        following = next_escalated(item, person(request))
    context = {
        "item": item,
        "left": sum(not one.kept_waiting for one in queue),
        "kept_waiting": sum(one.kept_waiting for one in queue),
        "following": following,
        "following_url": address_of(following) if following else "",
    }
    return render(request, "moderation/decided.html", context)


def next_escalated(item: SampleItem, me: Any) -> SampleItem | None:
    """What else of the round was passed to the lead, for the lead."""
    rows = item.round.items.live().filter(state=SampleState.ESCALATED)
    found = rows.select_related("submission", "round__delivery").order_by("draw", "part", "pk")
    return next((one for one in found if rules.decides_item(one, me)), None)


@require_http_methods(["GET", "POST"])
@for_moderators
def uphold_alike(request: HttpRequest) -> HttpResponse:
    """All items on which both gave the same, in one go: looked at as a list, then upheld one by one.

    Each goes through its own step; one that cannot move is named with its reason and stops no other.
    """
    me = person(request)
    alike = selectors.read_alike(me)
    for item in alike:
        open_record(item.decision, actor=me, purpose="List of equal readings in moderation")
    if request.method == "GET":
        return render(request, "moderation/alike.html", {"items": alike})
    chosen = set(request.POST.getlist("item"))
    report: list[tuple[SampleItem, str]] = []
    for item in alike:
        if str(item.pk) not in chosen:
            continue
        try:
            actions.uphold_item(item, actor=me)
            report.append((item, ""))
        except (TransitionRefused, ReasonNeeded) as refused:
            report.append((item, str(refused) or "It has changed meanwhile. Compare it again."))
    if not report:
        missing = ["Choose at least one item."]
        context = {"items": alike, "missing": missing}
        return render(request, "moderation/alike.html", context, status=422)
    return render(request, "moderation/alike_done.html", {"report": report})


@require_http_methods(["GET", "POST"])
@for_moderators
def allocate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The lead gives an unread item to another moderator."""
    item = item_or_404(request, pk)
    if not rules.leads(item.round, person(request)):
        raise NotPermitted(instance=item)
    able = [one for one in selectors.free_to_read(item.submission) if one != item.moderator]
    form = ModeratorForm(able, request.POST or None)
    if request.method == "POST" and form.is_valid():
        actions.allocate_moderator(item, form.cleaned_data["moderator"], actor=person(request))
        return redirect("moderation:round", pk=item.round_id)
    context = {"item": item, "form": form, "able": able}
    return render(request, "moderation/allocate.html", context, status=answered(form))
