"""Addresses under /moderate/."""

from django.urls import path

from moderation.views import agreement, lead, moderator, plans, records, reports, required, severity

app_name = "moderation"

urlpatterns = [
    path("", moderator.home, name="home"),
    path("actions/", required.required_actions, name="required_actions"),
    path("actions/<uuid:pk>/", required.required_action, name="required_action"),
    path("alike/", moderator.uphold_alike, name="uphold_alike"),
    path("agreement/", agreement.agreement, name="agreement"),
    path("agreement/yours/", agreement.own_agreement, name="own_agreement"),
    path("agreement/<slug:chart>.csv", agreement.table, name="agreement_table"),
    path("fairness/", reports.fairness_page, name="fairness"),
    path("fairness/<slug:rate>.csv", reports.fairness_table, name="fairness_table"),
    path("severity/", severity.severity, name="severity"),
    path("severity/<slug:chart>.csv", severity.severity_table, name="severity_table"),
    path("watch/<uuid:delivery>/", reports.watch, name="watch"),
    path("watch/<int:pk>/end/", reports.end_watch, name="end_watch"),
    path("rounds/", lead.rounds, name="rounds"),
    path("rounds/open/<uuid:delivery>/<uuid:task>/", lead.open_set, name="open"),
    path("rounds/<uuid:pk>/", lead.round_page, name="round"),
    path("rounds/<uuid:pk>/plan/", plans.plan, name="plan"),
    path("rounds/<uuid:pk>/plan/change/", plans.change_plan, name="change_plan"),
    path("rounds/<uuid:pk>/another-plan/", plans.simulate, name="simulate"),
    path("rounds/<uuid:pk>/extend/", lead.extend, name="extend"),
    path("rounds/<uuid:pk>/bring-back/", lead.bring_back, name="bring_back"),
    path("rounds/<uuid:pk>/draw-again/", lead.draw_again, name="draw_again"),
    path("rounds/<uuid:pk>/decide/", lead.decide, name="decide"),
    path("rounds/<uuid:pk>/take-back/", lead.take_back, name="take_back"),
    path("rounds/<uuid:pk>/approve/", lead.approve, name="approve"),
    path("rounds/<uuid:pk>/close/", lead.close, name="close"),
    path("rounds/<uuid:pk>/closed/", lead.closed, name="closed"),
    path("rounds/<uuid:pk>/record.json", records.record, name="record"),
    path("rounds/<uuid:pk>/record.pdf", records.record_pdf, name="record_pdf"),
    path(
        "rounds/<uuid:pk>/population-<int:number>.csv",
        records.population,
        name="population",
    ),
    path("r/<uuid:pk>/mark/", moderator.mark, name="mark"),
    path("r/<uuid:pk>/compare/", moderator.compare, name="compare"),
    path("r/<uuid:pk>/decided/", moderator.decided, name="decided"),
    path("r/<uuid:pk>/allocate/", moderator.allocate, name="allocate"),
]
