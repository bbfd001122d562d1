"""What other answers say about one: the nearest ones that were marked, and near-equal ones with different marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from courses.models import Assignment, Submission
from grading.models import Grade, GradeState
from grading.readings import assignment_readings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Comparing takes the square of it; the latest marks say most.
MOST_COMPARED = 500
MOST_PAIRS = 30
_DECIDED = (GradeState.APPROVED, GradeState.RELEASED)


@dataclass(frozen=True)
class Near:
    """A marked answer, and how alike it is, in percent."""

    grade: Grade
    percent: int


@dataclass(frozen=True)
class Pair:
    """Two near-equal answers that were marked differently."""

    first: Grade
    second: Grade
    percent: int


def nearest_marked(submission: Submission, most: int = 3) -> list[Near]:
    """The answers of the assignment that teachers have marked and that are most like this one."""
    from mlcore.grouping import nearest

    marked = _marked(submission.assignment, but=submission)
    if not marked or not submission.text.strip():
        return []
    alike = _alike(submission.assignment, [submission, *(grade.submission for grade in marked)])[0, 1:]
    return [Near(marked[row], round(100 * float(alike[row]))) for row in nearest(alike, most)]


def unlike_marks(assignment: Assignment) -> list[Pair]:
    """Pairs of near-equal answers with different points, one of them still to be released; the most alike first."""
    from mlcore.grouping import near_pairs

    marked = [grade for grade in _marked(assignment) if grade.submission.text.strip()]
    if len(marked) < 2:
        return []
    alike = _alike(assignment, [grade.submission for grade in marked])
    pairs = []
    for one, two in near_pairs(alike):
        first, second = marked[one], marked[two]
        if first.points != second.points and GradeState.APPROVED in (first.state, second.state):
            pairs.append(Pair(first, second, round(100 * float(alike[one, two]))))
    return pairs[:MOST_PAIRS]


def _marked(assignment: Assignment, but: Submission | None = None) -> list[Grade]:
    rows = Grade.objects.filter(submission__assignment=assignment, state__in=_DECIDED, points__isnull=False)
    rows = rows.exclude(submission__state="superseded").exclude(submission=but)
    rows = rows.select_related("submission__student").order_by("-approved_at", "-pk")
    return list({grade.submission_id: grade for grade in rows[:MOST_COMPARED]}.values())


def _alike(assignment: Assignment, rows: Sequence[Submission]) -> NDArray[np.float64]:
    from mlcore.grouping import likeness

    readings = assignment_readings(assignment).filter(submission__in=[row.pk for row in rows])
    stored = {row.submission_id: bytes(row.embedding) for row in readings}
    return likeness([row.text for row in rows], [stored.get(row.pk, b"") for row in rows])
