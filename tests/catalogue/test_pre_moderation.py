"""An approval holds for exactly what was read: each bound thing, the doors to it, and the record of it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.models import Membership, Organisation
from catalogue import guards, rules
from catalogue.actions import (
    approve_version,
    approve_version_with_changes,
    confirm_minor_changes,
    load_definition,
    open_delivery,
    plan_delivery,
    publish_version,
    reject_version,
    send_version_back,
    send_version_to_pre_moderation,
)
from catalogue.checklist import QUESTIONS, Answer
from catalogue.definitions import parse
from catalogue.models import (
    AssessmentTask,
    Criterion,
    Grade,
    GradeScheme,
    LearningOutcome,
    Level,
    MicroCredentialVersion,
    PreModeration,
    Rubric,
    policy_defaults,
)
from catalogue.models import version as version_module
from tests.catalogue.test_versions import ACCESS
from tests.factories.catalogue import draft_version
from tests.personas import make_user
from tests.worlds import kept
from workflows.actions import sweep_due
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import Deadline, Notification, TransitionRecord
from workflows.outbox import relay
from workflows.transitions import perform

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
ROLES = {
    "arthur": OrganisationRole.AUTHOR,
    "petronella": OrganisationRole.PRE_MODERATOR,
    "prudence": OrganisationRole.ADMINISTRATOR,
}


class World:
    """A published version made from a file, and the people of its provider."""

    def __init__(self):
        self.provider = Organisation.objects.create(
            code="provider", name="Provider", kind=OrganisationKind.PROVIDER
        )
        for name, role in ROLES.items():
            setattr(self, name, make_user(name))
            Membership.objects.create(
                user=getattr(self, name), organisation=self.provider, role=role
            )
        self.definition = parse(ACCESS.read_bytes(), policy_defaults=policy_defaults())
        draft = load_definition(self.definition, provider=self.provider, actor=self.arthur).version
        sent = send_version_to_pre_moderation(draft, actor=self.arthur)
        self.approved = approve_version(
            sent,
            actor=self.petronella,
            note="Sound.",
            checklist={name: Answer("yes", "Read.", "All of it") for name in QUESTIONS},
        )
        self.version = publish_version(self.approved, actor=self.prudence)
        today = timezone.now().date()
        self.delivery = plan_delivery(
            self.version, code="next", title="Next", mode="online_live", starts_on=today,
            ends_on=today + timedelta(days=9), actor=self.prudence,
        )  # fmt: skip


@kept
def world():
    return World()


TABLES = {
    LearningOutcome: "catalogue_learningoutcome",
    AssessmentTask: "catalogue_assessmenttask",
    Rubric: "catalogue_rubric",
    Criterion: "catalogue_criterion",
    Level: "catalogue_level",
    Grade: "catalogue_grade",
    GradeScheme: "catalogue_gradescheme",
    MicroCredentialVersion: "catalogue_version",
}
NEXT = {"credits": 6, "level": 7, "rank": 9, "weight": 2, "min_percent": 1, "max_percent": 2,
        "percent": 61, "attestations_required": 3, "file_max_megabytes": 7, "number": 9,
        "marking_minutes": 45,
        "review_interval_months": 24,
        "file_types": ["pdf"], "delivery_modes": [], "listing": {}, "policy": {"marking.days": 1},
        "approved_policy": {"marking.days": 2}, "ai_policy": "required", "kind": "merit"}  # fmt: skip
BOUND = [
    ("outcomes", LearningOutcome, ["title", "text", "number"]),
    ("tasks", AssessmentTask, [
        "title", "brief", "ai_policy", "attestations_required", "file_types", "file_max_megabytes",
        "marking_minutes",
    ]),
    ("rubrics", Rubric, ["content_hash"]),
    ("rubrics", Criterion, [
        "code", "title", "description", "good_looks_like", "reflection_prompt", "is_required",
        "weight", "number",
    ]),
    ("rubrics", Level, ["code", "label", "descriptor", "is_met", "percent", "rank"]),
    ("scheme", GradeScheme, ["name", "kind", "code"]),
    ("scheme", Grade, [
        "code", "label", "label_mi", "is_pass", "min_percent", "max_percent", "rank",
    ]),
    ("credential", MicroCredentialVersion, [
        "title", "title_mi", "credits", "level", "purpose", "delivery_modes", "listing",
        "review_interval_months",
    ]),
    ("policy", MicroCredentialVersion, ["policy", "approved_policy"]),
]  # fmt: skip
EACH = [(part, model, name) for part, model, names in BOUND for name in names]


def tamper(model, name):
    """Change one column of one row as somebody who owns the tables could: with the triggers gone."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # What waits for the end of the transaction would keep the table from being altered.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            table = model._meta.db_table
            cursor.execute(f"DROP TRIGGER {TABLES[model]}_frozen ON {table}")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (trigger,) in cursor.fetchall():
                if trigger.startswith("catalogue_"):
                    cursor.execute(f"DROP TRIGGER {trigger}")
    row = model.objects.order_by("pk").first()
    value = getattr(row, name)
    moved = not value if isinstance(value, bool) else NEXT.get(name, "moved")
    model.objects.filter(pk=row.pk).update(**{name: moved})


