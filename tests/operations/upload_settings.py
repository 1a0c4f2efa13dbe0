"""The tests' settings, for the process that takes uploads in."""

from config.lean import lean
from config.settings.test import *  # noqa: F403

globals().update(lean(globals()))
LOGGING["root"]["level"] = "INFO"  # noqa: F405  a line for each request
