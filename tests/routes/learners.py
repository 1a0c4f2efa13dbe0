"""The part of the house that learners need, and the versions and deliveries of the catalogue."""

import dataclasses
import uuid
from datetime import timedelta
from typing import Any

from django.test import Client

from assessment.actions.reviewing import ask_review
from catalogue.enums import DeliveryRoleKind as Role
from catalogue.enums import OverdueKind
from catalogue.models import (
    AssessmentTask,
    Criterion,
    Delivery,
    DeliveryRole,
    MicroCredentialVersion,
    TaskSchedule,
)
from portfolios.actions.attestation import ask_to_confirm, attest, open_attestation
from portfolios.actions.drafting import describe_evidence, remove_evidence
from portfolios.actions.extension import ask_for_more_time
from portfolios.actions.rendering import make_renditions
from portfolios.actions.submission import place_hold
from portfolios.actions.supporting import add_supporting
from portfolios.actions.uploading import begin_upload
from portfolios.enums import EvidenceKind, HoldKind
from portfolios.models import ExtensionRequest
from tests.factories import portfolios as work
from tests.factories.catalogue import draft_version
from tests.personas import Cast
from tests.proofs.world import World
from tests.routes.places import (
    House,
    Place,
    date_fields,
    with_staff,
)
from workflows.hashing import unseal
from workflows.models import Notification
from workflows.transitions import perform


def delivery_of(world: World, version: Any, code: str, learners: int) -> Cast:
    """A delivery of another version with the same staff."""
    made = with_staff(world, code, learners)
    task = version.tasks.get()
    TaskSchedule.objects.filter(delivery=made.delivery).update(task=task)
    Delivery.objects.filter(pk=made.delivery.pk).update(version=version)
    return dataclasses.replace(made, delivery=Delivery.objects.get(pk=made.delivery.pk), task=task)


def drafted_by(house: House, code: str) -> MicroCredentialVersion:
    """A version that Arthur wrote."""
    made = draft_version(house.world.cast.provider, code)
    made.author = house.people["arthur"]
    made.save(update_fields=["author"])
    return made


def add_learning(house: House) -> None:
    """Hōne's ready portfolio, with everything that hangs on one; Lena's submission that Ada marks."""
    world, places, cast = house.world, house.places, house.world.cast
    hone, portfolio = house.people["hone"], world.ready
    criterion = Criterion.objects.filter(rubric__task=cast.task).order_by("number")[0]
    item = work.note(portfolio, "A spare note")
    keys = {
        "pk": portfolio.pk,
        "evidence": item.pk,
        "criterion": criterion.pk,
        "number": criterion.outcome.number,
        "kind": "note",
    }
    mapped = portfolio.mappings.filter(criterion=criterion)[0]
    places["portfolio"] = Place(keys)
    places["reflection"] = Place(keys, data={"text": "I learnt much.", "version": 0})
    places["mapping"] = Place({**keys, "evidence": mapped.evidence_id})
    pair = f"{item.pk}:{criterion.pk}"
    places["map"] = Place(keys, data={"supports": [pair], "shown": [pair]})
    places["new note"] = Place(
        keys, data={"title": "Another", "note": "What I did.", "description": ""}
    )
    places["spare evidence"] = Place(
        keys,
        data={
            "title": "A better title",
            "description": "More words.",
            "confidentiality": "open",
            "version": item.version,
            "criteria": [str(criterion.pk)],
            f"claim_{criterion.pk}": "It shows it.",
        },
    )
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": "filename YS50eHQ="}
    places["upload to come"] = Place(keys, headers=tus)
    session = begin_upload(portfolio, actor=hone, name="b.txt", length=5)
    places["upload"] = Place({"upload": session.pk}, headers={"Tus-Resumable": "1.0.0"})
    gone = remove_evidence(work.note(portfolio, "Removed"), actor=hone)
    places["removed evidence"] = Place({"evidence": gone.pk})
    places["declaration"] = Place(
        keys, data={"key": uuid.uuid4().hex, "accept": "on", "ai_use": "none"}
    )
    places["more time"] = Place(
        keys,
        data={
            "reason": ExtensionRequest.Reason.values[0],
            "note": "Flu.",
            **date_fields("until", 17),
        },
    )
    asked = ask_to_confirm(
        portfolio, actor=hone, name="Vic Harris", email="vic@example.org", evidence=[item]
    )
    told = Notification.objects.filter(topic="portfolios.attestation.link").latest("id")
    token = unseal(told.sealed_path).strip("/").split("/")[-1]
    places["asking"] = Place(
        {**keys, "attestation": asked.pk},
        data={"name": "Vera Hohaia", "email": "vera@example.org", "evidence": [str(item.pk)]},
    )
    places["link"] = Place({"token": token}, data={"start": "1"})
    shown = work.file(portfolio, "shown.png", work.png())
    paper = work.file(portfolio, "paper.pdf")
    describe_evidence(paper, actor=hone, title="Paper", text_alternative="WEBVTT\n\nA form.")
    second = ask_to_confirm(
        portfolio,
        actor=hone,
        name="Vic Harris",
        email="vic2@example.org",
        evidence=[item, shown, paper],
    )
    open_attestation(second)
    client = Client()
    session = client.session
    session["attestation"] = str(second.pk)
    session.save()
    house.sessions["vic"] = str(session.session_key)
    answers: dict[str, Any] = {
        "relationship": "Team lead",
        "period_observed": "March to June",
        "has_conflict": "no",
        "authentic": "on",
    }
    for one in Criterion.objects.filter(rubric__task=cast.task):
        answers[f"answer_{one.pk}"] = "observed"
    answers["comment"] = "Good work."
    places["answers"] = Place({"evidence": shown.pk}, data=answers)
    places["answers about pages"] = Place({"evidence": paper.pk, "number": 1})
    third = ask_to_confirm(portfolio, actor=hone, name="Vic Harris", email="vic3@example.org")
    attest(open_attestation(third), statements={criterion: ("observed", "")})
    told = Notification.objects.filter(topic="portfolios.attestation.notice").latest("id")
    places["objection"] = Place(
        {"token": unseal(told.sealed_path).strip("/").split("/")[-1]}, data={}
    )


