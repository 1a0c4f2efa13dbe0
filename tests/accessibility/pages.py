"""Every page and state that the gate walks. Add yours: a page that is not here fails the walk.

`view` is the name of the address, `persona` a name of the cast (tests/personas.py, or one that the state
brings) or None for somebody who is not signed in. `state` names a function in states.py that prepares the
data and returns what the address is filled in with. `kind` is typical, empty, error, extreme or locked; an
error is made by sending `submit` with the page's form. Those in the typical state are walked each time.
"""

from dataclasses import dataclass, field

TYPICAL, EMPTY, ERROR, EXTREME, LOCKED = "typical", "empty", "error", "extreme", "locked"


@dataclass(frozen=True)
class GatePage:
    """One page in one state, as one person sees it."""

    view: str
    persona: str | None = None
    state: str | None = None
    kind: str = TYPICAL
    query: str = ""
    submit: dict[str, str] | None = None
    form: str = "main form[method=post]"
    status: int = 200
    path: str = ""
    workspace: bool = False
    label: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        parts = [self.view.replace(":", "."), self.persona or "", self.state or "", self.kind]
        return "-".join(part for part in [*parts, self.label] if part)


def page(
    view: str, persona: str | None = None, state: str | None = None, **more: object
) -> GatePage:
    return GatePage(view, persona, state, **more)  # type: ignore[arg-type]


def error(
    view: str, persona: str | None, state: str | None, status: int = 422, **more: object
) -> GatePage:
    """The page after its form was sent with nothing in it, or with `submit`."""
    submit = more.pop("submit", {})
    return GatePage(view, persona, state, kind=ERROR, submit=submit, status=status, **more)  # type: ignore[arg-type]


FRAME = [
    page("account_login"),
    error("account_login", None, None, status=200),
    page("account_login", None, "demonstration", label="demonstration"),
    page("account_reset_password"),
    error("account_reset_password", None, None, status=200),
    page("account_reset_password_done"),
    page("account_reset_password_from_key", path="/accounts/password/reset/key/1-set/"),
    page("account_reset_password_from_key_done"),
    page("account_signup"),
    page("account_logout", "lena"),
    page("account_reauthenticate", "lena"),
    error("account_reauthenticate", "lena", None, status=200),
    page("accounts:email", "lena"),
    page("account_change_password", "lena"),
    error("account_change_password", "lena", None, status=200),
    page("mfa_index", "lena"),
    page("mfa_activate_totp", "hone"),
    page("mfa_add_webauthn", "hone"),
    page("help"),
    page("accessibility"),
    page("privacy"),
    page("copyright"),
    page("accounts:settings", "lena"),
    error("accounts:settings", "lena", None, submit={"theme": "pink"}),
    page("home", "stranger", "without_part", kind=EMPTY),
    GatePage("error-400", path="/gate/400/", status=400),
    GatePage("error-403", "lena", path="/manage/", status=403),
    GatePage("error-404", path="/nowhere/", status=404),
    GatePage("error-409", "lena", path="/gate/409/", status=409),
    GatePage("error-422", "lena", path="/gate/422/", status=422),
    GatePage("error-500", path="/gate/500/", status=500),
]

MESSAGES = [
    page("workflows:agenda", "lena", "building"),
    page("workflows:agenda", "stranger", "without_part", kind=EMPTY),
    page("workflows:month", "lena", "building"),
    page("workflows:message_settings", "lena", "building"),
    error(
        "workflows:message_settings", "lena", "building", submit={"begins": "late", "ends": "07:00"}
    ),
    page("workflows:calendar_feed", "lena", "with_feed"),
    page("workflows:calendar_feed", "stranger", "without_part", kind=EMPTY),
    page("workflows:unsubscribe", None, "unsubscribing"),
    page("workflows:message_catalogue", "petra", "as_it_is"),
    page("workflows:wording", "petra", "one_topic"),
    error("workflows:wording", "petra", "one_topic", submit={"subject": "{colour}", "body": ""}),
    page("workflows:inbox", "lena", "building"),
    page("workflows:inbox", "stranger", "without_part", kind=EMPTY),
    page("workflows:inbox", "reader", "unread", kind=EXTREME),
    page("workflows:messages", "petra", "stuck_message"),
    page("workflows:message", "petra", "stuck_message"),
    page("workflows:webhooks", "petra", "with_webhooks"),
    page("workflows:webhooks", "petra", "as_it_is", kind=EMPTY),
    page("workflows:new_webhook", "petra", "as_it_is"),
    error("workflows:new_webhook", "petra", "as_it_is"),
    page("workflows:webhook", "petra", "with_webhooks"),
    page("workflows:working_days", "petra", "as_it_is"),
    page("workflows:working_days", "petra", "as_it_is", kind=EMPTY, query="year=2040"),
    error("workflows:working_days", "petra", "as_it_is"),
    page("workflows:import_days", "petra", "as_it_is"),
    error("workflows:import_days", "petra", "as_it_is"),
]

