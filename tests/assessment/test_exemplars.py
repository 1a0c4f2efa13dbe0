"""Exemplars: frozen for good, without their learner, found by those who assess and moderate."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
import rfc8785
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from assessment import rules
from assessment.actions.exemplars import Agreed, Anonymous, freeze_exemplar, retire_exemplar
from assessment.exceptions import ExemplarIncomplete
from assessment.models import Exemplar, ExemplarEvidence, ExemplarLevel
from assessment.models.exemplars import frozen_hash
from catalogue.models import AssessmentTask, DeliveryRole, Grade, GradeScheme, Level
from portfolios.manifest import Support
from portfolios.models import EvidenceItem, Submission
from tests.factories.assessment import assessed
from tests.factories.catalogue import draft_version
from tests.personas import Cast, make_cast
from tests.worlds import kept
from workflows.exceptions import NotPermitted, StaleState

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast() -> Cast:
    made = make_cast()
    assessed(made, "lena", levels="M")
    return made


def agreed_on(task: AssessmentTask, code: str = "M", **words: Any) -> Agreed:
    levels = Level.objects.filter(criterion__rubric__task=task, code=code)
    return Agreed(
        {one.criterion_id: one.pk for one in levels},
        **{"rationale": "It does what the descriptor asks, once.", **words},
    )


def frozen(cast: Cast, **given: Any) -> Exemplar:
    """A written exemplar, unless something else is said."""
    code = given.pop("code", "M")
    said: dict[str, Any] = {
        "actor": cast.lea,
        "title": "Just met",
        "agreed": agreed_on(cast.task, code),
        "work": Anonymous([("C1", "I checked the headings."), ("", " ")]),
    }
    return freeze_exemplar(cast.task, **said | given)


def evidence_of(cast: Cast, kind: str) -> EvidenceItem:
    found: EvidenceItem = EvidenceItem.objects.get(pins__submission=work_of(cast), kind=kind)
    return found


def work_of(cast: Cast) -> Submission:
    found: Submission = Submission.objects.get(learner=cast.lena)
    return found


def test_a_written_exemplar_has_levels_outcome_and_fingerprint(cast: Cast) -> None:
    made = frozen(cast)
    assert made.origin == "written"
    assert made.outcome == "achieved"
    assert made.content == [{"criterion": "C1", "text": "I checked the headings."}]
    assert made.rubric_hash == cast.task.rubric.content_hash
    assert made.code.startswith("EX-")
    assert set(made.ranks().values()) == {1}
    assert len(made.ranks()) == 3
    levels = {one.criterion.code: one.level.code for one in made.levels.all()}
    assert made.content_hash == frozen_hash(made.content, [], levels)
    assert frozen(cast, code="NY").outcome == "not_achieved"


def test_work_of_a_learner_needs_consent_until_it_is_released(cast: Cast) -> None:
    item = evidence_of(cast, "file")
    work = Anonymous([], [(item, "A report with headings.")])
    with pytest.raises(ExemplarIncomplete, match="how its learner agreed"):
        frozen(cast, source=work_of(cast), work=work)
    made = frozen(cast, source=work_of(cast), work=work, consent="By e-mail on 3 June.")
    assert made.origin == "consented"
    (file,) = made.evidence.all()
    assert (file.name, file.about, file.sha256) == (
        "evidence-01.pdf",
        "A report with headings.",
        item.copy_sha256,
    )
    assert "lena" not in f"{made} {made.title} {made.content} {file}".lower()


def test_what_evidence_shows_and_the_use_of_ai_are_frozen_with_it(cast: Cast) -> None:
    item = evidence_of(cast, "file")
    said = {item.pk: [Support("C1", " Each heading. ", "page 1"), Support("C2", "", "")]}
    given: dict[str, Any] = {"source": work_of(cast), "consent": "By e-mail."}

    def made(**more: Any) -> Exemplar:
        return frozen(cast, work=Anonymous([], [(item, "A report.")], **more), **given)

    found = made(supports=said, ai_use=" It read my spelling. ")
    (file,) = found.evidence.all()
    assert file.supports == [
        {"criterion": "C1", "claim": "Each heading.", "locator": "page 1"},
        {"criterion": "C2", "claim": "", "locator": ""},
    ]
    assert file.says_what_it_shows
    assert found.ai_use == "It read my spelling."
    # Its fingerprint covers both, and what was frozen without them keeps the one it had.
    bare, only_ai, only_said = made(), made(ai_use=found.ai_use), made(supports=said)
    levels = {one.criterion.code: one.level.code for one in found.levels.all()}
    old = {"content": [], "evidence": [[1, file.sha256]], "levels": levels}
    assert bare.content_hash == hashlib.sha256(rfc8785.dumps(old)).hexdigest()
    four = [bare, only_ai, only_said, found]
    assert len({one.content_hash for one in four}) == 4
    assert not bare.evidence.get().says_what_it_shows


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"agreed": Agreed({}, "Because.")}, "agreed level of C1, C2, C3"),
        ({"work": Anonymous([("C1", " ")])}, "nothing to read"),
    ],
)
def test_what_is_missing_is_said(cast: Cast, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ExemplarIncomplete, match=says):
        frozen(cast, **change)
    assert not Exemplar.objects.exists()


def test_what_does_not_belong_is_refused(cast: Cast) -> None:
    strange = GradeScheme.objects.create(code="other", name="Other", kind="competency")
    grade = Grade.objects.create(scheme=strange, code="P", label="Pass", rank=1, is_pass=True)
    with pytest.raises(ExemplarIncomplete, match="boundary"):
        frozen(cast, agreed=agreed_on(cast.task, boundary=grade))
    with pytest.raises(ExemplarIncomplete, match="why these levels"):
        frozen(cast, agreed=agreed_on(cast.task, rationale=" "))
    item, words = evidence_of(cast, "file"), evidence_of(cast, "note")
    with pytest.raises(ExemplarIncomplete, match="comes with a submission"):
        frozen(cast, work=Anonymous([], [(item, "")]))
    given: dict[str, Any] = {"source": work_of(cast), "consent": "Yes."}
    with pytest.raises(ExemplarIncomplete, match="no copy without metadata"):
        frozen(cast, work=Anonymous([], [(words, "")]), **given)
    strange_item = EvidenceItem(owner=cast.lena, kind="note", title="Other", state="ready")
    with pytest.raises(ExemplarIncomplete, match="another submission"):
        frozen(cast, work=Anonymous([], [(strange_item, "")]), **given)


def test_an_open_submission_or_one_of_another_task_is_no_source(cast: Cast) -> None:
    other = draft_version(cast.provider, "second").tasks.get()
    frozen(cast)
    assert not Exemplar.objects.fitting(other.rubric).exists()
    source = work_of(cast)
    source.task = other
    with pytest.raises(ExemplarIncomplete, match="another task"):
        frozen(cast, source=source, consent="Yes.")
    early = Submission(task=cast.task, state="submitted")
    with pytest.raises(ExemplarIncomplete, match="no decision yet"):
        frozen(cast, source=early, consent="Yes.")


def test_only_the_lead_freezes_and_retires(cast: Cast) -> None:
    for name in ("ada", "moses", "ed", "pam", "rita", "lena", "olga"):
        with pytest.raises(NotPermitted):
            frozen(cast, actor=cast.people[name])
    made = frozen(cast)
    with pytest.raises(NotPermitted):
        retire_exemplar(made, actor=cast.moses, reason="Old.")
    with pytest.raises(ExemplarIncomplete):
        retire_exemplar(made, actor=cast.lea, reason=" ")
    retired = retire_exemplar(made, actor=cast.lea, reason="The brief has changed.")
    assert retired.is_retired
    assert not Exemplar.objects.current().exists()
    with pytest.raises(StaleState):
        retire_exemplar(made, actor=cast.lea, reason="Again.")


def test_who_finds_it(cast: Cast) -> None:
    shown = frozen(cast)
    hidden = frozen(cast, for_calibration=True)
    finds = {
        name: {one.pk for one in Exemplar.objects.visible_to(person)}
        for name, person in cast.people.items()
    }
    both, one = {shown.pk, hidden.pk}, {shown.pk}
    assert {name: found for name, found in finds.items() if found} == {
        "ada": one, "abe": one, "ana": one, "moses": both, "ed": both, "lea": both,
    }  # fmt: skip
    for name, person in cast.people.items():
        for made in (shown, hidden):
            assert rules.can_view_exemplar(made, person) == (made.pk in finds[name]), name
    DeliveryRole.objects.filter(user=cast.ada).update(ended_at=timezone.now() - timedelta(days=1))
    assert not Exemplar.objects.visible_to(cast.ada).exists()
    cast.moses.is_active = False
    assert not Exemplar.objects.visible_to(cast.moses).exists()
    assert not rules.can_view_exemplar(shown, cast.moses)


def test_one_that_was_agreed_under_another_wording_does_not_fit(cast: Cast) -> None:
    made = frozen(cast)
    rubric = cast.task.rubric
    assert list(Exemplar.objects.fitting(rubric)) == [made]
    rubric.content_hash = "9" * 64
    assert not Exemplar.objects.fitting(rubric).exists()


def refused(change: Any) -> None:
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        change()


def test_the_database_keeps_it(cast: Cast) -> None:
    made = frozen(cast)
    row = Exemplar.objects.filter(pk=made.pk)
    refused(lambda: row.update(title="Other"))
    refused(lambda: row.update(content=[]))
    refused(lambda: row.update(ai_use="None"))
    refused(lambda: row._raw_delete(row.db))
    levels = ExemplarLevel.objects.filter(exemplar=made)
    refused(lambda: levels.update(rationale="Other"))
    refused(lambda: levels._raw_delete(levels.db))
    item = evidence_of(cast, "file")
    file = ExemplarEvidence.objects.create(
        exemplar=made, item=item, number=1, name="evidence-01.pdf", sha256="a" * 64
    )
    files = ExemplarEvidence.objects.filter(pk=file.pk)
    refused(lambda: files.update(name="lena.pdf"))
    refused(lambda: files.update(supports=[{"criterion": "C1", "claim": "It", "locator": ""}]))
    refused(lambda: files._raw_delete(files.db))
    retire_exemplar(made, actor=cast.lea, reason="Old.")
    refused(lambda: row.update(retired_at=None, retired_by=None, retirement_reason=""))


def test_rows_that_say_nothing_of_their_source_are_refused(cast: Cast) -> None:
    made = frozen(cast)
    for fields in (
        {"origin": "written", "source": work_of(cast)},
        {"origin": "released", "source": None},
        {"origin": "consented", "source": work_of(cast), "consent": ""},
        {"retired_at": timezone.now(), "retired_by": cast.lea, "retirement_reason": ""},
    ):
        values = {
            one.attname: getattr(made, one.attname)
            for one in Exemplar._meta.concrete_fields
            if one.name not in {"id", "code", *fields}
        }
        with pytest.raises(IntegrityError), transaction.atomic():
            Exemplar.objects.create(code="EX-2", **values | fields)
