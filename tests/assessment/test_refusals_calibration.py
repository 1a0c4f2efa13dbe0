"""Calibration, early checks, seeds, flags and names: what is refused to people whose part has ended or is another's."""

from unittest.mock import patch

import pytest
from django.utils import timezone

from assessment.actions.calibration import begin_calibration, mark_exemplar, waive_calibration
from assessment.actions.early import begin_reading, pass_early_check, record_reading
from assessment.actions.exemplars import Agreed, Anonymous, freeze_exemplar
from assessment.actions.flagging import set_flag
from assessment.actions.preparing import (
    change_prepared,
    count_use,
    prepare_comment,
    remove_prepared,
)
from assessment.actions.revealing import reveal_assessor, reveal_learner
from assessment.exceptions import CalibrationRefused
from assessment.models import (
    CalibrationAttempt,
    CalibrationJudgement,
    CalibrationWaiver,
    EarlyCheck,
    EarlyPlace,
    EarlyReading,
    PreparedComment,
    WorkFlag,
)
from assessment.selectors.calibration import next_item
from catalogue.models import DeliveryRole, Level
from portfolios.models import Part, Submission
from tests.factories.assessment import allocated, assessed
from tests.factories.catalogue import published_version
from tests.personas import make_cast
from tests.worlds import kept
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import AccessRecord, Notification

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast():
    """Two pieces of agreed work; Ada has Lena's work and has decided Hōne's."""
    made = make_cast(learners=2, policy={"anonymous_marking": True})
    levels = Level.objects.filter(criterion__rubric__task=made.task, code="M")
    for number in (1, 2):
        freeze_exemplar(
            made.task,
            actor=made.lea,
            title=f"Agreed work {number}",
            agreed=Agreed({one.criterion_id: one.pk for one in levels}, "It is there once."),
            work=Anonymous([("C1", f"I checked page {number}.")]),
            for_calibration=True,
        )
    made.work = allocated(made)
    made.done = assessed(made, "hone")
    return made


def asks_for(number):
    """The policy's number of pieces."""
    return patch(
        "assessment.actions.calibration.rule_values",
        return_value={
            "exemplars": number, "exact": 0.6, "adjacent": 0.95, "bias": 0.5, "valid_months": 12,
        },
    )  # fmt: skip


def begun(cast, number=2):
    with asks_for(number):
        return begin_calibration(cast.task, actor=cast.ada)


def levels_of(item, code="M"):
    rows = Level.objects.filter(criterion__rubric=item.attempt.task.rubric, code=code)
    return {one.criterion_id: one.pk for one in rows}


def end_part(cast, name, role="assessor"):
    cast.delivery.roles.filter(user=cast.people[name], role=role).update(ended_at=timezone.now())


# --- calibration


def test_who_assesses_no_more_calibrates_no_further(cast):
    attempt = begun(cast)
    item = next_item(attempt)
    end_part(cast, "ada")
    with pytest.raises(NotPermitted):
        mark_exemplar(item, actor=cast.ada, levels=levels_of(item))
    assert not CalibrationJudgement.objects.exists()


def test_one_who_assesses_too_does_not_mark_for_another(cast):
    item = next_item(begun(cast))
    with pytest.raises(NotPermitted):
        mark_exemplar(item, actor=cast.abe, levels=levels_of(item))
    assert not CalibrationJudgement.objects.exists()


def test_too_little_and_nothing_at_all_begin_nothing(cast):
    for number in (0, 3):
        with pytest.raises(CalibrationRefused, match=f"needs {number} .* there are 2"):
            begun(cast, number)
    assert not CalibrationAttempt.objects.exists()
    assert begun(cast).items.count() == 2


