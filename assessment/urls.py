"""Addresses of marking."""

from django.urls import path

from assessment.views import allocation, learner, marking, queue

app_name = "assessment"

urlpatterns = [
    path("assess/", queue.home, name="home"),
    path("assess/queue/", queue.queue, name="queue"),
    path("assess/claim/", queue.claim, name="claim"),
    path("assess/allocate/<uuid:delivery>/", allocation.board, name="allocate"),
    path("assess/allocate/<uuid:delivery>/shares/", allocation.shares, name="shares"),
    path("assess/allocate/<uuid:delivery>/share-out/", allocation.share_out, name="share_out"),
    path("assess/allocate/<uuid:delivery>/end/<uuid:pk>/", allocation.end, name="end"),
    path("assess/allocate/<uuid:delivery>/<uuid:pk>/", allocation.one, name="allocate_one"),
    path("assess/m/<uuid:pk>/", marking.workspace, name="workspace"),
    path("assess/m/<uuid:pk>/start/", marking.start, name="start"),
    path("assess/m/<uuid:pk>/save/", marking.save, name="save"),
    path("assess/m/<uuid:pk>/autosave/", marking.autosave, name="autosave"),
    path("assess/m/<uuid:pk>/result/", marking.result, name="result"),
    path("assess/m/<uuid:pk>/lease/", marking.lease, name="lease"),
    path("assess/m/<uuid:pk>/take-over/", marking.take, name="take_over"),
    path("assess/m/<uuid:pk>/again/", marking.again, name="look_again"),
    path("assess/m/<uuid:pk>/hand-back/", marking.hand_back, name="hand_back"),
    path("assess/m/<uuid:pk>/finish/", marking.finish, name="finish"),
    path("assess/m/<uuid:pk>/recorded/", marking.recorded, name="recorded"),
    path("learn/referral/<uuid:pk>/", learner.referral_feedback, name="referral_feedback"),
]
