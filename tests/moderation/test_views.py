"""Pages by persona, the blind page, and the way from home to a closed round."""

import json
import os
import random
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assessment.models import AssessmentDecision, CriterionJudgement
from moderation.actions import close_round, decide_round, draw_sample, open_round
from moderation.enums import RoundState, SampleState
from moderation.models import ModerationRound, SampleItem
from portfolios.models import Submission
from tests.factories.moderation import (
    NOTHING_TARGETED,
    agreed,
    assessed_set,
    decided_round,
    drawn_round,
    entered,
    fresh,
    frozen_round,
    moderated,
    moderator_of,
    read_round,
    scored,
)
from tests.personas import PASSWORD, Cast, make_cast
from tests.tampering import tampering
from workflows.models import AccessRecord

pytestmark = pytest.mark.django_db
FULL = os.environ.get("PROOF") == "full"


def signed_in(cast: Cast, name: str) -> Client:
    client = Client()
    client.force_login(cast.people[name])
    return client


def at(page: str, *keys: Any) -> str:
    return reverse(f"moderation:{page}", args=keys)


def tables_that_match(client: Client, page: str, tables: str) -> int:
    """How many files under /moderate/ a page links to; each of their cells stands on the page."""
    links = re.findall(rf'href="(/moderate/{tables}\.csv\?[^"]*)"', page)
    for link in links:
        answer = client.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200
        for line in answer.content.decode().splitlines()[1:]:
            for cell in line.split(","):
                assert not cell or f">{cell}<" in page
    return len(links)


def levels_of(item: SampleItem, code: str = "G", **more: str) -> dict[str, str]:
    """What the blind page posts."""
    sent = {}
    for criterion, level in entered(item.submission, code).levels.items():
        sent[f"level-{criterion}"] = str(level)
        sent[f"comment-{criterion}"] = "Seen."
    return sent | {"comment": "Read.", "sufficiency": "yes"} | more


CANARIES = {
    "feedback": "Canary-feedback-Kōkako",
    "staff_note": "Canary-note-Tūī",
    "criterion": "Canary-criterion-Pīwakawaka",
    "criterion_note": "Canary-criterion-note-Ruru",
}


def test_nothing_of_the_decision_is_in_a_blind_response() -> None:
    """Every page that the blind moderator can reach, raw, with headers; and the canaries do show after."""
    cast = make_cast(learners=2)
    assessed_set(cast, levels={"lena": "NY", "hone": "NY"})
    with tampering():
        AssessmentDecision.objects.update(
            feedback=CANARIES["feedback"], staff_note=CANARIES["staff_note"]
        )
    with tampering():
        CriterionJudgement.objects.update(
            feedback=CANARIES["criterion"], staff_note=CANARIES["criterion_note"]
        )
    drawn = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
    item = drawn.items.first()
    assert item is not None
    reader = "moses" if moderator_of(item) == cast.moses else "ed"
    client = signed_in(cast, reader)
    hidden = [
        *CANARIES.values(), cast.ada.name, cast.ada.email, str(cast.ada.pk), str(item.decision_id),
        "Not achieved", "not_achieved", "small_set", "Targeted", "targeted",
    ]  # fmt: skip
    pages = [at("mark", item.pk), at("round", drawn.pk), at("rounds"), at("home"), at("agreement")]
    for path in pages:
        response = client.get(path)
        assert response.status_code == 200
        text = response.content.decode() + str(response.headers)
        for word in hidden:
            assert word not in text, (path, word)
        # The same page for a piece that was decided otherwise differs by nothing but its own names.
    for path in (at("compare", item.pk), at("decided", item.pk)):
        text = client.get(path, follow=True).content.decode()
        assert not [word for word in hidden if word in text], path
    assert not AccessRecord.objects.exists()
    client.post(at("mark", item.pk), levels_of(item, seal="1"))
    shown = client.get(at("compare", item.pk)).content.decode()
    assert CANARIES["feedback"] in shown
    assert CANARIES["criterion"] in shown
    assert AccessRecord.objects.filter(actor=moderator_of(item)).count() == 1


