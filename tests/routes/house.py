"""Building the house: what each row of the tables is about, made by the actions that people use."""

import time
import uuid
from datetime import timedelta
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY
from django.test import Client
from django.utils import timezone

from accounts.definitions import SHORTCUTS
from accounts.enums import OrganisationRole
from accounts.models import DeclaredConflict, Membership, User
from assessment.actions.allocation import allocate
from assessment.actions.commenting import write_comment
from assessment.actions.exemplars import Agreed, Anonymous, freeze_exemplar
from assessment.actions.preparing import prepare_comment
from assessment.definitions import Remark
from assessment.enums import Way
from assessment.models import (
    Allocation,
    AssessmentDecision,
    CalibrationAttempt,
    CalibrationItem,
    ConflictWaiver,
    EarlyCheck,
    Exemplar,
    Leave,
    Pin,
)
from assessment.selectors.exemplars import copies_of
from assessment.selectors.sharing import plan_of
from awards.actions.recall import ask_recall
from awards.actions.release import schedule_release
from catalogue.enums import DeliveryRoleKind as Role
from catalogue.models import (
    Criterion,
    Delivery,
    DeliveryRole,
    Enrolment,
    Level,
)
from moderation.actions import (
    Minutes,
    decide_round,
    invite_external,
    record_meeting,
    sign_meeting,
    watch_assessor,
)
from moderation.enums import RoundDecision
from moderation.models import ExternalReview, ModerationRound, RequiredAction
from moderation.selectors import sample_of
from tests.factories import assessment as marked
from tests.factories import awards
from tests.factories import moderation as moderated
from tests.factories import portfolios as work
from tests.personas import PASSWORD, make_user
from tests.proofs.world import World
from tests.routes.learners import add_catalogue, add_learning, add_submitted
from tests.routes.places import (
    House,
    Place,
    date_fields,
    item_of,
    of_set,
    of_submission,
    readers,
    short,
    with_staff,
)
from tests.routes.seeds import add_seeds
from workflows.actions.preferences import make_feed, suspend_address
from workflows.actions.webhooks import make_webhook
from workflows.enums import Category, Frequency, MessageState, SuspendedFor
from workflows.models import NonWorkingDay, Notification, OutboxMessage
from workflows.notifications.calling import suspend
from workflows.notifications.mailing import unsubscribe_token


def add_personas(house: House) -> None:
    """Those whom the world does not have, and sessions for all."""
    people, cast = house.people, house.world.cast
    for name, email in (
        ("prue", "publisher-access"),
        ("arthur", "author-access"),
        ("petronella", "checker-access"),
    ):
        people[name] = User.objects.get(email=f"{email}@example.org")
        people[name].set_password(PASSWORD)
        people[name].save(update_fields=["password"])
    for name in ("lou", "nila", "xia", "closed"):
        people[name] = make_user(name)
    Enrolment.objects.create(
        delivery=Delivery.objects.get(code="elsewhere"), learner=people["lou"], employer=cast.client
    )
    for role in Role:
        DeliveryRole.objects.create(delivery=cast.delivery, user=people["closed"], role=role)
    Membership.objects.create(
        user=people["closed"], organisation=cast.provider, role=OrganisationRole.ADMINISTRATOR
    )


def sign_everybody_in(house: House) -> None:
    """A session each, with a confirmation a moment ago; closed accounts lose what they had."""
    for name, person in house.people.items():
        client = Client()
        client.force_login(person)
        session = client.session
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [
            {"method": "password", "at": time.time() - 5, "reauthenticated": True}
        ]
        session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(person.pk)
        session.save()
        house.sessions[name] = str(session.session_key)
    User.objects.filter(pk=house.people["closed"].pk).update(is_active=False)


def build_house(world: World) -> House:
    """Everything of the tables in routes.py."""
    house = House(world)
    add_personas(house)
    add_learning(house)
    add_submitted(house)
    add_catalogue(house)
    add_marking(house)
    add_moderation(house)
    add_awards(house)
    add_machinery(house)
    add_messages(house)
    add_pool(house)
    sign_everybody_in(house)
    return house


