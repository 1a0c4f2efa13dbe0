"""Worker and beat of the proof of lost notices: the test's database, real SMTP, a broker of its own.

The reduced size may not wait for a production lease or retry; the full size (PROOF=full) changes neither.
"""

import os

from config.logs import logging_config
from config.settings.test import *  # noqa: F403
from workflows import definitions

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = "127.0.0.1"
EMAIL_PORT = int(os.environ["EMAIL_PORT"])
EMAIL_USE_TLS = False
LOGGING = logging_config(as_json=False, level="INFO")

if os.environ.get("PROOF") != "full":
    definitions.SCHEDULE = definitions.Schedule(lease_seconds=6, first_delay=1)
    for name in ("relay-outbox", "send-mail"):
        CELERY_BEAT_SCHEDULE[name]["schedule"] = 1.0  # noqa: F405
