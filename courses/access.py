"""The row that this user asked for, or 404 (not theirs to see), or 403 (theirs to see, not to change)."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404

from courses.models import Assignment, Course, Membership, Submission, UnmatchedFile
from courses.querysets import AnyUser

Row = TypeVar("Row", bound=Model)


def _get(rows: QuerySet[Row], pk: Any) -> Row:
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def _only(allowed: QuerySet[Any], row: Row) -> Row:
    if not allowed.filter(pk=row.pk).exists():
        raise PermissionDenied
    return row


def course_for(user: AnyUser, pk: int) -> Course:
    return _get(Course.objects.visible_to(user), pk)


def managed_course(user: AnyUser, pk: int) -> Course:
    """A course whose answers `user` marks."""
    return _only(Course.objects.managed_by(user), course_for(user, pk))


def owned_course(user: AnyUser, pk: int) -> Course:
    """A course that `user` may reshape: settings and members."""
    return _only(Course.objects.owned_by(user), course_for(user, pk))


def owned_membership(user: AnyUser, pk: int) -> Membership:
    """A membership that `user` may change: teachers, not assistants."""
    rows = Membership.objects.filter(course__in=Course.objects.visible_to(user))
    row = _get(rows.select_related("course", "user"), pk)
    owned_course(user, row.course_id)
    return row


def assignment_for(user: AnyUser, pk: int) -> Assignment:
    return _get(Assignment.objects.visible_to(user).select_related("course"), pk)


def managed_assignment(user: AnyUser, pk: int) -> Assignment:
    return _only(Assignment.objects.managed_by(user), assignment_for(user, pk))


def submission_for(user: AnyUser, pk: int) -> Submission:
    return _get(Submission.objects.visible_to(user).select_related("assignment__course", "student"), pk)


def managed_submission(user: AnyUser, pk: int) -> Submission:
    return _only(Submission.objects.managed_by(user), submission_for(user, pk))


def managed_unmatched_file(user: AnyUser, pk: int) -> UnmatchedFile:
    managed = Assignment.objects.managed_by(user)
    return _get(UnmatchedFile.objects.filter(assignment__in=managed).select_related("assignment__course"), pk)