def add_machinery(house: House) -> None:
    places, people = house.places, house.people
    places["nothing"] = Place({}, owner="lena")
    note = Notification.objects.create(
        recipient=people["lena"],
        topic="portfolios.portfolio.due",
        lane="reminder",
        context={"task": "Workplace portfolio"},
        dedupe_key="the routes",
        path="/learn/",
    )
    places["notice"] = Place({"pk": note.pk}, owner="lena")
    stuck = OutboxMessage.objects.filter(kind="delivery").order_by("pk")[0]
    OutboxMessage.objects.filter(pk=stuck.pk).update(state=MessageState.DEAD, attempts=8)
    places["dead message"] = Place({"pk": stuck.pk}, owner="lena")
    day = NonWorkingDay.objects.order_by("pk")[0]
    off = {"name": "Close-down", "kind": "closed", "region": "", **date_fields("day", 40)}
    places["day off"] = Place({"pk": day.pk}, owner="lena", data=off)
    listed = "day,name,kind,region\n2031-05-05,Close-down,closed,\n"
    places["days off"] = Place({}, owner="lena", data={"text": listed})
    places["days to add"] = Place({}, owner="lena", data={"rows": listed, "confirm": "1"})
    places["settings"] = Place(
        {},
        owner="lena",
        data={"preferred_name": "Tūī", "theme": "dark", "time_zone": "Pacific/Chatham"},
    )
    keys = {one.action: one.key for one in SHORTCUTS} | {"on": "yes"}
    places["keys"] = Place({}, owner="lena", data=keys)
    places["another role"] = Place({}, owner="lena", data={"role": "assessor"})
    places["own password"] = Place({}, owner="lena", data={"password": PASSWORD})
    places["no key"] = Place({"key": "x", "uidb36": "1", "pk": 987_654_321}, owner="lena")
    conflict = DeclaredConflict.objects.create(
        person=people["abe"], other=people["mere"], kind="whanau", declared_by=people["abe"]
    )
    places["conflict"] = Place({"object_id": conflict.pk}, owner="lena")


def add_messages(house: House) -> None:
    """A mail that is stuck, an address that is suspended, choices, and the two addresses that are keys."""
    places, people = house.places, house.people
    mails = OutboxMessage.objects.filter(notification__isnull=False, state=MessageState.PENDING)
    stuck, waiting = mails.order_by("pk")[:2]
    OutboxMessage.objects.filter(pk=stuck.pk).update(state=MessageState.DEAD, attempts=8)
    sent = {"address": "other@example.org"}
    places["stuck mail"] = Place({"pk": stuck.pk}, owner="lena", data=sent)
    places["mail on its way"] = Place({"pk": waiting.pk}, owner="lena", data=sent)
    bounced = suspend_address("bounces@example.org", because=SuspendedFor.BOUNCE)
    places["suspended address"] = Place({"pk": bounced.pk}, owner="lena")
    add_webhooks(house)
    topic = "portfolios.portfolio.due"
    places["topic"] = Place(
        {"code": topic}, owner="lena", data={"subject": "Your {task} is due", "body": ""}
    )
    report = {"events": '[{"address": "lena@example.org", "kind": "bounce"}]'}
    forged = {"X-Moderato-Signature": f"sha256={'0' * 64}"}
    places["unsigned report"] = Place({}, owner="lena", data=report, headers=forged)
    often = {f"often_{one}": Frequency.WEEKLY for one in Category.values}
    places["choices"] = Place(
        {},
        owner="lena",
        data={**often, "language": "en_mi", "is_on": "on", "begins": "20:00", "ends": "06:30"},
    )
    told = Notification(recipient=people["lena"], topic=topic)
    places["link of a mail"] = Place(
        {"token": unsubscribe_token(told)},
        owner="lena",
        data={"List-Unsubscribe": "One-Click"},
    )
    places["calendar"] = Place({"token": make_feed(actor=people["lena"])}, owner="lena")
    places["calendar of a closed account"] = Place(
        {"token": make_feed(actor=people["closed"])}, owner="lena"
    )


