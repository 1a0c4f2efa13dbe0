"""The workspace: opening, drafts, verdict, handing back, taking over."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.definitions import keys_of
from accounts.models import User
from accounts.views import person
from assessment import guards, rules
from assessment.actions.allocation import hand_back as hand_back_action
from assessment.actions.deciding import record_decision, refer, unmet
from assessment.actions.flagging import set_flag
from assessment.actions.marking import (
    look_again,
    raise_concern,
    renew_lease,
    save_draft,
    start_assessment,
    take_over,
)
from assessment.definitions import Marks
from assessment.enums import MARKING_PARTS, Basis, ChangeReason
from assessment.forms.marking import FinishForm, HandBackForm, read_marks, written
from assessment.guards import (
    asks_for_two,
    is_current,
    is_double_marked,
    may_be_drawn,
    reads_blind,
)
from assessment.models import Allocation, AssessmentDecision
from assessment.selectors import composed, judgements_of, pointed_in, result_of_decision
from assessment.selectors.comments import comments_by, shown_to_learner
from assessment.selectors.discussions import latest_discussion, openings_of
from assessment.selectors.filters import Filters
from assessment.selectors.queue import SOMEBODY, name_of, place_of
from assessment.selectors.workspace import (
    changes_of,
    own_decision,
    progress_of,
    warm,
    workspace_of,
)
from assessment.views.queue import opened
from assessment.views.shared import NOT_HERE, filters_of, for_marking, visible, with_filters
from assessment.views.versions import differences
from portfolios.enums import ConsiderationOutcome, SubmissionState
from portfolios.models import Submission
from portfolios.rules import has_part
from workflows.exceptions import (
    GuardsNotMet,
    NotPermitted,
    StaleState,
    StaleVersion,
    TransitionRefused,
)
from workflows.forms import key_of, whole_number
from workflows.views import step_view
from workflows.words import clock

CONSIDERED = dict(ConsiderationOutcome.choices)


def draft_of(submission: Submission, request: HttpRequest) -> AssessmentDecision | None:
    def build(values: Sequence[Any]) -> QuerySet[Any]:
        author, on = values
        drafts = AssessmentDecision.objects.drafts_of(User(pk=author)).filter(submission=on)
        return drafts.order_by()

    drafts = composed.instances("draft", build, [person(request).pk, submission.pk])
    return drafts[0] if drafts else None


def lease_of_other(submission: Submission, request: HttpRequest) -> Any:
    """Somebody else's live lease."""
    return guards.lease_against(submission, person(request))


