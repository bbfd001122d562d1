"""SemEval-2013's verdicts (correct, contradictory, incorrect) from one score in [0, 1]. No torch.

One score orders answers by how right they are; it does not say whether a wrong answer contradicts the reference or
misses it. So the score is cut into three bands: from the upper threshold up an answer is correct, and which of the two
other verdicts has the middle band is found out with the thresholds, by the macro-F1 on marked rows. The thresholds for
a question are fitted on the measured rows of other questions only (cross-fitting in folds of whole questions), so no
row is judged by thresholds that have seen it or its question. Two-way figures use one threshold, fitted alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.schemas import Example

if TYPE_CHECKING:
    from numpy.typing import NDArray

CORRECT, CONTRADICTORY, INCORRECT = LABELS = ("correct", "contradictory", "incorrect")
_ORDERS = ((CONTRADICTORY, INCORRECT, CORRECT), (INCORRECT, CONTRADICTORY, CORRECT))
_CUTS = 40
_FOLDS = 5


def labelled(examples: Sequence[Example]) -> bool:
    """Whether the rows carry SemEval's verdicts."""
    return bool(examples) and {example.label for example in examples} <= set(LABELS)


def f1_scores(given: Sequence[str], said: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """Each label's F1, 0 to 1: 2 · right / (said + given); 0 for a label that is never said nor given."""
    found = {}
    for label in labels:
        right = sum(a == b == label for a, b in zip(given, said, strict=True))
        total = sum(a == label for a in given) + sum(b == label for b in said)
        found[label] = 2 * right / total if total else 0.0
    return found


def three_way(examples: Sequence[Example], scores: Sequence[float]) -> dict[str, Any] | None:
    """Macro-F1 and accuracy in three and in two classes; None where the rows carry other labels, or of one question.

    Returns:
        {"n", "macro_f1", "accuracy", "f1": {label: F1}, "two_way": {"macro_f1", "accuracy"}, "folds"}
    """
    questions = list(dict.fromkeys(example.question.id for example in examples))
    if not labelled(examples) or len(questions) < 2:
        return None
    folds = min(_FOLDS, len(questions))
    fold_of = {question: place % folds for place, question in enumerate(questions)}
    fold = np.array([fold_of[example.question.id] for example in examples])
    values = np.asarray(scores, dtype=np.float64)
    given = np.array([example.label for example in examples])
    two = np.where(given == CORRECT, CORRECT, INCORRECT)
    said, said_two = given.copy(), two.copy()
    for number in range(folds):
        here, rest = fold == number, fold != number
        said[here] = apply_bands(values[here], *fit_bands(values[rest], given[rest]))
        said_two[here] = np.where(values[here] >= fit_cut(values[rest], two[rest]), CORRECT, INCORRECT)
    f1 = f1_scores(given.tolist(), said.tolist(), LABELS)
    both = f1_scores(two.tolist(), said_two.tolist(), (CORRECT, INCORRECT))
    return {
        "n": len(examples),
        "macro_f1": float(np.mean(list(f1.values()))),
        "accuracy": float(np.mean(given == said)),
        "f1": f1,
        "two_way": {"macro_f1": float(np.mean(list(both.values()))), "accuracy": float(np.mean(two == said_two))},
        "folds": folds,
    }


def fit_bands(scores: NDArray[np.float64], given: NDArray[Any]) -> tuple[float, float, tuple[str, str, str]]:
    """(lower threshold, upper threshold, labels from the lowest band to the highest) with the best macro-F1."""
    best, chosen = -1.0, (0.5, 0.5, _ORDERS[0])
    for low, high in combinations(_cuts(scores), 2):
        for order in _ORDERS:
            said = apply_bands(scores, low, high, order)
            value = sum(f1_scores(given.tolist(), said.tolist(), LABELS).values())
            if value > best:
                best, chosen = value, (low, high, order)
    return chosen


def apply_bands(scores: NDArray[np.float64], low: float, high: float, order: Sequence[str]) -> NDArray[Any]:
    """The label of each score's band."""
    return np.array(order)[(scores >= low).astype(int) + (scores >= high).astype(int)]


def fit_cut(scores: NDArray[np.float64], given: NDArray[Any]) -> float:
    """The threshold between incorrect and correct with the best macro-F1."""

    def value(cut: float) -> float:
        said = np.where(scores >= cut, CORRECT, INCORRECT)
        return sum(f1_scores(given.tolist(), said.tolist(), (CORRECT, INCORRECT)).values())

    return max(_cuts(scores), key=value)


def _cuts(scores: NDArray[np.float64]) -> list[float]:
    """Candidates for thresholds: the scores' own quantiles."""
    return sorted({float(cut) for cut in np.quantile(scores, np.linspace(0, 1, _CUTS + 1))})
