"""A whole cohort in the browser: planned, read, extended, decided, closed, handed on, and drawn again from the file.

The lead moderator works in Chromium as her moderators do; what an external moderator downloads must be enough
for an auditor who has nothing else. PROOF=full takes a cohort of 120.
"""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from moderation.models import ExternalReview, ModerationRound, SampleItem
from tests.factories.moderation import NOTHING_TARGETED, assessed_set
from tests.personas import Cast, make_cast, make_user

FULL = os.environ.get("PROOF") == "full"
COHORT = 120 if FULL else 9
TOO_MANY = "25" if FULL else "50"
WEAK = 3 if FULL else 1
ASSESSORS = ("ada", "abe", "ana") if FULL else ("ada",)

pytestmark = [pytest.mark.proof, pytest.mark.browser]


def at(page: str, *keys: Any) -> str:
    return reverse(f"moderation:{page}", args=keys)


def cohort() -> Cast:
    """Everybody assessed, some not achieved."""
    cast = make_cast(learners=COHORT, policy=NOTHING_TARGETED)
    names = list(cast.enrolments)
    levels = {name: "MEG"[number % 3] for number, name in enumerate(names)}
    levels |= dict.fromkeys(names[:WEAK], "NY")
    assessed_set(cast, levels=levels, assessors=ASSESSORS)
    cast.people["xenia"] = make_user("xenia")
    return cast


@pytest.fixture
def sign_in(live_site: str, browser: Any) -> Callable[[Cast, str], Any]:
    """A page of somebody who is signed in; `.goto` takes paths, and refuses everything but 200."""

    def signed(cast: Cast, name: str) -> Any:
        client = Client()
        client.force_login(cast.people[name])
        context = browser.new_context(base_url=live_site, locale="en-NZ")
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_site}])
        return context.new_page()

    return signed


def visit(page: Any, path: str) -> None:
    assert page.goto(path).status == 200, path


def read(page: Any, item: SampleItem, *, otherwise: bool) -> None:
    """Blind levels, then the comparison; with `otherwise` the first criterion gets another level."""
    visit(page, at("mark", item.pk))
    judged = item.decision.judgements.select_related("criterion", "level")
    own = {one.criterion.code: one.level.code for one in judged if one.level}
    for criterion in item.submission.rubric.criteria.prefetch_related("levels"):
        code = own[criterion.code]
        if otherwise and criterion.code == "C1":
            code = "E" if code == "G" else "G"
        level = criterion.levels.get(code=code)
        page.locator(f'input[name="level-{criterion.pk}"][value="{level.pk}"]').check(force=True)
    page.locator('input[name="sufficiency"][value="yes"]').check(force=True)
    page.get_by_role("button", name="Save for good and compare").click()
    page.wait_for_url("**/compare/")
    if otherwise:
        page.get_by_label("Adjust", exact=False).first.check()
        page.locator('textarea[name="reason"]').first.fill("Another level by the descriptors.")
    else:
        page.locator('input[name="decision"][value="uphold"]').check(force=True)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/decided/")


def waiting(made: ModerationRound) -> list[SampleItem]:
    return list(
        made.items.filter(state="drawn")
        .select_related("submission", "decision")
        .order_by("part", "pk")
    )


def plan_and_draw(lead: Any, cast: Cast) -> ModerationRound:
    """The set is frozen, its plan changed after a look, and the sample drawn."""
    visit(lead, at("open", cast.delivery.pk, cast.task.pk))
    lead.get_by_role("button", name="Freeze the set").click()
    lead.get_by_role("link", name="Change the rules").click()
    lead.get_by_label("Step by step", exact=True).check()
    lead.get_by_label("Not to be accepted with so many wrong").fill(TOO_MANY)
    lead.get_by_label("Why does the plan change?").fill("A smaller cohort than usual.")
    lead.get_by_role("button", name="Preview").click()
    lead.get_by_role("button", name="Make this the plan").click()
    lead.get_by_role("button", name="Draw this sample").click()
    lead.wait_for_url("**/rounds/*/")
    return ModerationRound.objects.get()


def decide_and_close(lead: Any, made: ModerationRound) -> None:
    visit(lead, at("round", made.pk))
    lead.get_by_role("link", name="Decide on the set").click()
    lead.locator('input[name="decision"][value="accept"]').check(force=True)
    lead.locator('textarea[name="reason"]').fill("Applied as agreed.")
    lead.get_by_role("button", name="Preview").click()
    lead.get_by_role("button", name="Confirm").click()
    lead.get_by_role("link", name="Close the round").click()
    lead.get_by_role("button", name="Close the round").click()
    lead.wait_for_url("**/closed/")


def hand_on(lead: Any) -> ExternalReview:
    """An external moderator is invited for five days."""
    lead.get_by_role("link", name="Hand it to an external moderator").click()
    lead.get_by_label("E-mail address").fill("xenia@example.org")
    lead.get_by_label("Where their CV or Record of Achievement is").fill("Register, entry 14")
    today = timezone.localdate()
    for name, day in (("since", today), ("until", today + timedelta(days=5))):
        for number, part in enumerate((day.day, day.month, day.year)):
            lead.locator(f'[name="{name}_{number}"]').fill(str(part))
    lead.get_by_role("button", name="Invite").click()
    lead.wait_for_load_state()
    return ExternalReview.objects.get()


def test_a_cohort_from_plan_to_the_auditor(
    sign_in: Callable[[Cast, str], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cast = cohort()
    lead = sign_in(cast, "lea")
    made = plan_and_draw(lead, cast)
    assert made.population_size == COHORT
    readers: dict[UUID | None, Any] = {
        cast.people["lea"].pk: lead,
        cast.people["moses"].pk: sign_in(cast, "moses"),
        cast.people["ed"].pk: sign_in(cast, "ed"),
    }
    drawn = waiting(made)
    planted = next(one for one in drawn if one.part == "random")
    for item in drawn:
        read(readers[item.moderator_id], item, otherwise=item.pk == planted.pk)
    visit(lead, at("round", made.pk))
    lead.get_by_role("button", name="Draw the extension").click()
    lead.wait_for_load_state()
    more = waiting(made)
    assert more, "a disagreement always has a consequence"
    for item in more:
        read(readers[item.moderator_id], item, otherwise=False)
    decide_and_close(lead, made)
    review = hand_on(lead)

    external = sign_in(cast, "xenia")
    visit(external, at("external_round", review.pk))
    with external.expect_download() as download:
        external.get_by_role("link", name="The signed record (JSON)").click()
    record = tmp_path / "record.json"
    download.value.save_as(record)
    kept = json.loads(record.read_text())
    assert len(kept["items"]) == len(drawn) + len(more)
    capsys.readouterr()
    call_command("draw_sample", str(record), "--json")
    again = json.loads(capsys.readouterr().out)
    assert {one["id"] for one in again["picks"]} == {one["code"] for one in kept["items"]}
    call_command("verify_round", str(record))
