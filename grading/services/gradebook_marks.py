"""Marks that a person gave elsewhere, out of a gradebook of Moodle or Canvas: looked at first, then taken over as the
decision of the teacher who takes them."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy

from courses.errors import RowError, UserError
from courses.gradebooks import Gradebook, Row, check_maximum, gradebook_read
from courses.matching import StudentMatcher
from courses.models import Assignment, Submission
from courses.services.uploads import students_of
from grading.models import AcceptanceSample, Grade, GradeState
from grading.services.gradebooks import student_named
from grading.services.review import grade_approve, grade_by_hand

# What both programs write where there is no mark.
_NO_MARK = ("", "-", "–")
_FORMULA = re.compile(r"^'(?=[=+\-@\t\r])")


class NotPoints(UserError):
    code = "not_points"
    words = gettext_lazy("“%(cell)s” is not a number of points from 0 to %(maximum)s in steps of %(step)s.")


class HandedInNothing(UserError):
    code = "handed_in_nothing"
    words = gettext_lazy("%(name)s has handed in nothing here: a mark without an answer cannot be reviewed.")


class DecidedAlready(UserError):
    code = "decided_already"
    words = gettext_lazy("%(name)s has %(points)s points here already (%(state)s). Change them at the desk.")


class WaitsUnseen(UserError):
    code = "waits_unseen"
    words = gettext_lazy("%(name)s's paper waits to be marked without looking at the proposal.")


@dataclass(frozen=True)
class FoundMark:
    """A mark that would be taken over."""

    submission: int
    name: str
    points: Decimal
    proposed: Decimal | None
    feedback: str


@dataclass
class MarksReport:
    """What would become of the rows of a gradebook."""

    layout: str
    found: list[FoundMark] = field(default_factory=list)
    same: int = 0  # decided here with the same points
    without: int = 0  # rows without a mark
    errors: list[RowError] = field(default_factory=list)


def gradebook_marks(*, assignment: Assignment, data: bytes, column: str = "") -> MarksReport:
    """The marks of a file that Moodle or Canvas gave out; nothing is written.

    Raises:
        FileTooLarge, TableUnreadable, NoGradebook, NoSuchColumn: nothing of the file can be used.
    """
    book = gradebook_read(data, title=assignment.title, column=column)
    report, seen = MarksReport(book.layout), dict[int, int]()
    matcher, papers = StudentMatcher.of(students_of(assignment)), _papers(assignment)
    hidden = set(AcceptanceSample.objects.unmarked().values_list("grade__submission", flat=True))
    for row in book.people():
        try:
            student = student_named(book, row, matcher, seen)
            _look(report, book, row, assignment, papers.get(student.pk), hidden)
        except UserError as error:
            report.errors.append(RowError(row.number, error.message))
    return report


@transaction.atomic
def gradebook_marks_take(*, assignment: Assignment, by: User, marks: Sequence[tuple[int, Decimal, str]]) -> int:
    """Approve these points (submission, points, feedback) as `by`'s own decision; the number taken over.

    What was decided, replaced or hidden since they were looked at is left as it is. Where the file had no feedback
    none is approved: nobody has read the model's.
    """
    papers = {paper.pk: paper for paper in assignment.submissions.ready().filter(pk__in=[key for key, *_rest in marks])}
    hidden = set(AcceptanceSample.objects.unmarked().values_list("grade__submission", flat=True))
    taken = 0
    for key, points, feedback in marks:
        paper = papers.get(key)
        if paper is None or key in hidden or paper.grades.released().exists():
            continue
        grade = grade_by_hand(submission=paper, by=by)
        if grade.state == GradeState.PROPOSED:
            grade_approve(grade=grade, by=by, edition=grade.edition, points=points, feedback=feedback)
            taken += 1
    return taken


def _papers(assignment: Assignment) -> dict[int, Submission]:
    rows = assignment.submissions.ready().prefetch_related("grades").select_related("student")
    return {row.student_id: row for row in rows.order_by("pk")}


def _look(
    report: MarksReport, book: Gradebook, row: Row, assignment: Assignment, paper: Submission | None, hidden: set[int]
) -> None:
    cell = row.cells[book.grade].strip() if book.grade < len(row.cells) else ""
    if cell in _NO_MARK:
        report.without += 1
        return
    name = (book.cell(row, "name") or book.cell(row, "email")).strip()[:80]
    check_maximum(book, row, assignment.max_points)
    points = _points(cell, assignment)
    if paper is None:
        raise HandedInNothing(name=name)
    if paper.pk in hidden:
        raise WaitsUnseen(name=name)
    grade = _decided(paper)
    if grade is None:
        proposed = next((row.proposed_points for row in paper.grades.all() if row.state == GradeState.PROPOSED), None)
        report.found.append(FoundMark(paper.pk, name, points, proposed, _plain(book.cell(row, "feedback"))))
    elif grade.points == points:
        report.same += 1
    else:
        raise DecidedAlready(name=name, points=f"{grade.points:f}", state=grade.get_state_display())


def _decided(paper: Submission) -> Grade | None:
    rows = [grade for grade in paper.grades.all() if grade.state in (GradeState.APPROVED, GradeState.RELEASED)]
    return max(rows, key=lambda grade: grade.pk, default=None)


def _points(cell: str, assignment: Assignment) -> Decimal:
    """
    Raises:
        NotPoints: letters, too many, or between two steps.
    """
    step, maximum = assignment.step_points, assignment.max_points
    refused = NotPoints(cell=cell[:20], maximum=f"{maximum.normalize():f}", step=f"{step.normalize():f}")
    try:
        number = Decimal(cell.removesuffix("%").strip().replace(",", "."))
        points = number * maximum / 100 if cell.endswith("%") else number
        fits = points.is_finite() and 0 <= points <= maximum and (points % step == 0 or points == maximum)
    except InvalidOperation as error:
        raise refused from error
    if not fits:
        raise refused
    return points.quantize(Decimal("0.01"))


def _plain(feedback: str) -> str:
    """Without the platform's HTML, and without the apostrophe that our own exports put before a formula."""
    return _FORMULA.sub("", html.unescape(strip_tags(feedback)).strip())
