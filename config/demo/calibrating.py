"""A new assessor: agreed work to calibrate on, and five pieces of work with evidence of different kinds."""

import io
import math
import struct
import wave
from collections.abc import Collection

import typst

from assessment.actions.allocation import allocate
from assessment.actions.exemplars import Agreed, Anonymous, freeze_exemplar
from catalogue.models import AssessmentTask, Criterion, Delivery, Level
from config.demo.people import Cast
from config.demo.work import confirm, screenshot, submit
from portfolios.actions.drafting import (
    add_file_evidence,
    add_link,
    add_note,
    create_portfolio,
    describe_evidence,
    map_evidence,
    save_reflection,
)
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.models import EvidenceItem, Portfolio, Submission

SAID = {
    "C1": (
        "We have eleven laptops, two printers, a server and a van.",
        (
            "What matters is the booking list: if it leaks, people at risk can be found. Second is the "
            "wages file: if it is lost, forty people are paid late."
        ),
        (
            "Besides the booking list and the wages file I wrote down who might want them: a former partner "
            "who looks for somebody, and our own habit of sending lists to the wrong address."
        ),
        (
            "I found that both depend on one mailbox that nobody knew of; the two who run it confirmed it, "
            "and the team had not seen that before."
        ),
    ),
    "C2": (
        "All of these risks are high. Security is always important.",
        (
            "I ranked them on the scale of the ministry, likelihood from 1 to 5 and harm from 1 to 5, and "
            "list the product."
        ),
        (
            "The ranking takes into account that the wages file has a copy already, and for each figure I say "
            "how sure I am and why."
        ),
        "The team decided what to accept; the list says who accepted which risk, until which day.",
    ),
    "C3": (
        "I told my colleagues to use longer passwords.",
        (
            "Six accounts have a second step at sign-in now, and I removed access from nine people who had "
            "moved on. The lists from before and after are attached."
        ),
        (
            "Signing in with the phone is now quicker than the old way, and the report of last week shows "
            "that all but one use it."
        ),
        "I set up a review of access every quarter; the second one was done without me.",
    ),
    "C4": (
        "We plan to make copies, and the updates will be tested in spring.",
        "Updates run by themselves, copies are made every night, and I restored one folder as a test.",
        "I chose these protections from the ranked risks; the table says which risk each one lowers.",
        (
            "The usual advice leaves the shared phone out. I found its photos in a private cloud, and closed "
            "that gap."
        ),
    ),
    "C5": (
        "In the exercise I switched the computer off and cleaned it. Nobody had to be told.",
        "I called the service desk at once, unplugged the cable and wrote down what I did, with times.",
        (
            "I asked first who could come to harm, warned those two people, and then worked through the list "
            "with the specialist, step by step."
        ),
        (
            "I led the others through the first hour, and the plan was changed afterwards because of what we "
            "found."
        ),
    ),
    "C6": (
        "Everybody should be careful with links.",
        "My page says in plain words what happened and what we do differently now. It blames nobody.",
        (
            "I talked to the front desk and to the technicians, each in their words, and answered what they "
            "asked."
        ),
        "Three colleagues changed how they share lists; the log of last month shows it.",
    ),
}
"""What somebody at each level of a criterion writes, lowest first. Made up."""

PIECES = (
    ("Just met throughout", (1, 1, 1, 1, 1, 1), "Each thing that is asked for is there once."),
    ("Strong, sound in two", (2, 2, 1, 2, 2, 1), "What is strong says more than what is done."),
    ("Access not yet changed", (1, 2, 0, 1, 1, 1), "Advice to others changes no access."),
    ("Evidence destroyed in the exercise", (1, 1, 1, 1, 0, 1), "A cleaned machine says nothing."),
    ("Outstanding in most", (3, 2, 3, 3, 3, 2), "Others go on with it without the learner."),
)
"""Agreed work: title, rank of the level on each criterion, and why."""

FIVE = {
    "amir": ("a report", (1, 1, 1, 1, 1, 1)),
    "marama": ("a picture", (2, 1, 2, 1, 1, 1)),
    "siobhan": ("a recording", (1, 2, 1, 2, 2, 1)),
    "rewi": ("a written note", (1, 1, 0, 0, 1, 1)),
    "lucia": ("a link", (3, 2, 2, 3, 2, 2)),
}
"""Who waits for the new assessor, with which kind of evidence, and what their reflections come to."""


