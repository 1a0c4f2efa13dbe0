"""A submission that is nobody's: agreed work, put into the shape of what learners hand in."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import SYSTEM, User
from catalogue.models import AssessmentTask, Criterion, Delivery, Enrolment
from portfolios.actions.drafting import new_item
from portfolios.actions.submission import DECLARATION, submit_portfolio
from portfolios.definitions import ALLOWED
from portfolios.enums import EvidenceKind
from portfolios.inspection.patterns import hints_of
from portfolios.manifest import ALPHABET, Support, neutral_name
from portfolios.models import EvidenceItem, EvidenceMapping, Portfolio, Reflection, Submission
from workflows.transitions import perform

NOT_DUE = dt.timedelta(days=1)


@dataclass(frozen=True)
class Piece:
    """Evidence of which a copy without metadata belongs to the work, what it shows for which criteria, and its day."""

    item: EvidenceItem
    about: str
    supports: Sequence[Support]
    happened_on: dt.date | None = None


@dataclass(frozen=True)
class Words:
    """A note that belongs to the work, and what it shows for which criteria."""

    text: str
    supports: Sequence[Support]


@transaction.atomic
def hand_in(
    delivery: Delivery,
    task: AssessmentTask,
    *,
    texts: Sequence[tuple[str, str]],
    pieces: Sequence[Piece],
    notes: Sequence[Words] = (),
    ai_use: str = "",
) -> Submission:
    """Submit this work in a delivery that holds seeds, through the same door as any learner's.

    Its learner is an account without password, address or name, closed again at once, so that nothing is ever
    sent and nobody signs in. Evidence is new items on the bytes of the copies: nothing points to whose they
    were, and that learner's library does not change. `texts` are reflections by the criterion's code. Notes come
    before the other evidence. ValueError for a delivery of people, GuardsNotMet where a learner could not submit it.
    """
    if not delivery.holds_seeds:
        raise ValueError("Only what holds seeds takes work that is nobody's.")
    learner = _nobody()
    schedule = delivery.schedules.get(task=task)
    due_at = max(schedule.due_at, timezone.now() + NOT_DUE)
    portfolio = Portfolio.objects.create(
        enrolment=Enrolment.objects.create(delivery=delivery, learner=learner),
        task=task,
        opens_at=schedule.opens_at,
        due_at=due_at,
        cut_off_at=max(schedule.cut_off_at, due_at),
    )
    criteria = list(Criterion.objects.filter(rubric__task=task).order_by("number"))
    given: list[Words | Piece] = [*notes, *pieces]
    held = [
        (
            _note(portfolio, learner, piece.text, number)
            if isinstance(piece, Words)
            else _copy(portfolio, learner, piece, number),
            {one.criterion: one for one in piece.supports},
        )
        for number, piece in enumerate(given, 1)
    ]
    for criterion in criteria:
        EvidenceMapping.objects.bulk_create(
            EvidenceMapping(
                portfolio=portfolio,
                evidence=item,
                criterion=criterion,
                claim=said_of[criterion.code].claim,
                locator=said_of[criterion.code].locator,
            )
            for item, said_of in held
            if criterion.code in said_of
        )
        if said := [text for code, text in texts if code == criterion.code]:
            Reflection.objects.create(
                portfolio=portfolio, criterion=criterion, text="\n\n".join(said)
            )
    submission = submit_portfolio(
        portfolio,
        actor=learner,
        key=secrets.token_hex(16),
        declaration=str(DECLARATION),
        ai_use=ai_use,
    )
    learner.is_active = False
    learner.save(update_fields=["is_active"])
    return submission


def _nobody() -> User:
    """An account that is no person's. Its name is a code, so that no word of a text is ever taken for it."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(16))
    return User.objects.create_user(f"{code.lower()}@seed.invalid", name=code)


def _note(portfolio: Portfolio, learner: User, text: str, number: int) -> EvidenceItem:
    item = new_item(
        portfolio,
        learner,
        kind=EvidenceKind.NOTE,
        title=neutral_name(number, "txt"),
        note=text,
        created_at=_later(number),
    )
    raw = text.encode()
    facts = {"type": "text/plain", "size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    return _passed(item, learner, facts, hints=hints_of(text))


def _later(number: int) -> dt.datetime:
    """When a piece came: one after the other, so that they are numbered as they are frozen."""
    return timezone.now() + number * dt.timedelta(microseconds=1)


def _copy(portfolio: Portfolio, learner: User, piece: Piece, number: int) -> EvidenceItem:
    source = piece.item
    name = neutral_name(number, ALLOWED.get(source.copy_type, ("",))[0])
    item = new_item(
        portfolio,
        learner,
        kind=source.kind,
        title=name,
        description=piece.about,
        happened_on=piece.happened_on,
        text_alternative=piece.about if source.needs_text_alternative else "",
        # As the source has it, so that nothing tells a seed from the work of a learner.
        confidentiality=source.confidentiality,
        consent_given=source.consent_given,
        original_name=name,
        created_at=_later(number),
    )
    facts: dict[str, Any] = {
        "key": source.copy_key,
        "type": source.copy_type,
        "size": source.copy_size,
        "sha256": source.copy_sha256,
    }
    return _passed(item, learner, facts, scanned_for_viruses=source.scanned_for_viruses, copy=facts)


def _passed(item: EvidenceItem, learner: User, facts: dict[str, Any], **found: Any) -> EvidenceItem:
    """Through the steps of any evidence: these bytes were checked when they were a learner's."""
    stored = perform(
        item,
        "store",
        actor=learner,
        size=facts["size"],
        sha256=facts["sha256"],
        storage_key=facts.get("key", ""),
        media_type=facts["type"],
    )
    perform(stored, "start_scan", actor=SYSTEM)
    passed: EvidenceItem = perform(
        stored, "pass_scan", actor=SYSTEM, media_type=facts["type"], **found
    )
    return passed
