"""Who is told what about the learner's work; what each round does. Handlers may run twice: the notification knows."""

from portfolios.actions.attestation import expire_attestations, remind_verifiers
from portfolios.actions.keeping import keep_links
from portfolios.actions.rendering import make_renditions
from portfolios.actions.scanning import copy_missing, scan_waiting_evidence
from portfolios.actions.schedules import begin_missing_portfolios
from portfolios.actions.submission import submit_at_cut_off
from portfolios.actions.uploading import tend_uploads
from portfolios.handlers import attestation, dates, submissions  # noqa: F401  registered on import
from workflows.definitions import each_round, until_none

each_round("submit_at_cut_off")(submit_at_cut_off)
each_round("expire_attestations")(expire_attestations)
each_round("remind_verifiers")(remind_verifiers)
each_round("begin_missing_portfolios")(begin_missing_portfolios)
each_round("scan_evidence")(until_none(scan_waiting_evidence))
each_round("copy_missing")(copy_missing)
each_round("make_renditions")(until_none(make_renditions))
each_round("keep_links")(until_none(keep_links))
each_round("tend_uploads")(tend_uploads)
