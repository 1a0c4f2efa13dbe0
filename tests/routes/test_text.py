"""No text breaks a form, and what is taken stands in the database as it was typed."""

from typing import Any

import pytest

from accounts.models import User
from accounts.words import plain_text
from assessment.models import CriterionJudgement
from awards.models import Ratification, Recall, Reconsideration
from catalogue.models import Delivery
from moderation.models import AssessorWatch, ModeratorReading
from portfolios.models import Attestation, EvidenceItem, ExtensionRequest, Hold, Reflection
from tests.routes.forms import AWKWARD, FULL, every_form, served, some
from tests.routes.places import House, address, undone

pytestmark = pytest.mark.proof

KEPT: dict[tuple[str, str], tuple[Any, str, bool]] = {
    # (view, field): (model, column, whether space around it goes)
    ("accounts:settings", "preferred_name"): (User, "preferred_name", True),
    ("portfolios:reflect", "text"): (Reflection, "text", False),
    ("portfolios:add_kind", "note"): (EvidenceItem, "note", False),
    ("portfolios:add_kind", "title"): (EvidenceItem, "title", True),
    ("portfolios:describe", "title"): (EvidenceItem, "title", True),
    ("portfolios:describe", "description"): (EvidenceItem, "description", False),
    ("portfolios:ask", "name"): (Attestation, "verifier_name", True),
    ("portfolios:time", "note"): (ExtensionRequest, "note", False),
    ("portfolios:holds", "reason"): (Hold, "reason", True),
    ("portfolios:lift", "note"): (Hold, "closing_note", True),
    ("catalogue:add_person", "name"): (User, "name", True),
    ("catalogue:new_delivery", "title"): (Delivery, "title", True),
    ("assessment:save", "feedback"): (CriterionJudgement, "feedback", False),
    ("moderation:mark", "comment"): (ModeratorReading, "comment", True),
    ("moderation:watch", "reason"): (AssessorWatch, "reason", True),
    ("awards:set", "minute"): (Ratification, "minute", True),
    ("awards:recall_new", "reason"): (Recall, "reason", True),
    ("awards:reconsider", "grounds"): (Reconsideration, "grounds", True),
}


def kept_as(view: str, field: str) -> tuple[Any, str, bool] | None:
    """Where the field's text ends up; fields of a criterion carry its key after their name."""
    return KEPT.get((view, field.partition("_")[0] if field[-1:].isdigit() else field))


def stands(value: str, *, model: Any, column: str, strip: bool) -> bool:
    """Whether a row holds exactly this text, in the house's one spelling."""
    wanted = plain_text(value)
    return bool(
        model._default_manager.filter(**{column: wanted.strip() if strip else wanted}).exists()
    )


def test_each_text_is_refused_in_words_or_kept_as_it_was_typed(house: House) -> None:
    """Every field × awkward text. By default: fields with a known column, both spellings of macrons and one more."""
    wrong, kept = [], set()
    for row in every_form():
        place = house.places[row.place]
        persona = served(row, house, "POST")
        for key in place.data if persona else ():
            target = kept_as(row.view, key)
            if target is None and not FULL:
                continue
            names = {"macrons", "decomposed", *some(AWKWARD, f"{row.name} {key}", 1)}
            for name in sorted(names):
                with undone():
                    answer = house.client(persona, place).post(
                        address(row.view, place.kwargs), {**place.data, key: AWKWARD[name]}
                    )
                    if answer.status_code >= 500:
                        wrong.append(f"{row.name} {key} {name}: {answer.status_code}")
                    elif target and answer.status_code == 302:
                        model, column, strip = target
                        if stands(AWKWARD[name], model=model, column=column, strip=strip):
                            kept.add((row.view, column))
                        else:
                            wrong.append(f"{row.name} {key} {name}: not kept as typed")
    assert not wrong, "\n".join(wrong)
    missing = {(view, column) for (view, _key), (_m, column, _s) in KEPT.items()} - kept
    assert not missing, missing
