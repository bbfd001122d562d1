"""Rows that tests of grading begin with. Each takes what matters to the test and makes up the rest."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from courses.models import Assignment, Course, Criterion, Language, Level, Membership, Role, Rubric, Submission
from grading.mapping import rubric_snapshot
from grading.models import (
    CriterionScore,
    Feedback,
    Grade,
    GradeSource,
    GradingJob,
    GradingRun,
    ModelVersion,
    VersionState,
)

_numbers = count(1)


def make_user(name: str = "", **fields: Any) -> User:
    name = name or f"person{next(_numbers)}"
    address = f"{name}@example.org"
    first, last = fields.pop("first_name", name.capitalize()), fields.pop("last_name", "Tester")
    return User.objects.create(username=address, email=address, first_name=first, last_name=last, **fields)


def make_course(teacher: User | None = None, *, language: str = Language.ENGLISH) -> Course:
    course = Course.objects.create(name=f"Course {next(_numbers)}", language=language)
    Membership.objects.create(course=course, user=teacher or make_user(), role=Role.TEACHER)
    return course


def make_assignment(course: Course | None = None, *, criteria: tuple[int, ...] = (), **fields: Any) -> Assignment:
    values = {
        "title": f"Assignment {next(_numbers)}",
        "question": f"Why does the bulb go out, case {next(_numbers)}?",
        "reference_answer": "The switch opens the circuit, so no current flows.",
        "max_points": Decimal(sum(criteria) or 4),
        "step": "0.5",
    }
    assignment = Assignment.objects.create(course=course or make_course(), **{**values, **fields})
    if criteria:
        rubric = Rubric.objects.create(assignment=assignment)
        for position, points in enumerate(criteria):
            criterion = Criterion.objects.create(
                rubric=rubric, position=position, title=f"Criterion {position + 1}", points=Decimal(points)
            )
            Level.objects.create(criterion=criterion, points=Decimal(points), description="all of it")
    return assignment


def make_submission(assignment: Assignment | None = None, text: str = "", **fields: Any) -> Submission:
    assignment = assignment or make_assignment()
    student = fields.pop("student", None) or make_user()
    Membership.objects.get_or_create(course=assignment.course, user=student, defaults={"role": Role.STUDENT})
    values = {"state": "ready", "source": "typed", "submitted_at": timezone.now()}
    text = text or f"The gap number {next(_numbers)} opens the circuit."
    return Submission.objects.create(assignment=assignment, student=student, text=text, **{**values, **fields})


def make_version(
    state: str = VersionState.PROMOTED, directory: Path | str = "nowhere", name: str = "", **fields: Any
) -> ModelVersion:
    values = {
        "base_name": "tiny-llama",
        "base_revision": "random-weights-seed-0",
        "quantisation": "nf4",
        "manifest": {"parts": {"scorer": {}, "feedback": {}}},
    }
    name = name or f"version-{next(_numbers)}"
    return ModelVersion.objects.create(name=name, state=state, directory=str(directory), **{**values, **fields})


def make_run(assignment: Assignment, submissions: list[Submission], **fields: Any) -> GradingRun:
    version = fields.pop("version", None) or ModelVersion.objects.promoted().first() or make_version()
    run = GradingRun.objects.create(assignment=assignment, version=version, **{"scope": "all", **fields})
    GradingJob.objects.bulk_create([GradingJob(run=run, submission=row) for row in submissions])
    return run


def make_grade(submission: Submission | None = None, state: str = "proposed", **fields: Any) -> Grade:
    """A grade as a model proposes it; `points` only where the test gives them."""
    submission = submission or make_submission()
    assignment = submission.assignment
    values: dict[str, Any] = {
        "source": GradeSource.MODEL,
        "proposed_score": 0.5,
        "proposed_points": Decimal(2),
        "max_points": assignment.max_points,
        "rubric_snapshot": rubric_snapshot(assignment),
    }
    words = fields.pop("feedback", "Well explained.")
    grade = Grade.objects.create(submission=submission, state=state, **{**values, **fields})
    for position, entry in enumerate(grade.rubric_snapshot["criteria"]):
        CriterionScore.objects.create(
            grade=grade,
            criterion_id=int(entry["id"]),
            position=position,
            title=entry["title"],
            max_points=Decimal(entry["points"]),
            proposed_points=Decimal(1),
        )
    Feedback.objects.create(grade=grade, proposed_text=words, text=words)
    return grade
