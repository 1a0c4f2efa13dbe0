"""Which decisions and which work a person may read. Sealed ones of others are left out here, not in templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from django.db import models
from django.db.models import (
    Case,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    UUIDField,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact
from django.utils import timezone

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.models import User
from assessment.enums import (
    ASSESSES,
    EARLY_READERS,
    SHARES_BANK,
    SHOWN_EXEMPLARS,
    AllocationRole,
    Basis,
    Why,
)
from catalogue.enums import DeliveryRoleKind
from catalogue.querysets import ValidityQuerySet
from portfolios.enums import PartKind, SubmissionState
from workflows.querysets import Composed

MANY = 100_000
"""More than anybody has of relations, and any decision of anything."""

ALLOCATE = (DeliveryRoleKind.ADMINISTRATOR, DeliveryRoleKind.LEAD_MODERATOR)
"""Parts in a delivery whose people allocate its work."""

S = SubmissionState
composed = Composed()


class AllocationQuerySet(ValidityQuerySet):
    """Allocations."""

    def holding(self, user: User) -> Self:
        """The person's own live ones."""
        return self.current().filter(assessor=user)


class ConflictWaiverQuerySet(models.QuerySet[Any]):
    """Waivers of conflicts of interest."""

    def visible_to(self, user: User) -> Self:
        """Rows for which `rules.can_view_conflict_waiver` says yes."""
        if not user.is_active:
            return self.none()
        own = user.delivery_roles.current().filter(role__in=ALLOCATE)
        providers = user.memberships.current().filter(role=OrganisationRole.ADMINISTRATOR)
        return self.filter(
            Q(delivery__in=own.values("delivery"))
            | Q(delivery__version__micro_credential__provider__in=providers.values("organisation"))
        )

    def live(self) -> Self:
        return self.filter(ended_at__isnull=True)


class DecisionQuerySet(models.QuerySet[Any]):
    """Assessment decisions."""

    def final(self) -> Self:
        """Decisions that count or counted, newest last."""
        return self.filter(final_at__isnull=False).order_by("submission_id", "number")

    def sealed(self) -> Self:
        return self.filter(sealed_at__isnull=False)

    def drafts_of(self, user: User) -> Self:
        """What the person is still writing."""
        return self.filter(author=user, sealed_at__isnull=True)

    def shown_to_learner(self, user: User) -> Self:
        """Final decisions on the learner's own released work."""
        return self.filter(
            Q(final_at__isnull=False),
            submission__learner=user,
            submission__state__in=[S.RELEASED, S.UNDER_RECONSIDERATION],
        )

    def referrals_of(self, user: User) -> Self:
        """Decisions with which the learner's own attempts were referred back."""
        return self.filter(
            submission__learner=user, submission__state=S.REFERRED, sealed_at__isnull=False
        ).order_by("-number")


class EarlyCheckQuerySet(models.QuerySet[Any]):
    """Early checks of new tasks."""

    def visible_to(self, user: User) -> Self:
        """Rows for which `rules.can_view_early_check` says yes."""
        if not user.is_active:
            return self.none()
        roles = user.delivery_roles.current().filter(role__in=EARLY_READERS)
        return self.filter(delivery__in=roles.values("delivery"))

    def answered_by(self, user: User) -> Self:
        """Rows for which `rules.answers_early` says yes."""
        if not user.is_active:
            return self.none()
        roles = user.delivery_roles.current().filter(role=DeliveryRoleKind.ASSESSOR)
        return self.filter(delivery__in=roles.values("delivery"))

    def open(self) -> Self:
        """Those that nobody has passed."""
        return self.filter(passed_at__isnull=True)


class ReviewQuerySet(models.QuerySet[Any]):
    """Requests that somebody senior reads the feedback of a decision."""

    def visible_to(self, user: User) -> Self:
        """Rows for which `rules.can_view_review` says yes."""
        if not user.is_active:
            return self.none()
        led = user.delivery_roles.current().filter(role=DeliveryRoleKind.LEAD_MODERATOR)
        parts = user.parts.filter(ended_at__isnull=True)
        return (
            self.alias(place=place_of_delivery("submission__delivery"))
            .filter(place__in=led.values("delivery"))
            .exclude(asked_by=user)
            .exclude(submission__in=parts.values("submission"))
        )

    def open(self) -> Self:
        """Those without an answer."""
        return self.filter(answered_at__isnull=True)


