"""Preparing the pages of pages.py: one function for each state, by the name written there.

Each gets the world, makes what the page shows by the same actions that people use, and returns what the
page's address is filled in with ("session" is put into the visitor's session instead). States that need
people of their own bring them under a name that pages.py uses as persona.
"""

from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from catalogue.models import AssessmentTask, Criterion, Delivery, TaskSchedule
from portfolios.actions.attestation import (
    ask_on_the_spot,
    ask_to_confirm,
    attest,
    disown_attestation,
    open_attestation,
    revoke_attestation,
)
from portfolios.actions.drafting import (
    add_link,
    describe_evidence,
    map_evidence,
    remove_evidence,
    save_reflection,
)
from portfolios.actions.extension import ask_for_more_time, decline_extension
from portfolios.actions.rendering import make_renditions
from portfolios.actions.submission import place_hold, withdraw_submission
from portfolios.actions.uploading import begin_upload
from portfolios.enums import HoldKind
from portfolios.models import AttestationStatement, Portfolio, Rendition
from tests.accessibility.world import LONG_NAME, LONG_WORD, World
from tests.factories import assessment as marked
from tests.factories import portfolios as work
from tests.factories.catalogue import draft_version, published_version
from tests.factories.recordings import film_of, pages_of
from tests.personas import PASSWORD
from workflows.actions.preferences import (
    change_wording,
    leave_address,
    make_feed,
    suspend_address,
)
from workflows.actions.webhooks import make_webhook, renew_secret
from workflows.enums import MessageState, SuspendedFor
from workflows.hashing import seal, unseal
from workflows.models import Notification, OutboxMessage, Webhook
from workflows.notifications.calling import suspend
from workflows.notifications.mailing import unsubscribe_token
from workflows.transitions import perform

Kwargs = dict[str, Any]
LONG_TITLE = f"Pūrongo mō te whakamātautau o {LONG_WORD}.pdf"
LONG_TEXT = "He kōrero roa mō ngā mahi i oti i te tīma, ā, he whakamārama i ngā hua. " * 20


# --- people, messages, catalogue --------------------------------------------------------------------


def staff_by_name(world: World) -> None:
    """Author, pre-moderator and administrator of the provider, whom the factories of versions made."""
    for name in ("author", "checker", "publisher"):
        person = User.objects.get(email=f"{name}-access@example.org")
        world.cast.people[name] = person


def second_step(world: World) -> Kwargs:
    """Somebody who has an authenticator app, recovery codes and a passkey."""
    someone = world.learner("second_step", "Hēmi Te Ara")
    TOTP.activate(someone, generate_totp_secret())
    RecoveryCodes.activate(someone)
    Authenticator.objects.create(
        user=someone, type=Authenticator.Type.WEBAUTHN,
        data={"name": "Waea mahi", "credential": {}},
    )  # fmt: skip
    return {"pk": Authenticator.objects.get(user=someone, type=Authenticator.Type.WEBAUTHN).pk}


def app_alone(world: World) -> Kwargs:
    """Somebody who has an authenticator app and no passkey."""
    TOTP.activate(world.learner("app_alone", "Aroha Te Ara"), generate_totp_secret())
    return {}


def half_signed_in(world: World) -> Kwargs:
    """The same person, whose password was right and whose code is asked for."""
    world.state(app_alone)
    client = Client()
    answer = client.post(
        reverse("account_login"),
        {"login": world.cast.people["app_alone"].email, "password": PASSWORD},
    )
    assert answer.status_code == 302, answer.status_code
    return {"session": dict(client.session)}


def as_it_is(world: World) -> Kwargs:
    """The cast alone."""
    staff_by_name(world)
    return {"pk": world.cast.delivery.pk, "task": world.cast.task.pk}


def newcomer(world: World) -> Kwargs:
    """Somebody whose delivery has not begun: nothing to do anywhere."""
    learner = world.person("newcomer", "Wiremu Hōhepa")
    later = world.another("later")
    opens = timezone.now() + timedelta(days=9)
    TaskSchedule.objects.filter(delivery=later.delivery).update(opens_at=opens)
    later.delivery.enrolments.create(learner=learner, employer=world.cast.client)
    return {}


def without_part(world: World) -> Kwargs:
    """An account with no part in anything."""
    world.person("stranger", "Manaia Stranger")
    return {}


