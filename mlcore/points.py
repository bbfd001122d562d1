"""From scores in [0, 1] to points on a question's scale and step: pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlcore.schemas import Criterion, CriterionScore, Question

_EDGE = 1e-6
_HALVINGS = 80


def points_of(score: float, question: Question) -> float:
    """A score in [0, 1] as points from minimum to maximum, on the question's step counted from the minimum.

    Half a step is rounded up. The maximum can be reached even where the step does not divide the range.
    """
    span = question.max_points - question.min_points
    units = math.floor(min(1.0, max(0.0, score)) * span / question.step + 0.5 + 1e-9)
    points = question.min_points + units * question.step
    if points > question.max_points or (score >= 1.0 and points < question.max_points):
        points = question.max_points
    return round(points, 6)


def criterion_points(question: Question, scores: Sequence[float], points: float) -> tuple[CriterionScore, ...]:
    """Points for each criterion, on the question's step.

    Where the rubric's criteria add up to the maximum, all scores are shifted by one number on the logit scale until
    they add up to `points`, and rounded by largest remainder with that sum kept. Otherwise each is rounded by itself.

    Args:
        scores: (criteria,) the share of each criterion's points, in [0, 1].
        points: the points in all, on the question's scale.
    """
    criteria = question.criteria
    if not criteria:
        return ()
    shares = list(scores)
    total = sum(entry.points for entry in criteria)
    fits = abs(total - question.max_points) < _EDGE and 0 <= points <= total + _EDGE
    if fits:
        shares = _shifted(criteria, shares, points)
    wanted = [share * entry.points for share, entry in zip(shares, criteria, strict=True)]
    rounded = _largest_remainder(criteria, wanted, points, question.step) if fits else None
    if rounded is None:
        rounded = [
            min(entry.points, math.floor(w / question.step + 0.5) * question.step)
            for entry, w in zip(criteria, wanted, strict=True)
        ]
    return tuple(CriterionScore(entry.id, round(value, 6)) for entry, value in zip(criteria, rounded, strict=True))


def _shifted(criteria: Sequence[Criterion], shares: Sequence[float], points: float) -> list[float]:
    """The shares moved by one number in logit space, found by halving, so that the points add up."""
    logits = [_logit(share) for share in shares]
    low, high = -40.0, 40.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = sum(entry.points * _sigmoid(logit + middle) for entry, logit in zip(criteria, logits, strict=True))
        low, high = (middle, high) if found < points else (low, middle)
    return [_sigmoid(logit + high) for logit in logits]


def _largest_remainder(
    criteria: Sequence[Criterion], wanted: Sequence[float], points: float, step: float
) -> list[float] | None:
    """Whole steps that add up to the points; None where no criterion has room for what is left."""
    caps = [math.floor(entry.points / step + _EDGE) for entry in criteria]
    units = [min(cap, math.floor(value / step + _EDGE)) for cap, value in zip(caps, wanted, strict=True)]
    left = round(points / step) - sum(units)
    if abs(round(points / step) * step - points) > _EDGE or left < 0 or left > sum(caps) - sum(units):
        return None
    # The index breaks ties, so that the same answer always gets the same points.
    order = sorted(range(len(units)), key=lambda i: (units[i] * step - wanted[i], i))
    while left:
        for index in order:
            if left and units[index] < caps[index]:
                units[index] += 1
                left -= 1
    return [unit * step for unit in units]


def _logit(share: float) -> float:
    inside = min(1 - 1e-9, max(1e-9, share))
    return math.log(inside / (1 - inside))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
