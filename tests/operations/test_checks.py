"""The start-up checks refuse each unsafe setting, and let a safe production start."""

import os
import sqlite3
import subprocess
import sys

import pytest
from botocore.config import Config
from django.conf import settings as project
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.utils import ConnectionHandler

from config import checks
from config.settings.base import database
from tests import servers

SECRET = "kahu-7Qm2xV9tR4bN8wZ1yL6cD3fG5hJ0pKsAeUoIiTrEwQzXc"


@pytest.fixture
def production(settings):
    """Settings as production has them, all safe."""
    settings.PRODUCTION = True
    settings.DEBUG = False
    settings.SECRET_KEY = SECRET
    settings.ALLOWED_HOSTS = ["moderato.example"]
    settings.AUDIT_SIGNING_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    settings.SITE_URL = "https://moderato.example"
    settings.STORAGES = {
        **settings.STORAGES,
        "evidence": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": "evidence",
                "signature_version": "s3v4",
                "file_overwrite": False,
                "querystring_expire": 60,
            },
        },
    }
    return settings


def ids(messages):
    return [message.id for message in messages]


def test_safe_settings_pass(production):
    assert checks.check_production(None) == []
    assert checks.check_evidence_storage(None) == []


@pytest.mark.parametrize(
    ("name", "value", "refusal"),
    [
        ("SECRET_KEY", SECRET[:49], "moderato.E001"),
        ("SECRET_KEY", "a" * 64, "moderato.E001"),
        ("SECRET_KEY", "local-only-not-a-secret" + SECRET, "moderato.E001"),
        ("DEBUG", True, "moderato.E002"),
        ("ALLOWED_HOSTS", [], "moderato.E003"),
        ("ALLOWED_HOSTS", ["*"], "moderato.E003"),
        ("AUDIT_SIGNING_KEY", "", "moderato.E005"),
        ("SITE_URL", "http://moderato.example", "moderato.E004"),
    ],
)
def test_unsafe_production_is_refused(production, name, value, refusal):
    setattr(production, name, value)
    assert ids(checks.check_production(None)) == [refusal]


@pytest.mark.parametrize(
    ("option", "value", "refusal"),
    [
        ("file_overwrite", True, "moderato.E011"),
        ("custom_domain", "files.example", "moderato.E012"),
        ("querystring_auth", False, "moderato.E012"),
        ("signature_version", None, "moderato.E013"),
        ("querystring_expire", 3600, "moderato.E014"),
        ("gzip", True, "moderato.E015"),
        ("default_acl", "public-read", "moderato.E015"),
    ],
)
def test_unsafe_evidence_storage_is_refused(production, option, value, refusal):
    stores = production.STORAGES
    stores["evidence"]["OPTIONS"][option] = value
    production.STORAGES = stores
    assert ids(checks.check_evidence_storage(None)) == [refusal]


def test_the_products_own_s3_store_is_accepted(settings, monkeypatch):
    from config.settings.base import storages

    monkeypatch.setenv("S3_BUCKET", "evidence")
    stores = storages("django.contrib.staticfiles.storage.StaticFilesStorage")
    settings.STORAGES = stores
    assert ids(checks.check_evidence_storage(None)) == []
    stores["evidence"]["OPTIONS"]["client_config"] = Config(signature_version="s3")
    settings.STORAGES = stores
    assert ids(checks.check_evidence_storage(None)) == ["moderato.E013"]


def test_evidence_in_the_default_store_is_refused(settings):
    stores = {**settings.STORAGES}
    stores["evidence"] = stores["default"]
    settings.STORAGES = stores
    assert ids(checks.check_evidence_storage(None)) == ["moderato.E016"]


def test_evidence_with_a_plain_address_is_refused(settings):
    own = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    own["OPTIONS"] = {"location": "/srv/evidence", "base_url": "/files/"}
    settings.STORAGES = {**settings.STORAGES, "evidence": own}
    assert ids(checks.check_evidence_storage(None)) == ["moderato.E012"]


