"""States of marking, as states.py has those of learners’ work."""

from typing import Any

from accounts.models import DeclaredConflict
from assessment.actions.allocation import allocate
from assessment.actions.calibration import begin_calibration, mark_exemplar
from assessment.actions.commenting import write_comment
from assessment.actions.discussing import say
from assessment.actions.early import begin_reading, record_reading
from assessment.actions.exemplars import Agreed, Anonymous, freeze_exemplar
from assessment.actions.marking import start_assessment
from assessment.actions.preparing import prepare_comment
from assessment.actions.reviewing import answer_review, ask_review, take_review
from assessment.definitions import Remark
from assessment.enums import Stand
from assessment.models import Allocation, ConflictWaiver, Discussion, EarlyCheck
from assessment.selectors.calibration import next_item
from assessment.selectors.early import decided_places
from catalogue.enums import DeliveryRoleKind as Role
from catalogue.models import AssessmentTask, DeliveryRole, Level
from moderation.actions import (
    return_item,
)
from portfolios.actions.submission import place_hold
from portfolios.actions.supporting import add_supporting
from portfolios.enums import HoldKind
from portfolios.models import Submission
from tests.accessibility.world import LONG_WORD, World
from tests.factories import assessment as marked
from tests.factories import moderation as moderated
from tests.factories import portfolios as work
from tests.personas import Cast

Kwargs = dict[str, Any]


def waiting(world: World) -> Kwargs:
    """Work that Ada is asked to mark, and some in the pool."""
    cast = world.another("waiting", 4)
    first = marked.allocated(cast, "waiting-1")
    work.submitted(cast, "waiting-2")
    marked.allocated(cast, "waiting-3", "abe")
    return {"delivery": cast.delivery.pk, "pk": first.pk}


def unmarked(world: World) -> Kwargs:
    """A delivery in which nobody has submitted anything."""
    return {"delivery": world.another("unmarked", 1).delivery.pk}


def in_conflict(world: World) -> Kwargs:
    """A submission that Abe is too close to, with a waiver of his that waits for a second signature."""
    made = world.state(waiting)
    first = Submission.objects.get(pk=made["pk"])
    cast = world.cast
    asked = {"person": cast.abe, "declared_by": cast.lea}
    for kind in ("team", "whanau"):
        DeclaredConflict.objects.get_or_create(other=first.learner, kind=kind, **asked)
    ConflictWaiver.objects.get_or_create(
        delivery=first.delivery, person=cast.abe, learner=first.learner, ground="whanau",
        reason="Nobody else knows the trade.", asked_by=cast.lea,
    )  # fmt: skip
    return {**made, "assessor": cast.abe.pk}


def movable(world: World) -> Kwargs:
    """Work that is allocated and can be given to somebody else."""
    made = world.state(waiting)
    current = Allocation.objects.current().get(submission=made["pk"])
    return {**made, "query": f"from={current.pk}"}


def rows_chosen(world: World) -> Kwargs:
    """Two rows of the queue, to be allocated: one of them can be."""
    made = world.state(waiting)
    rows = Submission.objects.filter(delivery=made["delivery"]).order_by("pk")
    chosen = "&".join(f"chosen={one.pk}" for one in rows)
    return {"query": f"act=allocate&{chosen}"}


def rows_late(world: World) -> Kwargs:
    """The same rows, to be given more time."""
    return {"query": str(world.state(rows_chosen)["query"]).replace("act=allocate", "act=extend")}


def rows_apart(world: World) -> Kwargs:
    """Rows of two deliveries."""
    rows = [world.state(waiting)["pk"], world.state(marking)["pk"]]
    return {"query": "&".join(["act=extend", *(f"chosen={one}" for one in rows)])}


def marking(world: World) -> Kwargs:
    """A draft with two of three criteria judged."""
    cast = world.another("marking", 1)
    submission = marked.allocated(cast, "marking-1")
    marked.drafted(submission, cast.ada, "M")
    return {"pk": submission.pk, "delivery": cast.delivery.pk}


