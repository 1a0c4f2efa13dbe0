"""States of marking, moderation and awards, as states.py has those of learners' work."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

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
from assessment.selectors.exemplars import copies_of
from awards.actions.recall import ask_recall
from awards.actions.reconsideration import request_reconsideration
from awards.actions.release import schedule_release
from catalogue.models import AssessmentTask, Criterion, Level
from moderation.actions import (
    Minutes,
    add_meeting_action,
    amend_meeting,
    close_round,
    comment_on_item,
    decide_round,
    invite_external,
    keep_severities,
    record_meeting,
    return_item,
    sign_meeting,
    submit_external_report,
)
from moderation.enums import RoundDecision
from moderation.models import ExternalReview, ModerationRound, SampleItem
from moderation.selectors import sample_of
from portfolios.actions.submission import place_hold
from portfolios.actions.supporting import add_supporting
from portfolios.enums import HoldKind
from portfolios.models import Submission
from tests.accessibility.world import LONG_NAME, LONG_WORD, World
from tests.factories import assessment as marked
from tests.factories import awards
from tests.factories import moderation as moderated
from tests.factories import portfolios as work
from tests.personas import Cast

Kwargs = dict[str, Any]


def keys(cast: Cast, **more: Any) -> Kwargs:
    """What addresses of a set need."""
    return {"delivery": cast.delivery.pk, "task": cast.task.pk, "pk": cast.delivery.pk, **more}


# --- marking ----------------------------------------------------------------------------------------


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


# --- moderation -------------------------------------------------------------------------------------


def assessed_set(world: World) -> Kwargs:
    """A set that waits for its round."""
    cast = world.another("assessed", 4)
    moderated.assessed_set(cast, assessors=("ada", "abe"))
    return keys(cast)


def frozen(world: World) -> Kwargs:
    """A round that waits for its draw."""
    cast = world.another("frozen", 5)
    return {"pk": moderated.frozen_round(cast, assessors=("ada", "abe")).pk}


def large_frozen(world: World) -> Kwargs:
    """A round of many that waits for its draw, with a random part."""
    cast = world.another(
        "largefrozen", 14, names=(LONG_NAME, LONG_WORD), title=f"Te rōpū {LONG_WORD}"
    )
    cast.delivery.policy_overrides |= moderated.NOTHING_TARGETED
    cast.delivery.save(update_fields=["policy_overrides"])
    return {"pk": moderated.frozen_round(cast, assessors=("ada", "abe", "ana")).pk}


def many_in_round(world: World) -> Kwargs:
    """A round of many, with long names."""
    cast = world.another("large", 14, names=(LONG_NAME, LONG_WORD), title=f"Te rōpū {LONG_WORD}")
    return {"pk": moderated.drawn_round(cast, assessors=("ada", "abe", "ana")).pk}


def item_of(made: ModerationRound, moderator: str) -> SampleItem:
    found: SampleItem = made.items.filter(moderator__email=f"{moderator}@example.org").first()
    return found


def drawn(world: World) -> Kwargs:
    """A drawn item that Moses reads."""
    cast = world.another("drawn", 6)
    made = moderated.drawn_round(cast)
    return {"pk": item_of(made, "moses").pk, "round": made.pk}


def in_review(world: World) -> Kwargs:
    """The round of the drawn item."""
    return {"pk": world.state(drawn)["round"]}


def compared(world: World) -> Kwargs:
    """An item that Moses has read differently."""
    cast = world.another("compared", 6)
    made = moderated.drawn_round(cast)
    item = item_of(made, "moses")
    moderated.scored(item, "M")
    return {"pk": item.pk, "round": made.pk}


def alike(world: World) -> Kwargs:
    """Items that Moses has read as the assessor did."""
    cast = world.another("alike", 6)
    made = moderated.drawn_round(cast)
    for item in made.items.filter(moderator=cast.moses):
        moderated.scored(item)
    return {}


def upheld(world: World) -> Kwargs:
    """An item that was upheld."""
    cast = world.another("upheld", 6)
    made = moderated.drawn_round(cast)
    item = item_of(made, "moses")
    moderated.agreed(item)
    return {"pk": item.pk}


def read(world: World) -> Kwargs:
    """A round that waits for its decision."""
    cast = world.another("read", 5)
    return {"pk": moderated.read_round(cast, assessors=("ada", "abe")).pk}


def decided(world: World) -> Kwargs:
    """A round that waits to be closed."""
    cast = world.another("decided", 4)
    return {"pk": moderated.decided_round(cast, assessors=("ada", "abe")).pk}


def with_actions(world: World) -> Kwargs:
    """An action that a closed round asks for."""
    cast = world.another("actions", 2)
    made = moderated.read_round(cast)
    ready = decide_round(
        made, actor=cast.lea, decision=RoundDecision.ACCEPT_WITH_ACTIONS, reason="Sound.",
        required_actions="Reword criterion 2.", owner=cast.lea, due_on=cast.delivery.ends_on,
    )  # fmt: skip
    return {"pk": close_round(ready, actor=cast.lea).actions.get().pk}


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


def closed(world: World) -> Kwargs:
    """A closed round with figures."""
    cast = world.another("closed", 6)
    return keys(cast, pk=moderated.moderated(cast, assessors=("ada", "abe")).pk)


def with_severities(world: World) -> Kwargs:
    """A closed round whose people's severities were computed, one of them strict."""
    cast = world.another("severities", 2)
    made = moderated.moderated(cast, assessors=("ada", "abe"))
    moderated.with_readings(cast, made)
    keep_severities()
    return keys(cast, pk=made.pk)