def add_webhooks(house: House) -> None:
    """A receiver of the provider's that works, and one that is suspended."""
    cast, prue = house.world.cast, house.people["prue"]
    sent: dict[str, Any] = {
        "address": "https://1.1.1.1/in",
        "topics": ["portfolios.submission.submitted"],
    }
    made = [make_webhook(cast.provider, **sent, actor=prue)[0] for _each in range(2)]
    suspend(made[1], "It does not answer.")
    for name, hook in zip(("webhook", "suspended webhook"), made, strict=True):
        house.places[name] = Place({"pk": hook.pk}, owner="lena", data=sent)
    new = {**sent, "organisation": str(cast.provider.pk)}
    house.places["webhook to come"] = Place({}, owner="lena", data=new)


def add_marking(house: House) -> None:
    """Submissions by state, a pool, and what forms of marking send."""
    world, places, cast = house.world, house.places, house.world.cast
    for state, submission in world.submissions.items():
        places[state] = Place(
            of_submission(submission),
            owner=short(house, submission.learner),
            also=readers(house, submission),
        )
    places["name wanted"] = Place(
        places["assessed"].kwargs, owner=places["assessed"].owner, data={"reason": "She rang up."}
    )
    here = Allocation.objects.current().get(submission=world.submissions["submitted"])
    places["allocation"] = Place({"delivery": cast.delivery.pk, "pk": here.pk}, owner="learner9")
    policy = {"marking.double": True, "double.discussion": True}
    talk = with_staff(world, "talk", 1, **policy)
    both = marked.allocated(talk, "talk-1")
    allocate(both, talk.abe, actor=talk.pam)
    marked.decided(both, talk.ada, "E")
    marked.decided(both, talk.abe, "NY")
    places["two decisions"] = Place(
        of_submission(both),
        owner="talk-1",
        data={"rationale": "C1 is met.", "stand": "mine", "reason": "They are away."},
    )
    fresh = with_staff(world, "marking", 2)
    names = list(fresh.enrolments)
    first = marked.allocated(fresh, names[0])
    places["to start"] = Place(of_submission(first), owner=names[0])
    places["known learner"] = Place(of_submission(first), owner=names[0], data={"kind": "team"})
    draft = marked.drafted(marked.allocated(fresh, names[1]), cast.ada, "M")
    draft = AssessmentDecision.objects.get(pk=draft.pk)
    level = Level.objects.filter(criterion__rubric=draft.submission.rubric_id, code="G")
    number = level[0].criterion.number
    sent = {
        f"level_{number}": str(level[0].pk),
        f"feedback_{number}": "Good.",
        "version": draft.version,
    }
    kwargs = of_submission(draft.submission)
    places["draft"] = Place(kwargs, owner=names[1], data=sent)
    places["verdict"] = Place(
        kwargs, owner=names[1], data={"verdict": "record", "version": draft.version}
    )
    said = {"body": "Clear.", "page": "1", "audience": "learner", "entry": "1", "deed": "resolved"}
    remark = Remark("Look at the labels.", page=1)
    made = write_comment(draft.submission_id, actor=cast.ada, evidence=2, remark=remark)
    places["evidence to comment"] = Place({**kwargs, "number": 2}, owner=names[1], data=said)
    places["comment"] = Place({**kwargs, "comment": made.pk}, owner=names[1], data=said)
    credential = fresh.delivery.version.micro_credential
    kept = prepare_comment(
        actor=cast.ada, micro_credential=credential, text="Label every field.", is_shared=True
    )
    text = {"fits": f"{credential.pk}|C1", "text": "Ka pai.", "is_shared": "on"}
    places["prepared comment"] = Place({"pk": kept.pk}, owner="lena", data=text)
    places["left open"] = Place(kwargs, owner=names[1], data={"reason": "Ada is ill."})


