"""Three micro-credentials by the real steps, and one delivery that is open."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

import catalogue
from catalogue.actions import (
    approve_version,
    assign_role,
    enrol,
    load_definition,
    open_delivery,
    plan_delivery,
    publish_version,
    send_version_back,
    send_version_to_pre_moderation,
    set_policy,
    set_schedule,
)
from catalogue.checklist import QUESTIONS, Answer
from catalogue.definitions import parse
from catalogue.enums import DeliveryRoleKind as Role
from catalogue.models import Delivery, MicroCredentialVersion, policy_defaults
from config.demo.people import EVERYBODY, GRADUATES, LEARNERS, Cast

FILES = ("digital-accessibility", "privacy-public-sector", "cybersecurity-essentials")
DELIVERY = "accessibility-1"
TRUSTED = {"assessor.probation_decisions": 8}
"""The default of 20 would need a larger earlier cohort before anything is drawn at random."""
SITES = ("Wellington", "Ōtautahi Christchurch")
"""Where learners of the demonstration work."""

KNOWN = {"marking.early_check": 0}
"""What the first cohorts of the demonstration do without: nobody stops in the middle to read for them."""
PARTS = {
    "ada": [Role.ASSESSOR],
    "abe": [Role.ASSESSOR],
    "moses": [Role.MODERATOR],
    "lea": [Role.LEAD_MODERATOR, Role.MODERATOR],
    "ed": [Role.EXTERNAL_MODERATOR],
    "rita": [Role.RATIFIER],
    "rob": [Role.RATIFIER],
}


def publish(file: str, cast: Cast) -> MicroCredentialVersion:
    """Load, send, approve and publish one definition; the privacy one is sent back once on the way."""
    path = Path(catalogue.__file__).parent / "credentials" / f"{file}.yaml"
    definition = parse(path.read_bytes(), policy_defaults=policy_defaults())
    author, checker = cast["arthur"], cast["petra"]
    version = load_definition(definition, provider=cast.provider, actor=author).version
    version = send_version_to_pre_moderation(version, actor=author)
    if file.startswith("privacy"):
        note = "Please tell me why the second task allows no AI tools; otherwise ready."
        version = send_version_back(version, actor=checker, note=note)
        version = send_version_to_pre_moderation(version, actor=author)
    answers = {name: Answer("yes") for name in QUESTIONS}
    answers["accessible"] = Answer("yes", "Read aloud from beginning to end.", "Every brief")
    version = approve_version(
        version, actor=checker, note="Clear, and fair to learners.", checklist=answers
    )
    return publish_version(version, actor=cast["pam"])


def publish_all(cast: Cast) -> None:
    """The three micro-credentials."""
    for file in FILES:
        publish(file, cast)


def propose_revision(cast: Cast) -> None:
    """A second version of the privacy course waits for somebody who did not write it."""
    path = Path(catalogue.__file__).parent / "credentials" / f"{FILES[1]}.yaml"
    revised = path.read_text("utf-8").replace("title: Privacy", "title: Everyday Privacy", 1)
    definition = parse(revised.encode(), policy_defaults=policy_defaults())
    version = load_definition(definition, provider=cast.provider, actor=cast["arthur"]).version
    send_version_to_pre_moderation(version, actor=cast["arthur"])


def make_earlier(cast: Cast) -> Delivery:
    """The cohort that has gone through everything."""
    return make_delivery(
        cast,
        FILES[0],
        code="accessibility-0",
        title="Digital Accessibility, earlier cohort",
        learners=list(GRADUATES),
        days_left=1,
        ran_for=120,
        policy=KNOWN,
    )


def make_pilot(cast: Cast) -> Delivery:
    """The cohort in the middle of moderation. Its assessors are known by now, so a part is drawn."""
    return make_delivery(
        cast,
        FILES[2],
        code="cybersecurity-pilot",
        title="Cybersecurity Essentials, pilot",
        learners=[*list(GRADUATES)[:12], "james", "aroha", "li", "nia"],
        days_left=2,
        policy={**TRUSTED, **KNOWN},
    )


def make_cohort(cast: Cast) -> Delivery:
    """The delivery to walk through, due in some days."""
    return make_delivery(
        cast,
        FILES[0],
        code=DELIVERY,
        title="Digital Accessibility, first cohort",
        learners=list(LEARNERS),
        days_left=8,
        policy=TRUSTED,
    )


def make_beginning(cast: Cast) -> Delivery:
    """A delivery with a new assessor, who calibrates first."""
    return make_delivery(
        cast,
        FILES[2],
        code="cybersecurity-1",
        title="Cybersecurity Essentials, evening cohort",
        learners=["amir", "marama", "siobhan", "rewi", "lucia"],
        days_left=5,
        policy={"marking.requires_calibration": True, **KNOWN},
        parts={
            "nadia": [Role.ASSESSOR],
            **{name: PARTS[name] for name in ("moses", "lea", "rita")},
        },
    )


def make_coded(cast: Cast) -> Delivery:
    """A delivery whose assessors see codes instead of names, so that agreed work can be hidden in it."""
    return make_delivery(
        cast,
        FILES[1],
        code="privacy-1",
        title="Privacy for the Public Sector, autumn cohort",
        learners=["huia", "eva", "joe", "tevita", "yuki", "ravi"],
        days_left=12,
        policy={"anonymous_marking": True, **KNOWN},
        parts={name: PARTS[name] for name in ("ada", "abe", "moses", "lea", "rita")},
    )


def make_delivery(
    cast: Cast,
    file: str,
    *,
    code: str,
    title: str,
    learners: list[str],
    days_left: int,
    ran_for: int = 42,
    policy: dict[str, Any] | None = None,
    parts: dict[str, list[Role]] | None = None,
) -> Delivery:
    """Plan, schedule, staff, fill and open one delivery that began `ran_for` days ago."""
    version = MicroCredentialVersion.objects.get(micro_credential__code=file)
    pam = cast["pam"]
    now = timezone.now()
    zone = ZoneInfo("Pacific/Auckland")
    today = now.astimezone(zone).date()
    delivery = plan_delivery(
        version,
        code=code,
        title=title,
        mode="online_live",
        starts_on=today - timedelta(days=ran_for),
        ends_on=today + timedelta(days=60),
        client=None,
        actor=pam,
    )
    if policy:
        set_policy(delivery, overrides=policy, actor=pam)
    due = datetime.combine(delivery.calendar.add(today, days_left), time(17), tzinfo=zone)
    due = due.astimezone(UTC)
    for task in version.tasks.all():
        set_schedule(
            delivery,
            task,
            opens_at=now - timedelta(days=ran_for),
            due_at=due,
            cut_off_at=due,
            actor=pam,
        )
    for name, roles in (parts or PARTS).items():
        for role in roles:
            assign_role(delivery, cast[name], role, actor=pam)
    for name in learners:
        place = list(EVERYBODY).index(name)
        enrol(
            delivery,
            cast[name],
            employer=cast.ministries[place % 2],
            site=SITES[place % len(SITES)],
            actor=pam,
        )
    return open_delivery(delivery, actor=pam)
