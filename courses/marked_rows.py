"""Rows of past marking as they are checked and fitted to an assignment: points, steps, criteria."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from courses.errors import PointsOutOfRange, QuestionsDiffer, RowError, UserError
from courses.models import Assignment, Course, Criterion, Language, PointStep
from courses.services.assignments import assignment_create, assignment_update
from courses.services.rubrics import CriterionData, LevelData, rubric_save
from courses.tables import TableRow
from mlcore.rows import guess_language

LONGEST_TITLE = 80


@dataclass(frozen=True)
class CriterionRow:
    """One criterion as a row writes it, with its points where the row is marked."""

    data: CriterionData
    points: Decimal | None


@dataclass(frozen=True)
class MarkedAnswerRow:
    """One row, checked on its own."""

    number: int
    source: TableRow = field(repr=False)
    id: str
    question: str
    answer: str
    student: str
    points: Decimal | None
    min_points: Decimal
    max_points: Decimal
    feedback: str
    criteria: tuple[CriterionRow, ...]

    def check(self, first: MarkedAnswerRow, assignment: Assignment) -> None:
        """
        Raises:
            QuestionsDiffer: the row speaks of another question than its assignment.
        """
        if self.max_points != assignment.max_points:
            raise QuestionsDiffer(column="max_score")
        if self.question != first.question:
            raise QuestionsDiffer(column="question")

    def numbers(self) -> Iterable[Decimal]:
        """All points in the row that a step must fit."""
        yield from (value for value in (self.points, self.max_points) if value is not None)
        for criterion in self.criteria:
            yield criterion.data.points
            yield from (level.points for level in criterion.data.levels)
            if criterion.points is not None:
                yield criterion.points


def marked_rows(rows: Iterable[TableRow], errors: list[RowError]) -> dict[str, list[MarkedAnswerRow]]:
    """The usable rows by the external id of their question; what is wrong with the others goes to `errors`."""
    questions: dict[str, list[MarkedAnswerRow]] = {}
    for row in rows:
        try:
            parsed = _parsed(row)
        except UserError as error:
            errors.append(RowError(row.number, error.message))
        else:
            questions.setdefault(_question_id(row), []).append(parsed)
    return questions


def assignment_of(
    course: Course, by: User, rows: Sequence[MarkedAnswerRow], notes: list[RowError]
) -> tuple[Assignment, dict[str, Criterion]]:
    """The assignment of these rows, made by the first of them where it is new, and its criteria by title.

    Raises:
        InvalidFields
    """
    first = rows[0]
    external_id = _question_id(first.source)
    assignment = course.assignments.filter(external_id=external_id).first()
    if assignment is None:
        assignment = _new_assignment(course, by, first, _step_for(rows), external_id)
        try:
            if first.criteria:
                rubric_save(assignment=assignment, by=by, criteria=[criterion.data for criterion in first.criteria])
        except UserError as error:
            message = _("The assignment was made without the criteria: %(reason)s")
            notes.append(RowError(first.number, message % {"reason": error.message}))
    criteria = Criterion.objects.filter(rubric__assignment=assignment)
    return assignment, {criterion.title: criterion for criterion in criteria}


def fit_step(assignment: Assignment, by: User, rows: Sequence[MarkedAnswerRow]) -> None:
    """Make the step of an assignment finer where the points of these rows ask for it."""
    needed = _step_for(rows)
    if Decimal(needed) < assignment.step_points:
        assignment_update(assignment=assignment, by=by, step=needed)


@dataclass
class Rounding:
    """Points brought to the assignment's step, with a note for each row that was changed by it."""

    step: Decimal
    notes: list[RowError]

    def of(self, number: int, given: Decimal) -> Decimal:
        points = self._rounded(given)
        if points != given:
            message = _("%(given)s points were rounded to %(points)s.")
            self.notes.append(RowError(number, message % {"given": given.normalize(), "points": points}))
        return points

    def by_criterion(self, row: MarkedAnswerRow, criteria: Mapping[str, Criterion]) -> dict[int, Decimal]:
        return {
            criteria[entry.data.title].pk: self._rounded(entry.points)
            for entry in row.criteria
            if entry.points is not None and entry.data.title in criteria
        }

    def _rounded(self, points: Decimal) -> Decimal:
        steps = (points / self.step).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return (steps * self.step).quantize(Decimal("0.01"))


