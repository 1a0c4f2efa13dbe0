"""Messages of a person, delivery of messages, working days."""

from django.urls import path

from workflows import views

app_name = "workflows"
urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/read/", views.read_all, name="read_all"),
    path("inbox/<int:pk>/", views.open_message, name="open_message"),
    path("manage/messages/", views.stuck, name="messages"),
    path("manage/messages/<int:pk>/", views.message, name="message"),
    path("manage/messages/<int:pk>/retry/", views.retry, name="retry"),
    path("manage/working-days/", views.working_days, name="working_days"),
    path("manage/working-days/import/", views.import_days, name="import_days"),
    path("manage/working-days/<int:pk>/remove/", views.remove_day, name="remove_day"),
]
