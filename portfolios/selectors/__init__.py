"""Reads that the learner's pages are made of. Each takes a fixed number of queries."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import Membership, User
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Criterion, Delivery, LearningOutcome
from catalogue.selectors import NextStep, waits_for_administrators
from portfolios import definitions, guards
from portfolios.enums import (
    ENDED_ATTEMPT,
    AttestationState,
    EvidenceState,
    ExtensionState,
    StoreProblem,
    SubmissionState,
)
from portfolios.exceptions import UploadRefused
from portfolios.models import (
    Attestation,
    EvidenceItem,
    EvidenceMapping,
    ExtensionRequest,
    Portfolio,
    Reflection,
    StoreFinding,
    Submission,
    UploadSession,
)
from portfolios.storage import megabytes
from workflows.guards import Guard
from workflows.querysets import Composed
from workflows.words import in_words

MANY = 100_000
"""More than any portfolio has of anything."""

composed = Composed()

SOON = dt.timedelta(days=7)
NEWS = dt.timedelta(days=14)
"""For so long a released result stands among the next steps; the list of results keeps it for good."""


@dataclass
class CriterionRow:
    """One criterion with what the learner has put to it."""

    criterion: Criterion
    mappings: list[EvidenceMapping]
    reflection: Reflection | None
    locked: bool

    @property
    def has_ready_evidence(self) -> bool:
        return any(one.evidence.state == EvidenceState.READY for one in self.mappings)


@dataclass
class OutcomeRow:
    """One outcome: what is there, and in words what is missing."""

    outcome: LearningOutcome
    criteria: list[CriterionRow]
    waiting_for: str = ""

    @property
    def required(self) -> list[CriterionRow]:
        return [row for row in self.criteria if row.criterion.is_required]

    @property
    def missing(self) -> list[CriterionRow]:
        return [row for row in self.required if not row.locked and not row.has_ready_evidence]

    @property
    def words(self) -> str:
        """Ready, never completed."""
        if all(row.locked for row in self.criteria):
            return "Met. Nothing to do"
        if not self.missing:
            return "Ready"
        if not any(row.mappings for row in self.criteria):
            return "Not started"
        open_rows = [row for row in self.required if not row.locked]
        return f"Needs evidence: {len(open_rows) - len(self.missing)} of {len(open_rows)}"

    @property
    def colour(self) -> str:
        words = self.words
        if words == "Ready" or words.startswith("Met"):
            return "green"
        return "grey" if words == "Not started" else "yellow"

    @property
    def is_ready(self) -> bool:
        return not self.missing


@dataclass
class Progress:
    """A portfolio as its task list shows it."""

    portfolio: Portfolio
    outcomes: list[OutcomeRow]
    submission: Submission | None
    waiting_files: int
    attestations: list[Attestation] = field(default_factory=list)

    @property
    def not_ready(self) -> list[OutcomeRow]:
        return [row for row in self.outcomes if not row.is_ready]

    @property
    def is_open(self) -> bool:
        """Whether the learner may still work on it."""
        return self.submission is None or self.submission.state in ENDED_ATTEMPT

    @property
    def has_result(self) -> bool:
        """Whether the learner may read a result of it."""
        return self.submission is not None and self.submission.state in {
            SubmissionState.RELEASED,
            SubmissionState.UNDER_RECONSIDERATION,
        }

    @property
    def is_unconfirmed(self) -> bool:
        """Whether all that is missing is a confirmation that nobody was asked for."""
        asked = any(one.state in ASKED for one in self.attestations)
        return bool(self.missing_attestations) and not asked

    @property
    def check_words(self) -> str:
        """What stands at "Check and submit"."""
        if missing := len(self.not_ready):
            verb = "outcome is" if missing == 1 else "outcomes are"
            return f"Cannot submit yet: {missing} {verb} not ready"
        if self.waiting_files:
            return f"Cannot submit yet: {plural(self.waiting_files, 'item')} not ready"
        if self.missing_attestations:
            return "Cannot submit yet: a confirmation is missing"
        return "Ready to submit"

    @property
    def missing_attestations(self) -> int:
        if self.portfolio.attestation_waived_at:
            return 0
        given = sum(one.state == AttestationState.ATTESTED for one in self.attestations)
        needed = int(self.portfolio.task.attestations_required)
        return max(0, needed - int(given))


def plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def progress_of(portfolio: Portfolio) -> Progress:
    """Everything that the task list, the outcome pages and the check show: six queries."""
    met = composed.rows(
        "met",
        lambda values: Portfolio.met_criteria.through.objects.filter(
            portfolio=values[0]
        ).values_list("criterion_id"),
        [portfolio.pk],
        limit=MANY,
    )
    locked = {key for (key,) in met}
    mapped: dict[Any, list[EvidenceMapping]] = defaultdict(list)
    waiting: set[Any] = set()
    mappings = EvidenceMapping.objects.select_related("evidence").order_by("created_at")
    for mapping in of_portfolio(portfolio, mappings):
        mapped[mapping.criterion_id].append(mapping)
        if mapping.evidence.state != EvidenceState.READY:
            waiting.add(mapping.evidence_id)
    said = {one.criterion_id: one for one in of_portfolio(portfolio, Reflection.objects.all())}
    rows: dict[Any, OutcomeRow] = {}
    for one in criteria_of(portfolio):
        row = rows.setdefault(one.outcome_id, OutcomeRow(one.outcome, []))
        row.criteria.append(CriterionRow(one, mapped[one.pk], said.get(one.pk), one.pk in locked))
    return Progress(
        portfolio,
        list(rows.values()),
        latest_submission(portfolio),
        len(waiting),
        of_portfolio(portfolio, Attestation.objects.order_by("-requested_at")),
    )


def of_portfolio(portfolio: Portfolio, rows: QuerySet[Any, Any]) -> list[Any]:
    """What belongs to a portfolio. `rows` is the same for all portfolios; each model has one such read."""
    found = composed.instances(
        rows.model._meta.label, lambda values: rows.filter(portfolio=values[0]), [portfolio.pk]
    )
    for one in found:
        one.portfolio = portfolio
    return found


def criteria_of(portfolio: Portfolio) -> list[Criterion]:
    """The criteria of its task, by outcome, each with its outcome."""
    return composed.instances(
        "criteria",
        lambda values: (
            Criterion.objects.filter(rubric__task=values[0])
            .select_related("outcome")
            .order_by("outcome__number", "number")
        ),
        [portfolio.task_id],
    )


def latest_submission(portfolio: Portfolio) -> Submission | None:
    """The newest attempt; its manifest is read when it is asked for."""
    attempts = Submission.objects.order_by("-attempt", "-submitted_at").defer("manifest")
    return next(iter(of_portfolio(portfolio, attempts)), None)


@dataclass(frozen=True)
class Card:
    """The one thing to do next."""

    title: str
    text: str = ""
    url: str = ""
    action: str = ""


ASKED = frozenset({AttestationState.REQUESTED, AttestationState.OPENED})
"""States in which a verifier is expected to answer."""


@dataclass
class Home:
    """The learner's home: next, also waiting, waiting on others, dates, results."""

    next: Card
    also: list[Card]
    others: list[Card]
    dates: list[Progress]
    results: list[Progress]


