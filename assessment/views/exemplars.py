"""The bank of exemplars: found and read by those who assess and moderate, kept by lead moderators."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.views import person
from assessment import rules
from assessment.actions.exemplars import Agreed, Anonymous, freeze_exemplar, retire_exemplar
from assessment.exceptions import ExemplarIncomplete
from assessment.forms.exemplars import ExemplarForm, ReferenceForm, RetirementForm
from assessment.models import Exemplar
from assessment.selectors.exemplars import RELATED, bank_of, copies_of, tasks_kept_by
from catalogue.models import AssessmentTask
from portfolios.models import Submission
from portfolios.views.evidence import Handed, hand_out
from workflows.actions import open_record
from workflows.exceptions import StaleState

SIZE = 50


@require_safe
@login_required
def bank(request: HttpRequest) -> HttpResponse:
    """What is in the bank, narrowed by words; for a lead moderator also where to add."""
    me = person(request)
    kept = list(tasks_kept_by(me))
    if not kept and not rules.uses_exemplars(me):
        raise PermissionDenied("Exemplars are for people who assess and moderate.")
    words, retired = request.GET.get("q", ""), request.GET.get("retired") == "1"
    found = Paginator(bank_of(me, words=words, retired=retired), SIZE)
    context = {
        "page": found.get_page(request.GET.get("page")),
        "words": words,
        "retired": retired,
        "tasks": kept,
    }
    return render(request, "assessment/exemplars.html", context)


def exemplar_or_404(request: HttpRequest, pk: UUID) -> Exemplar:
    rows = Exemplar.objects.visible_to(person(request)).select_related(*RELATED)
    found: Exemplar = get_object_or_404(rows, pk=pk)
    return found


@require_safe
@login_required
def exemplar(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One exemplar: the work, the agreed levels and why; never whose it is."""
    found = exemplar_or_404(request, pk)
    return render(request, "assessment/exemplar.html", shown(request, found))


def shown(request: HttpRequest, found: Exemplar, form: Any = None) -> dict[str, Any]:
    keeps = rules.keeps_exemplars(found.task, person(request))
    return {
        "exemplar": found,
        "levels": found.levels.select_related("criterion", "level"),
        "evidence": found.evidence.all(),
        "fits": found.rubric_hash == found.task.rubric.content_hash,
        "form": form or RetirementForm() if keeps and not found.is_retired else None,
    }


@require_safe
@login_required
def evidence(request: HttpRequest, pk: UUID, number: int) -> Any:
    """The copy without metadata as it is now, by a name that says nothing. Each opening is noted."""
    found = exemplar_or_404(request, pk)
    file = get_object_or_404(found.evidence.select_related("item"), number=number)
    handed = Handed.copy_of(file.item, number)
    open_record(file.item, actor=person(request), purpose=f"Exemplar {found.code}")
    return hand_out(request, handed)


@require_http_methods(["GET", "POST"])
@login_required
def new(request: HttpRequest, task: UUID) -> HttpResponse:
    """Freeze an exemplar: from a submission that the person may see, or from a text of one's own."""
    me = person(request)
    rows = AssessmentTask.objects.filter(pk__in=tasks_kept_by(me).values("pk"))
    of: AssessmentTask = get_object_or_404(
        rows.select_related("version__grade_scheme", "version__micro_credential", "rubric"), pk=task
    )
    reference = ReferenceForm(request.GET if "reference" in request.GET else None)
    source = source_of(request, of, reference)
    copies = copies_of(source) if source else []
    form = ExemplarForm(
        of,
        source,
        [(pin.number, item) for pin, item in copies],
        request.POST if request.method == "POST" else None,
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = freeze_exemplar(
                of,
                actor=me,
                title=form.cleaned_data["title"],
                agreed=Agreed(**form.agreed()),
                work=Anonymous(
                    form.texts(),
                    form.chosen(),
                    form.supports(),
                    form.cleaned_data.get("ai_use", ""),
                    form.notes(),
                ),
                source=source,
                consent=form.cleaned_data.get("consent", ""),
                for_calibration=form.cleaned_data["for_calibration"],
            )
        except ExemplarIncomplete as incomplete:
            for sentence in incomplete.missing:
                form.add_error(None, sentence)
        else:
            messages.success(request, f"{made.code} is in the bank.")
            return redirect("assessment:exemplar", made.pk)
    context = {
        "task": of,
        "source": source,
        "form": form,
        "reference": reference,
        "forms": [form, reference],
    }
    wrong = form.errors or reference.errors
    return render(request, "assessment/new_exemplar.html", context, status=422 if wrong else 200)


def source_of(
    request: HttpRequest, task: AssessmentTask, reference: ReferenceForm
) -> Submission | None:
    """The submission that is named in the address, if the person may see it. Its opening is noted."""
    if not reference.is_bound or not reference.is_valid():
        return None
    wanted = reference.cleaned_data["reference"]
    rows = Submission.objects.visible_to(person(request)).filter(task=task)
    found: Submission | None = rows.filter(reference__iexact=wanted).first()
    if found is None:
        reference.add_error("reference", "There is no submission of this task with this reference.")
        return None
    open_record(found, actor=person(request), purpose="Making an exemplar")
    return found


@require_POST
@login_required
def retire(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take it out of the bank, with a reason."""
    found = exemplar_or_404(request, pk)
    if not rules.keeps_exemplars(found.task, person(request)):
        raise PermissionDenied("Lead moderators keep the exemplars.")
    form = RetirementForm(request.POST)
    if not form.is_valid() and not found.is_retired:
        return render(request, "assessment/exemplar.html", shown(request, found, form), status=422)
    try:
        reason = form.cleaned_data.get("reason", "")
        retire_exemplar(found, actor=person(request), reason=reason)
    except StaleState:
        reasons = ["This exemplar was retired meanwhile."]
        return render(request, "errors/409.html", {"reasons": reasons}, status=409)
    messages.success(request, f"{found.code} is retired.")
    return redirect("assessment:exemplars")
