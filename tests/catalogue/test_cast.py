"""The cast that every other test starts from can be made by real steps."""

import pytest

from catalogue.models import Delivery
from tests.personas import make_cast


@pytest.mark.django_db
def test_the_cast_stands_on_a_version_that_somebody_else_approved() -> None:
    cast = make_cast(learners=3)
    version = cast.delivery.version
    assert version.state == "published"
    assert version.pre_moderator != version.author
    assert [learner.name for learner in cast.learners] == [
        "Lena Tūhoe",
        "Hōne Parata",
        "Mere Ngata",
    ]
    assert list(Delivery.objects.visible_to(cast.ada)) == [cast.delivery]
    assert not Delivery.objects.visible_to(cast.olga).exists()
