"""The compose file's commands and environment as processes: becomes ready, names each part that dies, stops."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests import servers
from tests.journeys import stacks
from tests.operations.compose import ROOT, SECRETS, services

pytestmark = pytest.mark.stack
OWN = ("web", "upload", "worker", "worker-media", "beat")
TELL = """
import django; django.setup()
from workflows.notifications import notify_address
notify_address(topic="portfolios.attestation.requested", address="vic@work.example", name="Vic", dedupe="late")
"""


@pytest.fixture
def stack(tmp_path, mail_sink):
    """Impatient: nine signs of life are due in six seconds, and a message may wait as long."""
    patience = {"HEARTBEAT_MAX_SECONDS": "6", "OUTBOX_MAX_SECONDS": "6"}
    with stacks.production(tmp_path, mail_sink, **patience) as stack:
        yield stack


def probe(stack):
    """deploy/probe.py, as the container's health check runs it: what /readyz says."""
    done = subprocess.run(
        [sys.executable, "deploy/probe.py", f"http://127.0.0.1:{stack.port}/readyz"],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if done.returncode == 0:
        return json.loads(done.stdout)
    if not done.stderr.startswith("503 "):
        return {"failing": [done.stderr.strip()], "parts": {}}  # not yet, or too slow this time
    return json.loads(done.stderr.removeprefix("503 "))


def healthy(stack, name):
    """What the container's own health check says, run as a process."""
    kind, check = services()[name]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    done = subprocess.run(
        ["sh", "-c", check.replace("$$", "$").replace("/tmp ", f"{stack.folder} ")],
        cwd=ROOT,
        env={**stack.environment, "HOSTNAME": socket.gethostname()},
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode == 0


def wait_for(stack, *failing, also=()):
    """Until exactly these parts are named; `also` may be named, too."""
    said = {}

    def so() -> bool:
        said.update(probe(stack))
        return set(failing) <= set(said["failing"]) <= {*failing, *also}

    try:
        servers.wait_until(so, 120, f"{failing} to be named", every=0.5)
    except TimeoutError:
        pytest.fail(f"{failing} wanted; {said}\n{stack.log()}")
    return said["parts"]


def kill(stack, name):
    process = stack.processes.pop(name)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


def test_it_becomes_ready_names_what_dies_and_stops(stack):
    """Parts that come back are taken up again by those that lived on; nobody restarts them."""
    # The store is looked at once a minute: it dies first and is named while others die.
    parts = wait_for(stack)
    assert parts["database"]["detail"] == "postgresql"
    look_at_the_site(stack)
    assert all(healthy(stack, name) for name in ("worker", "worker-media", "beat"))
    store = {"also": ("storage",)}
    stack.places["storage"].halt()

    kill(stack, "beat")
    wait_for(stack, "beat", **store)
    kill(stack, "worker")
    parts = wait_for(stack, "beat", "worker", **store)
    assert parts["worker"]["detail"] == "no worker answers"
    assert not healthy(stack, "worker")
    stacks.begin("beat", stack)
    wait_for(stack, "worker", **store)
    told = stack.manage("shell", "-c", TELL)
    assert told.returncode == 0, told.stderr
    wait_for(stack, "worker", "outbox", **store)
    stacks.begin("worker", stack)
    wait_for(stack, **store)

    stack.places["broker"].halt()
    wait_for(stack, "broker", also=("storage", "worker", "beat"))
    wait_for(stack, "broker", "worker", "beat", **store)
    stack.places["broker"].resume()
    wait_for(stack, **store)

    wait_for(stack, "storage")
    stack.places["storage"].resume()
    wait_for(stack)

    stack.places["database"].halt()
    wait_for(stack, "database", "migrations", "worker", "beat", "outbox", "evidence")
    assert answers(stack, "/healthz").status == 200
    stack.places["database"].resume()
    wait_for(stack)

    for process in stack.processes.values():
        process.terminate()
    assert {name: one.wait(60) for name, one in stack.processes.items()} == dict.fromkeys(OWN, 0)
    # Celery prints its farewell as plain text, before or after the last record.
    records = [
        json.loads(line)
        for line in (stack.folder / "worker.log").read_text().splitlines()
        if line.startswith("{")
    ]
    assert all(record["event"] for record in records[-20:])
    assert records


def answers(stack, path, **headers):
    """Ask gunicorn itself, past the proxy."""
    opener = urllib.request.build_opener(NoRedirect)
    host = {"Host": stacks.SITE_HOST, **headers}
    return opener.open(urllib.request.Request(f"http://127.0.0.1:{stack.port}{path}", headers=host))


def look_at_the_site(stack):
    """Without the proxy's header people are sent to https; Prometheus needs its token, the proxy has none."""
    with pytest.raises(urllib.error.HTTPError) as plain:
        answers(stack, "/")
    assert plain.value.code == 301
    assert plain.value.headers["Location"].startswith(f"https://{stacks.SITE_HOST}/")
    with answers(stack, "/metrics", Authorization=f"Bearer {SECRETS['METRICS_TOKEN']}") as answer:
        assert b"moderato_heartbeat_age_seconds" in answer.read()
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    with urllib.request.urlopen(f"{stack.address}/accounts/login/", context=trusting) as page:
        headers = page.headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    for cookie in headers.get_all("Set-Cookie"):
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie
        assert "HttpOnly" in cookie
        assert "Domain" not in cookie


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Show the redirect instead of following it."""

    def redirect_request(self, *_args):
        return None
