"""What the teacher's marks say about the answers that still wait: scores corrected without the model. No torch.

A Gaussian process (Rasmussen and Williams 2006) over the error of the model's score, with the kernel of
`mlcore.kernels`, and for a question with many marks extremely randomised trees (Geurts et al. 2006) over its words.
How much of either is used is decided by what they say of marked answers that they have not seen: each answer left out
(the process has a closed form for that, the trees their out-of-bag answers). Where that is worse than the model's own
score, the model's own score stays; so it does for a question without marks, because what is learned on some questions
was measured to be of no use on others (docs/quality.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from mlcore.answers import ReadAnswer
from mlcore.kernels import Kernel, Variances, places_by_question
from mlcore.wordtrees import FEWEST_FOR_TREES, tree_corrections

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Below so many marks of a question there is nothing to judge a correction by.
FEWEST_MARKS = 4
# What serves a question best is known beforehand as well as so many of its marks can tell.
_CONFIDENCE = 20.0
# Errors of ten left-out answers are themselves uncertain: used is what was not clearly worse on them. Insisting on
# better costs more good corrections than it prevents bad ones (docs/quality.md).
_BENEFIT_OF_DOUBT = 1.25
_TINY = 1e-12
# Scales of the kernel with what is believed of them beforehand, and variances of the noise: a teacher's marks of
# answers that are as good as the same. The smallest scale says that the model is right but for noise.
_SCALES = {1e-4: 0.1, 0.03: 0.2, 0.1: 0.5, 0.3: 1.0, 1.0: 2.0}
_NOISES = (0.005, 0.02, 0.06)
# Shares of the process and of the trees, without and with enough marks for trees.
_USUAL, _USUAL_WITH_TREES = np.array([1.0, 0.0]), np.array([0.5, 0.5])


@dataclass(frozen=True)
class Learned:
    """What came of the marks.

    Attributes:
        scores: (n,) of the waiting answers, corrected where the marks support it, in [0, 1].
        corrected: (n,) bool, whether the marks had a say in it.
        errors: by question, the absolute errors of its marked answers when each was left out, in [0, 1].
        proposed_errors: the same of the model's own scores.
    """

    scores: NDArray[np.float64]
    corrected: NDArray[np.bool_]
    errors: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    proposed_errors: dict[str, NDArray[np.float64]] = field(default_factory=dict)


def learn(
    marked: Sequence[ReadAnswer],
    given: Sequence[float],
    waiting: Sequence[ReadAnswer],
    variances: Variances | None = None,
) -> Learned:
    """Correct the scores of waiting answers by what a teacher gave to marked ones, of the same questions first of all.

    The same marks and answers give the same scores, and what stands beside an answer among the waiting has no say.

    Args:
        given: (m,) the teacher's marks of `marked`, in [0, 1].

    Raises:
        ValueError: there are not as many marks as marked answers.
    """
    if len(marked) != len(given):
        raise ValueError(f"{len(marked)} marked answers have {len(given)} marks")
    proposed = _scores(waiting)
    if not marked:
        return Learned(proposed, np.zeros(len(waiting), dtype=bool))
    marks = np.array(given, dtype=np.float64)
    off, places = marks - _scores(marked), places_by_question(marked)
    process = _Process(marked, off, variances or Variances())
    trees = tree_corrections(marked, marks, waiting)
    left_out = np.stack([process.left_out(), trees.left_out])
    change = np.stack([process.corrections(waiting), trees.corrections])
    shares = {key: _shares(off[there], left_out[:, there], _usual(len(there))) for key, there in places.items()}
    shift, corrected = np.zeros(len(waiting)), np.zeros(len(waiting), dtype=bool)
    for key, there in places_by_question(waiting).items():
        if key in shares:
            shift[there] = shares[key] @ change[:, there]
            corrected[there] = shares[key].any()
    held = np.array([answer.held_down for answer in waiting], dtype=bool)
    shift[held] = np.minimum(shift[held], 0.0)
    errors = {key: _errors(marked, marks, shares[key] @ left_out, there) for key, there in places.items()}
    as_proposed = {key: np.abs(off[there]) for key, there in places.items()}
    return Learned(np.clip(proposed + shift, 0.0, 1.0), corrected, errors, as_proposed)


class _Process:
    """A Gaussian process over what the model's score is off by; its mean is that it is not off at all.

    How far it may be off, and how much of that is noise, is not known: all of _SCALES and _NOISES are held possible,
    and count by how well they explain the marks (their evidence).
    """

    def __init__(self, marked: Sequence[ReadAnswer], off: NDArray[np.float64], variances: Variances) -> None:
        self._kernel = Kernel(marked, variances)
        values, vectors = np.linalg.eigh(self._kernel.within())
        values, turned = np.maximum(values, 0.0), vectors.T @ off
        choices = [(scale, noise) for scale in _SCALES for noise in _NOISES]
        spectra = np.array([scale * values + noise for scale, noise in choices])
        evidence = -0.5 * (turned**2 / spectra + np.log(spectra)).sum(1)
        evidence += np.log([_SCALES[scale] for scale, _ in choices])
        belief = np.exp(evidence - evidence.max())
        belief /= belief.sum()
        self._weights = np.zeros(len(off))
        self._left_out = np.zeros(len(off))
        for share, (scale, _), spectrum in zip(belief, choices, spectra, strict=True):
            solved = vectors @ (turned / spectrum)
            self._weights += share * scale * solved
            # Closed form of leaving one out: Rasmussen and Williams, equation 5.12.
            self._left_out += share * (off - solved / (vectors**2 / spectrum).sum(1))

    def corrections(self, answers: Sequence[ReadAnswer]) -> NDArray[np.float64]:
        """(n,) what to add to the scores of answers."""
        return self._kernel.to(answers) @ self._weights if answers else np.zeros(0)

    def left_out(self) -> NDArray[np.float64]:
        """(m,) what it would add to each marked answer, had that one not been marked."""
        return self._left_out


def _usual(marks: int) -> NDArray[np.float64]:
    return _USUAL if marks < FEWEST_FOR_TREES else _USUAL_WITH_TREES


def _shares(off: NDArray[np.float64], left_out: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) how much of each correction to use, at least 0 each and at most 1 together.

    Least squares on the marked answers when left out, as if _CONFIDENCE more of them had said `usual`, which is what
    serves other questions best: a handful of marks says little by itself. Nothing at all where the errors on these
    marks would clearly have become larger.
    """
    none = np.zeros(len(usual))
    if len(off) < FEWEST_MARKS:
        return none
    doubt = np.diag(np.sqrt(_CONFIDENCE * (left_out**2).mean(1) + _TINY))
    shares, _ = nnls(np.vstack([left_out.T, doubt]), np.concatenate([off, doubt @ usual]))
    shares = shares / max(1.0, float(shares.sum()))
    after = off - shares @ left_out
    return shares if (after**2).sum() <= _BENEFIT_OF_DOUBT * (off**2).sum() else none


def _errors(
    marked: Sequence[ReadAnswer], marks: NDArray[np.float64], shift: NDArray[np.float64], there: Sequence[int]
) -> NDArray[np.float64]:
    left_out = np.clip(np.array([marked[i].score for i in there]) + shift[there], 0.0, 1.0)
    return np.asarray(np.abs(marks[there] - left_out))


def _scores(answers: Sequence[ReadAnswer]) -> NDArray[np.float64]:
    return np.array([answer.score for answer in answers], dtype=np.float64)
