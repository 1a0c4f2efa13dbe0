"""Tests: the fixtures start the servers and hand their addresses over in the environment."""

from config.logs import logging_config
from config.settings.base import *

DEBUG = False
DEMO_ALLOWED = True
SECRET_KEY = "test-only"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
DATABASES = {"default": database(env.str("TEST_DATABASE_URL", "sqlite:///:memory:"))}
DATABASES["default"]["OPTIONS"].pop("pool", None)  # type: ignore[attr-defined]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
STORAGES = storages("django.contrib.staticfiles.storage.StaticFilesStorage")
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
ACCOUNT_RATE_LIMITS = False
WAKE_WORKERS = False
LOGGING = logging_config(as_json=False, level="WARNING")
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django_linear_migrations",
    "django_migration_linter",
    "tests.testapp.apps.TestAppConfig",
]
NUDGE_RELAY = False  # tests call the relay themselves, or run a worker that polls

QUIET_HOURS = False  # tests run at any time of day; those about quiet hours turn them on
