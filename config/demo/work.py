"""What the learners have done: portfolios at different points, evidence of each kind."""

import io
import uuid
from datetime import UTC, datetime, time

import typst
from PIL import Image, ImageDraw

from catalogue.models import Criterion, Delivery
from config.demo.people import EVERYBODY, Cast
from portfolios.actions.attestation import ask_to_confirm, attest, open_attestation
from portfolios.actions.drafting import (
    add_file_evidence,
    add_note,
    create_portfolio,
    describe_evidence,
    map_evidence,
    save_reflection,
)
from portfolios.actions.extension import approve_extension, ask_for_more_time
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.actions.submission import DECLARATION, submit_portfolio
from portfolios.models import (
    AttestationStatement,
    EvidenceItem,
    ExtensionRequest,
    Portfolio,
    Submission,
)
from workflows.working_days import add_working_days

COHORT = {"mere": "untouched", "lena": "building", "oscar": "building"}
"""Learners of the first cohort who have not submitted."""
SERVICES = [
    "the booking form for hearing tests",
    "the page on which people renew a licence",
    "the staff directory",
    "the annual report",
    "the form to ask for records",
    "the page about school buses",
]
CLAIMS = {
    "C1": "The plan names scope, tools and the journeys that I tested.",
    "C2": "Each finding says who is kept out and which success criterion it fails.",
    "C3": "Before and after: the labels are real labels now, and the order of focus is right.",
    "C4": "The remade document has headings, alternatives and a language mark for te reo Māori.",
    "C5": "Two people who use a screen reader changed what we did first.",
    "C6": "Our definition of done asks for a keyboard test now.",
}

REPORT = """
#set document(title: "Evaluation", author: sys.inputs.learner)
#set text(lang: "en", region: "NZ")
= Evaluation of #sys.inputs.service
By #sys.inputs.learner
== Scope and methods
Three journeys, by keyboard, with a screen reader and enlarged four times.
== Findings
+ Fields have no labels: people who listen to the page do not know what to enter.
+ Focus cannot be seen: people who use a keyboard get lost.
+ Errors are told by colour alone.
== What changed
All three are mended, and tested again in the same way.
"""


def report(learner: str, service: str) -> bytes:
    """A short evaluation report as a tagged PDF."""
    inputs = {"learner": learner, "service": service}
    return bytes(typst.compile(REPORT.encode(), format="pdf", sys_inputs=inputs))


def screenshot(service: str, *, mended: bool) -> bytes:
    """A drawn screen: a form before and after."""
    picture = Image.new("RGB", (640, 360), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 640, 48), fill="#0a4f5c")
    draw.text((16, 16), f"Screen: {service}"[:80], fill="white")
    for row in range(3):
        top = 84 + row * 84
        if mended:
            draw.text((40, top - 18), f"Label {row + 1}", fill="black")
        draw.rectangle(
            (40, top, 600, top + 40), outline="#0a4f5c" if mended else "#cccccc", width=2
        )
    made = io.BytesIO()
    picture.save(made, "PNG", optimize=True)
    return made.getvalue()


def make_work(
    delivery: Delivery, cast: Cast, behind: dict[str, str], *, brief: bool = False
) -> dict[str, Submission]:
    """Give the learners portfolios with evidence, and submit those of all who are not behind.

    `brief` work is a report and a note only, so that a large cohort is there in seconds.
    """
    submissions = {}
    for number, name in enumerate(EVERYBODY):
        enrolment = delivery.enrolments.filter(learner=cast[name]).first()
        if enrolment is None:
            continue
        task = delivery.version.tasks.get()
        portfolio = create_portfolio(enrolment, task, actor=enrolment.learner)
        if portfolio is None or behind.get(name) == "untouched":
            continue
        service = SERVICES[number % len(SERVICES)]
        build(portfolio, service, whole=name not in behind, brief=brief)
        if name in behind:
            continue
        if task.attestations_required:
            confirm(portfolio)
        submissions[name] = submit(portfolio, checked_spelling=number % 3 == 0)
    return submissions


def submit(portfolio: Portfolio, *, checked_spelling: bool = False) -> Submission:
    """Accept the declaration and submit."""
    return submit_portfolio(
        portfolio,
        actor=portfolio.enrolment.learner,
        key=uuid.uuid4().hex,
        declaration=str(DECLARATION),
        ai_use="I used a language model to check my spelling." if checked_spelling else "",
    )


