"""Files that come with a form: a full temporary folder costs the file, never the words beside it."""

import errno
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler

if TYPE_CHECKING:
    _Uploaded = UploadedFile[Any]
else:
    _Uploaded = UploadedFile
log = structlog.get_logger(__name__)
NO_ROOM = (
    "The server has no room at the moment, so nothing was kept of this file. Add it again later."
)
# ENOENT: Python looks for a folder that it can write to, and says this where all of them are full.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOENT}


class NotKept(_Uploaded):
    """Stands for a file that the temporary folder had no room for: its name, and none of its bytes."""


class FormFiles(TemporaryFileUploadHandler):
    """Files of forms go into the temporary folder, as in Django; what does not fit there arrives as NotKept.

    Django reads a form before any view, so an error here would be a server error, and what was typed lost.
    The rest of such a file is read and dropped; its piece on the disk goes at once. Other errors of a disk
    than "no room" stay server errors.
    """

    full = False

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        # The file before this one in the same form belongs to the form by now.
        self.__dict__.pop("file", None)
        self.full = False
        try:
            super().new_file(*args, **kwargs)
        except OSError as error:
            self.give_up(error)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if not self.full:
            try:
                return super().receive_data_chunk(raw_data, start)
            except OSError as error:
                self.give_up(error)
        return None

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        if not self.full:
            try:
                return super().file_complete(file_size)
            except OSError as error:  # the last bytes, which waited in memory
                self.give_up(error)
        return NotKept(name=self.file_name, content_type=self.content_type, size=0)

    def give_up(self, error: OSError) -> None:
        """Leave this file. Raises what is not for want of room."""
        if file := self.__dict__.pop("file", None):
            with suppress(OSError):  # writes once more what waits in memory
                file.close()
        if error.errno not in FULL:
            raise error
        self.full = True
        log.error("form_file_not_kept", errno=errno.errorcode.get(error.errno or 0, ""))


class File(forms.FileField):
    """A file of a form. Says so where the server had no room for it, whether or not one is required."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        if isinstance(data, NotKept):
            raise ValidationError(NO_ROOM, code="no_room")
        return super().clean(data, initial)
