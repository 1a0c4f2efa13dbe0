"""Addresses of the learner's work."""

from django.urls import path

from portfolios.views import (
    asking,
    events,
    evidence,
    learner,
    public,
    staff,
    submission,
    upload,
    verifier,
)

app_name = "portfolios"

urlpatterns = [
    path("learn/", learner.home, name="home"),
    path("learn/evidence/", evidence.library, name="library"),
    path("learn/evidence/<uuid:evidence>/remove/", evidence.remove, name="remove"),
    path("learn/evidence/<uuid:evidence>/restore/", evidence.restore, name="restore"),
    path("learn/p/<uuid:pk>/", learner.portfolio, name="portfolio"),
    path("learn/p/<uuid:pk>/brief/", learner.brief, name="brief"),
    path("learn/p/<uuid:pk>/o/<int:number>/", learner.outcome, name="outcome"),
    path("learn/p/<uuid:pk>/reflect/<uuid:criterion>/", learner.reflect, name="reflect"),
    path("learn/p/<uuid:pk>/unmap/<uuid:criterion>/<uuid:evidence>/", learner.unmap, name="unmap"),
    path("learn/p/<uuid:pk>/map/", learner.evidence_map, name="map"),
    path("learn/p/<uuid:pk>/evidence/", evidence.library, name="evidence"),
    path("learn/p/<uuid:pk>/evidence/add/", evidence.add, name="add"),
    path("learn/p/<uuid:pk>/evidence/add/<slug:kind>/", evidence.add_kind, name="add_kind"),
    path("learn/p/<uuid:pk>/uploads/", upload.uploads, name="uploads"),
    path("learn/uploads/<uuid:upload>/", upload.upload, name="upload"),
    path("learn/uploads/<uuid:upload>/stop/", upload.stop, name="stop_upload"),
    path("learn/p/<uuid:pk>/evidence/<uuid:evidence>/", evidence.describe, name="describe"),
    path("learn/p/<uuid:pk>/check/", submission.check, name="check"),
    path("learn/p/<uuid:pk>/submit/", submission.submit, name="submit"),
    path("learn/p/<uuid:pk>/submit/stop/", submission.stop_automatic, name="stop_automatic"),
    path("learn/p/<uuid:pk>/receipt/", submission.receipt, name="receipt"),
    path("learn/p/<uuid:pk>/receipt/<str:reference>/", submission.receipt, name="receipt_of"),
    path(
        "learn/p/<uuid:pk>/receipt/<str:reference>/receipt.pdf",
        submission.receipt_file,
        name="receipt_pdf",
    ),
    path(
        "learn/p/<uuid:pk>/receipt/<str:reference>/files.json",
        submission.file_list,
        name="file_list",
    ),
    path("learn/p/<uuid:pk>/withdraw/", submission.withdraw, name="withdraw"),
    path("learn/p/<uuid:pk>/state/", submission.state, name="state"),
    path("learn/p/<uuid:pk>/result/", submission.result, name="result"),
    path("learn/p/<uuid:pk>/time/", asking.more_time, name="time"),
    path("learn/p/<uuid:pk>/ask/", asking.ask, name="ask"),
    path("learn/p/<uuid:pk>/ask/<uuid:attestation>/revoke/", asking.revoke, name="revoke"),
    path("manage/extensions/", staff.extensions, name="extensions"),
    path(
        "manage/deliveries/<uuid:delivery>/tasks/<uuid:task>/more-time/",
        events.more_time_for_all,
        name="more_time_for_all",
    ),
    path("manage/extensions/<uuid:pk>/", staff.extension, name="extension"),
    path("manage/portfolios/<uuid:pk>/waive/", staff.waive, name="waive"),
    path("manage/submissions/<uuid:submission>/holds/", staff.holds, name="holds"),
    path("manage/submissions/<uuid:submission>/holds/<int:hold>/lift/", staff.lift, name="lift"),
    path("evidence/<uuid:evidence>/", evidence.serve, name="serve"),
    path("evidence/<uuid:evidence>/preview/", evidence.preview, name="preview"),
    path("receipts/", public.receipts, name="receipts"),
    path("v/confirm/", verifier.confirm, name="verifier_confirm"),
    path("v/done/", verifier.done, name="verifier_done"),
    path("v/<str:token>/", verifier.request_page, name="verifier_request"),
]
