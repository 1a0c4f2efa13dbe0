"""The public check of a receipt. Says yes or no, and nothing else."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portfolios.forms import ReceiptForm
from portfolios.models import Submission
from portfolios.views.shared import too_many


@sensitive_post_parameters("fingerprint")
@require_http_methods(["GET", "HEAD", "POST"])
def receipts(request: HttpRequest) -> HttpResponse:
    """Unknown reference and wrong fingerprint get the same answer after the same work."""
    if request.method != "POST":
        return render(request, "portfolios/receipts.html", {"form": ReceiptForm()})
    if too_many(request, "receipts"):
        context = {"form": ReceiptForm(), "limited": True}
        return render(request, "portfolios/receipts.html", context, status=429)
    form = ReceiptForm(request.POST)
    if not form.is_valid():
        return render(request, "portfolios/receipts.html", {"form": form}, status=422)
    found = Submission.objects.filter(reference=form.cleaned_data["reference"]).first()
    kept = found.fingerprint if found else "0" * 64
    matches = constant_time_compare(kept, form.cleaned_data["fingerprint"]) and found is not None
    context = {"form": form, "checked": True, "matches": matches}
    return render(request, "portfolios/receipts.html", context)