@pytest.mark.proof
def test_no_address_of_the_site_shows_a_blind_moderator_the_decision() -> None:
    """Every GET address, filled in with keys that the person could know or guess: all, or some that change daily."""
    from django.urls import URLPattern, URLResolver, get_resolver

    cast = make_cast()
    (submission,) = assessed_set(cast, levels={"lena": "NY"})
    with tampering():
        AssessmentDecision.objects.update(feedback=CANARIES["feedback"])
        CriterionJudgement.objects.update(feedback=CANARIES["criterion"])
    drawn = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
    item = drawn.items.get()
    keys = [
        submission.pk, submission.portfolio_id, item.pk, drawn.pk, item.decision_id,
        cast.delivery.pk, cast.task.pk, cast.delivery.version_id, cast.lena.pk,
        *submission.allocations.values_list("pk", flat=True),
    ]  # fmt: skip
    client = signed_in(cast, "moses" if moderator_of(item) == cast.moses else "ed")

    def walk(patterns: list[Any], prefix: str) -> list[str]:
        found = []
        for one in patterns:
            path = prefix + str(one.pattern)
            if isinstance(one, URLResolver):
                found += walk(one.url_patterns, path)
            elif isinstance(one, URLPattern):
                found.append(path)
        return found

    asked = 0
    for pattern in walk(get_resolver().url_patterns, "/"):
        if re.search(r"[\^(\\]", pattern) or pattern.startswith(
            ("/admin", "/accounts", "/metrics", "/readyz")
        ):
            continue
        holes = re.findall(r"<[^>]+>", pattern)
        fills = keys if any(hole.startswith("<uuid:") for hole in holes) else keys[:1]
        if not FULL:
            drawn_keys = random.Random(f"{os.environ.get('GATE_SEED')} {pattern}")
            fills = drawn_keys.sample(fills, min(2, len(fills)))
        for key in fills:
            path = pattern
            for hole in holes:
                kind = hole.strip("<>").split(":")[0]
                value = {"uuid": str(key), "int": "1"}.get(kind, submission.reference)
                path = path.replace(hole, value, 1)
            response = client.get(path)
            asked += 1
            body = b"".join(response) if response.streaming else response.content
            text = body.decode(errors="replace") + str(response.headers)
            assert response.status_code < 500, path
            for word in (CANARIES["feedback"], CANARIES["criterion"]):
                assert word not in text, path
    assert asked > 100


def test_the_blind_page_saves_seals_and_names_what_is_missing() -> None:
    cast = make_cast()
    item = drawn_round(cast).items.get()
    client = signed_in(cast, "moses" if moderator_of(item) == cast.moses else "ed")
    path = at("mark", item.pk)
    sent = levels_of(item)
    saved = client.post(path, sent, headers={"Accept": "application/json"})
    assert saved.json()["version"] == 2
    stale = client.post(path, sent | {"version": "1"}, headers={"Accept": "application/json"})
    assert (stale.status_code, stale.json()["version"]) == (409, 2)
    page = client.get(path).content.decode()
    assert page.count(" checked") == 4
    first = next(key for key in sent if key.startswith("level-"))
    missing = client.post(path, {**sent, first: "", "version": "2", "seal": "1"})
    assert missing.status_code == 422
    assert "choose a level" in missing.content.decode()
    assert "Error:" in missing.content.decode()
    done = client.post(path, sent | {"version": "2", "seal": "1"})
    assert done["Location"] == at("compare", item.pk)
    assert fresh(item).state == SampleState.SCORED
    assert client.get(path).status_code == 302


def test_compare_says_the_effect_before_it_is_confirmed() -> None:
    cast = make_cast(
        learners=8, policy=NOTHING_TARGETED | {"sample.min": 2, "sample.min_per_assessor": 1}
    )
    drawn = drawn_round(cast)
    item = drawn.items.first()
    assert item is not None
    scored(item, "E")
    client = signed_in(cast, "moses" if moderator_of(item) == cast.moses else "ed")
    path = at("compare", item.pk)
    page = client.get(path).content.decode()
    assert "Differs by 1" in page
    refused = client.post(path, {"decision": "adjust", "reason": ""})
    assert "Give a reason." in refused.content.decode()
    preview = client.post(path, {"decision": "adjust", "reason": "Stronger."}).content.decode()
    assert "This counts as a disagreement. The result does not change by itself" in preview
    assert "3 more items will be drawn." in preview
    assert fresh(item).state == SampleState.SCORED
    done = client.post(
        path, {"decision": "adjust", "reason": "Stronger.", "confirm": "1"}, follow=True
    )
    assert done.redirect_chain[-1][0] == at("decided", item.pk)
    assert fresh(item).state == SampleState.ADJUSTED
    assert client.post(path, {"decision": "uphold", "confirm": "1"}).status_code == 403
    lead = signed_in(cast, "lea")
    text = lead.get(at("round", drawn.pk)).content.decode()
    assert "Draw the extension" in text
    assert "3 more items are to be drawn" in text
    assert lead.post(at("extend", drawn.pk)).status_code == 302
    assert drawn.items.count() == 6


