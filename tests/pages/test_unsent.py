"""What was typed when the session ended: whatever the page, it is there after signing in, and goes only when sent."""

from html import unescape
from re import findall

import pytest
from django.urls import reverse

from assessment.models import AssessmentDecision
from awards.models import Reconsideration
from portfolios.views.shared import KEPT
from tests.factories.assessment import allocated, opened
from tests.factories.awards import released
from tests.personas import make_cast
from tests.worlds import kept

pytestmark = pytest.mark.django_db
GROUNDS = "Criterion 2 was missed:\n“Kia ora” <b> is there."


@kept
def world():
    cast = make_cast(learners=2)
    work = allocated(cast, "hone")
    opened(work, cast.ada)
    return cast, released(cast, "lena", achieved=False), work


def hidden(page):
    """The form of the page as a browser would send it."""
    found = findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}


def text_of(response):
    return response.content.decode()


def test_words_of_any_form_wait_and_are_sent_once(world, client):
    cast, submission, _work = world
    place = reverse("awards:reconsider", args=[submission.pk])
    asked = client.post(place, {"grounds": GROUNDS})
    assert asked.url == f"/accounts/login/?next={place}"
    client.force_login(cast.lena)
    for _time in range(2):
        page = text_of(client.get(place))
        assert "This was not sent yet" in page
        assert "is there.</div>" in page
        assert "<b>" not in page
    assert not Reconsideration.objects.exists()
    assert hidden(page) == {"grounds": GROUNDS}
    sent = client.post(place, hidden(page), follow=True)
    assert "You asked for reconsideration" in text_of(sent)
    assert Reconsideration.objects.get().grounds == GROUNDS
    assert "not sent" not in text_of(client.get(reverse("awards:result", args=[submission.pk])))
    assert KEPT not in client.session


def test_a_form_that_is_sent_elsewhere_comes_back_to_its_page(world, client):
    """The address of the form alone takes no visit."""
    cast, _submission, work = world
    workspace = reverse("assessment:workspace", args=[work.pk])
    save = reverse("assessment:save", args=[work.pk])
    typed = {"version": "1", "feedback": "Tēnā koe, ka pai.", "then": "stay"}
    asked = client.post(
        f"{save}?whose=mine", typed, headers={"referer": f"http://testserver{workspace}?whose=mine"}
    )
    assert asked.url == f"/accounts/login/?next={workspace}%3Fwhose%3Dmine"
    client.force_login(cast.ada)
    page = text_of(client.get(f"{workspace}?whose=mine"))
    assert f'action="{save}?whose=mine"' in page
    assert "Tēnā koe, ka pai." in page
    assert client.post(f"{save}?whose=mine", hidden(page)).status_code == 302
    assert AssessmentDecision.objects.get(submission=work).feedback == typed["feedback"]
    assert "Rubric" in text_of(client.get(workspace))
    pressed = client.post(save, headers={"referer": f"http://testserver{workspace}"})
    assert pressed.status_code != 405


def test_it_can_be_left(world, client):
    cast, submission, _work = world
    place = reverse("awards:reconsider", args=[submission.pk])
    client.post(f"{place}?a=1", {"grounds": GROUNDS})
    client.force_login(cast.lena)
    page = text_of(client.get(f"{place}?a=1"))
    leave = unescape(findall(r'href="([^"]+unsent=leave)"', page)[0])
    assert client.get(leave).url == f"{place}?a=1"
    assert "not sent" not in text_of(client.get(place))
    assert not Reconsideration.objects.exists()


def test_whoever_may_not_see_the_page_does_not_see_the_words(world, client):
    cast, submission, _work = world
    place = reverse("awards:reconsider", args=[submission.pk])
    client.post(place, {"grounds": GROUNDS})
    client.force_login(cast.hone)
    answer = client.get(place)
    assert answer.status_code == 404
    assert "Criterion 2" not in text_of(answer)
    assert "Criterion 2" not in text_of(client.get("/", follow=True))


@pytest.mark.parametrize(
    ("place", "more"),
    [
        ("/accounts/password/change/", {}),
        ("/accounts/reauthenticate/", {}),
        ("/settings/", {"headers": {"x-requested-with": "autosave"}}),
        ("/settings/", {"headers": {"hx-request": "true"}}),
    ],
)
def test_passwords_and_what_scripts_send_are_not_kept(world, client, place, more):
    asked = client.post(place, {"password": "correct horse", "theme": "dark"}, **more)
    assert asked.url.startswith("/accounts/login/")
    assert KEPT not in client.session


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/manage/",
        "http://testserver//evil.example/",
        "http://testserver/accounts/login/",
    ],
)
def test_nobody_is_led_anywhere_else(world, client, page):
    answer = client.post("/settings/", {"theme": "dark"}, headers={"referer": page})
    assert answer.url == "/accounts/login/?next=/settings/"


def test_a_file_has_to_be_chosen_again(world, client):
    from django.core.files.uploadedfile import SimpleUploadedFile

    cast, _submission, _work = world
    place = reverse("catalogue:import_people", args=[cast.delivery.pk])
    client.post(place, {"text": "", "file": SimpleUploadedFile("people.csv", b"name,email,role\n")})
    client.force_login(cast.pam)
    assert "Files were not kept." in text_of(client.get(place))
