"""Reading one item blind: the draft, the seal, and the comparison that opens after it."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from assessment.enums import Basis
from assessment.models import AssessmentDecision
from catalogue.enums import DeliveryRoleKind
from catalogue.models import DeliveryRole
from moderation import guards, rules, selectors
from moderation.actions import (
    Levels,
    adjust_item,
    open_comparison,
    save_reading,
    seal_reading,
    uphold_item,
)
from moderation.enums import SampleState
from moderation.exceptions import IncompleteReading, ReasonNeeded
from moderation.models import ModeratorReading, SampleItem
from portfolios.actions.rendering import make_renditions
from portfolios.enums import PartKind
from portfolios.models import Part
from tests.factories.moderation import (
    drawn_round,
    entered,
    fresh,
    moderator_of,
    scored,
)
from tests.moderation.test_views import signed_in
from tests.personas import Cast, make_cast
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState, StaleVersion
from workflows.models import AccessRecord
from workflows.transitions import perform

pytestmark = pytest.mark.django_db


@kept
def cast() -> Cast:
    return make_cast()


def test_a_draft_is_kept_and_only_its_moderator_writes_it(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    mine = moderator_of(item)
    reading = save_reading(item, entered(item.submission, "M"), actor=mine)
    assert reading.version == 2
    with pytest.raises(StaleVersion):
        save_reading(item, entered(item.submission, "G"), actor=mine, seen_version=1)
    for name in ("lea", "ada", "pam"):
        with pytest.raises(NotPermitted):
            save_reading(item, entered(item.submission), actor=cast.people[name])


def test_evidence_is_read_on_the_blind_page_itself(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    pin = item.submission.pins.exclude(evidence__copy_key="").get()
    make_renditions()
    reader = Client()
    reader.force_login(moderator_of(item))
    page = reader.get(reverse("moderation:mark", args=[item.pk])).content.decode()
    image = reverse("portfolios:page_image", args=[pin.evidence_id, 1])
    assert f'src="{image}"' in page
    assert f'id="evidence-{pin.number}-page-1"' in page
    assert all(words in page for words in pin.evidence.sharing)
    assert reader.get(image).status_code == 200


def test_a_reading_is_sealed_whole_or_not(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    whole = entered(item.submission)
    part = Levels(dict(list(whole.levels.items())[:1]), {}, "")
    with pytest.raises(IncompleteReading) as missing:
        seal_reading(item, part, actor=moderator_of(item))
    assert missing.value.codes == ["C2", "C3", "Evidence"]
    foreign = Levels(dict.fromkeys(whole.levels, uuid4()), {}, "")
    with pytest.raises(IncompleteReading):
        seal_reading(item, foreign, actor=moderator_of(item))
    sealed = seal_reading(item, whole, actor=moderator_of(item))
    assert sealed.state == SampleState.SCORED
    assert sealed.readings.get().outcome == "achieved"
    with pytest.raises(StaleState):
        save_reading(item, whole, actor=moderator_of(item))
    assert cast.lea


def test_scoring_without_a_sealed_reading_is_refused(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    with pytest.raises(GuardsNotMet) as refused:
        perform(item, "score", actor=moderator_of(item))
    assert refused.value.codes == ["not_read_blind"]
    assert not guards.read_blind.holds(item)
    assert cast.lea


def test_the_comparison_opens_after_sealing_and_each_opening_is_recorded(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    for person in (moderator_of(item), cast.lea):
        with pytest.raises(GuardsNotMet):
            open_comparison(item, actor=person)
    with pytest.raises(NotPermitted):
        open_comparison(item, actor=cast.ada)
    assert not AccessRecord.objects.exists()
    scored(item)
    comparison = open_comparison(fresh(item), actor=moderator_of(item))
    assert comparison.disagreement == ""
    seen = AccessRecord.objects.get()
    assert (seen.actor, seen.subject_id) == (moderator_of(item), comparison.decision.pk)


@pytest.mark.parametrize(
    ("basis", "was_returned", "says"),
    [
        (Basis.ASSESSMENT, True, "after the work was returned"),
        (Basis.ADJUDICATION, True, "after the work was returned"),
        (Basis.ASSESSMENT, False, "assessed again after the set was frozen"),
        (Basis.MODERATION, False, "Moderation has changed"),
        (Basis.MODERATION, True, "Moderation has changed"),
        (Basis.CORRECTION, False, "was corrected"),
        (Basis.RECONSIDERATION, False, "was reconsidered"),
    ],
)
def test_why_another_decision_counts_than_the_one_that_was_frozen(
    basis: Basis, was_returned: bool, says: str
) -> None:
    frozen, now = AssessmentDecision(pk=uuid4()), AssessmentDecision(pk=uuid4(), basis=basis)
    reading = ModeratorReading()
    made = selectors.Comparison(now, frozen, reading, [], was_returned=was_returned)
    assert says in made.revision
    assert ("returned" in made.revision) == ("returned" in says)
    assert selectors.Comparison(now, now, reading, [], was_returned=was_returned).revision == ""


def test_the_page_speaks_of_a_return_only_where_there_was_one(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    scored(item, "E")
    mine = signed_in(cast, moderator_of(item).email.split("@")[0])
    path = reverse("moderation:compare", args=[item.pk])
    assert "What was frozen is kept." not in mine.get(path).content.decode()
    adjust_item(
        fresh(item), actor=moderator_of(item), reason="Page 3 was missed.", factual_error=True
    )
    shown = mine.get(path).content.decode()
    assert "The result was corrected since. What was frozen is kept." in shown
    assert "returned" not in shown


def test_whoever_judged_it_decides_nothing_on_it(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    scored(item)
    Part.objects.filter(submission=item.submission, person=cast.ada).update(
        ended_at="2026-01-01T00:00Z"
    )
    Part.objects.create(submission=item.submission, person=cast.ada, kind=PartKind.MODERATOR)
    SampleItem.objects.filter(pk=item.pk).update(moderator=cast.ada)
    for role in (DeliveryRoleKind.MODERATOR, DeliveryRoleKind.LEAD_MODERATOR):
        DeliveryRole.objects.create(delivery=cast.delivery, user=cast.ada, role=role)
        assert not rules.moderates(fresh(item), cast.ada)
        with pytest.raises(NotPermitted):
            uphold_item(fresh(item), actor=cast.ada)
    assert not rules.may_return(fresh(item).submission, cast.ada)


def test_a_moderator_whose_part_ended_decides_nothing(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    scored(item)
    Part.objects.filter(kind=PartKind.MODERATOR).update(ended_at="2026-01-01T00:00Z")
    with pytest.raises(NotPermitted):
        uphold_item(fresh(item), actor=moderator_of(item))
    assert cast.lea


def test_upholding_against_ones_own_reading_needs_a_reason(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    scored(item, "E")
    with pytest.raises(ReasonNeeded):
        uphold_item(fresh(item), actor=moderator_of(item))
    upheld = uphold_item(fresh(item), actor=moderator_of(item), reason="Both can be argued.")
    assert upheld.state == SampleState.UPHELD
    assert not selectors.disagreements_of(upheld.round)
    assert cast.lea


# Adjusting: the set, not the sampled learner.
