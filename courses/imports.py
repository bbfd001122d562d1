"""Answers that come as rows of a table, one a student. Past marking with questions and points is in courses.marked."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from courses.errors import RowError, UserError
from courses.marked import ImportReport, MarkedRow, import_marked_answers
from courses.matching import StudentMatcher
from courses.models import Assignment, SubmissionSource
from courses.services.submissions import is_unchanged, submission_create
from courses.services.uploads import students_of
from courses.tables import ANSWER_COLUMNS, TableRow, read_table

__all__ = ["ImportReport", "MarkedRow", "TableReport", "import_marked_answers", "submissions_from_table"]


@dataclass
class TableReport:
    """What became of each row; `unchanged` ones said what was there already."""

    created: int = 0
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)


def submissions_from_table(*, assignment: Assignment, by: User, name: str, data: bytes) -> TableReport:
    """One answer a row, with the student's address (or full name). A blank answer is an answer.

    Raises:
        FileTooLarge, TableUnreadable, MissingColumns: nothing of the file can be used.
    """
    table = read_table(data, ANSWER_COLUMNS, required=("answer",))
    report = TableReport(errors=list(table.errors))
    matcher = StudentMatcher.of(students_of(assignment))
    seen: dict[int, int] = {}
    for row in table.rows:
        try:
            _answer_row(assignment, by, row, matcher, seen, report)
        except UserError as error:
            report.errors.append(RowError(row.number, error.message))
    report.errors.sort()
    return report


def _answer_row(
    assignment: Assignment,
    by: User,
    row: TableRow,
    matcher: StudentMatcher,
    seen: dict[int, int],
    report: TableReport,
) -> None:
    who = (row.text("student") or row.name()).strip()
    student = matcher.named(who)
    if student is None:
        message = _("“%(name)s” is not exactly one student of this course.") if who else _("No student is named.")
        report.errors.append(RowError(row.number, message % {"name": who[:80]}))
        return
    if student.pk in seen:
        message = _("%(name)s is already in row %(row)d; this row was left out.")
        report.errors.append(RowError(row.number, message % {"name": who[:80], "row": seen[student.pk]}))
        return
    seen[student.pk] = row.number
    text = row.text("answer")
    if is_unchanged(assignment, student, text=text):
        report.unchanged += 1
        return
    submission_create(assignment=assignment, student=student, by=by, source=SubmissionSource.TABLE, text=text)
    report.created += 1
