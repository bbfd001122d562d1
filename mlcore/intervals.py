"""How sure a measurement is: bootstrap intervals (Efron and Tibshirani 1993), the same for the same seed. No torch.

What is drawn again has to be what varies when the measurement is made again. Where the questions were seen in training,
other answers to the same questions come next: rows are drawn. Where they were not, other questions come next, and the
answers to one question err together: whole questions are drawn, which gives wider and honest intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Unit = Literal["rows", "questions"]
LEVEL = 0.95
DRAWS = 1000


def draws_of(questions: Sequence[str], unit: Unit, draws: int = DRAWS, seed: int = 0) -> list[NDArray[np.intp]]:
    """So many samples of row numbers, drawn with replacement.

    Args:
        questions: each row's question, in the order of the rows.
        unit: whether single rows are drawn or all rows of a question together.

    Raises:
        ValueError: there are no rows.
    """
    if not questions:
        raise ValueError("there is nothing to draw from")
    chance = np.random.default_rng(seed)
    if unit == "rows":
        return [chance.integers(0, len(questions), len(questions)) for _ in range(draws)]
    places: dict[str, list[int]] = {}
    for row, question in enumerate(questions):
        places.setdefault(question, []).append(row)
    groups = [np.array(rows) for rows in places.values()]
    return [np.concatenate([groups[i] for i in chance.integers(0, len(groups), len(groups))]) for _ in range(draws)]


def intervals(
    samples: Sequence[NDArray[np.intp]], measure: Callable[[NDArray[np.intp]], Mapping[str, Any]], level: float = LEVEL
) -> dict[str, list[float]]:
    """For each number that `measure` gives of the rows of a sample: [low, high], the middle `level` of the samples.

    A measure that is undefined for some samples is judged by the others; one that is defined for less than half of
    them has no interval.
    """
    found: dict[str, list[float]] = {}
    for sample in samples:
        for name, value in measure(sample).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.setdefault(name, []).append(float(value))
    tail = 100 * (1 - level) / 2
    return {
        name: [round(float(edge), 6) for edge in np.percentile(values, [tail, 100 - tail])]
        for name, values in found.items()
        if 2 * len(values) >= len(samples)
    }
