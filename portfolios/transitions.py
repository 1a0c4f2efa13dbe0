"""Births: the first step of each thing that the learner's work brings into being."""

from django.utils.translation import gettext_lazy as _

from portfolios import guards, rules
from portfolios.enums import AttestationState, EvidenceState, ExtensionState, SubmissionState
from workflows.transitions import Birth

SUBMIT = Birth(
    machine="portfolios.submission",
    name="submit",
    into=SubmissionState.SUBMITTED,
    permission=rules.can_submit,
    conditions=[
        guards.no_live_submission,
        guards.within_window,
        guards.evidence_for_every_criterion,
        guards.evidence_ready,
        guards.evidence_within_limits,
        guards.attestations_given,
        guards.declaration_accepted,
    ],
    past="submitted",
    label=_("Submit"),
)
ADD_EVIDENCE = Birth(
    machine="portfolios.evidenceitem",
    name="add",
    into=EvidenceState.UPLOADING,
    permission=rules.owns_portfolio,
    conditions=[],
    past="added",
    label=_("Add evidence"),
)
ASK_ATTESTATION = Birth(
    machine="portfolios.attestation",
    name="ask",
    into=AttestationState.REQUESTED,
    permission=rules.may_ask_to_confirm,
    conditions=[guards.no_live_submission],
    past="requested",
    label=_("Ask someone to confirm"),
)
ASK_EXTENSION = Birth(
    machine="portfolios.extensionrequest",
    name="ask",
    into=ExtensionState.REQUESTED,
    permission=rules.owns_portfolio,
    conditions=[guards.no_live_submission],
    past="requested",
    label=_("Ask for more time"),
)
