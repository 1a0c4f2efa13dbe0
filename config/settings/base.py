"""Settings common to every way of running. Values come from the environment; docs/operations.md lists them."""

import zoneinfo
from pathlib import Path

from django.conf.locale import LANG_INFO
from environs import Env

from config.logs import logging_config

# The pinned tzdata package decides, not the machine's zone files, so that web, worker and beat agree.
zoneinfo.reset_tzpath(to=())

env = Env()
BASE_DIR = Path(__file__).resolve().parents[2]

PRODUCTION = False  # production.py alone sets it; config.checks then refuses what is unsafe
DEBUG = False
DEMO_ALLOWED = False  # accounts whose password everybody knows
SECRET_KEY = env.str("SECRET_KEY", "")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", [])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
SITE_URL = env.str("SITE_URL", "http://localhost:8000").rstrip("/")
DATA_DIR = Path(env.str("MODERATO_DATA", str(BASE_DIR / "var"))).expanduser().resolve()
AUDIT_SIGNING_KEY = env.str("AUDIT_SIGNING_KEY", "")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "django_structlog",
    "config.apps.ConfigConfig",
    "accounts.apps.AccountsConfig",
    "workflows.apps.WorkflowsConfig",
    "catalogue.apps.CatalogueConfig",
    "portfolios.apps.PortfoliosConfig",
    "assessment.apps.AssessmentConfig",
    "moderation.apps.ModerationConfig",
    "awards.apps.AwardsConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # Before whatever answers by itself, so that static files and refusals carry the headers too.
    "csp.middleware.CSPMiddleware",
    "config.middleware.OwnResources",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.RequireContentLength",
    "config.middleware.NoNulBytes",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "config.middleware.PrivateResponses",
    "config.middleware.UnsentWords",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.views.frame",
            ],
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"


def database(url: str) -> dict[str, object]:
    """Django's DATABASES entry for a URL: SQLite gets WAL and IMMEDIATE, PostgreSQL a pool."""
    import dj_database_url  # noqa: PLC0415  only needed where a database is configured

    entry: dict[str, object] = dict(dj_database_url.parse(url, conn_max_age=0))
    if str(entry["ENGINE"]).endswith("sqlite3"):
        entry["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
            ),
        }
    else:
        entry["CONN_HEALTH_CHECKS"] = True
        entry["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 10, "timeout": 20}}
    return entry


# --- sign-in ---------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "config.adapter.ClosedAccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "20/m/ip,5/m/key,100/d/key",
    "reauthenticate": "10/m/user",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
# Addresses come from administrators and sign-up is closed, so nobody holds an address of somebody else;
# without this a second step would wait for a confirmation that no page of ours can give.
MFA_ALLOW_UNVERIFIED_EMAIL = True
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0)
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"

# --- headers ---------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# --- language, time --------------------------------------------------------------------------------
LANG_INFO["mi"] = {"bidi": False, "code": "mi", "name": "Māori", "name_local": "te reo Māori"}
LANGUAGE_CODE = "en-nz"
LANGUAGES = [("en-nz", "English")]
TIME_ZONE = "Pacific/Auckland"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]

# --- files -----------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static" / "src", BASE_DIR / "static" / "build"]
EVIDENCE_MAX_BYTES = env.int("EVIDENCE_MAX_BYTES", 500 * 1024 * 1024)
EVIDENCE_HOST = env.str("EVIDENCE_HOST", "")
# Where clamd listens (path of a socket, or host:port). Without it pages say "Not scanned for viruses".
VIRUS_SCANNER = env.str("VIRUS_SCANNER", "")
# Whether copies of the pages that learners link to are fetched and kept. Needs a way out to the web.
LINK_SNAPSHOTS = env.bool("LINK_SNAPSHOTS", True)
# Networks outside the public internet that may be fetched from all the same. For tests alone.
SNAPSHOT_PRIVATE_NETWORKS: list[str] = []
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_TEMP_DIR = None
FILE_UPLOAD_HANDLERS = ["accounts.files.FormFiles"]


