"""One delivery with a submission in every state, each reached by the real steps, and everybody who might ask.

The order matters: a round takes all assessed work of its task, so what is to end far along the way is
assessed, moderated and ratified before the next submission is assessed.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import CLOCK, SYSTEM, Actor, Membership, User
from assessment.actions.allocation import reallocate
from assessment.actions.deciding import record_decision
from assessment.models import Allocation
from awards.actions.ratification import open_ratification
from awards.actions.reconsideration import request_reconsideration
from awards.models import Ratification, Reconsideration, Release
from catalogue.enums import DeliveryRoleKind as Role
from catalogue.models import Delivery, DeliveryRole, Enrolment, TaskSchedule
from moderation.actions import (
    allocate_moderator,
    close_round,
    decide_round,
    draw_sample,
    open_round,
)
from moderation.enums import RoundDecision
from moderation.models import ModerationRound, SampleItem
from portfolios.actions.submission import withdraw_submission
from portfolios.actions.uploading import begin_upload
from portfolios.models import Portfolio, Submission
from tests.factories.assessment import allocated, assessed, drafted, opened, referred
from tests.factories.awards import release, sign
from tests.factories.moderation import agreed
from tests.factories.portfolios import portfolio_of, ready, submitted
from tests.personas import Cast, make_cast, make_user

STATES = (
    "submitted",
    "withdrawn",
    "in_assessment",
    "referred",
    "in_adjudication",
    "assessed",
    "in_moderation",
    "moderated",
    "ratified",
    "released",
    "under_reconsideration",
)
LEARNERS = {
    "released": "mere",
    "under_reconsideration": "learner4",
    "ratified": "learner5",
    "moderated": "learner6",
    "in_moderation": "learner7",
    "assessed": "learner8",
    "in_assessment": "lena",
    "submitted": "learner9",
    "referred": "learner10",
    "withdrawn": "learner11",
    "none": "hone",
}
"""Whose submission is in which state. Hōne's portfolio is ready and not submitted."""


@dataclass
class World:
    """`submissions` by state; `owners` are their learners. `people` holds everybody by short name."""

    cast: Cast
    ready: Portfolio
    double: Delivery
    submissions: dict[str, Submission] = field(default_factory=dict)
    closed_round: ModerationRound | None = None
    open_round: ModerationRound | None = None
    item: SampleItem | None = None
    batch: Ratification | None = None
    release: Release | None = None
    reconsideration: Reconsideration | None = None

    @property
    def people(self) -> dict[str, User]:
        return self.cast.people

    def actor(self, name: str, submission: Submission | None = None) -> Actor:
        """A person by name; `owner` is the learner whose submission it is, system and clock are themselves."""
        if name == "owner":
            return submission.learner if submission is not None else self.people["hone"]
        if name in ("system", "clock"):
            return {"system": SYSTEM, "clock": CLOCK}[name]
        return self.people[name]


def other_delivery(cast: Cast, code: str, policy: dict[str, object] | None = None) -> Delivery:
    """One more open delivery of the same version, without people."""
    now = timezone.now()
    made = Delivery.objects.create(
        version=cast.delivery.version,
        code=code,
        title=f"Cohort {code}",
        mode="online_live",
        starts_on=now.date() - timedelta(days=30),
        ends_on=now.date() + timedelta(days=60),
        client=cast.client,
        policy_overrides=policy or {},
        opened_at=now - timedelta(days=30),
    )
    TaskSchedule.objects.create(
        delivery=made,
        task=cast.task,
        opens_at=now - timedelta(days=30),
        due_at=now + timedelta(days=14),
        cut_off_at=now + timedelta(days=14),
    )
    return made


def add_people(cast: Cast) -> None:
    """Those who come too near, came too late, or belong elsewhere."""
    delivery = cast.delivery
    people = cast.people
    # An assessor of the learners' own employer.
    people["cora"] = make_user("cora")
    Membership.objects.create(
        user=people["cora"], organisation=cast.client, role=OrganisationRole.EMPLOYEE
    )
    DeliveryRole.objects.create(delivery=delivery, user=people["cora"], role=Role.ASSESSOR)
    # An assessor whose allocation was taken away and whose part in the delivery is over.
    people["fran"] = make_user("fran")
    DeliveryRole.objects.create(delivery=delivery, user=people["fran"], role=Role.ASSESSOR)
    # Every part, in another delivery.
    people["otto"] = make_user("otto")
    elsewhere = other_delivery(cast, "elsewhere")
    for role in Role:
        DeliveryRole.objects.create(delivery=elsewhere, user=people["otto"], role=role)


def dismiss_fran(cast: Cast) -> None:
    """Take her work away and end her part; ada has the work then."""
    for one in Allocation.objects.current().filter(assessor=cast.people["fran"]):
        reallocate(one, cast.people["ada"], actor=cast.people["pam"], reason="Fran left")
    DeliveryRole.objects.filter(user=cast.people["fran"]).update(ended_at=timezone.now())


