"""The files of a .zip, one after the other, with limits that hold whatever its directory claims."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from courses.errors import BrokenArchive, EmptyArchive, TooManyFiles, UnpacksTooLarge
from courses.extraction.kinds import Kind, kind_of, open_zip
from courses.extraction.limits import LIMITS, MEGABYTE, Limits

_LITTER = ("__MACOSX/", "._", ".DS_Store", "Thumbs.db", "desktop.ini")
_ENCRYPTED = 0x1
_UTF8_NAME = 0x800
_KNOWN_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Member:
    """One file of an archive: its bytes, or the code of why it cannot be had."""

    name: str
    data: bytes = b""
    problem: str = ""


def unpack(data: bytes, limits: Limits = LIMITS) -> Iterator[Member]:
    """The files of an archive in its own order; nothing is written to the disk, so their paths can do no harm.

    Raises:
        BrokenArchive, EmptyArchive, TooManyFiles, UnpacksTooLarge: before the first file is given.
    """
    try:
        archive = open_zip(data)
    except zipfile.BadZipFile as error:
        raise BrokenArchive from error
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_litter(entry.filename)]
    if not entries:
        raise EmptyArchive
    if len(entries) > limits.archive_files:
        raise TooManyFiles(limit=limits.archive_files)
    # zipfile never gives more of an entry than its directory says, so that the sum of what it says is a true bound.
    if sum(entry.file_size for entry in entries) > limits.archive_bytes:
        raise UnpacksTooLarge(limit=limits.archive_bytes // MEGABYTE)
    return (_member(archive, entry, limits) for entry in entries)


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits) -> Member:
    name = _name(entry)
    if entry.flag_bits & _ENCRYPTED:
        return Member(name, problem="encrypted")
    if entry.file_size > limits.file_bytes:
        return Member(name, problem="too_large")
    if entry.compress_type not in _KNOWN_METHODS:
        return Member(name, problem="broken")
    try:
        with archive.open(entry) as file:
            data = file.read(limits.file_bytes + 1)
    except Exception:  # noqa: BLE001
        # zipfile and zlib raise a dozen different things for mangled entries.
        return Member(name, problem="broken")
    if kind_of(data) is Kind.ARCHIVE:
        return Member(name, data, "nested_archive")
    return Member(name, data)


def _is_litter(path: str) -> bool:
    return path.startswith(_LITTER) or path.rpartition("/")[2].startswith(_LITTER)


def _name(entry: zipfile.ZipInfo) -> str:
    """The name as it was meant: many programs write UTF-8 without saying so, and zipfile then reads it as cp437."""
    name = entry.filename
    if not entry.flag_bits & _UTF8_NAME:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.encode("utf-8", errors="replace").decode("utf-8")
