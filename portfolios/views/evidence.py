"""The evidence library: adding, describing, removing, and handing out bytes."""

import datetime as dt
import re
import uuid
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.files import NO_ROOM
from accounts.views import person
from catalogue.models import Criterion, policy_defaults
from portfolios import definitions, storage
from portfolios.actions.drafting import (
    add_file_evidence,
    add_link,
    add_note,
    describe_evidence,
    map_evidence,
    remove_evidence,
    restore_evidence,
    unmap_evidence,
)
from portfolios.enums import EvidenceKind, EvidenceState
from portfolios.exceptions import NoRoom, UploadRefused
from portfolios.forms import (
    AddForm,
    DescribeForm,
    FileForm,
    KindForm,
    LinkForm,
    NoteForm,
    PhotoForm,
)
from portfolios.manifest import neutral_name
from portfolios.models import EvidenceItem, EvidenceMapping, Portfolio, UploadSession
from portfolios.selectors import is_altered, limits_of, progress_of
from portfolios.selectors import library as library_of
from portfolios.selectors.evidence import (
    LOOKS,
    USES,
    Filters,
    access_gap,
    found_in,
    is_old,
)
from portfolios.selectors.viewing import transcript_of, views_of
from portfolios.storage.intake import DISK, kind_of_store
from portfolios.views.shared import kept_initial, own_portfolio, signed_in
from workflows.actions import open_once, open_record
from workflows.exceptions import StaleVersion

UUID = re.compile(r"[0-9a-f-]{36}$")
ONE_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})$")


@require_safe
@signed_in
def library(request: HttpRequest, pk: uuid.UUID | None = None) -> HttpResponse:
    """Everything the learner has added, each with its state in words."""
    found = own_portfolio(request, pk) if pk else None
    learner = person(request)
    days = policy_defaults()["evidence.removal_days"]
    since = timezone.now() - dt.timedelta(days=days)
    gone = learner.evidence.filter(state=EvidenceState.REMOVED, removed_at__gte=since)
    removed = gone.order_by("-removed_at")[:20]
    items = library_of(learner)
    views = views_of(items)
    months, today = months_of(found), timezone.localdate()
    filters = filters_of(request)
    shown = found_in([views[one.pk] for one in items], filters, months=months, today=today)
    rows = [(view, is_old(view.item, months, today), access_gap(view)) for view in shown]
    context: dict[str, Any] = {"portfolio": found, "rows": rows, "filters": filters}
    context["removal_days"] = days
    context |= {"removed": removed, "total": len(items), "months": months}
    context |= {"kinds": EvidenceKind.choices, "uses": USES.items(), "looks": LOOKS.items()}
    context["portfolios"] = Portfolio.objects.filter(enrolment__learner=learner).select_related(
        "task"
    )
    return render(request, "portfolios/library.html", context)


def filters_of(request: HttpRequest) -> Filters:
    """What the address asks for; values that nobody offers are left out."""
    asked = {name: request.GET.get(name, "") for name in ("kind", "use", "look")}
    known: dict[str, Any] = {"kind": EvidenceKind.values, "use": USES, "look": LOOKS}
    return Filters(
        words=request.GET.get("q", "")[:200],
        **{name: value if value in known[name] else "" for name, value in asked.items()},
    )


def months_of(found: Portfolio | None) -> int:
    """For how long evidence usually counts as current: by the delivery's policy, else by the default."""
    key = "evidence.currency_months"
    value = found.enrolment.delivery.policy_value(key) if found else policy_defaults()[key]
    return int(value)


