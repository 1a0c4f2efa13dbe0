"""`make run`: everything on this machine, SQLite by default, mail into files, debug pages off the network."""

from config.settings.base import *

DEBUG = env.bool("DEBUG", True)


def own_secret() -> str:
    """That which `up` made for the data folder; commands beside it have to know learners by the same codes."""
    kept = DATA_DIR / "secret-key"
    return str(kept.read_text().strip()) if kept.is_file() else ""


# Production refuses to start with the last.
SECRET_KEY = SECRET_KEY or own_secret() or "local-only-not-a-secret"
DEMO_ALLOWED = True
ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
DATABASES = {"default": database(env.str("DATABASE_URL", f"sqlite:///{DATA_DIR}/moderato.sqlite3"))}
CACHES = {
    "default": {
        "BACKEND": "config.cache.SteadyCache",
        "LOCATION": CACHE_URL or REDIS_URL.rsplit("/", 1)[0] + "/1",
    }
}
# In the data folder: two Moderatos on one checkout must not collect into one place.
STATIC_ROOT = DATA_DIR / "static"
STORAGES = storages(
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if DEBUG
    else "whitenoise.storage.CompressedManifestStaticFilesStorage"
)
EMAIL_BACKEND = env.str("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = str(DATA_DIR / "mail")
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
