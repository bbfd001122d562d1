from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


class Unreadable(Exception):
    """A file that gives no text; `code` says why and is one of courses.errors.UNREADABLE_WORDS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Limits:
    """How much is taken before somebody is trying something."""

    file_bytes: int = 20 * MEGABYTE
    """One file as uploaded, or unpacked from an archive."""

    document_bytes: int = 20 * MEGABYTE
    """The XML inside one Word or OpenDocument file, unpacked."""

    archive_bytes: int = 200 * MEGABYTE
    """All files of an archive together, unpacked."""

    archive_files: int = 500
    """Files in one archive, and in one upload."""

    characters: int = 500_000
    """Text of one answer."""

    pdf_pages: int = 300
    """Pages of one PDF."""

    seconds: float = 8.0
    """Time for reading one document: nobody waits ten seconds for one bad file."""

    memory_bytes: int = 300 * MEGABYTE
    """Address space of the process that reads documents."""


LIMITS = Limits()