@pytest.mark.parametrize(
    ("part", "model", "name"), EACH, ids=[f"{model.__name__}.{name}" for _p, model, name in EACH]
)
def test_a_change_of_any_bound_thing_voids_the_approval(part, model, name, world):
    assert guards.moved_parts(world.version) == []
    tamper(model, name)
    delivery = type(world.delivery).objects.get(pk=world.delivery.pk)
    assert part in guards.moved_parts(delivery.version)
    with pytest.raises(GuardsNotMet) as refused:
        open_delivery(delivery, actor=world.prudence)
    assert "content_moved" in refused.value.codes


def test_without_a_change_only_what_is_not_there_yet_is_missing(world):
    with pytest.raises(GuardsNotMet) as refused:
        open_delivery(world.delivery, actor=world.prudence)
    assert "content_moved" not in refused.value.codes


def test_a_version_that_nobody_approved_opens_nothing(world):
    version = draft_version(world.provider, "other")
    assert guards.moved_parts(version) == list(guards.PARTS)
    assert guards.delivers_what_was_approved.holds(type(world.delivery)(version=version))


def test_what_moved_before_publishing_is_not_published(world):
    version = draft_version(world.provider, "other")
    perform(version, "send_to_pre_moderation", actor=version.author)
    version = perform(version, "approve", actor=world.petronella)
    tamper(Level, "descriptor")
    Level.objects.filter(criterion__rubric__task__version=version).update(descriptor="Moved.")
    with pytest.raises(GuardsNotMet) as refused:
        publish_version(version, actor=world.prudence)
    assert refused.value.codes == ["content_moved"]


def test_a_spoilt_version_can_be_loaded_anew(world):
    same = load_definition(world.definition, provider=world.provider, actor=world.arthur)
    assert (same.version, same.created) == (world.version, False)
    tamper(AssessmentTask, "brief")
    anew = load_definition(world.definition, provider=world.provider, actor=world.arthur)
    assert (anew.version.number, anew.created) == (2, True)


def test_a_later_default_does_not_reach_an_approved_version(world, monkeypatch):
    later = {**policy_defaults(), "marking.days": 99, "something.new": 4}
    monkeypatch.setattr(version_module, "policy_defaults", lambda: later)
    version = MicroCredentialVersion.objects.get(pk=world.version.pk)
    assert version.policy_value("marking.days") == 15
    assert version.policy_value("something.new") == 4
    assert guards.moved_parts(version) == []
    draft = draft_version(world.provider, "other")
    assert draft.policy_value("marking.days") == 99
    with pytest.raises(KeyError):
        version.policy_value("nobody.knows")


def test_the_approved_policy_is_fixed_with_the_approval(world):
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        MicroCredentialVersion.objects.filter(pk=world.version.pk).update(approved_policy={})


def test_decisions_are_kept_for_ever(world):
    decided = world.version.pre_moderations.get()
    for change in (
        lambda: PreModeration.objects.update(note="x"),
        lambda: PreModeration.objects.update(parts={}),
        lambda: PreModeration.objects.filter(pk=decided.pk).delete(),
    ):
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            change()
    assert str(decided) == "Approved: Digital Accessibility in Practice, version 1"


def test_the_record_says_what_was_answered_found_and_bound(world):
    decided = world.version.pre_moderations.get()
    assert (decided.decision, decided.moderator, decided.note) == (
        "approved", world.petronella, "Sound.",
    )  # fmt: skip
    assert {row["name"] for row in decided.checklist if row["by"] == "system"} == {
        "outcomes_assessed", "minimum_pass", "workload", "ai_use",
    }  # fmt: skip
    by_person = [row for row in decided.checklist if row["by"] == "person"]
    assert all(row["answer"] == "yes" and row["note"] == "Read." for row in by_person)
    record = TransitionRecord.objects.get(subject_id=world.version.pk, name="approve")
    assert record.facts["content"] == decided.parts
    assert record.facts["pre_moderation"] == str(decided.pk)


