"""The answer to a probe that asks whether this process lives. Apart from `health`, which looks at everything."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. Touches nothing else, so that a database outage restarts nobody."""
    return JsonResponse({"state": "alive"})
