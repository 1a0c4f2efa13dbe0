"""Resumable uploads by the tus protocol, version 1.0.0 (tus.io/protocols/resumable-upload).

Core with creation, creation-with-upload, termination, checksum and expiration. No concatenation. Refusals
are one sentence of plain text, which the page shows as it is.
"""

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.http import http_date
from django.views.decorators.http import require_POST

from accounts.views import person
from portfolios import rules
from portfolios.actions.scanning import wake_scanner_after_commit
from portfolios.actions.uploading import begin_upload, cancel_upload, offset_of, receive
from portfolios.enums import EvidenceState
from portfolios.exceptions import (
    ChecksumDiffers,
    NoRoom,
    OffsetDiffers,
    UploadBusy,
    UploadGone,
    UploadRefused,
)
from portfolios.models import Portfolio, UploadSession
from portfolios.storage.intake import Checksum
from portfolios.views.shared import signed_in
from workflows.exceptions import GuardsNotMet, NotPermitted

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
ALGORITHMS = ("sha1", "sha256")
BODY = "application/offset+octet-stream"
PIECE = 256 * 1024
"""A process that is killed takes at most so much with it."""
CODES = {"too_big": 413, "no_room": 413, "too_long": 413}
DIGITS = re.compile(r"[0-9]{1,18}$")
View = Callable[..., HttpResponse]


