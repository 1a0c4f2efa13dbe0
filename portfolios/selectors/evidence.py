"""The library and map: finding evidence, its age and reuse, and how it stands by the rules of evidence."""

import calendar
import datetime as dt
import unicodedata
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.querysets import search_key
from catalogue.selectors import NextStep, waits_for_administrators
from portfolios.enums import AttestationState, EvidenceKind, EvidenceState, Verdict
from portfolios.models import (
    AttestationStatement,
    EvidenceItem,
    EvidenceMapping,
    Portfolio,
    RenditionPart,
    Submission,
    SubmissionEvidence,
)
from portfolios.selectors import MANY, CriterionRow, Progress, composed, plural
from portfolios.selectors.viewing import EvidenceView, views_of

SAW = AttestationStatement.Answer.OBSERVED
WAITS_LONG = dt.timedelta(minutes=15)
PARTLY = AttestationStatement.Answer.PARTLY
NOT_SEEN = AttestationStatement.Answer.NOT_OBSERVED


@dataclass(frozen=True)
class Reuse:
    """Of a submission's evidence: what others hold too, and what the same learner submitted elsewhere."""

    by_others: frozenset[uuid.UUID]
    elsewhere: frozenset[uuid.UUID]


def reuse_of(submission: Submission) -> Reuse:
    """Equal bytes within the provider, by evidence. Says that, never whose; one statement.

    What lies in seeds counts for nobody. Of a seed's own evidence nothing is said: it was a learner's once.
    """

    def build(values: Sequence[Any]) -> QuerySet[Any, Any]:
        of, provider, learner, portfolio = values
        same = {"sha256": OuterRef("sha256")}
        held = EvidenceItem.objects.filter(
            **same, organisation=provider, delivery__seeds_for__isnull=True
        ).exclude(owner=learner)
        used = SubmissionEvidence.objects.filter(**same, evidence__organisation=provider)
        again = used.filter(submission__learner=learner).exclude(submission__portfolio=portfolio)
        pins = SubmissionEvidence.objects.filter(submission=of).order_by()
        return pins.values_list("evidence_id", Exists(held), Exists(again))

    provider = submission.delivery.version.micro_credential.provider_id
    about = [submission.pk, provider, submission.learner_id, submission.portfolio_id]
    found = composed.rows("reuse", build, about, limit=MANY)
    if submission.delivery.holds_seeds:
        found = []
    return Reuse(
        frozenset(pk for pk, by_others, _again in found if by_others),
        frozenset(pk for pk, _others, elsewhere in found if elsewhere),
    )


@dataclass(frozen=True)
class Filters:
    """What the learner looks for in the library. Macrons and doubled vowels do not matter."""

    words: str = ""
    kind: str = ""
    use: str = ""
    look: str = ""

    @property
    def is_set(self) -> bool:
        return bool(self.words.strip() or self.kind or self.use or self.look)


USES = {"used": "Supports a criterion", "unused": "Supports nothing yet"}
LOOKS = {
    "old": "Done long ago or without a date",
    "access": "Something missing for people who cannot see or hear it",
    "refused": "Refused by the safety check",
}


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day so many months earlier, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last))


def is_old(item: EvidenceItem, months: int, today: dt.date) -> bool:
    """Whether it was done longer ago than evidence usually counts as current. Unknown without a date."""
    return item.happened_on is not None and item.happened_on < months_before(today, months)


def found_in(
    views: Iterable[EvidenceView], filters: Filters, *, months: int, today: dt.date
) -> list[EvidenceView]:
    """What fits the filters, newest first; what holds the words as they were typed comes before the rest."""
    wanted = search_key(filters.words.strip())
    typed = unicodedata.normalize("NFC", filters.words.strip()).casefold()
    exact: list[EvidenceView] = []
    others: list[EvidenceView] = []
    for view in views:
        item = view.item
        text = f"{item.title} {item.description} {item.original_name} {item.note} {item.link}"
        if wanted not in search_key(text) or not _fits(view, filters, months, today):
            continue
        (exact if typed in unicodedata.normalize("NFC", text).casefold() else others).append(view)
    return exact + others


