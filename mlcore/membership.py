"""How much a version's marks give away of which answers it was trained on: a membership test. No torch.

Whoever knows an answer and its mark asks the version for its own mark: where training has learned the answer by heart,
that is closer than for answers it never saw (the loss threshold attack of Yeom et al. 2018, "Privacy Risk in Machine
Learning"). Both kinds of answers have to be to the same questions, or the test finds the questions and not the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlcore.intervals import draws_of, intervals
from mlcore.schemas import Example

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The share of unseen answers that the attacker may take for trained ones.
FALSE_ALARMS = 0.05


@dataclass(frozen=True)
class Membership:
    """What the attack achieves.

    Attributes:
        trained, unseen: answers of both kinds.
        auc: how often a trained answer has the smaller error of one of each kind, ties counting half; 0.5 is a guess.
        interval: of `auc`, 95 %, from drawing the answers of both kinds again.
        found: share of the trained answers that are found at `FALSE_ALARMS`; a guess finds as many as that.
        error_trained, error_unseen: mean absolute errors in [0, 1].
    """

    trained: int
    unseen: int
    auc: float
    interval: tuple[float, float]
    found: float
    error_trained: float
    error_unseen: float


def membership(trained: Sequence[float], unseen: Sequence[float], *, draws: int = 1000, seed: int = 0) -> Membership:
    """Attack a version by its absolute errors on answers that it was trained on and on others to the same questions.

    Raises:
        ValueError: one of the kinds is missing.
    """
    if not trained or not unseen:
        raise ValueError("a membership test needs answers that were trained on and answers that were not")
    errors = np.array([*trained, *unseen])
    known = np.arange(len(errors)) < len(trained)
    auc = _auc(errors, known)
    # Ties are broken against the attacker, who cannot.
    threshold = np.quantile(np.array(unseen), FALSE_ALARMS, method="lower")
    sample = draws_of(["trained" if one else "unseen" for one in known], "rows", draws, seed)
    ends = intervals(sample, lambda places: {"auc": _auc(errors[places], known[places])}).get("auc", [auc, auc])
    return Membership(
        len(trained),
        len(unseen),
        auc,
        (ends[0], ends[1]),
        float(np.mean(np.array(trained) < threshold)),
        float(np.mean(trained)),
        float(np.mean(unseen)),
    )


def same_questions(trained: Sequence[Example], unseen: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """The answers of both kinds to the questions that both have."""
    both = {row.question.id for row in trained} & {row.question.id for row in unseen}
    return [row for row in trained if row.question.id in both], [row for row in unseen if row.question.id in both]


def _auc(errors: NDArray[np.float64], known: NDArray[np.bool_]) -> float:
    """Mann and Whitney's statistic as a share; 0.5 where one kind is missing."""
    from scipy.stats import rankdata

    ranks = rankdata(errors)
    first, second = int(known.sum()), int((~known).sum())
    if not first or not second:
        return 0.5
    larger = ranks[known].sum() - first * (first + 1) / 2
    return float(1 - larger / (first * second))
