"""Which files may be evidence: media types, extensions, and the words for them. Pure."""

ALLOWED: dict[str, tuple[str, ...]] = {
    "application/pdf": ("pdf",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/png": ("png",),
    "image/webp": ("webp",),
    "image/heic": ("heic", "heif"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("pptx",),
    "application/vnd.oasis.opendocument.text": ("odt",),
    "application/vnd.oasis.opendocument.spreadsheet": ("ods",),
    "application/vnd.oasis.opendocument.presentation": ("odp",),
    "video/mp4": ("mp4", "m4v"),
    "video/quicktime": ("mov",),
    "video/webm": ("webm",),
    "audio/mpeg": ("mp3",),
    "audio/mp4": ("m4a",),
    "audio/wav": ("wav",),
    "text/plain": ("txt",),
    "text/csv": ("csv",),
}
"""Media type → extensions that may go with it."""
EXTENSIONS = sorted(extension for found in ALLOWED.values() for extension in found)
IN_WORDS = (
    "PDF, Word, Excel, PowerPoint, OpenDocument (ODT, ODS, ODP), JPEG, PNG, WebP, HEIC, MP4, MOV, WebM, MP3, M4A,"
    " WAV, text and CSV"
)


OFFICE_OPEN = "application/vnd.openxmlformats-officedocument."
OPEN_DOCUMENT = "application/vnd.oasis.opendocument."


def is_office(media_type: str) -> bool:
    """Made by a program for texts, tables or presentations."""
    return media_type.startswith((OFFICE_OPEN, OPEN_DOCUMENT))


def is_document(media_type: str) -> bool:
    """Pages that people look at."""
    return media_type == "application/pdf" or is_office(media_type)


def extension_of(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def type_of_extension(extension: str) -> str:
    """The media type that goes with an extension; empty where it is not allowed."""
    return next((kind for kind, found in ALLOWED.items() if extension in found), "")