def build(portfolio: Portfolio, service: str, *, whole: bool, brief: bool) -> None:
    """Add evidence, wait for its check, map it and write reflections."""
    learner = portfolio.enrolment.learner
    files = [
        ("evaluation.pdf", report(learner.name, service), f"Evaluation of {service}", ""),
        (
            "after.png",
            screenshot(service, mended=True),
            "The form after the change",
            "A form with three fields. Each has a visible label above it.",
        ),
    ]
    items: list[EvidenceItem] = []
    for file, content, title, alternative in files[:1] if brief else files:
        added = add_file_evidence(
            portfolio,
            actor=learner,
            pieces=[content],
            name=file,
            title=title,
            expected_size=len(content),
        )
        items.append(
            describe_evidence(
                added,
                actor=learner,
                title=title,
                description=f"From my work on {service}.",
                text_alternative=alternative,
                consent_given=True,
            )
        )
    items.append(
        add_note(
            portfolio,
            actor=learner,
            title="What we agreed in the team",
            note=f"Kōrero with the team about {service}: every change gets a keyboard test, and two "
            "people who use a screen reader are asked before we decide. They are paid for their time.",
        )
    )
    scan_waiting_evidence(limit=100)
    items = [EvidenceItem.objects.get(pk=item.pk) for item in items]
    criteria = list(Criterion.objects.filter(rubric__task=portfolio.task).order_by("number"))
    for criterion in criteria if whole else criteria[:3]:
        item = items[{"C1": 0, "C2": 0, "C3": 1, "C4": 0}.get(criterion.code, -1)]
        claim = CLAIMS.get(criterion.code, "")
        locator = "page 1" if item is items[0] else ""
        map_evidence(portfolio, item, criterion, actor=learner, claim=claim, locator=locator)
        if brief and criterion.code not in {"C1", "C4"}:
            continue
        save_reflection(
            portfolio,
            criterion,
            actor=learner,
            text=f"{claim} What I would do differently: begin with the people who are kept out, "
            f"because in {service} the tools found less than half of what they told us.",
            seen_version=0,
        )


def confirm(portfolio: Portfolio) -> None:
    """A colleague confirms what the learner did, by the personal link's own steps."""
    learner = portfolio.enrolment.learner
    asked = ask_to_confirm(
        portfolio,
        actor=learner,
        name="Vic Harris",
        email="vic@employer.example",
        relationship="Team lead",
        message="Could you confirm what you saw of my work?",
    )
    criteria = Criterion.objects.filter(rubric__task=portfolio.task)
    attest(
        open_attestation(asked),
        statements=dict.fromkeys(
            criteria, (AttestationStatement.Answer.OBSERVED, "I saw this myself.")
        ),
        relationship="Team lead",
        period_observed="The last six weeks",
    )


def add_what_was_missing(portfolio: Portfolio) -> Submission:
    """After a referral: a test report for the criteria that reopened, and the second attempt."""
    portfolio.refresh_from_db()
    learner = portfolio.enrolment.learner
    note = add_note(
        portfolio,
        actor=learner,
        title="What I found when I tested",
        note="Tested on two days with a screen reader and by keyboard. Two of the three barriers were gone; "
        "the third needed another change, which is made and tested again.",
    )
    scan_waiting_evidence(limit=10)
    met = set(portfolio.met_criteria.values_list("pk", flat=True))
    for criterion in Criterion.objects.filter(rubric__task=portfolio.task).order_by("number"):
        if criterion.pk not in met:
            item = EvidenceItem.objects.get(pk=note.pk)
            map_evidence(
                portfolio, item, criterion, actor=learner, claim="Carried out, with dates."
            )
    return submit(portfolio)


def ask_for_time(portfolio: Portfolio, *, days: int, reason: str, note: str) -> ExtensionRequest:
    """Ask for a date so many working days after the one that holds."""
    zone = portfolio.enrolment.delivery.zone
    day = add_working_days(portfolio.due_at.astimezone(zone).date(), days)
    return ask_for_more_time(
        portfolio,
        actor=portfolio.enrolment.learner,
        until=datetime.combine(day, time(17), tzinfo=zone).astimezone(UTC),
        reason=reason,
        note=note,
    )


def give_time(request: ExtensionRequest, cast: Cast) -> None:
    """The programme administrator approves; date and reminders move."""
    approve_extension(request, actor=cast["pam"], answer="Granted. Get well soon.")
