"""Taking a whole attempt home: files, manifest and a document that people can read, in one archive."""

import hashlib
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any, cast

from django.http import HttpRequest, StreamingHttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from portfolios import storage
from portfolios.models import EvidenceItem, Submission
from portfolios.receipts import FontsMissing, pdf
from portfolios.storage.archives import Outlet
from portfolios.views.shared import own_portfolio, signed_in
from portfolios.views.submission import own_submission
from workflows.words import in_words


@require_safe
@signed_in
def archive(request: HttpRequest, pk: uuid.UUID, reference: str) -> Any:
    """The attempt as a ZIP, made while it is sent; the learner gets the untouched files."""
    submission = own_submission(own_portfolio(request, pk), reference)
    pieces = () if request.method == "HEAD" else archived(submission)
    response = StreamingHttpResponse(pieces, content_type="application/zip")
    name = f"{submission.reference}.zip"
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    response["Cache-Control"] = "private, no-store"
    return response


def archived(submission: Submission) -> Iterator[bytes]:
    """The pieces of the ZIP, a megabyte at a time.

    Each file is hashed on its way. One that is not what the manifest says breaks the download off, so
    that nobody takes a damaged copy for a whole one.
    """
    outlet = Outlet()
    items = {
        str(pin.evidence_id): pin.evidence for pin in submission.pins.select_related("evidence")
    }
    with zipfile.ZipFile(cast("Any", outlet), "w", zipfile.ZIP_STORED) as made:
        made.writestr("manifest.json", submission.manifest)
        try:
            made.writestr("portfolio.pdf", pdf("portfolios/portfolio.typ", facts_of(submission)))
        except FontsMissing:
            made.writestr(
                "portfolio.txt", "The document could not be made; manifest.json holds the same."
            )
        yield outlet.emptied()
        for file in submission.contents["files"]:
            digest = hashlib.sha256()
            entry = zipfile.ZipInfo(f"files/{file['name'] or file['number']}")
            with made.open(entry, "w", force_zip64=True) as place:
                for piece in bytes_of(items[file["id"]]):
                    digest.update(piece)
                    place.write(piece)
                    yield outlet.emptied()
            if digest.hexdigest() != file["sha256"]:
                raise OSError(f"{file['name']} of {submission.reference} is not what was submitted")
    yield outlet.emptied()


def bytes_of(item: EvidenceItem) -> Iterator[bytes]:
    if item.storage_key:
        yield from storage.read(item.storage_key)
    else:
        yield (item.note or item.link).encode()


def facts_of(submission: Submission) -> dict[str, Any]:
    """What the document says, from the manifest."""
    contents = submission.contents
    written = {one["criterion"]: one["text"] for one in contents["reflections"]}
    criteria = []
    for criterion in submission.rubric.criteria.order_by("number"):
        lines = [
            ", ".join(
                part
                for part in (file["name"], file["title"], support["claim"], support["locator"])
                if part
            )
            for file in contents["files"]
            for support in file["criteria"]
            if support["criterion"] == criterion.code
        ]
        criteria.append(
            {
                "title": str(criterion),
                "reflection": written.get(criterion.code, ""),
                "evidence": lines,
            }
        )
    return {
        "reference": submission.reference,
        "task": contents["task"],
        "sentence": f"Submitted on {in_words(submission.submitted_at, submission.delivery.zone)}.",
        "rows": [
            ["Learner", submission.learner.name],
            ["Micro-credential", str(submission.task.version)],
            ["Attempt", str(submission.attempt)],
            ["Fingerprint of the manifest", submission.fingerprint],
        ],
        "criteria": criteria,
        "files": [
            {"name": one["name"], "title": one["title"], "size": filesizeformat(one["bytes"])}
            for one in contents["files"]
        ],
        "declaration": contents["declaration"]["text"].splitlines(),
    }
