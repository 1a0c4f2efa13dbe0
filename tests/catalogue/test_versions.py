"""Loading versions, their way to publication, and that nothing changes once it is frozen."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.models import Membership, Organisation, User
from catalogue import definitions
from catalogue.actions import (
    approve_version,
    load_definition,
    publish_version,
    retire_version,
    send_version_back,
    send_version_to_pre_moderation,
)
from catalogue.checklist import Answer
from catalogue.definitions import DefinitionError, parse
from catalogue.models import (
    AssessmentTask,
    Criterion,
    Grade,
    GradeScheme,
    LearningOutcome,
    Level,
    MicroCredential,
    MicroCredentialVersion,
    Rubric,
    StackingRule,
    policy_defaults,
)
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import Notification, TransitionRecord
from workflows.outbox import relay

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
FOLDER = Path(definitions.__file__).parent / "credentials"
ACCESS = FOLDER / "digital-accessibility.yaml"


@pytest.fixture
def provider():
    return Organisation.objects.create(
        code="provider", name="Provider", kind=OrganisationKind.PROVIDER
    )


def member(provider, role):
    user = User.objects.create_user(f"{role}@example.org", name=role.title())
    Membership.objects.create(user=user, organisation=provider, role=role)
    return user


@pytest.fixture
def author(provider):
    return member(provider, OrganisationRole.AUTHOR)


@pytest.fixture
def checker(provider):
    return member(provider, OrganisationRole.PRE_MODERATOR)


@pytest.fixture
def administrator(provider):
    return member(provider, OrganisationRole.ADMINISTRATOR)


def read(content=None):
    return parse(content or ACCESS.read_bytes(), policy_defaults=policy_defaults())


@pytest.fixture
def version(provider, author):
    return load_definition(read(), provider=provider, actor=author).version


def load(file, **options):
    out = StringIO()
    call_command("load_credential", str(file), author="author@example.org", stdout=out, **options)
    return out.getvalue()


def test_load_same_again_and_changed(provider, author, tmp_path):
    assert "version 1 in draft" in load(ACCESS)
    assert "No change" in load(ACCESS)
    file = tmp_path / "changed.yaml"
    file.write_text(ACCESS.read_text("utf-8").replace("level: 6", "level: 7"), "utf-8")
    assert "version 2 in draft" in load(file)
    one, two = MicroCredentialVersion.objects.order_by("number")
    assert (one.level, two.level, two.state) == (6, 7, "draft")
    assert one.grade_scheme == two.grade_scheme
    assert Criterion.objects.filter(rubric__task__version=two).count() == 6
    assert Level.objects.filter(criterion__rubric__task__version=two).count() == 24
    assert [rule.target_code for rule in two.stacks_into.all()] == [
        "certificate-inclusive-services"
    ]
    assert two.policy_value("referral.max") == 1
    assert two.tasks.get().attestations_required == 1
    assert TransitionRecord.objects.filter(subject_id=two.pk, name="draft").count() == 1


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_shipped_file_loads_and_can_be_sent(file, provider, author):
    version = load_definition(read(file.read_bytes()), provider=provider, actor=author).version
    assert send_version_to_pre_moderation(version, actor=author).state == "in_pre_moderation"


def test_a_wrong_file_loads_nothing(provider, author, tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text(ACCESS.read_text("utf-8").replace("credits: 5", "credits: 50"), "utf-8")
    with pytest.raises(CommandError, match=r"line 5: credits.*\n.*Nothing was loaded"):
        load(file)
    assert not MicroCredential.objects.exists()
    assert not GradeScheme.objects.exists()


def test_the_command_refuses_strangers(provider, author, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        load(tmp_path / "missing.yaml")
    with pytest.raises(CommandError, match="0 providers"):
        load(ACCESS, provider="nobody")
    User.objects.create_user("stranger@example.org", name="Stranger")
    with pytest.raises(CommandError, match="neither author nor administrator"):
        call_command("load_credential", str(ACCESS), author="stranger@example.org")
    with pytest.raises(CommandError, match="Nobody has the address"):
        call_command("load_credential", str(ACCESS), author="ghost@example.org")


def test_without_a_name_it_is_the_only_author(provider, author, tmp_path):
    out = StringIO()
    call_command("load_credential", str(ACCESS), stdout=out)
    assert "version 1 in draft" in out.getvalue()
    assert MicroCredentialVersion.objects.get().author == author
    member(provider, OrganisationRole.ADMINISTRATOR)
    call_command("load_credential", str(ACCESS), stdout=out)
    second = User.objects.create_user("second@example.org", name="Second")
    Membership.objects.create(user=second, organisation=provider, role=OrganisationRole.AUTHOR)
    with pytest.raises(CommandError, match=r"author@example\.org, second@example\.org\.$"):
        call_command("load_credential", str(ACCESS))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("format: 1", "utf-8")
    with pytest.raises(CommandError, match="Nothing was loaded"):
        call_command("load_credential", str(wrong))


def test_code_visibility_and_client_stay(provider, author, version):
    other = Organisation.objects.create(code="other", name="Other", kind=OrganisationKind.PROVIDER)
    Membership.objects.create(user=author, organisation=other, role=OrganisationRole.AUTHOR)
    with pytest.raises(DefinitionError, match="Another provider"):
        load_definition(read(), provider=other, actor=author)
    text = ACCESS.read_text("utf-8")
    private = text.replace("visibility: public", "visibility: client\nclient: other").encode()
    with pytest.raises(DefinitionError, match="cannot change"):
        load_definition(read(private), provider=provider, actor=author)
    unknown = text.replace("visibility: public", "visibility: client\nclient: nobody").encode()
    with pytest.raises(DefinitionError, match="no organisation"):
        load_definition(read(unknown), provider=provider, actor=author)


def test_a_changed_scheme_is_another_scheme(provider, author, version):
    text = ACCESS.read_text("utf-8").replace("label: Achieved, label_mi", "label: Passed, label_mi")
    two = load_definition(read(text.encode()), provider=provider, actor=author).version
    assert two.grade_scheme != version.grade_scheme
    assert two.grade_scheme.code == "achieved-2"
    assert version.tasks.get().rubric.content_hash != two.tasks.get().rubric.content_hash


def test_the_way_of_a_version(version, author, checker, administrator):
    version = send_version_to_pre_moderation(version, actor=author)
    with pytest.raises(NotPermitted):
        approve_version(version, actor=author)
    version = send_version_back(version, actor=checker, note="Say more in C3.")
    assert (version.state, version.pre_moderation_note) == ("draft", "Say more in C3.")
    version = send_version_to_pre_moderation(version, actor=author)
    version = approve_version(
        version, actor=checker, note="Good.", checklist={"reo": Answer("yes")}
    )
    assert version.pre_moderator == checker
    assert [one.decision for one in version.pre_moderations.order_by("number")] == [
        "changes_required", "approved",
    ]  # fmt: skip
    with pytest.raises(NotPermitted):
        publish_version(version, actor=checker)
    version = publish_version(version, actor=administrator)
    with pytest.raises(StaleState):
        publish_version(version, actor=administrator)
    version = retire_version(version, actor=administrator)
    names = TransitionRecord.objects.filter(subject_id=version.pk).order_by("seq")
    assert [record.name for record in names] == [
        "draft", "send_to_pre_moderation", "send_back", "send_to_pre_moderation",
        "approve", "publish", "retire",
    ]  # fmt: skip


def test_an_author_who_is_pre_moderator_too_cannot_approve_their_own(provider, version, author):
    Membership.objects.create(
        user=author, organisation=provider, role=OrganisationRole.PRE_MODERATOR
    )
    version = send_version_to_pre_moderation(version, actor=author)
    with pytest.raises(NotPermitted):
        approve_version(version, actor=author)
    with pytest.raises(IntegrityError), transaction.atomic():
        MicroCredentialVersion.objects.filter(pk=version.pk).update(pre_moderator=author)


def test_a_version_without_levels_cannot_be_sent(version, author):
    Level.objects.filter(criterion__code="C1", is_met=True).delete()
    with pytest.raises(GuardsNotMet) as refused:
        send_version_to_pre_moderation(version, actor=author)
    assert refused.value.codes == ["definition_not_whole"]


def test_people_are_told(version, author, checker):
    version = send_version_to_pre_moderation(version, actor=author)
    approve_version(version, actor=checker)
    relay()
    told = Notification.objects.values_list("topic", "recipient__email")
    machine = "catalogue.microcredentialversion"
    assert set(told) == {
        (f"{machine}.sent_to_pre_moderation", "pre_moderator@example.org"),
        (f"{machine}.approved", "author@example.org"),
    }


MODELS = [
    LearningOutcome,
    AssessmentTask,
    Rubric,
    Criterion,
    Level,
    StackingRule,
    Grade,
    GradeScheme,
]
FIELD = {
    Rubric: "content_hash", Level: "descriptor", StackingRule: "target_title", Grade: "label",
    GradeScheme: "name",
}  # fmt: skip


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_content_is_frozen_when_it_leaves_draft(model, version, author, checker):
    """By queryset, by SQL and by delete: whoever asks."""
    name = FIELD.get(model, "title")
    model.objects.update(**{name: "draft"})
    send_version_to_pre_moderation(version, actor=author)
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        model.objects.update(**{name: "x"})
    one = model.objects.first()
    setattr(one, name, "x")
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        one.save()
    with (
        pytest.raises(IntegrityError, match="frozen"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"DELETE FROM {model._meta.db_table}")
    copy = model.objects.first()
    copy.pk = None
    if model is not GradeScheme:
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            copy.save(force_insert=True)
    assert set(model.objects.values_list(name, flat=True)) == {"draft"}


@pytest.mark.parametrize(
    "values",
    [
        {"title": "x"}, {"credits": 6}, {"level": 5}, {"purpose": "x"}, {"policy": {"a": 1}},
        {"listing": {}}, {"definition_hash": "0"}, {"delivery_modes": []}, {"number": 9},
        {"title_mi": "x"}, {"review_interval_months": 1},
    ],
)  # fmt: skip
def test_the_version_itself_is_frozen(values, version, author):
    send_version_to_pre_moderation(version, actor=author)
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        MicroCredentialVersion.objects.filter(pk=version.pk).update(**values)


def test_sent_back_is_a_draft_again_but_approved_is_not(version, author, checker):
    sent = send_version_to_pre_moderation(version, actor=author)
    send_version_back(sent, actor=checker, note="More.")
    LearningOutcome.objects.update(text="More.")
    sent = send_version_to_pre_moderation(version, actor=author)
    approve_version(sent, actor=checker)
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        LearningOutcome.objects.update(text="Less.")


def test_moving_a_row_between_versions_is_refused_both_ways(version, provider, author):
    text = ACCESS.read_text("utf-8").replace("level: 6", "level: 7")
    draft = load_definition(read(text.encode()), provider=provider, actor=author).version
    send_version_to_pre_moderation(version, actor=author)
    frozen, free = version.outcomes.first(), draft.outcomes.first()
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        LearningOutcome.objects.filter(pk=frozen.pk).update(version=draft, number=99)
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        LearningOutcome.objects.filter(pk=free.pk).update(version=version, number=99)
