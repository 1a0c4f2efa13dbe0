"""Addresses of confirmation."""

from django.urls import path

from awards.views import administrator, learner, public, ratifier, reconsideration

app_name = "awards"

urlpatterns = [
    path("ratify/", ratifier.home, name="home"),
    path("ratify/sets/<uuid:delivery>/<uuid:task>/", ratifier.ready_set, name="set"),
    path("ratify/batches/<uuid:pk>/", ratifier.batch, name="batch"),
    path("ratify/batches/<uuid:pk>/sign/", ratifier.sign, name="sign"),
    path("ratify/batches/<uuid:pk>/cancel/", ratifier.cancel, name="cancel_batch"),
    path("ratify/batches/<uuid:pk>/result/", ratifier.batch_result, name="batch_result"),
    path(
        "ratify/reconsiderations/<uuid:pk>/",
        reconsideration.reconsideration,
        name="reconsideration",
    ),
    path("ratify/reconsiderations/<uuid:pk>/conclude/", reconsideration.conclude, name="conclude"),
    path("ratify/reconsiderations/<uuid:pk>/correct/", reconsideration.correct, name="correct"),
    path(
        "ratify/recalls/new/<uuid:delivery>/<uuid:task>/",
        reconsideration.recall_new,
        name="recall_new",
    ),
    path("ratify/recalls/<uuid:pk>/", reconsideration.recall, name="recall"),
    path(
        "ratify/recalls/<uuid:pk>/confirm/", reconsideration.recall_confirm, name="recall_confirm"
    ),
    path("ratify/recalls/<uuid:pk>/drop/", reconsideration.recall_cancel, name="recall_cancel"),
    path("manage/releases/", administrator.releases, name="releases"),
    path(
        "manage/releases/<uuid:delivery>/<uuid:task>/",
        administrator.release_set,
        name="release_set",
    ),
    path("manage/releases/<uuid:pk>/", administrator.release_report, name="release_report"),
    path("manage/deliveries/<uuid:pk>/board/", administrator.board, name="board"),
    path("manage/learners/<uuid:pk>/", administrator.learner, name="learner"),
    path(
        "manage/portfolios/<uuid:pk>/submit/",
        administrator.submit_on_behalf,
        name="submit_on_behalf",
    ),
    path("learn/results/<uuid:pk>/", learner.result, name="result"),
    path("learn/results/<uuid:pk>/reconsider/", learner.reconsider, name="reconsider"),
    path("learn/results/<uuid:pk>/asked/", learner.reconsidered, name="reconsidered"),
    path("learn/credentials/<uuid:pk>/", learner.credential, name="credential"),
    path("credentials/<uuid:pk>/", public.credential_check, name="credential_check"),
]
