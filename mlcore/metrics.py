"""How well proposed marks and feedback agree with a teacher's. Pure numbers, no torch.

Scores come scaled to [0, 1]: (points - minimum) / (maximum - minimum). `given` is the teacher's, `predicted` the
machine's, in the same order. Where a measure is not defined (a correlation with a constant, say) it is None and never
NaN, so that results can be stored as JSON and a table shows a dash instead of a number that means nothing.

All functions raise ValueError where there is nothing to compare or the two lists differ in length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scores = Sequence[float]

# Bands when questions with different steps are measured together: each is a tenth of the maximum wide.
POOLED_BANDS = 11
# Scores are sums and quotients of floats: 0.4 - 0.3 is a little more than 0.1 and still within ten percent.
_ROUNDING = 1e-9
_WORD = re.compile(r"[^\W_]+")


def mean_absolute_error(given: Scores, predicted: Scores) -> float:
    """The mean of |predicted - given|: 0 is perfect, 1 is always the wrong end. Times 100 it is in % of the maximum."""
    human, machine = _pair(given, predicted)
    return float(np.mean(np.abs(machine - human)))


def root_mean_squared_error(given: Scores, predicted: Scores) -> float:
    """The root of the mean of (predicted - given)^2, from 0 to 1; never below the MAE, as big errors weigh more."""
    human, machine = _pair(given, predicted)
    return float(np.sqrt(np.mean((machine - human) ** 2)))


def share_within(given: Scores, predicted: Scores, tolerance: float) -> float:
    """The share of proposals, 0 to 1, at most `tolerance` (0.1: ten percent of the maximum) from the teacher's mark."""
    human, machine = _pair(given, predicted)
    return float(np.mean(np.abs(machine - human) <= tolerance + _ROUNDING))


def pearson(given: Scores, predicted: Scores) -> float | None:
    """Pearson's correlation, -1 to 1. None where either side is constant (or there is one pair only)."""
    human, machine = _pair(given, predicted)
    if _constant(human) or _constant(machine):
        return None
    return float(np.corrcoef(human, machine)[0, 1])


def standardised_mean_difference(given: Scores, predicted: Scores) -> float | None:
    """How far the machine is too generous (above 0) or too strict (below 0), in standard deviations.

    (mean predicted - mean given) / sqrt((var predicted + var given) / 2), with sample variances. Williamson, Xi and
    Breyer (2012), A Framework for Evaluation and Use of Automated Scoring, accept up to 0.15 either way. None where
    both sides are constant or there is one pair only.
    """
    human, machine = _pair(given, predicted)
    if _constant(human) and _constant(machine):
        return None
    spread = np.sqrt((np.var(human, ddof=1) + np.var(machine, ddof=1)) / 2)
    return float((machine.mean() - human.mean()) / spread)


def quadratic_weighted_kappa(given: Scores, predicted: Scores, bands: int = POOLED_BANDS) -> float | None:
    """Agreement beyond chance over ordered bands: 1 is perfect, 0 is chance, below 0 is worse than chance.

    Scores go to the nearest of `bands` equal steps from 0 to 1 (a question of 2 points in steps of 0.5 has 5). With
    d the squared distance between the bands of a pair, kappa is 1 - mean d over the pairs / mean d over all
    combinations of a teacher's with a machine's mark. Cohen (1968), Weighted kappa; Williamson, Xi and Breyer (2012)
    ask for 0.70. None where both sides are one and the same band throughout, as chance alone then agrees fully.
    """
    if bands < 2:
        raise ValueError(f"kappa needs at least 2 bands, not {bands}")
    human, machine = (to_bands(side, bands) for side in _pair(given, predicted))
    # The mean over all combinations of (h - m)^2, without building the table of them.
    chance = np.var(human) + np.var(machine) + (human.mean() - machine.mean()) ** 2
    if chance == 0:
        return None
    return float(1 - np.mean((human - machine) ** 2) / chance)


