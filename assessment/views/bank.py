"""The comment bank: one's own texts and the shared ones."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.views import person
from assessment import rules
from assessment.actions.preparing import (
    change_prepared,
    count_use,
    prepare_comment,
    remove_prepared,
)
from assessment.exceptions import NameInPreparedComment
from assessment.forms.bank import ChangePreparedForm, PreparedForm
from assessment.models import PreparedComment
from assessment.selectors.prepared import bank_of, choices_for, micro_credentials_of
from assessment.views.queue import for_assessors
from workflows.views import step_view

WHOSE = {"": "Mine and shared", "mine": "Mine", "shared": "Shared"}


@require_safe
@for_assessors
def bank(request: HttpRequest) -> HttpResponse:
    """Everything that the person can put into feedback, by micro-credential and criterion."""
    words = request.GET.get("q", "")[:100]
    whose = request.GET.get("whose", "")
    whose = whose if whose in WHOSE else ""
    rows = bank_of(person(request), words=words, whose=whose)
    context = {
        "page": Paginator(rows, 25).get_page(request.GET.get("page")),
        "words": words,
        "whose": whose,
        "choices": WHOSE.items(),
        "can_add": bool(micro_credentials_of(person(request))),
    }
    return render(request, "assessment/bank.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_assessors
def prepare(request: HttpRequest) -> HttpResponse:
    """A new text."""
    known = micro_credentials_of(person(request))
    if not known:
        raise PermissionDenied("Only people who mark or lead keep prepared comments.")
    fits, levels = choices_for(known)
    initial = {
        "fits": request.GET.get("fits", ""),
        "level_code": request.GET.get("level", ""),
    }
    form = PreparedForm(
        request.POST if request.method == "POST" else None,
        fits=fits,
        levels=levels,
        initial=initial,
    )
    if request.method == "POST" and form.is_valid():
        key, code = form.fitting
        chosen = next(one for one in known if one.pk == key)
        try:
            prepare_comment(
                actor=person(request),
                micro_credential=chosen,
                criterion_code=code,
                level_code=form.cleaned_data["level_code"],
                text=form.cleaned_data["text"],
                is_shared=form.cleaned_data["is_shared"],
            )
        except NameInPreparedComment as error:
            form.refuse(error.word)
        else:
            messages.success(request, "The comment is in the bank.")
            return redirect("assessment:bank")
    return render(
        request, "assessment/prepare.html", {"form": form}, status=422 if form.errors else 200
    )


def visible_prepared(request: HttpRequest, pk: UUID) -> PreparedComment:
    found: PreparedComment = get_object_or_404(
        PreparedComment.objects.visible_to(person(request)).kept(), pk=pk
    )
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change a text of one's own."""
    found = visible_prepared(request, pk)
    if not rules.owns_prepared(found, person(request)):
        raise PermissionDenied("Only the person who keeps it changes it.")
    form = ChangePreparedForm(
        request.POST if request.method == "POST" else None,
        initial={"text": found.text, "is_shared": found.is_shared},
    )
    if request.method == "POST" and form.is_valid():
        try:
            change_prepared(found, actor=person(request), **form.cleaned_data)
        except NameInPreparedComment as error:
            form.refuse(error.word)
        else:
            messages.success(request, "The comment is changed.")
            return redirect("assessment:bank")
    return render(
        request,
        "assessment/prepare.html",
        {"form": form, "comment": found},
        status=422 if form.errors else 200,
    )


@step_view()
def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a text of one's own out of the bank."""
    remove_prepared(visible_prepared(request, pk), actor=person(request))
    messages.success(request, "The comment is out of the bank. Feedback written with it stays.")
    return redirect("assessment:bank")


@require_POST
@login_required
def used(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Count that a text was put into feedback."""
    if not count_use(pk, actor=person(request)):
        raise Http404
    return HttpResponse(status=204)
