"""The process that takes uploads in, with the benchmarks' variables and without what only they add."""

from benchmarks.support.settings import *
from config.lean import lean

globals().update(lean(globals()))
MIDDLEWARE = [one for one in MIDDLEWARE if not one.startswith("benchmarks.")]
INSTALLED_APPS = [one for one in INSTALLED_APPS if not one.startswith("tests.")]