def test_from_assessed_to_closed_in_the_browser() -> None:
    cast = make_cast(learners=2)
    assessed_set(cast)
    lea = signed_in(cast, "lea")
    assert "Open a round" in lea.get(at("home")).content.decode()
    opened = lea.post(at("open", cast.delivery.pk, cast.task.pk))
    found = ModerationRound.objects.get()
    assert opened["Location"] == at("plan", found.pk)
    plan = lea.get(at("plan", found.pk)).content.decode()
    assert "Small set: all are read" in plan
    assert found.seed in plan
    lea.post(at("plan", found.pk))
    for item in found.items.all():
        client = signed_in(cast, "moses" if moderator_of(item) == cast.moses else "ed")
        assert "Read it blind" in client.get(at("home")).content.decode()
        client.post(at("mark", item.pk), levels_of(item, seal="1"))
        client.post(at("compare", item.pk), {"decision": "uphold", "confirm": "1"})
    assert "Decide on the set" in lea.get(at("home")).content.decode()
    chosen = {"decision": "accept", "reason": "Applied as agreed."}
    assert "No result changes" in lea.post(at("decide", found.pk), chosen).content.decode()
    lea.post(at("decide", found.pk), chosen | {"confirm": "1"})
    assert "All 2 submissions move" in lea.get(at("close", found.pk)).content.decode()
    done = lea.post(at("close", found.pk), follow=True)
    assert "Round closed" in done.content.decode()
    assert {one.state for one in Submission.objects.all()} == {"moderated"}
    record = lea.get(at("record", found.pk))
    assert json.loads(record.content)["plans"][0]["population_hash"] == found.population_hash
    assert "attachment" in record["Content-Disposition"]
    assert "Every criterion in figures" in lea.get(at("agreement")).content.decode()
    assert "Too few to judge" in lea.get(at("agreement")).content.decode()


def test_refusals_name_the_work() -> None:
    cast = make_cast(learners=2)
    drawn = drawn_round(cast)
    lea = signed_in(cast, "lea")
    refused = lea.post(
        at("decide", drawn.pk), {"decision": "accept", "reason": "Now.", "confirm": "1"}
    )
    assert refused.status_code == 422
    for submission in Submission.objects.all():
        assert submission.reference in refused.content.decode()


def test_the_second_approver_signs_in_again_and_sees_every_change() -> None:
    from catalogue.models import Criterion

    cast = make_cast(learners=2)
    found = read_round(cast)
    lea = signed_in(cast, "lea")
    chosen = {
        "decision": "adjust_set",
        "reason": "Too generous.",
        "criterion": str(Criterion.objects.get(code="C1").pk),
        "shift": "-1",
    }
    assert (
        "needed for this decision"
        in lea.post(at("decide", found.pk), chosen | {"shift": ""}).content.decode()
    )
    preview = lea.post(at("decide", found.pk), chosen).content.decode()
    assert "Met well to Met" in preview
    lea.post(at("decide", found.pk), chosen | {"confirm": "1"})
    assert "The round cannot be closed yet" in lea.get(at("close", found.pk)).content.decode()
    moses = signed_in(cast, "moses")
    assert "Look at the adjustment" in moses.get(at("round", found.pk)).content.decode()
    asked = moses.get(at("approve", found.pk)).content.decode()
    assert "Confirm that it is you" in asked
    seq = ModerationRound.objects.get().seq
    refused = moses.post(at("approve", found.pk), {"seq": str(seq)})
    assert refused.status_code == 422
    assert "Confirm that it is you first" in refused.content.decode()
    moses.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = moses.get(at("approve", found.pk)).content.decode()
    for submission in Submission.objects.all():
        assert submission.reference in page
    moses.post(at("approve", found.pk), {"seq": str(seq)})
    assert ModerationRound.objects.get().approved_by == cast.moses
    assert lea.get(at("approve", found.pk)).status_code == 403
    assert moses.get(at("approve", found.pk)).status_code == 409
    lea.post(at("close", found.pk))
    assert ModerationRound.objects.get().state == RoundState.CLOSED


