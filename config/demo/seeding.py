"""Agreed work that is hidden among live work: one cohort that is marked by codes, and one seed that was marked."""

import typst

from assessment.actions.allocation import allocate_automatically
from assessment.actions.deciding import record_decision
from assessment.actions.exemplars import Agreed, Anonymous, freeze_exemplar
from assessment.actions.marking import save_draft, start_assessment
from assessment.actions.seeding import begin_seeds, place_seed
from assessment.models import AssessmentDecision
from assessment.selectors.exemplars import copies_of, supports_of
from catalogue.models import AssessmentTask, Criterion, Delivery, Level
from config.demo.marking import begin, marks
from config.demo.people import Cast
from config.demo.work import submit
from portfolios.actions.drafting import (
    add_file_evidence,
    add_note,
    create_portfolio,
    describe_evidence,
    map_evidence,
    save_reflection,
)
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.models import EvidenceItem, Portfolio, Submission

AGREED_FROM = "huia"
LIVE = ("eva", "joe", "tevita", "yuki", "ravi")
"""At the largest share five pieces of live work make one seed due, whatever the chance."""
PERCENT = 20
SAID = (
    (
        "A colleague had sent a list of names to the wrong address. I stopped the second mail, rang the receiver, "
        "and wrote down what had left us and when."
    ),
    "I told the people on the list within a day, in plain words, what happened and whom they can ring.",
)
"""What each learner writes for each criterion. Made up."""
SHOWS = (
    "That I stopped the second mail, and each step after it with its time.",
    "When the people on the list were told, and by whom.",
)
"""What each learner's evidence shows for each criterion."""
LOG = """
#set document(title: "Log of one day")
#set text(lang: "en", region: "NZ")
= The first hour
9.12 #h(1em) The list has left us. I stop the second mail.
#parbreak()
9.21 #h(1em) The receiver is on the phone, has read nothing, and deletes it.
"""


def hide_one(delivery: Delivery, cast: Cast) -> None:
    """Abe's decision becomes agreed work; Ada marks live work, and then that, without knowing."""
    task = delivery.version.tasks.get(attestations_required=0)
    source = hand_in(delivery, task, AGREED_FROM, cast)
    decide(source, "abe", cast)
    freeze(task, Submission.objects.get(pk=source.pk), cast)
    plan = begin_seeds(delivery, task, actor=cast["lea"], percent=PERCENT, telling="after")
    for name in LIVE:
        decide(hand_in(delivery, task, name, cast), "ada", cast)
    seed = place_seed(plan, cast["ada"])
    if seed is None:
        raise ValueError("No seed was due.")
    work = seed.submission
    allocate_automatically(work)
    opened = start_assessment(work, actor=cast["ada"])
    draft = AssessmentDecision.objects.get(submission=opened, author=cast["ada"])
    save_draft(opened.pk, actor=cast["ada"], marks=marks(opened, 2), seen_version=draft.version)
    record_decision(opened, actor=cast["ada"])


def hand_in(delivery: Delivery, task: AssessmentTask, name: str, cast: Cast) -> Submission:
    """A short piece of work: a few sentences, and a page of which a copy can be frozen where it is to be."""
    enrolment = delivery.enrolments.get(learner=cast[name])
    portfolio = create_portfolio(enrolment, task, actor=enrolment.learner)
    if portfolio is None:
        raise ValueError(f"{name} has a portfolio already.")
    learner = enrolment.learner
    if name == AGREED_FROM:
        item = _page(portfolio)
    else:
        item = add_note(
            portfolio, actor=learner, title="What I noted that day", note=" ".join(SAID)
        )
    scan_waiting_evidence(limit=10)
    found = EvidenceItem.objects.get(pk=item.pk)
    criteria = Criterion.objects.filter(rubric__task=task).order_by("number")
    for criterion, words, claim in zip(criteria, SAID, SHOWS, strict=True):
        map_evidence(portfolio, found, criterion, actor=learner, claim=claim)
        save_reflection(portfolio, criterion, actor=learner, text=words, seen_version=0)
    return submit(portfolio)


def _page(portfolio: Portfolio) -> EvidenceItem:
    learner = portfolio.enrolment.learner
    content = bytes(typst.compile(LOG.encode(), format="pdf"))
    item = add_file_evidence(
        portfolio,
        actor=learner,
        pieces=[content],
        name="log.pdf",
        title="What I noted that day",
        expected_size=len(content),
    )
    return describe_evidence(
        item,
        actor=learner,
        title="What I noted that day",
        description="From the day itself.",
        consent_given=True,
    )


def decide(submission: Submission, assessor: str, cast: Cast) -> None:
    """Just met."""
    record_decision(begin(submission, assessor, cast, marks(submission, 1)), actor=cast[assessor])


def freeze(task: AssessmentTask, source: Submission, cast: Cast) -> None:
    """Lea keeps the work as agreed, for calibration and seeds alone."""
    levels = Level.objects.filter(criterion__rubric=task.rubric, rank=1)
    codes = Criterion.objects.filter(rubric=task.rubric).order_by("number")
    freeze_exemplar(
        task,
        actor=cast["lea"],
        title="Just met, with a log of the day",
        agreed=Agreed(
            {one.criterion_id: one.pk for one in levels},
            "What was done is there, with times; nothing shows what changed afterwards.",
        ),
        work=Anonymous(
            [(one.code, words) for one, words in zip(codes, SAID, strict=True)],
            [(item, "Notes of one day, with times.") for _pin, item in copies_of(source)],
            supports_of(source),
        ),
        source=source,
        consent="By e-mail, kept by the academic office.",
        for_calibration=True,
    )