def add_pool(house: House) -> None:
    """Work that nobody has. Made last: events that are handed out allocate what waits."""
    cast = with_staff(house.world, "pool", 1)
    pool = work.submitted(cast, "pool-1")
    house.places["pool"] = Place(
        of_submission(pool),
        owner="pool-1",
        data={"assessor": str(cast.ana.pk), "submission": str(pool.pk)},
    )
    learner, abe, lea = pool.learner, house.people["abe"], house.people["lea"]
    DeclaredConflict.objects.create(person=abe, other=learner, kind="team", declared_by=lea)
    about = {"delivery": cast.delivery.pk, "pk": pool.pk, "assessor": abe.pk}
    house.places["conflict in the pool"] = Place(
        about, owner="pool-1", data={"ground": "team", "reason": "Nobody else is there."}
    )
    waiver = ConflictWaiver.objects.create(
        delivery=cast.delivery, person=abe, learner=learner, ground="whanau",
        reason="Nobody else is there.", asked_by=lea,
    )  # fmt: skip
    house.places["waiver"] = Place({"pk": waiver.pk}, owner="pool-1")
    related = {"person": str(cast.ada.pk), "learner": str(learner.pk), "kind": "whanau"}
    house.places["relation"] = Place({"delivery": cast.delivery.pk}, owner="pool-1", data=related)
    plan = "\n".join(
        f"{one.submission.pk}:{one.assessor.pk}:"
        for one in plan_of(cast.delivery, Way.EQUAL)
        if one.assessor
    )
    pin = Pin.objects.create(
        delivery=cast.delivery, learner=learner, assessor=cast.ana, pinned_by=lea
    )
    day = timezone.localdate() + timedelta(days=40)
    leave = Leave.objects.create(person=cast.ana, first_day=day, last_day=day, entered_by=lea)
    for name, one in (("pin", pin), ("leave", leave)):
        house.places[name] = Place({"delivery": cast.delivery.pk, "pk": one.pk}, owner="pool-1")
    takes = {"what": "takes", "takes-assessor": str(cast.ada.pk), "takes-shares": 2}
    house.places["workload"] = Place({"delivery": cast.delivery.pk}, owner="pool-1", data=takes)
    twice = {"task": str(cast.task.pk), "reading": "blind"}
    house.places["reading plan"] = Place({"delivery": cast.delivery.pk}, owner="pool-1", data=twice)
    rows = f"submission,assessor\n{pool.reference},{cast.ana.email}\n"
    house.places["list of who gets what"] = Place(
        {"delivery": cast.delivery.pk}, owner="pool-1", data={"text": rows}
    )
    groups = f"learner,group\n{learner.email},Night shift\n"
    house.places["groups of learners"] = Place(
        {"delivery": cast.delivery.pk}, owner="pool-1", data={"text": groups}
    )
    chosen = {"act": "allocate", "chosen": str(pool.pk), "plan": f"{pool.pk}:{cast.ana.pk}:"}
    house.places["chosen rows"] = Place({}, owner="pool-1", data=chosen)
    house.places["view of the queue"] = Place({}, owner="pool-1", data={"name": "Late ones"})
    house.places["equal shares"] = Place(
        {"delivery": cast.delivery.pk}, owner="pool-1", data={"plan": plan}
    )


def add_calibration(house: House) -> None:
    """Agreed work, an attempt that was not passed, and one that was begun."""
    world, places = house.world, house.places
    task, person = world.cast.task, house.people
    exemplars = [
        Exemplar.objects.create(
            task=task, rubric_hash=task.rubric.content_hash, code=f"EX-{number}", title="Just met",
            origin="written", outcome="achieved", rationale="Agreed.", made_by=person["lea"],
            content_hash="0" * 64, for_calibration=True,
        )
        for number in range(5)
    ]  # fmt: skip
    of_rubric = {"task": task, "rubric_hash": task.rubric.content_hash}
    past = CalibrationAttempt.objects.create(
        assessor=person["abe"], concluded_at=timezone.now(), passed=False, **of_rubric
    )
    running = CalibrationAttempt.objects.create(assessor=person["ada"], **of_rubric)
    piece = CalibrationItem.objects.create(attempt=running, exemplar=exemplars[0], number=1)
    places["calibration"] = Place(
        {"pk": past.pk, "task": task.pk, "assessor": person["ana"].pk},
        owner="lena",
        data={"reason": "Agreed the levels with us."},
    )
    places["calibration item"] = Place({"pk": piece.pk, "number": 1}, owner="lena")


