"""Messages of a person, delivery of messages, working days."""

from django.urls import path

from workflows import views

app_name = "workflows"
urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/read/", views.read_all, name="read_all"),
    path("inbox/<int:pk>/", views.open_message, name="open_message"),
    path("manage/messages/", views.stuck, name="messages"),
    path("manage/messages/retry/", views.retry_every, name="retry_every"),
    path("manage/messages/addresses/<int:pk>/clear/", views.clear, name="clear_address"),
    path("manage/messages/addresses/<int:pk>/leave/", views.leave, name="leave_address"),
    path("manage/messages/<int:pk>/address/", views.change_address, name="change_address"),
    path("manage/messages/<int:pk>/", views.message, name="message"),
    path("manage/messages/<int:pk>/retry/", views.retry, name="retry"),
    path("manage/messages/<int:pk>/leave/", views.drop, name="leave_unsent"),
    path("settings/messages/", views.message_settings, name="message_settings"),
    path("settings/calendar/", views.calendar_feed_settings, name="calendar_feed"),
    path("settings/calendar/new/", views.new_feed, name="new_feed"),
    path("settings/calendar/stop/", views.stop_feed, name="stop_feed"),
    path("calendar/", views.agenda, name="agenda"),
    path("calendar/month/", views.month, name="month"),
    path("calendar/feed/<str:token>.ics", views.feed, name="feed"),
    path("u/<str:token>/", views.one_click, name="unsubscribe"),
    path("hooks/mail/", views.mail_feedback, name="mail_feedback"),
    path("manage/messages/catalogue/", views.message_catalogue, name="message_catalogue"),
    path("manage/messages/catalogue/<str:code>/", views.wording, name="wording"),
    path(
        "manage/messages/catalogue/<str:code>/preview/",
        views.message_preview,
        name="message_preview",
    ),
    path("manage/webhooks/", views.webhooks, name="webhooks"),
    path("manage/webhooks/new/", views.new_webhook, name="new_webhook"),
    path("manage/webhooks/<uuid:pk>/", views.webhook, name="webhook"),
    path("manage/webhooks/<uuid:pk>/test/", views.test_webhook, name="test_webhook"),
    path("manage/webhooks/<uuid:pk>/secret/", views.webhook_secret, name="webhook_secret"),
    path("manage/webhooks/<uuid:pk>/resume/", views.webhook_again, name="webhook_again"),
    path("manage/webhooks/<uuid:pk>/remove/", views.webhook_removal, name="webhook_removal"),
    path("manage/working-days/", views.working_days, name="working_days"),
    path("manage/working-days/import/", views.import_days, name="import_days"),
    path("manage/working-days/<int:pk>/remove/", views.remove_day, name="remove_day"),
]