def home_of(learner: User) -> Home:
    """What the learner does next, computed in a fixed order: referral, soon due, missing evidence, silence."""
    portfolios = (
        Portfolio.objects.filter(enrolment__learner=learner, enrolment__ended_at__isnull=True)
        .select_related("task", "enrolment__delivery__version__micro_credential")
        .order_by("due_at")
    )
    rows = summaries(list(portfolios))
    now = timezone.now()
    ranked: list[tuple[int, Card]] = []
    others: list[Card] = []
    for row in rows:
        card = card_of(row, now)
        if card is not None:
            ranked.append(card)
        others += waiting_cards(row)
    ranked.sort(key=lambda pair: pair[0])
    cards = [card for _rank, card in ranked]
    coming = [row for row in rows if row.is_open and row.portfolio.due_at > now]
    nothing = Card("You are up to date", "There is nothing to do for now.")
    if coming:
        due = in_words(coming[0].portfolio.due_at, coming[0].portfolio.enrolment.delivery.zone)
        nothing = Card("You are up to date", f"Your next date is {due}.")
    results = [row for row in rows if row.has_result]
    return Home(cards[0] if cards else nothing, cards[1:6], others[:5], coming, results)


def summaries(portfolios: list[Portfolio]) -> list[Progress]:
    """Progress of several portfolios in a number of queries that does not grow with them."""
    tasks = {one.task_id for one in portfolios}
    criteria: dict[Any, list[Criterion]] = defaultdict(list)
    for one in Criterion.objects.filter(rubric__task__in=tasks).select_related("outcome", "rubric"):
        criteria[one.rubric.task_id].append(one)
    ids = [one.pk for one in portfolios]
    mapped: dict[Any, dict[Any, list[EvidenceMapping]]] = defaultdict(lambda: defaultdict(list))
    for mapping in EvidenceMapping.objects.filter(portfolio__in=ids).select_related("evidence"):
        mapped[mapping.portfolio_id][mapping.criterion_id].append(mapping)
    met: dict[Any, set[Any]] = defaultdict(set)
    through = Portfolio.met_criteria.through.objects.filter(portfolio__in=ids)
    for portfolio_id, criterion_id in through.values_list("portfolio_id", "criterion_id"):
        met[portfolio_id].add(criterion_id)
    submissions: dict[Any, Submission] = {}
    attempts = Submission.objects.filter(portfolio__in=ids).defer("manifest")
    for found in attempts.order_by("attempt", "submitted_at"):
        submissions[found.portfolio_id] = found
    asked: dict[Any, list[Attestation]] = defaultdict(list)
    for attestation in Attestation.objects.filter(portfolio__in=ids):
        asked[attestation.portfolio_id].append(attestation)
    made = []
    for portfolio in portfolios:
        by_outcome: dict[Any, OutcomeRow] = {}
        for one in sorted(criteria[portfolio.task_id], key=lambda c: (c.outcome.number, c.number)):
            row = by_outcome.setdefault(one.outcome_id, OutcomeRow(one.outcome, []))
            row.criteria.append(
                CriterionRow(one, mapped[portfolio.pk][one.pk], None, one.pk in met[portfolio.pk])
            )
        waiting = {
            mapping.evidence_id
            for found_mappings in mapped[portfolio.pk].values()
            for mapping in found_mappings
            if mapping.evidence.state != EvidenceState.READY
        }
        made.append(
            Progress(
                portfolio,
                list(by_outcome.values()),
                submissions.get(portfolio.pk),
                len(waiting),
                asked[portfolio.pk],
            )
        )
    return made


