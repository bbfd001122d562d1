"""How much may be brought in: so often an hour by one person, and so many bytes kept of one student or course."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Model, QuerySet
from django.utils.formats import time_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from courses.errors import UserError
from courses.models import Submission, UnmatchedFile
from gradingsite.signin import limits

# A sum is looked up on the disk so seldom; what comes in meanwhile is added to it.
KNOWN_FOR = 600  # seconds


class BroughtInTooOften(UserError):
    code = "brought_in_too_often"
    words = _(
        "You brought in files %(limit)d times within an hour, which is as often as it goes. Nothing of this one was"
        " taken; please send it again after %(time)s."
    )


class QuotaSpent(UserError):
    code = "quota_spent"
    words = _(
        "The file was not kept: the files that lie here already take up the %(limit)d MB that there are for them."
        " Your school can delete old ones or allow more."
    )


def file_turn(user: User) -> None:
    """Count one upload or import of this person; each can keep a process busy for a minute.

    Raises:
        BroughtInTooOften
    """
    key = str(user.pk)
    if not limits.take("file", key):
        free = time_format(localtime(limits.free_at("file", key)))
        raise BroughtInTooOften(limit=settings.TRIES_PER_HOUR["file"], time=free)


def require_room(row: Submission | UnmatchedFile, size: int) -> None:
    """Count these bytes as kept.

    Raises:
        QuotaSpent
    """
    key, most, kept = _share(row)
    used = cache.get(key)
    if used is None:
        used = sum(_sizes(kept))
    if used + size > most:
        raise QuotaSpent(limit=most // settings.MEBIBYTE)
    cache.set(key, used + size, KNOWN_FOR)


def _share(row: Submission | UnmatchedFile) -> tuple[str, int, list[QuerySet[Any]]]:
    """What a student hands in is the student's own share, so that nobody can use up that of a whole course."""
    if isinstance(row, Submission) and row.uploaded_by_id == row.student_id:
        own = Submission.objects.filter(student=row.student_id, uploaded_by=row.student_id)
        return f"quota.student:{row.student_id}", settings.STUDENT_QUOTA_BYTES, [own]
    course = row.assignment.course_id
    kept: list[QuerySet[Any]] = [
        model._default_manager.filter(assignment__course=course)  # noqa: SLF001
        for model in (Submission, UnmatchedFile)
    ]
    return f"quota.course:{course}", settings.COURSE_QUOTA_BYTES, kept


def _sizes(kept: list[QuerySet[Any]]) -> list[int]:
    return [_size(row) for rows in kept for row in rows.exclude(original="").only("original").iterator()]


def _size(row: Model) -> int:
    try:
        return int(row.original.size)  # type: ignore[attr-defined]
    except FileNotFoundError:
        return 0
