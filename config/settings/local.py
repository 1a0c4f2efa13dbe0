"""`make run`: everything on this machine, SQLite by default, mail into files, debug pages off the network."""

from config.settings.base import *

DEBUG = env.bool("DEBUG", True)
# `up` makes a secret for the data folder; commands run beside it have to know the learners by the same codes.
OWN_SECRET = DATA_DIR / "secret-key"
if not SECRET_KEY and OWN_SECRET.is_file():
    SECRET_KEY = OWN_SECRET.read_text().strip()
SECRET_KEY = SECRET_KEY or "local-only-not-a-secret"  # production refuses to start with it
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
