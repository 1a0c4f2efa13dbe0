"""Calibration as people meet it: begun, marked blind, concluded, compared, tried again, waived."""

import datetime as dt

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from assessment import guards, rules
from assessment.actions.calibration import (
    begin_calibration,
    mark_exemplar,
    months_after,
    waive_calibration,
)
from assessment.actions.exemplars import Agreed, Anonymous, freeze_exemplar
from assessment.actions.marking import start_assessment
from assessment.exceptions import CalibrationRefused
from assessment.models import (
    CalibrationAttempt,
    CalibrationItem,
    CalibrationJudgement,
    CalibrationWaiver,
    Exemplar,
)
from assessment.selectors.calibration import (
    led_standings,
    next_item,
    own_standings,
    unseen_exemplars,
)
from catalogue.enums import DeliveryRoleKind
from catalogue.models import DeliveryRole, Level
from tests.factories.assessment import allocated
from tests.personas import as_, make_cast
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import Notification

pytestmark = pytest.mark.django_db
POLICY = {"marking.requires_calibration": True}
AGREED = ["NY", "M", "G", "M", "E"]
SECRET = "The agreed reason is kept back"


def exemplar(cast, code, number):
    levels = Level.objects.filter(criterion__rubric__task=cast.task, code=code)
    return freeze_exemplar(
        cast.task,
        actor=cast.lea,
        title=f"Agreed work {number}",
        agreed=Agreed(
            {one.criterion_id: one.pk for one in levels},
            rationale=f"{SECRET} {number}.",
            reasons={one.criterion_id: f"{SECRET}, of a criterion." for one in levels},
        ),
        work=Anonymous([("C1", f"I checked page {number}."), ("", "About all of it.")]),
        for_calibration=True,
    )


def bank(cast, times=1):
    for number, code in enumerate(AGREED * times, 1):
        exemplar(cast, code, number)


@kept
def cast():
    made = make_cast(learners=2, policy=POLICY)
    bank(made)
    made.work = allocated(made)
    return made


def levels_for(item, off=0):
    """The agreed levels, some ranks higher or lower."""
    wanted = {}
    for one in item.exemplar.levels.select_related("level", "criterion"):
        rank = min(max(one.level.rank + off, 0), 3)
        wanted[one.criterion_id] = one.criterion.levels.get(rank=rank).pk
    return wanted


def mark_all(attempt, actor, off=0):
    while (item := next_item(attempt)) is not None:
        attempt = mark_exemplar(item, actor=actor, levels=levels_for(item, off))
    return attempt


def calibrated(cast, name="ada"):
    return mark_all(begin_calibration(cast.task, actor=cast.people[name]), cast.people[name])


def codes(cast, name="ada"):
    with pytest.raises(GuardsNotMet) as refused:
        start_assessment(cast.work, actor=cast.people[name])
    return refused.value.codes


# -- the gate -------------------------------------------------------------------------------------


def test_live_marking_opens_after_passing(cast):
    assert codes(cast) == ["not_calibrated"]
    attempt = begin_calibration(cast.task, actor=cast.ada)
    assert codes(cast) == ["not_calibrated"]
    done = mark_all(attempt, cast.ada)
    assert (done.passed, done.figures["exact"], done.figures["criteria"]) == (True, 15, 15)
    assert start_assessment(cast.work, actor=cast.ada).state == "in_assessment"


def test_home_says_to_calibrate_first_while_what_waits_is_closed(cast):
    home = as_(cast.ada)
    page = home.get("/assess/").content.decode()
    assert "Calibrate first" in page
    assert 'class="govuk-button" href="/assess/calibration/"' in page
    assert cast.work.reference not in page
    calibrated(cast)
    page = home.get("/assess/").content.decode()
    assert "Calibrate first" not in page
    assert f'class="govuk-button" href="/assess/m/{cast.work.pk}/"' in page


def test_anothers_calibration_opens_nothing(cast):
    calibrated(cast, "abe")
    assert codes(cast) == ["not_calibrated"]


def test_not_passed_opens_nothing(cast):
    done = mark_all(begin_calibration(cast.task, actor=cast.ada), cast.ada, off=1)
    assert not done.passed
    assert done.valid_until is None
    assert codes(cast) == ["not_calibrated"]


def test_it_runs_out_after_twelve_months(cast):
    done = calibrated(cast)
    with time_machine.travel(done.valid_until - dt.timedelta(seconds=5), tick=False):
        assert done.is_valid
        assert own_standings(cast.ada)[0].words == "Calibrated"
    with time_machine.travel(done.valid_until + dt.timedelta(seconds=1), tick=False):
        assert own_standings(cast.ada)[0].words == "Expired"
        assert codes(cast) == ["not_calibrated"]


