"""Somebody from outside: one round, for a time, by codes, and a report of their own."""

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from catalogue.models import DeliveryRole, Enrolment
from moderation import receipts, rules, selectors, verification
from moderation.actions import (
    comment_on_item,
    invite_external,
    revoke_external,
    save_external_report,
    submit_external_report,
)
from moderation.exceptions import InvitationRefused, ReportIncomplete
from moderation.models import ExternalReview, ModerationRound, SampleItem
from moderation.selectors.external import handed_out
from moderation.selectors.withheld import ADDRESS, FILE, NAME, Withheld
from portfolios.models import EvidenceItem
from tests.factories.moderation import drawn_round, moderated
from tests.moderation.test_views import at, signed_in
from tests.personas import STAFF, Cast, make_cast, make_user
from tests.proofs.world import other_delivery
from tests.worlds import kept
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import AccessRecord, Notification

pytestmark = pytest.mark.django_db


@kept
def cast() -> Cast:
    """A closed round of two, and Xenia, who has an account and no part in anything."""
    made = make_cast(learners=2)
    moderated(made)
    made.people["xenia"] = make_user("xenia")
    return made


def round_of(cast: Cast) -> ModerationRound:
    found: ModerationRound = ModerationRound.objects.get(delivery=cast.delivery)
    return found


def invited(cast: Cast, email: str = "xenia@example.org", **given: Any) -> ExternalReview:
    today = timezone.now().astimezone(cast.delivery.zone).date()
    said: dict[str, Any] = {
        "actor": cast.lea,
        "name": "",
        "since": today,
        "until": today + timedelta(days=7),
        "asked": "Is criterion 2 read alike?",
    }
    return invite_external(round_of(cast), email=email, **said | given)


def first_item(cast: Cast) -> tuple[str, SampleItem]:
    return selectors.sample_of(round_of(cast))[0]


def pages(review: ExternalReview, code: str) -> dict[str, str]:
    """Every address that an invitation opens."""
    return {
        "round": at("external_round", review.pk),
        "item": at("external_item", review.pk, code),
        "evidence": at("external_evidence", review.pk, code, 1),
        "report": at("external_report", review.pk),
        "record": at("external_record", review.pk),
        "pdf": at("external_record_pdf", review.pk),
        "pack": at("external_pack", review.pk),
    }


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_only_within_the_span_and_only_for_the_person(cast: Cast) -> None:
    review = invited(cast)
    code, _item = first_item(cast)
    addresses = pages(review, code)
    xenia = signed_in(cast, "xenia")
    for name, address in addresses.items():
        assert xenia.get(address).status_code == 200, name
        for other in ("moses", "lea", "pam", "lena", "olga", "petra"):
            assert signed_in(cast, other).get(address).status_code == 404, (name, other)
    now = timezone.now()
    for fields in (
        {"opens_at": now + timedelta(hours=1), "closes_at": now + timedelta(hours=2)},
        {"opens_at": now - timedelta(hours=2), "closes_at": now - timedelta(hours=1)},
    ):
        with transaction.atomic():
            ExternalReview.objects.filter(pk=review.pk).update(**fields)
            assert {xenia.get(one).status_code for one in addresses.values()} == {404}
            assert xenia.post(addresses["report"], {"report": "x"}).status_code == 404
            assert xenia.get(at("external_home")).status_code == 403
            transaction.set_rollback(True)
    revoke_external(review, actor=cast.lea)
    assert {xenia.get(one).status_code for one in addresses.values()} == {404}


def test_nothing_outside_of_the_round_and_every_opening_noted(cast: Cast) -> None:
    review = invited(cast)
    code, item = first_item(cast)
    xenia = signed_in(cast, "xenia")
    for page, keys in (
        ("round", (item.round_id,)),
        ("record", (item.round_id,)),
        ("population", (item.round_id, 1)),
        ("sample_pack", (item.round_id,)),
        ("external_access", (item.round_id,)),
        ("mark", (item.pk,)),
        ("compare", (item.pk,)),
    ):
        assert xenia.get(at(page, *keys)).status_code == 404, page
    evidence = EvidenceItem.objects.filter(pins__submission=item.submission)[0]
    for address in (f"/evidence/{evidence.pk}/", f"/assess/m/{item.submission_id}/"):
        assert xenia.get(address).status_code in (403, 404), address
    assert xenia.get(at("external_item", review.pk, "W9999")).status_code == 404
    before = AccessRecord.objects.filter(actor=cast.xenia).count()
    for address in pages(review, code).values():
        body(xenia.get(address))
    rows = AccessRecord.objects.filter(actor=cast.xenia)
    assert rows.count() - before == len(pages(review, code))
    assert {one.purpose for one in rows} == {selectors.purpose_of(review)}
    assert selectors.openings_by([review])[review.pk] == rows.count()