CATALOGUE = [
    page("catalogue:home", "pam", "as_it_is"),
    page("catalogue:home", "publisher", "published", label="provider"),
    page("catalogue:home", "olga", "as_it_is", kind=EMPTY),
    page("catalogue:home", "manager", "many_deliveries", kind=EXTREME),
    page("catalogue:micro_credentials", "publisher", "published"),
    page("catalogue:micro_credentials", "olga", "as_it_is", kind=EMPTY),
    page("catalogue:version", "publisher", "published"),
    page("catalogue:version", "author", "in_pre_moderation", kind=LOCKED),
    page("catalogue:pre_moderation", "checker", "in_pre_moderation"),
    error(
        "catalogue:pre_moderation", "checker", "in_pre_moderation", submit={"decision": "approve"}
    ),
    page("catalogue:new_delivery", "publisher", "published"),
    error("catalogue:new_delivery", "publisher", "published"),
    page("catalogue:deliveries", "pam", "as_it_is"),
    page("catalogue:deliveries", "olga", "as_it_is", kind=EMPTY),
    page("catalogue:deliveries", "manager", "many_deliveries", kind=EXTREME),
    page("catalogue:delivery", "pam", "as_it_is"),
    page("catalogue:delivery", "pam", "planned", kind=EMPTY),
    page("catalogue:delivery", "pam", "crowd", kind=EXTREME),
    page("catalogue:open_delivery", "pam", "planned"),
    page("catalogue:policy", "pam", "planned"),
    page("catalogue:policy", "pam", "as_it_is", kind=LOCKED),
    error("catalogue:policy", "pam", "planned", submit={"marking__days": "-3"}),
    page("catalogue:schedule", "pam", "as_it_is"),
    error("catalogue:schedule", "pam", "planned"),
    page("catalogue:add_person", "pam", "as_it_is"),
    error("catalogue:add_person", "pam", "as_it_is"),
    page("catalogue:import_people", "pam", "as_it_is"),
    error("catalogue:import_people", "pam", "as_it_is"),
    page("catalogue:end_role", "pam", "crowd"),
    page("catalogue:end_enrolment", "pam", "crowd"),
    page("catalogue:organisations", "publisher", "published"),
]

