"""Sign-off: the ratifier's home, batches, and what became of each result."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.views import person
from awards import guards, rules, selectors
from awards.actions.ratification import cancel_batch, open_ratification, sign_batch
from awards.forms import MinuteForm, SignForm
from awards.models import Ratification
from awards.views.answers import Refused, allow, attempt, last_proof, page, set_of
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from workflows.actions import open_record

form_methods = require_http_methods(["GET", "HEAD", "POST"])


def batches_for(user: User) -> "QuerySet[Ratification]":
    """Batches that the person may see, with what their pages show."""
    found: QuerySet[Ratification] = (
        Ratification.objects.visible_to(user)
        .select_related("delivery__version", "task", "opened_by")
        .prefetch_related("signatures__ratifier", "lines__submission", "lines__decision__grade")
    )
    return found


def next_card(found: selectors.RatifierHome) -> dict[str, str]:
    """The one thing to do next: sign, open, conclude, confirm, or nothing."""
    if found.batches:
        batch = found.batches[0]
        return {
            "title": _("Sign the batch for %(task)s") % {"task": batch.task},
            "text": str(batch.delivery),
            "url": reverse("awards:batch", args=[batch.pk]),
            "action": _("Check and sign"),
        }
    if found.ready:
        one = found.ready[0]
        return {
            "title": _("Results of %(task)s are ready to be ratified") % {"task": one.task},
            "text": str(one.delivery),
            "url": reverse("awards:set", args=[one.delivery.pk, one.task.pk]),
            "action": _("See the results"),
        }
    if found.reconsiderations:
        request = found.reconsiderations[0]
        return {
            "title": _("A reconsideration is ready to be concluded"),
            "text": str(request.submission.delivery),
            "url": reverse("awards:reconsideration", args=[request.pk]),
            "action": _("Read and conclude"),
        }
    if found.recalls:
        recall = found.recalls[0]
        return {
            "title": _("A recall waits for a second person"),
            "text": str(recall.delivery),
            "url": reverse("awards:recall", args=[recall.pk]),
            "action": _("Read it"),
        }
    return {"title": _("You are up to date."), "text": _("Nothing waits for your signature.")}


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """What waits for a signature, most urgent first, and what was signed before."""
    user = person(request)
    mine = Delivery.objects.with_role(
        user, DeliveryRoleKind.RATIFIER, DeliveryRoleKind.LEAD_MODERATOR
    )
    allow(mine.exists(), _("This page is for ratifiers and lead moderators."))
    found = selectors.ratifier_home(user)
    done = (
        Ratification.objects.visible_to(user)
        .filter(completed_at__isnull=False)
        .select_related("delivery", "task")[:10]
    )
    context = {"home": found, "card": next_card(found), "done": done}
    return page(request, "awards/home_ratifier.html", context)


@form_methods
@login_required
def ready_set(request: HttpRequest, delivery: UUID, task: UUID) -> HttpResponse:
    """What a batch would list and what not, with reasons; the minute; open it."""
    user = person(request)
    found, its_task = set_of(user, delivery, task)
    allow(
        rules.may_open_batch(found, user),
        _("Ratifiers and programme administrators open batches."),
    )
    form = MinuteForm(request.POST if request.method == "POST" else None)
    refusal: Refused = None
    if request.method == "POST" and form.is_valid():
        batch, refusal = attempt(
            lambda: open_ratification(
                found, its_task, actor=user, minute=form.cleaned_data["minute"]
            )
        )
        if batch is not None:
            return redirect("awards:batch", batch.pk)
    open_record(found, actor=user, purpose="Results that wait to be ratified")
    context = {
        "delivery": found,
        "task": its_task,
        "candidates": selectors.ratification_candidates(found, its_task),
        "open_batch": Ratification.objects.open().filter(delivery=found, task=its_task).first(),
    }
    return page(request, "awards/set_ratifier.html", context, form=form, refusal=refusal)


def batch_page(
    request: HttpRequest,
    batch: Ratification,
    form: SignForm,
    refusal: Refused = None,
) -> HttpResponse:
    """The batch with its preview; also where a refused signature comes back to."""
    user = person(request)
    candidates = selectors.ratification_candidates(batch.delivery, batch.task)
    listed = {line.submission_id for line in batch.lines.all()}
    here = reverse("awards:batch", args=[batch.pk])
    open_record(batch, actor=user, purpose="Results of a batch")
    context = {
        "batch": batch,
        "counts": selectors.counts_of(batch),
        "excluded": candidates.excluded,
        "since": [one for one in candidates.eligible if one.submission.pk not in listed],
        "judged": selectors.judged_in(batch, user),
        "needed": batch.signatures_needed(),
        "is_ratifier": rules.ratifies(batch.delivery, user),
        "signed": any(one.ratifier_id == user.pk for one in batch.signatures.all()),
        "proved": guards.is_recent(last_proof(request), batch.delivery),
        "proof_url": f"{reverse('account_reauthenticate')}?{urlencode({'next': here})}",
        "minutes": batch.delivery.policy_value("ratify.reauthenticate_minutes"),
        "release_at": selectors.default_release_time(batch.delivery),
        "scheduled": selectors.scheduled_release(batch.delivery, batch.task),
    }
    return page(request, "awards/batch_ratifier.html", context, form=form, refusal=refusal)


@require_safe
@login_required
def batch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Check a batch before signing: results, exceptions, messages, release time."""
    found = get_object_or_404(batches_for(person(request)), pk=pk)
    if not found.is_open:
        return redirect("awards:batch_result", found.pk)
    return batch_page(request, found, SignForm(initial={"seen_hash": found.content_hash}))


@require_POST
@login_required
def sign(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Sign; ends on the page that says what became of each result."""
    user = person(request)
    found = get_object_or_404(batches_for(user), pk=pk)
    allow(rules.ratifies(found.delivery, user), _("Ratifiers sign batches."))
    form = SignForm(request.POST)
    if not form.is_valid():
        return batch_page(request, found, form)
    proof = last_proof(request)

    def act() -> Ratification:
        sign_batch(
            found,
            actor=user,
            reauthenticated_at=proof,
            seen_hash=form.cleaned_data["seen_hash"],
        )
        return found

    signed, refusal = attempt(act)
    if signed is None:
        return batch_page(request, get_object_or_404(batches_for(user), pk=pk), form, refusal)
    return redirect("awards:batch_result", found.pk)


@require_POST
@login_required
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a batch back."""
    user = person(request)
    found = get_object_or_404(batches_for(user), pk=pk)
    cancelled, refusal = attempt(lambda: cancel_batch(found, actor=user))
    if cancelled is None:
        form = SignForm(initial={"seen_hash": found.content_hash})
        return batch_page(request, found, form, refusal)
    return redirect("awards:batch_result", found.pk)


@require_safe
@login_required
def batch_result(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What became of each result of a batch."""
    user = person(request)
    found = get_object_or_404(batches_for(user), pk=pk)
    open_record(found, actor=user, purpose="What became of a batch")
    lines = list(found.lines.all())
    context = {
        "batch": found,
        "ratified": [line for line in lines if line.ratified_at],
        "refused": [line for line in lines if line.refused_because],
        "needed": found.signatures_needed(),
    }
    return page(request, "awards/batch_result_ratifier.html", context)
