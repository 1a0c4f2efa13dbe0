"""Addresses under /manage/."""

from django.urls import path

from catalogue.views import deliveries, people, rubrics, versions

app_name = "catalogue"

urlpatterns = [
    path("", deliveries.home, name="home"),
    path("micro-credentials/", versions.micro_credentials, name="micro_credentials"),
    path("versions/<uuid:pk>/", versions.version, name="version"),
    path("versions/<uuid:pk>/pre-moderation/", versions.pre_moderation, name="pre_moderation"),
    path("versions/<uuid:pk>/step/<slug:name>/", versions.step, name="version_step"),
    path("versions/<uuid:pk>/definition.json", rubrics.definition_file, name="definition_file"),
    path("versions/<uuid:pk>/rubrics.csv", rubrics.table_file, name="rubric_table"),
    path("versions/<uuid:pk>/rubrics/", rubrics.from_table, name="import_rubrics"),
    path("versions/<uuid:pk>/deliver/", deliveries.new, name="new_delivery"),
    path("deliveries/", deliveries.deliveries, name="deliveries"),
    path("deliveries/<uuid:pk>/", deliveries.delivery, name="delivery"),
    path("deliveries/<uuid:pk>/open/", deliveries.open_, name="open_delivery"),
    path("deliveries/<uuid:pk>/policy/", deliveries.policy, name="policy"),
    path("deliveries/<uuid:pk>/overdue/", deliveries.escalations, name="escalations"),
    path("deliveries/<uuid:pk>/tasks/<uuid:task>/", deliveries.schedule, name="schedule"),
    path("deliveries/<uuid:pk>/people/add/", people.add, name="add_person"),
    path("deliveries/<uuid:pk>/people/import/", people.import_, name="import_people"),
    path("deliveries/<uuid:pk>/people/apply/", people.apply_import, name="apply_import"),
    path("deliveries/<uuid:pk>/roles/<int:part>/end/", people.end_part, name="end_role"),
    path(
        "deliveries/<uuid:pk>/enrolments/<uuid:enrolment>/end/",
        people.end_enrolled,
        name="end_enrolment",
    ),
    path("organisations/", people.organisations, name="organisations"),
]