def test_a_request_for_changes_is_kept_beside_the_approval(world):
    version = draft_version(world.provider, "other")
    sent = send_version_to_pre_moderation(version, actor=version.author)
    back = send_version_back(
        sent, actor=world.petronella, note="C2.", checklist={"reo": Answer("no", "Say so.")}
    )
    assert guards.moved_parts(back) == list(guards.PARTS), "a request is no approval"
    LearningOutcome.objects.filter(version=back).update(text="More.")
    sent = send_version_to_pre_moderation(back, actor=back.author)
    approved = approve_version(sent, actor=world.petronella)
    first, second = approved.pre_moderations.order_by("number")
    assert [first.decision, second.decision] == ["changes_required", "approved"]
    assert first.parts["outcomes"] != second.parts["outcomes"]
    assert guards.moved_parts(approved) == []


def gap(world):
    """A version whose second outcome hangs on an optional criterion alone, sent to be checked."""
    version = draft_version(world.provider, "gap")
    Criterion.objects.filter(rubric__task__version=version, outcome__number=2).update(
        is_required=False
    )
    return send_version_to_pre_moderation(version, actor=version.author)


def test_a_bare_pass_that_leaves_an_outcome_open_cannot_be_approved(world):
    sent = gap(world)
    with pytest.raises(GuardsNotMet) as refused:
        approve_version(sent, actor=world.petronella)
    assert refused.value.codes == ["least_pass_leaves_a_gap"]
    back = send_version_back(sent, actor=world.petronella, note="Make C1 required.")
    [kept_row] = [
        row for row in back.pre_moderations.get().checklist if row["name"] == "minimum_pass"
    ]
    assert kept_row["answer"] == "no"
    assert "not have shown outcome 2" in kept_row["found"][0]


def test_the_pages_say_what_the_system_worked_out(world, client):
    sent = gap(world)
    client.force_login(world.petronella)
    address = reverse("catalogue:pre_moderation", args=[sent.pk])
    page = client.get(address).content.decode()
    assert "Somebody can pass and still not have shown outcome 2" in page
    assert "Worked out by the system" in page
    assert 'name="minimum_pass"' not in page
    answers = dict.fromkeys(QUESTIONS, "yes")
    refused = client.post(address, {"decision": "approve", "seq": sent.seq, **answers})
    assert refused.status_code == 422
    assert "only changes mend it" in refused.content.decode()
    client.post(
        address,
        {
            "decision": "send_back", "note": "Make C1 required.", "seq": sent.seq,
            "reo": "no", "reo_note": "It says nothing.", "reo_evidence": "The brief",
        },
    )  # fmt: skip
    decided = sent.pre_moderations.get()
    [row] = [one for one in decided.checklist if one["name"] == "reo"]
    assert (row["answer"], row["note"], row["evidence"]) == ("no", "It says nothing.", "The brief")
    page = client.get(reverse("catalogue:version", args=[sent.pk])).content.decode()
    assert "Changes required by Petronella" in page
    assert "It says nothing." in page


def test_the_page_of_a_spoilt_version_names_what_moved(world, client):
    tamper(Level, "descriptor")
    client.force_login(world.prudence)
    page = client.get(reverse("catalogue:version", args=[world.version.pk])).content.decode()
    assert "The approval of this version no longer holds" in page
    assert "<li>the rubrics</li>" in page


def sent(world, code="other"):
    """A version of Arthur's that waits to be checked."""
    made = draft_version(world.provider, code)
    MicroCredentialVersion.objects.filter(pk=made.pk).update(author=world.arthur)
    made = MicroCredentialVersion.objects.get(pk=made.pk)
    return send_version_to_pre_moderation(made, actor=world.arthur)


NOTE = "Give the template a heading."