class CalibrationQuerySet(models.QuerySet[Any]):
    """Attempts at calibration."""

    def visible_to(self, user: User) -> Self:
        """Rows for which `rules.can_view_calibration` says yes."""
        if not user.is_active:
            return self.none()
        led = user.delivery_roles.current().filter(role=DeliveryRoleKind.LEAD_MODERATOR)
        return self.filter(
            Q(assessor=user)
            | Q(
                task__version__micro_credential__in=led.values(
                    "delivery__version__micro_credential_id"
                ),
                concluded_at__isnull=False,
            )
        )


class SeedPlanQuerySet(models.QuerySet[Any]):
    """Plans to hide agreed work."""

    def visible_to(self, user: User) -> Self:
        """Rows for which `rules.can_view_seed_plan` says yes."""
        if not user.is_active:
            return self.none()
        led = user.delivery_roles.current().filter(role=DeliveryRoleKind.LEAD_MODERATOR)
        return self.filter(delivery__in=led.values("delivery"))

    def running(self) -> Self:
        return self.filter(ended_at__isnull=True)


class SeedQuerySet(models.QuerySet[Any]):
    """Agreed work that was hidden."""

    def visible_to(self, user: User) -> Self:
        """Rows for which `rules.can_view_seed` says yes."""
        if not user.is_active:
            return self.none()
        led = user.delivery_roles.current().filter(role=DeliveryRoleKind.LEAD_MODERATOR)
        return self.filter(
            (Q(plan__delivery__in=led.values("delivery")) & ~Q(assessor=user))
            | (Q(assessor=user) & Q(pk__in=self.told_about().values("pk")))
        )

    def told_about(self) -> Self:
        """Those of which their assessors were told: sealed, and not withdrawn."""
        return self.filter(
            plan__told_at__isnull=False,
            withdrawal__isnull=True,
            submission__decisions__sealed_at__isnull=False,
            submission__decisions__author=F("assessor"),
        ).distinct()


class WaiverQuerySet(models.QuerySet[Any]):
    """Waivers of calibration."""

    def current(self) -> Self:
        """Those that have not run out."""
        return self.filter(valid_until__gt=timezone.now())


class ExemplarQuerySet(models.QuerySet[Any]):
    """Exemplars."""

    def visible_to(self, user: User) -> Self:
        """Rows for which `rules.can_view_exemplar` says yes."""
        if not user.is_active:
            return self.none()
        roles = user.delivery_roles.current().filter(role__in=SHOWN_EXEMPLARS)
        moderating = roles.exclude(role=DeliveryRoleKind.ASSESSOR)
        of = "delivery__version__micro_credential_id"
        home = "task__version__micro_credential__in"
        return self.filter(
            Q(**{home: roles.values(of)}, for_calibration=False)
            | Q(**{home: moderating.values(of)})
        )

    def current(self) -> Self:
        """Those that were not retired."""
        return self.filter(retired_at__isnull=True)

    def fitting(self, rubric: Any) -> Self:
        """Those that were agreed under exactly this rubric: an older wording anchors nothing."""
        return self.current().filter(task=rubric.task_id, rubric_hash=rubric.content_hash)


class CommentQuerySet(models.QuerySet[Any]):
    """Comments on evidence."""

    def visible_to(self, user: User) -> Self:
        """The person's own; for the learner see `selectors.comments`, which knows what is released."""
        return self.filter(author=user) if user.is_active else self.none()


class PreparedQuerySet(models.QuerySet[Any]):
    """Prepared comments."""

    def kept(self) -> Self:
        return self.filter(removed_at__isnull=True)

    def visible_to(self, user: User, *, now: datetime | None = None) -> Self:
        """The person's own, and those that are shared in micro-credentials which they mark or lead."""
        if not user.is_active:
            return self.none()
        parts = user.delivery_roles.current(now).filter(role__in=SHARES_BANK)
        return self.filter(
            Q(owner=user)
            | Q(
                is_shared=True,
                micro_credential__in=parts.values("delivery__version__micro_credential"),
            )
        )


def place_of_delivery(path: str = "delivery") -> Coalesce:
    """The cohort of what lies at `path`: the delivery itself, or the one whose seeds it holds."""
    return Coalesce(f"{path}__seeds_for", path, output_field=UUIDField())


def lying_in(submissions: "QuerySet[Any]", delivery: Any) -> "QuerySet[Any]":
    """Of these, the ones of a cohort as its assessors see it: seeds are among them."""
    deliveries = submissions.model._meta.get_field("delivery").related_model
    return submissions.filter(delivery__in=deliveries.with_seeds.of(delivery).values("pk"))


def rows_of(submissions: "QuerySet[Any]", relation: str) -> "QuerySet[Any]":
    """Rows of a relation of the outer query's submission."""
    related = submissions.model._meta.get_field(relation).related_model
    found: QuerySet[Any] = related._default_manager.filter(submission=OuterRef("pk")).order_by()
    return found