def in_adjudication(cast: Cast, double: Delivery) -> Submission:
    """Double marked in a delivery of its own, outside the tolerance; ana adjudicates."""
    people = cast.people
    people["learner12"] = make_user("learner12")
    for name in ("ada", "abe"):
        DeliveryRole.objects.create(delivery=double, user=people[name], role=Role.ASSESSOR)
    for name, role in (
        ("moses", Role.MODERATOR),
        ("lea", Role.LEAD_MODERATOR),
        ("pam", Role.ADMINISTRATOR),
        ("rita", Role.RATIFIER),
        ("rob", Role.RATIFIER),
    ):
        DeliveryRole.objects.create(delivery=double, user=people[name], role=role)
    enrolment = Enrolment.objects.create(
        delivery=double, learner=people["learner12"], employer=cast.client
    )
    cast.enrolments["learner12"] = enrolment
    submission = allocated(cast, "learner12", "ada")
    drafted(submission, people["ada"], "E")
    record_decision(submission, actor=people["ada"])
    # Only now, so that the second assessor is abe and the adjudicator somebody who is neither.
    DeliveryRole.objects.create(delivery=double, user=people["ana"], role=Role.ASSESSOR)
    drafted(submission, people["abe"], "NY")
    record_decision(submission, actor=people["abe"])
    return Submission.objects.get(pk=submission.pk)


def again(submission: Submission) -> Submission:
    """The submission as it is now."""
    found: Submission = Submission.objects.get(pk=submission.pk)
    return found


def build_world() -> World:
    """Eleven states, by the real steps."""
    cast = make_cast(learners=11)
    people = cast.people
    add_people(cast)
    begin_upload(portfolio_of(cast, "hone"), actor=people["hone"], name="long.pdf", length=9000)
    double = other_delivery(cast, "double", {"marking.double": True})
    world = World(cast, ready=ready(cast, "hone"), double=double)
    found = world.submissions

    def learner(state: str) -> str:
        return LEARNERS[state]

    for state in ("released", "under_reconsideration"):
        found[state] = assessed(cast, learner(state), "M")
    world.closed_round = close_all(cast)
    ratify_all(cast)
    world.release = release(cast)
    world.reconsideration = request_reconsideration(
        again(found["under_reconsideration"]),
        actor=people[learner("under_reconsideration")],
        grounds="The second criterion was shown on page 2.",
    )
    found["ratified"] = assessed(cast, learner("ratified"), "M")
    close_all(cast)
    ratify_all(cast)
    found["moderated"] = assessed(cast, learner("moderated"), "M")
    close_all(cast)
    world.batch = open_ratification(
        cast.delivery, cast.task, actor=people["rita"], minute="Rita and Rob met."
    )
    found["in_moderation"] = assessed(cast, learner("in_moderation"), "M")
    world.open_round = draw_sample(
        open_round(cast.delivery, cast.task, actor=people["lea"]), actor=people["lea"]
    )
    give_to_moses(world)
    found["assessed"] = assessed(cast, learner("assessed"), "M")
    found["referred"] = referred(cast, learner("referred"))
    found["withdrawn"] = withdraw_submission(
        submitted(cast, learner("withdrawn")), actor=people[learner("withdrawn")]
    )
    for state in ("submitted", "in_assessment"):
        found[state] = allocated(cast, learner(state), "fran")
    dismiss_fran(cast)
    opened(found["in_assessment"], people["ada"])
    found["in_adjudication"] = in_adjudication(cast, double)
    world.submissions = {state: again(one) for state, one in found.items()}
    for state, one in world.submissions.items():
        assert one.state == state, (state, one.state)
    assert set(world.submissions) == set(STATES)
    return world


def give_to_moses(world: World) -> None:
    """The one item of the open round is moses's to read."""
    assert world.open_round is not None
    item = world.open_round.items.get()
    moses = world.people["moses"]
    if item.moderator != moses:
        allocate_moderator(item, moses, actor=world.people["lea"])
    world.item = SampleItem.objects.get(pk=item.pk)


def close_all(cast: Cast) -> ModerationRound:
    """Moderate everything that is assessed, by reading what is drawn and agreeing with it."""
    lea = cast.people["lea"]
    made = draw_sample(open_round(cast.delivery, cast.task, actor=lea), actor=lea)
    for item in made.items.all():
        agreed(item)
    decided = decide_round(
        made, actor=lea, decision=RoundDecision.ACCEPT, reason="The standard was applied."
    )
    return close_round(decided, actor=lea)


def ratify_all(cast: Cast) -> None:
    """Sign a batch of everything moderated."""
    batch = open_ratification(
        cast.delivery, cast.task, actor=cast.people["rita"], minute="Rita and Rob met."
    )
    sign(batch, cast.people["rita"])


def check_deferred() -> None:
    """Ask the database's deferred checks now, as a commit would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