def _fits(view: EvidenceView, filters: Filters, months: int, today: dt.date) -> bool:
    item = view.item
    if filters.kind and item.kind != filters.kind:
        return False
    if filters.use and bool(item.mappings.all()) != (filters.use == "used"):
        return False
    if filters.look == "old":
        return item.happened_on is None or is_old(item, months, today)
    if filters.look == "access":
        return bool(access_gap(view))
    return filters.look != "refused" or item.state == EvidenceState.QUARANTINED


def access_gap(view: EvidenceView) -> str:
    """What somebody who cannot see or hear the evidence would miss, in a sentence; empty where nothing is known."""
    item = view.item
    if item.needs_text_alternative and not item.text_alternative.strip():
        if item.kind == EvidenceKind.MEDIA or item.media_type.startswith(("video/", "audio/")):
            return "It has no captions or transcript for people who cannot hear or see it."
        return "It has no description for people who cannot see it."
    if view.is_waiting or item.text_alternative.strip():
        return ""
    return page_gap(view.pages)


def page_gap(pages: Sequence[RenditionPart]) -> str:
    """What a screen reader cannot read of the drawn pages of a document; empty where it can read all."""
    drawn = [one for one in pages if one.key]
    if drawn and not any(one.text for one in pages):
        return (
            "Its pages seem to be pictures of text. Export the document again, so that it can be read aloud, or say"
            " in words what stands there."
        )
    if silent := [one.number for one in drawn if one.undescribed and not one.text]:
        return f"{named(silent)} cannot be read aloud. Say in words what stands there."
    if bare := [one.number for one in drawn if one.undescribed]:
        return (
            f"{named(bare)} {'has' if len(bare) == 1 else 'have'} pictures without a description. Say in words what"
            " they show, or that they only decorate."
        )
    return ""


def named(pages: Sequence[int]) -> str:
    """Their numbers in words: “Page 2”, “Pages 2, 3 and 7”; of many the first five."""
    first, last = [str(one) for one in pages[:-1]], str(pages[-1])
    if not first:
        return f"Page {last}"
    if len(first) > 5:
        first, last = first[:5], f"{len(pages) - 5} more"
    return f"Pages {', '.join(first)} and {last}"


def access_gaps(progress: Progress) -> list[tuple[EvidenceItem, str]]:
    """The same of everything that a portfolio uses, where something is missing; each item once."""
    used = {
        mapping.evidence_id: mapping.evidence
        for outcome in progress.outcomes
        for row in outcome.criteria
        for mapping in row.mappings
    }
    found = [(view.item, access_gap(view)) for view in views_of(used.values()).values()]
    return [(item, words) for item, words in found if words]


# --- rules of evidence ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """One rule about one mapping or one criterion, and why."""

    rule: str
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True)
class MappingStanding:
    """Valid, authentic and current are asked of each piece of evidence for each criterion."""

    mapping: EvidenceMapping
    findings: list[Finding]


@dataclass(frozen=True)
class CriterionStanding:
    """Sufficient and reliable are asked of everything that stands for a criterion together."""

    row: CriterionRow
    mappings: list[MappingStanding]
    findings: list[Finding]

    @property
    def gaps(self) -> list[str]:
        """What is missing, in sentences; the evidence is named where one piece is meant."""
        own = [one.why for one in self.findings if one.why]
        return own + [
            f"“{each.mapping.evidence.title}”: {one.why}"
            for each in self.mappings
            for one in each.findings
            if one.verdict != Verdict.YES
        ]

    @property
    def words(self) -> str:
        number = len(self.gaps)
        return "No gaps found" if not number else f"{number} gap{'' if number == 1 else 's'}"

    @property
    def colour(self) -> str:
        if any(one.verdict == Verdict.NO for one in self.findings):
            return "red"
        return "yellow" if self.gaps else "green"