def waiting_for(submissions: "QuerySet[Any]", user: User) -> "QuerySet[Any]":
    """Of these, the ones that this person has to mark next. Agrees with `rules.is_turn`.

    Begins with the person's live parts, which an index finds; nobody has two in one submission.
    """
    if not user.is_active:
        return submissions.none()
    decisions = rows_of(submissions, "decisions")
    own_sealed = Exists(decisions.filter(author=user, sealed_at__isnull=False))
    deciding_author = Subquery(
        decisions.filter(final_at__isnull=False).order_by("-number").values("author_id")[:1]
    )
    first_time = (
        Q(state__in=[S.SUBMITTED, S.IN_ASSESSMENT], parts__kind__in=ASSESSES)
        | Q(state=S.IN_ADJUDICATION, parts__kind=PartKind.ADJUDICATOR)
        | Q(state=S.UNDER_RECONSIDERATION, parts__kind=PartKind.RECONSIDERATION_ASSESSOR)
    )
    again = Q(
        Exact(deciding_author, user.pk),
        state=S.IN_ASSESSMENT,
        returned_at__isnull=False,
        parts__kind__in=[*ASSESSES, PartKind.ADJUDICATOR],
    )
    # One call: the part that is the person's and the part of that kind are the same row.
    return submissions.filter(
        (~own_sealed & first_time) | again, parts__person=user, parts__ended_at__isnull=True
    )


def begun_by(user: User) -> Exists:
    """Whether the person has a draft on the row."""
    # Asked of the person: this module may not know the model of decisions.
    written: Any = user
    drafts = written.decisions.filter(submission=OuterRef("pk"), sealed_at__isnull=True)
    return Exists(drafts.order_by())


def seen_in(state: str, user: User) -> Q:
    """What the person sees in this state: of two who mark blind each sees what they did themselves, and no more.

    Agrees with `seen_state`.
    """
    marking = (S.SUBMITTED, S.IN_ASSESSMENT)
    if state not in marking:
        return Q(state=state)
    own = Q(double_blind=True, returned_at__isnull=True, state__in=marking)
    begun = Q(begun_by(user)) if state == S.IN_ASSESSMENT else ~Q(begun_by(user))
    return (own & begun) | (Q(state=state) & ~own)


def seen_state(state: str, *, is_pair: bool, has_begun: bool) -> str:
    """The state that an assessor sees; `is_pair` where two mark it blind and nothing was returned."""
    if not is_pair or state not in (S.SUBMITTED, S.IN_ASSESSMENT):
        return state
    return S.IN_ASSESSMENT if has_begun else S.SUBMITTED


def unallocated(submissions: "QuerySet[Any]") -> "QuerySet[Any]":
    """Of these, the ones that nobody is asked to mark now: the pool."""
    allocations = rows_of(submissions, "allocations").filter(ended_at__isnull=True)
    decisions = rows_of(submissions, "decisions").filter(sealed_at__isnull=False)
    sealed = decisions.filter(basis=Basis.ASSESSMENT)
    second_sealed = decisions.filter(basis=Basis.SECOND_ASSESSMENT)
    first = Exists(allocations.filter(role=AllocationRole.ASSESSOR))
    second = Exists(allocations.filter(role=AllocationRole.SECOND_ASSESSOR))
    adjudicator = Exists(allocations.filter(role=AllocationRole.ADJUDICATOR))
    marking = Q(state__in=[S.SUBMITTED, S.IN_ASSESSMENT], returned_at__isnull=True)
    # Of two who mark blind neither part waits for the other: when one seals, the pool stays as it is.
    either = (~Exists(sealed) & ~first) | (~Exists(second_sealed) & ~second)
    return submissions.filter(
        (Q(state=S.SUBMITTED) & ~Exists(sealed) & ~first)
        | (marking & Q(double_blind=True) & either)
        | (marking & Q(double_blind=False) & Exists(sealed) & ~second)
        | (Q(state=S.SUBMITTED, returned_at__isnull=False) & (~first | ~second))
        | (Q(state=S.IN_ADJUDICATION) & ~adjudicator)
    )


@dataclass(frozen=True)
class Relations:
    """A person's live parts in deliveries and organisations, read once."""

    rows: tuple[tuple[UUID, str, str], ...]
    """Key, role, and kind of the organisation; the kind is empty for a delivery."""

    def deliveries(self, *roles: str) -> frozenset[UUID]:
        """Those in which the person has one of these parts."""
        return frozenset(key for key, role, kind in self.rows if not kind and role in roles)

    def organisations(self, role: str, *kinds: str) -> frozenset[UUID]:
        """Those, of these kinds or of any, in which the person has that role."""
        return frozenset(
            key
            for key, held, kind in self.rows
            if kind and held == role and (not kinds or kind in kinds)
        )