PORTFOLIOS = [
    page("portfolios:more_time_for_all", "pam", "one_task"),
    error("portfolios:more_time_for_all", "pam", "one_task"),
    page("portfolios:home", "lena", "building"),
    page("portfolios:home", "newcomer", "newcomer", kind=EMPTY),
    page("portfolios:home", "overloaded-1", "overloaded", kind=EXTREME),
    page("portfolios:home", "mere", "submitted", kind=LOCKED),
    page("portfolios:home", "again", "referred", label="referred"),
    page("portfolios:library", "lena", "building"),
    page("portfolios:library", "untouched", "untouched", kind=EMPTY),
    page("portfolios:library", "overloaded-1", "overloaded", kind=EXTREME),
    page("portfolios:evidence", "lena", "building"),
    page("portfolios:portfolio", "lena", "building"),
    page("portfolios:portfolio", "untouched", "untouched", kind=EMPTY),
    page("portfolios:portfolio", "overloaded-1", "overloaded", kind=EXTREME),
    page("portfolios:portfolio", "mere", "submitted", kind=LOCKED),
    page("portfolios:portfolio", "again", "referred", kind=LOCKED, label="second attempt"),
    page("portfolios:brief", "lena", "building"),
    page("portfolios:brief", "overloaded-1", "overloaded", kind=EXTREME),
    page("portfolios:outcome", "lena", "building"),
    page("portfolios:outcome", "untouched", "untouched", kind=EMPTY),
    page("portfolios:outcome", "overloaded-1", "overloaded", kind=EXTREME),
    page("portfolios:outcome", "mere", "submitted", kind=LOCKED),
    page("portfolios:map", "lena", "building"),
    page("portfolios:map", "lena", "building", query="by=criterion", label="by criterion"),
    page("portfolios:map", "untouched", "untouched", kind=EMPTY),
    page("portfolios:map", "overloaded-1", "overloaded", kind=EXTREME),
    page("portfolios:map", "mere", "submitted", kind=LOCKED),
    page("portfolios:add", "lena", "building"),
    error("portfolios:add", "lena", "building", status=200, form="main form"),
    page("portfolios:add_kind", "lena", "building"),
    page("portfolios:add_kind", "lena", "building_photo", label="photo"),
    page("portfolios:add_kind", "untouched", "untouched", label="note"),
    error("portfolios:add_kind", "lena", "building"),
    error("portfolios:add_kind", "untouched", "untouched", label="note"),
    page("portfolios:describe", "lena", "building"),
    page("portfolios:describe", "lena", "building_photo", label="photo"),
    page("portfolios:describe", "overloaded-1", "overloaded", kind=EXTREME),
    error("portfolios:describe", "lena", "building", submit={"title": ""}),
    page("portfolios:view", "shelf", "on_the_shelf"),
    page("portfolios:view", "shelf", "film_on_the_shelf", label="film"),
    page("portfolios:view", "shelf", "being_drawn", kind=EMPTY),
    page("portfolios:check", "lena", "building"),
    page("portfolios:check", "untouched", "untouched", kind=EMPTY),
    page("portfolios:check", "hone", "ready", label="ready"),
    page("portfolios:check", "overloaded-1", "overloaded", kind=EXTREME),
    page("portfolios:submit", "hone", "ready"),
    page("portfolios:submit", "lena", "building", kind=LOCKED),
    error("portfolios:submit", "hone", "ready"),
    page("portfolios:receipt_of", "mere", "submitted"),
    page("portfolios:receipt_of", "undecided", "withdrawn", kind=LOCKED),
    page("portfolios:withdraw", "mere", "submitted"),
    page("portfolios:state", "mere", "submitted"),
    page("portfolios:state", "held", "on_hold", kind=LOCKED),
    page("portfolios:state", "undecided", "withdrawn", label="withdrawn"),
    page("portfolios:time", "lena", "building"),
    page("portfolios:time", "untouched", "untouched", kind=EMPTY),
    page("portfolios:time", "overloaded-1", "overloaded", kind=EXTREME),
    page("portfolios:time", "mere", "submitted", kind=LOCKED),
    error("portfolios:time", "untouched", "untouched"),
    page("portfolios:ask", "lena", "building"),
    page("portfolios:ask", "untouched", "untouched", kind=EMPTY),
    page("portfolios:ask", "overloaded-1", "overloaded", kind=EXTREME),
    page("portfolios:ask", "mere", "submitted", kind=LOCKED),
    error("portfolios:ask", "lena", "building", submit={"name": "", "email": "vic"}),
    page("portfolios:extensions", "pam", "extension_waiting"),
    page("portfolios:extensions", "publisher", "as_it_is", kind=EMPTY),
    page("portfolios:extension", "pam", "extension_waiting"),
    error("portfolios:extension", "pam", "extension_waiting", submit={"decision": "decline"}),
    page("portfolios:waive", "pam", "attestation_needed"),
    error("portfolios:waive", "pam", "attestation_needed"),
    page("portfolios:holds", "pam", "submitted", kind=EMPTY),
    page("portfolios:holds", "pam", "on_hold"),
    error("portfolios:holds", "pam", "submitted"),
    page("portfolios:receipts"),
    error("portfolios:receipts", None, None),
    page("portfolios:verifier_request", None, "verifier_link"),
    page("portfolios:verifier_request", None, "verifier_over", kind=LOCKED, status=410),
    page("portfolios:verifier_confirm", None, "verifier_started"),
    error("portfolios:verifier_confirm", None, "verifier_started"),
    page("portfolios:verifier_done", None, "verifier_answered"),
    page("portfolios:ask_code", "shower", "code_shown"),
    page("portfolios:verifier_not_me", None, "verifier_objects"),
    page("portfolios:verifier_not_me", None, "verifier_objected", kind=LOCKED),
]

