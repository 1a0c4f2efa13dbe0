"""The engine of conflicts: each ground, what the policy makes of it, waivers, and every way of giving work."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.enums import ConflictGround as G
from accounts.enums import ConflictKind, OrganisationRole
from accounts.models import DeclaredConflict, Membership, User
from assessment import rules
from assessment.actions.allocation import (
    allocate,
    allocate_automatically,
    claim_next,
    reallocate,
)
from assessment.actions.conflicts import (
    ask_for_waiver,
    declare_conflict,
    declare_known,
    end_waiver,
    sign_waiver,
)
from assessment.actions.sharing import allocate_as_planned
from assessment.conflicts import Weight, conflicts_among
from assessment.enums import AllocationRole, Way
from assessment.guards import independent_of_learner
from assessment.models import Allocation, AssessmentDecision, ConflictWaiver, Lease
from assessment.querysets import claimable
from assessment.selectors import candidates_for, eligible_assessors
from assessment.selectors.sharing import plan_of
from catalogue.models import DeliveryRole, Enrolment
from moderation.selectors import eligible_moderators, free_to_read
from portfolios.enums import PartKind
from portfolios.enums import SubmissionState as S
from portfolios.models import Part, Submission
from tests.factories.assessment import allocated, decided, drafted, opened, referred
from tests.factories.portfolios import submit, submitted
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import AccessRecord, Notification

FIRST = AllocationRole.ASSESSOR


def declare(cast, kind, one="ada", other="lena"):
    return DeclaredConflict.objects.create(
        person=cast.people[one], other=cast.people[other], kind=kind, declared_by=cast.pam
    )


def employ(cast, *names):
    for name in names:
        Membership.objects.create(
            user=cast.people[name], organisation=cast.client, role=OrganisationRole.EMPLOYEE
        )


def set_policy(cast, **values):
    given = {name.replace("__", "."): value for name, value in values.items()}
    cast.delivery.policy_overrides |= given
    cast.delivery.save()


def in_conflict(cast, ground):
    """Work of Lena with exactly this ground between it and Ada; of Ada herself for her own."""
    if ground == G.EARLIER_ASSESSOR:
        first = referred(cast)
        first.portfolio.refresh_from_db()
        return submit(first.portfolio)
    submission = submitted(cast)
    if ground == G.OWN:
        DeliveryRole.objects.filter(user=cast.ada).update(user=cast.lena)
    elif ground == G.EMPLOYER:
        submission.enrolment.employer = cast.client
        submission.enrolment.save()
        employ(cast, "ada")
    elif ground == G.REO:
        Submission.objects.filter(pk=submission.pk).update(in_reo=True)
        User.objects.filter(pk__in=[cast.abe.pk, cast.ana.pk]).update(reo_capable=True)
    else:
        # Either of the two may have said it.
        declare(cast, ground, *(("lena", "ada") if ground == G.TEAM else ("ada", "lena")))
    return Submission.objects.get(pk=submission.pk)


GROUNDS = [one for one in G if one != G.RECIPROCAL]
BLOCKING = [one for one in GROUNDS if one != G.EARLIER_ASSESSOR]


def who(cast, ground):
    return cast.lena if ground == G.OWN else cast.ada


@pytest.mark.parametrize("ground", GROUNDS)
def test_each_ground_is_found_for_the_one_and_not_for_the_other(cast, ground):
    submission = in_conflict(cast, ground)
    person = who(cast, ground)
    found = conflicts_among([person.pk, cast.abe.pk], [submission])
    assert [one.ground for one in found.findings(person.pk, submission)] == [ground]
    assert found.findings(cast.abe.pk, submission) == []
    # Asked for one pair, the answer comes from the composed statement, and is the same.
    alone = conflicts_among([person.pk], [submission])
    assert alone.findings(person.pk, submission) == found.findings(person.pk, submission)
    # What the engine finds anything about is not offered in the pool, and the rest is.
    assert not claimable(Submission.objects.all(), person).exists()
    assert claimable(Submission.objects.all(), cast.abe).get() == submission


@pytest.mark.parametrize("ground", BLOCKING)
def test_what_blocks_is_given_to_that_person_in_no_way(cast, ground):
    submission = in_conflict(cast, ground)
    person = who(cast, ground)
    assert not independent_of_learner.holds(submission, person)
    assert person not in eligible_assessors(submission, FIRST)
    with pytest.raises(GuardsNotMet):
        allocate(submission, person, actor=cast.pam)
    assert claim_next(actor=person) is None
    shares = plan_of(cast.delivery, Way.EQUAL)
    assert [one.assessor for one in shares] == [cast.abe]
    with pytest.raises((GuardsNotMet, StaleState)):
        allocate_as_planned(cast.delivery, actor=cast.pam, previewed=[(submission.pk, person.pk)])
    given = allocate_automatically(submission)
    assert given.assessor == cast.abe
    with pytest.raises(GuardsNotMet):
        reallocate(given, person, actor=cast.pam, reason="Try")


def test_a_conflict_that_arises_after_the_allocation_stops_the_start_and_the_verdict(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    declare(cast, "whanau")
    from assessment.actions.deciding import record_decision

    with pytest.raises(GuardsNotMet) as refused:
        record_decision(submission, actor=cast.ada)
    assert refused.value.guards == [independent_of_learner]


def test_the_policy_says_what_a_ground_does(cast):
    submission = in_conflict(cast, G.TEAM)
    weights = {"conflict__blocks": Weight.BLOCKS, "conflict__warns": Weight.WARNS, "": Weight.NOTED}
    for key, weight in weights.items():
        set_policy(cast, conflict__blocks=[], conflict__warns=[])
        if key:
            set_policy(cast, **{key: ["team"]})
        fresh = Submission.objects.get(pk=submission.pk)
        (found,) = conflicts_among([cast.ada.pk], [fresh]).findings(cast.ada.pk, fresh)
        assert found.weight == weight
        assert independent_of_learner.holds(fresh, cast.ada) == (weight != Weight.BLOCKS)
        # The pool stays on the safe side: somebody who allocates decides about such work.
        assert not claimable(Submission.objects.all(), cast.ada).exists()


def test_own_work_is_blocked_by_no_policy(cast):
    set_policy(cast, conflict__blocks=[])
    submission = in_conflict(cast, G.OWN)
    assert not independent_of_learner.holds(submission, cast.lena)


def test_somebody_about_whom_the_policy_warns_comes_last_and_may(cast):
    set_policy(cast, conflict__blocks=[], conflict__warns=["team"])
    submission = in_conflict(cast, G.TEAM)
    order = candidates_for(submission, FIRST)
    assert [one.person.name for one in order] == ["Abe Assessor", "Ana Assessor", "Ada Assessor"]
    assert order[-1].words == "Same team"
    assert allocate(submission, cast.ada, actor=cast.pam).assessor == cast.ada


def test_who_marked_an_earlier_attempt_is_no_fresh_assessor(cast):
    submission = in_conflict(cast, G.EARLIER_ASSESSOR)
    assert cast.ada in eligible_assessors(submission, FIRST)
    assert cast.ada not in eligible_assessors(submission, AllocationRole.RECONSIDERATION_ASSESSOR)


def test_moderators_are_held_to_the_same(cast):
    submission = submitted(cast)
    declare(cast, "line_manager", "moses")
    assert cast.moses not in free_to_read(submission)
    assert cast.moses not in eligible_moderators(cast.delivery, [submission])[submission.pk]
    Submission.objects.filter(pk=submission.pk).update(in_reo=True)
    fresh = Submission.objects.get(pk=submission.pk)
    assert free_to_read(fresh) == []
    User.objects.filter(pk=cast.ed.pk).update(reo_capable=True)
    assert free_to_read(fresh) == [cast.ed]


def read_by(cast, submission, reader):
    Part.objects.create(submission=submission, person=reader, kind=PartKind.MODERATOR)


def test_two_who_read_most_of_each_others_decisions_are_pointed_out(cast):
    """Ada's one decision was read by Moses, and his by her; a second reader makes it no more than half."""
    DeliveryRole.objects.create(delivery=cast.delivery, user=cast.moses, role="assessor")
    first = allocated(cast, "hone", "moses")
    second = allocated(cast, "mere", "ada")
    third = allocated(cast, "lena", "ada")

    def found():
        fresh = Submission.objects.get(pk=third.pk)
        conflicts = conflicts_among([cast.moses.pk, cast.ed.pk], [fresh], reads=True)
        assert conflicts.findings(cast.ed.pk, fresh) == []
        return [one.ground for one in conflicts.findings(cast.moses.pk, fresh)]

    assert found() == []
    read_by(cast, second, cast.moses)
    assert found() == []
    read_by(cast, first, cast.ada)
    assert found() == [G.RECIPROCAL]
    # It warns: a draw takes others first, and a lead may still choose them by hand.
    fresh = Submission.objects.get(pk=third.pk)
    assert cast.moses not in eligible_moderators(cast.delivery, [fresh])[third.pk]
    assert cast.moses in free_to_read(fresh)
    read_by(cast, second, cast.ed)
    assert found() == []
    Part.objects.filter(person=cast.ed).delete()
    Part.objects.filter(kind=PartKind.MODERATOR).update(since="2025-01-01T00:00Z")
    assert found() == []


