"""What one assignment's marking looks like so far: the numbers of the dashboard, in a fixed number of queries.

A submission counts once, by the grade that a teacher looks at first. Agreement takes the papers alone that a person
decided one by one on a proposal of the model: what was approved many at once would agree with itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from statistics import fmean, median

from courses.models import Assignment
from grading.models import ActedGrade, ActKind, CriterionScore, Grade, GradeSource, GradeState
from grading.pace import FEWEST, PAUSE_SECONDS
from mlcore.metrics import mean_absolute_error, quadratic_weighted_kappa

# Fewer pairs than that say nothing about agreement, and fewer grades nothing about a criterion.
FEWEST_PAIRS = 5
# A criterion of which less than this share is reached on average is called difficult.
DIFFICULT = 0.5
DECIDED = (GradeState.APPROVED, GradeState.RELEASED)
_ONCE_DECIDED = (*DECIDED, GradeState.WITHDRAWN, GradeState.SUPERSEDED)


@dataclass(frozen=True)
class CriterionShare:
    """The mean share of a criterion's points that was reached, 0 to 1, over `count` grades."""

    title: str
    share: float
    count: int

    @property
    def percent(self) -> int:
        return round(100 * self.share)

    @property
    def difficult(self) -> bool:
        return self.share < DIFFICULT and self.count >= FEWEST_PAIRS


@dataclass(frozen=True)
class Agreement:
    """How two lists of points agree. `bias` is the mean of first minus second, in % of the maximum."""

    count: int
    same: int
    mae_percent: float
    bias_percent: float
    qwk: float | None


@dataclass(frozen=True)
class Changes:
    """What people made of the proposals; `mean` is how many points a changed one moved, None where none did."""

    count: int
    raised: int
    lowered: int
    mean: float | None

    @property
    def changed(self) -> int:
        return self.raised + self.lowered


@dataclass(frozen=True)
class Spent:
    """Seconds of marking one by one, by all; the median for a paper with a proposal and for one begun by hand, None
    where too few were timed."""

    total: float
    timed: int
    proposed: float | None
    by_hand: float | None


@dataclass(frozen=True)
class Dashboard:
    grades: tuple[Grade, ...]
    pairs: tuple[Grade, ...]
    criteria: tuple[CriterionShare, ...]
    agreement: Agreement | None
    changes: Changes
    at_once: int
    spent: Spent
    two_people: Agreement | None
    twice: int
    mean: float | None
    median: float | None


def dashboard(assignment: Assignment) -> Dashboard:
    rows = _once_decided(assignment)
    grades = _one_each(rows)
    at_once = _at_once(assignment)
    pairs = [row for row in grades if _is_pair(row) and at_once.get(row.pk) != row.edition]
    bands = int(assignment.max_points / assignment.step_points) + 1
    twice = _decided_twice(rows)
    points = [float(row.points or 0) for row in grades]
    return Dashboard(
        grades=tuple(grades),
        pairs=tuple(pairs),
        criteria=_criteria(assignment, {row.pk for row in grades}),
        agreement=agreement([(_share(row, row.proposed_points), _share(row, row.points)) for row in pairs], bands),
        changes=_changes(pairs),
        at_once=sum(at_once.get(row.pk) == row.edition for row in grades),
        spent=_spent(assignment),
        two_people=agreement([(_share(a, a.points), _share(b, b.points)) for a, b in twice], bands),
        twice=len(twice),
        mean=fmean(points) if points else None,
        median=median(points) if points else None,
    )


def _once_decided(assignment: Assignment) -> list[Grade]:
    rows = Grade.objects.filter(submission__assignment=assignment, state__in=_ONCE_DECIDED, points__isnull=False)
    rows = rows.exclude(submission__state="superseded")
    # A large class has thousands of them: what no figure shows is not read.
    rows = rows.defer("rubric_snapshot", "notes", "internal_note", "submission__text")
    return list(rows.select_related("submission__student").order_by("pk"))


