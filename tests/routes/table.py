"""Every named address, and what each person gets from it: written by hand from lifecycle 2, never recorded.

A cell says the status of the answer to GET and to POST. "200: ada lea | 403: owner | 404" means: Ada and
Lea get 200, the learner whose thing it is 403, everybody else 404. Whoever is signed out, or has had
their account closed, is sent to sign in, unless the cell begins with "all". "405" is for everybody: an
address that does not take the method says so before it asks who is there.

The rules behind the cells:

- Not visible to you: 404. Visible but not yours to do, or not your page: 403. The state moved on: 409.
  Guards unmet: 422 (lifecycle 2).
- A page of a section that shows no one thing (a home, a queue) is 403 for whoever has no part in it.
- A delivery is visible to everybody with a live part in it, its learners, and the provider's administrators.
- A submission is visible to its learner, to people with a live part in it, to the lead moderator, to
  programme administrators, and to ratifiers once it is moderated.
- A portfolio is visible to its learner and to programme administrators. An evidence item is visible to its
  learner and to whoever sees a submission that pins it, ratifiers excepted.
- A round is visible to moderators of the delivery, an item of its sample to its moderator and the lead.
- A batch is visible to ratifiers and programme administrators; a request for a fresh look and a recall to
  those and the lead; a release to programme administrators; a credential to its learner and to them.
- A published public version is visible to everybody with an account.

Decisions, where lifecycle leaves it open:

- Under one's own portfolio, whatever is not there is 404 for the learner too.
- A request for more time is visible to those who may decide one in that delivery; its learner reads the
  answer on a page of their own.
- Without a receipt, its address leads back to the portfolio, with a sentence.
- A page about how one's own decisions were read is there for whoever ever assessed, and for nobody else.
- The live line of the rubric belongs to one's own draft: who has none gets 404.
- Two addresses need no one to be signed in because they are the key themselves: the link of a mail that
  ends mails of its kind, and the address of a calendar. They work for everybody who has them; a GET of
  the first only asks. A closed account's calendar is 404.
- Webhooks are seen by whoever administers their organisation; the provider is not another provider's.
- The mail provider's report is taken by its signature alone: without it, 403 for everybody.
- The figures that pages of agreement keep so as not to compute them twice may be written by a visit.
- Whoever has a verifier's personal link may open it, except people who are signed in and assess that
  learner; the link that says "this was not me" works for everybody who has it.
- Somebody from outside sees one round within their days, and no other address about it; the lead, who
  invited, reads the report where the invitations stand, not on the pages of the invitation.
- A moderator begins to read one of the first decisions by a button; before that its address leads back.
- An archive of an attempt is the learner's; administrators who see the portfolio get 403.
"""

from tests.routes.cells import (
    ADMIN,
    ANYBODY,
    BEGINS,
    CATALOGUE,
    CLOSED_REST,
    LEADS_CLOSED,
    MARKS,
    MODERATES,
    READS,
    SHOWN,
    Row,
    delivery_page,
    only,
    staff_page,
)
from tests.routes.rows_learning import LEARNING
from tests.routes.rows_marking import MARKING

