"""The same cohort with and without a seed: everybody else's pages, the round, its sample, sign-off and release.

One world is built, and a seed is hidden for Ada, decided or referred, in one copy of it and not in the other, at
the same frozen moment. What the others can get is compared byte by byte; what is counted, by its keys.
"""

import os
import random
import re

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.urls.converters import UUIDConverter
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import Membership
from assessment.selectors import open_work
from assessment.selectors.prepared import prepared_for
from awards.models import Credential
from awards.selectors.candidates import set_of
from moderation import selectors
from moderation.actions import draw_sample, open_round
from moderation.models import ModerationRound
from portfolios.models import Submission
from tests.assessment.test_two_worlds import HEADERS, TOKENS
from tests.factories.assessment import assessed, decided, drafted
from tests.factories.awards import batch, conclude, release, sign
from tests.factories.moderation import agreed
from tests.factories.seeds import hidden, planned, relay, seeded_cast
from tests.personas import make_user
from tests.worlds import kept
from workflows.selectors import verify

pytestmark = [pytest.mark.django_db]
FULL = os.environ.get("PROOF") == "full"


@kept
def cast():
    """Everybody's work is decided, Lena's and Hōne's by Ada."""
    made = seeded_cast()
    made.people["prue"] = make_user("prue")
    Membership.objects.create(
        user=made.prue, organisation=made.provider, role=OrganisationRole.ADMINISTRATOR
    )
    for name in ("lena", "hone"):
        assessed(made, name)
    made.plan = planned(made)
    relay()
    return made


def nothing(cast):
    return None


def recorded(cast):
    seed = hidden(cast, cast.plan)
    decided(seed.submission, cast.ada, "NY")
    relay()
    return seed


def sent_back(cast):
    from assessment.actions.deciding import refer

    seed = hidden(cast, cast.plan)
    drafted(seed.submission, cast.ada, "NY")
    refer(seed.submission, actor=cast.ada)
    relay()
    return seed


def waiting(cast):
    return hidden(cast, cast.plan)


APART = (
    "moderation:seeds", "moderation:seeds_of", "assessment:seed", "metrics", "healthz", "readyz",
    "workflows:messages",
)  # fmt: skip
"""Pages of seeds themselves, of the machine, and of mails that wait: the assessor's own mail is one."""
SHORT = {
    "prue": (
        "catalogue:home",
        "catalogue:micro_credentials",
        "catalogue:deliveries",
        "awards:board",
        "assessment:allocate",
        "assessment:workload",
        "assessment:shares",
    ),
    "lea": ("moderation:home", "moderation:rounds", "moderation:open", "moderation:agreement"),
    "rita": ("awards:home",),
    "mere": ("portfolios:library",),
}


def routes(prefix="", patterns=None):
    """Name and converters of every address."""
    for one in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(one, URLPattern):
            if one.name:
                yield f"{prefix}{one.name}", one.pattern.converters
        elif one.namespace not in ("admin", "djdt"):
            inner = f"{prefix}{one.namespace}:" if one.namespace else prefix
            yield from routes(inner, one.url_patterns)


def addresses(cast):
    """Every page about nothing, about the delivery, and about its task."""
    for name, keys in sorted(routes(), key=lambda one: one[0]):
        if name in APART or "logout" in name or name.startswith(("mfa_", "account_")):
            continue
        if not keys:
            yield name, reverse(name)
        elif set(keys) == {"delivery"} or (set(keys) == {"pk"} and name in DELIVERY_PAGES):
            yield name, reverse(name, args=[cast.delivery.pk])
        elif set(keys) == {"delivery", "task"}:
            yield name, reverse(name, args=[cast.delivery.pk, cast.task.pk])


DELIVERY_PAGES = ("awards:board", "catalogue:delivery", "catalogue:escalations", "catalogue:policy")


def pages_of(cast, person, names):
    client = Client()
    client.force_login(cast.people[person])
    seen = {}
    for name, where in addresses(cast):
        if names is not None and name not in names:
            continue
        answer = client.get(where)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        text = body.decode("utf-8", "replace")
        for pattern, word in TOKENS:
            text = pattern.sub(word, text)
        text = re.sub(r"/inbox/\d+/", "/inbox/N/", text)
        headers = {key: value for key, value in answer.headers.items() if key not in HEADERS}
        seen[name] = (answer.status_code, headers, text)
    return seen


def parted(one, other):
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    return [text[max(0, at - 80) : at + 120] for text in (one, other)]


