"""Addresses of marking."""

from django.urls import path

from assessment.views import (
    allocation,
    bank,
    comments,
    exemplars,
    learner,
    marking,
    names,
    queue,
)

app_name = "assessment"

urlpatterns = [
    path("assess/", queue.home, name="home"),
    path("assess/queue/", queue.queue, name="queue"),
    path("assess/claim/", queue.claim, name="claim"),
    path("assess/exemplars/", exemplars.bank, name="exemplars"),
    path("assess/exemplars/new/<uuid:task>/", exemplars.new, name="new_exemplar"),
    path("assess/exemplars/<uuid:pk>/", exemplars.exemplar, name="exemplar"),
    path("assess/exemplars/<uuid:pk>/retire/", exemplars.retire, name="retire_exemplar"),
    path("assess/exemplars/<uuid:pk>/<int:number>/", exemplars.evidence, name="exemplar_evidence"),
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
    path("assess/m/<uuid:pk>/comments/table.csv", comments.table, name="comments_table"),
    path("assess/m/<uuid:pk>/comments/<int:number>.vtt", comments.captions, name="comments_vtt"),
    path("assess/m/<uuid:pk>/comments/on/<int:number>/", comments.write, name="comment"),
    path("assess/m/<uuid:pk>/comments/<uuid:comment>/", comments.change, name="change_comment"),
    path("assess/m/<uuid:pk>/comments/<uuid:comment>/mark/", comments.mark, name="mark_comment"),
    path("assess/comments/", bank.bank, name="bank"),
    path("assess/comments/new/", bank.prepare, name="prepare"),
    path("assess/comments/<uuid:pk>/", bank.change, name="change_prepared"),
    path("assess/comments/<uuid:pk>/remove/", bank.remove, name="remove_prepared"),
    path("assess/comments/<uuid:pk>/used/", bank.used, name="used_prepared"),
    path("assess/m/<uuid:pk>/learner/", names.learner, name="reveal_learner"),
    path("learn/assessor/<uuid:pk>/", names.assessor, name="reveal_assessor"),
    path("learn/referral/<uuid:pk>/", learner.referral_feedback, name="referral_feedback"),
]
