"""Where learners are codes, nothing that an assessor can reach names one: no page, address, file or message."""

import io
import re
import zipfile
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from accounts.enums import OrganisationKind
from accounts.models import Organisation
from assessment.actions.allocation import allocate
from assessment.actions.commenting import write_comment
from assessment.definitions import Remark
from catalogue.models import Criterion, Enrolment
from portfolios.actions.drafting import map_evidence
from tests.factories.assessment import drafted
from tests.factories.portfolios import file, note, portfolio_of, submit
from tests.personas import make_cast
from workflows.models import Notification, OutboxMessage

CANARIES = ("Quokka", "Zebediah", "zebediah", "wombat", "Wombat", "Kiwiburg", "platypus")


class Links(HTMLParser):
    """Every address that a page leads to or loads."""

    def __init__(self, page):
        super().__init__()
        self.found = set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in {"href", "src", "poster", "hx-get", "data-result"} and value:
                self.found.add(value.partition("#")[0])


@pytest.fixture
def coded(db):
    """Work of Zebediah, with names in everything that an upload carries: title, file name, employer, site."""
    cast = make_cast(learners=1, policy={"anonymous_marking": True})
    learner = cast.learners[0]
    learner.name, learner.email = "Zebediah Quokka", "zebediah@wombat.example"
    learner.save()
    employer = Organisation.objects.create(
        code="wombat", name="Wombat Works", kind=OrganisationKind.CLIENT
    )
    Enrolment.objects.filter(learner=learner).update(employer=employer, site="Kiwiburg")
    cast.enrolments["lena"].refresh_from_db()
    portfolio = portfolio_of(cast)
    items = [
        note(portfolio, "Zebediah at work", "I labelled every field."),
        file(portfolio, "platypus-zebediah.pdf"),
    ]
    for criterion in Criterion.objects.filter(rubric__task=cast.task):
        for item in items:
            map_evidence(
                portfolio, item, criterion, actor=learner, claim="It shows it.", locator="page 1"
            )
    submission = submit(portfolio)
    allocate(submission, cast.ada, actor=cast.pam)
    drafted(submission, cast.ada)
    remark = Remark("Look at the labels.", page=1)
    write_comment(submission.pk, actor=cast.ada, evidence=2, remark=remark)
    return cast, submission, portfolio


def texts_of(answer):
    """Everything that an answer says: headers, body, and what is in a ZIP."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    yield str(answer.headers)
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for name in archive.namelist():
                yield name
                yield archive.read(name).decode("utf-8", "replace")
    else:
        yield body.decode("utf-8", "replace")


def walk(client, begin):
    """Follow every link within the site, and give each address with what it says."""
    waiting, seen = list(begin), {}
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        answer = client.get(address)
        seen[address] = "\n".join(texts_of(answer))
        if answer.status_code == 200 and "text/html" in answer.get("Content-Type", ""):
            links = {
                re.sub(r"^\?", address.partition("?")[0] + "?", one)
                for one in Links(seen[address]).found
            }
            waiting += sorted(one for one in links if one.startswith(("/assess/", "/evidence")))
    return seen


def test_nothing_that_a_blind_assessor_reaches_names_the_learner(coded):
    cast, submission, portfolio = coded
    learner = submission.learner
    client = Client()
    client.force_login(cast.ada)
    key = submission.pk
    begin = [reverse(f"assessment:{name}") for name in ("home", "queue", "offline", "bank")]
    begin += [
        reverse(f"assessment:{name}", args=[key])
        for name in ("workspace", "finish", "recorded", "result", "comments_table", "known", "ask_review")
    ]  # fmt: skip
    begin += [
        reverse("assessment:comments_vtt", args=[key, 2]),
        reverse("assessment:offline_files", args=[cast.delivery.pk]),
    ]
    for item in submission.pins.values_list("evidence_id", flat=True):
        begin += [
            reverse(f"portfolios:{name}", args=[item]) for name in ("serve", "view", "preview")
        ]
        begin.append(reverse("portfolios:page_image", args=[item, 1]))
    seen = walk(client, begin)
    assert len(seen) > 20
    private = [str(learner.pk), str(portfolio.pk), str(submission.enrolment_id), learner.email]
    for address, said in seen.items():
        for canary in (*CANARIES, *private):
            assert canary not in address, address
            assert canary not in said, (address, canary)
    assert any("marks.csv" in said and submission.pseudonym in said for said in seen.values())
    # What is sent to the assessor.
    for one in Notification.objects.filter(recipient=cast.ada):
        assert not any(canary in f"{one.path} {one.context}" for canary in (*CANARIES, *private))
    for one in OutboxMessage.objects.all():
        if cast.ada.email in str(vars(one)):
            assert not any(canary in str(vars(one)) for canary in CANARIES)


def test_the_walk_finds_a_name_where_there_is_one(coded):
    """The same walk over the same work, by somebody to whom names are shown."""
    cast, submission, _portfolio = coded
    cast.delivery.policy_overrides = {"anonymous_marking": False}
    cast.delivery.save()
    client = Client()
    client.force_login(cast.ada)
    seen = walk(client, [reverse("assessment:workspace", args=[submission.pk])])
    assert any("Zebediah Quokka" in said for said in seen.values())
