"""Addresses of a person's own pages."""

from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("settings/", views.settings, name="settings"),
    path("settings/shortcuts/", views.shortcuts, name="shortcuts"),
    path("settings/shortcuts/switch/", views.switch_shortcuts, name="switch_shortcuts"),
    # In the place of allauth's page of the same address, on which people could change their address.
    path("accounts/email/", views.email, name="email"),
]