def relations_of(user: User) -> Relations:
    """Parts in deliveries and in organisations in one statement."""

    def build(values: Sequence[Any]) -> "QuerySet[Any, Any]":
        person, now = User(pk=values[0]), values[1]
        parts = person.delivery_roles.current(now).order_by()
        offices = person.memberships.current(now).order_by()
        return parts.values_list("delivery_id", "role", Value("")).union(
            offices.values_list("organisation_id", "role", "organisation__kind")
        )

    found = composed.rows("relations", build, [user.pk, timezone.now()], limit=MANY)
    return Relations(tuple(found))


@dataclass(frozen=True)
class Claims:
    """Where a person may take work from the pool: the deliveries they assess; and for whom they work."""

    deliveries: frozenset[UUID] = frozenset()
    employers: frozenset[UUID] = frozenset()
    clients: frozenset[UUID] = frozenset()
    """Those of the employers that are clients."""


def claims_of(relations: Relations) -> Claims:
    """What a person's relations say of that."""
    return Claims(
        relations.deliveries(DeliveryRoleKind.ASSESSOR),
        relations.organisations(OrganisationRole.EMPLOYEE),
        relations.organisations(OrganisationRole.EMPLOYEE, OrganisationKind.CLIENT),
    )


def claimable(
    submissions: "QuerySet[Any]",
    user: User,
    claims: Claims | None = None,
    *,
    now: datetime | None = None,
) -> "QuerySet[Any]":
    """The part of the pool that this person may take: an assessor of the delivery, new to it, with no conflict.

    Nothing on which `conflicts` finds anything is offered here, whatever the policy or a waiver makes of it:
    such work goes by the hand of somebody who allocates. What the learner's own relations cannot tell, that the
    two read most of each other's decisions, counts for readers only, who never take work themselves.
    """
    if not user.is_active:
        return submissions.none()
    claims = claims or claims_of(relations_of(user))
    if not claims.deliveries:
        return submissions.none()
    found = submissions.filter(
        ~Q(state=S.IN_ADJUDICATION),
        ~Q(learner=user),
        ~Q(learner__in=user.conflicts_declared.values("other")),
        ~Q(learner__in=user.conflicts_named_in.values("person")),
        ~Exists(rows_of(submissions, "parts").filter(person=user, ended_at__isnull=True)),
        ~Exists(rows_of(submissions, "decisions").filter(author=user, sealed_at__isnull=False)),
        Q(attempt=1) | ~Exists(_referred_by(submissions, user)),
        Q(in_reo=False) | Exists(User.objects.filter(pk=user.pk, reo_capable=True)),
        delivery__in=claims.deliveries,
    )
    if claims.employers:
        found = found.exclude(enrolment__employer__in=claims.employers)
    if claims.clients:
        learners = submissions.model._meta.get_field("learner").related_model
        colleagues = learners._default_manager.filter(
            Q(memberships__ended_at__isnull=True)
            | Q(memberships__ended_at__gt=now or timezone.now()),
            memberships__role=OrganisationRole.EMPLOYEE,
            memberships__organisation__in=claims.clients,
        )
        found = found.exclude(learner__in=colleagues.values("pk"))
    return unallocated(found)


def _referred_by(submissions: "QuerySet[Any]", user: User) -> "QuerySet[Any]":
    """Decisions with which this person referred an earlier attempt of the outer query's work back."""
    decisions = submissions.model._meta.get_field("decisions").related_model
    found: QuerySet[Any] = decisions._default_manager.filter(
        author=user,
        sealed_at__isnull=False,
        submission__state=S.REFERRED,
        submission__learner=OuterRef("learner"),
        submission__task=OuterRef("task"),
    ).order_by()
    return found


def in_order(submissions: "QuerySet[Any]", *, now: datetime | None = None) -> "QuerySet[Any]":
    """Most urgent first, with the reason in `why`; then by due date and age."""
    now = now or timezone.now()
    why = Case(
        When(state=S.IN_ASSESSMENT, returned_at__isnull=False, then=Value(Why.RETURNED)),
        When(marking_due_at__lt=now, then=Value(Why.OVERDUE)),
        When(marking_due_at__lt=now + timedelta(days=3), then=Value(Why.SOON)),
        When(attempt__gt=1, then=Value(Why.RESUBMISSION)),
        default=Value(Why.OLDEST),
        output_field=IntegerField(),
    )
    known: QuerySet[Any] = submissions.annotate(why=why)
    return known.order_by("why", F("marking_due_at").asc(nulls_last=True), "submitted_at", "pk")
