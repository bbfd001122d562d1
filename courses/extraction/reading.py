from __future__ import annotations

from courses.extraction.kinds import Kind, kind_of
from courses.extraction.limits import LIMITS, Limits, Unreadable
from courses.extraction.reader import DocumentReader
from courses.extraction.texts import NotText, clean_text, decode

_reader = DocumentReader()
_REFUSED = {
    Kind.ARCHIVE: "archive",
    Kind.OLD_OFFICE: "old_office",
    Kind.BROKEN: "broken",
    Kind.UNKNOWN: "unknown_type",
}


def extract_text(data: bytes, limits: Limits = LIMITS) -> str:
    """The text of one file, clean and never blank.

    Raises:
        Unreadable: with the reason as a code; nothing else, whatever the bytes are.
    """
    if len(data) > limits.file_bytes:
        raise Unreadable("too_large")
    if not data.strip(b"\x00 \t\r\n\x0b\x0c"):
        raise Unreadable("empty")
    kind = kind_of(data)
    if kind in _REFUSED:
        raise Unreadable(_REFUSED[kind])
    text = _plain(data, limits) if kind is Kind.TEXT else clean_text(_reader.read(kind, data))
    if not text:
        raise Unreadable({Kind.TEXT: "empty", Kind.PDF: "scan"}.get(kind, "no_text"))
    if len(text) > limits.characters:
        raise Unreadable("too_long")
    return text


def _plain(data: bytes, limits: Limits) -> str:
    most = 4 * limits.characters + 4  # no encoding takes more bytes
    try:
        text = decode(data[:most])
        if len(data) > most:
            raise Unreadable("too_long")
        return clean_text(text)
    except NotText as error:
        raise Unreadable("unknown_type") from error
