"""Production's settings for the process that takes uploads in."""

from config.lean import lean
from config.settings.production import *

globals().update(lean(globals()))