def add_submitted(house: House) -> None:
    """What was submitted, requests for time, holds, and a portfolio that wants a confirmation."""
    world, places, cast = house.world, house.places, house.world.cast
    portfolio = world.ready
    lena = world.submissions["in_assessment"]
    picture = work.file(portfolio, "photo.png", work.png())
    describe_evidence(
        picture, actor=picture.owner, title="Photo", text_alternative="WEBVTT\n\nA form."
    )
    make_renditions(limit=200)
    # Pieces that came in one moment are numbered by their keys, so the first is not always the same.
    pieces = [pin.evidence for pin in lena.pins.order_by("number")]
    drawn = next(one for one in pieces if one.kind == EvidenceKind.FILE)
    pinned = next(one for one in pieces if one != drawn)
    places["drawn page"] = Place({"evidence": drawn.pk, "number": 1}, owner="lena")
    places["pinned evidence"] = Place({"evidence": pinned.pk}, owner="lena")
    places["picture"] = Place({"evidence": picture.pk})
    places["someone's note"] = Place({"evidence": places["portfolio"].kwargs["evidence"]})
    submitted = world.submissions["submitted"]
    for name, one, owner in (
        ("submitted portfolio", submitted, "learner9"),
        ("portfolio being marked", lena, "lena"),
        ("released portfolio", world.submissions["released"], "mere"),
    ):
        places[name] = Place(
            {"pk": one.portfolio_id, "reference": one.reference}, owner=owner, data={"reason": "x"}
        )
    places["illness"] = Place({"pk": lena.portfolio_id}, owner="lena", data={"words": "I was ill."})
    waits = with_staff(world, "asker", 1)
    slow = work.portfolio_of(waits, "asker-1")
    ask = ask_for_more_time(
        slow,
        actor=waits.people["asker-1"],
        until=slow.due_at + timedelta(days=3),
        reason="health",
        note="",
    )
    places["extension"] = Place({"pk": ask.pk}, owner="asker-1", data={"decision": "approve"})
    hold = place_hold(
        submitted, actor=cast.pam, kind=HoldKind.PRIVACY, reason="A name is in the file."
    )
    places["hold"] = Place(
        {"submission": submitted.pk, "hold": hold.pk}, owner="learner9", data={"note": "Settled."}
    )
    waits = place_hold(
        submitted, actor=cast.pam, kind=HoldKind.SPECIAL_CONSIDERATION, reason="Asked on Monday."
    )
    add_supporting(waits, actor=cast.pam, words="A letter of the clinic.")
    places["considered"] = Place(
        {"submission": submitted.pk, "hold": waits.pk, "number": 1},
        owner="learner9",
        data={"words": "Another letter."},
    )
    asked = ask_review(lena, actor=cast.ada, question="Is this clear?")
    places["feedback asked about"] = Place(
        {"pk": lena.pk}, owner="lena", data={"question": "Is this clear?"}
    )
    places["own work"] = Place({"delivery": cast.delivery.pk}, owner="lena")
    places["feedback to read"] = Place({"pk": asked.pk}, owner="lena", data={"answer": "It is."})
    places["holdable"] = Place(
        {"submission": lena.pk},
        owner="lena",
        data={"kind": HoldKind.PRIVACY, "reason": "A name is in the file."},
    )
    version = draft_version(cast.provider, "confirmed")
    AssessmentTask.objects.filter(version=version).update(attestations_required=1)
    perform(version, "send_to_pre_moderation", actor=version.author)
    perform(version, "approve", actor=house.people["petronella"])
    perform(version, "publish", actor=house.people["prue"])
    version.refresh_from_db()
    confirmed = delivery_of(world, version, "confirmed", 1)
    wants = work.portfolio_of(confirmed, "confirmed-1")
    places["attestation needed"] = Place(
        {"pk": wants.pk}, owner="confirmed-1", data={"reason": "The team lead has left."}
    )


