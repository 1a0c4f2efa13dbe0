"""Submitting, taking back, holding, more time, confirmation: what each does and who may."""

import datetime as dt
import hashlib
import json
import threading
import uuid

import pytest
import time_machine
from django.db import connections, transaction
from django.utils import timezone

from catalogue.models import AssessmentTask, Criterion
from portfolios import guards, rules
from portfolios.actions.attestation import (
    ask_to_confirm,
    attest,
    attestation_for,
    decline_to_confirm,
    expire_attestations,
    open_attestation,
    revoke_attestation,
)
from portfolios.actions.drafting import (
    add_note,
    create_portfolio,
    describe_evidence,
    map_evidence,
    remove_evidence,
    restore_evidence,
    save_reflection,
    unmap_evidence,
    waive_attestation,
)
from portfolios.actions.extension import (
    ask_for_more_time,
)
from portfolios.actions.submission import (
    DECLARATION,
    lift_hold,
    open_next_attempt,
    place_hold,
    submit_portfolio,
    withdraw_submission,
)
from portfolios.enums import EvidenceState, HoldKind, PartKind, SubmissionState
from portfolios.exceptions import CriterionLocked, KeyReused, ReasonNeeded
from portfolios.models import (
    EvidenceItem,
    EvidenceMapping,
    Part,
    Portfolio,
    Submission,
)
from tests.factories.portfolios import (
    file,
    note,
    portfolio_of,
    ready,
    submit,
    submitted,
)
from tests.personas import make_cast
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState, StaleVersion
from workflows.hashing import unseal
from workflows.models import Deadline, Notification, Reminder, TransitionRecord
from workflows.transitions import perform

DAY = dt.timedelta(days=1)


def codes(error: pytest.ExceptionInfo[GuardsNotMet]) -> set[str]:
    return set(error.value.codes)


def open_deadline(portfolio: Portfolio) -> Deadline:
    return Deadline.objects.get(subject_id=portfolio.pk, state="open")


# --- drafting ----------------------------------------------------------------------------------------


def test_a_portfolio_has_the_dates_of_the_schedule_and_reminders(cast):
    portfolio = portfolio_of(cast)
    schedule = cast.delivery.schedules.get()
    assert portfolio.due_at == schedule.due_at
    assert open_deadline(portfolio).due_at == schedule.due_at
    offsets = set(Reminder.objects.values_list("offset", flat=True))
    assert offsets == {"-7d", "-48h", "0d", "+1wd", "+3wd"}
    assert portfolio_of(cast).pk == portfolio.pk
    assert Deadline.objects.count() == 1


def test_a_task_that_is_not_scheduled_has_no_portfolio(cast):
    task = AssessmentTask(version=cast.delivery.version, number=9, title="x", brief="x")
    assert create_portfolio(cast.enrolments["lena"], task, actor=cast.lena) is None


@pytest.mark.parametrize("who", ["hone", "ada", "pam", "lea", "olga", "petra"])
def test_nobody_else_works_on_a_portfolio(cast, who):
    portfolio, item = portfolio_of(cast), None
    item = note(portfolio)
    criterion = Criterion.objects.get(code="C1")
    other = getattr(cast, who)
    attempts = [
        lambda: add_note(portfolio, actor=other, title="x", note="x"),
        lambda: map_evidence(portfolio, item, criterion, actor=other),
        lambda: unmap_evidence(portfolio, item, criterion, actor=other),
        lambda: save_reflection(portfolio, criterion, actor=other, text="x", seen_version=0),
        lambda: describe_evidence(item, actor=other, title="x"),
        lambda: remove_evidence(item, actor=other),
        lambda: ask_to_confirm(portfolio, actor=other, name="V", email="v@x.example"),
        lambda: ask_for_more_time(
            portfolio, actor=other, until=portfolio.due_at + DAY, reason="work"
        ),
    ]
    for attempt in attempts:
        with pytest.raises(NotPermitted):
            attempt()


