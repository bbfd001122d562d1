from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from courses.errors import HandedInTooOften
from courses.extraction import Limits
from courses.models import Submission


def site_limits() -> Limits:
    """The limits on what is uploaded, as this site sets them."""
    return Limits(
        file_bytes=settings.MAX_UPLOAD_BYTES,
        archive_bytes=settings.MAX_UNPACKED_BYTES,
        archive_files=settings.MAX_UPLOAD_FILES,
    )


def require_hand_in_left(student: User) -> None:
    """Each hand-in is kept with its file, so one account must not be able to fill the disk.

    What is asked before the file is read saves the reading. It holds for hand-ins that arrive together only when it is
    asked again in the transaction that saves the row, with the student's own row locked.

    Raises:
        HandedInTooOften
    """
    limit = settings.HAND_INS_PER_DAY
    since = timezone.now() - timedelta(days=1)
    if Submission.objects.filter(student=student, uploaded_by=student, submitted_at__gt=since).count() >= limit:
        raise HandedInTooOften(limit=limit)
