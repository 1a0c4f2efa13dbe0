"""What the mail provider reports back: addresses that bounce, people who complain."""

import hashlib
import hmac
import json

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from workflows.actions.preferences import suspend_address
from workflows.enums import SuspendedFor

LARGEST = 200_000
MOST = 500


@csrf_exempt
@require_POST
def mail_feedback(request: HttpRequest) -> HttpResponse:
    """Take in a signed report: {"events": [{"address": …, "kind": "bounce" | "complaint", "detail": …}]}.

    X-Moderato-Signature holds "sha256=" and the HMAC of the body under MAIL_FEEDBACK_SECRET. Repeats are
    harmless; without the secret there is no such address.
    """
    if not settings.MAIL_FEEDBACK_SECRET:
        raise Http404
    body = request.body
    wanted = hmac.new(settings.MAIL_FEEDBACK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    given = request.headers.get("X-Moderato-Signature", "")
    if len(body) > LARGEST or not hmac.compare_digest(given.encode(), f"sha256={wanted}".encode()):
        return JsonResponse({"error": "The signature is not right."}, status=403)
    try:
        events = json.loads(body)["events"]
        read = [
            (str(one["address"]), SuspendedFor(one["kind"]), str(one.get("detail", "")))
            for one in events[:MOST]
        ]
        for address, _kind, _detail in read:
            validate_email(address)
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return JsonResponse({"error": "This is no report of bounces."}, status=422)
    for address, kind, detail in read:
        suspend_address(address, because=kind, detail=detail)
    return JsonResponse({"taken": len(read)})
