"""The demonstration is whole, is loaded once, and everybody in it can sign in."""

from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from catalogue.models import Delivery, MicroCredentialVersion
from config import demo
from moderation.models import SampleItem
from portfolios.models import EvidenceItem, Portfolio, Submission
from workflows.models import TransitionRecord

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def loaded(settings):
    settings.DEMO_ALLOWED = True
    out = StringIO()
    call_command("load_demo", stdout=out)
    return out.getvalue()


def test_everything_is_there_once(loaded):
    assert MicroCredentialVersion.objects.filter(state="published").count() == 3
    assert not Delivery.objects.filter(opened_at__isnull=True).exists()
    cohort = Delivery.objects.get(code="accessibility-1")
    assert cohort.enrolments.count() == 12
    assert Portfolio.objects.filter(enrolment__delivery=cohort).count() == 12
    states = Counter(Submission.objects.filter(delivery=cohort).values_list("state", flat=True))
    assert states == {"submitted": 1, "in_assessment": 1, "referred": 1, "assessed": 6}
    pilot = Submission.objects.exclude(delivery=cohort)
    assert set(pilot.values_list("state", flat=True)) == {"in_moderation"}
    assert SampleItem.objects.filter(submission__in=pilot, state="drawn").count() == 6
    assert set(EvidenceItem.objects.values_list("state", flat=True)) == {"ready"}
    before = TransitionRecord.objects.count(), User.objects.count()
    out = StringIO()
    call_command("load_demo", stdout=out)
    assert (TransitionRecord.objects.count(), User.objects.count()) == before
    assert out.getvalue() == loaded


def test_everybody_shown_can_sign_in(loaded, client):
    parts = set()
    for address, name, part in demo.demo_accounts():
        user = User.objects.get(email=address)
        assert user.name == name
        assert user.check_password(demo.PASSWORD)
        assert address in loaded
        parts.add(part)
    assert parts == {
        "Learner", "Assessor", "Moderator", "Lead moderator", "External moderator", "Ratifier",
        "Programme administrator", "Author", "Pre-assessment moderator",
    }  # fmt: skip
    assert demo.PASSWORD in loaded


def test_no_known_passwords_in_production(settings):
    settings.DEMO_ALLOWED = False
    with pytest.raises(CommandError, match="public password"):
        call_command("load_demo")
    assert not User.objects.exists()