@pytest.mark.proof
@pytest.mark.parametrize("happens", [waiting, recorded, sent_back] if FULL else [waiting])
def test_nobody_elses_pages_change(cast, happens):
    people = dict.fromkeys(n for n in cast.people if n != "ada") if FULL else SHORT
    worlds = []
    now = timezone.now()
    for how in (nothing, happens):
        with transaction.atomic(), time_machine.travel(now, tick=False):
            how(cast)
            worlds.append({name: pages_of(cast, name, names) for name, names in people.items()})
            transaction.set_rollback(True)
    apart = [
        (person, name, parted(str(one), str(worlds[1][person][name])))
        for person, pages in worlds[0].items()
        for name, one in pages.items()
        if one != worlds[1][person][name]
    ]
    assert not apart, "\n".join(map(repr, apart))


def counted(cast):
    """The cohort through a round, sign-off and release, as keys. Codes of a round are drawn anew in each."""
    first = [one.pk for one in open_work(cast.delivery)]
    policy = selectors.policy_of(cast.delivery)
    population = [one.row for one in selectors.candidates(cast.delivery, cast.task, policy)]
    found = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
    members = sorted(map(repr, found.members.values_list("submission", "decision", "targeted_for")))
    items = sorted(map(repr, found.items.values_list("submission", "part")))
    for item in found.items.all():
        agreed(item)
    conclude(cast, found)
    figures = selectors.statistics_of(ModerationRound.objects.get(pk=found.pk))
    lines = sorted(str(one.pk) for one in set_of(cast.delivery, cast.task))
    made = batch(cast)
    sign(made, cast.rita)
    signed = sorted(map(str, made.lines.values_list("submission", flat=True)))
    release(cast)
    states = sorted(
        Submission.objects.filter(delivery=cast.delivery).values_list("reference", "state")
    )
    faults, _counts = verify()
    return (
        first, population, members, items, figures, lines, signed, states,
        Credential.objects.count(), faults,
    )  # fmt: skip


def test_rounds_samples_signatures_results_and_the_audit_are_the_same(cast):
    worlds = []
    now = timezone.now()
    for how in (nothing, recorded):
        with transaction.atomic(), time_machine.travel(now, tick=False):
            seed = how(cast)
            worlds.append(counted(cast))
            if seed is not None:
                # It is where it was, and no release ever reaches it.
                assert Submission.objects.get(pk=seed.submission_id).state == "assessed"
                assert not Credential.objects.filter(submission=seed.submission_id).exists()
            transaction.set_rollback(True)
    assert worlds[0][-1] == []
    assert worlds[0] == worlds[1]


@pytest.mark.proof
def test_no_address_opens_a_seed_to_anybody_else(cast):
    """Every address with the key of one thing, filled with the keys of a seed's own rows; some of them each day."""
    seed = recorded(cast)
    work = Submission.objects.get(pk=seed.submission_id)
    place = work.delivery
    keys = {
        "pk": [work.pk, work.portfolio_id, work.enrolment_id, place.pk],
        "submission": [work.pk],
        "evidence": [pin.evidence_id for pin in work.pins.all()],
        "delivery": [place.pk],
        "enrolment": [work.enrolment_id],
        "portfolio": [work.portfolio_id],
    }
    asked = [
        reverse(name, kwargs={one: key})
        for name, wanted in routes()
        if len(wanted) == 1
        and (one := next(iter(wanted))) in keys
        and name not in APART
        and isinstance(wanted[one], UUIDConverter)
        for key in keys[one]
    ]
    asked += [
        reverse(name, args=[place.pk, cast.task.pk])
        for name, wanted in routes()
        if set(wanted) == {"delivery", "task"}
    ]
    assert len(asked) > 100
    people = [name for name in cast.people if name != "ada"] if FULL else ["prue", "lea"]
    drawn = random.Random(os.environ.get("GATE_SEED"))
    for name in people:
        client = Client()
        client.force_login(cast.people[name])
        for where in asked if FULL else drawn.sample(asked, 30):
            answer = client.get(where)
            assert answer.status_code in (403, 404, 405), (name, where, answer.status_code)


def test_the_first_submissions_of_a_task_are_live_ones(cast):
    from moderation.selectors.population import _arrivals

    before = _arrivals(cast.task, 10)
    recorded(cast)
    assert _arrivals(cast.task, 10) == before
    assert len(before) == 3


def test_a_new_delivery_counts_no_seed_among_the_first_decisions(cast):
    from assessment.actions.early import begin_early_checks
    from assessment.models import EarlyCheck

    recorded(cast)
    cast.delivery.policy_overrides = {"marking.early_check": 4}
    begin_early_checks(delivery=cast.delivery, actor=cast.pam)
    assert EarlyCheck.objects.filter(task=cast.task, size=4).exists()


def test_prepared_comments_are_the_same_beside_a_seed(cast):
    seed = recorded(cast)
    criteria = list(cast.task.rubric.criteria.all())
    live = Submission.objects.get(learner=cast.lena)
    assert prepared_for(seed.submission, cast.ada, criteria) == prepared_for(
        live, cast.ada, criteria
    )