# Days for which the store keeps each file from deletion (S3 object lock, governance mode); 0 for none.
S3_OBJECT_LOCK_DAYS = env.int("S3_OBJECT_LOCK_DAYS", 0)
# Where nginx finds the evidence folder (an internal location); empty: the application sends the bytes.
EVIDENCE_ACCEL = env.str("EVIDENCE_ACCEL", "").strip("/")


def evidence_stores() -> dict[str, dict[str, object]]:
    """The folder, and the bucket where S3_BUCKET is set; the last one is in use. Never overwritten."""
    local: dict[str, object] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": str(DATA_DIR / "evidence"),
            "base_url": None,
            "file_permissions_mode": 0o444,
        },
    }
    found = {"local": local}
    if bucket := env.str("S3_BUCKET", ""):
        from botocore.config import Config  # noqa: PLC0415  only needed where evidence lies in S3

        found["s3"] = {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": bucket,
                "endpoint_url": env.str("S3_ENDPOINT_URL", "") or None,
                "region_name": env.str("S3_REGION", "us-east-1"),
                "access_key": env.str("S3_ACCESS_KEY", "") or None,
                "secret_key": env.str("S3_SECRET_KEY", "") or None,
                # Without "when_required" ranges of objects from S3-like servers are refused.
                "client_config": Config(
                    signature_version="s3v4",
                    s3={"addressing_style": env.str("S3_ADDRESSING_STYLE", "path")},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    connect_timeout=5,
                    read_timeout=60,
                    retries={"max_attempts": 3, "mode": "standard"},
                ),
                "file_overwrite": False,
                "default_acl": None,
                "querystring_auth": True,
                "querystring_expire": 60,
                "max_memory_size": 8 * 1024 * 1024,
                "gzip": False,
            },
        }
    return found


EVIDENCE_STORES = evidence_stores()


def storages(static_backend: str) -> dict[str, dict[str, object]]:
    """STORAGES: evidence in an own S3 bucket where there is one, else in a folder."""
    return {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(DATA_DIR / "files")},
        },
        "evidence": [*evidence_stores().values()][-1],
        "staticfiles": {"BACKEND": static_backend},
    }


# --- mail ------------------------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Moderato <noreply@moderato.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 20
# Mails that may leave in a minute, over all workers together; 0 for as many as the server takes.
EMAIL_PER_MINUTE = env.int("EMAIL_PER_MINUTE", 0)
# One connection to the mail server serves so many mails, for so long.
EMAIL_KEEP_MESSAGES = env.int("EMAIL_KEEP_MESSAGES", 100)
EMAIL_KEEP_SECONDS = env.int("EMAIL_KEEP_SECONDS", 60)
# Optional mails of people who chose nothing else wait from 7 pm to 7 am and over weekends.
QUIET_HOURS = env.bool("QUIET_HOURS", True)
# How mails greet, and whether they name their kind in te reo Māori: "", "mi_en" (Māori first), "en_mi".
GREETING = env.str("GREETING", "Kia ora")
REO_TERMS = env.str("REO_TERMS", "")
# Bounces and complaints come in signed with this; without it they are refused.
MAIL_FEEDBACK_SECRET = env.str("MAIL_FEEDBACK_SECRET", "")
UNSUBSCRIBE_ADDRESS = env.str("UNSUBSCRIBE_ADDRESS", "")

# --- webhooks --------------------------------------------------------------------------------------
# Networks that receivers may be in although they are not public, like "10.1.0.0/16"; http is allowed there.
WEBHOOK_PRIVATE_NETWORKS: list[str] = env.list("WEBHOOK_PRIVATE_NETWORKS", [])