def standing_of(
    portfolio: Portfolio, progress: Progress, views: dict[uuid.UUID, EvidenceView]
) -> list[CriterionStanding]:
    """Each criterion by the rules of evidence, from what the learner said and what verifiers confirmed.

    Valid, authentic, current for each mapping; sufficient and reliable for the whole (domain 3.1). It finds
    what is missing and judges nothing: that is the assessor's. One query.
    """
    delivery = portfolio.enrolment.delivery
    months = int(delivery.policy_value("evidence.currency_months"))
    today = timezone.now().astimezone(delivery.zone).date()
    said: dict[Any, set[str]] = defaultdict(set)
    statements = AttestationStatement.objects.filter(
        attestation__portfolio=portfolio, attestation__state=AttestationState.ATTESTED
    )
    for criterion, answer in statements.values_list("criterion_id", "answer"):
        said[criterion].add(answer)
    standings = []
    for outcome in progress.outcomes:
        whole = [mapping for row in outcome.criteria for mapping in row.mappings]
        for row in outcome.criteria:
            answers = said[row.criterion.pk]
            each = [
                MappingStanding(
                    mapping,
                    [
                        _valid(mapping, views.get(mapping.evidence_id)),
                        _authentic(answers),
                        _current(mapping.evidence, months, today),
                    ],
                )
                for mapping in row.mappings
            ]
            findings = [_sufficient(row, whole), _reliable(row, answers)]
            standings.append(CriterionStanding(row, each, findings))
    return standings


def _valid(mapping: EvidenceMapping, view: EvidenceView | None) -> Finding:
    if not mapping.claim.strip():
        return Finding("Valid", Verdict.UNCLEAR, "Say what it shows for this criterion.")
    long = view is not None and (len(view.pages) > 1 or view.is_video or view.is_audio)
    if long and not mapping.locator.strip():
        return Finding("Valid", Verdict.UNCLEAR, "Say where in it: the page or the time.")
    return Finding("Valid", Verdict.YES)


def _authentic(answers: set[str]) -> Finding:
    if answers & {SAW, PARTLY}:
        return Finding("Authentic", Verdict.YES)
    if NOT_SEEN in answers:
        return Finding("Authentic", Verdict.NO, "Whoever was asked has not seen this.")
    return Finding("Authentic", Verdict.UNCLEAR, "Nobody at work has confirmed this yet.")


def _current(item: EvidenceItem, months: int, today: dt.date) -> Finding:
    if item.happened_on is None:
        return Finding("Current", Verdict.UNCLEAR, "Say when it was done.")
    if is_old(item, months, today):
        why = f"It was done more than {months} months ago. Show that you still work like this."
        return Finding("Current", Verdict.NO, why)
    return Finding("Current", Verdict.YES)


def _sufficient(row: CriterionRow, whole: Sequence[EvidenceMapping]) -> Finding:
    if not row.has_ready_evidence:
        return Finding("Sufficient", Verdict.NO, "There is no evidence that is ready.")
    items = {one.evidence_id for one in whole}
    kinds = {one.evidence.kind for one in whole}
    if len(items) < 2 and len(kinds) < 2:
        why = "The whole outcome stands on one piece. A second one makes it stronger."
        return Finding("Sufficient", Verdict.UNCLEAR, why)
    return Finding("Sufficient", Verdict.YES)


def _reliable(row: CriterionRow, answers: set[str]) -> Finding:
    kinds = {one.evidence.kind for one in row.mappings}
    days = {one.evidence.happened_on for one in row.mappings if one.evidence.happened_on}
    if len(kinds) > 1 or len(days) > 1 or answers & {SAW, PARTLY}:
        return Finding("Reliable", Verdict.YES)
    why = "It is all of one kind, from one day, and nobody has confirmed it."
    return Finding("Reliable", Verdict.UNCLEAR, why if row.mappings else "")


@waits_for_administrators(rank=6)
def unchecked_files(user: User) -> list[NextStep]:
    """Files of the deliveries that the person administers whose safety check has not come to its end."""
    before = timezone.now() - WAITS_LONG
    found = (
        EvidenceItem.objects.inspectable_by(user)
        .filter(state__in=[EvidenceState.STORED, EvidenceState.SCANNING], created_at__lt=before)
        .aggregate(number=Count("pk"), oldest=Min("created_at"))
    )
    if not (number := found["number"]):
        return []
    hours = int((timezone.now() - found["oldest"]) / dt.timedelta(hours=1))
    since = plural(hours, "hour") if hours else "more than 15 minutes"
    text = (
        f"The oldest has waited for {since}. Learners cannot use a file before it is checked. The virus scanner"
        " or the background worker may be off: tell who looks after the server."
    )
    return [
        NextStep(
            f"{plural(number, 'file')} {'waits' if number == 1 else 'wait'} for the safety check",
            text,
        )
    ]
