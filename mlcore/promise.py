"""How many proposals can be accepted unread, with a promise about how often they are wrong. No torch.

A proposal is wrong here if it is more than a tolerance away from the mark that the teacher would give. Papers are
accepted in the order of how sure their proposals are, and the promise is made with Learn then Test (Angelopoulos et
al. 2021, arXiv:2110.01052) and fixed sequence testing: thresholds on the doubt are fixed before any mark is looked at,
and tried from the strictest on; a threshold is kept while the marked papers within it show, by the exact one-sided
bound of Clopper and Pearson (1934), that at most the wanted share is wrong; the first that does not ends the search.
So the chance that more than that share of what is accepted is wrong, in the long run of such papers, is at most
1 - CONFIDENCE, provided that the marked papers are like the unread ones: that they were not picked by their difficulty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.9
STEPS = 10
FEWEST_MARKS = 20
_EDGE = 1e-9


@dataclass(frozen=True)
class Promise:
    """What may be accepted unread.

    Attributes:
        accepted: rows of the waiting papers, the surest first; empty where nothing can be promised.
        marks: marked papers that were as sure as these; `wrong` of them were off by more than the tolerance.
        bound: at most this share is wrong, at the level of confidence; 1 where nothing can be promised.
        expected: the share that was wrong among the marked papers.
    """

    accepted: tuple[int, ...]
    marks: int
    wrong: int
    bound: float

    @property
    def expected(self) -> float:
        return self.wrong / self.marks if self.marks else 1.0


def upper_bound(wrong: int, marks: int, confidence: float = CONFIDENCE) -> float:
    """The exact one-sided upper bound of a share of which `wrong` of `marks` were seen (Clopper and Pearson 1934).

    Raises:
        ValueError: there were no marks, more were wrong than there are, or the confidence is not between 0 and 1.
    """
    if not 0 <= wrong <= marks or marks < 1:
        raise ValueError(f"{wrong} of {marks} is no share")
    if not 0 < confidence < 1:
        raise ValueError(f"a level of confidence lies between 0 and 1, not at {confidence}")
    from scipy.stats import beta

    return 1.0 if wrong == marks else float(beta.ppf(confidence, wrong + 1, marks - wrong))


def fewest_marks(risk: float, confidence: float = CONFIDENCE) -> int:
    """The fewest marks, all of them right, that can promise a risk: 22 for 10 % and 45 for 5 % at a confidence of 90 %.

    Raises:
        ValueError: the risk is not between 0 and 1.
    """
    if not 0 < risk < 1:
        raise ValueError(f"a risk lies between 0 and 1, not at {risk}")
    return max(FEWEST_MARKS, math.ceil(math.log(1 - confidence) / math.log(1 - risk) - _EDGE))


def promise(
    errors: Sequence[float],
    doubts: Sequence[float],
    waiting: Sequence[float],
    *,
    tolerance: float,
    risk: float,
    confidence: float = CONFIDENCE,
) -> Promise:
    """Which waiting papers can be accepted so that at most a share `risk` is off by more than `tolerance`.

    Args:
        errors: how far each marked paper's proposal was from the teacher's mark, made without that mark (in points).
        doubts: how unsure each of these proposals was; smaller is surer, from any scale.
        waiting: the same of the papers that wait.
        tolerance: in points, as the errors are.

    Raises:
        ValueError: errors and doubts are not as many, the tolerance is negative, or risk and confidence are no shares.
    """
    if len(errors) != len(doubts):
        raise ValueError(f"{len(errors)} errors do not go with {len(doubts)} doubts")
    if tolerance < 0:
        raise ValueError(f"a tolerance is not negative: {tolerance}")
    nothing = Promise((), 0, 0, 1.0)
    needed = fewest_marks(risk, confidence)
    if len(errors) < needed or not waiting:
        return nothing
    wrong, unsure = np.asarray(errors) > tolerance + _EDGE, np.asarray(doubts, dtype=np.float64)
    best = nothing
    for threshold in _thresholds(unsure, np.asarray(waiting, dtype=np.float64)):
        inside = unsure <= threshold
        marks, off = int(inside.sum()), int(wrong[inside].sum())
        # Too few to show anything: skipped by their number alone, which says nothing about what was right.
        if marks < needed:
            continue
        bound = upper_bound(off, marks, confidence)
        if bound > risk:
            break
        best = Promise(_within(waiting, threshold), marks, off, bound)
    return best if best.accepted else nothing


def _thresholds(marked: np.ndarray, waiting: np.ndarray) -> list[float]:
    """Doubts to try, strictest first: chosen without looking at any mark."""
    everything = np.concatenate([marked, waiting])
    return sorted(
        {float(value) for value in np.quantile(everything, np.linspace(1 / STEPS, 1, STEPS), method="higher")}
    )


def _within(waiting: Sequence[float], threshold: float) -> tuple[int, ...]:
    rows = [row for row, doubt in enumerate(waiting) if doubt <= threshold]
    return tuple(sorted(rows, key=lambda row: (waiting[row], row)))


def sample_size(accepted: int) -> int:
    """How many of the accepted are marked blind afterwards: a tenth of them, at least 5."""
    return min(accepted, max(5, math.ceil(accepted / 10)))


def broken(wrong: int, checked: int, risk: float, confidence: float = CONFIDENCE) -> bool:
    """Whether a sample of the accepted contradicts the promise: so many wrong ones, or more, would come up in less than
    1 - confidence of the samples if the share of wrong ones were `risk` (one-sided exact binomial test)."""
    from scipy.stats import binom

    return checked > 0 and bool(binom.sf(wrong - 1, checked, risk) < 1 - confidence)
