"""Which decisions and which work a person may read. Sealed ones of others are left out here, not in templates."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

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
    Value,
    When,
)
from django.utils import timezone

from accounts.enums import OrganisationKind, OrganisationRole
from assessment.enums import ASSESSES, AllocationRole, Why
from catalogue.enums import DeliveryRoleKind
from catalogue.querysets import ValidityQuerySet
from portfolios.enums import PartKind, SubmissionState
from portfolios.querysets import in_delivery

if TYPE_CHECKING:
    from accounts.models import User

S = SubmissionState


class AllocationQuerySet(ValidityQuerySet):
    """Allocations."""

    def holding(self, user: "User") -> Self:
        """The person's own live ones."""
        return self.current().filter(assessor=user)


class DecisionQuerySet(models.QuerySet[Any]):
    """Assessment decisions."""

    def final(self) -> Self:
        """Decisions that count or counted, newest last."""
        return self.filter(final_at__isnull=False).order_by("submission_id", "number")

    def sealed(self) -> Self:
        return self.filter(sealed_at__isnull=False)

    def drafts_of(self, user: "User") -> Self:
        """What the person is still writing."""
        return self.filter(author=user, sealed_at__isnull=True)

    def written_by(self, user: "User") -> Self:
        """The person's own."""
        return self.filter(author=user)

    def shown_to_learner(self, user: "User") -> Self:
        """Final decisions on the learner's own released work."""
        return self.filter(
            Q(final_at__isnull=False),
            submission__learner=user,
            submission__state__in=[S.RELEASED, S.UNDER_RECONSIDERATION],
        )

    def referrals_of(self, user: "User") -> Self:
        """Decisions with which the learner's own attempts were referred back."""
        return self.filter(
            submission__learner=user, submission__state=S.REFERRED, sealed_at__isnull=False
        ).order_by("-number")


def rows_of(submissions: "QuerySet[Any]", relation: str) -> "QuerySet[Any]":
    """Rows of a relation of the outer query's submission."""
    related = submissions.model._meta.get_field(relation).related_model
    found: QuerySet[Any] = related._default_manager.filter(submission=OuterRef("pk")).order_by()
    return found


def waiting_for(submissions: "QuerySet[Any]", user: "User") -> "QuerySet[Any]":
    """Of these, the ones that this person has to mark next. Agrees with `rules.is_turn`."""
    if not user.is_active:
        return submissions.none()
    live = rows_of(submissions, "parts").filter(person=user, ended_at__isnull=True)
    decisions = rows_of(submissions, "decisions")
    own_sealed = Exists(decisions.filter(author=user, sealed_at__isnull=False))
    deciding_author = Subquery(
        decisions.filter(final_at__isnull=False).order_by("-number").values("author_id")[:1]
    )
    own_part = Subquery(live.values("kind")[:1])
    known: QuerySet[Any] = submissions.annotate(own_part=own_part, deciding_author=deciding_author)
    return known.filter(
        (~own_sealed & Q(state__in=[S.SUBMITTED, S.IN_ASSESSMENT], own_part__in=ASSESSES))
        | (
            Q(state=S.IN_ASSESSMENT, returned_at__isnull=False, deciding_author=user.pk)
            & Q(own_part__in=[*ASSESSES, PartKind.ADJUDICATOR])
        )
        | (~own_sealed & Q(state=S.IN_ADJUDICATION, own_part=PartKind.ADJUDICATOR))
        | (
            ~own_sealed
            & Q(state=S.UNDER_RECONSIDERATION, own_part=PartKind.RECONSIDERATION_ASSESSOR)
        )
    )


def unallocated(submissions: "QuerySet[Any]") -> "QuerySet[Any]":
    """Of these, the ones that nobody is asked to mark now: the pool."""
    allocations = rows_of(submissions, "allocations").filter(ended_at__isnull=True)
    sealed = rows_of(submissions, "decisions").filter(sealed_at__isnull=False)
    first = Exists(allocations.filter(role=AllocationRole.ASSESSOR))
    second = Exists(allocations.filter(role=AllocationRole.SECOND_ASSESSOR))
    adjudicator = Exists(allocations.filter(role=AllocationRole.ADJUDICATOR))
    return submissions.filter(
        (Q(state=S.SUBMITTED) & ~Exists(sealed) & ~first)
        | (
            Q(state__in=[S.SUBMITTED, S.IN_ASSESSMENT], returned_at__isnull=True)
            & Exists(sealed)
            & ~second
        )
        | (Q(state=S.SUBMITTED, returned_at__isnull=False) & (~first | ~second))
        | (Q(state=S.IN_ADJUDICATION) & ~adjudicator)
    )


def claimable(submissions: "QuerySet[Any]", user: "User") -> "QuerySet[Any]":
    """The part of the pool that this person may take: an assessor of the delivery, independent, new to it."""
    if not user.is_active:
        return submissions.none()
    employers = user.memberships.current().filter(role=OrganisationRole.EMPLOYEE)
    clients = employers.filter(organisation__kind=OrganisationKind.CLIENT)
    learners = submissions.model._meta.get_field("learner").related_model
    now = timezone.now()
    colleagues = learners._default_manager.filter(
        Q(memberships__ended_at__isnull=True) | Q(memberships__ended_at__gt=now),
        memberships__role=OrganisationRole.EMPLOYEE,
        memberships__organisation__in=clients.values("organisation_id"),
    )
    return (
        unallocated(submissions)
        .filter(in_delivery(user, "delivery", DeliveryRoleKind.ASSESSOR))
        .exclude(state=S.IN_ADJUDICATION)
        .exclude(learner=user)
        .exclude(learner__in=user.conflicts_declared.values("other"))
        .exclude(learner__in=user.conflicts_named_in.values("person"))
        .exclude(learner__in=colleagues.values("pk"))
        .exclude(enrolment__employer__in=employers.values("organisation_id"))
        .exclude(Exists(rows_of(submissions, "parts").filter(person=user, ended_at__isnull=True)))
        .exclude(
            Exists(rows_of(submissions, "decisions").filter(author=user, sealed_at__isnull=False))
        )
    )


def in_order(submissions: "QuerySet[Any]") -> "QuerySet[Any]":
    """Most urgent first, with the reason in `why`; then by due date and age."""
    now = timezone.now()
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
