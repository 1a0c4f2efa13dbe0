"""The settings of the process that takes uploads in, as they follow from this run's own."""

from config.lean import lean
from tests.journeys.production_settings import *  # noqa: F403

globals().update(lean(globals()))
