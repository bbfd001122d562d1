"""What a file is, judged by its bytes: a name or a declared type is only what somebody says."""

from __future__ import annotations

import io
import re
import zipfile
from enum import StrEnum

_ENTRY = b"PK\x01\x02"
# A document has some dozens of parts, and an archive at most a few hundred files: a directory of millions of
# entries is there to fill the memory of whoever reads it.
_MOST_ENTRIES = 20_000
_MOST_MANIFEST = 1024 * 1024
_WORD_MAIN = re.compile(
    r'PartName="/?([^"]+)"\s+ContentType="[^"]*(?:wordprocessingml\.document|word\.document\.macroEnabled)\.main\+xml"'
    r'|ContentType="[^"]*(?:wordprocessingml\.document|word\.document\.macroEnabled)\.main\+xml"\s+PartName="/?([^"]+)"'
)


class Kind(StrEnum):
    TEXT = "text"
    PDF = "pdf"
    DOCX = "docx"
    ODT = "odt"
    ARCHIVE = "archive"
    OLD_OFFICE = "old_office"
    BROKEN = "broken"
    UNKNOWN = "unknown"


def kind_of(data: bytes) -> Kind:
    """The kind of file; TEXT where nothing speaks against it, which `decode` then finds out."""
    if b"%PDF-" in data[:1024]:
        return Kind.PDF
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(data)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return Kind.OLD_OFFICE
    if data.startswith((b"{\\rtf", b"%!PS")):
        return Kind.UNKNOWN
    return Kind.TEXT


def open_zip(data: bytes) -> zipfile.ZipFile:
    """
    Raises:
        zipfile.BadZipFile: damaged, or with a directory that is out of all proportion.
    """
    if data.count(_ENTRY) > _MOST_ENTRIES:
        raise zipfile.BadZipFile("too many entries")
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (ValueError, OverflowError, NotImplementedError, OSError, UnicodeError) as error:
        # Mangled numbers in the directory surface as many things.
        raise zipfile.BadZipFile(str(error)) from error


def word_part(archive: zipfile.ZipFile) -> str | None:
    """The name of the part with the text of a Word document; Word itself does not always call it word/document.xml."""
    found = _WORD_MAIN.search(_part(archive, "[Content_Types].xml"))
    return (found[1] or found[2]) if found else None


def _zipped(data: bytes) -> Kind:
    try:
        with open_zip(data) as archive:
            return _by_parts(archive)
    except zipfile.BadZipFile:
        return Kind.BROKEN


def _by_parts(archive: zipfile.ZipFile) -> Kind:
    names = set(archive.namelist())
    if "[Content_Types].xml" in names:
        return Kind.DOCX if word_part(archive) else Kind.UNKNOWN
    if "mimetype" in names and "content.xml" in names:
        text = _part(archive, "mimetype").startswith("application/vnd.oasis.opendocument.text")
        return Kind.ODT if text else Kind.UNKNOWN
    return Kind.ARCHIVE


def _part(archive: zipfile.ZipFile, name: str) -> str:
    """The start of a small part; empty where it cannot be read."""
    try:
        with archive.open(name) as part:
            return part.read(_MOST_MANIFEST).decode("utf-8", errors="replace")
    except Exception:  # noqa: BLE001
        # zipfile raises BadZipFile, zlib.error, NotImplementedError, RuntimeError (encrypted) and more.
        return ""
