"""All addresses."""

from django.apps import apps
from django.contrib import admin
from django.urls import include, path

from config import alive, health, views

urlpatterns = [
    path("healthz", alive.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("", views.home, name="home"),
    path("role/", views.switch_role, name="switch_role"),
    path("help/", views.page, {"template": "help"}, name="help"),
    path("accessibility/", views.page, {"template": "accessibility"}, name="accessibility"),
    path("privacy/", views.page, {"template": "privacy"}, name="privacy"),
    path("copyright/", views.page, {"template": "copyright"}, name="copyright"),
    path("", include("accounts.urls")),
    path("", include("workflows.urls")),
    path("manage/", include("catalogue.urls")),
    path("", include("portfolios.urls")),
    path("", include("awards.urls")),
    path("", include("assessment.urls")),
    path("moderate/", include("moderation.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
if apps.is_installed("anymail"):
    # The provider's webhook; anymail checks its signature or ANYMAIL's WEBHOOK_SECRET.
    urlpatterns.append(path("hooks/anymail/", include("anymail.urls")))