def talking(world: World) -> Kwargs:
    """Two decisions too far apart, and one of the two assessors wrote what they think."""
    policy = {"marking.double": True, "double.discussion": True}
    cast = world.another("talking", 1, policy=policy)
    submission = marked.allocated(cast, "talking-1")
    allocate(submission, cast.abe, actor=cast.pam)
    marked.decided(submission, cast.ada, "E")
    marked.decided(submission, cast.abe, "NY")
    say(
        Discussion.objects.get(submission=submission),
        actor=cast.abe,
        rationale=f"Page 4 shows no label. {LONG_WORD}",
        stand=Stand.MINE,
    )
    return {"pk": submission.pk, "delivery": cast.delivery.pk}


def feedback_asked(world: World) -> Kwargs:
    """Ada asked about her draft and was answered."""
    cast = world.another("asked", 1)
    submission = marked.allocated(cast, "asked-1")
    marked.drafted(submission, cast.ada, "NY")
    review = ask_review(submission, actor=cast.ada, question=f"Is this too harsh? {LONG_WORD}")
    take_review(review, actor=cast.lea)
    answer_review(review, actor=cast.lea, answer="Say first what is there.")
    return {"pk": submission.pk}


def feedback_taken(world: World) -> Kwargs:
    """Lea has taken a request and not answered."""
    cast = world.another("taken", 1)
    submission = marked.allocated(cast, "taken-1")
    marked.drafted(submission, cast.ada, "NY")
    review = ask_review(submission, actor=cast.ada, question="Is this too harsh?")
    return {"pk": take_review(review, actor=cast.lea).pk}


def special_consideration(world: World) -> Kwargs:
    """Work that waits, with a letter that supports it."""
    cast = world.another("considered", 1)
    submission = marked.allocated(cast, "considered-1")
    hold = place_hold(
        submission, actor=cast.pam, kind=HoldKind.SPECIAL_CONSIDERATION, reason="Asked on Monday."
    )
    add_supporting(hold, actor=cast.pam, words="A letter of the clinic.")
    return {"submission": submission.pk, "hold": hold.pk}


def commented(world: World) -> Kwargs:
    """A draft with comments on its evidence, and prepared ones to put in."""
    cast = world.another("commented", 1)
    submission = marked.allocated(cast, "commented-1")
    marked.drafted(submission, cast.ada, "M")
    credential = cast.delivery.version.micro_credential
    for code, text in (("", "Label every field."), ("C1", "Say who did it, when and with what.")):
        prepare_comment(actor=cast.ada, micro_credential=credential, text=text, criterion_code=code)
    for remark in (
        Remark("The label is missing.", page=1, quote="missing label"),
        Remark(LONG_WORD, audience="staff"),
    ):
        made = write_comment(submission.pk, actor=cast.ada, evidence=2, remark=remark)
    return {"pk": submission.pk, "number": 2, "comment": made.pk}


def prepared(world: World) -> Kwargs:
    """A comment bank with a text of one's own and a shared one."""
    cast = world.cast
    credential = cast.delivery.version.micro_credential
    # Some learner of the world is called by the long word itself, and names are refused.
    text = f"Pai{LONG_WORD}"
    prepare_comment(actor=cast.lea, micro_credential=credential, text=text, is_shared=True)
    made = prepare_comment(
        actor=cast.ada, micro_credential=credential, text="Ka pai tēnei.", criterion_code="C1"
    )
    return {"pk": made.pk}


def marking_nothing(world: World) -> Kwargs:
    """A draft that was only opened."""
    cast = world.another("opened", 1)
    submission = marked.allocated(cast, "opened-1")
    start_assessment(submission, actor=cast.ada)
    return {"pk": submission.pk}


def given_back(world: World) -> Kwargs:
    """A decision that a moderator returned, changed in a draft."""
    cast = world.another("givenback", 1)
    item = moderated.drawn_round(cast).items.get()
    moderated.scored(item, "M")
    return_item(
        moderated.fresh(item),
        actor=moderated.moderator_of(item),
        reason="The feedback is thin.",
        action="Say more about criterion 2.",
    )
    submission = Submission.objects.get(pk=item.submission_id)
    assessor = submission.decisions.get().author
    marked.drafted(submission, assessor, "M", reason="Page 2 shows it.")
    return {"pk": submission.pk}


