"""Which papers of an assignment are marked twice, and how far that is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from courses.models import Assignment
from grading.dashboard import Agreement, agreement
from grading.models import Grade, GradeState, SecondMark, SecondMarkState


@dataclass(frozen=True)
class Pair:
    """A decided paper of the sample with its two marks; `second` is None where it still waits for one."""

    grade: Grade
    second: SecondMark | None

    @property
    def spread(self) -> Decimal | None:
        """Points of the first mark minus those of the second."""
        return None if self.second is None else (self.grade.points or Decimal(0)) - self.second.points

    @property
    def settled(self) -> bool:
        second = self.second
        return (
            second is not None
            and second.state == SecondMarkState.SETTLED
            and second.settled_points == self.grade.points
        )

    @property
    def apart(self) -> bool:
        """Whether the two marks need settling."""
        most = self.grade.submission.assignment.second_spread
        return self.spread is not None and abs(self.spread) > most and not self.settled

    @property
    def held(self) -> bool:
        """Whether the grade must not be released yet."""
        return self.second is None or self.apart


@dataclass(frozen=True)
class Marker:
    """What one person approved in an assignment."""

    name: str
    count: int
    mean: float
    correction: float | None


def is_sampled(grade: Grade, share: int) -> bool:
    """Whether a paper belongs to the share that is marked twice: by chance, and the same every time."""
    digest = hashlib.sha256(f"second:{grade.submission_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < share


def second_pairs(assignment: Assignment, *, states: Iterable[str] = (GradeState.APPROVED,)) -> list[Pair]:
    """The decided papers that are to be marked twice, with what was given; none where the assignment asks for none."""
    rows = Grade.objects.filter(submission__assignment=assignment, state__in=list(states), points__isnull=False)
    rows = rows.exclude(submission__state="superseded").order_by("pk")
    rows = rows.select_related(
        "submission__student", "submission__assignment", "approved_by", "second_mark__by", "second_mark__settled_by"
    )
    pairs = [Pair(row, getattr(row, "second_mark", None)) for row in rows]
    share = assignment.second_share
    return [pair for pair in pairs if pair.second is not None or is_sampled(pair.grade, share)]


def held_back(assignment: Assignment) -> list[Pair]:
    """Approved papers that wait for a second mark, or whose two marks need settling."""
    if not assignment.second_share:
        return []
    return [pair for pair in second_pairs(assignment) if pair.held]


def pair_agreement(pairs: Iterable[Pair], assignment: Assignment) -> Agreement | None:
    """How the first marks agree with the second ones, before anything was settled."""
    bands = int(assignment.max_points / assignment.step_points) + 1
    scale = float(assignment.max_points)
    shares = [
        (float(pair.grade.points or 0) / scale, float(pair.second.points) / scale)
        for pair in pairs
        if pair.second is not None and not pair.settled
    ]
    return agreement(shares, bands)


def markers(assignment: Assignment) -> list[Marker]:
    """Each person who approved grades: how many, the mean of the points, and how far they moved proposals."""
    rows = Grade.objects.filter(
        submission__assignment=assignment,
        state__in=[GradeState.APPROVED, GradeState.RELEASED],
        approved_by__isnull=False,
        points__isnull=False,
    ).select_related("approved_by")
    by: dict[int, list[Grade]] = {}
    for row in rows:
        by.setdefault(row.approved_by_id or 0, []).append(row)
    return [_marker(grades) for grades in by.values()]


def _marker(grades: list[Grade]) -> Marker:
    person = grades[0].approved_by
    points = [float(grade.points or 0) for grade in grades]
    moved = [
        float(grade.points - grade.proposed_points)
        for grade in grades
        if grade.points is not None and grade.proposed_points is not None
    ]
    return Marker(
        name=(person.get_full_name() or person.get_username()) if person else "–",
        count=len(grades),
        mean=sum(points) / len(points),
        correction=sum(moved) / len(moved) if moved else None,
    )
