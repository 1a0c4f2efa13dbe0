"""Home, role switch, the pages about the service, errors, and the frame around every page."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.views import person
from config.navigation import SESSION_KEY, address, frame_for, role_in_use, roles_of


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context that every page's header and footer need."""
    user = getattr(request, "user", None)
    return {
        "frame": frame_for(request),
        "theme": getattr(user, "theme", "device"),
        "demonstration": demonstration,
    }


def demonstration() -> dict[str, Any] | None:
    """Who can sign in to a demonstration, for its sign-in page; None where there is none.

    Called by the template that shows it, so no other page asks. Never in production.
    """
    if not settings.DEMO_ALLOWED:
        return None
    demo = import_module("config.demo")  # it needs typst and Pillow, which no page does
    if not demo.is_loaded():
        return None
    return {"accounts": demo.demo_accounts(), "password": demo.PASSWORD}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Send a person to the home of the role they last used."""
    if not isinstance(request.user, User):
        return redirect("account_login")
    role = role_in_use(request, roles_of(request.user))
    target = address(role.home) if role else None
    if target is None:
        return render(request, "pages/no_role.html")
    return redirect(target)


@require_POST
@login_required
def switch_role(request: HttpRequest) -> HttpResponse:
    """Work as another of one's own roles from now on."""
    wanted = request.POST.get("role")
    if any(role.code == wanted for role in roles_of(person(request))):
        request.session[SESSION_KEY] = wanted
    return redirect("home")


@require_safe
def page(request: HttpRequest, template: str) -> HttpResponse:
    """A page of words, open to everybody."""
    return render(request, f"pages/{template}.html")