def test_no_name_address_or_file_name_in_any_page(cast: Cast) -> None:
    review = invited(cast)
    code, item = first_item(cast)
    note = EvidenceItem.objects.filter(pins__submission=item.submission, kind="note")[0]
    assert item.submission.learner.name in note.note  # it could leak
    xenia = signed_in(cast, "xenia")
    seen = b"".join(body(xenia.get(one)) for one in pages(review, code).values())
    for person in cast.people.values():
        if person != cast.xenia:
            assert person.name.encode() not in seen, person
            assert person.email.encode() not in seen, person
    for name in EvidenceItem.objects.exclude(original_name="").values_list(
        "original_name", flat=True
    ):
        assert name.encode() not in seen
    assert item.submission.reference.encode() not in seen
    assert item.submission.pseudonym.encode() not in seen


def test_the_page_of_an_item_has_both_readings_and_a_fixed_number_of_queries(cast: Cast) -> None:
    review = invited(cast)
    code, _item = first_item(cast)
    xenia = signed_in(cast, "xenia")
    page = xenia.get(at("external_item", review.pk, code)).content.decode()
    for words in ("Met well", "My view of C1.", "On C1: look at the evidence again.", "Upheld"):
        assert words in page


def test_evidence_of_one_item_or_of_all_takes_the_same_queries(cast: Cast) -> None:
    keys = [item.submission_id for _code, item in selectors.sample_of(round_of(cast))]
    counts = []
    for some in (keys[:1], keys):
        with CaptureQueriesContext(connection) as held:
            assert len(handed_out(some)) == 2 * len(some)
        counts.append(len(held))
    assert counts == [2, 2]


def another(cast: Cast, code: str, learners: int) -> Cast:
    """A second delivery with the same staff and learners of its own."""
    delivery = other_delivery(cast, code)
    for name, roles in STAFF.items():
        for role in roles:
            DeliveryRole.objects.create(delivery=delivery, user=cast.people[name], role=role)
    enrolments = {
        f"{code}{number}": Enrolment.objects.create(
            delivery=delivery, learner=make_user(f"{code}{number}"), employer=cast.client
        )
        for number in range(learners)
    }
    return dataclasses.replace(cast, delivery=delivery, enrolments=enrolments)


def test_who_may_be_invited(cast: Cast) -> None:
    today = timezone.now().date()
    for name, says in (
        ("moses", "has or had a part"),
        ("ada", "has or had a part"),
        ("lena", "learner of this delivery"),
    ):
        with pytest.raises(InvitationRefused, match=says):
            invited(cast, f"{name}@example.org")
    with pytest.raises(InvitationRefused, match="before the first"):
        invited(cast, until=today - timedelta(days=9))
    with pytest.raises(InvitationRefused, match="over already"):
        invited(cast, since=today - timedelta(days=9), until=today - timedelta(days=5))
    with pytest.raises(InvitationRefused, match="Enter a name"):
        invited(cast, "nobody@example.org")
    for name in ("moses", "pam", "ada", "olga", "xenia"):
        with pytest.raises(NotPermitted):
            invited(cast, actor=cast.people[name])
    ended = cast.delivery.roles.filter(user=cast.moses)
    ended.update(ended_at=timezone.now() - timedelta(days=1))
    with pytest.raises(InvitationRefused, match="has or had a part"):
        invited(cast, "moses@example.org")
    DeliveryRole.objects.filter(user=cast.moses).delete()
    with pytest.raises(InvitationRefused, match="in work of this round"):
        invited(cast, "moses@example.org")
    User.objects.filter(pk=cast.xenia.pk).update(is_active=False)
    with pytest.raises(InvitationRefused, match="closed"):
        invited(cast)
    User.objects.filter(pk=cast.xenia.pk).update(is_active=True)
    invited(cast)
    with pytest.raises(InvitationRefused, match="invited already"):
        invited(cast)


def test_who_looked_may_look_again_once_it_is_over(cast: Cast) -> None:
    over = invited(cast)
    ExternalReview.objects.filter(pk=over.pk).update(
        opens_at=timezone.now() - timedelta(days=9), closes_at=timezone.now() - timedelta(days=1)
    )
    again = invited(cast)
    assert list(ExternalReview.objects.open_to(cast.xenia)) == [again]
    assert {one.standing for one in round_of(cast).external_reviews.all()} == {"over", "open"}


