"""The early check of a new task: places, the refusal, reading, and that marking goes on."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import DeclaredConflict
from assessment import guards, rules
from assessment.actions.allocation import hand_back
from assessment.actions.deciding import refer
from assessment.actions.early import (
    answer_early,
    ask_for_early_changes,
    begin_reading,
    pass_early_check,
    record_reading,
)
from assessment.actions.marking import start_assessment
from assessment.exceptions import EarlyNoteNeeded
from assessment.models import EarlyAnswer, EarlyCheck, EarlyPlace, EarlyReading, EarlyVerdict
from assessment.selectors.early import decided_places, to_answer, waiting_checks
from assessment.selectors.filters import Filters
from assessment.selectors.queue import EARLY_LABEL, queue_for
from catalogue.actions.hooks import tell
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery, DeliveryRole
from moderation.selectors import free_to_read
from portfolios.models import Part, Submission
from tests.factories.assessment import allocated, assessed, decided, drafted, opened
from tests.personas import make_cast
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import AccessRecord, Notification
from workflows.outbox import relay
from workflows.transitions import perform

pytestmark = pytest.mark.django_db
SIZE = {"marking.early_check": 2}


def opened_delivery(cast):
    """What opening a delivery does for its tasks."""
    tell("delivery_opened", delivery=cast.delivery, actor=cast.pam)
    return EarlyCheck.objects.get(delivery=cast.delivery)


@kept
def cast():
    made = make_cast(learners=4, policy=SIZE)
    made.check = opened_delivery(made)
    return made


@kept
def full():
    """Two of the places decided, a third piece of work with Ada."""
    made = make_cast(learners=4, policy=SIZE)
    made.check = opened_delivery(made)
    made.first = assessed(made, "lena")
    made.second = assessed(made, "hone", "NY")
    made.third = allocated(made, "mere")
    relay()
    return made


def refused(call):
    with pytest.raises(GuardsNotMet) as caught:
        call()
    return caught.value.codes


def read(cast, number, *, is_sound=True, note="", who="moses", sent_back=False):
    found = next(one for one in decided_places(cast.check) if one.place.number == number)
    begin_reading(found.place, actor=cast.people[who])
    return record_reading(
        found.place,
        found.decision,
        actor=cast.people[who],
        is_sound=is_sound,
        note=note,
        sent_back=sent_back,
    )


def another(cast, code, **policy):
    now = timezone.now()
    return Delivery.objects.create(
        version=cast.delivery.version, code=code, title=code, mode="online_live",
        starts_on=now.date(), ends_on=now.date() + timedelta(days=30), opened_at=now,
        policy_overrides={**SIZE, **policy},
    )  # fmt: skip


# One world after the other: each is built once.


def test_a_new_task_gets_one_and_zero_makes_none(cast):
    assert (cast.check.size, cast.check.passed_at) == (2, None)
    none = another(cast, "none", **{"marking.early_check": 0})
    tell("delivery_opened", delivery=none, actor=cast.pam)
    assert not none.early_checks.exists()
    also = another(cast, "also")
    tell("delivery_opened", delivery=also, actor=cast.pam)
    assert also.early_checks.exists(), "nothing of it is known yet"


def test_a_task_that_was_passed_early_gets_none(cast):
    EarlyCheck.objects.update(passed_at=timezone.now(), passed_by=cast.moses)
    later = another(cast, "later")
    tell("delivery_opened", delivery=later, actor=cast.pam)
    assert not later.early_checks.exists()


def test_a_started_piece_goes_on_and_keeps_its_place(cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    opened(allocated(cast, "hone"), cast.ada)
    assert [one.number for one in cast.check.places.all()] == [1, 2]
    fresh = Submission.objects.get(pk=submission.pk)
    start_assessment(fresh, actor=cast.ada)
    assert decided(fresh, cast.ada).state == "assessed"


def test_work_that_is_handed_back_leaves_its_place(cast):
    first = allocated(cast)
    opened(first, cast.ada)
    opened(allocated(cast, "hone"), cast.ada)
    hand_back(Submission.objects.get(pk=first.pk), actor=cast.ada, reason="Leave.")
    third = allocated(cast, "mere")
    start_assessment(third, actor=cast.ada)
    assert EarlyPlace.objects.get(submission=third).number == 1


def test_a_referral_is_one_of_the_first_decisions_and_the_next_attempt_is_not(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada, "NY")
    refer(Submission.objects.get(pk=submission.pk), actor=cast.ada)
    [one] = decided_places(cast.check)
    assert one.place.submission == submission
    assert one.decision.final_at is None


def test_nothing_undecided_is_read(cast):
    opened(allocated(cast), cast.ada)
    assert decided_places(cast.check) == []
    assert waiting_checks(cast.moses) == []
    with pytest.raises(StaleState):
        begin_reading(cast.check.places.get(), actor=cast.moses)


def test_too_few_need_a_note_too(cast):
    assert refused(lambda: pass_early_check(cast.check, actor=cast.moses)) == [
        "early_nothing_decided"
    ]
    assessed(cast)
    read(cast, 1)
    with pytest.raises(EarlyNoteNeeded):
        pass_early_check(cast.check, actor=cast.moses)
    assert pass_early_check(cast.check, actor=cast.moses, note="One is on hold.").passed_at


def test_a_task_that_is_known_gets_none(full):
    later = another(full, "later")
    tell("delivery_opened", delivery=later, actor=full.pam)
    assert not later.early_checks.exists()


def test_the_next_piece_is_refused_and_says_why(full):
    assert refused(lambda: start_assessment(full.third, actor=full.ada)) == ["early_check_open"]
    assert refused(lambda: perform(full.third, "start_assessment", actor=full.ada)) == [
        "early_check_open"
    ]
    assert "read by a moderator" in str(guards.place_in_early_check.message)


def test_another_task_or_delivery_does_not_wait(full):
    EarlyCheck.objects.update(delivery=another(full, "elsewhere"))
    assert start_assessment(full.third, actor=full.ada).state == "in_assessment"


def test_who_may_read(full):
    may = {name for name in full.people if rules.reads_early(full.check, full.people[name])}
    assert may == {"moses", "lea"}
    DeliveryRole.objects.create(
        delivery=full.delivery, user=full.ada, role=DeliveryRoleKind.MODERATOR
    )
    assert not rules.reads_early(full.check, full.ada), "nobody checks their own marking"
    place = full.check.places.first()
    for name in ("ada", "abe", "ed", "pam", "rita", "lena", "olga"):
        with pytest.raises(NotPermitted):
            begin_reading(place, actor=full.people[name])
    seen = {
        name
        for name, one in full.people.items()
        if one.is_active and EarlyCheck.objects.visible_to(one)
    }
    assert (
        seen
        == {
            name for name, one in full.people.items() if rules.can_view_early_check(full.check, one)
        }
        == {"moses", "lea", "ada"}
    )


def test_a_reader_is_independent_of_the_learner(full):
    DeclaredConflict.objects.create(
        person=full.moses, other=full.lena, kind="whanau", declared_by=full.pam
    )
    place = full.check.places.get(submission=full.first)
    assert refused(lambda: begin_reading(place, actor=full.moses)) == ["not_independent"]


def test_reading_is_kept_recorded_and_ends_the_part(full):
    reading = read(full, 1, is_sound=False, note="  Too kind.  ")
    assert (reading.is_sound, reading.note) == (False, "Too kind.")
    assert AccessRecord.objects.filter(subject_id=reading.decision_id, actor=full.moses).exists()
    part = Part.objects.get(submission=full.first, person=full.moses)
    assert part.ended_at is not None
    assert full.moses not in free_to_read(full.first), "fresh eyes read it in the round"
    for change in (
        lambda: EarlyReading.objects.update(is_sound=True),
        lambda: EarlyReading.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            change()


def test_a_concern_says_why_and_a_reading_begins_first(full):
    found = decided_places(full.check)[0]
    with pytest.raises(NotPermitted):
        record_reading(found.place, found.decision, actor=full.moses, is_sound=True)
    begin_reading(found.place, actor=full.moses)
    with pytest.raises(EarlyNoteNeeded):
        record_reading(found.place, found.decision, actor=full.moses, is_sound=False, note=" ")
    other = decided_places(full.check)[1]
    with pytest.raises(StaleState):
        record_reading(found.place, other.decision, actor=full.moses, is_sound=True)
    record_reading(found.place, found.decision, actor=full.moses, is_sound=True)


def test_it_is_passed_when_all_is_read_and_marking_goes_on(full):
    assert refused(lambda: pass_early_check(full.check, actor=full.moses)) == ["early_unread"]
    read(full, 1)
    assert refused(lambda: pass_early_check(full.check, actor=full.moses)) == ["early_unread"]
    read(full, 2, who="lea")
    with pytest.raises(NotPermitted):
        pass_early_check(full.check, actor=full.abe)
    passed = pass_early_check(full.check, actor=full.lea)
    assert (passed.passed_by, passed.verdicts.get().kind) == (full.lea, "passed")
    assert start_assessment(full.third, actor=full.ada).state == "in_assessment"
    told = Notification.objects.filter(topic="assessment.early_check_passed")
    assert {one.recipient for one in told} == {full.ada, full.abe, full.ana}
    with pytest.raises(StaleState):
        pass_early_check(full.check, actor=full.lea)
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        EarlyVerdict.objects.update(note="x")


def test_a_concern_needs_a_note(full):
    read(full, 1, is_sound=False, note="Why?")
    read(full, 2)
    with pytest.raises(EarlyNoteNeeded):
        pass_early_check(full.check, actor=full.moses)
    pass_early_check(full.check, actor=full.moses, note="Talked about it.")


def test_changes_are_asked_for_and_marking_stays_closed(full):
    read(full, 1)
    read(full, 2)
    with pytest.raises(EarlyNoteNeeded):
        ask_for_early_changes(full.check, actor=full.moses, note=" ")
    ask_for_early_changes(full.check, actor=full.moses, note="Read C2 again.")
    assert refused(lambda: start_assessment(full.third, actor=full.ada)) == ["early_check_open"]
    told = Notification.objects.filter(topic="assessment.early_changes_asked")
    author = full.delivery.version.author
    assert {one.recipient for one in told} == {full.ada, full.abe, full.ana, author}
    pass_early_check(full.check, actor=full.moses)
    assert [one.kind for one in full.check.verdicts.all()] == ["changes_asked", "passed"]


def sent_back(full):
    read(full, 2)
    return read(full, 1, is_sound=False, note="A sketch is no plan.", sent_back=True)


def test_a_decision_goes_back_to_its_assessor_and_no_further(full):
    reading = sent_back(full)
    told = Notification.objects.get(topic="assessment.early_changes_asked")
    page = reverse("assessment:early_check", args=[full.check.pk])
    assert (told.recipient, told.path) == (full.ada, page)
    assert told.context["reference"] == full.first.reference
    assert Submission.objects.get(pk=full.first.pk).state == "assessed", "no state moves by it"
    assert to_answer(full.ada) == [full.check]
    assert to_answer(full.abe) == []
    with pytest.raises(IntegrityError, match="sent_back"), transaction.atomic():
        EarlyReading.objects.create(
            place=reading.place, decision=reading.decision, moderator=full.lea, is_sound=True,
            sent_back=True,
        )  # fmt: skip


def test_it_is_answered_once_by_the_author_before_marking_goes_on(full):
    reading = sent_back(full)
    note = "Talked about it."
    asked = {"would_change": True, "text": "C2 asks for a plan."}
    assert refused(lambda: pass_early_check(full.check, actor=full.lea, note=note)) == [
        "early_unanswered"
    ]
    with pytest.raises(NotPermitted):
        answer_early(reading, actor=full.abe, **asked)
    with pytest.raises(EarlyNoteNeeded):
        answer_early(reading, actor=full.ada, would_change=False, text=" ")
    with pytest.raises(NotPermitted):
        answer_early(EarlyReading.objects.get(is_sound=True), actor=full.ada, **asked)
    answer = answer_early(reading, actor=full.ada, **asked)
    with pytest.raises(StaleState):
        answer_early(reading, actor=full.ada, **asked)
    for change in (
        lambda: EarlyAnswer.objects.update(would_change=False),
        lambda: EarlyAnswer.objects.filter(pk=answer.pk).delete(),
    ):
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            change()
    pass_early_check(full.check, actor=full.lea, note=note)


def test_who_assesses_here_no_more_is_not_waited_for(full):
    reading = sent_back(full)
    full.delivery.roles.filter(user=full.ada, role=DeliveryRoleKind.ASSESSOR).update(
        ended_at=timezone.now()
    )
    with pytest.raises(NotPermitted):
        answer_early(reading, actor=full.ada, would_change=True, text="Yes.")
    assert to_answer(full.ada) == []
    pass_early_check(full.check, actor=full.moses, note="Ada has left.")
    later = EarlyReading.objects.get(pk=reading.pk)
    full.delivery.roles.filter(user=full.ada).update(ended_at=None)
    with pytest.raises(StaleState):
        answer_early(later, actor=full.ada, would_change=True, text="Yes.")


def test_the_assessors_page(full):
    reading = sent_back(full)
    ask_for_early_changes(full.check, actor=full.moses, note="Read C2 again.")
    links = Notification.objects.filter(topic="assessment.early_changes_asked")
    page = reverse("assessment:early_check", args=[full.check.pk])
    author = full.delivery.version.author
    assert {one.path for one in links.exclude(recipient=author)} == {page}
    assert links.get(recipient=author).path == reverse(
        "catalogue:version", args=[full.delivery.version_id]
    )
    ada, abe, moses = Client(), Client(), Client()
    for client, user in ((ada, full.ada), (abe, full.abe), (moses, full.moses)):
        client.force_login(user)
    assert "Sent back to you" in ada.get("/assess/").content.decode()
    assert "Sent back to you" not in abe.get("/assess/").content.decode()
    text = ada.get(page).content.decode()
    pin = full.first.pins.get(number=1)
    shown = f'{reverse("portfolios:view", args=[pin.evidence_id])}?number=1"'
    for words in ("Read C2 again.", "A sketch is no plan.", full.first.reference, shown):
        assert words in text
    other = abe.get(page).content.decode()
    assert "Read C2 again." in other
    for words in (
        "A sketch is no plan.",
        full.first.reference,
        shown,
        "look at the evidence again",
    ):
        assert words not in other
    assert moses.get(page).status_code in (403, 404)
    prefix = f"answer-{reading.pk}"
    empty = ada.post(page, {"reading": reading.pk})
    assert empty.status_code == 422
    assert "Choose whether you would judge it otherwise." in empty.content.decode()
    said = {
        "reading": reading.pk, f"{prefix}-would_change": "yes",
        f"{prefix}-text": "Ka\u0304ore: C2 asks for a plan.",
    }  # fmt: skip
    assert abe.post(page, said).status_code == 404
    done = ada.post(page, said, follow=True).content.decode()
    assert "You answered" in done
    assert "Kāore: C2 asks for a plan." in done
    assert ada.post(page, said).status_code == 409
    assert "Sent back to you" not in ada.get("/assess/").content.decode()
    shown = moses.get(reverse("moderation:early_check", args=[full.check.pk])).content.decode()
    assert "would judge it otherwise" in shown
    assert "Kāore: C2 asks for a plan." in shown


def test_the_moderator_sends_it_back_on_the_page(full):
    client = Client()
    client.force_login(full.moses)
    one = reverse("moderation:early_reading", args=[full.check.pk, 1])
    client.post(one, {"start": "1"})
    place = decided_places(full.check)[0]
    decision, pin = place.decision, place.place.submission.pins.exclude(evidence__copy_key="").get()
    address = reverse("portfolios:serve", args=[pin.evidence_id])
    assert f"Download Evidence {pin.number} (" in (page := client.get(one).content.decode())
    assert address in page
    said = {"decision": decision.pk, "is_sound": "back"}
    assert client.post(one, said).status_code == 422
    client.post(one, {**said, "note": "Too kind."})
    assert EarlyReading.objects.get().sent_back
    page = client.get(reverse("moderation:early_check", args=[full.check.pk]))
    assert "Sent back" in page.content.decode()


def test_the_page_asks_as_many_questions_for_two_as_for_one(full):
    client = Client()
    client.force_login(full.ada)
    page = reverse("assessment:early_check", args=[full.check.pk])
    read(full, 1, is_sound=False, note="One.", sent_back=True)
    client.get(page)
    counts = []
    for number in (0, 2):
        if number:
            read(full, number, is_sound=False, note="Two.", sent_back=True)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(page).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1], counts


def test_moderators_are_told_once_when_the_last_is_there(full):
    told = Notification.objects.filter(topic="assessment.early_check_ready")
    assert {one.recipient for one in told} == {full.moses, full.lea}
    assert told.first().path == reverse("moderation:early_check", args=[full.check.pk])


def states(user):
    return {row.reference: row.state for row in queue_for(user, Filters(), 1).rows}


def test_the_queue_and_the_page_before_say_that_it_waits(full, django_assert_max_num_queries):
    assert states(full.ada) == {full.third.reference: EARLY_LABEL}
    client = Client()
    client.force_login(full.ada)
    page = client.get(reverse("assessment:workspace", args=[full.third.pk])).content.decode()
    assert "first decisions are read by a moderator" in page
    assert "Start marking" not in page
    started = client.post(reverse("assessment:start", args=[full.third.pk]))
    assert started.status_code == 422
    assert "You will be told when it does" in started.content.decode()
    read(full, 1)
    read(full, 2)
    pass_early_check(full.check, actor=full.moses)
    assert states(full.ada) == {full.third.reference: "Submitted"}


def test_the_moderators_pages(full):
    client = Client()
    client.force_login(full.moses)
    assert "First decisions on a new task" in client.get("/moderate/").content.decode()
    page = reverse("moderation:early_check", args=[full.check.pk])
    assert "Read every decision first" in client.get(page).content.decode()
    one, two = (
        reverse("moderation:early_reading", args=[full.check.pk, number]) for number in (1, 2)
    )
    assert client.get(one).status_code == 302, "nothing is shown before reading is begun"
    assert client.post(one, {"is_sound": "yes"}).status_code == 403
    decision = decided_places(full.check)[0].decision
    text = client.post(one, {"start": "1"}, follow=True).content.decode()
    assert "What Ada Assessor decided" in text
    assert "look at the evidence again" in text
    said = {"decision": decision.pk, "is_sound": "no"}
    assert client.post(one, said).status_code == 422
    other = decided_places(full.check)[1].decision
    assert client.post(one, {"decision": other.pk, "is_sound": "yes"}).status_code == 409
    client.post(one, {**said, "note": "Too kind."})
    client.post(two, {"start": "1"})
    client.post(two, {"decision": other.pk, "is_sound": "yes"})
    text = client.get(page).content.decode()
    assert "Too kind." in text
    assert client.post(page, {"verdict": "pass"}).status_code == 422
    assert client.post(page, {"verdict": "changes"}).status_code == 422
    client.post(page, {"verdict": "pass", "note": "Talked."})
    assert "Marking goes on since" in client.get(page).content.decode()
    nowhere = reverse("moderation:early_reading", args=[full.check.pk, 9])
    assert client.get(nowhere).status_code == 404


def test_pages_cost_the_same_for_one_and_two(full, django_assert_max_num_queries):
    client = Client()
    client.force_login(full.moses)
    page = reverse("moderation:early_check", args=[full.check.pk])
    client.get(page)
    counts = []
    for _each in range(2):
        with django_assert_max_num_queries(40) as captured:
            client.get(page)
        counts.append(len(captured))
        EarlyPlace.objects.order_by("-number").first().delete()
    assert counts[0] == counts[1]
