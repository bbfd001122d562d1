"""Proposals that still wait, corrected by what the teacher has marked so far. No model is loaded for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from courses.models import Assignment
from grading.mapping import on_step, question_key, question_of
from grading.models import AnswerReading, Correction, CorrectionBasis, Grade, GradeSource, GradeState
from grading.readings import assignment_readings
from mlcore.schemas import Answer, Example, MarkedAnswer, MarkNote, Proposal

# Other assignments of the course lend their errors where this one has too few: so many of their latest marks do.
MOST_FROM_THE_COURSE = 100
# More marks than this make the correction slower and hardly better.
MOST_MARKS = 400

_DECIDED = (GradeState.APPROVED, GradeState.RELEASED)


@dataclass(frozen=True)
class Marks:
    """Grades of one assignment with what one model version made of their answers, by submission."""

    marked: dict[int, Grade]
    waiting: dict[int, Grade]
    readings: dict[int, AnswerReading]

    @property
    def state(self) -> tuple[Any, ...]:
        """What the corrections depend on: where it is another one by now, they are not to be written."""
        return tuple(
            (grade.pk, grade.edition, str(grade.state), grade.points)
            for grade in [*self.marked.values(), *self.waiting.values()]
        )


def corrections_update(*, assignment_id: int) -> int:
    """Work out the corrections of an assignment's waiting proposals and write them; the number written.

    Only proposals that no person has touched get one. Nothing is written where a mark was given or taken back
    meanwhile: that act has sent a message of its own. Doing it twice changes nothing.
    """
    assignment = Assignment.objects.filter(pk=assignment_id).first()
    if assignment is None:
        return 0
    marks = _marks(assignment)
    rows = _corrections(assignment, marks) if marks.marked and marks.waiting else []
    with transaction.atomic():
        list(Grade.objects.filter(submission__assignment=assignment).select_for_update().values_list("pk"))
        if _marks(assignment).state != marks.state:
            return 0
        _write(marks, rows)
    return len(rows)


def _marks(assignment: Assignment) -> Marks:
    readings = {row.submission_id: row for row in assignment_readings(assignment).select_related("submission")}
    grades = list(
        Grade.objects.filter(submission__in=readings, state__in=[*_DECIDED, GradeState.PROPOSED]).order_by("pk")
    )
    marked = {grade.submission_id: grade for grade in grades if grade.state in _DECIDED and grade.points is not None}
    marked = dict(list(marked.items())[-MOST_MARKS:])
    waiting = {grade.submission_id: grade for grade in grades if _untouched(grade, readings)}
    return Marks(marked, waiting, readings)


def _untouched(grade: Grade, readings: dict[int, AnswerReading]) -> bool:
    return (
        grade.state == GradeState.PROPOSED
        and grade.edition == 1
        and grade.points is None
        and grade.source == GradeSource.MODEL
        and grade.version_id == readings[grade.submission_id].version_id
    )


def _corrections(assignment: Assignment, marks: Marks) -> list[Correction]:
    # Only the worker that does this needs what it takes, so no page loads it.
    from mlcore.marked import correct
    from mlcore.rows import Row

    known = [_example(grade, marks.readings[key], assignment) for key, grade in marks.marked.items()]
    known += marks_of_the_course(assignment, next(iter(marks.readings.values())).version_id)
    rows = [
        Row(question_of(question_key(assignment), grade.rubric_snapshot), _answer(marks.readings[key]))
        for key, grade in marks.waiting.items()
    ]
    found = correct(
        rows,
        [_proposal(marks.readings[key], grade) for key, grade in marks.waiting.items()],
        [example for example, _ in known],
        [proposal for _, proposal in known],
    )
    return [_row(grade, entry, len(marks.marked)) for grade, entry in zip(marks.waiting.values(), found, strict=True)]


def marks_of_the_course(assignment: Assignment, version: int) -> list[tuple[Example, Proposal]]:
    """Marks of the course's other assignments with readings of the same model version, the latest first."""
    grades = (
        Grade.objects.filter(submission__assignment__course=assignment.course_id, state__in=_DECIDED)
        .filter(submission__readings__version=version, points__isnull=False)
        .exclude(submission__assignment=assignment)
        .select_related("submission__assignment")
        .order_by("-pk")[:MOST_FROM_THE_COURSE]
    )
    rows = {grade.submission_id: grade for grade in grades}
    readings = AnswerReading.objects.filter(submission__in=rows, version=version).select_related("submission")
    by_submission = {reading.submission_id: reading for reading in readings}
    return [_example(grade, by_submission[key], grade.submission.assignment) for key, grade in rows.items()]


def marks_of_the_rubric(
    assignment: Assignment, version: int, snapshot: Mapping[str, Any], leave_out: Collection[int]
) -> list[tuple[Example, Proposal]]:
    """Marks of the assignment that were given by this very rubric to answers that this model version has read."""
    readings = AnswerReading.objects.filter(version=version, submission__assignment=assignment)
    by_submission = {row.submission_id: row for row in readings.select_related("submission")}
    grades = Grade.objects.filter(submission__in=by_submission, state__in=_DECIDED, points__isnull=False)
    latest = {grade.submission_id: grade for grade in grades.exclude(submission__in=leave_out).order_by("pk")}
    same = [grade for grade in latest.values() if grade.rubric_snapshot == snapshot][-MOST_MARKS:]
    return [_example(grade, by_submission[grade.submission_id], assignment) for grade in same]


def _example(grade: Grade, reading: AnswerReading, assignment: Assignment) -> tuple[Example, Proposal]:
    question = question_of(question_key(assignment), grade.rubric_snapshot)
    marked = MarkedAnswer(_answer(reading), float(min(grade.points or Decimal(0), grade.max_points)))
    return Example(question, marked), _proposal(reading, grade)


def _answer(reading: AnswerReading) -> Answer:
    return Answer(str(reading.submission_id), reading.submission.text)


def _proposal(reading: AnswerReading, grade: Grade) -> Proposal:
    notes = frozenset(note for note in MarkNote if note in grade.notes)
    return Proposal(str(grade.pk), reading.score, 0.0, notes=notes, embedding=bytes(reading.embedding))


def _row(grade: Grade, found: Any, marks: int) -> Correction:
    from mlcore.marked import Made
    from mlcore.points import points_of

    snapshot, low_high = grade.rubric_snapshot, found.interval or (None, None)
    question, step = question_of("", snapshot), Decimal(snapshot["step"])
    points = on_step(points_of(found.score, question), step, grade.max_points) if found.made == Made.MARKS else None
    low, high = (None if value is None else Decimal(str(value)).quantize(Decimal("0.01")) for value in low_high)
    return Correction(
        grade=grade,
        score=found.score,
        points=points,
        marks=marks,
        low=low,
        high=high,
        basis=CorrectionBasis(found.margin.basis),
        basis_marks=found.margin.marks,
        made_at=timezone.now(),
    )


def _write(marks: Marks, rows: Sequence[Correction]) -> None:
    fields = ["score", "points", "marks", "low", "high", "basis", "basis_marks", "made_at"]
    Correction.objects.bulk_create(rows, update_conflicts=True, unique_fields=["grade"], update_fields=fields)
    # Marks that were taken back leave nothing behind in proposals that still wait.
    gone = Correction.objects.filter(grade__in=[grade.pk for grade in marks.waiting.values()])
    gone.exclude(grade__in=[row.grade_id for row in rows]).delete()