def to_bands(scores: Scores | NDArray[np.float64], bands: int) -> NDArray[np.float64]:
    """Each score's band, 0 to bands - 1; halves go up. Scores outside [0, 1] go to the first or last band."""
    inside = np.clip(np.asarray(scores, dtype=np.float64), 0.0, 1.0)
    return np.floor(inside * (bands - 1) + 0.5 + _ROUNDING)


def score_metrics(given: Scores, predicted: Scores, bands: int = POOLED_BANDS) -> dict[str, Any]:
    """All measures of marks at once, as JSON-able numbers; `n` is the number of pairs."""
    mae = mean_absolute_error(given, predicted)
    rmse = root_mean_squared_error(given, predicted)
    return {
        "n": len(given),
        "mae": mae,
        "mae_percent": 100 * mae,
        "rmse": rmse,
        "rmse_percent": 100 * rmse,
        "qwk": quadratic_weighted_kappa(given, predicted, bands),
        "pearson": pearson(given, predicted),
        "smd": standardised_mean_difference(given, predicted),
        "within_3_percent": share_within(given, predicted, 0.03),
        "within_10_percent": share_within(given, predicted, 0.10),
    }


def bleu(references: Sequence[str], texts: Sequence[str]) -> float:
    """Corpus BLEU by sacrebleu, 0 to 100: how many 1- to 4-word pieces of the texts stand in their references.

    Papineni et al. (2002); counts are pooled over the corpus, brevity is punished, tokens are split as in WMT (13a)
    and case counts.
    A corpus of texts shorter than four words scores near 0 even where all are right.
    """
    _same_length(references, texts)
    import sacrebleu

    return float(sacrebleu.corpus_bleu(list(texts), [list(references)]).score)


def rouge(references: Sequence[str], texts: Sequence[str]) -> dict[str, float]:
    """ROUGE-1, -2 and -L by rouge-score: mean F1 over the pairs, times 100 (0 to 100). Lin (2004).

    Shared words, shared pairs of words, longest common subsequence. Words are lowered and not stemmed. They are runs of
    letters and digits of any alphabet: for English that is the package's own rule, which in German would cut a word
    at each umlaut. A pair with an empty side scores 0.
    """
    return {kind: float(np.mean(values)) for kind, values in rouge_rows(references, texts).items()}


def rouge_rows(references: Sequence[str], texts: Sequence[str]) -> dict[str, list[float]]:
    """What `rouge` is the mean of: each pair's F1, 0 to 100."""
    _same_length(references, texts)
    from rouge_score.rouge_scorer import RougeScorer

    kinds = ["rouge1", "rouge2", "rougeL"]
    scorer = RougeScorer(kinds, tokenizer=_Words())
    scores = [scorer.score(reference, text) for reference, text in zip(references, texts, strict=True)]
    return {kind: [100 * float(score[kind].fmeasure) for score in scores] for kind in kinds}


def text_metrics(references: Sequence[str], texts: Sequence[str]) -> dict[str, Any]:
    """All measures of feedback at once: {n, bleu, rouge1, rouge2, rougeL}, each 0 to 100."""
    return {"n": len(references), "bleu": bleu(references, texts), **rouge(references, texts)}


class _Words:
    """The tokenizer that rouge-score asks for."""

    def tokenize(self, text: str) -> list[str]:
        return _WORD.findall(text.lower())


def _pair(given: Scores, predicted: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    _same_length(given, predicted)
    return np.asarray(given, dtype=np.float64), np.asarray(predicted, dtype=np.float64)


def _same_length(first: Sequence[Any], second: Sequence[Any]) -> None:
    if len(first) != len(second):
        raise ValueError(f"cannot compare {len(first)} with {len(second)}: there must be as many of both")
    if len(first) == 0:
        raise ValueError("there is nothing to compare")


def _constant(scores: NDArray[np.float64]) -> bool:
    return bool(np.ptp(scores) < _ROUNDING)
