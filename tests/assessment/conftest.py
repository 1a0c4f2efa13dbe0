"""The casts of marking, built once for each module."""

from tests.personas import Cast, make_cast
from tests.worlds import kept


@kept
def cast() -> Cast:
    """Lena, Hōne and Mere with their staff, single marking."""
    return make_cast(learners=3)


@kept
def double() -> Cast:
    """The same where every submission is marked twice."""
    return make_cast(learners=3, policy={"marking.double": True})