def marked_work(world: World) -> Kwargs:
    """A recorded decision."""
    cast = world.another("recorded", 1)
    return {"pk": marked.assessed(cast, "recorded-1").pk}


def sent_back(world: World) -> Kwargs:
    """A referral with feedback."""
    cast = world.another("sentback", 1)
    return {"pk": marked.referred(cast, "sentback-1", ["NY", "M", "M"]).pk}


def agreed_work(world: World) -> Cast:
    """A delivery that asks for calibration, and five pieces of agreed work."""
    cast = world.another("calibration", 1, policy={"marking.requires_calibration": True})
    for number, code in enumerate(["NY", "M", "G", "M", "E"], 1):
        levels = Level.objects.filter(criterion__rubric__task=cast.task, code=code)
        freeze_exemplar(
            cast.task,
            actor=cast.lea,
            title=f"Agreed work {number} {LONG_WORD}",
            agreed=Agreed(
                {one.criterion_id: one.pk for one in levels},
                rationale="It does what the descriptor asks, and no more.",
                reasons={
                    one.criterion_id: "Two of the three journeys were tested." for one in levels
                },
            ),
            work=Anonymous([("C1", "I checked the headings."), ("", "About all of it.")]),
            for_calibration=True,
        )
    return cast


def calibrating(world: World) -> Kwargs:
    """Ada has begun; Abe has not passed."""
    made = world.state(calibrated)
    ada = world.cast.people["ada"]
    task = AssessmentTask.objects.get(pk=made["task"])
    item = next_item(begin_calibration(task, actor=ada))
    assert item is not None
    return {"pk": item.pk, "task": task.pk, "assessor": ada.pk}


def calibrated(world: World) -> Kwargs:
    """Abe marked everything one level too high."""
    cast = agreed_work(world)
    attempt = begin_calibration(cast.task, actor=cast.abe)
    while (item := next_item(attempt)) is not None:
        levels = {}
        for one in item.exemplar.levels.select_related("level", "criterion"):
            higher = one.criterion.levels.filter(rank=min(one.level.rank + 1, 3)).get()
            levels[one.criterion_id] = higher.pk
        attempt = mark_exemplar(item, actor=cast.abe, levels=levels)
    return {"pk": attempt.pk, "task": cast.task.pk}


def not_calibrated(world: World) -> Kwargs:
    """Somebody new is asked to mark where calibration comes first."""
    cast = world.another("uncalibrated", 2, policy={"marking.requires_calibration": True})
    someone = world.person("new_assessor", "Aroha New Assessor")
    DeliveryRole.objects.create(delivery=cast.delivery, user=someone, role=Role.ASSESSOR)
    for name in cast.enrolments:
        marked.allocated(cast, name, "new_assessor")
    return {}


def early_decisions(world: World) -> Kwargs:
    """The first decisions on a new task: one was read with a concern, the other is open before Moses."""
    cast = world.another("early", 2)
    check = EarlyCheck.objects.create(delivery=cast.delivery, task=cast.task, size=2)
    marked.assessed(cast, "early-1")
    marked.assessed(cast, "early-2", "NY")
    first, second = decided_places(check)
    begin_reading(first.place, actor=cast.lea)
    reading = record_reading(
        first.place,
        first.decision,
        actor=cast.lea,
        is_sound=False,
        note="A sketch is no plan yet.",
        sent_back=True,
    )
    begin_reading(second.place, actor=cast.moses)
    return {"pk": check.pk, "number": 2, "reading": reading.pk}


def early_decisions_read(world: World) -> Kwargs:
    """One decision that was read, so that marking may go on."""
    cast = world.another("early-read", 1)
    check = EarlyCheck.objects.create(delivery=cast.delivery, task=cast.task, size=2)
    marked.assessed(cast, "early-read-1")
    [only] = decided_places(check)
    begin_reading(only.place, actor=cast.moses)
    record_reading(only.place, only.decision, actor=cast.moses, is_sound=True)
    return {"pk": check.pk}
