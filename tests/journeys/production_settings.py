"""Production's settings, with the collected files of this run in its own folder."""

from config.settings.production import *  # noqa: F403

STATIC_ROOT = DATA_DIR / "static"  # noqa: F405
