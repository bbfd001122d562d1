"""Past marking brought in: the answers become submissions, and what a teacher gave becomes released grades that a
model can be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from courses.imports import ImportReport, MarkedRow, import_marked_answers
from courses.models import Assignment, Course
from grading.mapping import criterion_rows, rubric_snapshot
from grading.models import CriterionScore, Feedback, Grade, GradeEvent, GradeSource, GradeState
from grading.services.examples import examples_accept
from grading.services.telling import tell_released_changed

CHUNK = 200


def marked_answers_import(*, course: Course, by: User, name: str, data: bytes, with_grades: bool) -> ImportReport:
    """Import marked answers into a course. With grades, these are released at once, without mails: they are history.

    Answers that have a grade already keep it: a file that is imported twice changes nothing.
    """
    report = import_marked_answers(course=course, by=by, name=name, data=data, with_grades=with_grades)
    if with_grades:
        grades_import(rows=report.marked, by=by)
    return report


def grades_import(*, rows: Sequence[MarkedRow], by: User) -> int:
    """Release what a teacher gave for these submissions, a chunk in each transaction; the number of grades made."""
    snapshots: dict[int, dict[str, object]] = {}
    made = 0
    for start in range(0, len(rows), CHUNK):
        with transaction.atomic():
            made += _import_chunk(rows[start : start + CHUNK], by, snapshots)
    return made


def _import_chunk(rows: Sequence[MarkedRow], by: User, snapshots: dict[int, dict[str, object]]) -> int:
    has_one = set(
        Grade.objects.filter(submission__in=[row.submission.pk for row in rows])
        .exclude(state__in=[GradeState.SUPERSEDED, GradeState.REJECTED])
        .values_list("submission", flat=True)
    )
    new = list({row.submission.pk: row for row in rows if row.submission.pk not in has_one}.values())
    grades = [_grade(row, by, _snapshot(row.submission.assignment, snapshots)) for row in new]
    grades = Grade.objects.bulk_create(grades)
    scores: list[CriterionScore] = []
    for grade, row in zip(grades, new, strict=True):
        scores += _scores(grade, row)
    CriterionScore.objects.bulk_create(scores)
    Feedback.objects.bulk_create(
        [Feedback(grade=grade, text=row.feedback or "") for grade, row in zip(grades, new, strict=True)]
    )
    after = {"state": GradeState.RELEASED}
    GradeEvent.objects.bulk_create(
        [
            GradeEvent(grade=grade, actor=by, action="imported", after={**after, "points": str(grade.points)})
            for grade in grades
        ]
    )
    examples_accept(grade_ids=[grade.pk for grade in grades])
    tell_released_changed(grades)
    return len(grades)


def _snapshot(assignment: Assignment, snapshots: dict[int, dict[str, object]]) -> dict[str, object]:
    if assignment.pk not in snapshots:
        snapshots[assignment.pk] = rubric_snapshot(assignment)
    return snapshots[assignment.pk]


def _grade(row: MarkedRow, by: User, snapshot: dict[str, object]) -> Grade:
    now = timezone.now()
    maximum = row.submission.assignment.max_points
    return Grade(
        submission=row.submission,
        source=GradeSource.IMPORT,
        state=GradeState.RELEASED,
        points=min(max(Decimal(row.points), Decimal(0)), maximum).quantize(Decimal("0.01")),
        max_points=maximum,
        rubric_snapshot=snapshot,
        approved_by=by,
        approved_at=now,
        released_by=by,
        released_at=now,
        told_at=now,
    )


def _scores(grade: Grade, row: MarkedRow) -> list[CriterionScore]:
    """One row per criterion; what the file gave for it is the teacher's, not a proposal."""
    known = [int(entry["id"]) for entry in grade.rubric_snapshot["criteria"]]
    scores = criterion_rows(grade, {}, known)
    given = row.criterion_points or {}
    for score in scores:
        points = given.get(score.criterion_id) if score.criterion_id is not None else None
        if points is not None:
            score.points = min(max(Decimal(points), Decimal(0)), score.max_points)
    return scores
