"""Released grades in the layouts of Moodle's and Canvas's gradebooks: as files of our own, and written into theirs."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from courses.errors import RowError, UserError
from courses.gradebooks import Gradebook, Mark, Row, check_maximum, gradebook_filled, gradebook_read
from courses.matching import StudentMatcher
from courses.models import Assignment
from courses.services.uploads import students_of
from grading.models import Grade
from grading.services.exports import defused


@dataclass
class FillReport:
    """What became of the rows of a gradebook; `file` is it with the marks."""

    layout: str
    file: bytes = b""
    filled: int = 0
    without: int = 0  # students whose grade is not released yet
    errors: list[RowError] = field(default_factory=list)


def gradebook_fill(*, assignment: Assignment, data: bytes, column: str = "") -> FillReport:
    """Write the released grades into a file that Moodle or Canvas gave out.

    Raises:
        FileTooLarge, TableUnreadable, NoGradebook, NoSuchColumn: nothing of the file can be used.
    """
    book = gradebook_read(data, title=assignment.title, column=column)
    report, marks, seen = FillReport(book.layout), {}, dict[int, int]()
    matcher, released = StudentMatcher.of(students_of(assignment)), _released(assignment)
    for row in book.people():
        try:
            mark = _mark(book, row, matcher, released, seen)
            if mark is not None:
                check_maximum(book, row, assignment.max_points)
                marks[row.number] = mark
        except UserError as error:
            report.errors.append(RowError(row.number, error.message))
            continue
        report.without += mark is None
    report.filled, report.file = len(marks), gradebook_filled(book, marks)
    return report


class NobodyNamed(UserError):
    code = "nobody_named"

    @property
    def message(self) -> str:
        words = _("“%(name)s” is not exactly one student of this course.")
        return words % self.details if self.details["name"] else _("No student is named.")


class NamedTwice(UserError):
    code = "named_twice"

    @property
    def message(self) -> str:
        return _("%(name)s is already in row %(row)d; this row was left out.") % self.details


def _mark(
    book: Gradebook, row: Row, matcher: StudentMatcher, released: dict[int, Grade], seen: dict[int, int]
) -> Mark | None:
    grade = released.get(student_named(book, row, matcher, seen).pk)
    if grade is None or grade.points is None:
        return None
    return Mark(grade.points, defused(grade.feedback.text))


def student_named(book: Gradebook, row: Row, matcher: StudentMatcher, seen: dict[int, int]) -> User:
    """Whose row it is. `seen` remembers each student's row, by the student's number.

    Raises:
        NobodyNamed, NamedTwice
    """
    who = book.who(row)
    student = next(filter(None, (matcher.named(name) for name in who)), None)
    if student is None:
        raise NobodyNamed(name=who[0][:80] if who else "")
    if student.pk in seen:
        raise NamedTwice(name=who[0][:80], row=seen[student.pk])
    seen[student.pk] = row.number
    return student


def _released(assignment: Assignment) -> dict[int, Grade]:
    rows = Grade.objects.released().filter(submission__assignment=assignment).select_related("feedback", "submission")
    return {row.submission.student_id: row for row in rows.order_by("pk")}


def grades_for_moodle(*, assignment: Assignment) -> bytes:
    """For Moodle's import of grades from a CSV file, which finds people by their e-mail address."""
    head = ["Full name", "Email address", "Grade", "Maximum Grade", "Feedback comments"]
    rows = [
        [
            _name(grade),
            defused(grade.submission.student.email),
            f"{grade.points:.2f}",
            f"{grade.max_points:.2f}",
            defused(grade.feedback.text),
        ]
        for grade in _in_order(assignment)
    ]
    return _csv([head, *rows])


def grades_for_canvas(*, assignment: Assignment) -> bytes:
    """For Canvas's import into the gradebook, which finds people by their login."""
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", defused(assignment.title)]
    possible = ["    Points Possible", "", "", "", "", f"{assignment.max_points:.2f}"]
    section = defused(str(assignment.course))
    rows = [
        [_name(grade), "", "", defused(grade.submission.student.email), section, f"{grade.points:.2f}"]
        for grade in _in_order(assignment)
    ]
    return _csv([head, possible, *rows])


def _in_order(assignment: Assignment) -> list[Grade]:
    rows = Grade.objects.released().filter(submission__assignment=assignment)
    rows = rows.select_related("feedback", "submission__student")
    return list(rows.order_by("submission__student__last_name", "submission__student__first_name", "pk"))


def _name(grade: Grade) -> str:
    student = grade.submission.student
    return defused(student.get_full_name() or student.get_username())


def _csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode("utf-8-sig")