def test_an_attempt_of_somebody_else_or_under_other_words_is_not_gone_on_with(cast):
    with asks_for(1):
        theirs = begin_calibration(cast.task, actor=cast.abe)
    mine = begun(cast)
    assert mine != theirs
    CalibrationAttempt.objects.filter(pk=mine.pk).update(rubric_hash="2" * 64)
    with pytest.raises(CalibrationRefused):
        begun(cast)


def test_levels_of_other_criteria_are_no_levels(cast):
    item = next_item(begun(cast))
    first, second, *rest = levels_of(item).items()
    crossed = {first[0]: second[1], second[0]: first[1], **dict(rest)}
    with pytest.raises(CalibrationRefused, match=r"Choose a level for C1, C2\."):
        mark_exemplar(item, actor=cast.ada, levels=crossed)
    item.refresh_from_db()
    assert item.marked_at is None


def test_only_who_leads_now_hears_of_what_was_not_passed(cast):
    DeliveryRole.objects.create(delivery=cast.delivery, user=cast.rob, role="lead_moderator")
    DeliveryRole.objects.create(delivery=cast.delivery, user=cast.rita, role="lead_moderator")
    end_part(cast, "rob", "lead_moderator")
    cast.rita.is_active = False
    cast.rita.save()
    attempt = begun(cast)
    with asks_for(2):
        while (item := next_item(attempt)) is not None:
            attempt = mark_exemplar(item, actor=cast.ada, levels=levels_of(item, "E"))
    assert not attempt.passed
    told = Notification.objects.filter(topic="assessment.calibration_not_passed")
    assert [one.recipient for one in told] == [cast.lea]


def test_a_waiver_is_for_somebody_who_assesses_now(cast):
    end_part(cast, "ada")
    with pytest.raises(NotPermitted):
        waive_calibration(cast.task, cast.ada, actor=cast.lea, reason="Known.")
    end_part(cast, "lea", "lead_moderator")
    with pytest.raises(NotPermitted):
        waive_calibration(cast.task, cast.abe, actor=cast.lea, reason="Known.")
    assert not CalibrationWaiver.objects.exists()


# --- early checks


def placed(cast):
    check = EarlyCheck.objects.create(delivery=cast.delivery, task=cast.task, size=2)
    return EarlyPlace.objects.create(check_of=check, submission=cast.done, number=1)


def decision(cast):
    return cast.done.decisions.get()


def test_what_is_sound_is_sent_back_to_nobody(cast):
    place = placed(cast)
    begin_reading(place, actor=cast.moses)
    made = record_reading(
        place, decision(cast), actor=cast.moses, is_sound=True, note="Fine.", sent_back=True
    )
    assert not made.sent_back
    assert not Notification.objects.filter(topic="assessment.early_changes_asked").exists()


def test_one_reader_reads_one_decision_once(cast):
    place = placed(cast)
    begin_reading(place, actor=cast.moses)
    said = {"actor": cast.moses, "is_sound": False, "note": "Too kind.", "sent_back": True}
    record_reading(place, decision(cast), **said)
    begin_reading(place, actor=cast.moses)
    with pytest.raises(StaleState):
        record_reading(place, decision(cast), **said)
    assert EarlyReading.objects.count() == 1
    told = Notification.objects.filter(topic="assessment.early_changes_asked")
    assert [one.recipient for one in told] == [cast.ada]


def test_nothing_is_read_once_marking_goes_on(cast):
    place = placed(cast)
    begin_reading(place, actor=cast.moses)
    EarlyCheck.objects.update(passed_at=timezone.now(), passed_by=cast.lea)
    with pytest.raises(StaleState):
        begin_reading(place, actor=cast.lea)
    with pytest.raises(StaleState):
        record_reading(place, decision(cast), actor=cast.moses, is_sound=True)
    assert not EarlyReading.objects.exists()
    assert not Part.objects.filter(person=cast.lea).exists()