def in_sight(world: World) -> Kwargs:
    """A drawn item that Moses reads with the assessor's decision in sight."""
    cast = world.another("insight", 4, policy={"moderator.blind_first": False})
    return {"pk": item_of(moderated.drawn_round(cast), "moses").pk}


def in_the_bank(world: World) -> Kwargs:
    """An exemplar from work whose learner agreed, and the form for another."""
    cast = world.another("bank", 1)
    source = marked.assessed(cast, "bank-1")
    levels = Level.objects.filter(criterion__rubric__task=cast.task, code="M")
    made = freeze_exemplar(
        cast.task,
        actor=cast.lea,
        title="Just met, thin evidence",
        agreed=Agreed({one.criterion_id: one.pk for one in levels}, "As the descriptor says."),
        work=Anonymous(
            [("C1", "I checked the headings.")], [(copies_of(source)[0][1], "A report.")]
        ),
        source=source,
        consent="By e-mail.",
    )
    return {"pk": made.pk, "task": cast.task.pk, "query": f"reference={source.reference}"}


def met(world: World) -> Kwargs:
    """The draft of a record that cannot be signed yet, and an exemplar to have discussed."""
    world.state(in_the_bank)
    cast = world.cast
    made = record_meeting(cast.task, Minutes(timezone.localdate(), [cast.ada]), actor=cast.lea)
    add_meeting_action(
        made, actor=cast.lea, text=f"Reword C1 {LONG_WORD}", owner=cast.ada,
        due_on=cast.delivery.ends_on,
    )  # fmt: skip
    return {"pk": made.pk, "task": cast.task.pk}


def signed_meeting(world: World) -> Kwargs:
    """A signed record with an amendment."""
    cast = world.cast
    held = Minutes(
        timezone.localdate(), [cast.ada, cast.moses], readings="C1 asks for order.", actions="Ada."
    )
    made = record_meeting(cast.task, held, actor=cast.lea)
    add_meeting_action(
        made, actor=cast.lea, text="Add an example.", owner=cast.ada, due_on=cast.delivery.ends_on
    )
    sign_meeting(made, actor=cast.lea, seen_version=2)
    amend_meeting(made, actor=cast.lea, text="C2 as well.")
    return {"pk": made.pk}


def asked_outside(world: World, name: str, full: str) -> ExternalReview:
    """Somebody from outside who may look at the closed round."""
    found = ModerationRound.objects.get(pk=world.state(closed)["pk"])
    person = world.person(name, full)
    today = timezone.localdate()
    return invite_external(
        found, actor=world.cast.lea, email=person.email, name="", since=today,
        until=today + timedelta(days=9), asked="Is criterion 2 read alike?",
        achievement_record="Record of Achievement 2026/14",
    )  # fmt: skip


def outside(world: World) -> Kwargs:
    """A round that is open to Xenia, and one item of it."""
    review = asked_outside(world, "xenia", "Xenia Ōhāngā")
    code, item = sample_of(review.round)[0]
    comment_on_item(review, item, actor=review.person, text="Read as the descriptor says.")
    return {**world.state(closed), "pk": review.pk, "work": code, "number": 1}


def handed_on(world: World) -> Kwargs:
    """The round with both of them, as the lead sees it."""
    world.state(outside)
    world.state(outside_done)
    return world.state(closed)


def outside_done(world: World) -> Kwargs:
    """A report that was submitted."""
    review = asked_outside(world, "xavier", "Xavier Marino")
    submit_external_report(review, actor=review.person, finding="confirmed", report="Sound.")
    return {"pk": review.pk}


# --- awards -----------------------------------------------------------------------------------------