def unread(world: World) -> Kwargs:
    """More messages than fit on a page, with long words in them."""
    person = world.learner("reader", LONG_NAME)
    for number in range(30):
        Notification.objects.create(
            recipient=person,
            topic=("portfolios.portfolio.due", "portfolios.submission.submitted")[number % 2],
            lane="reminder",
            context={"task": LONG_TITLE, "reference": "PF-2026-7K3QXP"},
            dedupe_key=f"unread {number}",
            read_at=timezone.now() if number > 5 else None,
        )
    return {}


def stuck_message(world: World) -> Kwargs:
    """Messages that were given up, one of them to a long address; addresses that bounced, one looked at."""
    submitted(world)
    suspend_address(f"{LONG_WORD[:50]}@example.org", because=SuspendedFor.BOUNCE)
    left = suspend_address("left@example.org", because=SuspendedFor.COMPLAINT, detail=LONG_WORD)
    leave_address(left, actor=world.cast.people["petra"])
    rows = OutboxMessage.objects.filter(kind="delivery")[:3]
    found = [row.pk for row in rows]
    OutboxMessage.objects.filter(pk__in=found).update(
        state=MessageState.DEAD,
        attempts=8,
        last_error=f"SMTPRecipientsRefused: {{'{LONG_WORD}@example.org': (550, b'No such user')}}",
    )
    return {"pk": found[0]}


def with_webhooks(world: World) -> Kwargs:
    """A receiver that is suspended, with a long address and messages that wait for it."""
    petra = world.cast.people["petra"]
    hook, _secret = make_webhook(
        world.cast.provider,
        address=f"https://1.1.1.1/{LONG_WORD}",
        topics=["portfolios.submission.submitted", "portfolios.submission.released"],
        actor=petra,
    )
    renew_secret(hook, actor=petra)
    suspend(hook, f"503 {LONG_WORD}")
    submitted(world)
    Webhook.objects.filter(pk=hook.pk).update(failures=7, failing_since=timezone.now())
    return {"pk": hook.pk}


def demonstration(world: World) -> Kwargs:
    """The delivery by which a demonstration is known is there."""
    world.another("accessibility-1")
    return {}


def many_deliveries(world: World) -> Kwargs:
    """An administrator with more deliveries than a page shows, all with long names."""
    person = world.person("manager", LONG_NAME)
    for number in range(27):
        made = Delivery.objects.create(
            version=world.cast.delivery.version,
            code=f"long-{number}",
            title=f"Te rōpū tuatahi o {LONG_WORD} {number}",
            mode="online_live",
            starts_on=timezone.now().date(),
            ends_on=timezone.now().date() + timedelta(days=60),
            client=world.cast.client,
        )
        made.roles.create(user=person, role="administrator")
    return {"pk": made.pk, "task": world.cast.task.pk}


def planned(world: World) -> Kwargs:
    """A delivery that is not open and lacks everything."""
    made = Delivery.objects.create(
        version=world.cast.delivery.version,
        code="planned",
        title="Not open yet",
        mode="online_live",
        starts_on=timezone.now().date(),
        ends_on=timezone.now().date() + timedelta(days=60),
        client=world.cast.client,
    )
    made.roles.create(user=world.cast.pam, role="administrator")
    return {"pk": made.pk, "task": world.cast.task.pk}


def crowd(world: World) -> Kwargs:
    """A delivery of many people with long names, in marking."""
    cast = world.another("crowd", 32, names=(LONG_NAME, LONG_WORD))
    for number, name in enumerate(cast.enrolments):
        if number < 8:
            submission = work.submitted(cast, name)
            if number > 1:
                marked.allocate(submission, cast.ada, actor=cast.pam)
    first = cast.enrolments["crowd-1"]
    return {
        "pk": cast.delivery.pk,
        "delivery": cast.delivery.pk,
        "task": cast.task.pk,
        "enrolment": first.pk,
        "part": cast.delivery.roles.first().pk,
    }


def published(world: World) -> Kwargs:
    """A published version with its history."""
    staff_by_name(world)
    return {"pk": world.cast.delivery.version_id}


def in_pre_moderation(world: World) -> Kwargs:
    """A version of twelve criteria that waits for a pre-assessment moderator."""
    staff_by_name(world)
    version = draft_version(world.cast.provider, "waiting", criteria=12)
    perform(version, "send_to_pre_moderation", actor=version.author)
    return {"pk": version.pk}


