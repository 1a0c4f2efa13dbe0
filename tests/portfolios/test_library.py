"""The library: finding, age, reuse, the rules of evidence, and what is missing for people who cannot see or hear."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from assessment.actions.allocation import allocate
from assessment.actions.marking import start_assessment
from catalogue.models import Criterion
from portfolios.actions.attestation import (
    ask_on_the_spot,
    ask_to_confirm,
    attest,
    open_attestation,
)
from portfolios.actions.drafting import describe_evidence, map_evidence, remove_evidence
from portfolios.actions.rendering import make_renditions
from portfolios.models import EvidenceItem
from portfolios.selectors import progress_of
from portfolios.selectors.evidence import months_before, reuse_of, standing_of
from portfolios.selectors.viewing import views_of
from tests.factories.portfolios import file, note, png, portfolio_of, ready, submit
from tests.factories.recordings import pages_of

pytestmark = pytest.mark.sqlite


def with_file(cast, who: str, content: bytes):
    """A submission that uses this file for the first criterion too."""
    portfolio = ready(cast, who)
    item = file(portfolio, "form.pdf", content)
    learner = portfolio.enrolment.learner
    first = Criterion.objects.filter(rubric__task=cast.task).order_by("number")[0]
    map_evidence(portfolio, item, first, actor=learner, claim="The form.", locator="page 2")
    return submit(portfolio), item


# --- reuse -------------------------------------------------------------------------------------------


def test_the_assessor_sees_pages_and_that_somebody_else_has_the_same_file(cast, as_):
    content = pages_of(2)
    submission, item = with_file(cast, "lena", content)
    assert not reuse_of(submission).by_others
    held = file(portfolio_of(cast, "hone"), "mine.pdf", content)
    assert reuse_of(submission).by_others == {item.pk}
    EvidenceItem.objects.filter(pk=held.pk).update(organisation=cast.other)
    assert not reuse_of(submission).by_others  # what another provider holds is not said
    EvidenceItem.objects.filter(pk=held.pk).update(organisation=item.organisation)
    make_renditions()
    allocate(submission, cast.ada, actor=cast.lea)
    start_assessment(submission, actor=cast.ada)
    page = as_(cast.ada).get(reverse("assessment:workspace", args=[submission.pk])).content.decode()
    assert page.count("Somebody else has added the same content.") == 1
    assert cast.hone.name not in page
    assert "older than evidence usually is" not in page
    EvidenceItem.objects.filter(pk=item.pk).update(happened_on=dt.date(2020, 5, 1))
    again = (
        as_(cast.ada).get(reverse("assessment:workspace", args=[submission.pk])).content.decode()
    )
    assert "Done in May 2020: older than evidence usually is" in again
    number = submission.pins.get(evidence=item).number
    assert f'id="evidence-{number}-page-2"' in page
    assert f'href="#evidence-{number}-page-2"' in page


def test_what_a_learner_submitted_for_another_task_is_flagged_and_a_new_attempt_is_not(cast):
    content = pages_of(1)
    submission, item = with_file(cast, "lena", content)
    assert not reuse_of(submission).elsewhere
    other, copy = with_file(cast, "hone", content)
    assert not reuse_of(other).elsewhere
    assert reuse_of(other).by_others
    type(other).objects.filter(pk=other.pk).update(learner=cast.lena)
    assert reuse_of(submission).elsewhere == {item.pk}
    EvidenceItem.objects.filter(pk=copy.pk).update(organisation=cast.other)
    assert not reuse_of(submission).elsewhere


# --- finding -----------------------------------------------------------------------------------------


def library_page(as_, person, query: str = "") -> str:
    return as_(person).get(reverse("portfolios:library") + query).content.decode()


def test_macrons_and_doubled_vowels_do_not_matter_and_exact_words_come_first(cast, as_):
    portfolio = portfolio_of(cast)
    for title in ("Maori names", "Māori names", "Maaori names", "Something else"):
        note(portfolio, title)
    for asked in ("maori", "māori", "MAAORI", "ma%CC%84ori"):
        page = library_page(as_, cast.lena, f"?q={asked}")
        titles = re.findall(r'<h2 class="govuk-heading-s">(?:<a[^>]*>)?([^<]+)', page)
        assert {*titles} == {"Maori names", "Māori names", "Maaori names"}
        assert "3 of 4 items" in page
    first = re.findall(r"(M[āa]+ori) names</", library_page(as_, cast.lena, "?q=Māori"))
    assert first[0] == "Māori"
    assert "Nothing fits" in library_page(as_, cast.lena, "?q=xyz")


def test_filters_and_age(cast, as_):
    portfolio = portfolio_of(cast)
    old, new, undated = (
        note(portfolio, "Old work"),
        note(portfolio, "New work"),
        note(portfolio, "No day"),
    )
    today = timezone.localdate()
    for item, day in ((old, today - dt.timedelta(days=37 * 31)), (new, today)):
        describe_evidence(item, actor=cast.lena, title=item.title, happened_on=day)
    photo = file(portfolio, "photo.png", png(), kind="photo", title="Photo of it")
    first = Criterion.objects.filter(rubric__task=cast.task)[0]
    map_evidence(portfolio, new, first, actor=cast.lena)
    everything = {"Old work", "New work", "No day", "Photo of it"}
    for query, found in {
        "": everything,
        "?kind=photo": {"Photo of it"},
        "?use=used": {"New work"},
        "?use=unused": everything - {"New work"},
        "?look=old": everything - {"New work"},
        "?look=access": {"Photo of it"},
        "?look=refused": set(),
        "?kind=nonsense&look=nonsense": everything,
    }.items():
        page = library_page(as_, cast.lena, query)
        assert {one for one in everything if one in page} == found, query
    page = library_page(as_, cast.lena)
    assert page.count("more than 36 months ago") == 1
    assert "It has no description for people who cannot see it." in page
    assert undated.title in page
    assert photo.title in page


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (dt.date(2026, 3, 31), 1, dt.date(2026, 2, 28)),
        (dt.date(2024, 2, 29), 36, dt.date(2021, 2, 28)),
        (dt.date(2026, 1, 15), 36, dt.date(2023, 1, 15)),
        (dt.date(2026, 12, 31), 1, dt.date(2026, 11, 30)),
    ],
)
def test_months_before(day, months, before):
    assert months_before(day, months) == before


def test_the_library_takes_a_fixed_number_of_queries(cast, as_):
    counts = []
    for number in range(3):
        file(portfolio_of(cast), f"{number}.pdf")
        make_renditions()
        client = as_(cast.lena)
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("portfolios:library"))
        counts.append(len(asked))
    assert counts[0] == counts[-1]


# --- rules of evidence -------------------------------------------------------------------------------


def standings_of(portfolio) -> dict:
    progress = progress_of(portfolio)
    items = [m.evidence for o in progress.outcomes for r in o.criteria for m in r.mappings]
    found = standing_of(portfolio, progress, views_of(items))
    return {one.row.criterion.code: one for one in found}


def test_gaps_are_named_and_close_one_after_the_other(cast, as_):
    portfolio = portfolio_of(cast)
    criterion = Criterion.objects.get(code="C1")
    assert "There is no evidence that is ready." in standings_of(portfolio)["C1"].gaps
    item = file(portfolio, "report.pdf", pages_of(2))
    make_renditions()
    map_evidence(portfolio, item, criterion, actor=cast.lena)
    gaps = " ".join(standings_of(portfolio)["C1"].gaps)
    for words in (
        "Say what it shows",
        "Nobody at work",
        "Say when",
        "one piece",
        "all of one kind",
    ):
        assert words in gaps
    map_evidence(portfolio, item, criterion, actor=cast.lena, claim="It shows the labels.")
    assert "the page or the time" in " ".join(standings_of(portfolio)["C1"].gaps)
    map_evidence(portfolio, item, criterion, actor=cast.lena, claim="It shows.", locator="page 2")
    describe_evidence(item, actor=cast.lena, title="Report", happened_on=timezone.localdate())
    other = note(portfolio)
    describe_evidence(other, actor=cast.lena, title="Note", happened_on=timezone.localdate())
    map_evidence(portfolio, other, criterion, actor=cast.lena, claim="It too.")
    left = standings_of(portfolio)["C1"]
    assert {one.split(": ")[1] for one in left.gaps} == {"Nobody at work has confirmed this yet."}
    assert left.colour == "yellow"
    asked = ask_to_confirm(portfolio, actor=cast.lena, name="V", email="v@work.example")
    attest(open_attestation(asked), statements={criterion: ("observed", "")})
    done = standings_of(portfolio)["C1"]
    assert (done.gaps, done.words, done.colour) == ([], "No gaps found", "green")
    address = reverse("portfolios:map", args=[portfolio.pk]) + "?by=rules"
    page = as_(cast.lena).get(address).content.decode()
    assert "No gaps found" in page
    assert "There is no evidence that is ready." in page
    describe_evidence(item, actor=cast.lena, title="Report", happened_on=dt.date(2015, 5, 1))
    assert "more than 36 months ago" in " ".join(standings_of(portfolio)["C1"].gaps)


def test_who_was_asked_and_did_not_see_it_makes_it_doubtful(cast):
    portfolio = portfolio_of(cast)
    criterion = Criterion.objects.get(code="C1")
    map_evidence(portfolio, note(portfolio), criterion, actor=cast.lena, claim="It shows.")
    asked = ask_to_confirm(portfolio, actor=cast.lena, name="V", email="v@work.example")
    attest(open_attestation(asked), statements={criterion: ("not_observed", "")})
    assert "has not seen this" in " ".join(standings_of(portfolio)["C1"].gaps)


# --- access ------------------------------------------------------------------------------------------


def test_the_check_asks_whether_evidence_is_accessible(cast, as_):
    portfolio = portfolio_of(cast)
    criterion = Criterion.objects.get(code="C1")
    scan = file(portfolio, "scan.pdf")
    photo = file(portfolio, "photo.png", png(), kind="photo")
    make_renditions()
    for item in (scan, photo):
        map_evidence(portfolio, item, criterion, actor=cast.lena)
    address = reverse("portfolios:check", args=[portfolio.pk])
    page = as_(cast.lena).get(address).content.decode()
    assert "Is your evidence accessible?" in page
    assert "Its pages seem to be pictures of text." in page
    assert "It has no description for people who cannot see it." in page
    for item in (scan, photo):
        describe_evidence(item, actor=cast.lena, title=item.title, text_alternative="A form.")
    page = as_(cast.lena).get(address).content.decode()
    assert "We found nothing missing" in page


@pytest.mark.parametrize(
    ("given", "told", "asked"),
    [
        (("open", True), ["People who can be recognised in it have agreed."], False),
        (
            ("internal", False),
            [
                "Internal to the learner’s employer.",
                "The learner has not said that people who can be recognised in it agreed.",
            ],
            True,
        ),
        (
            ("confidential", True),
            [
                "Confidential: it is for those who assess this work, and for nobody else.",
                "People who can be recognised in it have agreed.",
            ],
            False,
        ),
    ],
)
def test_how_freely_it_may_be_shown_is_told_to_those_who_see_it(cast, as_, given, told, asked):
    portfolio = portfolio_of(cast)
    photo = file(portfolio, "photo.png", png(), kind="photo")
    plain = note(portfolio, "The hui")
    for item in (photo, plain):
        describe_evidence(
            item,
            actor=cast.lena,
            title=item.title,
            confidentiality=given[0],
            consent_given=given[1],
        )
        for criterion in Criterion.objects.filter(rubric__task=cast.task):
            map_evidence(portfolio, item, criterion, actor=cast.lena)
    check = as_(cast.lena).get(reverse("portfolios:check", args=[portfolio.pk])).content.decode()
    named = "You have not said that people who can be recognised in “{}” have agreed."
    assert [check.count(named.format(one.title)) for one in (photo, plain)] == [int(asked), 0]
    link = ask_on_the_spot(
        portfolio, actor=cast.lena, name="Vic", email="vic@work.example", evidence=[photo]
    )[1]
    verifier = Client()
    verifier.post(f"/v/{link}/")
    page = " ".join(verifier.get("/v/confirm/").content.decode().split())
    assert " ".join(told) in page
    # Words of the learner's own are no news to them.
    photo.refresh_from_db()
    own = as_(cast.lena).get(reverse("portfolios:view", args=[photo.pk])).content.decode()
    assert [one for one in told if one in own] == []
    submission = submit(portfolio)
    allocate(submission, cast.ada, actor=cast.lea)
    start_assessment(submission, actor=cast.ada)
    page = as_(cast.ada).get(reverse("assessment:workspace", args=[submission.pk])).content.decode()
    assert " ".join(told) in page


def test_what_was_removed_can_be_brought_back_for_as_long_as_the_page_says(cast, as_):
    item = note(portfolio_of(cast), "The hui")
    remove_evidence(item, actor=cast.lena)
    library = reverse("portfolios:library")
    page = as_(cast.lena).get(library).content.decode()
    assert "You can bring these back for 30 days." in page
    assert "removing “The hui”" in page
    long_ago = timezone.now() - dt.timedelta(days=31)
    EvidenceItem.objects.filter(pk=item.pk).update(removed_at=long_ago)
    assert "removing “The hui”" not in as_(cast.lena).get(library).content.decode()