def test_somebody_elses_evidence_cannot_be_mapped(cast):
    mine, theirs = portfolio_of(cast), note(portfolio_of(cast, "hone"))
    with pytest.raises(NotPermitted):
        map_evidence(mine, theirs, Criterion.objects.get(code="C1"), actor=cast.lena)


def test_nothing_changes_while_a_submission_is_under_way(cast):
    submission = submitted(cast)
    portfolio = submission.portfolio
    criterion = Criterion.objects.get(code="C1")
    item = portfolio.used_evidence()[0]
    for attempt in (
        lambda: add_note(portfolio, actor=cast.lena, title="x", note="x"),
        lambda: file(portfolio),
        lambda: unmap_evidence(portfolio, item, criterion, actor=cast.lena),
        lambda: save_reflection(portfolio, criterion, actor=cast.lena, text="x", seen_version=0),
        lambda: ask_to_confirm(portfolio, actor=cast.lena, name="V", email="v@x.example"),
        lambda: ask_for_more_time(
            portfolio, actor=cast.lena, until=portfolio.due_at + DAY, reason="work"
        ),
        lambda: submit(portfolio),
    ):
        with pytest.raises(GuardsNotMet) as refusal:
            attempt()
        assert codes(refusal) == {"already_submitted"}


def test_describing_in_two_windows_loses_nothing(cast):
    item = note(portfolio_of(cast))
    describe_evidence(item, actor=cast.lena, title="One", description="First", seen_version=1)
    with pytest.raises(StaleVersion) as conflict:
        describe_evidence(item, actor=cast.lena, title="Two", description="Late", seen_version=1)
    assert conflict.value.mine == "Late"
    assert conflict.value.theirs.description == "First"


def test_a_removed_item_comes_back_for_thirty_days_only(cast):
    item = remove_evidence(note(portfolio_of(cast)), actor=cast.lena)
    with time_machine.travel(timezone.now() + 31 * DAY, tick=False):
        with pytest.raises(GuardsNotMet) as refusal:
            restore_evidence(item, actor=cast.lena)
        assert codes(refusal) == {"removal_final"}
    assert restore_evidence(item, actor=cast.lena).state == EvidenceState.STORED


def test_mapped_evidence_is_not_removed(cast):
    portfolio = portfolio_of(cast)
    item = note(portfolio)
    map_evidence(portfolio, item, Criterion.objects.get(code="C1"), actor=cast.lena)
    with pytest.raises(GuardsNotMet) as refusal:
        remove_evidence(item, actor=cast.lena)
    assert codes(refusal) == {"evidence_in_use"}


# --- submitting --------------------------------------------------------------------------------------


def test_a_ready_portfolio_becomes_a_frozen_attempt(cast):
    submission = submitted(cast)
    assert submission.state == SubmissionState.SUBMITTED
    assert submission.reference.startswith(f"PF-{submission.submitted_at.year}-")
    assert hashlib.sha256(submission.manifest.encode()).hexdigest() == submission.fingerprint
    contents = json.loads(submission.manifest)
    assert [one["number"] for one in contents["files"]] == [1, 2]
    assert [pin.sha256 for pin in submission.pins.all()] == [
        one["sha256"] for one in contents["files"]
    ]
    assert contents["declaration"]["text"] == str(DECLARATION)
    assert cast.lena.name not in submission.manifest.replace("Lena Tūhoe did it", "")
    assert Part.objects.get(submission=submission).kind == PartKind.LEARNER
    assert not Deadline.objects.filter(kind="submission", state="open").exists()
    assert not submission.is_late
    record = TransitionRecord.objects.get(subject_id=submission.pk)
    assert record.facts["fingerprint"] == submission.fingerprint


def test_what_is_frozen_does_not_follow_later_words(cast):
    submission = submitted(cast)
    item = submission.pins.first().evidence
    describe_evidence(item, actor=cast.lena, title="Changed later")
    assert "Changed later" not in Submission.objects.get(pk=submission.pk).manifest