@pytest.mark.parametrize(
    ("moment", "months", "expected"),
    [
        ((2026, 1, 31), 1, (2026, 2, 28)),
        ((2027, 2, 28), 12, (2028, 2, 28)),
        ((2028, 2, 29), 12, (2029, 2, 28)),
        ((2026, 11, 25), 14, (2028, 1, 25)),
    ],
)
def test_months(moment, months, expected):
    found = months_after(dt.datetime(*moment, 9, tzinfo=dt.UTC), months)
    assert (found.year, found.month, found.day, found.hour) == (*expected, 9)


def test_another_rubric_asks_anew(cast):
    calibrated(cast)
    assert guards.calibrated_if_asked.holds(cast.work, cast.ada)
    cast.work.rubric.content_hash = "2" * 64
    assert not guards.calibrated_if_asked.holds(cast.work, cast.ada)


def test_a_waiver_opens_it_and_runs_out(cast):
    for name in ("moses", "pam", "abe", "rita", "olga"):
        with pytest.raises(NotPermitted):
            waive_calibration(cast.task, cast.ada, actor=cast.people[name], reason="Known.")
    with pytest.raises(NotPermitted):
        waive_calibration(cast.task, cast.moses, actor=cast.lea, reason="Not an assessor.")
    with pytest.raises(CalibrationRefused, match="why"):
        waive_calibration(cast.task, cast.ada, actor=cast.lea, reason=" ")
    waiver = waive_calibration(cast.task, cast.ada, actor=cast.lea, reason="Agreed the levels.")
    assert own_standings(cast.ada)[0].words == "Waived"
    with time_machine.travel(waiver.valid_until + dt.timedelta(seconds=1), tick=False):
        assert codes(cast) == ["not_calibrated"]
    assert start_assessment(cast.work, actor=cast.ada).state == "in_assessment"
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        CalibrationWaiver.objects.update(reason="x")


def test_nobody_waives_their_own(cast):
    DeliveryRole.objects.create(
        delivery=cast.delivery, user=cast.lea, role=DeliveryRoleKind.ASSESSOR
    )
    with pytest.raises(NotPermitted):
        waive_calibration(cast.task, cast.lea, actor=cast.lea, reason="Me.")


# -- marking blind --------------------------------------------------------------------------------


def test_who_begins_and_with_what(cast):
    for name in ("moses", "lea", "pam", "lena", "olga"):
        with pytest.raises(NotPermitted):
            begin_calibration(cast.task, actor=cast.people[name])
    attempt = begin_calibration(cast.task, actor=cast.ada)
    assert begin_calibration(cast.task, actor=cast.ada) == attempt
    assert {one.exemplar for one in attempt.items.all()} == set(Exemplar.objects.all())


def test_work_the_person_knows_is_not_given(cast):
    assert unseen_exemplars(cast.task, cast.lea).count() == 0, "Lea froze them all"
    assert unseen_exemplars(cast.task, cast.moses).count() == 0, "moderators read the levels"
    assert unseen_exemplars(cast.task, cast.ada).count() == 5
    calibrated(cast)
    assert unseen_exemplars(cast.task, cast.ada).count() == 0


def test_a_second_try_needs_other_work(cast):
    mark_all(begin_calibration(cast.task, actor=cast.ada), cast.ada, off=-1)
    told = Notification.objects.filter(topic="assessment.calibration_not_passed")
    assert {one.recipient for one in told} == {cast.lea}
    with pytest.raises(CalibrationRefused, match=r"needs 5 .* there are 0"):
        begin_calibration(cast.task, actor=cast.ada)
    bank(cast)
    again = begin_calibration(cast.task, actor=cast.ada)
    assert mark_all(again, cast.ada).passed
    assert [one.passed for one in cast.ada.calibrations.all()] == [True, False]


def test_every_criterion_and_only_once(cast):
    attempt = begin_calibration(cast.task, actor=cast.ada)
    item = next_item(attempt)
    wanted = levels_for(item)
    first = next(iter(wanted))
    with pytest.raises(CalibrationRefused, match="Choose a level for C1"):
        mark_exemplar(item, actor=cast.ada, levels={k: v for k, v in wanted.items() if k != first})
    with pytest.raises(NotPermitted):
        mark_exemplar(item, actor=cast.abe, levels=wanted)
    mark_exemplar(item, actor=cast.ada, levels=wanted)
    with pytest.raises(StaleState):
        mark_exemplar(item, actor=cast.ada, levels=wanted)


