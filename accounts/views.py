"""A person's own settings."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions import change_settings, choose_shortcuts
from accounts.definitions import keys_of
from accounts.forms import SettingsForm, ShortcutsForm
from accounts.models import User


def person(request: HttpRequest) -> User:
    """Who is asking. For views that only signed-in people reach; it asks nothing itself."""
    return cast("User", request.user)


@require_safe
@login_required
def email(request: HttpRequest) -> HttpResponse:
    """The address a person signs in with, which only an administrator changes."""
    return render(request, "account/email.html")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    """Name, colours, time zone; links to password and second steps."""
    me = User.objects.get(pk=person(request).pk)  # the form fills its own copy
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=me)
    if request.method == "POST" and form.is_valid():
        change_settings(actor=me, **form.cleaned_data)
        messages.success(request, "Your settings are saved.")
        return redirect("accounts:settings")
    return render(
        request, "accounts/settings.html", {"form": form}, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def shortcuts(request: HttpRequest) -> HttpResponse:
    """The keyboard map of marking: on or off, and which key does what."""
    me = person(request)
    form = ShortcutsForm(
        request.POST if request.method == "POST" else None, keys=keys_of(me.shortcuts)
    )
    if request.method == "POST" and form.is_valid():
        choose_shortcuts(actor=me, on=form.cleaned_data["on"], keys=form.keys)
        messages.success(request, "Your keys are saved.")
        return redirect("accounts:shortcuts")
    return render(
        request, "accounts/shortcuts.html", {"form": form}, status=422 if form.errors else 200
    )


@require_POST
@login_required
def switch_shortcuts(request: HttpRequest) -> HttpResponse:
    """Switch the keys on or off from the page on which they work; the page itself stays."""
    choose_shortcuts(actor=person(request), on=request.POST.get("on") == "yes")
    return HttpResponse(status=204)
