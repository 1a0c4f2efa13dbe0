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
]
