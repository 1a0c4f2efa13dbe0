"""Rules for every response and request, whatever the view."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from portfolios.views.shared import KEPT, keep_words

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequireContentLength:
    """Answer 411 to a chunked body: WSGI would read it as an empty file without an error."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            return HttpResponse("This server needs a Content-Length header.\n", status=411)
        return self.get_response(request)


class NoNulBytes:
    """Answer 400 to an address with a NUL in it: no database keeps one, so nothing can be meant by it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("NUL in the address")
        return self.get_response(request)


class OwnResources:
    """Let no other site put a response of ours into its pages, where the view has not said so itself."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class PrivateResponses:
    """Mark what a signed-in person gets `private, no-store`, so that no cache hands it to somebody else."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.user.is_authenticated and "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-store"
        return response


class UnsentWords:
    """Give back what somebody sent after their session had ended, on the page where they typed it.

    Nothing is saved before they say so. A view that fills its own form with the words has taken them by
    then. Files are not kept, nor what pages about the account ask for (passwords), nor what a script sends:
    it keeps its words on the device.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "POST":
            return self.keep(request, response)
        if request.method == "GET" and response.status_code == 200 and not response.streaming:
            return self.give_back(request, response)
        return response

    def keep(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Where a form was answered with the sign-in: keep its words, and come back to its page."""
        if request.user.is_authenticated:
            kept = self.kept(request)
            if kept and kept["action"] == request.get_full_path():
                del request.session[KEPT]
            return response
        login = f"{reverse('account_login')}?next="
        away = response.status_code != 302 or not response["Location"].startswith(login)
        if away or request.path.startswith("/accounts/") or by_script(request):
            return response
        page = page_of(request)
        if set(request.POST) - {"csrfmiddlewaretoken"}:
            request.session.pop(KEPT, None)
            keep_words(request)
        if KEPT in request.session:
            more = {"page": page, "action": request.get_full_path(), "files": bool(request.FILES)}
            request.session[KEPT] = {**request.session[KEPT], **more}
        return redirect_to_login(page)

    def give_back(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Once the page may be seen again: the words instead of the page, until they are sent or left."""
        if not response["Content-Type"].startswith("text/html") or by_script(request):
            return response
        kept = self.kept(request)
        if kept is None or urlsplit(kept["page"]).path != request.path:
            return response
        if request.GET.get("unsent") == "leave":
            del request.session[KEPT]
            return redirect(kept["page"])
        values = [(name, value) for name, found in kept["words"].items() for value in found]
        return render(
            request,
            "pages/unsent.html",
            {
                "values": values,
                "words": [value for _name, value in values if " " in value.strip()],
                "action": kept["action"],
                "had_files": kept["files"],
                "leave": f"{kept['page']}{'&' if '?' in kept['page'] else '?'}unsent=leave",
            },
        )

    def kept(self, request: HttpRequest) -> dict[str, Any] | None:
        """What waits for a person who has signed in again."""
        if not request.user.is_authenticated:
            return None
        kept: dict[str, Any] | None = request.session.get(KEPT)
        return kept if kept and "page" in kept else None


def by_script(request: HttpRequest) -> bool:
    """Sent by fetch or htmx, not by a form."""
    return "X-Requested-With" in request.headers or "HX-Request" in request.headers


def page_of(request: HttpRequest) -> str:
    """The page of ours on which the form stood; its own address where the browser does not say."""
    came = urlsplit(request.headers.get("Referer", ""))
    ours = came.netloc == request.get_host() and not came.path.startswith("//")
    if not ours or came.path.startswith("/accounts/"):
        return request.get_full_path()
    return f"{came.path}?{came.query}" if came.query else came.path