def agree_on_work(delivery: Delivery, cast: Cast) -> None:
    """The lead moderator puts five pieces of agreed work aside for calibration."""
    task = delivery.version.tasks.get()
    criteria = list(Criterion.objects.filter(rubric__task=task).order_by("number"))
    levels = {
        (one.criterion_id, one.rank): one
        for one in Level.objects.filter(criterion__rubric__task=task)
    }
    for title, ranks, why in PIECES:
        chosen = {one.pk: levels[one.pk, rank] for one, rank in zip(criteria, ranks, strict=True)}
        freeze_exemplar(
            task,
            actor=cast["lea"],
            title=title,
            agreed=Agreed(
                {key: level.pk for key, level in chosen.items()},
                rationale=why,
                reasons={
                    key: f"It does what “{level.label}” says: {level.descriptor}"
                    for key, level in chosen.items()
                },
            ),
            work=Anonymous(
                [
                    (one.code, SAID[one.code][rank])
                    for one, rank in zip(criteria, ranks, strict=True)
                ]
            ),
            for_calibration=True,
        )


def wait_for_her(
    delivery: Delivery, cast: Cast, only: Collection[str] = tuple(FIVE)
) -> dict[str, Submission]:
    """Five submissions, each with another kind of evidence, allocated to the new assessor; or some of them."""
    found = {}
    for name, (_kind, ranks) in FIVE.items():
        if name not in only:
            continue
        enrolment = delivery.enrolments.get(learner=cast[name])
        task = delivery.version.tasks.get()
        portfolio = create_portfolio(enrolment, task, actor=enrolment.learner)
        if portfolio is None:
            raise ValueError(f"{name} has a portfolio already.")
        item = evidence_of(name, portfolio)
        scan_waiting_evidence(limit=10)
        fill(portfolio, EvidenceItem.objects.get(pk=item.pk), task, ranks)
        confirm(portfolio)
        found[name] = submit(portfolio, checked_spelling=name == "amir")
        allocate(found[name], cast["nadia"], actor=cast["pam"])
    return found


def fill(
    portfolio: Portfolio, item: EvidenceItem, task: AssessmentTask, ranks: tuple[int, ...]
) -> None:
    """Put the evidence to every criterion, with a reflection at that level."""
    criteria = Criterion.objects.filter(rubric__task=task).order_by("number")
    for criterion, rank in zip(criteria, ranks, strict=True):
        words = SAID[criterion.code][rank]
        learner = portfolio.enrolment.learner
        map_evidence(portfolio, item, criterion, actor=learner, claim=words)
        save_reflection(portfolio, criterion, actor=learner, text=words, seen_version=0)


def evidence_of(name: str, portfolio: Portfolio) -> EvidenceItem:
    """One piece, of the kind that this learner has."""
    learner = portfolio.enrolment.learner
    if name == "rewi":
        return add_note(
            portfolio,
            actor=learner,
            title="What I did with access and copies",
            note="I asked everybody to choose longer passwords. The copies are planned for spring.",
        )
    if name == "lucia":
        return add_link(
            portfolio,
            actor=learner,
            link="https://example.org/security-review/",
            title="Our review of access",
            description="The page on which the team keeps its reviews.",
        )
    files = {
        "amir": ("lists.pdf", lists(), "Access before and after", ""),
        "marama": (
            "settings.png",
            screenshot("sign-in settings", mended=True),
            "The settings after the change",
            "Three settings, each switched on, with a label above it.",
        ),
        "siobhan": (
            "exercise.wav",
            tone(),
            "The first hour, recorded",
            "A low tone. I say: it is ten past nine, the cable is out, the service desk is on the line.",
        ),
    }
    file, content, title, alternative = files[name]
    added = add_file_evidence(
        portfolio,
        actor=learner,
        pieces=[content],
        name=file,
        title=title,
        expected_size=len(content),
    )
    return describe_evidence(
        added,
        actor=learner,
        title=title,
        description="From my work in the team.",
        text_alternative=alternative,
        consent_given=True,
    )


LISTS = """
#set document(title: "Access")
#set text(lang: "en", region: "NZ")
= Access to the booking list
== Before
Fifteen people, nine of whom had moved on.
== After
Six people, each with a second step at sign-in.
"""


def lists() -> bytes:
    """A page with two lists, as a tagged PDF."""
    return bytes(typst.compile(LISTS.encode(), format="pdf"))


def tone(seconds: int = 2, rate: int = 8000) -> bytes:
    """A recording: a low tone, 16 bit and one channel."""
    made = io.BytesIO()
    with wave.open(made, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(rate)
        samples = (
            int(6000 * math.sin(2 * math.pi * 220 * at / rate)) for at in range(seconds * rate)
        )
        target.writeframes(b"".join(struct.pack("<h", one) for one in samples))
    return made.getvalue()