@require_safe
@login_required
def workspace(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Evidence beside rubric for the person whose turn it is; for others how the marking stands."""
    submission = visible(request, pk)
    if rules.is_turn(submission, person(request)):
        draft = draft_of(submission, request)
        if draft is not None and submission.state != SubmissionState.SUBMITTED:
            return page(request, submission, draft)
        waits = not guards.place_in_early_check.holds(submission)
        context = {**facts(request, submission), "waits_for_check": waits}
        return render(request, "assessment/before.html", context)
    if not rules.takes_part(submission, person(request)):
        raise PermissionDenied(NOT_HERE)
    return standing(request, submission)


def facts(request: HttpRequest, submission: Submission) -> dict[str, Any]:
    """What every page about one submission says."""
    filters = filters_of(request)
    other = lease_of_other(submission, request)
    return {
        "submission": submission,
        "who": name_of(submission),
        "filters": filters,
        "other_lease": other,
        "holder": other and named_to(request, submission, other.holder),
        "may_take_over": other is not None and rules.may_take_over(submission, person(request)),
        "on_hold": vars(submission)["is_held"],
        "consideration": CONSIDERED.get(vars(submission)["consideration"] or ""),
        "queue_url": with_filters("assessment:queue", filters),
        "workspace_url": with_filters("assessment:workspace", filters, submission.pk),
    }


def named_to(request: HttpRequest, submission: Submission, holder: User) -> str:
    """Who has the work open: the name of those who lead, and of assessors where they may know of one another."""
    delivery = submission.delivery
    hidden = (
        submission.hides("between")
        and not rules.may_allocate(delivery, person(request))
        and not rules.may_allocate(delivery, holder)
    )
    return SOMEBODY if hidden else str(holder.name)


def page(
    request: HttpRequest,
    submission: Submission,
    draft: AssessmentDecision,
    *,
    status: int = 200,
    mine: Marks | None = None,
    **more: Any,
) -> HttpResponse:
    """The workspace itself. `mine` is what a page sent and could not save."""
    filters = filters_of(request)
    only = whole_number(filters.criterion)
    work = workspace_of(submission, draft, person(request), only=only)
    if mine is not None:
        work.with_unsaved(mine)
    keys = keys_of(person(request).shortcuts)
    context = {
        **facts(request, submission),
        "work": work,
        "is_flagged": vars(submission)["is_flagged"],
        "keys": keys,
        "lines": keys.lines("workspace"),
        "reasons_to_change": ChangeReason.choices,
        "bank_key": submission.delivery.version.micro_credential_id,
        "place": place_of(submission, person(request), filters),
        "all_criteria": filters.only(None, submission.task_id),
        "alone": [(panel, filters.only(panel.number, submission.task_id)) for panel in work.panels],
        "may_read_first": draft.basis == Basis.SECOND_ASSESSMENT
        and rules.may_open_first_decision(submission, person(request)),
        "is_stale": not is_current(submission, draft),
        "adjudicates": submission.state == SubmissionState.IN_ADJUDICATION,
        **more,
    }
    return render(request, "assessment/workspace.html", context, status=status)


def standing(request: HttpRequest, submission: Submission, *, status: int = 200) -> HttpResponse:
    """For people whose turn it is not: their own sealed decision, or who has the work."""
    leads = rules.may_allocate(submission.delivery, person(request))
    own = own_decision(submission, person(request))
    live = Allocation.objects.current().filter(submission=submission).select_related("assessor")
    talk = latest_discussion(submission) if own or leads else None
    return render(
        request,
        "assessment/standing.html",
        {
            **facts(request, submission),
            "own": own,
            "judgements": judgements_of(own) if own else [],
            "allocations": list(live) if leads else [],
            "leads": leads,
            "openings": openings_of(submission) if leads else [],
            "discussion": talk,
            "may_end": talk is not None
            and talk.concluded_at is None
            and talk.own(person(request)) is None,
            "may_read_talk": talk is not None and rules.may_read_discussion(talk, person(request)),
            "may_ask": own is not None and rules.may_ask_review(submission, person(request)),
            "can_reveal": submission.hides("learner")
            and (leads or submission.state == SubmissionState.RELEASED),
            "can_hand_back": leads
            and submission.state == SubmissionState.IN_ASSESSMENT
            and rules.may_hand_back(submission, person(request)),
        },
        status=status,
    )


@step_view()
def start(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Open the workspace: from now on the learner cannot withdraw."""
    submission = for_marking(request, pk)
    start_assessment(submission, actor=person(request))
    return redirect(with_filters("assessment:workspace", filters_of(request), pk))


def version_of(request: HttpRequest) -> int:
    return whole_number(request.POST.get("version", "")) or 0


@require_POST
@login_required
def save(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Save, and stay, go on to the next in the view, or go to the verdict. Works without scripts."""
    submission = for_marking(request, pk)
    filters = filters_of(request)
    marks = read_marks(request.POST)
    try:
        save_draft(pk, actor=person(request), marks=marks, seen_version=version_of(request))
    except NotPermitted as error:
        raise PermissionDenied(str(error)) from error
    except StaleVersion as error:
        return two_versions(request, submission, marks, error.theirs)
    except StaleState:
        fresh = visible(request, pk)
        draft = draft_of(fresh, request)
        if draft is None:
            return standing(request, fresh, status=409)
        return page(request, fresh, draft, status=409, mine=marks, taken_over=True)
    then = request.POST.get("then", "")
    if then == "finish":
        return redirect(with_filters("assessment:finish", filters, pk))
    if then != "next":
        messages.success(request, "Saved.")
        return redirect(with_filters("assessment:workspace", filters, pk))
    return onwards(request, submission, filters)


def onwards(request: HttpRequest, submission: Submission, filters: Filters) -> HttpResponse:
    """Open the work that comes next in the person's view.

    The page knows it beforehand (`ahead`) and sends it along, so that nobody waits for the queue to be read; where
    it is no longer theirs to open, or none was sent, the queue is read anew.
    """
    said = f"Saved {submission.reference}."
    known = key_of(request.POST.get("following", ""))
    if known is not None and known != submission.pk:
        try:
            start_assessment(Submission(pk=known), actor=person(request))
        except (NotPermitted, StaleState, Submission.DoesNotExist):
            pass
        except TransitionRefused as error:
            messages.success(request, said)
            messages.warning(request, " ".join([str(error.headline), *error.reasons]))
            return redirect(with_filters("assessment:workspace", filters, known))
        else:
            messages.success(request, said)
            return redirect(with_filters("assessment:workspace", filters, known))
    following = place_of(submission, person(request), filters).following
    if following is None or following == submission.pk:
        messages.success(request, "Saved. Nothing else waits in this view.")
        return redirect(with_filters("assessment:queue", filters))
    messages.success(request, said)
    return opened(request, Submission(pk=following), filters)


@require_safe
@login_required
def ahead(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Which work comes next now, asked by the page while the person still marks, so that going on need not ask.

    What is wanted of it first is read, so that the database and the store have it at hand. Nothing is opened,
    leased or recorded, and nothing of it is sent but its key.
    """
    submission = for_marking(request, pk)
    following = place_of(submission, person(request), filters_of(request)).following
    if following is not None and following != pk:
        warm(following)
    return JsonResponse({"following": str(following) if following else ""})


def two_versions(
    request: HttpRequest, submission: Submission, mine: Marks, theirs: AssessmentDecision
) -> HttpResponse:
    """409 with both versions: what came too late stands in the form, what is saved beside it."""
    fresh = visible(request, submission.pk)
    return page(
        request,
        fresh,
        theirs,
        status=409,
        mine=mine,
        conflict=list(differences(submission, mine, theirs)),
    )


@require_POST
@login_required
def autosave(request: HttpRequest, pk: UUID) -> JsonResponse:
    """The same, while people type: few statements, a short answer."""
    try:
        draft = save_draft(
            pk,
            actor=person(request),
            marks=read_marks(request.POST),
            seen_version=version_of(request),
        )
    except NotPermitted:
        visible(request, pk)
        return JsonResponse({"errors": ["You cannot do this."]}, status=403)
    except StaleVersion as error:
        theirs = written(judgements_of(error.theirs))
        general = {
            "feedback": error.theirs.feedback,
            "staff_note": error.theirs.staff_note,
            "reason": error.theirs.reason,
            "reason_code": error.theirs.reason_code,
        }
        return JsonResponse(
            {"version": error.theirs.version, "theirs": {**theirs, **general}}, status=409
        )
    except StaleState as error:
        return JsonResponse(
            {"errors": [f"{error.headline} Somebody took the work over."]}, status=422
        )
    at = clock(timezone.localtime(draft.saved_at))
    return JsonResponse({"version": draft.version, "saved_at": at})


@require_safe
@login_required
def result(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The rule's sentence for the draft as saved, for the live line of the rubric."""
    submission = for_marking(request, pk)
    draft = get_object_or_404(AssessmentDecision.objects.drafts_of(person(request)), submission=pk)
    judgements = judgements_of(draft)
    found = result_of_decision(submission, judgements)
    context = {"result": found, "progress": progress_of(judgements)}
    return render(request, "assessment/_result.html", context)


@require_POST
@login_required
def lease(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Keep the workspace open."""
    submission = for_marking(request, pk)
    try:
        kept = renew_lease(submission, actor=person(request))
    except NotPermitted as error:
        raise PermissionDenied(str(error)) from error
    except StaleState:
        return JsonResponse({"held": False}, status=409)
    return JsonResponse({"held": True, "until": kept.until.isoformat()})


@step_view()
def take(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take over a workspace that somebody left open."""
    submission = for_marking(request, pk)
    take_over(submission, actor=person(request), reason=request.POST.get("reason", ""))
    messages.success(request, "You took the workspace over. The draft of the other person is kept.")
    return redirect(with_filters("assessment:workspace", filters_of(request), pk))


@step_view()
def again(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Bind the draft to what the submission is now, after looking at it again."""
    look_again(for_marking(request, pk), actor=person(request))
    messages.success(
        request, "Noted. Your draft now goes with the evidence, rubric and policy as they are."
    )
    return redirect(with_filters("assessment:workspace", filters_of(request), pk))


@step_view()
def hand_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put the work back into the queue; the draft stays."""
    submission = for_marking(request, pk)
    form = HandBackForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    hand_back_action(submission, actor=person(request), reason=reason)
    messages.success(request, f"{submission.reference} is in the queue again. Your draft is kept.")
    return redirect(with_filters("assessment:queue", filters_of(request)))


@step_view()
def flag(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put one's own flag on the work or a piece of it, or take it off; scripts get the button back."""
    submission = for_marking(request, pk)
    number = whole_number(request.POST.get("number", "")) or 0
    flagged = request.POST.get("flagged") == "yes"
    set_flag(submission, actor=person(request), number=number, flagged=flagged)
    filters = filters_of(request)
    if getattr(request, "htmx", False):
        context = {
            "submission": submission,
            "filters": filters,
            "number": number,
            "is_flagged": flagged,
            "keys": keys_of(person(request).shortcuts),
        }
        return render(request, "assessment/_flag.html", context)
    where = with_filters("assessment:workspace", filters, pk)
    return redirect(f"{where}#flag-{number}")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def finish(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The verdict, after an exact preview of what the learner will see."""
    submission = for_marking(request, pk)
    draft = draft_of(submission, request)
    if draft is None or not rules.is_turn(submission, person(request)):
        return not_now(request, submission)
    if request.method == "POST":
        return verdict(request, submission, draft)
    return finish_page(request, submission, draft)


def not_now(request: HttpRequest, submission: Submission) -> HttpResponse:
    """How the marking stands, for whoever has no draft to finish.

    A verdict that comes too late is 409 for those who mark it, and 403 for those who only allocate it.
    """
    if request.method != "POST":
        return standing(request, submission)
    if not has_part(submission, person(request), *MARKING_PARTS):
        raise PermissionDenied("Only those who mark this submission give a verdict.")
    return standing(request, submission, status=409)


def finish_page(
    request: HttpRequest,
    submission: Submission,
    draft: AssessmentDecision,
    form: FinishForm | None = None,
    *,
    status: int = 200,
    reasons: Any = (),
) -> HttpResponse:
    adjudicates = submission.state == SubmissionState.IN_ADJUDICATION
    judgements = judgements_of(draft)
    pointed = pointed_in(draft)
    for one in judgements:
        vars(one)["rests_on"] = sorted(pointed.get(one.pk, ()))
    work = result_of_decision(submission, judgements)
    refer_reasons = unmet(submission, person(request), "refer")
    can_refer = submission.state == SubmissionState.IN_ASSESSMENT and not refer_reasons
    form = form or FinishForm(initial={"version": draft.version}, can_refer=can_refer)
    is_revision = submission.returned_at is not None
    # Whoever marks a share learns from no word whether theirs was drawn.
    drawn = may_be_drawn(submission)
    context = {
        **facts(request, submission),
        "draft": draft,
        "judgements": judgements,
        "noted": [one for one in judgements if one.staff_note],
        "comments": shown_to_learner(comments_by(submission.pk, draft.author_id)),
        "unmet": [one for one in judgements if one.level is None or not one.level.is_met],
        "result": work,
        "form": form,
        "reasons": reasons,
        "waiting": unmet(
            submission, person(request), "adjudicate" if adjudicates else "record_decision"
        ),
        "can_refer": can_refer,
        "refer_reasons": refer_reasons,
        "is_double": is_double_marked(submission) and not adjudicates,
        "refers_together": reads_blind(submission) and not drawn and not is_revision,
        "may_be_drawn": drawn and not adjudicates and not is_revision,
        "is_revision": is_revision,
        "changes": changes_of(draft) if is_revision else [],
        "adjudicates": adjudicates,
        "referral_days": submission.delivery.policy_value("referral.days"),
    }
    return render(request, "assessment/finish.html", context, status=status)


def verdict(
    request: HttpRequest, submission: Submission, draft: AssessmentDecision
) -> HttpResponse:
    """Take the one step that was chosen. Refusals come back on the same page with every reason."""
    form = FinishForm(request.POST)
    if not form.is_valid():
        return finish_page(request, submission, draft, form, status=422)
    chosen, seen = form.cleaned_data["verdict"], form.cleaned_data["version"]
    filters = filters_of(request)
    try:
        if chosen == FinishForm.HOLD:
            raise_concern(submission, actor=person(request), concern=form.cleaned_data["concern"])
            messages.success(
                request, f"{submission.reference} is on hold. The administrators know."
            )
            return redirect(with_filters("assessment:queue", filters))
        if chosen == FinishForm.REFER:
            refer(submission, actor=person(request), seen_version=seen)
        else:
            record_decision(submission, actor=person(request), seen_version=seen)
    except NotPermitted as error:
        raise PermissionDenied(str(error)) from error
    except GuardsNotMet as error:
        return finish_page(request, submission, draft, form, status=422, reasons=error.guards)
    except TransitionRefused as error:
        fresh = visible(request, submission.pk)
        now = draft_of(fresh, request)
        if now is None:
            return render(
                request,
                "errors/409.html",
                {"reasons": [str(error.headline)], "back_url": request.path},
                status=409,
            )
        return finish_page(request, fresh, now, status=409, reasons=[str(error.headline)])
    return redirect(with_filters("assessment:recorded", filters, submission.pk))


@require_safe
@login_required
def recorded(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Where a verdict ends. Says the same for each of two assessors, whatever the other one sealed."""
    submission = for_marking(request, pk)
    own = own_decision(submission, person(request))
    if own is None:
        return standing(request, submission)
    filters: Filters = filters_of(request)
    context = {
        **facts(request, submission),
        "own": own,
        "is_referral": submission.state == SubmissionState.REFERRED,
        "is_double": asks_for_two(submission) and own.basis in ("assessment", "second_assessment"),
        "following": place_of(submission, person(request), filters).following,
    }
    return render(request, "assessment/recorded.html", context)