ASSESSMENT = [
    page("assessment:home", "ada", "waiting"),
    page("assessment:home", "ana", "as_it_is", kind=EMPTY),
    page("assessment:queue", "ada", "waiting"),
    page("assessment:queue", "ana", "as_it_is", kind=EMPTY),
    page("assessment:queue", "ada", "crowd", kind=EXTREME),
    page("assessment:workspace", "ada", "marking", workspace=True),
    page("assessment:workspace", "ada", "waiting", label="before", workspace=True),
    page("assessment:workspace", "ada", "marked_work", kind=LOCKED, workspace=True),
    page("assessment:finish", "ada", "marking", workspace=True),
    error("assessment:finish", "ada", "marking", workspace=True),
    page("assessment:finish", "ada", "marking_nothing", kind=LOCKED, workspace=True),
    page("assessment:recorded", "ada", "marked_work"),
    page("assessment:allocate", "pam", "waiting"),
    page("assessment:allocate", "pam", "crowd", kind=EXTREME),
    page("assessment:allocate_one", "pam", "movable"),
    error("assessment:allocate_one", "pam", "movable"),
    page("assessment:shares", "pam", "waiting"),
    page("assessment:referral_feedback", "sentback-1", "sent_back"),
]

MODERATION = [
    page("moderation:home", "moses", "drawn"),
    page("moderation:home", "lea", "frozen", label="lead"),
    page("moderation:home", "ed", "as_it_is", kind=EMPTY),
    page("moderation:required_actions", "lea", "with_actions"),
    page("moderation:required_actions", "ed", "as_it_is", kind=EMPTY),
    page("moderation:required_action", "lea", "with_actions"),
    error("moderation:required_action", "lea", "with_actions", submit={"what": "close"}),
    page("moderation:uphold_alike", "moses", "alike"),
    page("moderation:uphold_alike", "ed", "as_it_is", kind=EMPTY),
    page("moderation:agreement", "lea", "closed"),
    page("moderation:severity", "lea", "with_severities"),
    page("moderation:fairness", "lea", "closed"),
    page("moderation:fairness", "lea", "closed", kind=EMPTY, query="by=employer"),
    page("moderation:agreement", "ed", "as_it_is", kind=EMPTY),
    page("moderation:own_agreement", "ada", "closed"),
    page("moderation:own_agreement", "moses", "with_severities", label="moderator"),
    page("moderation:own_agreement", "ana", "as_it_is", kind=EMPTY),
    page("moderation:watch", "lea", "closed"),
    error("moderation:watch", "lea", "closed", status=200),
    page("moderation:rounds", "lea", "assessed_set"),
    page("moderation:open", "lea", "assessed_set"),
    page("moderation:open", "lea", "crowd", kind=EMPTY),
    page("moderation:round", "lea", "in_review"),
    page("moderation:round", "lea", "many_in_round", kind=EXTREME),
    page("moderation:round", "lea", "closed", kind=LOCKED),
    page("moderation:plan", "lea", "frozen"),
    page("moderation:plan", "lea", "large_frozen", kind=EXTREME),
    page("moderation:change_plan", "lea", "frozen"),
    error("moderation:change_plan", "lea", "frozen", status=200),
    page("moderation:simulate", "lea", "closed"),
    page("moderation:simulate", "lea", "closed", kind=ERROR, query="?size=custom"),
    page("moderation:decide", "lea", "read"),
    error("moderation:decide", "lea", "read", status=200),
    page("moderation:take_back", "lea", "decided"),
    error("moderation:take_back", "lea", "decided", status=200),
    page("moderation:approve", "moses", "adjusted"),
    page("moderation:close", "lea", "decided"),
    page("moderation:closed", "lea", "closed"),
    page("moderation:mark", "moses", "drawn", workspace=True),
    page("moderation:mark", "moses", "in_sight", workspace=True, label="in sight"),
    page("moderation:compare", "moses", "compared", workspace=True),
    error("moderation:compare", "moses", "compared", status=200, workspace=True),
    page("moderation:compare", "moses", "upheld", kind=LOCKED, workspace=True),
    page("moderation:decided", "moses", "upheld"),
    page("moderation:allocate", "lea", "drawn"),
    page("moderation:external_access", "lea", "handed_on"),
    page("moderation:external_access", "lea", "closed", kind=EMPTY),
    error("moderation:external_access", "lea", "handed_on"),
    page("moderation:external_home", "xenia", "outside"),
    page("moderation:external_round", "xenia", "outside"),
    page("moderation:external_item", "xenia", "outside"),
    page("moderation:external_report", "xenia", "outside"),
    error("moderation:external_report", "xenia", "outside", submit={"submit": "1"}),
    page("moderation:external_report", "xavier", "outside_done", kind=LOCKED),
    error("moderation:allocate", "lea", "drawn", status=200),
]