def _parsed(row: TableRow) -> MarkedAnswerRow:
    """
    Raises:
        NotANumber, PointsOutOfRange
    """
    maximum = row.number_in("max_score")
    minimum = row.number_in("min_score") or Decimal(0)
    points = row.number_in("score")
    maximum = Decimal(1) if maximum is None else maximum
    if not 0 <= minimum < maximum:
        raise PointsOutOfRange(points=minimum, minimum=0, maximum=maximum)
    if points is not None and not minimum <= points <= maximum:
        raise PointsOutOfRange(points=points, minimum=minimum, maximum=maximum)
    return MarkedAnswerRow(
        number=row.number,
        source=row,
        id=row.text("id"),
        question=row.text("question"),
        answer=row.text("answer"),
        student=row.text("student").lower(),
        points=points,
        min_points=minimum,
        max_points=maximum,
        feedback=row.text("feedback"),
        criteria=tuple(_criteria(row)),
    )


def _question_id(row: TableRow) -> str:
    given = row.text("question_id")
    if given and len(given) <= 200:
        return given
    return "sha256:" + hashlib.sha256((given or row.text("question")).encode()).hexdigest()


def _new_assignment(course: Course, by: User, row: MarkedAnswerRow, step: PointStep, external_id: str) -> Assignment:
    source = row.source
    language = source.text("language").lower()
    instructions = [text for text in (source.text("rubric"), source.text("instructions")) if text]
    reference = source.text("reference_answer")
    return assignment_create(
        course=course,
        by=by,
        external_id=external_id,
        title=_title(source.text("title") or row.question),
        question=row.question,
        reference_answer=reference,
        max_points=row.max_points,
        step=step,
        language=language if language in Language.values else guess_language(f"{row.question} {reference}"),
        marking_instructions="\n".join(instructions),
    )


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1].rpartition(" ")[0] + "…"


def _step_for(rows: Sequence[MarkedAnswerRow]) -> PointStep:
    """The step that a row asks for, or the coarsest that fits all points; where none does, the finest, and points are
    rounded. Without a single mark to go by, a teacher is left halves to give."""
    asked = rows[0].source.text("step")
    if asked in PointStep.values:
        return PointStep(asked)
    numbers = {number for row in rows for number in row.numbers()}
    steps = (PointStep.WHOLE, PointStep.HALF) if any(row.points is not None for row in rows) else (PointStep.HALF,)
    return next((step for step in steps if not any(number % Decimal(step) for number in numbers)), PointStep.QUARTER)


def _criteria(row: TableRow) -> Iterable[CriterionRow]:
    written: Any = row.values.get("criteria")
    if isinstance(written, str) and written.strip():
        try:
            written = json.loads(written)
        except (ValueError, RecursionError):
            written = None
    for entry in written if isinstance(written, list) else []:
        if isinstance(entry, dict):
            yield _criterion(TableRow(row.number, entry))


def _criterion(entry: TableRow) -> CriterionRow:
    """
    Raises:
        NotANumber
    """
    written = entry.values.get("levels")
    levels = written if isinstance(written, list) else []
    rungs = [TableRow(entry.number, level) for level in levels if isinstance(level, dict)]
    data = CriterionData(
        title=entry.text("title"),
        description=entry.text("description"),
        points=entry.number_in("points") or Decimal(0),
        levels=[LevelData(rung.number_in("points") or Decimal(0), rung.text("description")) for rung in rungs],
    )
    return CriterionRow(data, entry.number_in("score"))