def test_minor_changes_hold_up_publishing_until_the_author_confirms_them(world, client):
    waiting = sent(world)
    for somebody in (world.arthur, world.prudence):
        with pytest.raises(NotPermitted):
            approve_version_with_changes(waiting, actor=somebody, note=NOTE)
    found = approve_version_with_changes(waiting, actor=world.petronella, note=NOTE)
    assert (found.state, found.minor_changes) == ("approved", NOTE)
    assert found.approved_policy["marking.days"] == 15
    assert guards.moved_parts(found) == [], "it is an approval of exactly this"
    with pytest.raises(GuardsNotMet) as refused:
        publish_version(found, actor=world.prudence)
    assert refused.value.codes == ["minor_changes_open"]
    for somebody in (world.petronella, world.prudence):
        with pytest.raises(NotPermitted):
            confirm_minor_changes(found, actor=somebody)
    client.force_login(world.arthur)
    page = reverse("catalogue:version", args=[found.pk])
    assert "Confirm changes of" in client.get(reverse("catalogue:home")).content.decode()
    assert NOTE in client.get(page).content.decode()
    step = reverse("catalogue:version_step", args=[found.pk, "confirm_changes"])
    said = client.post(step, {"seq": found.seq}, follow=True).content.decode()
    assert "You confirmed that the changes are done." in said
    assert "Minor changes that were asked for" not in said
    found = MicroCredentialVersion.objects.get(pk=found.pk)
    with pytest.raises(GuardsNotMet) as twice:
        confirm_minor_changes(found, actor=world.arthur)
    assert twice.value.codes == ["no_minor_changes"]
    assert publish_version(found, actor=world.prudence).state == "published"
    names = TransitionRecord.objects.filter(subject_id=found.pk).order_by("seq")
    assert list(names.values_list("name", flat=True)) == [
        "draft", "send_to_pre_moderation", "approve_with_changes", "confirm_changes", "publish",
    ]  # fmt: skip


def test_a_plain_approval_has_nothing_to_confirm(world):
    found = approve_version(sent(world), actor=world.petronella, note="Sound.")
    with pytest.raises(GuardsNotMet) as refused:
        confirm_minor_changes(found, actor=world.arthur)
    assert refused.value.codes == ["no_minor_changes"]
    assert publish_version(found, actor=world.prudence).state == "published"


def test_a_gap_is_not_approved_with_minor_changes_either(world):
    with pytest.raises(GuardsNotMet) as refused:
        approve_version_with_changes(gap(world), actor=world.petronella, note=NOTE)
    assert refused.value.codes == ["least_pass_leaves_a_gap"]


def test_a_rejected_version_has_ended_and_the_same_file_makes_a_new_one(world):
    old = world.version
    credential = old.micro_credential
    newer = ACCESS.read_text("utf-8").replace("level: 6", "level: 7")
    definition = parse(newer.encode(), policy_defaults=policy_defaults())
    draft = load_definition(definition, provider=world.provider, actor=world.arthur).version
    waiting = send_version_to_pre_moderation(draft, actor=world.arthur)
    with pytest.raises(NotPermitted):
        reject_version(waiting, actor=world.arthur, note="No.")
    ended = reject_version(waiting, actor=world.petronella, note="The level is too high.")
    assert (ended.state, ended.is_rejected, ended.is_published) == ("retired", True, False)
    assert ended.pre_moderations.get().decision == "rejected"
    assert guards.moved_parts(ended) == list(guards.PARTS), "a rejection is no approval"
    assert not guards.version_approved.holds(type(world.delivery)(version=ended))
    for step in ("publish", "send_to_pre_moderation", "approve", "retire"):
        actor = world.prudence if step in ("publish", "retire") else world.petronella
        with pytest.raises(StaleState):
            perform(ended, step, actor=actor)
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        LearningOutcome.objects.filter(version=ended).update(text="More.")
    anew = load_definition(definition, provider=world.provider, actor=world.arthur)
    assert (anew.created, anew.version.number) == (True, ended.number + 1)
    stranger = make_user("stranger")
    seen = MicroCredentialVersion.objects.visible_to(stranger).filter(micro_credential=credential)
    assert list(seen) == [old], "published ones alone are for everybody"
    assert rules.can_view_version(old, stranger)
    assert not rules.can_view_version(ended, stranger)


def test_why_it_was_rejected_or_what_is_minor_is_never_left_out(world):
    for act in (approve_version_with_changes, reject_version):
        waiting = sent(world, act.__name__[:7])
        with pytest.raises(IntegrityError, match="says_why"), transaction.atomic():
            act(waiting, actor=world.petronella, note="")


def due_in(days):
    day = timezone.localdate() + timedelta(days)
    return {"note": NOTE, "due_on_0": day.day, "due_on_1": day.month, "due_on_2": day.year}


