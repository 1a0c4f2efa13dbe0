"""Production's settings with the addresses of the benchmarks, and the subjects of the door's own tests."""

import base64
import os
import secrets

os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(64))
os.environ.setdefault("AUDIT_SIGNING_KEY", base64.b64encode(secrets.token_bytes(32)).decode())
os.environ.setdefault("SITE_URL", "https://moderato.example")
os.environ.setdefault("ALLOWED_HOSTS", "127.0.0.1,testserver")
os.environ.setdefault("EMAIL_HOST", "127.0.0.1")
os.environ.setdefault("SECURE_SSL_REDIRECT", "false")
# The upload is larger than what an operator allows by default.
os.environ.setdefault("EVIDENCE_MAX_BYTES", str(4 * 1024**3))

from config.settings.production import *

STATIC_ROOT = DATA_DIR / "static"
ROOT_URLCONF = "benchmarks.support.urls"
MIDDLEWARE = ["benchmarks.support.urls.CountStatements", *MIDDLEWARE]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.testapp.apps.TestAppConfig"]
# Argon2 for a thousand learners would take longer than everything that is measured.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
NUDGE_RELAY = WAKE_WORKERS = False
EMAIL_USE_TLS = False
if not os.environ.get("BENCH_SERVER"):
    # The script prints figures; the server it starts writes production's log into a file.
    LOGGING["root"]["level"] = "ERROR"