def unready(cast, portfolio: Portfolio, code: str) -> None:
    """Take away the one thing that a guard asks for."""
    items = portfolio.used_evidence()
    if code == "criterion_without_evidence":
        portfolio.mappings.filter(criterion__code="C1").delete()
    elif code == "evidence_not_ready":
        bad = file(portfolio, "bad.pdf", b"<html>")
        map_evidence(portfolio, bad, Criterion.objects.get(code="C1"), actor=cast.lena)
    elif code == "evidence_too_much":
        cast.delivery.policy_overrides = {"evidence.submission_max_files": len(items) - 1}
        cast.delivery.save()
    elif code == "window_closed":
        Portfolio.objects.update(cut_off_at=timezone.now() - DAY)


@pytest.mark.parametrize(
    "code",
    [
        "criterion_without_evidence",
        "evidence_not_ready",
        "evidence_too_much",
        "window_closed",
    ],
)
def test_each_guard_stops_alone(cast, code):
    portfolio = ready(cast)
    unready(cast, portfolio, code)
    portfolio = Portfolio.objects.get(pk=portfolio.pk)
    with pytest.raises(GuardsNotMet) as refusal:
        submit(portfolio)
    assert codes(refusal) == {code}
    portfolio.refresh_from_db()
    assert portfolio.declaration_accepted_at is None
    assert not Submission.objects.exists()


def test_without_the_declaration_nothing_is_submitted(cast):
    portfolio = ready(cast)
    with pytest.raises(GuardsNotMet) as refusal:
        submit(portfolio, declaration="")
    assert codes(refusal) == {"declaration_not_accepted"}


def test_too_many_bytes_are_too_much_as_well(cast):
    portfolio = ready(cast)
    cast.delivery.policy_overrides = {"evidence.submission_max_bytes": 10}
    cast.delivery.save()
    with pytest.raises(GuardsNotMet) as refusal:
        submit(Portfolio.objects.get(pk=portfolio.pk))
    assert codes(refusal) == {"evidence_too_much"}


def test_before_the_task_opens_nothing_is_submitted(cast):
    portfolio = ready(cast)
    Portfolio.objects.update(opens_at=timezone.now() + DAY)
    with pytest.raises(GuardsNotMet) as refusal:
        submit(portfolio)
    assert codes(refusal) == {"window_closed"}


def test_a_late_submission_says_so(cast):
    portfolio = ready(cast)
    Portfolio.objects.update(due_at=timezone.now() - DAY)
    assert submit(portfolio).is_late


@pytest.mark.django_db
def test_a_waiver_stands_in_for_a_confirmation():
    cast = make_cast(attestations=1)
    portfolio = ready(cast)
    with pytest.raises(GuardsNotMet) as refusal:
        submit(portfolio)
    assert codes(refusal) == {"attestation_missing"}
    for who in ("lena", "ada", "lea", "rita", "olga", "petra"):
        with pytest.raises(NotPermitted):
            waive_attestation(portfolio, actor=getattr(cast, who), reason="x")
    with pytest.raises(ReasonNeeded):
        waive_attestation(portfolio, actor=cast.pam, reason="  ")
    waive_attestation(portfolio, actor=cast.pam, reason="The manager has left.")
    assert submit(Portfolio.objects.get(pk=portfolio.pk)).state == SubmissionState.SUBMITTED


@pytest.mark.parametrize("who", ["hone", "ada", "moses", "lea", "ed", "rita", "olga", "petra"])
def test_nobody_else_submits(cast, who):
    with pytest.raises(NotPermitted):
        submit(ready(cast), actor=getattr(cast, who))