def test_conflicts_take_the_same_statements_for_one_and_three(cast):
    work = [submitted(cast)]
    people = [cast.ada.pk, cast.abe.pk]

    def statements(some):
        fresh = list(
            Submission.objects.filter(pk__in=[one.pk for one in some]).select_related(
                "enrolment", "delivery__version"
            )
        )
        with CaptureQueriesContext(connection) as asked:
            found = conflicts_among(people, fresh, reads=True)
            for one in fresh:
                found.findings(cast.ada.pk, one)
        return len(asked)

    one = statements(work)
    work += [submitted(cast, "hone"), submitted(cast, "mere")]
    assert statements(work) == one == 3


def test_a_waiver_counts_when_another_has_signed_it(cast):
    submission = in_conflict(cast, G.WHANAU)
    waiver = ask_for_waiver(
        submission, cast.ada, actor=cast.pam, ground=G.WHANAU, reason="Nobody else knows it."
    )
    told = Notification.objects.filter(topic="assessment.waiver_asked")
    people = {one.recipient for one in told}
    assert cast.lea in people
    assert not people & {cast.pam, cast.ada}
    assert cast.ada not in eligible_assessors(submission, FIRST)
    with pytest.raises(NotPermitted):
        sign_waiver(waiver, actor=cast.pam)
    sign_waiver(waiver, actor=cast.lea)
    assert AccessRecord.objects.filter(actor=cast.lea, subject_id=waiver.pk).exists()
    fresh = Submission.objects.get(pk=submission.pk)
    assert independent_of_learner.holds(fresh, cast.ada)
    last = candidates_for(fresh, FIRST)[-1]
    assert (last.person, last.is_able, last.warns) == (cast.ada, True, True)
    # For this ground, this person and this learner alone.
    declare(cast, "team")
    assert not independent_of_learner.holds(fresh, cast.ada)
    DeclaredConflict.objects.filter(kind="team").delete()
    end_waiver(waiver, actor=cast.pam)
    assert not independent_of_learner.holds(fresh, cast.ada)
    with pytest.raises(StaleState):
        sign_waiver(waiver, actor=cast.lea)
    with pytest.raises(StaleState):
        end_waiver(waiver, actor=cast.lea)
    with pytest.raises(DatabaseError), transaction.atomic():
        ConflictWaiver.objects.update(reason="Something else")