def test_what_was_marked_stays(cast):
    attempt = calibrated(cast)
    for change in (
        lambda: CalibrationJudgement.objects.update(reason="x"),
        lambda: CalibrationItem.objects.update(outcome="achieved", number=9),
        lambda: CalibrationAttempt.objects.filter(pk=attempt.pk).update(passed=True),
        lambda: CalibrationJudgement.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            change()


# -- pages ----------------------------------------------------------------------------------------


def test_the_whole_way_on_the_pages_is_blind_until_the_end(cast):
    client = as_(cast.ada)
    home = reverse("assessment:calibration")
    assert "Begin" in client.get(home).content.decode()
    page = client.post(reverse("assessment:begin_calibration", args=[cast.task.pk]), follow=True)
    attempt = CalibrationAttempt.objects.get()
    seen = []
    while (item := next_item(attempt)) is not None:
        address = reverse("assessment:mark_exemplar", args=[item.pk])
        page = client.get(address)
        seen.append(page.content.decode())
        result = client.get(reverse("assessment:calibration_result", args=[attempt.pk]))
        assert result.status_code == 302
        refused = client.post(address, {"reason_1": "Because."})
        assert refused.status_code == 422
        assert "Choose a level for C1, C2, C3" in refused.content.decode()
        assert "Because." in refused.content.decode()
        numbers = {one.criterion_id: one.criterion.number for one in item.exemplar.levels.all()}
        data = {f"level_{numbers[key]}": level for key, level in levels_for(item).items()}
        page = client.post(address, data, follow=True)
    assert len(seen) == 5
    assert all("I checked page" in text and "About all of it." in text for text in seen)
    assert not any(SECRET in text or "Agreed work" in text for text in seen)
    final = page.content.decode()
    assert "15 of 15" in final
    assert SECRET in final
    assert client.get(address).status_code == 302
    assert client.post(address, data).status_code == 409
    assert "Calibrated" in client.get(home).content.decode()


def test_others_attempts_are_nobodys_business_but_the_leads(cast):
    attempt = begin_calibration(cast.task, actor=cast.ada)
    item = next_item(attempt)
    open_page = reverse("assessment:calibration_result", args=[attempt.pk])
    mark_page = reverse("assessment:mark_exemplar", args=[item.pk])
    people = [one for one in cast.people.values() if one.is_active]
    for concluded in (False, True):
        if concluded:
            attempt = mark_all(attempt, cast.ada)
        listed = {one.pk for one in people if CalibrationAttempt.objects.visible_to(one).exists()}
        ruled = {one.pk for one in people if rules.can_view_calibration(attempt, one)}
        assert listed == ruled == {cast.ada.pk, *([cast.lea.pk] if concluded else [])}
    for name in ("abe", "moses", "lea"):
        assert as_(cast.people[name]).get(mark_page).status_code == 404
    assert as_(cast.abe).get(open_page).status_code == 404
    assert as_(cast.lea).get(open_page).status_code == 200


def test_the_lead_sees_the_assessors_and_waives(cast):
    client = as_(cast.lea)
    page = client.get(reverse("assessment:calibration")).content.decode()
    assert "Your assessors" in page
    assert {one.assessor for one in led_standings(cast.lea)} == {cast.ada, cast.abe, cast.ana}
    address = reverse("assessment:waive_calibration", args=[cast.task.pk, cast.ada.pk])
    assert client.post(address, {}).status_code == 422
    client.post(address, {"reason": "Agreed the levels."})
    assert "Agreed the levels." in client.get(reverse("assessment:calibration")).content.decode()
    assert as_(cast.ada).get(address).status_code == 403
    assert as_(cast.rita).get(address).status_code == 404
    nobody = reverse("assessment:waive_calibration", args=[cast.task.pk, cast.moses.pk])
    assert client.get(nobody).status_code == 404


def test_too_little_agreed_work_is_said_in_words(cast):
    calibrated(cast)
    answer = as_(cast.ada).post(reverse("assessment:begin_calibration", args=[cast.task.pk]))
    assert answer.status_code == 422
    assert "Ask a lead moderator to add some" in answer.content.decode()


def test_the_page_costs_the_same_for_one_and_three(cast, django_assert_max_num_queries):
    client = as_(cast.lea)
    counts = []
    for ended in (0, 2):
        parts = DeliveryRole.objects.filter(role=DeliveryRoleKind.ASSESSOR).order_by("pk")[:ended]
        DeliveryRole.objects.filter(pk__in=[one.pk for one in parts]).update(
            ended_at=timezone.now()
        )
        with django_assert_max_num_queries(30) as captured:
            client.get(reverse("assessment:calibration"))
        counts.append(len(captured))
    assert counts[0] == counts[1]