def test_minor_changes_can_be_given_to_somebody_else_with_a_day(world, client):
    waiting = sent(world)
    with pytest.raises(NotPermitted):
        approve_version_with_changes(
            waiting, actor=world.petronella, note=NOTE, owner=world.petronella
        )
    client.force_login(world.petronella)
    address = reverse("catalogue:pre_moderation", args=[waiting.pk])
    answers = dict.fromkeys(QUESTIONS, "yes") | {"seq": waiting.seq} | due_in(10)
    answers |= {"decision": "approve_with_changes", "owner": str(world.prudence.pk)}
    assert client.post(address, answers).status_code == 302
    due = timezone.localdate() + timedelta(10)
    relay()
    told = Notification.objects.filter(
        topic="catalogue.microcredentialversion.approved_with_changes"
    )
    assert {one.recipient for one in told} == {world.arthur, world.prudence}
    found = MicroCredentialVersion.objects.get(pk=waiting.pk)
    deadline = Deadline.objects.of(found).open().get()
    assert {one.recipient for one in deadline.reminders.all()} == {world.prudence}
    deadline.reminders.filter(offset="-48h").update(fire_at=timezone.now())
    sweep_due()
    due_soon = Notification.objects.get(topic="catalogue.microcredentialversion.changes_due")
    assert due_soon.recipient == world.prudence
    client.force_login(world.arthur)
    page = reverse("catalogue:version", args=[found.pk])
    shown = client.get(page).content.decode()
    assert f"Prudence, due {due:%-d %B %Y}" in shown
    assert "confirm_changes" in shown  # the author may say so too
    home = reverse("catalogue:home")
    assert "Confirm changes of" not in client.get(home).content.decode()
    client.force_login(world.prudence)
    assert f"minor changes, due {due:%-d %B %Y}." in client.get(home).content.decode()
    step = reverse("catalogue:version_step", args=[found.pk, "confirm_changes"])
    said = client.post(step, {"seq": found.seq}, follow=True).content.decode()
    assert "You confirmed that the changes are done." in said
    assert not Deadline.objects.of(found).open().exists()
    membership = world.prudence.memberships.get(role="administrator")
    MicroCredentialVersion.objects.filter(pk=found.pk).update(changes_confirmed_at=None)
    fresh = MicroCredentialVersion.objects.get(pk=found.pk)
    assert rules.confirms_changes(fresh, world.prudence)
    membership.ended_at = timezone.now() - timedelta(hours=1)
    membership.save()
    assert not rules.confirms_changes(fresh, world.prudence)


def test_the_page_offers_four_decisions_and_asks_for_words(world, client):
    waiting = sent(world)
    client.force_login(world.petronella)
    address = reverse("catalogue:pre_moderation", args=[waiting.pk])
    page = client.get(address).content.decode()
    assert page.count('name="decision"') == 4
    answers = dict.fromkeys(QUESTIONS, "yes") | {"seq": waiting.seq}
    for wanted, asked in (
        ({}, "Choose a decision."),
        ({"decision": "approve_with_changes", "note": ""}, "Say what has to change."),
        ({"decision": "approve_with_changes", "note": NOTE}, "Say by when"),
        ({"decision": "approve_with_changes", **due_in(-2)}, "This day is over."),
        ({"decision": "reject", "note": " "}, "Say why."),
        ({"decision": "approve_with_changes", "note": NOTE, "reo": ""}, "Answer: "),
    ):
        refused = client.post(address, answers | wanted)
        assert (refused.status_code, asked in refused.content.decode()) == (422, True), wanted
    done = client.post(address, {"decision": "reject", "note": "Too thin.", "seq": waiting.seq})
    assert done.status_code == 302
    client.force_login(world.arthur)
    page = client.get(reverse("catalogue:version", args=[waiting.pk])).content.decode()
    assert "It was rejected in pre-assessment moderation and has ended." in page
    assert "Rejected by Petronella" in page
    assert "Too thin." in page


@pytest.mark.parametrize("past", ["approved_with_changes", "rejected"])
def test_the_author_hears_of_it(world, past):
    act = reject_version if past == "rejected" else approve_version_with_changes
    act(sent(world), actor=world.petronella, note=NOTE)
    relay()
    told = Notification.objects.get(topic=f"catalogue.microcredentialversion.{past}")
    assert told.recipient == world.arthur
