"""Production: every value from the environment; config.checks refuses an unsafe one."""

from config.logs import logging_config
from config.settings.base import *

PRODUCTION = True
DEBUG = env.bool("DEBUG", False)
LOGGING = logging_config(as_json=True, level=LOG_LEVEL)
DATABASES = {"default": database(env.str("DATABASE_URL"))}
CACHES = {
    "default": {
        "BACKEND": "config.cache.SteadyCache",
        "LOCATION": CACHE_URL or REDIS_URL,
    }
}
STORAGES = storages("whitenoise.storage.CompressedManifestStaticFilesStorage")
# Django's SMTP, or one of django-anymail's ("anymail.backends.postmark.EmailBackend") with its keys in ANYMAIL.
EMAIL_BACKEND = env.str("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
BY_PROVIDER = EMAIL_BACKEND.startswith("anymail.")
if BY_PROVIDER:
    INSTALLED_APPS = [*INSTALLED_APPS, "anymail"]
    ANYMAIL = env.json("ANYMAIL")
EMAIL_HOST = env.str("EMAIL_HOST", "") if BY_PROVIDER else env.str("EMAIL_HOST")
EMAIL_PORT = env.int("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", True)

SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_NAME = "__Host-csrftoken"
