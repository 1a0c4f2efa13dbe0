"""Cohorts whose results are ready, or were released, built once for each module."""

from portfolios.models import Submission
from tests.factories.awards import moderated, ratified, released
from tests.personas import Cast, make_cast
from tests.worlds import kept


@kept
def cast() -> Cast:
    return make_cast()


@kept
def two() -> Cast:
    return make_cast(learners=2)


@kept
def one_ready() -> tuple[Cast, Submission]:
    """Lena's work has been moderated."""
    made = make_cast()
    return made, moderated(made)


@kept
def after_release() -> tuple[Cast, Submission]:
    """Lena has her result."""
    made = make_cast()
    return made, released(made)


@kept
def one_ratified() -> tuple[Cast, Submission]:
    """Lena's result is signed and waits to be released."""
    made = make_cast()
    return made, ratified(made)


@kept
def not_achieved() -> tuple[Cast, Submission]:
    """Lena has her result: not achieved."""
    made = make_cast()
    return made, released(made, achieved=False)