def with_minor_changes(world: World) -> Kwargs:
    """A version that was approved with minor changes, which its author has to confirm."""
    staff_by_name(world)
    version = draft_version(world.cast.provider, "minor")
    version.author = world.cast.people["author"]
    version.save(update_fields=["author"])
    perform(version, "send_to_pre_moderation", actor=version.author)
    note = "Give the template of the report a heading."
    checker = world.cast.people["checker"]
    perform(
        version, "approve_with_changes", actor=checker, reason=note, note=note,
        due_on=timezone.localdate() + timedelta(days=10),
    )  # fmt: skip
    return {"pk": version.pk}


# --- learners' work ---------------------------------------------------------------------------------


def keys(portfolio: Portfolio, **more: Any) -> Kwargs:
    """What the learner's addresses need."""
    return {"pk": portfolio.pk, "number": 1, **more}


def untouched(world: World) -> Kwargs:
    """A portfolio without anything in it."""
    world.learner("untouched", "Rangi Tāmihana")
    return keys(work.portfolio_of(world.cast, "untouched"), kind="note")


def building(world: World) -> Kwargs:
    """A portfolio half way: every kind of evidence, one refused, one removed; things asked of others."""
    cast = world.cast
    portfolio = work.portfolio_of(cast, "lena")
    learner = cast.lena
    note = work.note(portfolio, "Kōrero with the team")
    report = work.file(portfolio, "Pūrongo.pdf")
    photo = work.file(portfolio, "before.png", work.png((64, 48)), kind="photo")
    work.file(portfolio, "broken.pdf", b"<html><script>1</script></html>")
    begin_upload(portfolio, actor=learner, name=LONG_TITLE, length=90_000_000)
    gone = work.note(portfolio, "An old draft")
    remove_evidence(gone, actor=learner)
    add_link(portfolio, actor=learner, link="https://example.org/guide", title="The guide")
    describe_evidence(report, actor=learner, title="Report", description="What I changed and why.")
    first, second, *_rest = Criterion.objects.filter(rubric__task=cast.task).order_by("number")
    for item in (note, report):
        map_evidence(portfolio, item, first, actor=learner, claim="Shows it.", locator="page 2")
    save_reflection(
        portfolio, second, actor=learner, text="I began with the headings.", seen_version=0
    )
    ask_for_more_time(
        portfolio,
        actor=learner,
        until=portfolio.due_at + timedelta(days=6),
        reason="health",
        note="I was ill for a week.",
    )
    for name in ("Vic Harris", "Mere Manager"):
        asked = ask_to_confirm(
            portfolio, actor=learner, name=name, email="vic@example.org", evidence=[note]
        )
    revoke_attestation(asked, actor=learner)
    return keys(portfolio, evidence=report.pk, kind="file", photo=photo.pk)


def building_photo(world: World) -> Kwargs:
    """The same portfolio, at its photo."""
    made = world.state(building)
    return {"pk": made["pk"], "evidence": made["photo"], "kind": "photo"}


def on_the_shelf(world: World) -> Kwargs:
    """A document of several pages that was drawn."""
    return {"evidence": shelf(world)["report"]}


def film_on_the_shelf(world: World) -> Kwargs:
    """A film with captions."""
    return {"evidence": shelf(world)["film"]}


def being_drawn(world: World) -> Kwargs:
    """A document whose pages are being drawn."""
    made = shelf(world)
    Rendition.objects.filter(source_key=made["long"].copy_key).update(
        state="making", total=12, next=4, started_at=timezone.now()
    )
    return {"evidence": made["long"].pk}


def shelf(world: World) -> Kwargs:
    """Somebody's evidence of the kinds that are shown in place."""
    if "shelf" not in world.made:
        learner = world.learner("shelf", "Anahera Shelf")
        portfolio = work.portfolio_of(world.cast, "shelf")
        film = work.file(portfolio, "film.mp4", film_of(1), kind="media")
        words = "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nKia ora koutou\n"
        describe_evidence(film, actor=learner, title="The hui", text_alternative=words)
        report = work.file(portfolio, "report.pdf", pages_of(2))
        long = work.file(portfolio, "long.pdf", pages_of(3))
        make_renditions()
        world.made["shelf"] = {"film": film.pk, "report": report.pk, "long": long}
    return world.made["shelf"]