@pytest.mark.parametrize("name", ["ada", "abe", "moses", "rita", "lena", "olga", "petra"])
def test_only_those_who_allocate_waive_and_write_down(cast, name):
    submission = in_conflict(cast, G.WHANAU)
    asked = {"ground": G.WHANAU, "reason": "Because."}
    with pytest.raises(NotPermitted):
        ask_for_waiver(submission, cast.ada, actor=cast.people[name], **asked)
    waiver = ask_for_waiver(submission, cast.ada, actor=cast.pam, **asked)
    for act in (sign_waiver, end_waiver):
        with pytest.raises(NotPermitted):
            act(waiver, actor=cast.people[name])
    with pytest.raises(NotPermitted):
        declare_conflict(
            cast.delivery, cast.abe, cast.lena, actor=cast.people[name], kind=ConflictKind.TEAM
        )
    assert not rules.can_view_conflict_waiver(waiver, cast.people[name])
    assert not ConflictWaiver.objects.visible_to(cast.people[name]).exists()
    assert ConflictWaiver.objects.visible_to(cast.pam).get() == waiver


def test_nobody_waives_for_themselves_and_own_work_is_never_waived(cast):
    DeliveryRole.objects.create(delivery=cast.delivery, user=cast.lea, role="assessor")
    submission = submitted(cast)
    declare(cast, "team", "lea")
    with pytest.raises(NotPermitted):
        ask_for_waiver(submission, cast.lea, actor=cast.lea, ground=G.TEAM, reason="I may.")
    waiver = ask_for_waiver(submission, cast.lea, actor=cast.pam, ground=G.TEAM, reason="She may.")
    with pytest.raises(NotPermitted):
        sign_waiver(waiver, actor=cast.lea)
    with pytest.raises(StaleState):
        ask_for_waiver(submission, cast.lea, actor=cast.pam, ground=G.TEAM, reason="Again.")
    with pytest.raises(StaleState):
        ask_for_waiver(submission, cast.lena, actor=cast.pam, ground=G.OWN, reason="Why not?")
    for wrong in ({"signed_by": cast.pam, "signed_at": waiver.asked_at}, {"ground": G.OWN}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ConflictWaiver.objects.filter(pk=waiver.pk).update(**wrong)


def test_knowing_the_learner_gives_the_work_to_somebody_else_unopened(cast):
    submission = allocated(cast)
    assert cast.ada != cast.abe
    with pytest.raises(NotPermitted):
        declare_known(submission, actor=cast.abe, kind=ConflictKind.KNOWN)
    declare_known(submission, actor=cast.ada, kind=ConflictKind.KNOWN)
    fresh = Submission.objects.get(pk=submission.pk)
    assert (fresh.state, fresh.opened_at) == (S.SUBMITTED, None)
    assert Allocation.objects.current().get().assessor == cast.abe
    assert not AssessmentDecision.objects.exists()
    assert not Lease.objects.exists()
    assert not AccessRecord.objects.exists()
    assert DeclaredConflict.objects.get().declared_by == cast.ada
    assert not independent_of_learner.holds(fresh, cast.ada)
    with pytest.raises(NotPermitted):
        declare_known(submission, actor=cast.ada, kind=ConflictKind.KNOWN)


def test_knowing_the_learner_of_opened_work_keeps_the_draft(cast):
    submission = allocated(cast)
    draft = drafted(submission, cast.ada)
    declare_known(submission, actor=cast.ada, kind=ConflictKind.WHANAU)
    assert Submission.objects.get(pk=submission.pk).state == S.SUBMITTED
    assert Allocation.objects.current().get().assessor == cast.abe
    assert AssessmentDecision.objects.get() == draft


def test_a_second_assessor_and_an_adjudicator_say_it_too(double):
    submission = decided(allocated(double), double.ada)
    second = Allocation.objects.current().get(role=AllocationRole.SECOND_ASSESSOR).assessor
    opened(submission, second)
    declare_known(submission, actor=second, kind=ConflictKind.TEAM)
    now = Allocation.objects.current().get(role=AllocationRole.SECOND_ASSESSOR).assessor
    assert now not in (double.ada, second)
    decided(submission, now, "NY")
    assert Submission.objects.get(pk=submission.pk).state == S.IN_ADJUDICATION
    assert not Allocation.objects.current().filter(role=AllocationRole.ADJUDICATOR).exists()
    DeliveryRole.objects.create(delivery=double.delivery, user=double.rob, role="assessor")
    allocate_automatically(submission)
    declare_known(submission, actor=double.rob, kind=ConflictKind.TEAM)
    assert not Allocation.objects.current().filter(role=AllocationRole.ADJUDICATOR).exists()
    told = Notification.objects.filter(topic="assessment.nobody_eligible")
    assert double.pam in {one.recipient for one in told}


def test_the_pages_do_what_they_say(cast, client):
    submission = allocated(cast)
    client.force_login(cast.ada)
    page = reverse("assessment:known", args=[submission.pk])
    assert "I know this person" in client.get(f"/assess/m/{submission.pk}/").content.decode()
    assert client.get(page).status_code == 200
    assert client.post(page).status_code == 422
    assert not DeclaredConflict.objects.exists()
    assert client.post(page, {"kind": "whanau"}).status_code == 302
    assert Allocation.objects.current().get().assessor == cast.abe
    client.force_login(cast.pam)
    one = reverse("assessment:allocate_one", args=[cast.delivery.pk, submission.pk])
    held = Allocation.objects.current().get()
    shown = client.get(f"{one}?from={held.pk}").content.decode()
    waive = reverse(
        "assessment:waive_conflict", args=[cast.delivery.pk, submission.pk, cast.ada.pk]
    )
    assert waive in shown
    assert client.post(waive, {"ground": "whanau"}).status_code == 422
    asked = {"ground": "whanau", "reason": "Nobody else."}
    assert client.post(waive, asked).status_code == 302
    board = reverse("assessment:conflicts", args=[cast.delivery.pk])
    waiver = ConflictWaiver.objects.get()
    sign = reverse("assessment:sign_waiver", args=[waiver.pk])
    assert sign not in client.get(board).content.decode()
    client.force_login(cast.lea)
    assert sign in client.get(board).content.decode()
    client.post(sign)
    assert "Ada Assessor" in client.get(f"{one}?from={held.pk}").content.decode()
    related = {"person": cast.abe.pk, "learner": cast.hone.pk, "kind": "team"}
    assert client.post(board, related).status_code == 302
    assert "Hōne" in client.get(board).content.decode()
    client.post(reverse("assessment:end_waiver", args=[waiver.pk]))
    assert not ConflictWaiver.objects.live().exists()


def test_an_anonymous_delivery_lists_no_relation_beside_the_codes(cast, client):
    set_policy(cast, anonymous_marking=True)
    submission = in_conflict(cast, G.WHANAU)
    ask_for_waiver(submission, cast.ada, actor=cast.pam, ground=G.WHANAU, reason="Needed.")
    client.force_login(cast.lea)
    page = client.get(reverse("assessment:conflicts", args=[cast.delivery.pk])).content.decode()
    assert submission.pseudonym in page
    rows, form = page.split("Record a relation")
    assert "Lena" not in rows
    assert "Lena" in form


def test_a_ground_never_stands_beside_a_code_for_somebody_who_marks_there(cast, client):
    """Pam allocates and marks in a delivery without names; Lea only allocates."""
    from catalogue.enums import DeliveryRoleKind
    from catalogue.models import DeliveryRole

    set_policy(cast, anonymous_marking=True)
    submission = in_conflict(cast, G.LINE_MANAGER)
    ask_for_waiver(submission, cast.ada, actor=cast.lea, ground=G.LINE_MANAGER, reason="Her boss.")
    DeliveryRole.objects.create(
        delivery=cast.delivery, user=cast.pam, role=DeliveryRoleKind.ASSESSOR
    )
    here = [cast.delivery.pk, submission.pk]
    addresses = [
        (reverse("assessment:allocate_one", args=here), {}),
        (reverse("assessment:conflicts", args=here[:1]), {}),
        (
            reverse("assessment:chosen"),
            {"act": "allocate", "chosen": submission.pk, "asked": "yes", "to": cast.ada.pk},
        ),
    ]
    file = {"text": f"submission,assessor\n{submission.reference},{cast.ada.email}\n"}
    for person, sees in ((cast.lea, True), (cast.pam, False)):
        client.force_login(person)
        pages = [client.get(address, sent) for address, sent in addresses]
        pages.append(client.post(reverse("assessment:allocate_file", args=here[:1]), file))
        for page in pages:
            words = page.content.decode().partition("Record a relation")[0]
            words = words.replace("<li>Line manager</li>", "")
            assert submission.pseudonym in words or submission.reference in words
            assert ("line manager" in words.casefold() or "Her boss." in words) is sees
        waive = client.get(reverse("assessment:waive_conflict", args=[*here, cast.ada.pk]))
        assert waive.status_code == (200 if sees else 403)


def test_two_who_work_for_the_same_client_are_colleagues_wherever_the_learner_is_enrolled(cast):
    submitted(cast)
    Enrolment.objects.update(employer=None)
    submission = Submission.objects.get()
    employ(cast, "ada", "lena")
    for people in ([cast.ada.pk], [cast.ada.pk, cast.abe.pk]):
        found = conflicts_among(people, [submission]).findings(cast.ada.pk, submission)
        assert [one.ground for one in found] == [G.EMPLOYER]
    assert not claimable(Submission.objects.all(), cast.ada).exists()
    Membership.objects.filter(user=cast.lena).update(ended_at="2026-01-01T00:00Z")
    assert not conflicts_among([cast.ada.pk], [submission]).blocks(cast.ada.pk, submission)
