"""When a course's answers are no longer to be kept, what would go then, and what stands against it."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Avg, Count, Max, Q
from django.utils import timezone
from django.utils.translation import ngettext_lazy

from courses.models import Course, Submission, UnmatchedFile
from grading.models import Grade, GradeState, GradingJob, ModelVersion, RegradeRequest, RegradeState
from grading.services.erasing import answers_of, examples_like, versions_shaped

# Below this many grades a mean says too much about single people.
FEWEST_FOR_A_MEAN = 5
UNRELEASED = (GradeState.PROPOSED, GradeState.APPROVED, GradeState.WITHDRAWN)


@dataclass(frozen=True)
class WhatGoes:
    """What the end of a retention period takes; `assignments` is what stays of it, numbers of nobody."""

    students: int
    answers: int
    files: int
    grades: int
    examples: tuple[int, ...]
    versions: tuple[ModelVersion, ...]
    assignments: tuple[dict[str, Any], ...]

    def __bool__(self) -> bool:
        return bool(self.answers or self.files)

    @property
    def totals(self) -> dict[str, int]:
        return {
            "students": self.students,
            "answers": self.answers,
            "files": self.files,
            "grades": self.grades,
            "examples": len(self.examples),
        }


def due_on(course: Course) -> date | None:
    """The day from which a course's answers may go: so many months after its end or its last release, whichever is
    later, and never while a regrade may still be asked for. None where they are kept, or where neither is known."""
    released = Grade.objects.filter(submission__assignment__course=course).aggregate(last=Max("released_at"))["last"]
    last = timezone.localdate(released) if released else None
    days = [day for day in (course.ends_on, last) if day]
    if not course.retention_months or not days:
        return None
    due = later(max(days), course.retention_months)
    asking = course.assignments.aggregate(days=Max("regrade_days"))["days"] or 0
    return max(due, last + timedelta(days=asking + 1)) if last else due


def later(day: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def holds(course: Course) -> list[str]:
    """Why nothing may be deleted yet, in words; empty where nothing stands against it."""
    path = "submission__assignment__course"
    asked = RegradeRequest.objects.filter(state=RegradeState.OPEN, **{f"grade__{path}": course}).count()
    unreleased = Grade.objects.filter(state__in=UNRELEASED, **{path: course}).count()
    marking = GradingJob.objects.active().filter(**{path: course}).count()
    found = (
        (asked, ngettext_lazy("%d regrade request is open", "%d regrade requests are open", asked)),
        (unreleased, ngettext_lazy("%d grade is not released", "%d grades are not released", unreleased)),
        (marking, ngettext_lazy("%d answer is being marked", "%d answers are being marked", marking)),
    )
    return [str(words) % number for number, words in found if number]


def what_goes(course: Course) -> WhatGoes:
    submissions = Submission.objects.filter(assignment__course=course)
    grades = Grade.objects.filter(submission__assignment__course=course)
    examples = examples_like(Q(course=course) | Q(grade__in=grades), answers_of(submissions))
    unmatched = UnmatchedFile.objects.filter(assignment__course=course).count()
    return WhatGoes(
        students=submissions.values("student").distinct().count(),
        answers=submissions.count(),
        files=submissions.exclude(original="").count() + unmatched,
        grades=grades.count(),
        examples=tuple(examples),
        versions=tuple(versions_shaped(examples)),
        assignments=tuple(_numbers(row) for row in _by_assignment(course)),
    )


def _by_assignment(course: Course) -> list[dict[str, Any]]:
    released = Q(submissions__grades__state=GradeState.RELEASED)
    rows = course.assignments.order_by("pk").annotate(
        answers=Count("submissions", distinct=True),
        students=Count("submissions__student", distinct=True),
        released=Count("submissions__grades", released, distinct=True),
        mean=Avg("submissions__grades__points", filter=released),
    )
    names = ("pk", "title", "max_points", "answers", "students", "released", "mean")
    return [dict(row) for row in rows.values(*names)]


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {
        "assignment": row["pk"],
        "title": row["title"],
        "answers": row["answers"],
        "students": row["students"],
        "released": row["released"],
        "max_points": str(row["max_points"]),
    }
    if row["released"] >= FEWEST_FOR_A_MEAN:
        numbers["mean"] = round(float(row["mean"]), 2)
    return numbers