def test_an_open_round_is_not_handed_on(cast: Cast) -> None:
    drawn = drawn_round(another(cast, "open", 1))
    today = timezone.now().date()
    with pytest.raises(InvitationRefused, match="Close the round first"):
        invite_external(
            drawn, actor=cast.lea, email="xenia@example.org", name="", since=today,
            until=today + timedelta(days=3),
        )  # fmt: skip


def test_somebody_new_gets_an_account_and_both_are_told(cast: Cast) -> None:
    review = invited(cast, "New@Example.org", name="Nia New")
    assert review.person.name == "Nia New"
    assert not review.person.has_usable_password()
    assert not review.person.delivery_roles.exists()
    told = Notification.objects.filter(recipient=review.person).values_list("topic", flat=True)
    assert set(told) == {"accounts.person.invited", "moderation.external_invited"}


def test_the_report_is_written_in_parts_and_submitted_once(cast: Cast) -> None:
    review = invited(cast)
    _code, item = first_item(cast)
    with pytest.raises(NotPermitted):
        comment_on_item(review, item, actor=cast.lea, text="Not mine.")
    comment_on_item(review, item, actor=cast.xenia, text="Sound.")
    comment_on_item(review, item, actor=cast.xenia, text="Sound throughout.")
    save_external_report(review, actor=cast.xenia, finding="", report="Half")
    with pytest.raises(ReportIncomplete):
        submit_external_report(review, actor=cast.xenia, finding="", report="Half")
    with pytest.raises(ReportIncomplete):
        submit_external_report(review, actor=cast.xenia, finding="confirmed", report=" ")
    with pytest.raises(NotPermitted):
        submit_external_report(review, actor=cast.lea, finding="confirmed", report="Mine.")
    done = submit_external_report(review, actor=cast.xenia, finding="confirmed", report="Whole.")
    assert [one.text for one in done.comments.all()] == ["Sound throughout."]
    for again in (
        lambda: submit_external_report(review, actor=cast.xenia, finding="confirmed", report="2"),
        lambda: save_external_report(review, actor=cast.xenia, finding="confirmed", report="2"),
        lambda: comment_on_item(review, item, actor=cast.xenia, text="More."),
    ):
        with pytest.raises(StaleState):
            again()
    assert Notification.objects.filter(
        recipient=cast.lea, topic="moderation.external_report"
    ).exists()


def test_the_record_points_to_who_looked_and_holds_the_report(cast: Cast) -> None:
    """By a pointer and a code, never by name; a report only once it was submitted."""
    code, item = first_item(cast)
    review = invited(cast, achievement_record=" RoA 2026-14, ask hone@example.org ")
    comment_on_item(review, item, actor=cast.xenia, text="Sound, says Lena.")
    save_external_report(review, actor=cast.xenia, finding="confirmed", report="Half")
    (told,) = selectors.record_of(round_of(cast))["external"]
    assert told["achievement_record"] == f"RoA 2026-14, ask {ADDRESS}"
    assert (told["report"], told["finding"], told["item_comments"]) == ("", "", {})
    submit_external_report(review, actor=cast.xenia, finding="confirmed", report="Lena did well.")
    record = selectors.record_of(round_of(cast))
    (told,) = record["external"]
    assert (told["finding"], told["report"]) == ("confirmed", f"{NAME} did well.")
    assert told["item_comments"] == {code: f"Sound, says {NAME}."}
    assert record["people"][told["person"]] == ["external_moderator"]
    assert cast.xenia.name not in json.dumps(record)
    assert verification.verify(json.loads(json.dumps(record))) is None
    (shown,) = receipts.facts_of(record)["external"]
    assert ["CV or Record of Achievement", told["achievement_record"]] in shown["rows"]
    assert [f"On {code}", told["item_comments"][code]] in shown["rows"]
    assert receipts.record_pdf(json.loads(json.dumps(record))).startswith(b"%PDF")


def refused(change: Any) -> None:
    with pytest.raises(DatabaseError, match="moderation:"), transaction.atomic():
        change()