def is_news(submission: Submission, now: dt.datetime) -> bool:
    """Whether the result came out within the last fortnight."""
    if submission.state != SubmissionState.RELEASED or submission.released_at is None:
        return False
    return now - submission.released_at < NEWS


def card_of(row: Progress, now: dt.datetime) -> tuple[int, Card] | None:
    """What one portfolio asks of the learner, with its rank."""
    portfolio = row.portfolio
    due = in_words(portfolio.due_at, portfolio.enrolment.delivery.zone)
    base = f"/learn/p/{portfolio.pk}/"
    title = portfolio.task.title
    if not row.is_open:
        if row.submission is not None and is_news(row.submission, now):
            return 5, Card(f"Your result: {title}", "", f"{base}result/", "Read your result")
        return None
    if row.submission is not None and row.submission.state == SubmissionState.REFERRED:
        text = f"More evidence is asked for. Due {due}."
        return 0, Card(f"{title}, attempt {portfolio.attempt}", text, base, "Continue")
    if portfolio.opens_at > now or portfolio.cut_off_at < now:
        return None
    if not row.not_ready and not row.waiting_files and row.missing_attestations:
        text = f"The last thing that is missing. Due {due}."
        ask = Card(f"Ask someone to confirm: {title}", text, f"{base}ask/", "Ask someone")
        return (1, ask) if row.is_unconfirmed else None
    if not row.not_ready and not row.waiting_files:
        return 1, Card(title, f"Ready to submit. Due {due}.", f"{base}check/", "Check and submit")
    if not row.not_ready:
        text = f"{plural(row.waiting_files, 'item')} of your evidence not ready. Due {due}."
        return 2, Card(title, text, f"{base}evidence/", "See your evidence")
    first = row.not_ready[0]
    rank = 1 if portfolio.due_at - now <= SOON else 3
    text = f"{title}. {first.words}. Due {due}."
    return rank, Card(
        f"Outcome {first.outcome.number}: {first.outcome.title}",
        text,
        f"{base}o/{first.outcome.number}/",
        "Add evidence",
    )


