"""What is known of conflicts of interest in a delivery."""

from django.db.models import Q

from accounts.models import DeclaredConflict, User
from assessment.conflicts import Finding, conflicts_among
from assessment.models import ConflictWaiver
from catalogue.models import Delivery, DeliveryRole, Enrolment
from portfolios.manifest import pseudonym
from portfolios.models import Submission


def findings_between(person: User, submission: Submission) -> list[Finding]:
    """Everything that stands between one person and one piece of work."""
    return conflicts_among([person.pk], [submission]).findings(person.pk, submission)


def learners_of(delivery: Delivery) -> list[User]:
    """Whoever learns or learnt in the delivery, by name."""
    keys = Enrolment.objects.filter(delivery=delivery).values("learner")
    return list(User.objects.filter(pk__in=keys))


def relations_in(delivery: Delivery) -> list[DeclaredConflict]:
    """What was declared between somebody who works in the delivery and somebody who learns there."""
    staff = DeliveryRole.objects.current().filter(delivery=delivery).values("user")
    learners = Enrolment.objects.filter(delivery=delivery).values("learner")
    found = DeclaredConflict.objects.filter(
        Q(person__in=staff, other__in=learners) | Q(person__in=learners, other__in=staff)
    )
    return list(
        found.select_related("person", "other", "declared_by").order_by("-declared_at", "pk")
    )


def waivers_in(delivery: Delivery) -> list[tuple[ConflictWaiver, str]]:
    """Live waivers, those that wait for a signature first, each with the learner's name or code."""
    rows = ConflictWaiver.objects.live().filter(delivery=delivery)
    waivers = list(
        rows.select_related("person", "learner", "asked_by", "signed_by", "delivery__version__micro_credential")
        .order_by("signed_at", "asked_at", "pk")
    )  # fmt: skip
    waivers.sort(key=lambda one: one.is_signed)
    if not delivery.hides_any_learner():
        return [(one, one.learner.name) for one in waivers]
    enrolments = dict(Enrolment.objects.filter(delivery=delivery).values_list("learner_id", "pk"))
    return [(one, pseudonym(enrolments[one.learner_id])) for one in waivers]
