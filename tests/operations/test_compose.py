"""docker-compose.yml and Dockerfile, held against the settings, and one against the other."""

import re

import pytest

from config.lean import UPLOADS_AT_ONCE
from tests.operations.compose import (
    ROOT,
    SECRETS,
    MissingVariableError,
    services,
    settings_variables,
)

OWN = ("web", "upload", "worker", "worker-media", "beat")
# Read where something else than a container runs, or fixed in the image.
NOT_IN_COMPOSE = {
    *("DJANGO_SETTINGS_MODULE", "DEBUG", "PORT", "TEST_DATABASE_URL"),
    *("SECURE_SSL_REDIRECT", "EVIDENCE_MAX_BYTES", "OPENBLAS_NUM_THREADS"),
    *("HEARTBEAT_MAX_SECONDS", "OUTBOX_MAX_SECONDS"),
    # The file has one beat, and its health check reads Celery's own schedule file.
    *("BEAT_SCHEDULER", "BEAT_LOCK_SECONDS"),
}


def test_every_part_is_there_with_a_health_check():
    found = services()
    for name in (*OWN, "postgres", "broker", "cache", "storage", "mail", "proxy"):
        assert found[name]["healthcheck"]["test"], name
        assert found[name]["restart"] == "unless-stopped", name
    assert found["postgres"]["image"].startswith("postgres:17")
    assert all(":" in service["image"] for service in found.values())
    assert not any(service["image"].endswith(":latest") for service in found.values())


def test_the_queue_keeps_and_the_cache_forgets():
    found = services()
    queue, cache = found["broker"]["command"], found["cache"]["command"]
    assert queue[queue.index("--maxmemory-policy") + 1] == "noeviction"
    assert queue[queue.index("--appendonly") + 1] == "yes"
    assert cache[cache.index("--maxmemory-policy") + 1] == "allkeys-lru"
    environment = found["web"]["environment"]
    assert environment["REDIS_URL"] != environment["CACHE_URL"]


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_nothing_starts_without_a_secret(name):
    with pytest.raises(MissingVariableError, match=name):
        services({key: value for key, value in SECRETS.items() if key != name})


def test_no_secret_stands_in_the_file():
    text = (ROOT / "docker-compose.yml").read_text()
    for line in text.splitlines():
        if re.search(r"(PASSWORD|SECRET\w*|_KEY|TOKEN): ", line):
            assert re.search(r": \$\{\w+(:\?|:-\})", line), line
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == set(SECRETS)
    assert not re.search(r"^\w+=.", example, re.MULTILINE)


def test_every_variable_is_read_and_every_setting_can_be_set():
    given = set(services()["web"]["environment"])
    known = settings_variables()
    assert given - known == {"DJANGO_SETTINGS_MODULE"} - known
    assert known - given <= NOT_IN_COMPOSE


def test_all_own_services_have_one_environment():
    found = services()
    one = found["web"]["environment"]
    own = {"DJANGO_SETTINGS_MODULE": "config.settings.uploads", "PYTHONNODEBUGRANGES": "1"}
    for name in OWN:
        assert found[name]["environment"] == {**one, **(own if name == "upload" else {})}, name


def test_own_services_are_hardened_alike():
    found = services()
    for name in OWN:
        for key in ("read_only", "cap_drop", "security_opt", "tmpfs", "volumes", "image"):
            assert found[name][key] == found["web"][key], name


def test_each_thread_that_takes_an_upload_in_can_have_a_connection():
    (threads,) = (part for part in services()["upload"]["command"] if part.startswith("--threads="))
    assert threads == f"--threads={UPLOADS_AT_ONCE}"


def test_every_queue_has_a_worker(settings):
    queues = {settings.CELERY_TASK_DEFAULT_QUEUE}
    queues |= {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    served = set()
    for name in ("worker", "worker-media"):
        command = services()[name]["command"]
        served |= set(command[command.index("-Q") + 1].split(","))
    assert served == queues


def test_the_image_copies_files_that_exist():
    text = (ROOT / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (requirements/\S+) ", text, re.MULTILINE)
    assert copied == ["requirements/base.txt", "requirements/run.txt"]
    assert all((ROOT / name).exists() for name in copied)
    assert text.count("--require-hashes") == len(copied)
    assert "USER moderato" in text
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".git", "var", ".venv"} <= set(ignored)


def test_the_proxy_separates_evidence_and_hides_metrics():
    text = (ROOT / "deploy/nginx.conf").read_text()
    assert text.count("{") == text.count("}")
    variables = set(re.findall(r"\$\{(\w+)\}", text))
    assert variables == {"SITE_HOST", "EVIDENCE_HOST"}
    assert variables <= set(services()["proxy"]["environment"])
    evidence = text[text.index("server_name ${EVIDENCE_HOST}") :]
    assert "http://pages" not in evidence
    assert "http://uploads" not in evidence
    assert "sandbox; default-src 'none'" in evidence
    assert f"location /{services()['web']['environment']['S3_BUCKET']}/" in evidence
    assert "location = /metrics { return 404; }" in text
    groups = dict(re.findall(r"upstream (\w+) \{\s+server ([\w-]+):8000;", text))
    assert groups == {"pages": "web", "uploads": "upload"}
    for host, port in re.findall(r"(?:http://|server )([\w-]+):(\d+)", text):
        assert host in services(), host
        assert port in {"8000", "9000"}