ROWS = [
    # --- about the service
    Row("healthz", "nothing", "all 200", "405"),
    Row("metrics", "nothing", "all 200", "405"),
    Row("readyz", "nothing", "all 503", "405"),  # no worker runs in this test
    Row("home", "nothing", "200: nila petra fran | 302", "405"),
    Row("switch_role", "another role", "405", "302"),
    Row("help", "nothing", "all 200", "405"),
    Row("accessibility", "nothing", "all 200", "405"),
    Row("privacy", "nothing", "all 200", "405"),
    Row("copyright", "nothing", "all 200", "405"),
    Row("accounts:settings", "settings", "200", "302"),
    Row("accounts:email", "nothing", "200", "405"),
    Row("accounts:shortcuts", "keys", "200", "302"),
    Row("accounts:switch_shortcuts", "keys", "405", "204"),
    # --- messages
    Row("workflows:inbox", "nothing", "200", "405"),
    Row("workflows:read_all", "nothing", "405", "302"),
    Row("workflows:open_message", "notice", "405", "302: owner | 404"),
    Row("workflows:messages", "nothing", only("petra prue olga", 403), "405"),
    Row("workflows:message", "dead message", only("petra prue olga", 404), "405"),
    Row("workflows:retry", "dead message", "405", only("petra prue olga", 404, 302)),
    Row("workflows:retry_every", "dead message", "405", only("petra prue olga", 403, 302)),
    Row("workflows:message", "stuck mail", only("petra prue olga", 404), "405"),
    Row("workflows:change_address", "stuck mail", "405", only("petra prue olga", 404, 302)),
    Row("workflows:change_address", "mail on its way", "405", only("petra prue olga", 404, 409)),
    Row("workflows:leave_unsent", "stuck mail", "405", only("petra prue olga", 404, 302)),
    Row("workflows:leave_unsent", "mail on its way", "405", only("petra prue olga", 404, 409)),
    Row("workflows:leave_address", "suspended address", "405", only("petra prue olga", 404, 302)),
    Row("workflows:clear_address", "suspended address", "405", only("petra prue olga", 404, 302)),
    Row("workflows:message_catalogue", "nothing", only("petra prue olga", 403), "405"),
    Row(
        "workflows:wording",
        "topic",
        only("petra prue olga", 403),
        only("petra prue olga", 403, 302),
    ),
    Row("workflows:message_preview", "topic", only("petra prue olga", 403), "405"),
    Row("workflows:webhooks", "nothing", only("petra prue olga", 403), "405"),
    Row(
        "workflows:new_webhook",
        "webhook to come",
        only("petra prue olga", 403),
        "200: petra prue | 422: olga | 403",
    ),
    Row("workflows:webhook", "webhook", only("petra prue", 404), only("petra prue", 404, 302)),
    Row("workflows:test_webhook", "webhook", "405", only("petra prue", 404, 302)),
    Row("workflows:test_webhook", "suspended webhook", "405", only("petra prue", 404, 409)),
    Row("workflows:webhook_secret", "webhook", "405", only("petra prue", 404)),
    Row("workflows:webhook_again", "suspended webhook", "405", only("petra prue", 404, 302)),
    Row("workflows:webhook_again", "webhook", "405", only("petra prue", 404, 409)),
    Row("workflows:webhook_removal", "webhook", "405", only("petra prue", 404, 302)),
    Row("workflows:mail_feedback", "unsigned report", "405", "all 403"),
    Row("workflows:message_settings", "choices", "200", "302"),
    Row("workflows:unsubscribe", "link of a mail", "all 200", "all 200"),
    # --- dates of a person
    Row("workflows:agenda", "nothing", "200", "405"),
    Row("workflows:month", "nothing", "200", "405"),
    Row("workflows:calendar_feed", "nothing", "200", "405"),
    Row("workflows:new_feed", "nothing", "405", "200"),
    Row("workflows:stop_feed", "nothing", "405", "302"),
    Row("workflows:feed", "calendar", "all 200", "405"),
    Row("workflows:feed", "calendar of a closed account", "all 404", "405"),
    Row(
        "workflows:working_days",
        "day off",
        only("petra prue olga", 403),
        only("petra prue olga", 403, 302),
    ),
    Row(
        "workflows:import_days",
        "days off",
        only("petra prue olga", 403),
        only("petra prue olga", 403),
    ),
    Row(
        "workflows:import_days",
        "days to add",
        only("petra prue olga", 403),
        only("petra prue olga", 403, 302),
    ),
    Row("workflows:remove_day", "day off", "405", only("petra prue olga", 404, 302)),
    # --- catalogue
    Row("catalogue:home", "nothing", only(CATALOGUE, 403), "405"),
    Row("catalogue:micro_credentials", "nothing", only(CATALOGUE, 403), "405"),
    Row("catalogue:deliveries", "nothing", only(CATALOGUE, 403), "405"),
    Row("catalogue:organisations", "nothing", only(CATALOGUE, 403), "405"),
    Row("catalogue:version", "published version", only(CATALOGUE, 403), "405"),
    Row("catalogue:definition_file", "published version", only(CATALOGUE, 403), "405"),
    Row("catalogue:rubric_table", "draft version", only("prue arthur petronella", 404), "405"),
    Row(
        "catalogue:import_rubrics",
        "draft version",
        "200: prue arthur | 403: petronella | 404",
        "422: prue arthur | 403: petronella | 404",
    ),
    Row("catalogue:version", "draft version", only("prue arthur petronella", 404), "405"),
    Row(
        "catalogue:pre_moderation",
        "version in pre-moderation",
        "200: petronella | 403: prue arthur | 404",
        "302: petronella | 403: prue arthur | 404",
    ),
    Row(
        "catalogue:pre_moderation",
        "published version",
        "409: petronella | 403",
        "409: petronella | 403",
    ),
    Row(
        "catalogue:version_step",
        "draft version",
        "405",
        "302: arthur | 403: prue petronella | 404",
    ),
    Row(
        "catalogue:version_step",
        "approved version",
        "405",
        "302: prue | 403: arthur petronella | 404",
    ),
    Row("catalogue:new_delivery", "published version", only("prue", 403), only("prue", 403, 302)),
    Row(
        "catalogue:new_delivery",
        "draft version",
        "200: prue | 403: arthur petronella | 404",
        "422: prue | 403: arthur petronella | 404",
    ),
    Row("catalogue:delivery", "delivery", delivery_page(ADMIN), "405"),
    Row("catalogue:open_delivery", "delivery", delivery_page(ADMIN), delivery_page(ADMIN, 409)),
    Row(
        "catalogue:open_delivery",
        "planned delivery",
        "200: pam prue | 403: ada abe ana moses ed lea rita rob | 404",
        "302: pam prue | 403: ada abe ana moses ed lea rita rob | 404",
    ),
    Row(
        "catalogue:policy",
        "planned delivery",
        "200: pam prue | 403: ada abe ana moses ed lea rita rob | 404",
        "302: pam prue | 403: ada abe ana moses ed lea rita rob | 404",
    ),
    Row("catalogue:policy", "delivery", delivery_page(ADMIN), delivery_page(ADMIN, 409)),
    Row("catalogue:escalations", "who hears", delivery_page(ADMIN), delivery_page(ADMIN, 302)),
    Row("catalogue:schedule", "dates", delivery_page(ADMIN), delivery_page(ADMIN, 302)),
    Row("catalogue:add_person", "new person", delivery_page(ADMIN), delivery_page(ADMIN, 302)),
    Row("catalogue:import_people", "list of people", delivery_page(ADMIN), delivery_page(ADMIN)),
    Row("catalogue:apply_import", "list of people", "405", delivery_page(ADMIN, 302)),
    Row("catalogue:end_role", "delivery", delivery_page(ADMIN), delivery_page(ADMIN, 302)),
    Row("catalogue:end_enrolment", "delivery", delivery_page(ADMIN), delivery_page(ADMIN, 302)),
    *LEARNING,
    *MARKING,
    # --- moderation
    Row("moderation:home", "nothing", only(MODERATES, 403), "405"),
    Row("moderation:agreement", "nothing", only(MODERATES, 403), "405"),
    Row("moderation:agreement_table", "chart", "404", "405"),
    Row(
        "moderation:own_agreement",
        "nothing",
        only(f"ada abe ana cora fran {MODERATES}", 404),
        "405",
    ),
    Row("moderation:own_agreement_table", "chart", "404", "405"),
    Row("moderation:fairness", "nothing", only("lea otto", 403), "405"),
    Row("moderation:fairness_table", "chart", only("lea otto", 403), "405"),
    Row("moderation:severity", "nothing", only("lea otto", 403), "405"),
    Row("moderation:severity_table", "chart", only("lea otto", 403, 404), "405"),
    Row("moderation:required_actions", "nothing", ANYBODY, "405"),
    Row(
        "moderation:required_action",
        "required action",
        only("pam moses ed lea", 404),
        "302: pam | 403: moses ed lea | 404",
    ),
    Row("moderation:uphold_alike", "nothing", only(MODERATES, 403), only(MODERATES, 403, 422)),
    Row("assessment:calibration", "nothing", only(MARKS, 403), "405"),
    Row("assessment:begin_calibration", "calibration", "405", BEGINS),
    Row("assessment:calibration_result", "calibration", only("abe lea otto", 404), "405"),
    Row(
        "assessment:waive_calibration",
        "calibration",
        "200: lea otto | 403: ada abe ana cora | 404",
        "302: lea otto | 403: ada abe ana cora | 404",
    ),
    Row("assessment:mark_exemplar", "calibration item", only("ada", 404), only("ada", 404, 422)),
    Row("assessment:calibration_evidence", "calibration item", "404", "405"),
    Row("moderation:seeds", "nothing", only("lea otto", 403), "405"),
    Row("moderation:seeds_of", "seeds", only("lea", 404), only("lea", 404, 302)),
    Row("moderation:stop_seeds", "running seeds", "405", only("lea", 404, 302)),
    Row("moderation:tell_of_seeds", "seeds", "405", only("lea", 404, 302)),
    Row("assessment:seed", "seed", only("lea", 404), only("lea", 404, 302)),
    Row("moderation:early_check", "early check", *[only("moses lea", 404, s) for s in (200, 422)]),
    Row(
        "assessment:early_check",
        "early check",
        "200: ada abe ana | 404: cora lea otto pam prue olga | 403",
        "404: ada abe ana cora lea otto pam prue olga | 403",
    ),
    Row("moderation:early_reading", "early check", *[only("moses lea", 404, 302)] * 2),
    Row("moderation:rounds", "nothing", only(MODERATES, 403), "405"),
    Row("moderation:watch", "to watch", delivery_page("lea"), delivery_page("lea", 302)),
    Row("moderation:end_watch", "watch", "405", only("lea", 404, 302)),
    Row("moderation:open", "set to moderate", staff_page("lea"), staff_page("lea", 302)),
    Row("moderation:round", "open round", only("moses ed lea", 404), "405"),
    Row("moderation:round", "closed round", only("moses ed lea", 404), "405"),
    Row(
        "moderation:plan",
        "frozen round",
        "200: lea | 403: moses ed | 404",
        "302: lea | 403: moses ed | 404",
    ),
    Row(
        "moderation:plan",
        "open round",
        "302: lea | 403: moses ed | 404",
        "302: lea | 403: moses ed | 404",
    ),
    Row(
        "moderation:change_plan",
        "frozen round",
        "200: lea | 403: moses ed | 404",
        "422: lea | 403: moses ed | 404",
    ),
    Row(
        "moderation:change_plan",
        "open round",
        "409: lea | 403: moses ed | 404",
        "409: lea | 403: moses ed | 404",
    ),
    Row("moderation:plan_table", "frozen round", "403: moses ed | 404", "405"),
    Row("moderation:simulate", "closed round", "200: lea | 403: moses ed | 404", "405"),
    Row("moderation:simulate", "frozen round", "409: lea | 403: moses ed | 404", "405"),
    Row("moderation:population", "closed round", "200: lea | 403: moses ed | 404", "405"),
    Row("moderation:record_pdf", "closed round", "200: lea | 403: moses ed | 404", "405"),
    Row("moderation:extend", "open round", "405", "422: lea | 403: moses ed | 404"),
    Row("moderation:extend", "closed round", "405", "409: lea | 403: moses ed | 404"),
    Row("moderation:bring_back", "open round", "405", "302: lea | 403: moses ed | 404"),
    Row("moderation:draw_again", "open round", "405", "409: lea | 403: moses ed | 404"),
    Row(
        "moderation:decide",
        "read round",
        "200: lea | 403: moses ed | 404",
        "302: lea | 403: moses ed | 404",
    ),
    Row(
        "moderation:take_back",
        "decided round",
        "200: lea | 403: moses ed | 404",
        "302: lea | 403: moses ed | 404",
    ),
    Row(
        "moderation:approve",
        "adjustment",
        "200: moses ed | 403: lea | 404",
        "302: moses ed | 403: lea | 404",
    ),
    Row(
        "moderation:close",
        "decided round",
        "200: lea | 403: moses ed | 404",
        "302: lea | 403: moses ed | 404",
    ),
    Row(
        "moderation:close",
        "open round",
        "409: lea | 403: moses ed | 404",
        "409: lea | 403: moses ed | 404",
    ),
    Row("moderation:closed", "closed round", "200: lea | 403: moses ed | 404", "405"),
    Row("moderation:record", "closed round", "200: lea | 403: moses ed | 404", "405"),
    Row("moderation:mark", "item", "200: moses | 403: lea | 404", "302: moses | 403: lea | 404"),
    Row(
        "moderation:mark",
        "item read blind",
        "302: moses | 403: lea | 404",
        "302: moses | 403: lea | 404",
    ),
    Row(
        "moderation:compare",
        "item read blind",
        only("moses lea", 404),
        only("moses lea", 404, 302),
    ),
    Row("moderation:compare", "item", "302: moses | 422: lea | 404", "302: moses | 422: lea | 404"),
    Row("moderation:decided", "item read blind", only("moses lea", 404), "405"),
    Row(
        "moderation:allocate", "item", "200: lea | 403: moses | 404", "302: lea | 403: moses | 404"
    ),
    # --- exemplars
    Row("assessment:exemplars", "nothing", only(SHOWN, 403), "405"),
    Row("assessment:exemplar", "exemplar", only(SHOWN, 404), "405"),
    Row("assessment:exemplar_evidence", "exemplar", only(SHOWN, 404), "405"),
    Row("assessment:new_exemplar", "task", only("lea otto", 404), only("lea otto", 404, 422)),
    Row(
        "assessment:retire_exemplar",
        "exemplar",
        "405",
        "302: lea otto | 403: ada abe ana cora moses ed | 404",
    ),
    # --- standardisation meetings
    Row("moderation:meetings", "nothing", only(SHOWN, 403), "405"),
    Row("moderation:new_meeting", "task", only("lea otto", 404), only("lea otto", 404, 422)),
    Row("moderation:meeting", "signed meeting", only(SHOWN, 404), "405"),
    Row("moderation:meeting", "meeting", only("lea otto", 404), "405"),
    Row("moderation:change_meeting", "meeting", only("lea otto", 404), only("lea otto", 404, 302)),
    Row("moderation:meeting_actions", "meeting", *[only("lea otto", 404, s) for s in (200, 302)]),
    Row(
        "moderation:meeting_actions",
        "signed meeting",
        only(SHOWN, 404),
        f"409: lea otto | {READS} | 404",
    ),
    Row("moderation:sign_meeting", "meeting", *[only("lea otto", 404, s) for s in (200, 302)]),
    Row(
        "moderation:sign_meeting",
        "signed meeting",
        only(SHOWN, 404),
        f"409: lea otto | {READS} | 404",
    ),
    Row("moderation:amend_meeting", "signed meeting", "405", f"302: lea otto | {READS} | 404"),
    # --- somebody from outside
    Row("moderation:external_access", "closed round", LEADS_CLOSED, f"422: lea | {CLOSED_REST}"),
    Row("moderation:sample_pack", "closed round", LEADS_CLOSED, "405"),
    Row("moderation:sample_pack", "frozen round", f"409: lea | {CLOSED_REST}", "405"),
    Row("moderation:external_home", "nothing", only("xia", 403), "405"),
    Row("moderation:external_round", "outside", only("xia", 404), "405"),
    Row("moderation:external_item", "outside", only("xia", 404), only("xia", 404, 302)),
    Row("moderation:external_evidence", "outside", only("xia", 404), "405"),
    Row("moderation:external_report", "outside", only("xia", 404), only("xia", 404, 302)),
    Row("moderation:external_record", "outside", only("xia", 404), "405"),
    Row("moderation:external_record_pdf", "outside", only("xia", 404), "405"),
    Row("moderation:external_pack", "outside", only("xia", 404), "405"),
    Row("moderation:revoke_access", "outside", "405", "302: lea | 403: xia | 404"),
    Row("moderation:external_round", "over from outside", "404", "405"),
    # --- awards
    Row("awards:home", "nothing", only("rita rob lea otto", 403), "405"),
    Row(
        "awards:set",
        "set to ratify",
        staff_page("rita rob pam prue"),
        staff_page("rita rob pam prue", 302),
    ),
    Row("awards:batch", "batch", only("rita rob pam prue", 404), "405"),
    Row("awards:sign", "batch", "405", "302: rita rob | 403: pam prue | 404"),
    Row("awards:cancel_batch", "batch", "405", only("rita rob pam prue", 404, 302)),
    Row("awards:batch_result", "batch", only("rita rob pam prue", 404), "405"),
    Row("awards:batch", "signed batch", only("rita rob pam prue", 404, 302), "405"),
    Row("awards:sign", "signed batch", "405", "409: rita rob | 403: pam prue | 404"),
    Row("awards:cancel_batch", "signed batch", "405", only("rita rob pam prue", 404, 409)),
    Row("awards:batch_result", "signed batch", only("rita rob pam prue", 404), "405"),
    Row("awards:reconsideration", "fresh look", only("rita rob lea pam prue", 404), "405"),
    Row("awards:conclude", "fresh look", "405", "422: rita rob | 403: lea pam prue | 404"),
    Row("awards:correct", "fresh look", "405", "422: lea | 403: rita rob pam prue | 404"),
    Row(
        "awards:recall_new",
        "set to recall",
        delivery_page("rita rob lea"),
        delivery_page("rita rob lea", 302),
    ),
    Row("awards:recall", "recall", only("rita rob lea pam prue", 404), "405"),
    Row("awards:recall_confirm", "recall", "405", "302: rita rob | 403: lea pam prue | 404"),
    Row("awards:recall_cancel", "recall", "405", "302: rita rob lea | 403: pam prue | 404"),
    Row("awards:releases", "nothing", only("pam otto prue olga", 403), "405"),
    Row("awards:release_set", "set to release", delivery_page(ADMIN), delivery_page(ADMIN, 302)),
    Row("awards:release_report", "done release", only(ADMIN, 404), only(ADMIN, 404, 409)),
    Row("awards:release_report", "scheduled release", only(ADMIN, 404), only(ADMIN, 404, 302)),
    Row("awards:board", "delivery", delivery_page(ADMIN), "405"),
    Row("awards:learner", "enrolment", only(ADMIN, 404), "405"),
    Row(
        "awards:submit_on_behalf",
        "on behalf",
        "200: pam prue | 403: owner | 404",
        "302: pam prue | 403: owner | 404",
    ),
    Row(
        "awards:result",
        "result",
        "200: owner | 403: ada reader lea pam prue rita rob | 404",
        "405",
    ),
    Row("awards:result", "in_assessment", "200: owner | 403: ada lea pam prue | 404", "405"),
    Row(
        "awards:reconsider",
        "result",
        "200: owner | 403: ada reader lea pam prue rita rob | 404",
        "302: owner | 403: ada reader lea pam prue rita rob | 404",
    ),
    Row(
        "awards:reconsider",
        "in_assessment",
        "302: owner | 403: ada lea pam prue | 404",
        "302: owner | 403: ada lea pam prue | 404",
    ),
    Row(
        "awards:reconsidered",
        "under_reconsideration",
        "200: owner | 403: ada fresh reader lea pam prue rita rob | 404",
        "405",
    ),
    Row(
        "awards:reconsidered",
        "result",
        "302: owner | 403: ada reader lea pam prue rita rob | 404",
        "405",
    ),
    Row("awards:credential", "credential", only("owner pam prue", 404), "405"),
    Row("awards:credential_check", "credential", "all 200", "405"),
]