def _one_each(rows: Iterable[Grade]) -> list[Grade]:
    """The approved grade of a submission, else the released one; not one that was withdrawn or replaced."""
    found: dict[int, Grade] = {}
    for row in rows:
        if row.state == GradeState.APPROVED or (row.state == GradeState.RELEASED and row.submission_id not in found):
            found[row.submission_id] = row
    return list(found.values())


def _at_once(assignment: Assignment) -> dict[int, int]:
    """Grades approved many at once, with the edition that this left them in: whoever edits one later has read it."""
    acted = ActedGrade.objects.filter(act__assignment=assignment, act__kind=ActKind.BULK_APPROVED, act__undone_by=None)
    return dict(acted.order_by("pk").values_list("grade", "edition"))


def _is_pair(row: Grade) -> bool:
    return row.source == GradeSource.MODEL and row.proposed_points is not None


def _share(row: Grade, points: Decimal | None) -> float:
    return float((points or Decimal(0)) / row.max_points)


def agreement(pairs: Sequence[tuple[float, float]], bands: int) -> Agreement | None:
    if len(pairs) < FEWEST_PAIRS:
        return None
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    return Agreement(
        count=len(pairs),
        same=sum(abs(a - b) < 1e-9 for a, b in pairs),
        mae_percent=100 * mean_absolute_error(second, first),
        bias_percent=100 * (fmean(first) - fmean(second)),
        qwk=quadratic_weighted_kappa(second, first, bands),
    )


def _changes(pairs: Sequence[Grade]) -> Changes:
    moved = [float((row.points or Decimal(0)) - (row.proposed_points or Decimal(0))) for row in pairs]
    sizes = [abs(value) for value in moved if value]
    raised, lowered = sum(value > 0 for value in moved), sum(value < 0 for value in moved)
    return Changes(len(pairs), raised, lowered, fmean(sizes) if sizes else None)


def _criteria(assignment: Assignment, shown: set[int]) -> tuple[CriterionShare, ...]:
    """By title, as grades keep it: a criterion that was renamed is another one."""
    rows = CriterionScore.objects.filter(grade__submission__assignment=assignment, grade__state__in=DECIDED)
    rows = rows.filter(points__isnull=False).order_by("position", "pk")
    shares: dict[str, list[float]] = defaultdict(list)
    for grade, title, points, most in rows.values_list("grade", "title", "points", "max_points"):
        if grade in shown and most and points is not None:
            shares[title].append(float(points / most))
    return tuple(CriterionShare(title, fmean(values), len(values)) for title, values in shares.items())


def _spent(assignment: Assignment) -> Spent:
    """From one approval of a person to their next: the time of the later paper, pauses left out."""
    acts = ActedGrade.objects.filter(act__assignment=assignment, act__kind=ActKind.APPROVED, act__undone_by=None)
    people: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
    for actor, at, source in acts.order_by("act").values_list("act__actor", "act__at", "grade__source"):
        people[actor].append((at, source))
    gaps: dict[str, list[float]] = defaultdict(list)
    for times in people.values():
        for (before, _), (at, source) in pairwise(times):
            if (seconds := (at - before).total_seconds()) <= PAUSE_SECONDS:
                gaps[source].append(seconds)
    every = [seconds for values in gaps.values() for seconds in values]
    return Spent(sum(every), len(every), _median(gaps[GradeSource.MODEL]), _median(gaps[GradeSource.TEACHER]))


def _median(values: Sequence[float]) -> float | None:
    return median(values) if len(values) >= FEWEST else None


def _decided_twice(rows: Iterable[Grade]) -> list[tuple[Grade, Grade]]:
    """For each answer that two people decided: the latest decision, and the latest before it by somebody else."""
    by_answer: dict[int, list[Grade]] = defaultdict(list)
    for row in rows:
        if row.approved_by_id is not None:
            by_answer[row.submission_id].append(row)
    found = []
    for decisions in by_answer.values():
        last = decisions[-1]
        others = [row for row in decisions if row.approved_by_id != last.approved_by_id]
        if others:
            found.append((others[-1], last))
    return found
