"""Importing people: every problem by row, everybody or nobody."""

import pytest
from django.core import mail
from django.urls import reverse

from accounts.models import User
from catalogue.actions import import_people, read_people
from catalogue.actions.imports import MAX_ROWS
from catalogue.enums import DeliveryRoleKind as Role
from catalogue.exceptions import ImportRefused
from catalogue.models import DeliveryRole, Enrolment
from tests.personas import make_cast
from workflows.exceptions import NotPermitted
from workflows.models import Notification

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
GOOD = """name,email,role,organisation
Aroha Ngātai,Aroha@Example.org,learner,ministry
Ben Brown,ben@example.org,Learner,
Cy Clark,cy@example.org,assessor,
Cy Clark,cy@example.org,moderator,
Ada Assessor,ada@example.org,assessor,
"""


@pytest.fixture
def cast():
    return make_cast(learners=1)


def counts():
    return User.objects.count(), Enrolment.objects.count(), DeliveryRole.objects.count()


def test_a_good_list(cast):
    plan = read_people(GOOD.encode(), delivery=cast.delivery)
    assert plan.problems == []
    assert [one.effect for one in plan.people] == [
        "New account and invitation", "New account and invitation", "New account and invitation",
        "New account and invitation", "No change",
    ]  # fmt: skip
    assert (plan.new_accounts, plan.changes) == (3, 4)
    before = counts()
    import_people(GOOD.encode(), delivery=cast.delivery, actor=cast.pam)
    assert counts() == (before[0] + 3, before[1] + 2, before[2] + 2)
    aroha = User.objects.get(email="aroha@example.org")
    assert aroha.name == "Aroha Ngātai"
    assert not aroha.has_usable_password()
    assert aroha.enrolments.get().employer == cast.client
    invited = Notification.objects.filter(topic="accounts.person.invited")
    assert set(invited.values_list("recipient__email", flat=True)) == {
        "aroha@example.org", "ben@example.org", "cy@example.org",
    }  # fmt: skip
    # The same list again changes nothing.
    again = import_people(GOOD.encode(), delivery=cast.delivery, actor=cast.pam)
    assert again.changes == 0
    assert counts() == (before[0] + 3, before[1] + 2, before[2] + 2)


def test_semicolons_tabs_bom_and_crlf(cast):
    for text in (
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        "\ufeff" + GOOD.replace("\n", "\r\n"),
    ):
        plan = read_people(text.encode(), delivery=cast.delivery)
        assert (plan.problems, len(plan.people)) == ([], 5)


BAD = [
    (b"name,email,role\nAroha,\xe4@example.org,learner", 2, "not UTF-8"),
    ("name,email,role\nA,a@b.org,learner".encode("utf-16"), 1, "not UTF-8"),
    (b"", 1, "empty"),
    (b"\n\n", 1, "empty"),
    (b"name,email,role\nA\0,a@b.org,learner", 1, "not a text file"),
    (b"name,email\nA,a@b.org", 1, "role: This column is missing"),
    (b"just some words", 1, "name: This column is missing"),
    (b"name,email,role,colour\nA,a@b.org,learner,red", 1, "Unknown column"),
    (b"name,name,email,role\nA,A,a@b.org,learner", 1, "twice"),
    (b"name,email,role\nA,a@b.org", 2, "2 cells; the header has 3"),
    (b'name,email,role\n"A,a@b.org,learner', 2, "Cannot be read"),
    (b"name,email,role\nA,not-an-address,learner", 2, "e-mail address"),
    (b"name,email,role\n,a@b.org,learner", 2, "Enter a name"),
    (b"name,email,role\nA,a@b.org,marker", 2, "Unknown role"),
    (b"name,email,role\nA,a@b.org,learner\nA,A@B.org,learner", 3, "in this list already"),
    (b"name,email,role\nA,a@b.org,learner\nA,a@b.org,assessor", 3, "learner and something else"),
    (b"name,email,role\nA,a@b.org,assessor\nB,a@b.org,moderator", 3, "another name"),
    (b"name,email,role\n=1+1,a@b.org,learner", 2, "formula"),
    (b"name,email,role\n+64 21,a@b.org,learner", 2, "formula"),
    (b"name,email,role\n-A,a@b.org,learner", 2, "formula"),
    (b"name,email,role\n@SUM(A1),a@b.org,learner", 2, "formula"),
    ("name,email,role\n＝1+1,a@b.org,learner".encode(), 2, "formula"),
    (b'name,email,role\n"A\nB",a@b.org,learner', 3, "line break"),
    (b"name,email,role,organisation\nA,a@b.org,learner,nobody", 2, "no organisation"),
    (b"name,email,role\nAda,ada@example.org,learner", 2, "another part in the delivery"),
    (b"name,email,role\nLena,lena@example.org,assessor", 2, "is a learner of the delivery"),
    (b"name,email,role\n" + b"x" * 600_000, 1, "500 kB"),
    (b"name,email,role\n" + b"A" * 201 + b",a@b.org,learner", 2, "200 characters"),
]


