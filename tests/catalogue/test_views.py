"""Pages under /manage/ by persona, what they refuse, and how many queries they cost."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import Membership, User
from catalogue import rules
from catalogue.actions import plan_delivery, send_version_to_pre_moderation
from catalogue.checklist import QUESTIONS
from catalogue.models import Delivery, Enrolment, MicroCredentialVersion
from tests.factories.catalogue import draft_version, published_version
from tests.personas import make_cast, make_user
from tests.worlds import kept

pytestmark = pytest.mark.django_db


@kept
def cast():
    cast = make_cast(learners=2)
    people = cast.people
    for name, role in (
        ("prudence", OrganisationRole.ADMINISTRATOR),
        ("arthur", OrganisationRole.AUTHOR),
        ("petronella", OrganisationRole.PRE_MODERATOR),
    ):
        people[name] = make_user(name)
        Membership.objects.create(user=people[name], organisation=cast.provider, role=role)
    people["emil"] = make_user("emil")
    Membership.objects.create(
        user=people["emil"], organisation=cast.client, role=OrganisationRole.EMPLOYEE
    )
    people["gone"] = make_user("gone", is_active=False)
    return cast


def everybody(cast):
    return sorted(cast.people)


def test_visible_versions_are_those_the_rule_allows(cast):
    draft = draft_version(cast.provider, code="draft")
    secret = published_version(cast.other, code="secret")
    credential = secret.micro_credential
    credential.visibility, credential.client = "client", cast.client
    credential.save()
    versions = [draft, secret, cast.delivery.version]
    for name in everybody(cast):
        user = getattr(cast, name)
        seen = set(MicroCredentialVersion.objects.visible_to(user))
        assert seen == {one for one in versions if rules.can_view_version(one, user)}, name


def test_visible_deliveries_are_those_the_rule_allows(cast):
    elsewhere = published_version(cast.other, code="elsewhere")
    today = timezone.now().date()
    other = plan_delivery(
        elsewhere, code="other", title="Other", mode="online_live", starts_on=today,
        ends_on=today + timedelta(days=9), actor=cast.olga,
    )  # fmt: skip
    for name in everybody(cast):
        user = getattr(cast, name)
        seen = set(Delivery.objects.visible_to(user))
        allowed = {one for one in (cast.delivery, other) if rules.can_view_delivery(one, user)}
        assert seen == allowed, name
        runs = set(Delivery.objects.administered_by(user))
        assert runs == {
            one for one in (cast.delivery, other) if rules.is_programme_administrator(user, one)
        }, name


def test_ended_parts_show_nothing_any_more(cast):
    cast.delivery.roles.filter(user=cast.pam).update(ended_at=timezone.now())
    assert not Delivery.objects.visible_to(cast.pam).exists()
    assert not rules.works_in_catalogue(cast.pam)


def login(client, user):
    client.force_login(user)
    return client


def test_the_author_sends_and_the_pre_moderator_decides(cast, client):
    draft = draft_version(cast.provider, code="draft")
    page = reverse("catalogue:version", args=[draft.pk])
    login(client, draft.author)
    assert "Send to pre-assessment moderation" in client.get(page).content.decode()
    step = reverse("catalogue:version_step", args=[draft.pk, "send_to_pre_moderation"])
    assert client.post(step, {"seq": draft.seq}).status_code == 302
    login(client, cast.petronella)
    decide = reverse("catalogue:pre_moderation", args=[draft.pk])
    response = client.post(decide, {"decision": "approve"})
    assert response.status_code == 422
    assert f"Answer: {QUESTIONS['reo']}." in response.content.decode()
    response = client.post(decide, {"decision": "send_back"})
    assert "Say what has to change." in response.content.decode()
    answers = dict.fromkeys(QUESTIONS, "yes")
    no = client.post(decide, {"decision": "approve", **answers, "reo": "no"})
    assert no.status_code == 422
    done = client.post(decide, {"decision": "approve", "note": "Sound.", **answers}, follow=True)
    text = done.content.decode()
    assert "You approved this version." in text
    assert "Sound." in text
    assert MicroCredentialVersion.objects.get(pk=draft.pk).state == "approved"
    assert client.post(decide, {"decision": "approve", **answers}).status_code == 409


def test_asking_for_changes_gives_it_back(cast, client):
    draft = draft_version(cast.provider, code="draft")
    send_version_to_pre_moderation(draft, actor=draft.author)
    login(client, cast.petronella)
    decide = reverse("catalogue:pre_moderation", args=[draft.pk])
    client.post(decide, {"decision": "send_back", "note": "C2 needs work."})
    assert MicroCredentialVersion.objects.get(pk=draft.pk).state == "draft"


def test_an_old_page_moves_nothing(cast, client):
    draft = draft_version(cast.provider, code="draft")
    login(client, draft.author)
    step = reverse("catalogue:version_step", args=[draft.pk, "send_to_pre_moderation"])
    assert client.post(step, {"seq": draft.seq + 1}).status_code == 409
    assert (
        client.post(reverse("catalogue:version_step", args=[draft.pk, "draft"])).status_code == 404
    )
    assert client.get(step).status_code == 405


def test_from_planning_to_an_open_delivery(cast, client):
    """The whole way of a programme administrator, on the pages alone."""
    login(client, cast.prudence)
    version = cast.delivery.version
    new = reverse("catalogue:new_delivery", args=[version.pk])
    fields = {
        "title": "Takurua cohort", "code": "takurua", "mode": "online_live",
        "time_zone": "Pacific/Auckland",
        "starts_on_0": "1", "starts_on_1": "7", "starts_on_2": "2027",
        "ends_on_0": "1", "ends_on_1": "6", "ends_on_2": "2027",
    }  # fmt: skip
    assert "after the first" in client.post(new, fields).content.decode()
    fields["ends_on_1"] = "9"
    client.post(new, fields)
    made = Delivery.objects.get(code="takurua")
    page = reverse("catalogue:delivery", args=[made.pk])
    assert "Every task needs dates." in client.get(page).content.decode()
    opening = reverse("catalogue:open_delivery", args=[made.pk])
    assert client.post(opening).status_code == 422
    client.post(
        reverse("catalogue:schedule", args=[made.pk, cast.task.pk]),
        {
            "opens_on_0": "1", "opens_on_1": "7", "opens_on_2": "2027",
            "due_on_0": "20", "due_on_1": "8", "due_on_2": "2027", "due_time": "17:00",
        },
    )  # fmt: skip
    assert made.schedules.get().due_at.isoformat() == "2027-08-20T05:00:00+00:00"
    client.post(reverse("catalogue:policy", args=[made.pk]), {"marking__double": "yes"})
    # What keeps work from somebody is said relation by relation, and nothing said keeps the version's lists.
    made.refresh_from_db()
    assert made.policy_overrides == {"marking.double": True}
    wanted = {"marking__double": "yes", "conflict_team": "warns", "conflict_reo": "nothing"}
    client.post(reverse("catalogue:policy", args=[made.pk]), wanted)
    made.refresh_from_db()
    blocks, warns = (made.policy_value(f"conflict.{name}") for name in ("blocks", "warns"))
    assert ("team" in blocks, "team" in warns) == (False, True)
    assert "reo" not in [*blocks, *warns]
    assert "whanau" in blocks
    shown = client.get(reverse("catalogue:policy", args=[made.pk])).content.decode()
    assert shown.count('<option value="warns" selected>') == 1
    assert "Whānau or close relation, " in shown or "As in the version" in shown
    add = reverse("catalogue:add_person", args=[made.pk])
    unknown = client.post(add, {"email": "new@example.org", "role": "learner"})
    assert "Enter a name to invite them." in unknown.content.decode()
    for who, role in (("ada", "assessor"), ("lea", "lead_moderator"), ("rita", "ratifier")):
        client.post(add, {"email": f"{who}@example.org", "role": role})
    client.post(add, {"email": "new@example.org", "name": "Nia New", "role": "learner"})
    both = client.post(add, {"email": "ada@example.org", "role": "learner"})
    assert "another part" in both.content.decode()
    preview = client.get(opening).content.decode()
    assert "1 learner will see it" in preview
    assert client.post(opening).status_code == 302
    made.refresh_from_db()
    assert made.opened_at is not None
    assert made.policy_value("marking.double") is True
    assert client.post(opening).status_code == 409
    policy = reverse("catalogue:policy", args=[made.pk])
    assert client.post(policy, {}).status_code == 409


def test_import_is_previewed_then_applied(cast, client):
    login(client, cast.pam)
    address = reverse("catalogue:import_people", args=[cast.delivery.pk])
    assert client.post(address, {}).status_code == 422
    bad = client.post(address, {"text": "name,email,role\nA,a,learner"})
    assert bad.status_code == 422
    assert "Line 2, email" in bad.content.decode()
    text = "name,email,role\nWiremu Māhia,wiremu@example.org,learner\n"
    file = SimpleUploadedFile("people.csv", text.encode())
    preview = client.post(address, {"file": file})
    assert "New account and invitation" in preview.content.decode()
    assert not User.objects.filter(email="wiremu@example.org").exists()
    apply = reverse("catalogue:apply_import", args=[cast.delivery.pk])
    done = client.post(apply, {"text": preview.context["text"]}, follow=True)
    assert "1 added" in done.content.decode()
    assert Enrolment.objects.get(learner__email="wiremu@example.org").ended_at is None


def test_ending_asks_first(cast, client):
    login(client, cast.pam)
    part = cast.delivery.roles.get(user=cast.ada)
    address = reverse("catalogue:end_role", args=[cast.delivery.pk, part.pk])
    assert "Ada Assessor leaves" in client.get(address).content.decode()
    part.refresh_from_db()
    assert part.ended_at is None
    client.post(address)
    part.refresh_from_db()
    assert part.ended_at is not None
    enrolment = cast.enrolments["hone"]
    client.post(reverse("catalogue:end_enrolment", args=[cast.delivery.pk, enrolment.pk]))
    enrolment.refresh_from_db()
    assert enrolment.ended_at is not None


def test_a_person_of_another_delivery_cannot_be_ended_here(cast, client):
    login(client, cast.olga)
    version = published_version(cast.other, code="elsewhere")
    today = timezone.now().date()
    other = plan_delivery(
        version, code="other", title="Other", mode="online_live", starts_on=today,
        ends_on=today + timedelta(days=9), actor=cast.olga,
    )  # fmt: skip
    part = cast.delivery.roles.get(user=cast.ada)
    address = reverse("catalogue:end_role", args=[other.pk, part.pk])
    assert client.post(address).status_code == 404


def queries_of(client, address, django_assert_max_num_queries):
    with django_assert_max_num_queries(60) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_lists_cost_the_same_for_one_and_three(cast, client, django_assert_max_num_queries):
    login(client, cast.prudence)
    names = ["catalogue:home", "catalogue:deliveries", "catalogue:micro_credentials"]
    names.append("catalogue:organisations")
    lists = [reverse(name) for name in names]
    before = [queries_of(client, one, django_assert_max_num_queries) for one in lists]
    today = timezone.now().date()
    for number in (1, 2):
        version = published_version(cast.provider, code=f"more{number}")
        plan_delivery(
            version, code=f"d{number}", title="More", mode="online_live", starts_on=today,
            ends_on=today + timedelta(days=9), actor=cast.prudence,
        )  # fmt: skip
    Delivery.objects.update(opened_at=timezone.now())
    after = [queries_of(client, one, django_assert_max_num_queries) for one in lists]
    assert after == before


def test_pages_cost_the_same_for_one_and_three(cast, client, django_assert_max_num_queries):
    login(client, cast.prudence)
    small = draft_version(cast.provider, code="small", criteria=1)
    large = draft_version(cast.provider, code="large", criteria=3)
    counts = {
        queries_of(
            client, reverse("catalogue:version", args=[one.pk]), django_assert_max_num_queries
        )
        for one in (small, large)
    }
    assert len(counts) == 1
    page = reverse("catalogue:delivery", args=[cast.delivery.pk])
    before = queries_of(client, page, django_assert_max_num_queries)
    for number in range(3):
        learner = make_user(f"extra{number}")
        Enrolment.objects.create(delivery=cast.delivery, learner=learner, employer=cast.client)
    assert queries_of(client, page, django_assert_max_num_queries) == before


def test_search_finds_with_and_without_macrons(cast, client):
    login(client, cast.prudence)
    draft = draft_version(cast.provider, code="reo")
    MicroCredentialVersion.objects.filter(pk=draft.pk).update(title="Mātauranga ā-reo")
    address = reverse("catalogue:micro_credentials")
    assert "Mātauranga" in client.get(address, {"q": "matauranga"}).content.decode()
    assert "Mātauranga" not in client.get(address, {"q": "accessible"}).content.decode()


def test_the_admin_shows_and_changes_nothing(cast, client):
    login(client, cast.petra)
    version = cast.delivery.version
    base = "/admin/catalogue/microcredentialversion/"
    assert client.get(base).status_code == 200
    assert client.get(f"{base}{version.pk}/change/").status_code == 200
    assert client.post(f"{base}{version.pk}/change/", {"title": "x"}).status_code == 403
    assert client.get(f"{base}add/").status_code == 403
    assert client.post(f"{base}{version.pk}/delete/", {"post": "yes"}).status_code == 403
    login(client, cast.pam)
    assert client.get(base).status_code == 302