# --- Celery ----------------------------------------------------------------------------------------
# PostgreSQL holds the truth; a task says "look now" and carries no facts.
REDIS_URL = env.str("REDIS_URL", "redis://localhost:6379/0")
CACHE_URL = env.str("CACHE_URL", "")
NUDGE_RELAY = True
CELERY_BROKER_URL = REDIS_URL
WAKE_WORKERS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 1800,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "global_keyprefix": "moderato:",
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 25,
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_RETRY_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 900
CELERY_TASK_SOFT_TIME_LIMIT = 840
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "workflows.tasks.*": {"queue": "notify"},
    "portfolios.tasks.*": {"queue": "media"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30.0
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
# Readiness fails when beat or worker gave no sign of life for so long; nine would have been due.
HEARTBEAT_MAX_SECONDS = env.int("HEARTBEAT_MAX_SECONDS", 180)
# Intervals only: a crontab in a local zone loses a tick at each daylight-saving change.
CELERY_TIMEZONE = "UTC"
# "redbeat.RedBeatScheduler" lets two or more beats run, of which one works; the others take over.
BEAT_SCHEDULER = env.str("BEAT_SCHEDULER", "celery.beat:PersistentScheduler")
BEAT_LOCK_SECONDS = env.int("BEAT_LOCK_SECONDS", 30)
CELERY_BEAT_SCHEDULE: dict[str, dict[str, object]] = {
    "relay-outbox": {
        "task": "workflows.tasks.relay_outbox",
        "schedule": 5.0,
        "options": {"expires": 15},
    },
    "send-mail": {
        "task": "workflows.tasks.send_notification_emails",
        "schedule": 5.0,
        "options": {"expires": 15},
    },
    "call-webhooks": {
        "task": "workflows.tasks.call_webhooks",
        "schedule": 5.0,
        "options": {"expires": 15},
    },
    "send-digests": {
        "task": "workflows.tasks.send_digests",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "sweep-reminders": {
        "task": "workflows.tasks.sweep_reminders",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "reconcile": {
        "task": "workflows.tasks.reconcile",
        "schedule": 900.0,
        "options": {"expires": 900},
    },
    "sign-audit-root": {
        "task": "workflows.tasks.sign_audit_root",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "beat-heartbeat": {
        "task": "workflows.tasks.heartbeat",
        "schedule": HEARTBEAT_MAX_SECONDS / 9,
        "options": {"expires": 60},
    },
    "scan-evidence": {
        "task": "portfolios.tasks.scan_evidence",
        "schedule": 30.0,
        "options": {"expires": 60},
    },
    "keep-links": {
        "task": "portfolios.tasks.keep_links",
        "schedule": 30.0,
        "options": {"expires": 60},
    },
    "make-renditions": {
        "task": "portfolios.tasks.make_renditions",
        "schedule": 30.0,
        "options": {"expires": 60},
    },
    "tend-uploads": {
        "task": "portfolios.tasks.tend_uploads",
        "schedule": 30.0,
        "options": {"expires": 60},
    },
    "reconcile-evidence": {
        "task": "portfolios.tasks.reconcile",
        "schedule": 24 * 3600.0,
        "options": {"expires": 12 * 3600},
    },
    "expire-attestations": {
        "task": "portfolios.tasks.expire_attestations",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "keep-severities": {
        "task": "moderation.tasks.keep_severities",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "remind-verifiers": {
        "task": "portfolios.tasks.remind_verifiers",
        "schedule": 300.0,
        "options": {"expires": 300, "queue": "notify"},
    },
    "submit-at-cut-off": {
        "task": "portfolios.tasks.submit_at_cut_off",
        "schedule": 30.0,
        "options": {"expires": 60, "queue": "notify"},
    },
    "begin-missing-portfolios": {
        "task": "portfolios.tasks.begin_missing_portfolios",
        "schedule": 300.0,
        "options": {"expires": 300, "queue": "notify"},
    },
    "place-seeds": {
        "task": "assessment.tasks.place_seeds",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "release-due": {
        "task": "awards.tasks.release_due",
        "schedule": 30.0,
        "options": {"expires": 60},
    },
}

# --- running it ------------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", "INFO").upper()
LOGGING = logging_config(as_json=False, level=LOG_LEVEL)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
# Readiness fails when a message has waited so long after it was due.
OUTBOX_MAX_SECONDS = env.int("OUTBOX_MAX_SECONDS", 900)
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