def test_a_part_that_has_ended_or_is_no_readers_reads_nothing(cast):
    place = placed(cast)
    begin_reading(place, actor=cast.moses)
    mine = Part.objects.filter(submission=cast.done, person=cast.moses)
    for change in ({"kind": "feedback_reader"}, {"kind": "moderator", "ended_at": timezone.now()}):
        mine.update(**change)
        with pytest.raises(NotPermitted):
            record_reading(place, decision(cast), actor=cast.moses, is_sound=True)
    assert not EarlyReading.objects.exists()


def test_passing_ends_the_readings_that_somebody_began_and_no_other_part(cast):
    place = placed(cast)
    for one in (cast.moses, cast.lea):
        begin_reading(place, actor=one)
    record_reading(place, decision(cast), actor=cast.moses, is_sound=True)
    elsewhere = Part.objects.create(submission=cast.work, person=cast.lea, kind="moderator")
    pass_early_check(place.check_of, actor=cast.moses, note="One is enough.")
    live = Part.objects.filter(person__in=[cast.lea, cast.moses], ended_at__isnull=True)
    assert list(live) == [elsewhere]
    assert Part.objects.filter(person=cast.ada, submission=cast.done, ended_at=None).exists()


# --- flags, prepared comments and names


def test_a_flag_is_put_on_by_who_marks_it_and_on_a_piece_that_is_there(cast):
    Part.objects.create(submission=cast.work, person=cast.moses, kind="moderator")
    for person, number in ((cast.moses, 0), (cast.abe, 0), (cast.lena, 0), (cast.ada, 9)):
        with pytest.raises(NotPermitted):
            set_flag(cast.work, actor=person, number=number, flagged=True)
    for number in (0, 1, 1):
        set_flag(cast.work, actor=cast.ada, number=number, flagged=True)
    assert WorkFlag.objects.count() == 2
    set_flag(cast.work, actor=cast.ada, number=1, flagged=False)
    assert [one.number for one in WorkFlag.objects.all()] == [0]


def test_prepared_comments_are_changed_removed_and_counted_by_whom_they_are_for(cast):
    credential = cast.task.version.micro_credential
    made = prepare_comment(actor=cast.ada, micro_credential=credential, text="Say more.")
    for name in ("abe", "lea", "moses"):
        person = cast.people[name]
        with pytest.raises(NotPermitted):
            change_prepared(made, actor=person, text="Mine.", is_shared=True)
        with pytest.raises(NotPermitted):
            remove_prepared(made, actor=person)
        assert not count_use(made.pk, actor=person)
    assert count_use(made.pk, actor=cast.ada)
    remove_prepared(made, actor=cast.ada)
    assert not count_use(made.pk, actor=cast.ada)
    made = PreparedComment.objects.get()
    assert (made.text, made.uses) == ("Say more.", 1)
    strange = published_version(cast.provider, "other").micro_credential
    for name, where in (("ada", strange), ("moses", credential), ("lena", credential)):
        with pytest.raises(NotPermitted):
            prepare_comment(actor=cast.people[name], micro_credential=where, text="Say more.")


def test_a_name_is_shown_to_who_allocates_with_a_reason_and_never_before_release_to_others(cast):
    for name, why in (("pam", "  "), ("lea", ""), ("ada", "I wonder."), ("moses", "I wonder.")):
        with pytest.raises(NotPermitted):
            reveal_learner(cast.done, actor=cast.people[name], reason=why)
    for name in ("hone", "lena", "ada", "pam"):
        with pytest.raises(NotPermitted):
            reveal_assessor(cast.done, actor=cast.people[name])
    assert not AccessRecord.objects.exists()
    released = Submission(pk=cast.work.pk, state="released", learner=cast.lena)
    # Nobody's decision became the result.
    with pytest.raises(NotPermitted):
        reveal_assessor(released, actor=cast.lena)
    assert reveal_learner(cast.done, actor=cast.pam, reason="He rang up.") == "Hōne Parata"
    assert AccessRecord.objects.get().purpose == "Name of the learner shown. He rang up."