def test_after_the_enrolment_ended_the_learner_does_not_submit(cast):
    portfolio = ready(cast)
    cast.enrolments["lena"].ended_at = timezone.now()
    cast.enrolments["lena"].save()
    with pytest.raises(NotPermitted):
        submit(Portfolio.objects.get(pk=portfolio.pk))


def test_an_administrator_submits_for_the_learner_with_a_reason(cast):
    portfolio = ready(cast)
    with pytest.raises(ReasonNeeded):
        submit(portfolio, actor=cast.pam)
    submission = submit(portfolio, actor=cast.pam, reason="Her connection is down")
    assert submission.learner == cast.lena
    record = TransitionRecord.objects.get(subject_id=submission.pk)
    assert (record.actor_id, record.on_behalf_of_id) == (cast.pam.pk, cast.lena.pk)


def test_the_same_key_gives_the_same_submission(cast):
    portfolio = ready(cast)
    first, again = submit(portfolio, key="k"), submit(portfolio, key="k")
    assert first == again
    assert TransitionRecord.objects.filter(subject_id=first.pk).count() == 1
    with pytest.raises(KeyReused):
        submit(ready(cast, "hone"), key="k", actor=cast.lena)


def test_two_presses_at_once_give_one_submission(committed_db, settings):
    cast = make_cast()
    portfolio = ready(cast)
    found: list[object] = []
    barrier = threading.Barrier(2)

    def press(key: str) -> None:
        try:
            barrier.wait()
            made = submit_portfolio(
                portfolio, actor=cast.lena, key=key, declaration=str(DECLARATION)
            )
            found.append(made.pk)
        except GuardsNotMet as error:
            found.append(tuple(error.codes))
        finally:
            connections.close_all()

    for keys in (("same", "same"), ("one", "other")):
        threads = [threading.Thread(target=press, args=(key,)) for key in keys]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Submission.objects.live().count() == 1
    (one,) = Submission.objects.all()
    assert found[:2] == [one.pk, one.pk]
    assert found[2:] == [("already_submitted",)] * 2
    assert TransitionRecord.objects.filter(subject_id=one.pk).count() == 1


# --- after submitting --------------------------------------------------------------------------------


def test_taking_back_opens_the_portfolio_again(cast):
    submission = withdraw_submission(submitted(cast), actor=cast.lena)
    portfolio = Portfolio.objects.get(pk=submission.portfolio_id)
    assert submission.state == SubmissionState.WITHDRAWN
    assert portfolio.declaration_accepted_at is None
    assert open_deadline(portfolio).due_at == portfolio.due_at
    assert not submission.parts.filter(ended_at__isnull=True).exists()
    assert submit(portfolio).attempt == 1


@pytest.mark.parametrize("who", ["hone", "ada", "pam", "lea", "olga", "petra"])
def test_only_the_learner_takes_back(cast, who):
    with pytest.raises(NotPermitted):
        withdraw_submission(submitted(cast), actor=getattr(cast, who))


def test_what_an_assessor_has_opened_is_not_taken_back(cast):
    submission = submitted(cast)
    Submission.objects.filter(pk=submission.pk).update(opened_at=timezone.now())
    with pytest.raises(GuardsNotMet) as refusal:
        withdraw_submission(submission, actor=cast.lena)
    assert codes(refusal) == {"already_opened"}


def test_the_next_attempt_opens_only_what_was_not_met(cast):
    submission = submitted(cast)
    met = Criterion.objects.get(code="C1")
    due = timezone.now() + 14 * DAY
    portfolio = open_next_attempt(submission, met_criteria=[met], due_at=due, actor=cast.ada)
    assert (portfolio.attempt, portfolio.due_at, portfolio.cut_off_at) == (2, due, due)
    assert met not in portfolio.open_criteria()
    assert open_deadline(portfolio).due_at == due


def test_locked_criteria_stay_as_they_are(cast):
    portfolio = portfolio_of(cast)
    item, met = note(portfolio), Criterion.objects.get(code="C1")
    portfolio.met_criteria.add(met)
    for change in (map_evidence, unmap_evidence):
        with pytest.raises(CriterionLocked):
            change(portfolio, item, met, actor=cast.lena)
    assert not EvidenceMapping.objects.exists()