def test_decision_taken_back_watch_set_and_ended_item_given_on() -> None:
    cast = make_cast()
    found = decided_round(cast)
    lea = signed_in(cast, "lea")
    lea.post(at("take_back", found.pk), {"reason": "One more look."})
    assert ModerationRound.objects.get().state == RoundState.REVIEWING
    lea.post(at("watch", cast.delivery.pk), {"assessor": str(cast.ada.pk), "reason": "Drift."})
    page = lea.get(at("agreement")).content.decode()
    assert "Drift." in page
    watch = cast.ada.watches.get()
    lea.post(at("end_watch", watch.pk))
    assert cast.ada.watches.get().ended_at is not None
    assert signed_in(cast, "moses").post(at("end_watch", watch.pk)).status_code == 404


def test_the_lead_gives_an_item_on() -> None:
    cast = make_cast()
    item = drawn_round(cast).items.get()
    other = cast.ed if moderator_of(item) == cast.moses else cast.moses
    signed_in(cast, "lea").post(at("allocate", item.pk), {"moderator": str(other.pk)})
    assert moderator_of(item) == other


def test_as_many_queries_for_many_as_for_few() -> None:
    """A round of one and a round of three, from freezing to closing, with the pages of each state."""
    from tests.moderation.test_rounds import another_cast

    few = statements_on_the_way(make_cast(policy={"sample.all_if_n_le": 0}))
    many = statements_on_the_way(another_cast(3))
    assert few == many


def statements_on_the_way(cast: Cast) -> dict[str, int]:
    """How many each page takes, on its second visit; the round is closed afterwards."""
    counts: dict[str, int] = {}

    def visit(page: str, *keys: Any, name: str = "lea") -> None:
        client, path = signed_in(cast, name), at(page, *keys)
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        counts[page] = len(queries)

    made = frozen_round(cast)
    visit("plan", made.pk)
    draw_sample(made, actor=cast.lea)
    for page in ("home", "rounds"):
        visit(page)
    visit("round", made.pk)
    item = made.items.all()[0]
    visit("mark", item.pk, name="moses" if moderator_of(item) == cast.moses else "ed")
    for one in made.items.all():
        agreed(one)
    visit("decide", made.pk)
    decided = decide_round(
        ModerationRound.objects.get(pk=made.pk), actor=cast.lea, decision="accept", reason="Done."
    )
    visit("close", made.pk)
    close_round(decided, actor=cast.lea)
    return counts


def test_closed_rounds_show_what_was_stored() -> None:
    cast = make_cast()
    found = moderated(cast)
    text = signed_in(cast, "lea").get(at("round", found.pk)).content.decode()
    assert found.assurance["sentence"] in text
    assert signed_in(cast, "moses").get(at("closed", found.pk)).status_code == 403


def test_where_reading_was_uneven_every_page_says_so() -> None:
    """The bound stands nowhere without the second sentence that belongs to it."""
    cast = make_cast(
        learners=7, policy=NOTHING_TARGETED | {"sample.min": 1, "sample.min_per_assessor": 2}
    )
    assessed_set(cast, assessors=["abe"] * 2 + ["ada"] * 5)
    drawn = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
    for item in drawn.items.all():
        agreed(item)
    lea = signed_in(cast, "lea")

    def said(name: str) -> bool:
        page = lea.get(at(name, drawn.pk)).content.decode()
        assert "With 95\u00a0% confidence" in page, name
        return "Not every assessor and band was read to the same extent" in page

    assert said("round")
    assert said("decide")
    decided = decide_round(drawn, actor=cast.lea, decision="accept", reason="Sound.")
    assert said("close")
    close_round(decided, actor=cast.lea)
    assert said("closed")
    assert said("round")
    assert "Not every assessor" in lea.get(at("agreement")).content.decode()
