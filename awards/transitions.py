"""Birth of a credential."""

from django.utils.translation import gettext_lazy as _

from awards import rules
from awards.enums import CredentialState
from workflows.transitions import Birth

ISSUE = Birth(
    machine="awards.credential",
    name="issue",
    into=CredentialState.ISSUED,
    permission=rules.may_issue_for,
    conditions=[],
    past="issued",
    label=_("Issue"),
)
