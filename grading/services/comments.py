"""Saved comments of a course."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from courses.models import Course
from grading.exceptions import CommentIsThere
from grading.models import SavedComment


def comment_save(*, course: Course, by: User, text: str) -> SavedComment:
    """The course's comment with this text, made where it is not there yet."""
    row, _made = SavedComment.objects.get_or_create(course=course, text=text, defaults={"by": by})
    return row


def comment_change(*, comment: SavedComment, by: User, text: str) -> SavedComment:
    """Say it differently from now on; what was inserted into feedback before stays as it was.

    Raises:
        CommentIsThere: another comment of the course has this text.
    """
    comment.text, comment.by = text, by
    try:
        with transaction.atomic():
            comment.save(update_fields=["text", "by", "changed_at"])
    except IntegrityError as error:
        raise CommentIsThere from error
    return comment


def comment_remove(*, comment: SavedComment) -> None:
    comment.delete()