def extension_waiting(world: World) -> Kwargs:
    """The request for more time of the portfolio half way."""
    portfolio = Portfolio.objects.get(pk=world.state(building)["pk"])
    return {"pk": portfolio.extension_requests.get().pk}


def ready(world: World) -> Kwargs:
    """A portfolio that may be submitted."""
    return keys(work.ready(world.cast, "hone"))


def submitted(world: World) -> Kwargs:
    """A portfolio with a receipt."""
    if "mere" in world.made:
        return world.made["mere"]
    submission = work.submitted(world.cast, "mere")
    world.made["mere"] = keys(
        submission.portfolio, reference=submission.reference, submission=submission.pk
    )
    return world.made["mere"]


def withdrawn(world: World) -> Kwargs:
    """One that was taken back."""
    learner = world.learner("undecided", "Hemi Undecided")
    submission = work.submitted(world.cast, "undecided")
    withdraw_submission(submission, actor=learner, reason="A file is missing")
    return keys(submission.portfolio, reference=submission.reference)


def on_hold(world: World) -> Kwargs:
    """A submission that has to wait."""
    world.learner("held", "Anahera Held")
    submission = work.submitted(world.cast, "held")
    hold = place_hold(
        submission, actor=world.cast.pam, kind=HoldKind.values[0], reason="Two reports are alike."
    )
    return {
        "submission": submission.pk,
        "pk": submission.portfolio_id,
        "reference": submission.reference,
        "hold": hold.pk,
    }


def referred(world: World) -> Kwargs:
    """A second attempt with only the unmet criteria open."""
    world.learner("again", "Tama Again")
    submission = marked.referred(world.cast, "again", ["NY", "M", "M"])
    return keys(submission.portfolio, reference=submission.reference, submission=submission.pk)


def overloaded(world: World) -> Kwargs:
    """Twelve criteria, thirty items with long names, long words, many requests."""
    version = published_version(world.cast.provider, "twelve", criteria=12)
    cast = world.another(
        "overloaded", 1, version=version, title=f"Te rōpū o {LONG_WORD}", names=(LONG_NAME,)
    )
    learner = cast.people["overloaded-1"]
    portfolio = work.portfolio_of(cast, "overloaded-1")
    criteria = list(Criterion.objects.filter(rubric__task=cast.task).order_by("number"))
    items = [work.note(portfolio, f"{number} {LONG_TITLE}"[:200]) for number in range(30)]
    for number, item in enumerate(items):
        described = describe_evidence(
            item, actor=learner, title=item.title, description=LONG_TEXT[:900]
        )
        for criterion in (criteria[number % 12], criteria[0]):
            map_evidence(
                portfolio,
                described,
                criterion,
                actor=learner,
                claim=LONG_TEXT[:300],
                locator="page 12, third paragraph",
            )
    for criterion in criteria:
        save_reflection(portfolio, criterion, actor=learner, text=LONG_TEXT, seen_version=0)
    for number in range(8):
        ask_to_confirm(
            portfolio,
            actor=learner,
            name=LONG_NAME,
            email=f"{LONG_WORD[:50]}{number}@example.org",
            message=LONG_TEXT[:500],
            evidence=items[:5],
        )
    asked = ask_for_more_time(
        portfolio,
        actor=learner,
        until=portfolio.due_at + timedelta(days=4),
        reason="health",
        note=LONG_TEXT[:1500],
    )
    decline_extension(asked, actor=cast.pam, answer=LONG_TEXT[:1500])
    return keys(portfolio, evidence=items[0].pk, kind="file")


def attestation_needed(world: World) -> Kwargs:
    """A portfolio that wants a verifier."""
    version = draft_version(world.cast.provider, "confirmed")
    AssessmentTask.objects.filter(version=version).update(attestations_required=1)
    perform(version, "send_to_pre_moderation", actor=version.author)
    staff_by_name(world)
    perform(version, "approve", actor=world.cast.checker)
    perform(version, "publish", actor=world.cast.publisher)
    version.refresh_from_db()
    cast = world.another("confirmed", 1, version=version)
    return keys(work.portfolio_of(cast, "confirmed-1"))


def verifier_link(world: World) -> Kwargs:
    """A personal link that nobody has opened."""
    return asked_verifier(world, "asker", "Kiri Asker")