def add_moderation(house: House) -> None:
    """A round in each state, an item read and one unread."""
    world, places = house.world, house.places
    assert world.open_round is not None
    assert world.closed_round is not None
    assert world.item is not None
    learner = short(house, world.item.submission.learner)
    asked = RequiredAction.objects.create(
        round=world.closed_round,
        text="Say what C2 means.",
        owner=house.people["pam"],
        made_by=house.people["lea"],
        due_on=timezone.localdate(),
    )
    done = {"what": "respond", "response": "It is in the brief now."}
    places["required action"] = Place({"pk": asked.pk}, owner="mere", data=done)
    places["chart"] = Place({"chart": "no-such-chart", "rate": "passed"}, owner="lena")
    places["open round"] = Place({"pk": world.open_round.pk}, owner=learner)
    places["closed round"] = Place({"pk": world.closed_round.pk, "number": 1}, owner="mere")
    places["item"] = Place(
        {"pk": world.item.pk},
        owner=learner,
        data={"moderator": str(house.people["ed"].pk), "comment": "Read."},
    )
    add_exemplar(house)
    add_meetings(house)
    add_outside(house, world.closed_round)
    watched = watch_assessor(
        world.cast.delivery, house.people["abe"], actor=world.cast.lea, reason="New here."
    )
    places["watch"] = Place({"pk": watched.pk}, owner="lena")
    places["to watch"] = Place(
        {"delivery": world.cast.delivery.pk},
        owner="lena",
        data={"assessor": str(house.people["ana"].pk), "reason": "New here."},
    )
    waiting = with_staff(world, "assessed", 1)
    marked.assessed(waiting, "assessed-1")
    places["set to moderate"] = Place(of_set(waiting), owner="assessed-1")
    add_calibration(house)
    add_seeds(house)
    early = with_staff(world, "early", 1)
    check = EarlyCheck.objects.create(delivery=early.delivery, task=early.task, size=1)
    marked.assessed(early, "early-1")
    places["early check"] = Place(
        {"pk": check.pk, "number": 1}, owner="early-1", data={"start": "1", "verdict": "pass"}
    )
    frozen = with_staff(world, "frozen", 1)
    places["frozen round"] = Place(
        {"pk": moderated.frozen_round(frozen).pk, "chart": "no-such-chart"},
        owner="frozen-1",
        data={"reason": "Why."},
    )
    read = with_staff(world, "read", 1)
    accept = {"decision": "accept", "reason": "The standard was applied.", "confirm": "1"}
    places["read round"] = Place({"pk": moderated.read_round(read).pk}, owner="read-1", data=accept)
    decided = with_staff(world, "decided", 1)
    places["decided round"] = Place(
        {"pk": moderated.decided_round(decided).pk},
        owner="decided-1",
        data={"reason": "Look again."},
    )
    compared = with_staff(world, "compared", 3)
    made = moderated.drawn_round(compared)
    item = item_of(made)
    moderated.scored(item, "M")
    places["item read blind"] = Place(
        {"pk": item.pk},
        owner=short(house, item.submission.learner),
        data={"decision": "uphold", "reason": "Both fit the standard.", "confirm": "1"},
    )
    adjusted = with_staff(world, "adjusted", 1)
    bent = moderated.read_round(adjusted)
    criterion = Criterion.objects.filter(rubric__task=adjusted.task).order_by("number")[0]
    bent = decide_round(
        bent,
        actor=adjusted.lea,
        decision=RoundDecision.ADJUST_SET,
        reason="It was read too kindly.",
        rule={"criterion": str(criterion.pk), "shift": -1, "assessor": ""},
    )
    places["adjustment"] = Place({"pk": bent.pk}, owner="adjusted-1", data={"seq": bent.seq})


def add_exemplar(house: House) -> None:
    """Released work of Mere's as an exemplar, with one copy."""
    cast, source = house.world.cast, house.world.submissions["released"]
    levels = Level.objects.filter(criterion__rubric__task=cast.task, code="M")
    made = freeze_exemplar(
        cast.task,
        actor=cast.lea,
        title="Just met",
        agreed=Agreed({one.criterion_id: one.pk for one in levels}, "As the descriptor says."),
        work=Anonymous([("", "Words.")], [(copies_of(source)[0][1], "A report.")]),
        source=source,
    )
    keys = {"pk": made.pk, "number": 1}
    house.places["exemplar"] = Place(keys, owner="mere", data={"reason": "It is old."})
    house.places["task"] = Place({"task": cast.task.pk}, owner="mere")


