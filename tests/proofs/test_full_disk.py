"""A disk that is really full: an upload, a form, its temporary folder and a check meet ENOSPC.

The file system is a tmpfs of 8 MiB in a user namespace of the test's process (`unshare -rm`), which ordinary
users and most CI machines may make. Where the kernel refuses, a process that may write no more than so many
bytes into a file stands in for it: it meets EFBIG, not ENOSPC, and the test says so in its output.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.personas import make_cast

ON_A_FULL_DISK = """
import django, hashlib, json, os, random, resource, sys
from pathlib import Path
django.setup()
from django.conf import settings
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from accounts.models import User
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.models import EvidenceItem, Portfolio
from tests.portfolios import tus

MIB = 1024 * 1024
disk, real = Path(storages["evidence"].location), sys.argv[1] == "tmpfs"
ballast, told = disk.parent / "ballast", {}

def fill(left):
    # Everything but so many bytes is taken.
    ballast.unlink(missing_ok=True)
    if real:
        free = os.statvfs(disk.parent)
        ballast.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - left)))
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (left, resource.RLIM_INFINITY))

def make_room():
    ballast.unlink(missing_ok=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)

def kept():
    return sorted(str(one.relative_to(disk)) for one in disk.rglob("*") if one.is_file())

portfolio, client = Portfolio.objects.get(), Client()
client.force_login(User.objects.get(pk=portfolio.enrolment.learner_id))
raw = b"%PDF-1.4\\n" + random.Random(12).randbytes(2 * MIB)
path = tus.create(client, portfolio, len(raw))["Location"]

fill(MIB)
answer = tus.patch(client, path, 0, raw)
told["upload"] = [answer.status_code, answer.content.decode()]
told["offset"] = tus.offset(client, path)
told["items"] = EvidenceItem.objects.count()

form = reverse("portfolios:add_kind", args=[portfolio.pk, "file"])
before = kept()
fill(16 * 1024)
page = client.post(form, {"upload": SimpleUploadedFile("b.pdf", raw), "title": "Kept words"})
told["form"] = [page.status_code, page.content.decode()]
told["left by the form"] = [one for one in kept() if one not in before]
told["items after the form"] = EvidenceItem.objects.count()

settings.FILE_UPLOAD_TEMP_DIR = str(disk.parent)
page = client.post(form, {"upload": SimpleUploadedFile("t.pdf", raw), "title": "Also kept"})
told["temporary"] = [page.status_code, page.content.decode()]
told["left in it"] = sorted(one.name for one in disk.parent.glob("*.upload*"))
settings.FILE_UPLOAD_TEMP_DIR = None

make_room()
rest = raw[told["offset"]:]
told["rest"] = tus.patch(client, path, told["offset"], rest).status_code
item = EvidenceItem.objects.get()
digest = hashlib.sha256((disk / item.storage_key).read_bytes()).hexdigest()
told["whole"] = digest == item.sha256 == hashlib.sha256(raw).hexdigest()
told["intake"] = kept() == [item.storage_key]

words = ("What we found. " * 20_000).encode()
page = client.post(form, {"upload": SimpleUploadedFile("c.txt", words), "title": "Words"})
fill(16 * 1024)
scan_waiting_evidence()
states = dict(EvidenceItem.objects.values_list("original_name", "state"))
told["while there is no room for the copy"] = states["c.txt"]
make_room()
from portfolios.actions import scanning
scanning.STUCK_AFTER *= -1
scan_waiting_evidence()
told["after"] = dict(EvidenceItem.objects.values_list("original_name", "state"))["c.txt"]
told["what stood in"] = "a full tmpfs (ENOSPC)" if real else "a limit of bytes in a file (EFBIG)"
print(json.dumps(told))
"""
MOUNTED = 'mount -t tmpfs -o size=8m,mode=700 moderato "$0" && exec "$@"'


def may_mount() -> bool:
    """Whether this machine lets us have a small file system of our own."""
    if not shutil.which("unshare"):
        return False
    tried = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=1m moderato /tmp"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


@pytest.fixture
def portfolio(committed_db: Any, django_db_blocker: Any) -> Any:
    from tests.factories.portfolios import portfolio_of

    with django_db_blocker.unblock():
        return portfolio_of(make_cast())


def test_a_full_disk_loses_nothing_and_says_so(
    portfolio: Any, committed_db: Any, tmp_path: Path
) -> None:
    real = may_mount()
    program = [sys.executable, "-c", ON_A_FULL_DISK, "tmpfs" if real else "limit"]
    command = ["unshare", "-rm", "sh", "-c", MOUNTED, str(tmp_path), *program]
    environment = {
        **os.environ,
        "TEST_DATABASE_URL": committed_db.url,
        "MODERATO_DATA": str(tmp_path),
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        command if real else program, env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    print(f"The disk was {told['what stood in']}.")
    sentence = "The server has no room at the moment. What was sent is kept; go on later."
    assert told["upload"] == [507, sentence]
    assert 0 < told["offset"] <= 1024 * 1024
    status, page = told["form"]
    assert status == 422
    assert "no room at the moment, so nothing was kept of this file. Add it again later." in page
    assert "Kept words" in page
    status, page = told["temporary"]
    assert (status, told["left in it"]) == (422, [])
    assert "no room at the moment, so nothing was kept of this file. Add it again later." in page
    assert "Also kept" in page
    assert (told["left by the form"], told["items"], told["items after the form"]) == ([], 0, 0)
    assert (told["rest"], told["whole"], told["intake"]) == (204, True, True)
    # The file is not blamed for the disk.
    assert told["while there is no room for the copy"] == "scanning"
    assert told["after"] == "ready"
