"""No address of the site tells who a blind piece of work is by: not to its assessor, not to its moderator.

Every GET address that the site has, whenever it was added, filled in with each key that fits: headers, pages,
files and what is packed in them are searched for the learner's name, e-mail address and file name, and for
the names that were hidden in the files.
"""

import itertools
import logging
import os
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from assessment.actions.allocation import allocate
from catalogue.models import Criterion
from moderation.actions import draw_sample, open_round
from portfolios.actions.drafting import map_evidence
from portfolios.actions.rendering import make_renditions
from portfolios.models import RenditionPart, Submission
from tests.factories.assessment import decided, drafted
from tests.factories.portfolios import file, note, portfolio_of, submit
from tests.personas import Cast, make_cast
from tests.portfolios import corpus
from tests.portfolios.test_inspection import CANARIES, everything_in, forms_of

pytestmark = pytest.mark.proof
FULL = os.environ.get("PROOF") == "full"
HOLE = re.compile(r"<(?:(\w+):)?(\w+)>")
ELSEWHERE = ("/admin", "/accounts", "/hooks", "/metrics", "/readyz")
"""Addresses of packages and of machines: none is about a piece of work."""


def addresses() -> list[str]:
    """Every address as it stands in the patterns, with its holes."""

    def walk(patterns: list[Any], prefix: str) -> Iterator[str]:
        for one in patterns:
            path = prefix + str(one.pattern)
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, path)
            elif isinstance(one, URLPattern):
                yield path

    found = [
        one for one in walk(get_resolver().url_patterns, "/") if not re.search(r"[\^(\\]", one)
    ]
    return [one for one in found if not one.startswith(ELSEWHERE)]


def keys_of(cast: Cast, submission: Submission) -> dict[str, list[Any]]:
    """What fits into a hole of that name; under "" what is tried where the name says nothing."""
    portfolio = submission.portfolio
    evidence = list(submission.pins.values_list("evidence_id", flat=True))
    items = list(submission.sample_items.all())
    found: dict[str, list[Any]] = {
        "evidence": evidence,
        "submission": [submission.pk],
        "portfolio": [portfolio.pk],
        "delivery": [cast.delivery.pk],
        "task": [cast.task.pk],
        "reference": [submission.reference],
    }
    rows = [
        submission.allocations.all(),
        submission.decisions.all(),
        submission.holds.all(),
        portfolio.attestations.all(),
    ]
    other = [row.pk for row in itertools.chain(*rows, items)] + [one.round_id for one in items]
    other += [cast.lena.pk, submission.enrolment_id, cast.delivery.version_id]
    known = itertools.chain(*(value for name, value in found.items() if name != "reference"))
    found[""] = [*known, *other]
    return found


def filled(pattern: str, keys: dict[str, list[Any]]) -> list[str]:
    """The address with keys in its place: forty, in a small run two, others each day."""
    holes = HOLE.findall(pattern)
    values = []
    for kind, name in holes:
        if kind == "uuid":
            fits = keys.get(name) or [one for one in keys[""] if not isinstance(one, int)]
        elif kind == "int":
            fits = [1, 2, *(one for one in keys[""] if isinstance(one, int))]
        else:
            fits = keys.get(name, [*keys["reference"], "learner"])
        values.append(fits)
    made = []
    for chosen in itertools.product(*values):
        path = pattern
        for value in chosen:
            path = HOLE.sub(str(value), path, count=1)
        made.append(path)
    some = random.Random(f"{os.environ.get('GATE_SEED')} {pattern}")
    return some.sample(made, min(len(made), 40 if FULL else 2))


def named_in(client: Client, path: str) -> list[str]:
    """The canaries in what comes from that address."""
    answer = client.get(path)
    assert answer.status_code < 500, path
    raw = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = everything_in(raw) + repr(sorted(answer.headers.items())).encode()
    return [word for word in CANARIES if any(form in text for form in forms_of(word))]


def asked_of(keys: dict[str, list[Any]]) -> list[str]:
    """What is asked for: everything, or some that change daily; the evidence and its pages always."""
    found = [path for pattern in addresses() for path in filled(pattern, keys)]
    if not FULL:
        found = random.Random(f"{os.environ.get('GATE_SEED')}").sample(found, 25)
    found += [f"/evidence/{key}/" for key in keys["evidence"]]
    return found + [f"/evidence/{key}/pages/1/" for key in keys["evidence"]]


def test_no_address_names_the_learner_of_blind_work(
    db: None, caplog: pytest.LogCaptureFixture
) -> None:
    cast = make_cast(policy={"anonymous_marking": True})
    portfolio = portfolio_of(cast)
    items = [note(portfolio, "What I did", "Every heading was checked.")]
    made = {
        "a.docx": corpus.docx_with_names,
        "a.odt": corpus.odt_with_names,
        "a.pdf": corpus.pdf_with_names,
        "a.jpg": corpus.photo,
    }
    if not FULL:
        del made["a.odt"]
    items += [file(portfolio, f"Lena Tūhoe geheim {name}", make()) for name, make in made.items()]
    for criterion in Criterion.objects.filter(rubric__task=cast.task):
        for item in items:
            map_evidence(portfolio, item, criterion, actor=cast.lena)
    make_renditions()
    assert RenditionPart.objects.exists()
    submission = submit(portfolio)
    allocate(submission, cast.ada, actor=cast.pam)
    caplog.set_level(logging.INFO)
    found = []

    def look_as(person: Any) -> None:
        client = Client()
        client.force_login(person)
        keys = keys_of(cast, submission)
        for path in asked_of(keys):
            words = [word for word in named_in(client, path) if word not in path]
            found.extend((person.name, path, word) for word in words)
        served = [client.get(f"/evidence/{key}/").status_code for key in keys["evidence"]]
        assert served == [200] * len(items)

    drafted(submission, cast.ada)
    look_as(cast.ada)
    submission = decided(submission, cast.ada)
    drawn = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
    look_as(drawn.items.get().moderator)
    found += [("the log", "", word) for word in CANARIES if word in caplog.text]
    assert found == []
    assert len(addresses()) > 250
    # The same search finds her name where she is herself.
    own = Client()
    own.force_login(cast.lena)
    described = f"/learn/p/{portfolio.pk}/evidence/{items[1].pk}/"
    assert {"Tūhoe", "geheim"} <= set(named_in(own, described))
