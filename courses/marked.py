"""A school's past marking: rows with question, answer and points become assignments and submissions.

The points themselves are handed back, for grades are another app's. Importing the same file again changes nothing:
assignments are known by their question's id, answers by their row's id or, without one, by what they say.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from courses.errors import AnswerTooLong, ImportedDifferently, RowError, SubmittedMeanwhile, UserError
from courses.limits import site_limits
from courses.marked_rows import MarkedAnswerRow, Rounding, assignment_of, fit_step, marked_rows
from courses.models import Assignment, Course, Submission, SubmissionSource, SubmissionState
from courses.placeholders import placeholders_for, student_for
from courses.signals import submission_ready
from courses.tables import MARKED_COLUMNS, read_table


@dataclass(frozen=True)
class MarkedRow:
    """What a teacher once gave: `criterion_points` by the criterion's row. `new` is False where the answer was here
    before, and may have a grade already."""

    submission: Submission
    points: Decimal
    feedback: str
    criterion_points: dict[int, Decimal]
    new: bool = True


@dataclass
class ImportReport:
    """What an import did. `errors` are of rows that were left out, `notes` of rows that were taken with a change."""

    assignments: list[Assignment] = field(default_factory=list)
    submissions: int = 0
    unchanged: int = 0
    marked: list[MarkedRow] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    notes: list[RowError] = field(default_factory=list)


def import_marked_answers(*, course: Course, by: User, name: str, data: bytes, with_grades: bool) -> ImportReport:
    """Take all rows that can be used, one transaction for each question. `with_grades` False leaves the points out.

    Raises:
        FileTooLarge, TableUnreadable, MissingColumns: nothing of the file can be used.
    """
    table = read_table(data, MARKED_COLUMNS, required=("question", "answer"))
    report = ImportReport(errors=list(table.errors))
    for rows in marked_rows(table.rows, report.errors).values():
        try:
            with transaction.atomic():
                part = _import_question(course, by, rows, with_grades=with_grades)
        except UserError as error:
            report.errors.append(RowError(rows[0].number, error.message))
        except IntegrityError:
            report.errors.append(RowError(rows[0].number, SubmittedMeanwhile().message))
        else:
            _add(report, part)
    report.errors.sort()
    report.notes.sort()
    return report


def _add(report: ImportReport, part: ImportReport) -> None:
    report.assignments += part.assignments
    report.submissions += part.submissions
    report.unchanged += part.unchanged
    report.marked += part.marked
    report.errors += part.errors
    report.notes += part.notes


def _import_question(course: Course, by: User, rows: Sequence[MarkedAnswerRow], *, with_grades: bool) -> ImportReport:
    report = ImportReport()
    assignment, criteria = assignment_of(course, by, rows, report.notes)
    report.assignments.append(assignment)
    if with_grades:
        fit_step(assignment, by, rows)
    rounding = Rounding(assignment.step_points, report.notes)
    known, given = Known(assignment), []
    for row, external_id in _with_ids(rows):
        try:
            row.check(rows[0], assignment)
            submission = known.find(row, external_id)
            new = submission is None
            if submission is None:
                submission = known.add(row, _new_submission(course, by, row, external_id))
        except UserError as error:
            report.errors.append(RowError(row.number, error.message))
            continue
        report.unchanged += not new
        if with_grades and row.points is not None:
            points, by_criterion = rounding.of(row.number, row.points), rounding.by_criterion(row, criteria)
            given.append((submission, points, row.feedback, by_criterion, new))
    source = SubmissionSource.IMPORT if with_grades else SubmissionSource.TABLE
    report.submissions = _store(assignment, by, known.added, source)
    # Only now do the new rows have the keys that their grades will name.
    report.marked = [MarkedRow(*values) for values in given]
    return report


class Known:
    """The answers of an assignment, by row and by student: those that it has and, in `added`, those that are new."""

    def __init__(self, assignment: Assignment) -> None:
        current = list(assignment.submissions.current().select_related("student"))
        self._by_id = {row.external_id: row for row in current if row.external_id}
        self._by_student = {row.student.username: row for row in current}
        self.added: list[Submission] = []

    def add(self, row: MarkedAnswerRow, submission: Submission) -> Submission:
        self.added.append(submission)
        self._by_id[submission.external_id] = submission
        if row.student:
            self._by_student[row.student] = submission
        return submission

    def find(self, row: MarkedAnswerRow, external_id: str) -> Submission | None:
        """The answer that this row is, or None where it is new.

        Raises:
            ImportedDifferently: the row, or its student, has another answer here.
        """
        found = self._by_id.get(external_id) or (self._by_student.get(row.student) if row.student else None)
        if found is not None and found.text != row.answer:
            raise ImportedDifferently(row=row.student or external_id[:60])
        return found


def _with_ids(rows: Sequence[MarkedAnswerRow]) -> Iterator[tuple[MarkedAnswerRow, str]]:
    """Each row with what it is known by: its own id, or who said what, the how-manieth time."""
    seen: Counter[str] = Counter()
    for row in rows:
        if row.id and len(row.id) <= 200:
            yield row, row.id
            continue
        content = hashlib.sha256(f"{row.id}\x00{row.student}\x00{row.answer}".encode()).hexdigest()
        seen[content] += 1
        yield row, f"sha256:{content}#{seen[content]}"


def _new_submission(course: Course, by: User, row: MarkedAnswerRow, external_id: str) -> Submission:
    """
    Raises:
        AnswerTooLong, InvalidEmail, IsCourseStaff
    """
    limit = site_limits().characters
    if len(row.answer) > limit:
        raise AnswerTooLong(length=len(row.answer), limit=limit)
    student = student_for(course, row.student, by) if row.student else None
    return Submission(student=student, text=row.answer, external_id=external_id)


def _store(assignment: Assignment, by: User, rows: Sequence[Submission], source: str) -> int:
    """Save new answers, READY at once: nothing has to be read out of a file, and they replace nobody's."""
    nobody = [row for row in rows if row.student_id is None]
    for row, student in zip(nobody, placeholders_for(assignment, len(nobody)), strict=True):
        row.student = student
    now = timezone.now()
    for row in rows:
        row.assignment, row.uploaded_by, row.submitted_at = assignment, by, now
        row.source, row.state = source, SubmissionState.READY
    for row in Submission.objects.bulk_create(rows):
        submission_ready.send(sender=Submission, submission=row, replaces=False)
    return len(rows)