@pytest.mark.parametrize("who", ["lena", "hone", "ada", "moses", "ed", "rita", "olga", "petra"])
def test_who_places_no_hold(cast, who):
    submission = submitted(cast)
    with pytest.raises(NotPermitted):
        place_hold(submission, actor=getattr(cast, who), kind=HoldKind.PRIVACY, reason="x")
    hold = place_hold(submission, actor=cast.lea, kind=HoldKind.PRIVACY, reason="x")
    with pytest.raises(NotPermitted):
        lift_hold(hold, actor=getattr(cast, who))


def test_a_hold_blocks_and_lifting_frees(cast):
    submission = submitted(cast)
    hold = place_hold(submission, actor=cast.pam, kind=HoldKind.INTEGRITY, reason="Copied?")
    assert place_hold(submission, actor=cast.pam, kind=HoldKind.INTEGRITY, reason="x") == hold
    assert not guards.no_open_hold.holds(submission)
    assert guards.no_open_hold.failing(Submission.objects.all()) == {submission.pk}
    told = Notification.objects.get(topic="portfolios.hold.placed")
    assert told.recipient == cast.lena
    assert "Copied" not in json.dumps(told.context)
    lift_hold(hold, actor=cast.pam, note="Cleared")
    lift_hold(hold, actor=cast.pam)
    assert guards.no_open_hold.holds(submission)
    assert guards.no_open_hold.failing(Submission.objects.all()) == set()
    assert Notification.objects.filter(topic="portfolios.hold.lifted").count() == 1


def test_a_hold_needs_a_reason(cast):
    with pytest.raises(ReasonNeeded):
        place_hold(submitted(cast), actor=cast.pam, kind=HoldKind.PRIVACY, reason=" ")


# --- confirmation ------------------------------------------------------------------------------------


def link_of(attestation) -> str:
    told = Notification.objects.get(dedupe_key__contains=str(attestation.pk))
    return unseal(told.sealed_path).split("/")[2]


def test_only_the_hash_of_the_link_stands_with_the_request(cast):
    portfolio = portfolio_of(cast)
    made = ask_to_confirm(portfolio, actor=cast.lena, name="Vic", email="vic@work.example")
    token = link_of(made)
    assert len(token) >= 43
    assert made.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert attestation_for(token) == made
    assert attestation_for("x" * 43) is None
    assert made.expires_at - made.requested_at == 21 * DAY


@pytest.mark.django_db
def test_a_confirmation_counts_for_the_submission_and_stands_in_the_manifest():
    cast = make_cast(attestations=1)
    portfolio = ready(cast)
    made = ask_to_confirm(portfolio, actor=cast.lena, name="Vic", email="vic@work.example")
    open_attestation(made)
    open_attestation(made)
    criterion = Criterion.objects.get(code="C1")
    given = attest(made, statements={criterion: ("observed", "Āe")}, relationship="Manager")
    assert given.state == "attested"
    submission = submit(Portfolio.objects.get(pk=portfolio.pk))
    assert submission.contents["attestations"][0]["statements"] == [
        {"criterion": "C1", "answer": "observed"}
    ]
    assert "Vic" not in submission.manifest
    with pytest.raises(StaleState):
        attest(made, statements={})


def test_people_with_accounts_do_not_answer_for_the_verifier(cast):
    made = ask_to_confirm(portfolio_of(cast), actor=cast.lena, name="V", email="v@x.example")
    for step in ("open", "decline"):
        for who in ("lena", "ada", "pam", "lea", "petra"):
            with pytest.raises(NotPermitted):
                perform(made, step, actor=getattr(cast, who))


