"""Who reads whose feedback and first decisions, and what each page offers: questions, answers, forms."""

from django.utils import timezone

from assessment.actions.early import (
    ask_for_early_changes,
    begin_reading,
    pass_early_check,
    record_reading,
)
from assessment.actions.reviewing import answer_review, ask_about_result, ask_review, take_review
from assessment.models import EarlyAnswer, EarlyCheck, EarlyPlace, FeedbackReview
from assessment.selectors.early import decided_places
from catalogue.actions.hooks import tell
from catalogue.models import DeliveryRole
from portfolios.models import Part
from tests.assessment.pages import url
from tests.factories.assessment import allocated, assessed, drafted
from tests.factories.awards import released
from tests.personas import as_, make_cast, make_user, second_cohort
from tests.worlds import kept

# --- feedback that somebody senior reads


@kept
def asked():
    """Ada asked about her draft; Lea and Leo lead."""
    made = make_cast(learners=2)
    made.people["leo"] = make_user("leo")
    DeliveryRole.objects.create(delivery=made.delivery, user=made.leo, role="lead_moderator")
    made.work = allocated(made)
    drafted(made.work, made.ada)
    made.review = ask_review(made.work, actor=made.ada, question="Too harsh?")
    return made


def test_whoever_had_a_part_in_the_work_is_not_asked_to_take_the_question(asked):
    where = url("review", asked.review.pk)
    Part.objects.create(
        submission=asked.work, person=asked.leo, kind="moderator", ended_at=timezone.now()
    )
    pages = {one: as_(one).get(where).content.decode() for one in (asked.lea, asked.leo)}
    assert "Take it and read" in pages[asked.lea]
    assert "Take it and read" not in pages[asked.leo]
    assert "You had a part in this work" in pages[asked.leo]


def test_a_question_that_is_taken_is_offered_to_nobody_and_opens_nothing_to_another(asked):
    take_review(asked.review, actor=asked.lea)
    page = as_(asked.leo).get(url("review", asked.review.pk)).content.decode()
    assert "Lea Lead has taken it." in page
    for words in ("Take it and read", "Send the answer", "Clear work."):
        assert words not in page
    assert as_(asked.leo).get(url("review", asked.review.pk)).status_code == 200


def test_one_asks_again_when_the_answer_is_there(asked):
    ada, where = as_(asked.ada), url("ask_review", asked.work.pk)

    def form():
        return 'name="question"' in ada.get(where).content.decode()

    assert not form()
    take_review(asked.review, actor=asked.lea)
    assert not form()
    answer_review(asked.review, actor=asked.lea, answer="No.")
    assert form()
    # Who lost the work reads the answer, and asks nothing.
    DeliveryRole.objects.create(delivery=asked.delivery, user=asked.ada, role="lead_moderator")
    Part.objects.filter(submission=asked.work, person=asked.ada).update(ended_at=timezone.now())
    assert not form()
    assert ada.post(where, {"question": "And now?"}).status_code == 403
    assert FeedbackReview.objects.count() == 1


def test_who_has_no_decision_on_it_finds_no_question_to_ask(asked):
    other = allocated(asked, "hone", "abe")
    for person in (asked.abe, asked.lea, asked.pam):
        assert as_(person).get(url("ask_review", other.pk)).status_code == 403


@kept
def out():
    """Lena's result is released."""
    made = make_cast(learners=1)
    made.work = released(made)
    return made


def test_a_learner_asks_again_when_the_answer_is_there(out):
    lena, where = as_(out.lena), url("about_result", out.work.pk)

    def form():
        return 'name="question"' in lena.get(where).content.decode()

    assert form()
    review = ask_about_result(out.work, actor=out.lena, question="Why?")
    assert not form()
    leo = make_user("leo")
    DeliveryRole.objects.create(delivery=out.delivery, user=leo, role="lead_moderator")
    take_review(review, actor=leo)
    assert not form()
    answer_review(review, actor=leo, answer="Page 4.")
    assert form()


# --- the first decisions on a new task


@kept
def early():
    """Ada's two first decisions, each sent back to her, in checks of two deliveries."""
    made = make_cast(learners=2, policy={"marking.early_check": 2})
    tell("delivery_opened", delivery=made.delivery, actor=made.pam)
    made.first, made.second = assessed(made, "lena"), assessed(made, "hone")
    evening = second_cohort(made).delivery
    made.check = EarlyCheck.objects.get()
    made.other = EarlyCheck.objects.create(delivery=evening, task=made.task, size=1)
    EarlyPlace.objects.filter(submission=made.second).update(check_of=made.other)
    made.readings = [send_back(made, one) for one in (made.check, made.other)]
    return made


def send_back(made, check):
    (found,) = decided_places(check)
    begin_reading(found.place, actor=made.moses)
    return record_reading(
        found.place, found.decision, actor=made.moses, is_sound=False,
        note=f"Of {check.delivery.title}.", sent_back=True,
    )  # fmt: skip


def answered(reading):
    prefix = f"answer-{reading.pk}"
    return {
        "reading": reading.pk, f"{prefix}-would_change": "no", f"{prefix}-text": "C2 has a plan.",
    }  # fmt: skip


def test_a_page_of_first_decisions_is_of_one_check(early):
    ada = as_(early.ada)
    here, there = (
        ada.get(url("early_check", one.pk)).content.decode() for one in (early.check, early.other)
    )
    for page, inside, outside in (
        (here, early.first, early.second), (there, early.second, early.first),
    ):  # fmt: skip
        assert inside.reference in page
        assert outside.reference not in page
    reading = early.readings[1]
    assert ada.post(url("early_check", early.check.pk), answered(reading)).status_code == 404
    assert not EarlyAnswer.objects.exists()
    assert ada.post(url("early_check", early.other.pk), answered(reading)).status_code == 302
    assert EarlyAnswer.objects.get().reading == reading


def test_only_what_is_not_answered_has_a_form_and_nothing_once_marking_goes_on(early):
    ada, where = as_(early.ada), url("early_check", early.check.pk)
    EarlyPlace.objects.filter(check_of=early.other).update(check_of=early.check)
    first, second = early.readings

    def forms():
        page = ada.get(where).content.decode()
        return [f'value="{one.pk}"' in page for one in early.readings]

    assert forms() == [True, True]
    wrong = ada.post(where, {"reading": first.pk})
    # Only the form that was sent is complained of.
    assert [bool(form.errors) for _one, form, _rows, _pins in wrong.context["asked"]] == [
        True,
        False,
    ]
    ada.post(where, answered(first))
    assert forms() == [False, True]
    ask_for_early_changes(early.check, actor=early.moses, note="Read C2 again.")
    early.delivery.roles.filter(user=early.ada).update(ended_at=timezone.now())
    pass_early_check(early.check, actor=early.moses, note="Talked it over.")
    early.delivery.roles.filter(user=early.ada).update(ended_at=None)
    page = ada.get(where).content.decode()
    assert forms() == [False, False]
    assert "You did not answer before marking went on." in page
    assert "Read C2 again." in page
    assert "Talked it over." not in page
    assert ada.post(where, answered(second)).status_code == 409