def waiting_cards(row: Progress) -> list[Card]:
    """What others have to do before the learner can go on."""
    cards = [
        Card(
            f"{one.verifier_name} has been asked to confirm",
            row.portfolio.task.title,
            f"/learn/p/{row.portfolio.pk}/ask/",
        )
        for one in row.attestations
        if one.state in ASKED
    ]
    if not row.is_open and row.submission is not None:
        state = row.submission
        if state.state not in {SubmissionState.RELEASED, SubmissionState.UNDER_RECONSIDERATION}:
            cards.append(
                Card(
                    row.portfolio.task.title,
                    state.learner_label,
                    f"/learn/p/{row.portfolio.pk}/state/",
                )
            )
    return cards


@dataclass(frozen=True)
class UploadLimits:
    """What may be added to a portfolio, as it is stated before choosing and checked afterwards."""

    extensions: list[str]
    max_bytes: int
    left: int
    anonymous: bool = False

    @property
    def words(self) -> str:
        """Kinds of file, in the words of people."""
        every = sorted(self.extensions) == definitions.EXTENSIONS
        return definitions.IN_WORDS if every else ", ".join(one.upper() for one in self.extensions)

    @property
    def sentence(self) -> str:
        """The limits in one line."""
        return (
            f"At most {megabytes(self.max_bytes)} for each file, {megabytes(self.left)} are left for you."
            f" {self.words}."
        )

    def check(self, name: str, size: int | None) -> None:
        """Raise UploadRefused for a file that cannot be taken, by its name and the size it says it has."""
        if definitions.extension_of(name) not in self.extensions:
            raise UploadRefused(
                f"We cannot take this kind of file. You can add {self.words}.", "kind"
            )
        if size is None:
            return
        if size > self.max_bytes:
            raise UploadRefused(
                f"This file is too big. The limit is {megabytes(self.max_bytes)}.", "too_big"
            )
        if size > self.left:
            raise UploadRefused(
                f"There is no room for this file: {megabytes(size)}. {megabytes(self.left)} are left."
                " Remove evidence that you do not need.",
                "no_room",
            )


def limits_of(portfolio: Portfolio) -> UploadLimits:
    """Kinds and sizes by task, policy and system; room by learner and by delivery.

    Bytes of removed evidence count until they are deleted; an upload that has begun counts with its
    whole length. Equal bytes count each time, because a learner cannot see what others have stored.
    """
    task, delivery = portfolio.task, portfolio.enrolment.delivery
    most = min(delivery.policy_value("evidence.max_bytes"), settings.EVIDENCE_MAX_BYTES)
    if task.file_max_megabytes:
        most = min(most, task.file_max_megabytes * 1024 * 1024)
    learner = portfolio.enrolment.learner_id
    begun = UploadSession.objects.unfinished()
    used = _sum(EvidenceItem.objects.filter(owner=learner), "size")
    used += _sum(begun.filter(owner=learner), "length")
    in_delivery = _sum(EvidenceItem.objects.filter(delivery=delivery), "size")
    in_delivery += _sum(begun.filter(portfolio__enrolment__delivery=delivery), "length")
    left = min(
        delivery.policy_value("evidence.learner_max_bytes") - used,
        delivery.policy_value("evidence.delivery_max_bytes") - in_delivery,
    )
    allowed = [one for one in definitions.EXTENSIONS if one in task.file_types]
    return UploadLimits(
        allowed or list(definitions.EXTENSIONS),
        most,
        max(0, left),
        delivery.hides_learner(task.pk),
    )