def test_a_link_ends_after_its_time(cast):
    portfolio = portfolio_of(cast)
    one = ask_to_confirm(portfolio, actor=cast.lena, name="V", email="v@x.example")
    two = ask_to_confirm(portfolio, actor=cast.lena, name="W", email="w@x.example")
    open_attestation(two)
    assert expire_attestations() == 0
    with time_machine.travel(timezone.now() + 22 * DAY, tick=False):
        for step in (
            lambda: open_attestation(one),
            lambda: attest(two, statements={}),
            lambda: decline_to_confirm(one),
        ):
            with pytest.raises(GuardsNotMet) as refusal, transaction.atomic():
                step()
            assert codes(refusal) == {"link_over"}
        assert expire_attestations() == 2
    one.refresh_from_db()
    assert one.state == "expired"


def test_only_who_asked_takes_a_request_back(cast):
    made = ask_to_confirm(portfolio_of(cast), actor=cast.lena, name="V", email="v@x.example")
    for who in ("hone", "ada", "pam", "petra"):
        with pytest.raises(NotPermitted):
            revoke_attestation(made, actor=getattr(cast, who))
    assert revoke_attestation(made, actor=cast.lena).state == "revoked"
    with pytest.raises(StaleState):
        open_attestation(made)


def test_only_the_system_checks_evidence_and_ends_links(cast):
    item = add_note(portfolio_of(cast), actor=cast.lena, title="x", note="x")
    with pytest.raises(NotPermitted):
        perform(item, "start_scan", actor=cast.lena)
    made = ask_to_confirm(portfolio_of(cast), actor=cast.lena, name="V", email="v@x.example")
    with pytest.raises(NotPermitted):
        perform(made, "expire", actor=cast.lena)


# --- who sees what -----------------------------------------------------------------------------------

EVERYBODY = ["lena", "hone", "ada", "abe", "moses", "ed", "lea", "pam", "rita", "olga", "petra"]


@pytest.mark.parametrize("who", EVERYBODY)
def test_what_is_listed_agrees_with_the_rules(cast, who):
    first, second = submitted(cast), submitted(cast, "hone")
    Part.objects.create(submission=first, person=cast.ada, kind=PartKind.ASSESSOR)
    Part.objects.create(
        submission=second, person=cast.abe, kind=PartKind.ASSESSOR, ended_at=timezone.now()
    )
    note(portfolio_of(make_other(cast)))
    person = getattr(cast, who)
    for queryset, rule in (
        (Submission.objects, rules.can_view_submission),
        (Portfolio.objects, rules.can_view_portfolio),
        (EvidenceItem.objects, rules.can_view_evidence),
    ):
        listed = set(queryset.visible_to(person).values_list("pk", flat=True))
        allowed = {one.pk for one in queryset.all() if rule(one, person)}
        assert listed == allowed
    person.is_active = False
    person.save()
    assert not Submission.objects.visible_to(person)
    assert not Portfolio.objects.visible_to(person)
    assert not EvidenceItem.objects.visible_to(person)


def make_other(cast):
    """A third learner, whose work nobody has a part in."""
    from catalogue.models import Enrolment
    from tests.personas import make_user

    learner = make_user("mere")
    cast.enrolments["lena2"] = Enrolment.objects.create(delivery=cast.delivery, learner=learner)
    other = type(cast)(**cast.__dict__)
    other.enrolments = {"lena": cast.enrolments["lena2"]}
    return other


def test_ratifiers_see_what_is_moderated_and_no_evidence(cast):
    submission = submitted(cast)
    assert not rules.can_view_submission(submission, cast.rita)
    submission.__dict__["state"] = SubmissionState.MODERATED
    assert rules.can_view_submission(submission, cast.rita)
    assert not rules.can_view_evidence(submission.pins.first().evidence, cast.rita)


def test_keys_are_random(cast):
    assert submitted(cast).reference != submitted(cast, "hone").reference
    assert uuid.UUID(str(Submission.objects.first().pk)).version == 4