AWARDS = [
    page("awards:home", "rita", "batch"),
    page("awards:home", "lea", "recall", label="lead"),
    page("awards:set", "rita", "moderated_set"),
    page("awards:set", "rita", "crowd", kind=EMPTY),
    error("awards:set", "rita", "moderated_set"),
    page("awards:batch", "rita", "batch"),
    page("awards:batch_result", "rita", "signed"),
    page("awards:reconsideration", "rita", "reconsidered"),
    page("awards:recall_new", "lea", "recallable"),
    error("awards:recall_new", "lea", "recallable"),
    page("awards:recall", "rita", "recall"),
    page("awards:releases", "pam", "scheduled"),
    page("awards:releases", "manager", "many_deliveries", kind=EMPTY),
    page("awards:release_set", "pam", "signed"),
    error("awards:release_set", "pam", "signed", submit={"when": "later"}),
    page("awards:release_report", "pam", "done"),
    page("awards:release_report", "pam", "scheduled", label="scheduled"),
    page("awards:board", "pam", "done_delivery"),
    page("awards:board", "pam", "crowd", kind=EXTREME),
    page("awards:board", "pam", "planned", kind=EMPTY),
    page("awards:learner", "pam", "enrolled"),
    page("awards:submit_on_behalf", "pam", "building_portfolio"),
    error("awards:submit_on_behalf", "pam", "building_portfolio"),
    page("awards:result", "done-1", "result"),
    page("awards:result", "done-2", "result_not_achieved", label="not achieved"),
    page("awards:result", "confirmable-2", "unreleased", kind=LOCKED),
    page("awards:reconsider", "done-2", "result_not_achieved"),
    error("awards:reconsider", "done-2", "result_not_achieved"),
    page("awards:reconsidered", "fresh-1", "asked_again"),
    page("awards:credential", "done-1", "credential"),
    page("awards:credential_check", None, "credential"),
]

PAGES = [*FRAME, *MESSAGES, *CATALOGUE, *PORTFOLIOS, *ASSESSMENT, *MODERATION, *AWARDS]

# Addresses that answer something else than a page of their own, and what.
NOT_PAGES = {
    "portfolios:page_image": "a picture",
    "portfolios:captions": "a file for players",
    "portfolios:verifier_evidence": "a file",
    "workflows:feed": "a file for calendar programs",
    "workflows:message_preview": "a mail as it is sent, with the styles of mails",
    "healthz": "text for machines",
    "readyz": "text for machines",
    "metrics": "text for machines",
    "home": "leads to the home of one's role",
    "account_inactive": "nobody is led there: inactive people cannot sign in",
    "assessment:result": "a line of the workspace, fetched into it",
    "moderation:record": "a file",
    "moderation:record_pdf": "a file",
    "moderation:population": "a file",
    "moderation:sample_pack": "a file",
    "moderation:external_pack": "a file",
    "moderation:external_record": "a file",
    "moderation:external_record_pdf": "a file",
    "moderation:external_evidence": "a file",
    "moderation:agreement_table": "a file",
    "moderation:fairness_table": "a file",
    "moderation:severity_table": "a file",
    "portfolios:reflect": "leads to the outcome; its POST is tried with the outcome's form",
    "portfolios:receipt": "leads to the newest receipt",
    "portfolios:receipt_pdf": "a file",
    "portfolios:file_list": "a file",
    "portfolios:result": "leads on before release",
    "portfolios:serve": "a file",
    "portfolios:original": "a file",
    "portfolios:archive": "a file",
    "portfolios:uploads": "opens an upload for a tus client",
    "portfolios:upload": "takes a file in pieces from a tus client",
    "portfolios:preview": "a picture",
}
