from __future__ import annotations

from django.conf import settings

from courses.extraction import Limits


def site_limits() -> Limits:
    """The limits on what is uploaded, as this site sets them."""
    return Limits(
        file_bytes=settings.MAX_UPLOAD_BYTES,
        archive_bytes=settings.MAX_UNPACKED_BYTES,
        archive_files=settings.MAX_UPLOAD_FILES,
    )