def add_catalogue(house: House) -> None:
    """Versions on their way, a delivery that is not open yet, and parts and enrolments to end."""
    world, places, cast = house.world, house.places, house.world.cast
    version = cast.delivery.version
    plan = {
        "title": "Winter",
        "code": "winter",
        "mode": "online_live",
        "time_zone": "Pacific/Auckland",
        **date_fields("starts_on", 10),
        **date_fields("ends_on", 90),
    }
    places["published version"] = Place({"pk": version.pk}, data=plan)
    draft = drafted_by(house, "drafted")
    places["draft version"] = Place({"pk": draft.pk, "name": "send_to_pre_moderation"})
    checked = drafted_by(house, "checked")
    perform(checked, "send_to_pre_moderation", actor=checked.author)
    places["version in pre-moderation"] = Place(
        {"pk": checked.pk}, data={"decision": "send_back", "note": "Outcome 2 is not assessed."}
    )
    approved = drafted_by(house, "approved")
    perform(approved, "send_to_pre_moderation", actor=approved.author)
    perform(approved, "approve", actor=house.people["petronella"])
    places["approved version"] = Place({"pk": approved.pk, "name": "publish"})
    part = DeliveryRole.objects.get(
        delivery=cast.delivery, user=cast.people["ed"], role=Role.EXTERNAL_MODERATOR
    )
    places["delivery"] = Place(
        {
            "pk": cast.delivery.pk,
            "delivery": cast.delivery.pk,
            "task": cast.task.pk,
            "part": part.pk,
            "enrolment": cast.enrolments["hone"].pk,
        },
        owner="lena",
    )
    places["dates"] = Place(
        places["delivery"].kwargs,
        owner="lena",
        data={
            **date_fields("opens_on", -20),
            **date_fields("due_on", 20),
            "due_time": "17:00",
            "cut_off_on_0": "",
            "reason": "A public holiday.",
            "confirm": "1",
        },
    )
    places["event"] = Place(
        places["delivery"].kwargs,
        owner="lena",
        data={
            **date_fields("until", 30),
            "reason": "A storm.",
            "confirm": "1",
            "learner": [str(cast.enrolments["hone"].pk)],
        },
    )
    places["new person"] = Place(
        places["delivery"].kwargs,
        owner="lena",
        data={"email": "new@example.org", "name": "Nia New", "role": "assessor"},
    )
    rows = "name,email,role,organisation\nKahu Kiri,kahu@example.org,learner,ministry\n"
    hears = {f"after_{kind}": "1" for kind in OverdueKind}
    places["who hears"] = Place(
        places["delivery"].kwargs, owner="lena", data={**hears, "who_marking": ["lead_moderator"]}
    )
    places["list of people"] = Place(places["delivery"].kwargs, owner="lena", data={"text": rows})
    # Of another credential: an action that a round asked for keeps the next delivery of its own closed.
    other = Delivery.objects.get(code="confirmed").version
    planned = delivery_of(world, other, "planned", 0)
    Delivery.objects.filter(pk=planned.delivery.pk).update(opened_at=None)
    places["planned delivery"] = Place({"pk": planned.delivery.pk}, owner="lena")
