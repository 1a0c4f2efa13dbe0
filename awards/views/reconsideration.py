"""Staff pages for a fresh look at a released result, and for taking results back."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.views import person
from awards import guards, rules, selectors
from awards.actions.recall import ask_recall, cancel_recall, confirm_recall
from awards.actions.reconsideration import authorise_correction, conclude_reconsideration
from awards.forms import ConclusionForm, ReasonForm, RecallScopeForm
from awards.models import Recall, Reconsideration
from awards.views.answers import Refused, allow, attempt, page, set_of
from workflows.actions import open_record

form_methods = require_http_methods(["GET", "HEAD", "POST"])


def reconsiderations_for(user: User) -> "QuerySet[Reconsideration]":
    """Requests that the person may see, with what their page shows."""
    found: QuerySet[Reconsideration] = Reconsideration.objects.visible_to(user).select_related(
        "submission__delivery__version__micro_credential",
        "submission__task",
        "decision_before__grade",
        "decision_after__grade",
        "concluded_by",
    )
    return found


def reconsideration_page(
    request: HttpRequest,
    found: Reconsideration,
    form: ConclusionForm | ReasonForm,
    refusal: Refused = None,
) -> HttpResponse:
    """Grounds, both decisions, and the step that is this person's to take."""
    user = person(request)
    fresh = guards.fresh_decision(found)
    lower = fresh is not None and guards.standing(fresh) < guards.standing(found.decision_before)
    corrected = fresh is not None and guards.is_authorised_correction(fresh)
    open_ = found.concluded_at is None
    submission = found.submission
    open_record(found, actor=user, purpose="Both decisions of a reconsideration")
    context = {
        "reconsideration": found,
        "before": selectors.result_label(found.decision_before),
        "fresh": fresh,
        "fresh_result": selectors.result_label(fresh) if fresh else "",
        "lower": lower,
        "corrected": corrected,
        "replaces": fresh is not None
        and (guards.standing(fresh) > guards.standing(found.decision_before) or corrected),
        "after": selectors.result_label(found.decision_after) if found.decision_after else "",
        "may_conclude": open_
        and fresh is not None
        and rules.may_conclude_reconsideration(submission, user),
        "may_correct": open_
        and lower
        and not corrected
        and rules.may_authorise_correction(submission, user),
        "conclusion_form": form if isinstance(form, ConclusionForm) else ConclusionForm(),
        "correction_form": form if isinstance(form, ReasonForm) else ReasonForm(),
    }
    return page(request, "awards/reconsideration_staff.html", context, form=form, refusal=refusal)


@require_safe
@login_required
def reconsideration(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One request for a fresh look."""
    found = get_object_or_404(reconsiderations_for(person(request)), pk=pk)
    return reconsideration_page(request, found, ConclusionForm())


@require_POST
@login_required
def conclude(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Conclude it."""
    user = person(request)
    found = get_object_or_404(reconsiderations_for(user), pk=pk)
    allow(
        rules.may_conclude_reconsideration(found.submission, user),
        _("Ratifiers who never judged this work conclude."),
    )
    form = ConclusionForm(request.POST)
    refusal: Refused = None
    if form.is_valid():
        done, refusal = attempt(
            lambda: conclude_reconsideration(found, actor=user, note=form.cleaned_data["note"])
        )
        if done is not None:
            return redirect("awards:reconsideration", found.pk)
        found = get_object_or_404(reconsiderations_for(user), pk=pk)
    return reconsideration_page(request, found, form, refusal)


@require_POST
@login_required
def correct(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Authorise a lower result as a correction."""
    user = person(request)
    found = get_object_or_404(reconsiderations_for(user), pk=pk)
    allow(
        rules.may_authorise_correction(found.submission, user),
        _("Lead moderators who never judged this work authorise a correction."),
    )
    form = ReasonForm(request.POST)
    refusal: Refused = None
    if form.is_valid():
        done, refusal = attempt(
            lambda: authorise_correction(found, actor=user, reason=form.cleaned_data["reason"])
        )
        if done is not None:
            return redirect("awards:reconsideration", found.pk)
    return reconsideration_page(request, found, form, refusal)


@form_methods
@login_required
def recall_new(request: HttpRequest, delivery: UUID, task: UUID) -> HttpResponse:
    """Who would be affected by a recall, and the reason for asking."""
    user = person(request)
    found, its_task = set_of(user, delivery, task)
    allow(rules.may_ask_recall(found, user), _("Lead moderators and ratifiers ask for a recall."))
    form = ReasonForm(request.POST if request.method == "POST" else None)
    narrowing = RecallScopeForm(found, its_task, request.POST or request.GET or None)
    scope = narrowing.scope() if narrowing.is_valid() else selectors.WHOLE
    refusal: Refused = None
    if request.method == "POST" and form.is_valid() and narrowing.is_valid():
        asked, refusal = attempt(
            lambda: ask_recall(
                found, its_task, actor=user, reason=form.cleaned_data["reason"], scope=scope
            )
        )
        if asked is not None:
            return redirect("awards:recall", asked.pk)
    open_record(found, actor=user, purpose="Results that a recall would take back")
    context = {
        "delivery": found,
        "task": its_task,
        "narrowing": narrowing,
        "candidates": selectors.recall_candidates(found, its_task, scope),
    }
    return page(request, "awards/recall_new.html", context, form=form, refusal=refusal)


def recalls_for(user: User) -> "QuerySet[Recall]":
    """Recalls that the person may see."""
    found: QuerySet[Recall] = Recall.objects.visible_to(user).select_related(
        "delivery__version__micro_credential", "task", "asked_by", "confirmed_by"
    )
    return found


def recall_page(request: HttpRequest, found: Recall, refusal: Refused = None) -> HttpResponse:
    """A recall: who is affected, or what became of it."""
    user = person(request)
    open_ = found.confirmed_at is None and found.cancelled_at is None
    if open_:
        open_record(found, actor=user, purpose="Results that a recall takes back")
    context = {
        "recall": found,
        "open": open_,
        "scope": selectors.scope_in_words(found),
        "candidates": selectors.covered_by(found) if open_ else None,
        "may_confirm": open_ and rules.may_confirm_recall(found, user),
        "may_cancel": open_ and rules.may_ask_recall(found.delivery, user),
    }
    return page(request, "awards/recall_staff.html", context, refusal=refusal)


@require_safe
@login_required
def recall(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One recall."""
    return recall_page(request, get_object_or_404(recalls_for(person(request)), pk=pk))


@require_POST
@login_required
def recall_confirm(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Confirm as the second person; ends on the page that says what was done."""
    user = person(request)
    found = get_object_or_404(recalls_for(user), pk=pk)
    done, refusal = attempt(lambda: confirm_recall(found, actor=user))
    if done is None:
        return recall_page(request, get_object_or_404(recalls_for(user), pk=pk), refusal)
    return redirect("awards:recall", found.pk)


@require_POST
@login_required
def recall_cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Drop a recall that nobody has confirmed."""
    user = person(request)
    found = get_object_or_404(recalls_for(user), pk=pk)
    done, refusal = attempt(lambda: cancel_recall(found, actor=user))
    if done is None:
        return recall_page(request, get_object_or_404(recalls_for(user), pk=pk), refusal)
    return redirect("awards:recall", found.pk)
