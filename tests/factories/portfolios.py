"""Portfolios and submissions, reached by the real actions."""

import io
import uuid
from typing import Any

from catalogue.models import Criterion
from portfolios.actions.drafting import add_file_evidence, add_note, create_portfolio, map_evidence
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.actions.submission import DECLARATION, submit_portfolio
from portfolios.models import EvidenceItem, Portfolio, Submission
from tests.personas import Cast


def pdf(text: str = "Evidence") -> bytes:
    """A small PDF of one empty page that is different for each text."""
    return pdf_of(
        ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
         "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>"],
        comment=text,
    )  # fmt: skip


def pdf_of(objects: list[str], comment: str = "", trailer: str = "") -> bytes:
    """A PDF of these objects, the first of them its catalogue, with a table that names their places."""
    made = f"%PDF-1.4\n% {comment}\n".encode()
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += f"{number} 0 obj{one}endobj\n".encode()
    table = "".join(f"{at:010} 00000 n \n" for at in places)
    count = len(objects) + 1
    made += f"xref\n0 {count}\n0000000000 65535 f \n{table}".encode()
    start = len(made) - len(f"xref\n0 {count}\n0000000000 65535 f \n{table}".encode())
    made += f"trailer<</Size {count}/Root 1 0 R{trailer}>>\nstartxref\n{start}\n%%EOF\n".encode()
    return made


def png(size: tuple[int, int] = (3, 2), colour: str = "teal") -> bytes:
    """A real picture."""
    from PIL import Image

    made = io.BytesIO()
    Image.new("RGB", size, colour).save(made, "PNG")
    return made.getvalue()


def portfolio_of(cast: Cast, learner_name: str = "lena") -> Portfolio:
    """The learner's portfolio for the task of the cast, empty at first."""
    enrolment = cast.enrolments[learner_name]
    portfolio = create_portfolio(enrolment, cast.task, actor=enrolment.learner)
    assert portfolio is not None
    return portfolio


def note(portfolio: Portfolio, title: str = "What I did", text: str = "") -> EvidenceItem:
    """A written note, checked and ready."""
    made = _write(portfolio, title, text)
    scan_waiting_evidence(limit=500)
    return EvidenceItem.objects.get(pk=made.pk)


def _write(portfolio: Portfolio, title: str = "What I did", text: str = "") -> EvidenceItem:
    learner = portfolio.enrolment.learner
    return add_note(portfolio, actor=learner, title=title, note=text or f"{learner.name} did it.")


def file(
    portfolio: Portfolio, name: str = "report.pdf", content: bytes | None = None, **kw: Any
) -> EvidenceItem:
    """A stored file, checked: ready or quarantined."""
    made = _store(portfolio, name, content, **kw)
    scan_waiting_evidence(limit=500)
    return EvidenceItem.objects.get(pk=made.pk)


def _store(
    portfolio: Portfolio, name: str, content: bytes | None = None, **kw: Any
) -> EvidenceItem:
    content = pdf(f"{portfolio.pk} {name}") if content is None else content
    return add_file_evidence(
        portfolio,
        actor=portfolio.enrolment.learner,
        pieces=[content],
        name=name,
        expected_size=len(content),
        **kw,
    )


def ready(cast: Cast, learner_name: str = "lena", files: int = 1) -> Portfolio:
    """A portfolio that may be submitted: files mapped to every criterion, and a note to the first."""
    portfolio = portfolio_of(cast, learner_name)
    learner = portfolio.enrolment.learner
    written = _write(portfolio)
    stored = [_store(portfolio, f"report-{number}.pdf") for number in range(1, files + 1)]
    scan_waiting_evidence(limit=500)
    criteria = list(Criterion.objects.filter(rubric__task=cast.task))
    for criterion in criteria:
        for item in [written, *stored] if criterion == criteria[0] else stored:
            map_evidence(
                portfolio,
                item,
                criterion,
                actor=learner,
                claim=f"Shows {criterion.code}.",
                locator="page 1",
            )
    return portfolio


def submit(portfolio: Portfolio, **kw: Any) -> Submission:
    """Submit as the learner."""
    arguments: dict[str, Any] = {
        "actor": portfolio.enrolment.learner,
        "key": uuid.uuid4().hex,
        "declaration": str(DECLARATION),
    }
    return submit_portfolio(portfolio, **{**arguments, **kw})


def fresh(submission: Submission) -> Submission:
    """As it stands in the database."""
    return Submission.objects.get(pk=submission.pk)


def submitted(cast: Cast, learner_name: str = "lena", **kw: Any) -> Submission:
    """A submission of that learner: evidence added, checked, mapped, declared and submitted."""
    files = kw.pop("files", 1)
    return submit(ready(cast, learner_name, files=files), **kw)
