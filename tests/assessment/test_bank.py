"""The comment bank: personal and shared, by criterion and level, found without macrons, never with a name."""

import pytest

from accounts.models import User
from assessment.actions.preparing import change_prepared, prepare_comment, remove_prepared
from assessment.exceptions import NameInPreparedComment
from assessment.models import PreparedComment
from assessment.selectors.prepared import bank_of, name_in, prepared_for
from catalogue.models import Criterion, DeliveryRole, MicroCredential
from tests.assessment.pages import url
from tests.factories.assessment import allocated, opened
from workflows.exceptions import NotPermitted


def kept(cast, text="Ka pai te mahi.", owner="ada", **more):
    return prepare_comment(
        actor=cast.people[owner],
        micro_credential=MicroCredential.objects.get(),
        text=text,
        **more,
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Hōne, your labels are missing.", "Hōne"),
        ("As PARATA says, labels matter.", "PARATA"),
        ("Ask parata about it.", "parata"),
        ("This is Parata’s best page.", "Parata’s"),
        ("Hone your labels, Hone.", "Hone"),
        ("Tuhoe wrote it.", "Tuhoe"),
        ("Now hone your skills.", ""),
        ("Your work is clear.", ""),
        ("It is no Ha of a page.", ""),
    ],
)
def test_names_are_found_with_and_without_macrons(text, word):
    assert name_in(text, ["Hōne Parata", "Lena Tūhoe", "Ha Li"]) == word


def test_a_name_of_any_learner_of_the_micro_credential_is_refused(client, cast):
    for text in ("Ka pai, Mere.", "Tēnā koe Hone.", "See what Ngata did."):
        with pytest.raises(NameInPreparedComment):
            kept(cast, text)
    User.objects.filter(pk=cast.lena.pk).update(preferred_name="Lenny")
    with pytest.raises(NameInPreparedComment):
        kept(cast, "Good, Lenny.")
    made = kept(cast)
    with pytest.raises(NameInPreparedComment):
        change_prepared(made, actor=cast.ada, text="Good, Lenny.", is_shared=False)
    client.force_login(cast.ada)
    credential = MicroCredential.objects.get()
    sent = {"fits": f"{credential.pk}|C1", "level_code": "M", "text": "Ka pai, Mere."}
    answer = client.post(url("prepare"), sent)
    assert answer.status_code == 422
    assert "“Mere” is the name of a learner." in answer.content.decode()
    assert "Ka pai, Mere.</textarea>" in answer.content.decode()
    assert client.post(url("prepare"), sent | {"text": "Ka pai."}).status_code == 302
    assert PreparedComment.objects.filter(criterion_code="C1", level_code="M").exists()


def test_a_text_with_the_name_of_somebody_who_enrolled_later_is_not_offered(cast):
    submission = allocated(cast)
    made = kept(cast, "Read the Zoe report.")
    criteria = list(Criterion.objects.order_by("number"))
    assert prepared_for(submission, cast.ada, criteria)["C1"] == [made]
    User.objects.filter(pk=cast.lena.pk).update(name="Zoë Tūhoe", preferred_name="Zoe")
    submission.learner.refresh_from_db()
    assert prepared_for(submission, cast.ada, criteria)["C1"] == []


def test_mine_is_mine_and_shared_is_for_those_who_mark_it(client, cast):
    own, shared = kept(cast), kept(cast, "Label every field.", is_shared=True)
    assert set(bank_of(cast.ada)) == {own, shared}
    assert set(bank_of(cast.abe)) == {shared}
    assert set(bank_of(cast.abe, whose="mine")) == set()
    assert set(bank_of(cast.ada, whose="shared")) == {shared}
    for person in (cast.moses, cast.lena, cast.olga, cast.petra):
        assert set(bank_of(person)) == set()
    DeliveryRole.objects.filter(user=cast.abe).update(ended_at="2020-01-01T00:00Z")
    assert set(bank_of(cast.abe)) == set()
    for deed in (
        lambda: change_prepared(shared, actor=cast.lea, text="Mine now.", is_shared=True),
        lambda: remove_prepared(shared, actor=cast.lea),
        lambda: kept(cast, owner="moses"),
    ):
        with pytest.raises(NotPermitted):
            deed()
    client.force_login(cast.lea)
    assert client.post(url("change_prepared", shared.pk), {"text": "x"}).status_code == 403
    assert client.post(url("change_prepared", own.pk), {"text": "x"}).status_code == 404
    remove_prepared(shared, actor=cast.ada)
    assert set(bank_of(cast.lea)) == set()


def test_the_search_folds_macrons_and_doubled_vowels(cast):
    made = kept(cast, "He tohu pai tēnei mō te tukanga.")
    kept(cast, "Label every field.")
    for words in ("tenei", "TĒNEI mo", "teenei"):
        assert list(bank_of(cast.ada, words=words)) == [made]
    assert list(bank_of(cast.ada, words="tēnei field")) == []


def test_the_workspace_offers_what_fits_and_counts_the_uses(client, cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    often = kept(cast, "Often used.", criterion_code="C1", level_code="M")
    kept(cast, "For another one.", criterion_code="C2")
    anywhere = kept(cast, "Anywhere.")
    client.force_login(cast.ada)
    for _time in range(2):
        assert client.post(url("used_prepared", often.pk)).status_code == 204
    often.refresh_from_db()
    assert often.uses == 2
    criteria = list(Criterion.objects.order_by("number"))
    assert prepared_for(submission, cast.ada, criteria)["C1"] == [often, anywhere]
    page = client.get(url("workspace", submission.pk)).content.decode()
    first = page[page.index('id="criterion-1"') : page.index('id="criterion-2"')]
    assert "Often used." in first
    assert "For another one." not in first
    client.force_login(cast.abe)
    assert client.post(url("used_prepared", often.pk)).status_code == 404
    assert "Often used." not in client.get(url("bank")).content.decode()
