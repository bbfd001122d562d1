"""Two model versions on the same held-out answers: is the difference real, and where does it lie? No torch.

The difference of their errors is drawn again with replacement (the paired bootstrap; Efron & Tibshirani 1993, ch. 16):
whole questions where there are enough of them, because answers to one question err together, otherwise answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mlcore.schemas import Example

if TYPE_CHECKING:
    from numpy.typing import NDArray

Verdict = Literal["better", "worse", "noise"]

_DRAWS = 2000
_SEED = 0
# Fewer questions than this cannot stand for all questions; then answers are drawn.
_LEAST_QUESTIONS = 8
# Fewer answers than this prove nothing about a question, whatever they say.
_LEAST_ANSWERS = 5
# A question got much worse where its marks are off by so much more of the maximum, on average and beyond noise.
MUCH_WORSE = 0.10


@dataclass(frozen=True)
class QuestionBeside:
    """One question: the mean absolute errors of both versions in [0, 1] and what their difference amounts to."""

    question_id: str
    n: int
    candidate: float
    in_use: float
    verdict: Verdict
    much_worse: bool


@dataclass(frozen=True)
class Beside:
    """A candidate beside the version in use.

    Attributes:
        n: answers that both marked.
        difference: mean absolute error of the candidate less that of the version in use, in [-1, 1]; below 0 is better.
        low, high: its interval at 95 %.
        drawn: what the bootstrap drew again.
        verdict: better or worse where the interval lies on one side of 0, otherwise noise.
    """

    n: int
    difference: float
    low: float
    high: float
    drawn: Literal["questions", "answers"]
    verdict: Verdict
    questions: tuple[QuestionBeside, ...]


def beside(examples: Sequence[Example], candidate: Sequence[float], in_use: Sequence[float]) -> Beside:
    """Compare two versions' scores in [0, 1] for the same examples; the same result for the same input.

    Raises:
        ValueError: there are no examples, or not as many scores.
    """
    if not examples or not len(examples) == len(candidate) == len(in_use):
        raise ValueError("both versions must have marked the same answers, at least one")
    given = np.array([example.score for example in examples])
    errors = np.abs(np.array([candidate, in_use], dtype=np.float64) - given)
    rows: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        rows.setdefault(example.question.id, []).append(row)
    differences = errors[0] - errors[1]
    groups = [differences[places] for places in rows.values()]
    by_question = len(groups) >= _LEAST_QUESTIONS
    low, high = _interval(groups if by_question else [np.array([value]) for value in differences])
    return Beside(
        n=len(examples),
        difference=float(differences.mean()),
        low=low,
        high=high,
        drawn="questions" if by_question else "answers",
        verdict=_verdict(low, high, len(examples)),
        questions=tuple(compare_errors(key, errors[:, places]) for key, places in rows.items()),
    )


def compare_errors(question_id: str, errors: NDArray[np.float64]) -> QuestionBeside:
    """What (2, n) absolute errors in [0, 1], of the candidate and of the version in use, amount to for one group of
    answers, with the paired bootstrap over answers."""
    differences = errors[0] - errors[1]
    low, high = _interval([np.array([value]) for value in differences])
    verdict = _verdict(low, high, len(differences))
    return QuestionBeside(
        question_id=question_id,
        n=len(differences),
        candidate=float(errors[0].mean()),
        in_use=float(errors[1].mean()),
        verdict=verdict,
        much_worse=verdict == "worse" and float(differences.mean()) > MUCH_WORSE,
    )


def _interval(groups: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """The middle 95 % of the mean over all members of groups that are drawn with replacement."""
    sums = np.array([group.sum() for group in groups])
    sizes = np.array([len(group) for group in groups])
    drawn = np.random.default_rng(_SEED).integers(0, len(groups), (_DRAWS, len(groups)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _verdict(low: float, high: float, answers: int) -> Verdict:
    if answers < _LEAST_ANSWERS or low <= 0 <= high:
        return "noise"
    return "better" if high < 0 else "worse"
