"""A person's own settings."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actions import change_settings
from accounts.forms import SettingsForm
from accounts.models import User


@require_safe
@login_required
def email(request: HttpRequest) -> HttpResponse:
    """The address a person signs in with, which only an administrator changes."""
    return render(request, "account/email.html")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    """Name, colours, time zone; links to password and second steps."""
    person = User.objects.get(pk=cast("User", request.user).pk)  # the form fills its own copy
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=person)
    if request.method == "POST" and form.is_valid():
        change_settings(actor=person, **form.cleaned_data)
        messages.success(request, "Your settings are saved.")
        return redirect("accounts:settings")
    return render(
        request, "accounts/settings.html", {"form": form}, status=422 if form.errors else 200
    )