@pytest.mark.django_db
def test_a_transaction_around_each_view_is_refused():
    own = connections["default"].settings_dict
    before = own["ATOMIC_REQUESTS"]
    own["ATOMIC_REQUESTS"] = True
    try:
        found = checks.check_database_settings(None, databases=["default"])
    finally:
        own["ATOMIC_REQUESTS"] = before
    assert ids(found) == ["moderato.E020"]


def start(environment, *command):
    """Run one of the programs until it ends or has run for 20 s."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=project.BASE_DIR,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def unsafe(broker_url):
    """The test run's PostgreSQL, which runs with fsync off, as a production would be configured."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": SECRET,
        "AUDIT_SIGNING_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "ALLOWED_HOSTS": "moderato.example",
        "SITE_URL": "https://moderato.example",
        "DATABASE_URL": os.environ["TEST_DATABASE_URL"],
        "REDIS_URL": broker_url,
        "EMAIL_HOST": "localhost",
        "MODERATO_DATA": os.environ["MODERATO_DATA"],
    }


@pytest.mark.stack
@pytest.mark.parametrize(
    "command",
    [
        ("-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:0", "--no-control-socket"),
        ("-m", "celery", "-A", "config", "worker", "-P", "solo"),
        ("-m", "celery", "-A", "config", "beat", "-s", "SCHEDULE", "--pidfile="),
    ],
    ids=["web", "worker", "beat"],
)
def test_each_program_refuses_to_start(unsafe, command, tmp_path):
    schedule = str(tmp_path / "beat")
    ended = start(unsafe, *(schedule if part == "SCHEDULE" else part for part in command))
    assert ended.returncode != 0
    assert "Moderato refuses to start" in ended.stdout + ended.stderr
    assert "fsync=off" in ended.stdout + ended.stderr


@pytest.mark.stack
def test_a_safe_production_starts(unsafe):
    server = servers.start_postgres(fsync=True)
    try:
        ended = start({**unsafe, "DATABASE_URL": server.url}, "-c", "import config.wsgi")
        assert ended.returncode == 0, ended.stderr
        weak = start(
            {**unsafe, "DATABASE_URL": server.url, "SECRET_KEY": "short"},
            "-c",
            "import config.wsgi",
        )
        assert "moderato.E001" in weak.stderr
    finally:
        server.stop()


@pytest.mark.django_db
def test_refusal_names_every_reason(production):
    production.DEBUG = True
    production.SECRET_KEY = "short"
    with pytest.raises(ImproperlyConfigured, match=r"E001.*E002"):
        checks.refuse_unsafe()


@pytest.mark.django_db
@pytest.mark.parametrize(("value", "refused"), [("off", True), ("on", False), ("local", False)])
def test_a_database_that_forgets_what_it_acknowledged_is_refused(production, value, refused):
    """`local` waits for this server's own disk."""
    with connections["default"].cursor() as cursor:
        cursor.execute(f"SET LOCAL synchronous_commit = {value}")
    found = checks.check_database_settings(None, databases=["default"])
    assert any("synchronous_commit=off" in one.msg for one in found) is refused


@pytest.mark.django_db
def test_production_on_sqlite_is_refused(production, monkeypatch):
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    found = checks.check_database_settings(None, databases=["default"])
    assert ids(found) == ["moderato.E021"]


def test_no_store_for_evidence_is_refused(settings):
    settings.STORAGES = {key: one for key, one in settings.STORAGES.items() if key != "evidence"}
    assert ids(checks.check_evidence_storage(None)) == ["moderato.E010"]


def test_a_transaction_on_sqlite_waits_for_its_lock_before_it_reads(tmp_path, django_db_blocker):
    """Two that read first and write then would end one of them with an error that no waiting mends."""
    entry = database(f"sqlite:///{tmp_path}/own.sqlite3")
    first = ConnectionHandler({"default": entry})["default"]
    other = sqlite3.connect(tmp_path / "own.sqlite3", timeout=0)
    with django_db_blocker.unblock():
        try:
            first.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
            first.rollback()
            other.execute("BEGIN IMMEDIATE")
        finally:
            other.close()
            first.close()
