"""The addresses of the process that takes uploads in: those of the protocol, and that of its probe.

nginx sends it these alone (deploy/nginx.conf).
"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path

from config import alive
from portfolios.views.upload import addresses, names


def elsewhere(request: HttpRequest, **_keys: Any) -> HttpResponse:
    """A page that another process gives; here it has its name alone, so that an answer can point to it."""
    raise Http404


urlpatterns = [
    path("healthz", alive.healthz, name="healthz"),
    path("", include(([*addresses, *names(elsewhere)], "portfolios"))),
]
