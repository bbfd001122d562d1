"""Where a total and the points of its criteria say different things."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from django import template

from grading.models import Grade

register = template.Library()


class Sums(NamedTuple):
    """The points of all criteria, the total, and whether a reader has to be told that they differ."""

    criteria: Decimal
    total: Decimal
    differ: bool


@register.simple_tag
def sums_of(grade: Grade) -> Sums | None:
    """What stands there now, a proposal where nobody set anything; None where the criteria need not give the total:
    without a rubric, with one that does not add up to the maximum, or while points are missing."""
    scores = list(grade.criterion_scores.all())
    if not scores or sum(score.max_points for score in scores) != grade.max_points:
        return None
    points = [score.proposed_points if score.points is None else score.points for score in scores]
    total = grade.proposed_points if grade.points is None else grade.points
    known = [value for value in points if value is not None]
    if total is None or len(known) < len(points):
        return None
    added = sum(known, Decimal(0))
    return Sums(added, total, added != total)