@pytest.mark.parametrize(("content", "line", "words"), BAD)
def test_malformed_lists_import_nobody(content, line, words, cast):
    before = counts()
    with pytest.raises(ImportRefused) as refused:
        import_people(content, delivery=cast.delivery, actor=cast.pam)
    found = [one for one in refused.value.problems if one.line == line and words in str(one)]
    assert found, [str(one) for one in refused.value.problems]
    assert counts() == before
    assert not Notification.objects.exists()


def test_one_bad_row_among_good_ones_imports_nobody(cast):
    before = counts()
    text = GOOD + "Dora,dora@example.org,marker,\nEve,eve,learner,\n"
    with pytest.raises(ImportRefused) as refused:
        import_people(text.encode(), delivery=cast.delivery, actor=cast.pam)
    assert [one.line for one in refused.value.problems] == [7, 8]
    assert counts() == before


def test_too_many_rows(cast):
    rows = "".join(f"N{i},n{i}@example.org,learner\n" for i in range(MAX_ROWS + 1))
    plan = read_people(f"name,email,role\n{rows}".encode(), delivery=cast.delivery)
    assert "1000 people at most" in str(plan.problems[0])


def test_a_closed_account_is_not_taken_up(cast):
    cast.olga.is_active = False
    cast.olga.save()
    plan = read_people(b"name,email,role\nOlga,olga@example.org,learner", delivery=cast.delivery)
    assert "closed" in str(plan.problems[0])


def test_an_empty_list_is_refused(cast):
    with pytest.raises(ImportRefused, match="1 problems"):
        import_people(b"name,email,role\n", delivery=cast.delivery, actor=cast.pam)


def test_only_administrators_import(cast):
    with pytest.raises(NotPermitted):
        import_people(GOOD.encode(), delivery=cast.delivery, actor=cast.ada)


def test_reading_a_list_costs_the_same_for_one_and_many(cast, django_assert_max_num_queries):
    rows = "".join(f"N{i},n{i}@example.org,learner\n" for i in range(50))
    with django_assert_max_num_queries(4):
        read_people(f"name,email,role\n{rows}".encode(), delivery=cast.delivery)


def test_an_invited_person_can_set_a_password(cast, client, settings):
    """The page that the invitation names works for an account without a password."""
    import_people(GOOD.encode(), delivery=cast.delivery, actor=cast.pam)
    path = Notification.objects.filter(topic="accounts.person.invited").first().path
    assert path == reverse("account_reset_password")
    client.post(path, {"email": "aroha@example.org"})
    (message,) = mail.outbox
    link = next(word for word in message.body.split() if "/password/reset/key/" in word)
    form = client.get(link.split("testserver")[-1], follow=True)
    new = "a long enough sentence 7"
    client.post(form.request["PATH_INFO"], {"password1": new, "password2": new})
    assert User.objects.get(email="aroha@example.org").check_password(new)


def test_roles_of_the_list_are_those_of_the_delivery(cast):
    rows = "".join(f"N {role},{role}@example.org,{role}\n" for role in Role.values)
    import_people(f"name,email,role\n{rows}".encode(), delivery=cast.delivery, actor=cast.pam)
    for role in Role.values:
        assert DeliveryRole.objects.filter(user__email=f"{role}@example.org", role=role).exists()


def test_site_and_recognition_of_learners(cast):
    """Both are set for new and for known learners; an empty cell leaves them, and nobody is told again."""
    text = (
        "name,email,role,site,recognition\n"
        "Aroha Ngātai,aroha@example.org,learner,Te Whare Pora,yes\n"
        f"Lena Learner,{cast.lena.email},learner,Porirua,Yes\n"
    )
    plan = read_people(text.encode(), delivery=cast.delivery)
    assert [one.effect for one in plan.people] == [
        "New account and invitation",
        "Site or recognition changes",
    ]
    before = Notification.objects.filter(recipient=cast.lena).count()
    import_people(text.encode(), delivery=cast.delivery, actor=cast.pam)
    known = Enrolment.objects.values_list("learner__email", "site", "recognition")
    assert set(known) == {
        ("aroha@example.org", "Te Whare Pora", True),
        (cast.lena.email, "Porirua", True),
    }
    assert Notification.objects.filter(recipient=cast.lena).count() == before
    again = import_people(text.encode(), delivery=cast.delivery, actor=cast.pam)
    assert again.changes == 0
    back = text.replace("Porirua,Yes", ",no")
    import_people(back.encode(), delivery=cast.delivery, actor=cast.pam)
    lena = Enrolment.objects.get(learner=cast.lena)
    assert (lena.site, lena.recognition) == ("Porirua", False)


def test_site_and_recognition_are_only_for_learners(cast):
    text = (
        "name,email,role,site,recognition\n"
        "Cy Clark,cy@example.org,assessor,Porirua,\n"
        f"Dee Doe,dee@example.org,learner,{'x' * 101},perhaps\n"
    )
    plan = read_people(text.encode(), delivery=cast.delivery)
    assert [str(one) for one in plan.problems] == [
        "Line 2, site: Is only for learners.",
        "Line 3, site: May have 100 characters at most.",
        "Line 3, recognition: Write yes or no, or leave it empty.",
    ]
