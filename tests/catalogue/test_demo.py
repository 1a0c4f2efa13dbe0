"""The demonstration is whole, is loaded once, and everybody in it can sign in."""

from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from assessment import guards
from assessment.models import Exemplar, Seed
from assessment.selectors.calibration import unseen_exemplars
from assessment.selectors.seeds import obstacles, rows_of_seeds
from awards.models import Credential, Reconsideration
from catalogue.models import Delivery, MicroCredentialVersion
from config import demo
from moderation.models import ExternalReview, Meeting, ModerationRound
from portfolios.models import EvidenceItem, ExtensionRequest, Hold, Portfolio, Submission
from workflows.models import TransitionRecord
from workflows.outbox import relay

pytestmark = pytest.mark.django_db


@pytest.fixture
def loaded(settings):
    settings.DEMO_ALLOWED = True
    out = StringIO()
    call_command("load_demo", stdout=out)
    return out.getvalue()


def states(**which):
    return Counter(Submission.objects.filter(**which).values_list("state", flat=True))


def test_everything_is_there_once(loaded):
    assert MicroCredentialVersion.objects.filter(state="published").count() == 3
    assert MicroCredentialVersion.objects.filter(state="in_pre_moderation").count() == 1
    assert not Delivery.objects.filter(opened_at__isnull=True).exists()
    assert set(EvidenceItem.objects.values_list("state", flat=True)) == {"ready"}
    cohort = Delivery.objects.get(code="accessibility-1")
    assert cohort.enrolments.count() == 12
    assert Portfolio.objects.filter(enrolment__delivery=cohort).count() == 12
    assert states(delivery=cohort) == {
        "submitted": 1, "in_assessment": 1, "referred": 1, "assessed": 6
    }  # fmt: skip
    assert Counter(ExtensionRequest.objects.values_list("state", flat=True)) == {
        "approved": 1, "requested": 1
    }  # fmt: skip
    an_earlier_cohort_has_gone_through_everything()
    a_round_is_handed_on_and_a_meeting_recorded()
    a_round_is_half_read_and_part_of_it_was_drawn_at_random()
    a_new_assessor_can_calibrate_and_five_pieces_wait_for_her()
    one_piece_of_agreed_work_was_hidden_and_marked()
    everybody_shown_can_sign_in(loaded)
    before = TransitionRecord.objects.count(), User.objects.count()
    out = StringIO()
    call_command("load_demo", stdout=out)
    assert (TransitionRecord.objects.count(), User.objects.count()) == before
    assert out.getvalue() == loaded
    while relay(batch=200):
        pass
    assert Credential.objects.filter(state="issued").count() == 19
    assert call_command("verify_audit", stdout=StringIO()) is None


def an_earlier_cohort_has_gone_through_everything():
    earlier = Delivery.objects.get(code="accessibility-0")
    assert states(delivery=earlier) == {
        "referred": 1, "released": 19, "under_reconsideration": 1
    }  # fmt: skip
    assert Submission.objects.get(delivery=earlier, attempt=2).state == "released"
    assert not Hold.objects.filter(closed_at__isnull=True).exists()
    assert Hold.objects.count() == 1
    concluded = Reconsideration.objects.filter(concluded_at__isnull=False)
    assert concluded.count() == 1
    assert concluded.get().decision_after != concluded.get().decision_before
    done = ModerationRound.objects.get(delivery=earlier)
    assert done.state == "closed"
    assert Counter(done.items.values_list("state", flat=True)) == {"upheld": 19, "adjusted": 1}


def a_round_is_handed_on_and_a_meeting_recorded():
    review = ExternalReview.objects.get()
    assert (review.person.name, review.standing) == ("Xanthe Ruatapu", "open")
    assert Meeting.objects.get().exemplars.get() == Exemplar.objects.get(for_calibration=False)


def a_new_assessor_can_calibrate_and_five_pieces_wait_for_her():
    """What is agreed follows from its words: whoever chooses the agreed levels passes."""
    nadia = User.objects.get(email__startswith="nadia@")
    beginning = Delivery.objects.get(code="cybersecurity-1")
    kinds = EvidenceItem.objects.filter(pins__submission__delivery=beginning)
    assert set(kinds.values_list("kind", flat=True)) == {"file", "link", "note"}
    types = {"application/pdf", "image/png", "audio/wav"}
    assert types <= set(kinds.values_list("media_type", flat=True))
    waiting = Submission.objects.filter(delivery=beginning, allocations__assessor=nadia)
    assert waiting.count() == 5
    assert not guards.calibrated_if_asked.holds(waiting[0], nadia)
    assert unseen_exemplars(beginning.version.tasks.get(), nadia).count() == 5


def one_piece_of_agreed_work_was_hidden_and_marked():
    lea = User.objects.get(email__startswith="lea@")
    (seed,) = Seed.objects.visible_to(lea)
    assert seed.assessor.email.startswith("ada@")
    (row,) = rows_of_seeds([seed])
    assert row.words == "Decided"
    assert row.signed > 0
    assert obstacles(seed.plan.delivery, seed.plan.task) == []


def a_round_is_half_read_and_part_of_it_was_drawn_at_random():
    running = ModerationRound.objects.get(delivery__code="cybersecurity-pilot")
    assert running.state == "reviewing"
    found = Counter(running.items.values_list("state", flat=True))
    assert found["scored"] == 1
    assert min(found["upheld"], found["drawn"]) > 1
    drawn = Counter(running.items.values_list("part", flat=True))
    assert min(drawn["random"], drawn["targeted"]) > 1
    assert sum(drawn.values()) < running.members.count()


def everybody_shown_can_sign_in(loaded):
    parts = set()
    for address, name, part in demo.demo_accounts():
        user = User.objects.get(email=address)
        assert user.name == name
        assert user.check_password(demo.PASSWORD)
        assert address in loaded
        parts.add(part)
    assert parts == {
        "Learner", "Assessor", "New assessor", "Moderator", "Lead moderator", "External moderator", "Ratifier",
        "Programme administrator", "Moderator from outside", "Author", "Pre-assessment moderator",
    }  # fmt: skip
    assert demo.PASSWORD in loaded
    page = Client().get("/accounts/login/").content.decode()
    assert demo.PASSWORD in page
    assert [address for address, _name, _part in demo.demo_accounts() if address not in page] == []


def test_no_known_passwords_in_production(settings):
    settings.DEMO_ALLOWED = False
    with pytest.raises(CommandError, match="public password"):
        call_command("load_demo")
    assert not User.objects.exists()
    assert demo.PASSWORD not in Client().get("/accounts/login/").content.decode()