def test_the_database_keeps_a_submitted_report(cast: Cast) -> None:
    review = invited(cast)
    _code, item = first_item(cast)
    comment_on_item(review, item, actor=cast.xenia, text="Sound.")
    submit_external_report(review, actor=cast.xenia, finding="confirmed", report="Whole.")
    row = ExternalReview.objects.filter(pk=review.pk)
    refused(lambda: row.update(report="Other"))
    refused(lambda: row.update(finding="not_confirmed"))
    refused(lambda: row.update(achievement_record="Another"))
    refused(lambda: row.update(submitted_at=None))
    refused(lambda: row._raw_delete(row.db))
    comments = review.comments.all()
    refused(lambda: comments.update(text="Other"))
    refused(lambda: comments._raw_delete(comments.db))
    refused(lambda: review.comments.create(item=item, text="More"))
    revoke_external(review, actor=cast.lea)
    assert row.get().report == "Whole."
    with pytest.raises(StaleState):
        revoke_external(review, actor=cast.lea)


def test_lists_and_rule_agree(cast: Cast) -> None:
    review = invited(cast)
    for person in cast.people.values():
        seen = ExternalReview.objects.visible_to(person).filter(pk=review.pk).exists()
        assert seen == rules.can_view_external(review, person), person
    assert {name for name, one in cast.people.items() if rules.can_view_external(review, one)} == {
        "lea",
        "xenia",
    }
    with pytest.raises(NotPermitted):
        revoke_external(review, actor=cast.xenia)


def test_in_the_browser(cast: Cast) -> None:
    lea: Client = signed_in(cast, "lea")
    found = round_of(cast)
    access = at("external_access", found.pk)
    assert lea.post(access, {"email": "x"}).status_code == 422
    today = timezone.now().astimezone(cast.delivery.zone).date()
    sent = {"email": "xenia@example.org", "asked": "Is it sound?", "achievement_record": "RoA 14"}
    for name, day in (("since", today), ("until", today + timedelta(days=3))):
        sent |= {f"{name}_0": str(day.day), f"{name}_1": str(day.month), f"{name}_2": str(day.year)}
    assert (
        "is or was a learner"
        in lea.post(access, sent | {"email": "lena@example.org"}).content.decode()
    )
    assert lea.post(access, sent).status_code == 302
    review = ExternalReview.objects.get()
    xenia = signed_in(cast, "xenia")
    home = xenia.get("/", follow=True)
    assert home.request["PATH_INFO"] == at("external_home")
    assert "Workplace portfolio, round 1" in home.content.decode()
    code, item = first_item(cast)
    assert "Is it sound?" in xenia.get(at("external_round", review.pk)).content.decode()
    xenia.post(at("external_item", review.pk, code), {"text": "Well judged."})
    report = at("external_report", review.pk)
    assert xenia.post(report, {"submit": "1", "report": "Good."}).status_code == 422
    assert xenia.post(report, {"report": "Good."}).status_code == 302
    page = lea.get(access).content.decode()
    assert "CV or Record of Achievement: RoA 14" in page
    assert "Good." not in page
    assert "Well judged." not in page
    xenia.post(report, {"submit": "1", "report": "Good.", "finding": "with_advice"})
    assert xenia.post(report, {"report": "Again."}).status_code == 409
    page = lea.get(access).content.decode()
    for words in ("Good.", "Well judged.", "with recommendations", "Open"):
        assert words in page
    assert lea.post(at("revoke_access", review.pk)).status_code == 302
    assert "Revoked by" in lea.get(access).content.decode()
    assert "textarea" not in lea.get(at("round", item.round_id)).content.decode()
    for other in ("moses", "pam"):
        assert signed_in(cast, other).get(access).status_code in (403, 404)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Hōne Parata and hone parata", f"{NAME} and {NAME}"),
        ("Hōne wrote it; hone it further.", f"{NAME} wrote it; hone it further."),
        ("Ask hone@example.org or me@my-own.co.nz.", f"Ask {ADDRESS} or {ADDRESS}."),
        ("See CV-Hone.PDF, page 2", f"See {FILE}, page 2"),
        ("Parataiao is a word", "Parataiao is a word"),
    ],
)
def test_what_is_withheld(text: str, left: str) -> None:
    withheld = Withheld(["Hōne Parata"], ["Hōne", "Parata", "Jo"], ["cv-hone.pdf"])
    assert withheld.text(text) == left
    tree = {"reason": text, "kept": text, "list": [{"comments": {"C1": text}}]}
    assert withheld.inside(tree, frozenset({"reason", "comments"})) == {
        "reason": left,
        "kept": text,
        "list": [{"comments": {"C1": left}}],
    }
