"""docker-compose.yml and Dockerfile: held against the settings, and each own command run as a process."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
from contextlib import ExitStack

import pytest

from tests import servers
from tests.operations.compose import (
    ROOT,
    SECRETS,
    MissingVariableError,
    services,
    settings_variables,
)

OWN = ("web", "worker", "worker-media", "beat")
# Read where something else than a container runs, or fixed in the image.
NOT_IN_COMPOSE = {
    *("DJANGO_SETTINGS_MODULE", "DEBUG", "PORT", "TEST_DATABASE_URL", "MODERATO_TEST_DATA"),
    *("EMAIL_BACKEND", "SECURE_SSL_REDIRECT", "EVIDENCE_MAX_BYTES", "VIRUS_SCANNER"),
    *("HEARTBEAT_MAX_SECONDS", "OUTBOX_MAX_SECONDS"),
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
    assert all(found[name]["environment"] == found["web"]["environment"] for name in OWN)


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
    assert "web:8000" not in evidence
    assert "sandbox; default-src 'none'" in evidence
    assert f"location /{services()['web']['environment']['S3_BUCKET']}/" in evidence
    assert "location = /metrics { return 404; }" in text
    for host, port in re.findall(r"http://([\w-]+):(\d+)", text):
        assert host in services(), host
        assert port in {"8000", "9000"}


@pytest.fixture(scope="module")
def production(tmp_path_factory):
    """The environment of the compose file, with each host name replaced by a server of this test."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Sink

    folder = tmp_path_factory.mktemp("production")
    with ExitStack() as stack:

        def started(server):
            stack.callback(server.stop)
            return server

        database = started(servers.start_postgres(fsync=True))
        broker, cache = started(servers.start_valkey()), started(servers.start_valkey())
        storage = started(servers.start_rclone_s3())
        mail = Controller(Sink(), hostname="127.0.0.1", port=servers.free_port())
        mail.start()
        stack.callback(mail.stop)
        environment = dict(services()["web"]["environment"])
        places = {
            "moderato:postgres-of-the-test@postgres:5432/moderato": database.url.split("//")[1],
            "broker:6379": f"127.0.0.1:{broker.port}",
            "cache:6379": f"127.0.0.1:{cache.port}",
            "storage:9000": f"127.0.0.1:{storage.port}",
        }
        for key, value in environment.items():
            for inside, here in places.items():
                environment[key] = environment[key].replace(inside, here)
            assert value is not None, key
        environment |= {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(mail.port)}
        environment |= {"MODERATO_DATA": str(folder), "HOME": str(folder)}
        environment["PATH"] = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
        yield environment, folder


def launch(name, environment, folder, port=None):
    """A service's command as a process, with its output in a file."""
    command = [
        part.replace("0.0.0.0:8000", f"127.0.0.1:{port}").replace("/tmp/beat", f"{folder}/beat")
        for part in services()[name]["command"]
    ]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def probe(environment, port, path):
    """deploy/probe.py, as the container's health check runs it."""
    return subprocess.run(
        [sys.executable, "deploy/probe.py", f"http://127.0.0.1:{port}{path}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.stack
def test_the_whole_of_production_becomes_ready_and_stops(production):
    environment, folder = production
    migrate = launch("migrate", environment, folder)
    assert migrate.wait(240) == 0, (folder / "migrate.log").read_text()[-3000:]
    port = servers.free_port()
    running = {name: launch(name, environment, folder, port) for name in OWN}
    try:

        def ready():
            for name, process in running.items():
                assert process.poll() is None, (folder / f"{name}.log").read_text()[-3000:]
            return probe(environment, port, "/readyz").returncode == 0

        try:
            servers.wait_until(ready, 120, "readiness")
        except TimeoutError:
            pytest.fail(probe(environment, port, "/readyz").stderr)
        parts = json.loads(probe(environment, port, "/readyz").stdout)["parts"]
        assert parts["database"]["detail"] == "postgresql"

        # Without the proxy's header people are sent to https; Prometheus needs its token.
        opener = urllib.request.build_opener(NoRedirect)
        host = {"Host": SECRETS["SITE_HOST"]}
        with pytest.raises(urllib.error.HTTPError) as plain:
            opener.open(urllib.request.Request(f"http://127.0.0.1:{port}/", headers=host))
        assert plain.value.code == 301
        assert plain.value.headers["Location"].startswith(f"https://{SECRETS['SITE_HOST']}/")
        token = {**host, "Authorization": f"Bearer {SECRETS['METRICS_TOKEN']}"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=token)
        with urllib.request.urlopen(request) as answer:
            assert b"moderato_heartbeat_age_seconds" in answer.read()
        json.loads((folder / "worker.log").read_text().strip().splitlines()[-1])
    finally:
        for process in running.values():
            process.terminate()
        codes = {name: process.wait(60) for name, process in running.items()}
    assert codes == dict.fromkeys(OWN, 0)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Show the redirect instead of following it."""

    def redirect_request(self, *_args):
        return None
