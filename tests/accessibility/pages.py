"""Every page and state that the gate walks. Add yours: a page that is not here is not checked.

`persona` is a name of the cast (tests/personas.py) or None for somebody who is not signed in. `state`
names a function in tests/accessibility/states.py that prepares the data and returns what the path needs.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class GatePage:
    """One page in one state, as one person sees it."""

    name: str
    path: str
    persona: str | None = None
    state: str | None = None


PAGES = [
    GatePage("sign-in", "/accounts/login/"),
    GatePage("new-password", "/accounts/password/reset/"),
    GatePage("help", "/help/"),
    GatePage("accessibility", "/accessibility/"),
    GatePage("privacy", "/privacy/"),
    GatePage("copyright", "/copyright/"),
    GatePage("not-found", "/nowhere/"),
    GatePage("settings", "/settings/", persona="lena"),
    GatePage("change-password", "/accounts/password/change/", persona="lena"),
    GatePage("second-step", "/accounts/2fa/", persona="lena"),
    GatePage("sign-out", "/accounts/logout/", persona="lena"),
    GatePage("manage-home", "/manage/", persona="pam"),
    GatePage("manage-deliveries", "/manage/deliveries/", "pam", "planned_delivery"),
    GatePage("micro-credentials", "/manage/micro-credentials/", persona="pam"),
    GatePage("version", "/manage/versions/{version}/", "pam", "running_delivery"),
    GatePage(
        "pre-moderation", "/manage/versions/{version}/pre-moderation/", "pam", "version_to_check"
    ),
    GatePage("delivery", "/manage/deliveries/{delivery}/", "pam", "running_delivery"),
    GatePage("delivery-planned", "/manage/deliveries/{delivery}/", "pam", "planned_delivery"),
    GatePage("new-delivery", "/manage/versions/{version}/deliver/", "pam", "planned_delivery"),
    GatePage("open-delivery", "/manage/deliveries/{delivery}/open/", "pam", "planned_delivery"),
    GatePage("policy", "/manage/deliveries/{delivery}/policy/", "pam", "planned_delivery"),
    GatePage("schedule", "/manage/deliveries/{delivery}/tasks/{task}/", "pam", "running_delivery"),
    GatePage("add-person", "/manage/deliveries/{delivery}/people/add/", "pam", "running_delivery"),
    GatePage("import", "/manage/deliveries/{delivery}/people/import/", "pam", "running_delivery"),
    GatePage(
        "end-part", "/manage/deliveries/{delivery}/roles/{part}/end/", "pam", "running_delivery"
    ),
    GatePage("organisations", "/manage/organisations/", persona="pam"),
    GatePage("learn-home", "/learn/", "lena", "half_built"),
    GatePage("learn-home-empty", "/learn/evidence/", persona="lena"),
    GatePage("portfolio", "/learn/p/{portfolio}/", "lena", "half_built"),
    GatePage("brief", "/learn/p/{portfolio}/brief/", "lena", "half_built"),
    GatePage("outcome", "/learn/p/{portfolio}/o/1/", "lena", "half_built"),
    GatePage("library", "/learn/p/{portfolio}/evidence/", "lena", "half_built"),
    GatePage("add-evidence", "/learn/p/{portfolio}/evidence/add/", "lena", "half_built"),
    GatePage("add-photo", "/learn/p/{portfolio}/evidence/add/photo/", "lena", "half_built"),
    GatePage("add-note", "/learn/p/{portfolio}/evidence/add/note/", "lena", "half_built"),
    GatePage("describe", "/learn/p/{portfolio}/evidence/{evidence}/", "lena", "half_built"),
    GatePage("map", "/learn/p/{portfolio}/map/", "lena", "half_built"),
    GatePage("map-by-criterion", "/learn/p/{portfolio}/map/?by=criterion", "lena", "half_built"),
    GatePage("check-blocked", "/learn/p/{portfolio}/check/", "lena", "half_built"),
    GatePage("ask", "/learn/p/{portfolio}/ask/", "lena", "half_built"),
    GatePage("more-time", "/learn/p/{portfolio}/time/", "lena", "half_built"),
    GatePage("declare", "/learn/p/{portfolio}/submit/", "lena", "ready_to_submit"),
    GatePage("receipt", "/learn/p/{portfolio}/receipt/{reference}/", "lena", "submitted_work"),
    GatePage("state", "/learn/p/{portfolio}/state/", "lena", "submitted_work"),
    GatePage("take-back", "/learn/p/{portfolio}/withdraw/", "lena", "submitted_work"),
    GatePage("holds", "/manage/submissions/{submission}/holds/", "pam", "submitted_work"),
    GatePage("answer-more-time", "/manage/extensions/{request}/", "pam", "half_built"),
    GatePage("more-time-list", "/manage/extensions/", "pam", "half_built"),
    GatePage("verifier", "/v/{token}/", state="half_built"),
    GatePage("receipts", "/receipts/"),
    GatePage("moderation-empty", "/moderate/", "lea"),
    GatePage("moderation-home", "/moderate/", "moses", "round_being_read"),
    GatePage("rounds", "/moderate/rounds/", "lea", "set_to_open"),
    GatePage("open-round", "/moderate/rounds/open/{delivery}/{task}/", "lea", "set_to_open"),
    GatePage("sample-plan", "/moderate/rounds/{round}/plan/", "lea", "sample_plan"),
    GatePage("round", "/moderate/rounds/{round}/", "lea", "round_being_read"),
    GatePage("read-blind", "/moderate/r/{item}/mark/", "moses", "round_being_read"),
    GatePage("compare", "/moderate/r/{item}/compare/", "moses", "item_to_compare"),
    GatePage("decide-round", "/moderate/rounds/{round}/decide/", "lea", "round_to_decide"),
    GatePage("close-round", "/moderate/rounds/{round}/close/", "lea", "round_to_close"),
    GatePage("round-closed", "/moderate/rounds/{round}/closed/", "lea", "closed_round"),
    GatePage("agreement", "/moderate/agreement/", "lea", "closed_round"),
]
