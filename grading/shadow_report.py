"""What a candidate in shadow mode would have proposed, beside what the version in use did, on papers reviewed since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Exists, OuterRef

from grading.models import AcceptanceSample, Grade, GradeState, ModelVersion, ShadowMark
from mlcore.beside import QuestionBeside, compare_errors

# So many papers have to be reviewed before the two are compared in words.
ENOUGH = 30


@dataclass(frozen=True)
class ShadowReport:
    """`marked` answers it marked, `failed` those at which it failed, `reviewed` those whose points a person decided;
    `blind` of these were marked by somebody who saw no proposal."""

    marked: int
    failed: int
    reviewed: int
    blind: int
    found: QuestionBeside | None
    found_blind: QuestionBeside | None

    @property
    def missing(self) -> int:
        return max(0, ENOUGH - self.reviewed)


def shadow_report(version: ModelVersion) -> ShadowReport | None:
    """None where the version was never in shadow mode."""
    marks = ShadowMark.objects.filter(version=version)
    marked = marks.count()
    if not marked and version.shadow_since is None:
        return None
    rows = _reviewed(version)
    blind = [row for row in rows if row[3]]
    return ShadowReport(
        marked=marked,
        failed=marks.filter(score=None).count(),
        reviewed=len(rows),
        blind=len(blind),
        found=_compared(rows) if len(rows) >= ENOUGH else None,
        found_blind=_compared(blind) if len(blind) >= ENOUGH else None,
    )


Row = tuple[float, float, float, bool]  # given, shadow, proposed, blind


def _reviewed(version: ModelVersion) -> list[Row]:
    decided = Grade.objects.filter(
        state__in=[GradeState.APPROVED, GradeState.RELEASED],
        submission__shadow_marks__version=version,
        submission__shadow_marks__score__isnull=False,
        proposed_score__isnull=False,
        points__isnull=False,
        max_points__gt=0,
    ).exclude(approved_by=None)
    blind = AcceptanceSample.objects.filter(grade=OuterRef("pk"), given__isnull=False)
    values = decided.annotate(blind=Exists(blind)).values_list(
        "points", "max_points", "submission__shadow_marks__score", "proposed_score", "blind"
    )
    return [
        (float(points / most), shadow, proposed, seen)
        for points, most, shadow, proposed, seen in values.order_by("pk")
        if points is not None and shadow is not None and proposed is not None
    ]


def _compared(rows: Sequence[Row]) -> QuestionBeside:
    given = np.array([row[0] for row in rows])
    return compare_errors("shadow", np.abs(np.array([[row[1] for row in rows], [row[2] for row in rows]]) - given))