@require_safe
@signed_in
def add(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What are you adding? The answer leads to the page of that kind."""
    found = own_portfolio(request, pk)
    criterion = request.GET.get("criterion", "")
    form = KindForm(request.GET if {"kind", "asked"} & set(request.GET) else None)
    if form.is_bound and form.is_valid():
        address = reverse("portfolios:add_kind", args=[found.pk, form.cleaned_data["kind"]])
        return redirect(f"{address}?criterion={criterion}" if criterion else address)
    context = {"portfolio": found, "form": form, "criterion": criterion}
    return render(request, "portfolios/add.html", context)


def add_form(kind: str, found: Portfolio, *args: Any, **kwargs: Any) -> AddForm:
    if kind == EvidenceKind.LINK:
        return LinkForm(*args, **kwargs)
    if kind == EvidenceKind.NOTE:
        return NoteForm(*args, **kwargs)
    form = PhotoForm if kind == EvidenceKind.PHOTO else FileForm
    return form(*args, kind=kind, limits=limits_of(found), **kwargs)


def came_before(request: HttpRequest, found: Portfolio) -> list[UploadSession]:
    """Files that the page's script has sent already and that are evidence by now."""
    keys = [key for key in request.POST.getlist("uploaded") if UUID.match(key)]
    mine = UploadSession.objects.visible_to(person(request)).filter(
        portfolio=found, evidence__isnull=False, pk__in=keys
    )
    return list(mine.select_related("evidence"))


def cut_short(request: HttpRequest) -> bool:
    """Whether fewer bytes came than were announced. A line that breaks looks like a normal end to WSGI."""
    stream = getattr(request, "_stream", None)
    announced, came = getattr(stream, "limit", None), getattr(stream, "_pos", None)
    return announced is not None and came is not None and came < announced


@require_http_methods(["GET", "POST"])
@signed_in
def add_kind(request: HttpRequest, pk: uuid.UUID, kind: str) -> HttpResponse:
    """Upload, capture, link or note. What was typed stays when the file is refused."""
    if kind not in EvidenceKind.values:
        raise Http404
    found = own_portfolio(request, pk)
    criterion = request.GET.get("criterion", "")
    if request.method == "POST":
        form = add_form(kind, found, request.POST, request.FILES)
        if isinstance(form, FileForm):
            form.sent_before(came_before(request, found))
        form.full_clean()
        if cut_short(request):
            form.add_error(
                None, "The upload was cut off before the end, so nothing was kept. Add it again."
            )
        if form.is_valid():
            try:
                item = save(request, found, kind, form)
            except UploadRefused as refusal:
                form.add_error("upload", refusal.message)
            except NoRoom:
                form.add_error("upload", NO_ROOM)
            else:
                address = reverse("portfolios:describe", args=[found.pk, item.pk])
                chosen = form.cleaned_data.get("criterion") or criterion
                return redirect(f"{address}?criterion={chosen}" if chosen else address)
    else:
        form = add_form(kind, found, initial={"criterion": criterion, **kept_initial(request)})
    context = {
        "portfolio": found,
        "form": form,
        "kind": EvidenceKind(kind),
        "editable": progress_of(found).is_open,
        "has_file": isinstance(form, FileForm),
        "unfinished": found.uploads.unfinished() if isinstance(form, FileForm) else [],
    }
    return render(
        request, "portfolios/add_kind.html", context, status=422 if form.is_bound else 200
    )


def save(request: HttpRequest, found: Portfolio, kind: str, form: AddForm) -> EvidenceItem:
    cleaned = form.cleaned_data
    words = {"title": cleaned["title"], "description": cleaned["description"]}
    if kind == EvidenceKind.LINK:
        return add_link(found, actor=person(request), link=cleaned["link"], **words)
    if kind == EvidenceKind.NOTE:
        return add_note(found, actor=person(request), note=cleaned["note"], **words)
    if isinstance(form, FileForm) and form.uploaded:
        return name_uploaded(request, form)
    upload = cleaned["upload"]
    return add_file_evidence(
        found,
        actor=person(request),
        pieces=upload.chunks(storage.PIECE),
        name=upload.name or "",
        kind=EvidenceKind(kind),
        declared_type=upload.content_type or "",
        expected_size=upload.size,
        **words,
    )


def name_uploaded(request: HttpRequest, form: FileForm) -> EvidenceItem:
    """Title and words of the form for a file that came before it; of several, each keeps its own name."""
    item = cast("EvidenceItem", form.uploaded[0].evidence)
    if len(form.uploaded) > 1:
        messages.success(
            request, f"{len(form.uploaded)} files are stored. Describe each; this is the first."
        )
        return item
    return describe_evidence(
        item,
        actor=person(request),
        title=form.cleaned_data["title"] or item.title,
        description=form.cleaned_data["description"],
        text_alternative=item.text_alternative,
        happened_on=item.happened_on,
        confidentiality=item.confidentiality,
        consent_given=item.consent_given,
    )


@require_http_methods(["GET", "POST"])
@signed_in
def describe(request: HttpRequest, pk: uuid.UUID, evidence: uuid.UUID) -> HttpResponse:
    """Title, what it shows, who is in it, and which criteria it supports."""
    found = own_portfolio(request, pk)
    item: EvidenceItem = get_object_or_404(person(request).evidence.kept(), pk=evidence)
    mapped = {one.criterion_id: one for one in found.mappings.filter(evidence=item)}
    progress = progress_of(found)
    if request.method == "POST":
        form = DescribeForm(request.POST, request.FILES, portfolio=found, item=item)
        if form.is_valid():
            return save_description(request, found, item, form)
    else:
        chosen = {str(pk) for pk in mapped} | {request.GET.get("criterion", "")}
        initial = {
            "title": item.title,
            "description": item.description,
            "text_alternative": item.text_alternative,
            "happened_on": item.happened_on,
            "confidentiality": item.confidentiality,
            "consent_given": item.consent_given,
            "version": item.version,
            "criteria": list(chosen),
        }
        form = DescribeForm(initial=initial | kept_initial(request), portfolio=found, item=item)
    supports = supports_of(request, form, mapped)
    context = {
        "portfolio": found,
        "item": item,
        "form": form,
        "supports": supports,
        "editable": progress.is_open,
        "view": (view := views_of([item])[item.pk]),
        "gap": access_gap(view) if item.is_document else "",
        "earlier": [(one, transcript_of(one.text)) for one in item.earlier_words.all()[:20]],
    }
    return render(
        request, "portfolios/describe.html", context, status=422 if form.is_bound else 200
    )


def supports_of(
    request: HttpRequest, form: DescribeForm, mapped: dict[Any, EvidenceMapping]
) -> list[tuple[Criterion, EvidenceMapping | None, str, str]]:
    """Claim and place for each criterion: as typed just now, else as saved."""
    rows = []
    for one in form.open_criteria:
        held = mapped.get(one.pk)
        claim, locator = (held.claim, held.locator) if held else ("", "")
        claim = request.POST.get(f"claim_{one.pk}", claim)
        rows.append((one, held, claim, request.POST.get(f"locator_{one.pk}", locator)))
    return rows


def save_description(
    request: HttpRequest, found: Portfolio, item: EvidenceItem, form: DescribeForm
) -> HttpResponse:
    cleaned = form.cleaned_data
    try:
        described = describe_evidence(
            item,
            actor=person(request),
            title=cleaned["title"],
            description=cleaned["description"],
            text_alternative=item.text_alternative if form.words is None else form.words,
            happened_on=cleaned["happened_on"],
            confidentiality=cleaned["confidentiality"],
            consent_given=cleaned["consent_given"],
            seen_version=cleaned["version"],
        )
    except StaleVersion as conflict:
        fresh: EvidenceItem = conflict.theirs
        data = request.POST.copy()
        data["version"] = str(fresh.version)
        form.data = data
        form.add_error(
            None,
            "This evidence was changed in another window. Your words are still here. The saved"
            f" words are: {fresh.title}. {fresh.description}",
        )
        mapped = {one.criterion_id: one for one in found.mappings.filter(evidence=item)}
        supports = supports_of(request, form, mapped)
        context = {"portfolio": found, "item": fresh, "form": form, "supports": supports}
        return render(
            request, "portfolios/describe.html", {**context, "editable": True}, status=409
        )
    chosen = {one.pk for one in form.chosen}
    held = set(found.mappings.filter(evidence=item).values_list("criterion_id", flat=True))
    for criterion in form.open_criteria:
        if criterion.pk in chosen:
            map_evidence(
                found,
                described,
                criterion,
                actor=person(request),
                claim=request.POST.get(f"claim_{criterion.pk}", ""),
                locator=request.POST.get(f"locator_{criterion.pk}", ""),
            )
        elif criterion.pk in held:
            unmap_evidence(found, described, criterion, actor=person(request))
    messages.success(request, f"Saved “{described.title}”.")
    if form.chosen:
        return redirect("portfolios:outcome", found.pk, form.chosen[0].outcome.number)
    return redirect("portfolios:evidence", found.pk)


@require_POST
@signed_in
def remove(request: HttpRequest, evidence: uuid.UUID) -> HttpResponse:
    """Take an item out of the library; it can be brought back for a while."""
    item = get_object_or_404(EvidenceItem.objects.visible_to(person(request)).kept(), pk=evidence)
    remove_evidence(item, actor=person(request))
    messages.success(request, f"Removed “{item.title}”. You can undo this at the end of this page.")
    return redirect("portfolios:library")


@require_POST
@signed_in
def restore(request: HttpRequest, evidence: uuid.UUID) -> HttpResponse:
    """Undo a removal."""
    item = get_object_or_404(EvidenceItem.objects.visible_to(person(request)), pk=evidence)
    restore_evidence(item, actor=person(request))
    messages.success(request, f"“{item.title}” is back. It is checked again first.")
    return redirect("portfolios:library")


def visible_item(request: HttpRequest, evidence: uuid.UUID, *, links: bool = False) -> EvidenceItem:
    """The item, if this person may see it now and it passed its check. Somebody else's opening is noted.

    All pages of a document and all pieces of a film within ten minutes are one opening.
    """
    item: EvidenceItem = get_object_or_404(
        EvidenceItem.objects.visible_to(person(request)), pk=evidence
    )
    if item.state != EvidenceState.READY or (item.kind == EvidenceKind.LINK and not links):
        raise Http404
    if item.owner_id != request.user.pk:
        open_once(item, actor=person(request), purpose="evidence")
    return item


@dataclass(frozen=True)
class Handed:
    """The bytes that this person gets: the learner the original, everybody else the copy without metadata."""

    key: str
    size: int
    media_type: str
    name: str

    @classmethod
    def copy_of(cls, item: EvidenceItem, number: int) -> "Handed":
        """The copy without metadata, under a name that says nothing. 404 where it may not be handed out."""
        extension = definitions.ALLOWED.get(item.copy_type, ("",))[0]
        if not item.copy_key or is_altered(item.copy_key):
            raise Http404
        name = neutral_name(number, extension)
        return cls(item.copy_key, item.copy_size, item.copy_type, name)


def handed_to(request: HttpRequest, item: EvidenceItem) -> Handed:
    """404 where there is no copy for others, and where the store holds other bytes than were stored."""
    if item.owner_id == request.user.pk:
        handed = Handed(item.storage_key, item.size, item.media_type, item.original_name)
        if not handed.key or is_altered(handed.key):
            raise Http404
        return handed
    number = item.pins.order_by("number").values_list("number", flat=True).first() or 1
    return Handed.copy_of(item, number)


def protect(response: HttpResponse | StreamingHttpResponse) -> Any:
    """Bytes of people never run as a page of ours, are never cached, never sniffed."""
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, no-store"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@require_safe
@signed_in
def serve(request: HttpRequest, evidence: uuid.UUID) -> Any:
    """The bytes, after asking each time who wants them. One range at a time, for players.

    Who follows the link gets the file from the host of evidence, where there is one, by an address signed
    for a minute. What a page of ours loads (players ask for ranges) comes through here, each piece anew.
    """
    item = visible_item(request, evidence)
    if item.kind == EvidenceKind.NOTE:
        response: Any = HttpResponse(item.note, content_type="text/plain; charset=utf-8")
        owns = item.owner_id == request.user.pk
        number = item.pins.order_by("number").values_list("number", flat=True).first() or 1
        name = f"{item.title}.txt" if owns else neutral_name(number, "txt")
        response["Content-Disposition"] = content_disposition_header(True, name)
        return protect(response)
    return hand_out(request, handed_to(request, item))


@require_safe
@signed_in
def original(request: HttpRequest, evidence: uuid.UUID) -> Any:
    """The untouched bytes, also of what was refused: for administrators, as a file to look into, noted."""
    item: EvidenceItem = get_object_or_404(
        EvidenceItem.objects.inspectable_by(person(request)).exclude(storage_key=""), pk=evidence
    )
    open_record(item, actor=person(request), purpose="original")
    handed = Handed(
        item.storage_key, item.size, "application/octet-stream", f"original-{item.sha256[:12]}.bin"
    )
    return hand_out(request, handed)


def hand_out(request: HttpRequest, handed: Handed) -> Any:
    if elsewhere := on_evidence_host(request, handed):
        return protect(HttpResponseRedirect(elsewhere))
    response = by_proxy(handed) or ranged(request, handed)
    response["Content-Disposition"] = content_disposition_header(True, handed.name)
    return protect(response)


def on_evidence_host(request: HttpRequest, handed: Handed) -> str | None:
    """The signed address of the file on its own host name; None without such a host, and for parts of pages."""
    followed = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    if not settings.EVIDENCE_HOST or not followed or "Range" in request.headers:
        return None
    media_type = handed.media_type or "application/octet-stream"
    return storage.presigned(handed.key, name=handed.name, media_type=media_type)


def by_proxy(handed: Handed) -> HttpResponse | None:
    """An answer whose bytes nginx puts in, ranges included; None where there is no such proxy, or no folder."""
    if not settings.EVIDENCE_ACCEL or kind_of_store() != DISK:
        return None
    response = HttpResponse(content_type=handed.media_type or "application/octet-stream")
    response["X-Accel-Redirect"] = f"/{settings.EVIDENCE_ACCEL}/{handed.key}"
    del response["Content-Length"]
    return response


def ranged(request: HttpRequest, handed: Handed) -> Any:
    """200 with everything, 206 with one range, 416 where the range lies outside.

    A range on the condition (If-Range) that the bytes are still those of another tag gives everything.
    """
    # Keys end with the hash of the bytes, so the same key is the same content for ever.
    tag = f'"{handed.key.rsplit("/", 1)[-1]}"'
    asked = request.headers.get("Range", "")
    wanted = ONE_RANGE.match(asked) if request.headers.get("If-Range", tag) == tag else None
    start, end = 0, handed.size - 1
    partial = bool(wanted and (wanted[1] or wanted[2]))
    if wanted and partial:
        if wanted[1]:
            start = int(wanted[1])
            end = min(int(wanted[2]), end) if wanted[2] else end
        else:
            start = max(0, handed.size - int(wanted[2]))
        if start > end or start >= handed.size:
            refused = HttpResponse(status=416)
            refused["Content-Range"] = f"bytes */{handed.size}"
            return refused
    pieces = storage.read(handed.key, start, end if partial else None)
    response = StreamingHttpResponse(
        () if request.method == "HEAD" else pieces,
        status=206 if partial else 200,
        content_type=handed.media_type or "application/octet-stream",
    )
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = tag
    response["Content-Length"] = str(end - start + 1)
    if partial:
        response["Content-Range"] = f"bytes {start}-{end}/{handed.size}"
    return response


@require_safe
@signed_in
def preview(request: HttpRequest, evidence: uuid.UUID) -> Any:
    """The copy of a picture: encoded by us, upright, without location. The only bytes shown inline."""
    return shown_copy(visible_item(request, evidence))


def shown_copy(item: EvidenceItem) -> Any:
    """A picture in the page, for somebody who may see the item; 404 for all else."""
    if not item.has_preview or is_altered(item.copy_key):
        raise Http404
    response = StreamingHttpResponse(storage.read(item.copy_key), content_type=item.copy_type)
    response["Content-Length"] = str(item.copy_size)
    response["Content-Disposition"] = "inline"
    return protect(response)
