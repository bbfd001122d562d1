"""Whether a version still agrees with the teachers: month by month, by course, and alike for groups of students.

Only grades that a person decided count. Thresholds are those of Williamson, Xi & Breyer (2012, "A Framework for
Evaluation and Use of Automated Scoring"): QWK at least 0.70, |SMD| at most 0.15 overall and 0.10 for a group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone

from grading.models import Grade, GradeState, ModelVersion, StudentGroup
from mlcore.metrics import quadratic_weighted_kappa, standardised_mean_difference

QWK_LEAST, SMD_MOST, SMD_MOST_GROUP = 0.70, 0.15, 0.10
# Fewer decided grades than this say nothing about agreement.
ENOUGH = 20
# A grade whose points moved by more than this share of the maximum was changed.
CHANGED = 0.005


@dataclass(frozen=True)
class Decided:
    """One decided grade; all values as shares of the maximum."""

    month: date
    course: str
    student: int
    given: float
    proposed: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Agreement:
    """Proposals beside the teachers' decisions. Measures are None with fewer than `ENOUGH` grades.

    Attributes:
        mae: % of the maximum.
        changed: share of the proposals whose points the teacher moved.
        coverage: share of the intervals shown that hold the decided points, of `with_interval` grades.
    """

    label: str
    n: int
    mae: float | None
    qwk: float | None
    smd: float | None
    changed: float | None
    coverage: float | None
    with_interval: int
    smd_most: float = SMD_MOST

    @property
    def qwk_low(self) -> bool:
        return self.qwk is not None and self.qwk < QWK_LEAST

    @property
    def smd_high(self) -> bool:
        return self.smd is not None and abs(self.smd) > self.smd_most


def decided_grades(version: ModelVersion) -> list[Decided]:
    """The grades that this version proposed and a person decided, oldest first."""
    rows: QuerySet[Grade] = Grade.objects.filter(
        version=version,
        state__in=[GradeState.APPROVED, GradeState.RELEASED],
        proposed_score__isnull=False,
        points__isnull=False,
        max_points__gt=0,
        approved_at__isnull=False,
    ).exclude(approved_by=None)
    values = rows.order_by("approved_at", "pk").values_list(
        "approved_at",
        "submission__assignment__course__name",
        "submission__student",
        "points",
        "max_points",
        "proposed_points",
        "correction__low",
        "correction__high",
    )
    return [
        Decided(
            timezone.localtime(at).date().replace(day=1),
            course,
            student,
            _share(points, most),
            _share(proposed, most),
            None if low is None else _share(low, most),
            None if high is None else _share(high, most),
        )
        for at, course, student, points, most, proposed, low, high in values
        if proposed is not None
    ]


def by_month(rows: Sequence[Decided], label: Callable[[date], str]) -> list[Agreement]:
    """The newest month first."""
    return [agreement(label(month), members) for month, members in sorted(_grouped(rows, _month).items(), reverse=True)]


def by_course(rows: Sequence[Decided]) -> list[Agreement]:
    return [agreement(name, members) for name, members in sorted(_grouped(rows, lambda row: row.course).items())]


def by_group(rows: Sequence[Decided]) -> list[tuple[str, list[Agreement]]]:
    """For each field that the school imported: how far proposals lie above or below the teachers' points, by group."""
    fields: dict[str, dict[int, str]] = {}
    students = {row.student for row in rows}
    for field, value, student in StudentGroup.objects.values_list("field", "value", "student"):
        if student in students:
            fields.setdefault(field, {})[student] = value
    return [(field, _of_field(rows, members)) for field, members in sorted(fields.items())]


def agreement(label: str, rows: Sequence[Decided], *, smd_most: float = SMD_MOST) -> Agreement:
    """What these grades say."""
    told = [row for row in rows if row.low is not None and row.high is not None]
    inside = [row.low - 1e-9 <= row.given <= row.high + 1e-9 for row in told]  # type: ignore[operator]
    coverage = float(np.mean(inside)) if len(told) >= ENOUGH else None
    if len(rows) < ENOUGH:
        return Agreement(label, len(rows), None, None, None, None, coverage, len(told), smd_most)
    given, proposed = [row.given for row in rows], [row.proposed for row in rows]
    apart = np.abs(np.array(proposed) - np.array(given))
    return Agreement(
        label=label,
        n=len(rows),
        mae=100 * float(apart.mean()),
        qwk=quadratic_weighted_kappa(given, proposed),
        smd=standardised_mean_difference(given, proposed),
        changed=float((apart > CHANGED).mean()),
        coverage=coverage,
        with_interval=len(told),
        smd_most=smd_most,
    )


def _of_field(rows: Sequence[Decided], members: dict[int, str]) -> list[Agreement]:
    known = [row for row in rows if row.student in members]
    groups = _grouped(known, lambda row: members[row.student])
    return [agreement(name, found, smd_most=SMD_MOST_GROUP) for name, found in sorted(groups.items())]


def _grouped(rows: Iterable[Decided], key: Callable[[Decided], Any]) -> dict[Any, list[Decided]]:
    groups: dict[Any, list[Decided]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _month(row: Decided) -> date:
    return row.month


def _share(points: Any, most: Any) -> float:
    return float(points / most)
