"""The row of grading that this user asked for, or 404 (not theirs to see), or 403 (theirs to see, not to change)."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404

from courses.access import managed_course, managed_submission, submission_for
from courses.models import Submission
from courses.querysets import AnyUser
from grading.models import Grade, GradingRun, RegradeRequest, ReleasePlan, SavedComment, SecondMark


def managed_run(user: AnyUser, pk: int) -> GradingRun:
    rows = GradingRun.objects.managed_by(user).select_related("assignment__course", "version", "requested_by")
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def managed_grade(user: AnyUser, pk: int) -> Grade:
    """A grade of a course that `user` marks. A student may know of their own released one, but not change it."""
    row = Grade.objects.visible_to(user).select_related("submission__assignment__course").filter(pk=pk).first()
    if row is None:
        raise Http404
    managed_submission(user, row.submission_id)
    return row


def released_grade(user: AnyUser, submission_pk: int) -> tuple[Submission, Grade]:
    """A submission with its released grade: the student's own, or any of a course that `user` marks."""
    submission = submission_for(user, submission_pk)
    grades = Grade.objects.visible_to(user).released().filter(submission=submission)
    grade = grades.select_related("approved_by", "released_by", "feedback", "version").first()
    if grade is None:
        raise Http404
    return submission, grade


def managed_regrade(user: AnyUser, pk: int) -> RegradeRequest:
    """A request of a course that `user` marks. A student may know of their own, but not answer it."""
    row = _regrade(user, pk)
    managed_submission(user, row.grade.submission_id)
    return row


def own_regrade(user: AnyUser, pk: int) -> RegradeRequest:
    """A student's own request."""
    row = _regrade(user, pk)
    if row.grade.submission.student_id != user.pk:
        raise PermissionDenied
    return row


def _regrade(user: AnyUser, pk: int) -> RegradeRequest:
    rows = RegradeRequest.objects.visible_to(user).select_related("grade__submission__assignment__course")
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def own_released_grade(user: AnyUser, submission_pk: int) -> Grade:
    """The released grade of `user`'s own submission."""
    submission, grade = released_grade(user, submission_pk)
    if submission.student_id != user.pk:
        raise PermissionDenied
    return grade


def managed_second_mark(user: AnyUser, pk: int) -> SecondMark:
    rows = SecondMark.objects.visible_to(user).select_related(
        "grade__submission__assignment__course", "grade__submission__student", "grade__approved_by", "by"
    )
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def planned_release(user: AnyUser, pk: int) -> ReleasePlan:
    row = ReleasePlan.objects.visible_to(user).select_related("assignment").filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def managed_comment(user: AnyUser, pk: int) -> SavedComment:
    """A saved comment of a course that `user` marks."""
    row = SavedComment.objects.managed_by(user).select_related("course").filter(pk=pk).first()
    if row is None:
        raise Http404
    managed_course(user, row.course_id)
    return row
