"""System checks that refuse to start an unsafe production. `manage.py check` shows them as well."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register, run_checks
from django.core.checks.messages import ERROR
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

SHORTEST_SECRET = 50
KNOWN_SECRETS = ("local-only", "test-only", "django-insecure", "change-me", "changeme")


@register(Tags.security)
def check_production(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Settings that would give people's work away."""
    if not settings.PRODUCTION:
        return []
    found: list[CheckMessage] = []
    secret = str(settings.SECRET_KEY)
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < 8 or secret.startswith(KNOWN_SECRETS):
        found.append(
            Error(
                f"SECRET_KEY is missing, known or shorter than {SHORTEST_SECRET} characters.",
                hint='python -c "import secrets; print(secrets.token_urlsafe(64))"',
                id="moderato.E001",
            )
        )
    if settings.DEBUG:
        found.append(Error("DEBUG is on in production.", id="moderato.E002"))
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        found.append(Error("ALLOWED_HOSTS must name the site's host names.", id="moderato.E003"))
    if not settings.SITE_URL.startswith("https://"):
        found.append(
            Error("SITE_URL must be the https address that people use.", id="moderato.E004")
        )
    if not settings.AUDIT_SIGNING_KEY:
        found.append(
            Error(
                "AUDIT_SIGNING_KEY is missing: each machine would sign audit roots with a key of its own.",
                id="moderato.E005",
            )
        )
    return found


@register()
def check_evidence_storage(
    app_configs: Sequence[AppConfig] | None, **_kwargs: Any
) -> list[CheckMessage]:
    """Evidence has a store of its own, is never overwritten, and is never served by a plain address."""
    stores: dict[str, Any] = settings.STORAGES
    if "evidence" not in stores:
        return [Error("STORAGES has no 'evidence'.", id="moderato.E010")]
    options = stores["evidence"].get("OPTIONS", {})
    found: list[CheckMessage] = []
    if "s3" in stores["evidence"]["BACKEND"].lower():
        if options.get("file_overwrite", True):
            found.append(
                Error("Evidence could be overwritten: file_overwrite.", id="moderato.E011")
            )
        unsigned = options.get("custom_domain") and not options.get("cloudfront_signer")
        if unsigned or not options.get("querystring_auth", True):
            found.append(Error("Evidence would have unsigned addresses.", id="moderato.E012"))
        client = options.get("client_config")
        if getattr(client, "signature_version", options.get("signature_version")) != "s3v4":
            found.append(Error("Evidence needs signature_version s3v4.", id="moderato.E013"))
        if options.get("querystring_expire", 3600) > 60:
            found.append(Error("Evidence addresses live for more than 60 s.", id="moderato.E014"))
        if options.get("gzip") or options.get("default_acl"):
            found.append(
                Error("Evidence bytes would be compressed, or public by ACL.", id="moderato.E015")
            )
    elif options.get("base_url"):
        found.append(Error("Evidence would have unsigned addresses: base_url.", id="moderato.E012"))
    own = ("location", "bucket_name")
    for alias, store in stores.items():
        place = {key: store.get("OPTIONS", {}).get(key) for key in own}
        if (
            alias != "evidence"
            and any(place.values())
            and place == {k: options.get(k) for k in own}
        ):
            found.append(Error(f"Evidence shares its place with '{alias}'.", id="moderato.E016"))
    return found


@register(Tags.database)
def check_database_settings(
    app_configs: Sequence[AppConfig] | None, databases: Iterable[str] | None = None, **_kwargs: Any
) -> list[CheckMessage]:
    """No transaction around views, and in production a server that keeps what it has acknowledged."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        if connection.settings_dict.get("ATOMIC_REQUESTS"):
            found.append(
                Error("ATOMIC_REQUESTS is on: actions own their transactions.", id="moderato.E020")
            )
        if not settings.PRODUCTION:
            continue
        if connection.vendor != "postgresql":
            found.append(Error("Production needs PostgreSQL.", id="moderato.E021"))
            continue
        try:
            with connection.cursor() as cursor:
                for name in ("fsync", "synchronous_commit", "full_page_writes"):
                    cursor.execute("SELECT current_setting(%s)", [name])
                    if cursor.fetchone()[0] in {"off", "false"}:
                        found.append(
                            Error(
                                f"The database server runs with {name}=off: acknowledged work can be lost.",
                                id="moderato.E022",
                            )
                        )
        except DatabaseError:
            # A server that is away is not an unsafe one: /readyz reports it.
            continue
        finally:
            # Start-up leaves no connection to be shared by forks; checks run inside a transaction keep theirs.
            if not connection.in_atomic_block:
                connection.close()
    return found


def refuse_unsafe() -> None:
    """Raise when a check of any app finds an error. Web, worker and beat call it before they start."""
    messages = [*run_checks(), *run_checks(tags=[Tags.database], databases=list(connections))]
    wrong = [m for m in messages if m.level >= ERROR and not m.is_silenced()]
    if wrong:
        # Some checks belong to both runs.
        lines = dict.fromkeys(f"{m.id}: {m.msg}" for m in wrong)
        raise ImproperlyConfigured("Moderato refuses to start. " + " ".join(lines))
