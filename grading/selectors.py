"""What the pages of grading show, read in a few queries each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from courses.models import Assignment, Submission
from courses.querysets import AnyUser
from grading.models import (
    Grade,
    GradeSource,
    GradeState,
    GradingJob,
    RegradeRequest,
    TrainingRun,
)
from grading.models.grades import OPEN_GRADE_STATES
from grading.queue import FILTERS, ORDERS, Neighbours, next_to_review, queue_state, review_neighbours, review_queue
from grading.shown import RANK, shown_first

__all__ = [
    "FILTERS",
    "ORDERS",
    "AssignmentCounts",
    "Neighbours",
    "assignment_counts",
    "by_person",
    "current_grade",
    "graded",
    "loss_curve",
    "next_to_review",
    "queue_state",
    "released_grades",
    "review_neighbours",
    "review_queue",
    "shown_first",
    "work_waiting",
]


def by_person() -> QuerySet[Grade]:
    """Open grades that a person worked on: a run over everything leaves them alone."""
    touched = Q(edition__gt=1) | Q(source=GradeSource.TEACHER) | Q(points__isnull=False)
    return Grade.objects.open().filter(touched)


def graded() -> QuerySet[Grade]:
    """Grades that count as one: a rejected or replaced one leaves its submission ungraded."""
    return Grade.objects.filter(state__in=list(RANK))


def current_grade(submission: Submission) -> Grade | None:
    """The grade that a submission's review page shows."""
    return shown_first(submission.grades.select_related("version", "approved_by", "feedback", "correction")).first()


@dataclass(frozen=True)
class AssignmentCounts:
    """What waits in one assignment. A submission is counted once, by the grade that its review page shows."""

    submissions: int = 0
    unreadable: int = 0
    ungraded: int = 0
    to_review: int = 0
    approved: int = 0
    released: int = 0
    being_marked: int = 0
    unmatched: int = 0
    regrades: int = 0


def assignment_counts(assignments: Iterable[Assignment]) -> dict[int, AssignmentCounts]:
    """Counts of each assignment by its id, in four queries for all of them together."""
    keys = [assignment.pk for assignment in assignments]
    grade = shown_first(Grade.objects.filter(submission=OuterRef("pk")))
    current = Submission.objects.current().filter(assignment__in=keys)
    rows = current.annotate(shown=Subquery(grade.values("state")[:1])).values_list("assignment", "state", "shown")
    counts: dict[int, dict[str, int]] = {key: {} for key in keys}
    for key, state, shown, number in rows.annotate(number=Count("pk")).order_by():
        for name in ("submissions", _column(state, shown)):
            if name:
                counts[key][name] = counts[key].get(name, 0) + number
    busy = GradingJob.objects.active().filter(submission__assignment__in=keys).values_list("submission__assignment")
    for key, number in busy.annotate(number=Count("pk")).order_by():
        counts[key]["being_marked"] = number
    waiting = Assignment.objects.filter(pk__in=keys, unmatched_files__isnull=False).values_list("pk")
    for key, number in waiting.annotate(number=Count("unmatched_files")).order_by():
        counts[key]["unmatched"] = number
    asked = RegradeRequest.objects.open().filter(grade__submission__assignment__in=keys)
    for key, number in asked.values_list("grade__submission__assignment").annotate(number=Count("pk")).order_by():
        counts[key]["regrades"] = number
    return {key: AssignmentCounts(**numbers) for key, numbers in counts.items()}


def _column(state: str, shown: str | None) -> str:
    if shown in OPEN_GRADE_STATES or shown == GradeState.RELEASED:
        return {GradeState.PROPOSED: "to_review"}.get(GradeState(shown), str(shown))
    if state == "unreadable":
        return "unreadable"
    return "" if shown == GradeState.WITHDRAWN else "ungraded"


def work_waiting(user: AnyUser) -> list[tuple[Assignment, AssignmentCounts]]:
    """A teacher's dashboard: the assignments of their courses in which something waits for them."""
    assignments = list(Assignment.objects.managed_by(user).select_related("course").order_by("course", "pk"))
    counts = assignment_counts(assignments)
    pairs = [(assignment, counts[assignment.pk]) for assignment in assignments]
    waits = ("ungraded", "to_review", "approved", "unreadable", "unmatched", "regrades")
    return [(a, c) for a, c in pairs if any(getattr(c, name) for name in waits)]


def released_grades(user: AnyUser, assignments: Iterable[Assignment]) -> dict[int, Grade]:
    """A student's own released grade of each assignment, by the assignment's id."""
    rows = Grade.objects.visible_to(user).released().filter(submission__student_id=user.pk)
    rows = rows.filter(submission__assignment__in=[assignment.pk for assignment in assignments])
    return {row.submission.assignment_id: row for row in rows.select_related("submission").order_by("pk")}


def loss_curve(run: TrainingRun) -> dict[str, dict[str, list[Any]]]:
    """A run's points by stage, as lists of the same length: step, train_loss, validation_loss, seconds."""
    curves: dict[str, dict[str, list[Any]]] = {}
    names = ("step", "train_loss", "validation_loss", "seconds")
    for stage, *values in run.points.values_list("stage", *names):
        curve = curves.setdefault(stage, {name: [] for name in names})
        for name, value in zip(names, values, strict=True):
            curve[name].append(value)
    return curves