def is_altered(key: str) -> bool:
    """Whether the last look at the store found other bytes under this key than were stored."""
    return bool(altered_among([key]))


def altered_among(keys: Iterable[str]) -> set[str]:
    """Those of the keys that `is_altered` says yes to, in one query."""
    found = StoreFinding.objects.filter(key__in=set(keys), problem=StoreProblem.ALTERED)
    return set(found.values_list("key", flat=True))


def _sum(rows: "QuerySet[Any]", column: str) -> int:
    return int(rows.aggregate(total=Sum(column))["total"] or 0)


@dataclass
class Readiness:
    """What blocks a submission, and what is only worth knowing."""

    blockers: list[Guard]
    warnings: list[str]


def readiness(
    portfolio: Portfolio, progress: Progress, guards_of_step: Sequence[Guard]
) -> Readiness:
    """Every one of the guards that does not hold, except the declaration, which is asked on the next page."""
    blockers = [
        one
        for one in guards_of_step
        if one is not guards.declaration_accepted and not one.holds(portfolio)
    ]
    warnings = []
    for outcome in progress.outcomes:
        warnings += [
            f"You have written no reflection on {row.criterion}."
            for row in outcome.criteria
            if not row.locked and not (row.reflection and row.reflection.text.strip())
        ]
    used = {
        mapping.evidence_id: mapping.evidence
        for outcome in progress.outcomes
        for row in outcome.criteria
        for mapping in row.mappings
    }
    warnings += [
        f"You have not said that people who can be recognised in “{item.title}” have agreed."
        for item in used.values()
        if item.asks_for_consent
    ]
    warnings += [
        f"{one.verifier_name} has not answered yet."
        for one in progress.attestations
        if one.state in ASKED
    ]
    return Readiness(blockers, warnings)


def library(owner: User) -> "list[EvidenceItem]":
    """Everything that the learner has added and not removed, newest first, with what it supports."""
    return list(
        EvidenceItem.objects.filter(owner=owner)
        .kept()
        .prefetch_related("mappings__criterion", "pins")
        .order_by("-created_at")
    )


def leads_of(delivery: Delivery) -> list[User]:
    """The lead moderators of the delivery."""
    roles = delivery.roles.current().filter(role=DeliveryRoleKind.LEAD_MODERATOR)
    return list(User.objects.filter(delivery_roles__in=roles, is_active=True).distinct())


def administrators_of(delivery: Delivery) -> list[User]:
    """People who administer the delivery or its provider, each once; nobody where it holds seeds."""
    if delivery.holds_seeds:
        return []
    provider = delivery.version.micro_credential.provider_id
    in_delivery = User.objects.filter(
        delivery_roles__in=delivery.roles.current().filter(role=DeliveryRoleKind.ADMINISTRATOR)
    )
    of_provider = User.objects.filter(
        memberships__in=Membership.objects.current().filter(
            organisation=provider, role=OrganisationRole.ADMINISTRATOR
        )
    )
    return list((in_delivery | of_provider).distinct())


@waits_for_administrators(rank=10)
def requests_for_time(user: User) -> list[NextStep]:
    """Requests for more time that an administrator has to answer; the one whose date comes first is named."""
    waiting = (
        ExtensionRequest.objects.decidable_by(user)
        .filter(
            state=ExtensionState.REQUESTED,
            portfolio__enrolment__delivery__in=Delivery.objects.administered_by(user),
        )
        .select_related("portfolio__task", "requested_by")
        .order_by("due_before", "pk")
    )
    if not (found := list(waiting)):
        return []
    title = f"{found[0].requested_by} asks for more time"
    if more := len(found) - 1:
        title += f", and {plural(more, 'other')}"
    task = found[0].portfolio.task.title
    return [NextStep(title, task, "portfolios:extensions", None, "See the requests")]