class Refusal(Exception):  # noqa: N818  an answer, not a fault
    """An answer other than the one hoped for: code, sentence, headers."""

    def __init__(self, code: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.headers = code, sentence, headers


def tus(view: View) -> View:
    """Version check, sign-in without a detour to a page, every refusal as code and sentence."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = _asked(view, request, *args, **kwargs)
        except Refusal as refusal:
            response = plain(refusal.code, refusal.sentence)
            for name, value in refusal.headers.items():
                response[name.replace("_", "-")] = value
        response["Tus-Resumable"] = VERSION
        response["Cache-Control"] = "private, no-store"
        return response

    return answered


def plain(code: int, sentence: str) -> HttpResponse:
    return HttpResponse(sentence, content_type="text/plain; charset=utf-8", status=code)


def _asked(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    if request.method == "OPTIONS":
        return options()
    if not request.user.is_authenticated:
        raise Refusal(401, "You were signed out. Sign in again in another tab, then go on here.")
    if request.method != "GET" and request.headers.get("Tus-Resumable") != VERSION:
        raise Refusal(412, f"This server speaks tus {VERSION}.", Tus_Version=VERSION)
    try:
        return view(request, *args, **kwargs)
    except OffsetDiffers as error:
        raise Refusal(409, str(error), Upload_Offset=str(error.offset)) from error
    except UploadBusy as error:
        raise Refusal(423, "This file is being sent already. Wait a moment.") from error
    except UploadGone as error:
        raise Refusal(410, "This upload is over. Choose the file again.") from error
    except ChecksumDiffers as error:
        raise Refusal(460, "The bytes were damaged on the way. Send them again.") from error
    except NoRoom as error:
        sentence = "The server has no room at the moment. What was sent is kept; go on later."
        raise Refusal(507, sentence) from error
    except (BotoCoreError, ClientError) as error:
        sentence = "The store does not answer at the moment. What was sent is kept; go on later."
        raise Refusal(503, sentence) from error
    except UploadRefused as error:
        raise Refusal(CODES.get(error.code, 422), error.message) from error
    except GuardsNotMet as error:
        raise Refusal(422, " ".join(str(one.message) for one in error.guards)) from error
    except NotPermitted as error:
        raise Refusal(403, str(error)) from error


def options() -> HttpResponse:
    """What this server can do; asked before anything else, by anybody."""
    response = HttpResponse(status=204)
    response["Tus-Version"] = VERSION
    response["Tus-Extension"] = EXTENSIONS
    response["Tus-Max-Size"] = str(settings.EVIDENCE_MAX_BYTES)
    response["Tus-Checksum-Algorithm"] = ",".join(ALGORITHMS)
    return response


def only(request: HttpRequest, *methods: str) -> str:
    """The method; a client that can only POST may name another in a header."""
    method = request.method or ""
    if method == "POST":
        method = request.headers.get("X-HTTP-Method-Override", method).upper()
    if method not in methods:
        raise Refusal(405, "Not possible here.", Allow=", ".join((*methods, "OPTIONS")))
    return method


@tus
def uploads(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Open an upload for one's own portfolio; with a body of the right type it is the first chunk."""
    only(request, "POST")
    found: Portfolio | None = Portfolio.objects.visible_to(person(request)).filter(pk=pk).first()
    if found is None:
        raise Refusal(404, "There is no such portfolio.")
    if not rules.owns_portfolio(found, person(request)):
        raise Refusal(403, "Only the learner adds evidence here.")
    length = number(request, "Upload-Length")
    told = metadata(request.headers.get("Upload-Metadata", ""))
    session = begin_upload(
        found,
        actor=person(request),
        name=told.get("filename", "") or told.get("name", ""),
        length=length,
        kind=told.get("kind", ""),
        declared_type=told.get("filetype", ""),
        sha256=told.get("sha256", "").lower(),
    )
    offset = 0
    if request.content_type == BODY:
        session, offset = take(request, session, 0)
    response = HttpResponse(status=201)
    response["Location"] = reverse("portfolios:upload", args=[session.pk])
    return positioned(response, session, offset)


@tus
def upload(request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
    """One upload of one's own: where it stands, more of it, away with it, and for pages what became of it."""
    method = only(request, "HEAD", "PATCH", "DELETE", "GET")
    session: UploadSession | None = (
        UploadSession.objects.visible_to(person(request))
        .select_related("portfolio__enrolment__delivery__version__micro_credential", "owner")
        .filter(pk=upload)
        .first()
    )
    if session is None:
        raise Refusal(404, "There is no such upload.")
    if method == "GET":
        return told_of(session)
    if method == "DELETE":
        cancel_upload(session, actor=person(request))
        return HttpResponse(status=204)
    if method == "PATCH":
        if request.content_type != BODY:
            raise Refusal(415, f"The content type must be {BODY}.")
        session, offset = take(request, session, number(request, "Upload-Offset"))
        return positioned(HttpResponse(status=204), session, offset)
    response = HttpResponse(status=200)
    response["Upload-Length"] = str(session.length)
    return positioned(response, session, offset_of(session))


def take(request: HttpRequest, session: UploadSession, at: int) -> tuple[UploadSession, int]:
    if not DIGITS.match(request.META.get("CONTENT_LENGTH") or ""):
        raise Refusal(411, "This server needs a Content-Length header.")
    return receive(
        session,
        actor=person(request),
        at=at,
        pieces=pieces(request),
        announced=int(request.META["CONTENT_LENGTH"]),
        checksum=checksum(request.headers.get("Upload-Checksum", "")),
    )


def pieces(request: HttpRequest) -> Iterator[bytes]:
    """The body as it comes. A line that breaks looks like its end; what came until then counts."""
    while True:
        try:
            piece = request.read(PIECE)
        except UnreadablePostError:
            return
        if not piece:
            return
        yield piece


def positioned(response: HttpResponse, session: UploadSession, offset: int) -> HttpResponse:
    response["Upload-Offset"] = str(offset)
    if session.evidence_id is None:
        response["Upload-Expires"] = http_date(session.expires_at.timestamp())
    return response


def told_of(session: UploadSession) -> HttpResponse:
    """What became of it: evidence with the page that describes it, a refusal, or still on its way.

    Wakes the scanner where the evidence waits for it: the process that took the bytes in may be one that cannot.
    """
    facts: dict[str, Any] = {"evidence": None, "refusal": session.refusal}
    if session.evidence is not None:
        if session.evidence.state == EvidenceState.STORED:
            wake_scanner_after_commit()
        facts["evidence"] = str(session.evidence_id)
        facts["describe"] = reverse(
            "portfolios:describe", args=[session.portfolio_id, session.evidence_id]
        )
    return JsonResponse(facts)


def number(request: HttpRequest, header: str) -> int:
    value = request.headers.get(header, "")
    if not DIGITS.match(value):
        raise Refusal(400, f"{header} must be a number.")
    return int(value)


def metadata(header: str) -> dict[str, str]:
    """Keys with values in Base64, separated by commas."""
    found: dict[str, str] = {}
    for pair in filter(None, header.split(",")):
        key, _space, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except binascii.Error:
            raise Refusal(400, "Upload-Metadata cannot be read.") from None
    return found


def checksum(header: str) -> Checksum | None:
    if not header:
        return None
    algorithm, _space, value = header.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except binascii.Error:
        digest = b""
    if algorithm not in ALGORITHMS or not digest:
        raise Refusal(400, f"Upload-Checksum must be one of {', '.join(ALGORITHMS)}, in Base64.")
    return Checksum(algorithm, digest)


@require_POST
@signed_in
def stop(request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
    """Remove an upload that did not come to its end, from the list on the page."""
    mine = UploadSession.objects.visible_to(person(request))
    session: UploadSession = get_object_or_404(mine.select_related("portfolio"), pk=upload)
    cancel_upload(session, actor=person(request))
    messages.success(request, f"Removed the unfinished upload of “{session.name}”.")
    return redirect("portfolios:evidence", session.portfolio_id)


addresses = [
    path("learn/p/<uuid:pk>/uploads/", uploads, name="uploads"),
    path("learn/uploads/<uuid:upload>/", upload, name="upload"),
]
"""Those of the protocol, which a process of its own may serve."""


def names(view: View) -> list[URLPattern]:
    """The pages that answers point to, for a process that has not got them, led to a view that says so."""
    return [path("learn/p/<uuid:pk>/evidence/<uuid:evidence>/", view, name="describe")]
