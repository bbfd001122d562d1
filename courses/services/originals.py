"""Keeping a file as it was handed in: the whole of it, or nothing."""

from __future__ import annotations

import errno

from django.core.files.base import ContentFile

from courses.errors import NoRoomForFiles
from courses.models import Submission, UnmatchedFile
from courses.quota import require_room

FULL = {errno.ENOSPC, errno.EDQUOT}


def original_keep(row: Submission | UnmatchedFile, data: bytes) -> None:
    """Write the row's file; the row itself is saved by the caller.

    Raises:
        QuotaSpent
        NoRoomForFiles: the disk is full. What was written of the file is gone again.
    """
    require_room(row, len(data))
    field = row.original.field
    storage, path = row.original.storage, field.generate_filename(row, row.original_name)
    try:
        row.original = storage.save(path, ContentFile(data), max_length=field.max_length)
    except OSError as error:
        # Django leaves the half behind, and no row would ever lead to it: not even a deletion of the student's data.
        storage.delete(path)
        if error.errno in FULL:
            raise NoRoomForFiles from error
        raise