def add_meetings(house: House) -> None:
    """A record of a meeting that Lea writes, and one that she signed."""
    cast = house.world.cast
    held = Minutes(timezone.localdate() - timedelta(days=2), [cast.ada], readings="C1 is order.")
    draft, done = (record_meeting(cast.task, held, actor=cast.lea) for _each in range(2))
    sign_meeting(done, actor=cast.lea, seen_version=1)
    said = {"text": "C2 too.", "version": "1", "attendees": [str(cast.ada.pk)], "readings": "So."}
    said |= {"action-text": "Reword C1.", "action-owner": str(cast.ada.pk)}
    said |= date_fields("held_on", -2) | date_fields("action-due_on", 20)
    house.places["meeting"] = Place({"pk": draft.pk}, owner="mere", data=said)
    house.places["signed meeting"] = Place({"pk": done.pk}, owner="mere", data=said)


def add_outside(house: House, closed: ModerationRound) -> None:
    """Xia looks at the closed round; somebody else might until yesterday."""
    today = timezone.now().astimezone(closed.delivery.zone).date()
    review, over = (
        invite_external(
            closed,
            actor=house.world.cast.lea,
            email=f"{name}@example.org",
            name=name.title(),
            since=today,
            until=today + timedelta(days=7),
        )
        for name in ("xia", "xav")
    )
    ExternalReview.objects.filter(pk=over.pk).update(
        opens_at=timezone.now() - timedelta(days=2), closes_at=timezone.now() - timedelta(days=1)
    )
    code, _item = sample_of(closed)[0]
    said = {"text": "Read alike.", "report": "Not done yet."}
    house.places["outside"] = Place(
        {"pk": review.pk, "work": code, "number": 1}, owner="mere", data=said
    )
    house.places["over from outside"] = Place({"pk": over.pk}, owner="mere")


def add_awards(house: House) -> None:
    """A set, a batch, a scheduled and a done release, a fresh look, a recall."""
    world, places, cast = house.world, house.places, house.world.cast
    assert world.batch is not None
    assert world.release is not None
    assert world.reconsideration is not None
    places["batch"] = Place(
        {"pk": world.batch.pk},
        owner="learner6",
        data={"seen_hash": world.batch.content_hash, "agreed": "on"},
    )
    signed = cast.delivery.ratifications.exclude(completed_at=None).order_by("completed_at")[0]
    places["signed batch"] = Place({"pk": signed.pk}, owner="mere", data=places["batch"].data)
    ready = with_staff(world, "ready", 1)
    awards.moderated(ready, "ready-1")
    places["set to ratify"] = Place(of_set(ready), owner="ready-1", data={"minute": "Both met."})
    places["set to release"] = Place(of_set(cast), owner="learner5", data={"when": "now"})
    places["done release"] = Place({"pk": world.release.pk}, owner="mere")
    later = with_staff(world, "later", 1)
    awards.moderated(later, "later-1")
    awards.sign(awards.batch(later), later.rita)
    planned = schedule_release(later.delivery, later.task, actor=later.pam)
    places["scheduled release"] = Place({"pk": planned.pk}, owner="later-1")
    fresh_look = Place(
        {"pk": world.reconsideration.pk},
        owner=short(house, world.reconsideration.submission.learner),
        data={"note": "Page 2 was read.", "reason": "Page 2 was read."},
    )
    places["fresh look"] = fresh_look
    places["set to recall"] = Place(
        of_set(cast), owner="mere", data={"reason": "A file was changed."}
    )
    recalled = with_staff(world, "recalled", 1)
    awards.released(recalled, "recalled-1")
    recall = ask_recall(
        recalled.delivery, recalled.task, actor=recalled.lea, reason="A file was changed."
    )
    places["recall"] = Place({"pk": recall.pk}, owner="recalled-1")
    places["enrolment"] = Place({"pk": cast.enrolments["mere"].pk}, owner="mere")
    behalf = {"key": uuid.uuid4().hex, "reason": "No network at work.", "declared": "on"}
    places["on behalf"] = Place({"pk": world.ready.pk}, data=behalf)
    released = world.submissions["released"]
    places["result"] = Place(
        of_submission(released),
        owner="mere",
        data={"grounds": "Page 4 was not read."},
        also=readers(house, released),
    )
    places["result to ask about"] = Place(
        of_submission(released),
        owner="mere",
        data={"question": "What does the last line mean?"},
        also=readers(house, released),
    )
    places["credential"] = Place({"pk": released.credentials.get().pk}, owner="mere")
