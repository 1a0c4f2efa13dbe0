"""A form with a file, sent while the temporary folder is full: a sentence, and every word still there."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.files import NO_ROOM
from portfolios.actions.submission import place_hold
from portfolios.enums import HoldKind
from portfolios.models import EvidenceItem
from tests.factories.portfolios import pdf, portfolio_of, submitted

MIB = 1024 * 1024
WORDS = "Words that took an evening – kua oti"
pytestmark = pytest.mark.sqlite


@contextmanager
def no_file_above(limit: int) -> Iterator[None]:
    """What a full disk does, for any user of the machine: writing beyond so many bytes fails (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    made = tmp_path / "temporary"
    made.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(made)
    return made


def large(name: str = "a.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"%PDF-1.4\n" + bytes(3 * MIB), "application/pdf")


def forms(cast):
    """Address, person, what is sent, and what the page would ask for if no file had been chosen."""
    portfolio = portfolio_of(cast)

    def add(kind: str) -> str:
        return reverse("portfolios:add_kind", args=[portfolio.pk, kind])

    words = {"title": WORDS, "description": WORDS}
    small = SimpleUploadedFile("b.pdf", pdf("small"), "application/pdf")
    yield add("file"), cast.lena, {**words, "upload": large()}, "Choose a file."
    photo = {**words, "capture": large("c.png")}
    yield add("photo"), cast.lena, photo, "Take a photo or choose a file."
    # The file that fitted does not go on without the one that did not.
    both = {**words, "capture": small, "upload": large()}
    yield add("photo"), cast.lena, both, "Take a photo or choose a file."
    hold = place_hold(
        submitted(cast, "hone"), actor=cast.pam, kind=HoldKind.SPECIAL_CONSIDERATION, reason="Asked"
    )
    given = reverse("portfolios:supporting", args=[hold.submission_id, hold.pk])
    sent = {"words": WORDS, "file": large()}
    yield given, cast.pam, sent, "Write what was said, or choose a file."
    people = reverse("catalogue:import_people", args=[cast.delivery.pk])
    yield people, cast.pam, {"text": WORDS, "file": large()}, "Choose a file or paste rows."


def test_a_full_temporary_folder_costs_the_file_and_no_word(cast, as_, folder):
    before = EvidenceItem.objects.count()
    for address, who, sent, asked in forms(cast):
        client = as_(who)
        items = EvidenceItem.objects.count()
        with no_file_above(MIB):
            page = client.post(address, sent)
        text = page.content.decode()
        assert (page.status_code, NO_ROOM in text, asked in text) == (422, True, False), address
        assert WORDS in text
        assert list(folder.iterdir()) == []
        assert EvidenceItem.objects.count() == items
    assert EvidenceItem.objects.exclude(owner=cast.hone).count() == before
    intake = Path(storages["evidence"].location) / "intake"
    assert not intake.exists() or list(intake.iterdir()) == []


def test_a_folder_that_takes_not_one_file_says_the_same(cast, as_, folder):
    folder.rmdir()  # where every folder is full, Python names none and says "no such file"
    address = reverse("portfolios:add_kind", args=[portfolio_of(cast).pk, "file"])
    page = as_(cast.lena).post(address, {"title": WORDS, "upload": large()}).content.decode()
    assert (NO_ROOM in page, WORDS in page) == (True, True)


def test_another_fault_of_the_disk_is_not_called_a_want_of_room(cast, as_, folder, settings):
    other = folder / "a file"
    other.touch()
    settings.FILE_UPLOAD_TEMP_DIR = str(other)
    address = reverse("portfolios:add_kind", args=[portfolio_of(cast).pk, "file"])
    with pytest.raises(NotADirectoryError):
        as_(cast.lena).post(address, {"title": WORDS, "upload": large()})