def asked_verifier(world: World, name: str, full: str) -> Kwargs:
    learner = world.learner(name, full)
    portfolio = work.ready(world.cast, name)
    asked = ask_to_confirm(
        portfolio,
        actor=learner,
        name="Vic Harris",
        email="vic@example.org",
        relationship="Team lead",
        message="Could you confirm what you saw?",
        evidence=[one.evidence for one in portfolio.mappings.all()][:2],
    )
    told = Notification.objects.filter(topic="portfolios.attestation.link").latest("id")
    token = unseal(told.sealed_path).strip("/").split("/")[-1]
    return {"token": token, "attestation": asked}


def verifier_started(world: World) -> Kwargs:
    """The verifier has pressed Start."""
    made = asked_verifier(world, "asker2", "Nikau Asker")
    asked = made["attestation"]
    for name, raw in (("report.pdf", pages_of(2)), ("film.mp4", film_of(1))):
        asked.evidence.add(work.file(asked.portfolio, name, raw))
    make_renditions()
    open_attestation(asked)
    return {"session": {"attestation": str(made["attestation"].pk)}}


def verifier_answered(world: World) -> Kwargs:
    """The verifier has answered."""
    made = asked_verifier(world, "asker3", LONG_NAME)
    attest(
        open_attestation(made["attestation"]),
        statements=dict.fromkeys(
            Criterion.objects.filter(rubric__task=world.cast.task),
            (AttestationStatement.Answer.OBSERVED, "I saw this myself."),
        ),
        relationship="Team lead",
        period_observed="March to June 2026",
    )
    return {"session": {"attestation": str(made["attestation"].pk)}}


def code_shown(world: World) -> Kwargs:
    """Somebody shows a code to a colleague."""
    learner = world.learner("shower", "Tama Shower")
    portfolio = work.portfolio_of(world.cast, "shower")
    asked, token = ask_on_the_spot(portfolio, actor=learner, name=LONG_NAME, email="v@example.org")
    codes = {"attestation_codes": {str(asked.pk): seal(token)}}
    return {"pk": portfolio.pk, "attestation": asked.pk, "session": codes}


def objection(world: World, name: str) -> Kwargs:
    """The link by which the person named says that an answer was not theirs."""
    made = asked_verifier(world, name, LONG_NAME)
    given = attest(open_attestation(made["attestation"]), statements={})
    told = Notification.objects.filter(topic="portfolios.attestation.notice").latest("id")
    return {"token": unseal(told.sealed_path).strip("/").split("/")[-1], "given": given}


def verifier_objects(world: World) -> Kwargs:
    """Before the button is pressed."""
    return objection(world, "asker5")


def verifier_objected(world: World) -> Kwargs:
    """After it."""
    made = objection(world, "asker6")
    disown_attestation(made["given"])
    return made


def verifier_over(world: World) -> Kwargs:
    """A link that was taken back."""
    made = asked_verifier(world, "asker4", "Moana Asker")
    revoke_attestation(made["attestation"], actor=world.cast.people["asker4"])
    return {"token": made["token"]}


def one_task(world: World) -> Kwargs:
    """The first delivery and its task."""
    return {"delivery": world.cast.delivery.pk, "task": world.cast.task.pk}


def task_in_work(world: World) -> Kwargs:
    """The same, with the portfolio half way."""
    world.state(building)
    return {**one_task(world), "pk": world.cast.delivery.pk}


def crowd_at_work(world: World) -> Kwargs:
    """A delivery of people with long names, who all have something due and one of whom has submitted."""
    cast = world.another("at-work", 12, names=(LONG_NAME, LONG_WORD))
    for name in cast.enrolments:
        work.portfolio_of(cast, name)
    work.submitted(cast, "at-work-12")
    return {"pk": cast.delivery.pk, "delivery": cast.delivery.pk, "task": cast.task.pk}


def with_feed(world: World) -> Kwargs:
    """Lena has a calendar address."""
    make_feed(actor=world.cast.lena)
    return {}


def unsubscribing(world: World) -> Kwargs:
    """A mail's link to stop mails of its kind."""
    made = Notification(recipient=world.cast.lena, topic="portfolios.portfolio.due")
    return {"token": unsubscribe_token(made)}


def one_topic(world: World) -> Kwargs:
    """A topic of the catalogue with own words in two versions."""
    for words in ("Your {task} is due", ""):
        change_wording("portfolios.portfolio.due", subject=words, body="", actor=world.cast.petra)
    return {"code": "portfolios.portfolio.due"}