def moderated_set(world: World) -> Kwargs:
    """Results that wait for a batch."""
    cast = world.another("confirmable", 4, names=(LONG_NAME,))
    for number, name in enumerate(cast.enrolments):
        awards.moderated(cast, name, achieved=number != 2)
    return keys(cast)


def batch(world: World) -> Kwargs:
    """A batch that waits for a signature."""
    cast = world.another("batch", 3)
    for name in cast.enrolments:
        awards.moderated(cast, name)
    return keys(cast, pk=awards.batch(cast).pk)


def signed(world: World) -> Kwargs:
    """A signed batch, and results that wait for release."""
    cast = world.another("signed", 3)
    for number, name in enumerate(cast.enrolments):
        awards.moderated(cast, name, achieved=number != 1)
    made = awards.batch(cast)
    awards.sign(made, cast.rita)
    return keys(cast, pk=made.pk)


def scheduled(world: World) -> Kwargs:
    """A release that waits for the clock."""
    cast = world.another("scheduled", 2)
    for name in cast.enrolments:
        awards.moderated(cast, name)
    awards.sign(awards.batch(cast), cast.rita)
    return keys(cast, pk=schedule_release(cast.delivery, cast.task, actor=cast.pam).pk)


def done(world: World) -> Kwargs:
    """A release that was carried out, one result not achieved."""
    cast = world.another("done", 3)
    for number, name in enumerate(cast.enrolments):
        awards.moderated(cast, name, achieved=number != 1)
    awards.sign(awards.batch(cast), cast.rita)
    return keys(cast, pk=awards.release(cast).pk)


def result(world: World) -> Kwargs:
    """A released result with its credential."""
    world.state(done)
    submission = Submission.objects.get(learner=world.cast.people["done-1"])
    return {"pk": submission.pk}


def result_not_achieved(world: World) -> Kwargs:
    """A released result that is not achieved."""
    world.state(done)
    return {"pk": Submission.objects.get(learner=world.cast.people["done-2"]).pk}


def credential(world: World) -> Kwargs:
    """The credential of the released result."""
    submission = Submission.objects.get(pk=world.state(result)["pk"])
    return {"pk": submission.credentials.get().pk}


def unreleased(world: World) -> Kwargs:
    """A result that is still being checked."""
    world.state(moderated_set)
    return {"pk": Submission.objects.get(learner=world.cast.people["confirmable-2"]).pk}


def reconsidered(world: World) -> Kwargs:
    """A request for a fresh look."""
    cast = world.another("fresh", 1)
    submission = awards.released(cast, "fresh-1", achieved=False)
    made = request_reconsideration(
        submission, actor=cast.people["fresh-1"], grounds="Page 4 was not read."
    )
    return {"pk": made.pk, "submission": submission.pk}


def asked_again(world: World) -> Kwargs:
    """The same, from the learner's side."""
    return {"pk": world.state(reconsidered)["submission"]}


def recallable(world: World) -> Kwargs:
    """Released results that could be taken back."""
    cast = world.another("recallable", 2)
    for name in cast.enrolments:
        awards.moderated(cast, name)
    awards.sign(awards.batch(cast), cast.rita)
    awards.release(cast)
    return keys(cast)


def recall(world: World) -> Kwargs:
    """A recall that waits for a second person."""
    cast = world.another("recalled", 2)
    for name in cast.enrolments:
        awards.moderated(cast, name)
    awards.sign(awards.batch(cast), cast.rita)
    awards.release(cast)
    made = ask_recall(cast.delivery, cast.task, actor=cast.lea, reason="One file was exchanged.")
    return keys(cast, pk=made.pk)


def enrolled(world: World) -> Kwargs:
    """A learner's record, with a released attempt."""
    world.state(done)
    return {"pk": world.cast.people["done-1"].enrolments.get().pk}


def building_portfolio(world: World) -> Kwargs:
    """A ready portfolio for somebody else to submit."""
    cast = world.another("behalf", 1)
    return {"pk": work.ready(cast, "behalf-1").pk}


def adjusted(world: World) -> Kwargs:
    """A round whose adjustment waits for a second approver."""
    cast = world.another("adjusted", 4)
    made = moderated.read_round(cast, levels="G")
    criterion = Criterion.objects.filter(rubric__task=cast.task).first()
    decide_round(
        made,
        actor=cast.lea,
        decision=RoundDecision.ADJUST_SET,
        reason="The first criterion was read too kindly.",
        rule={"criterion": criterion.pk, "shift": -1},
    )
    return {"pk": made.pk}


def done_delivery(world: World) -> Kwargs:
    """The delivery of the release that was carried out."""
    return {"pk": world.state(done)["delivery"]}
