"""Intervals that keep their word: split conformal prediction (Papadopoulos et al. 2002, Lei et al. 2018). No torch.

The teacher's marked answers say how far corrected proposals are off when the answer itself is left out (the
cross-conformal and jackknife variants of Vovk 2015 and Barber et al. 2021). Of n such errors, the one of rank
ceil((n + 1) * level) bounds the next error with at least that probability, as far as the next answer is marked as the
marked ones were. Below ceil(level / (1 - level)) errors there is no such rank, and so there is no interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from mlcore.schemas import Question

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.9
_EDGE = 1e-9


class Basis(StrEnum):
    """Whose errors an interval is made of."""

    QUESTION = "question"
    COURSE = "course"
    NONE = "not_enough_marks"


@dataclass(frozen=True)
class Margin:
    """How far a proposal may be off, in [0, 1], at the level asked for; None where there are not enough marks.

    `marks` is the number of errors that it was made of.
    """

    width: float | None
    basis: Basis
    marks: int


def fewest_marks(level: float = LEVEL) -> int:
    """The fewest errors that can promise the level: 9 for 90 %.

    Raises:
        ValueError: the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level of confidence lies between 0 and 1, not at {level}")
    return math.ceil(level / (1 - level) - _EDGE)


def margin(errors: Sequence[float] | NDArray[np.float64], level: float = LEVEL) -> float | None:
    """The bound of the next absolute error at this level, or None where there are too few errors for one."""
    count = len(errors)
    if count < fewest_marks(level):
        return None
    rank = math.ceil((count + 1) * level - _EDGE)
    return float(np.sort(np.asarray(errors, dtype=np.float64))[rank - 1])


def margin_for(
    own: Sequence[float] | NDArray[np.float64],
    course: Sequence[float] | NDArray[np.float64],
    level: float = LEVEL,
) -> Margin:
    """The margin of a question: of its own marked answers, or of the course's where those are too few.

    Args:
        own: (marks,) absolute errors in [0, 1] of this question's marked answers, each left out.
        course: the same of other questions, of the model's own scores: what is corrected by too few marks to be
            judged by them errs no more than what is not corrected.
    """
    width = margin(own, level)
    if width is not None:
        return Margin(width, Basis.QUESTION, len(own))
    width = margin(course, level)
    if width is not None:
        return Margin(width, Basis.COURSE, len(course))
    return Margin(None, Basis.NONE, len(own))


def interval(score: float, width: float, question: Question) -> tuple[float, float]:
    """A score in [0, 1] and its margin as points from low to high, rounded outwards to the question's step."""
    span, step = question.max_points - question.min_points, question.step
    low = math.floor(max(0.0, score - width) * span / step + _EDGE) * step
    high = math.ceil(min(1.0, score + width) * span / step - _EDGE) * step
    return round(question.min_points + low, 6), round(min(question.min_points + high, question.max_points), 6)
