"""A score made of the model's and of what the answer's words say: a stacked regressor (Wolpert 1992). No torch.

Two layers. The lower one is a ridge regression over `mlcore.lexical`, fitted on the training rows with a level of its
own for every question, so that it learns what makes one answer to a question better than another and nothing about
questions. The upper one adds it to the model's score; its three numbers are fitted on rows that neither layer has seen.
It is used only where cross-validation on these rows finds the sum better than the model alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.lexical import COUNTS, FEATURES, NGRAMS, document_counts, features, ngrams
from mlcore.schemas import Example, Question, group_by_question

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

# With fewer rows there is nothing to fit three numbers on, or to tell whether they help.
FEWEST_HELD_OUT = 40
FEWEST_TRAINING = 100
_PENALTY = 8.0
# Overlap beside words, whose rows have length 1.
_FEATURE_WEIGHT = 0.3
_FURTHEST = 3.0
# Levels of questions are as good as not penalised.
_LEVEL = 10.0
_FOLDS = 8
# How many rows' worth it is believed beforehand that the model's own score is right.
_TRUST = 10.0


@dataclass(frozen=True)
class Stack:
    """The fitted regressor.

    Attributes:
        counts: (COUNTS,) see `mlcore.lexical.document_counts`.
        centre, spread: (f,) of the features on the training rows.
        slopes: (f,) of the standardised features; words: (NGRAMS,) of the hashed words.
        blend: (3,) of the model's score, of the lower layer, and what is added to both.
        facts: what the manifest says of it, see `fit_stack`.
    """

    counts: NDArray[np.float32]
    centre: NDArray[np.float32]
    spread: NDArray[np.float32]
    slopes: NDArray[np.float32]
    words: NDArray[np.float32]
    blend: NDArray[np.float32]

    def apply(self, question: Question, texts: Sequence[str], scores: Sequence[float]) -> list[float]:
        """(rows,) the model's scores in [0, 1] -> (rows,) stacked ones, in [0, 1]. A row depends on its own alone."""
        if not texts:
            return []
        model, lexical, level = self.blend.astype(np.float64)
        below = self.lexical(question, texts)
        return [float(v) for v in np.clip(model * np.array(scores) + lexical * below + level, 0.0, 1.0)]

    def lexical(self, question: Question, texts: Sequence[str]) -> NDArray[np.float64]:
        """(rows,) what the lower layer says, up to a level that it does not know."""
        standard = _standard(features(question, texts, self.counts), self.centre, self.spread)
        # One row at a time: a product of the whole table may add up in an order that depends on its size.
        overlap = np.array([float((row * self.slopes).sum()) for row in standard])
        return overlap + np.asarray(ngrams(texts) @ self.words.astype(np.float64))

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """The regressor as named arrays, for a safetensors file."""
        return {name: getattr(self, name) for name in SHAPES}

    @classmethod
    def of(cls, tensors: Mapping[str, Any]) -> Stack:
        """The regressor from named arrays.

        Raises:
            ValueError: an array is missing, or has another shape than this program's.
        """
        arrays = {}
        for name, shape in SHAPES.items():
            found = np.asarray(tensors[name], dtype=np.float32) if name in tensors else None
            if found is None or found.shape != shape or not np.isfinite(found).all():
                raise ValueError(f"the stacked regressor's “{name}” is missing or not {shape} finite numbers")
            arrays[name] = found
        return cls(**arrays)


SHAPES: dict[str, tuple[int, ...]] = {
    "counts": (COUNTS,),
    "centre": (len(FEATURES),),
    "spread": (len(FEATURES),),
    "slopes": (len(FEATURES),),
    "words": (NGRAMS,),
    "blend": (3,),
}


@dataclass(frozen=True)
class Fitted:
    """A regressor and what is known of it: root mean squared errors on held-out rows, cross-validated by question."""

    stack: Stack
    rows: int
    rmse_model: float
    rmse: float

    @property
    def helps(self) -> bool:
        """Whether the sum is better than the model alone."""
        return self.rmse < self.rmse_model

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        model, lexical, level = (round(float(value), 4) for value in self.stack.blend)
        return {
            "model": model,
            "words": lexical,
            "level": level,
            "rows": self.rows,
            "rmse_model": round(self.rmse_model, 4),
            "rmse": round(self.rmse, 4),
        }


def enough_rows(training: Sequence[Example], held_out: Sequence[Example]) -> bool:
    """Whether there are rows enough to fit both layers and to tell whether they help."""
    return len(training) >= FEWEST_TRAINING and len(held_out) >= FEWEST_HELD_OUT


def fit_stack(training: Sequence[Example], held_out: Sequence[Example], scores: Sequence[float]) -> Fitted:
    """Fit both layers, and measure what the sum is worth.

    Args:
        training: the rows that the model was trained on.
        held_out: rows that it was not, of whole questions where possible.
        scores: (rows,) the model's scores of `held_out`, in [0, 1].

    Raises:
        ValueError: there are too few rows, or not as many scores as held-out rows.
    """
    if len(held_out) != len(scores):
        raise ValueError(f"{len(held_out)} held-out rows have {len(scores)} scores")
    if not enough_rows(training, held_out):
        raise ValueError(f"{len(training)} training and {len(held_out)} held-out rows are too few for a regressor")
    lower = _fit_lower(training)
    model, below, given = np.array(scores), np.zeros(len(held_out)), np.array([row.score for row in held_out])
    for question, places in _places(held_out).items():
        below[places] = lower.lexical(question, [held_out[place].marked.answer.text for place in places])
    weights = _set_weights(held_out)
    unseen = np.zeros(len(given))
    for fold in _folds(held_out):
        blend = _blend(model[~fold], below[~fold], given[~fold], weights[~fold])
        unseen[fold] = _sum(blend, model[fold], below[fold])
    blend = _blend(model, below, given, weights)
    stack = replace(lower, blend=np.asarray(blend, dtype=np.float32))
    return Fitted(stack, len(given), _rmse(model, given, weights), _rmse(unseen, given, weights))


def stacked_scores(stack: Stack, rows: Sequence[Example], scores: Sequence[float]) -> list[float]:
    """(rows,) the model's scores of rows of any questions -> (rows,) stacked ones, in [0, 1]."""
    found = [0.0] * len(rows)
    for question, places in _places(rows).items():
        texts = [rows[place].marked.answer.text for place in places]
        for place, score in zip(places, stack.apply(question, texts, [scores[at] for at in places]), strict=True):
            found[place] = score
    return found


def stacked_error(stack: Stack, rows: Sequence[Example], scores: Sequence[float]) -> float:
    """RMSE of stacked scores on marked rows, sets weighted as in `fit_stack`; comparable with `Fitted.rmse`."""
    given = np.array([row.score for row in rows])
    return _rmse(np.array(stacked_scores(stack, rows, scores)), given, _set_weights(rows))


def _fit_lower(training: Sequence[Example]) -> Stack:
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import Ridge

    texts = [row.marked.answer.text for row in training]
    counts = document_counts(texts)
    found = np.zeros((len(training), len(FEATURES)))
    places = _places(training)
    for question, there in places.items():
        found[there] = features(question, [texts[place] for place in there], counts)
    centre, spread = found.mean(0).astype(np.float32), (found.std(0) + 1e-6).astype(np.float32)
    overlap = csr_matrix(_standard(found, centre, spread) * _FEATURE_WEIGHT)
    rows = hstack([overlap, ngrams(texts), _levels(training, places)], format="csr")
    given = np.array([row.score for row in training])
    ridge = Ridge(_PENALTY, solver="sparse_cg", tol=1e-5, fit_intercept=False)
    ridge.fit(rows, given, sample_weight=_set_weights(training))
    slopes, words = ridge.coef_[: len(FEATURES)] * _FEATURE_WEIGHT, ridge.coef_[len(FEATURES) :][:NGRAMS]
    none = np.zeros(3, dtype=np.float32)
    return Stack(counts, centre, spread, slopes.astype(np.float32), words.astype(np.float32), none)


def _levels(rows: Sequence[Example], places: Mapping[Question, Sequence[int]]) -> csr_matrix:
    from scipy.sparse import csr_matrix

    column = np.zeros(len(rows), dtype=int)
    for number, there in enumerate(places.values()):
        column[list(there)] = number
    return csr_matrix((np.full(len(rows), _LEVEL), (np.arange(len(rows)), column)), shape=(len(rows), len(places)))


def _blend(
    model: NDArray[np.float64],
    below: NDArray[np.float64],
    given: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(3,) least squares on the model's error, shrunk towards leaving the model's score as it is."""
    columns = np.stack([model, below, np.ones(len(model))], axis=1)
    penalty = _TRUST * np.diag([float(np.var(model)), float(np.var(below)), 0.0])
    weighted = columns * weights[:, None]
    change = np.linalg.solve(columns.T @ weighted + penalty + 1e-9 * np.eye(3), weighted.T @ (given - model))
    return np.asarray(change + np.array([1.0, 0.0, 0.0]))


def _sum(blend: NDArray[np.float64], model: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(blend[0] * model + blend[1] * below + blend[2], 0.0, 1.0)


def _folds(rows: Sequence[Example]) -> list[NDArray[np.bool_]]:
    """Masks that together hold each row once: whole questions where there are several, otherwise every eighth row."""
    groups = list(group_by_question(rows))
    number = {key: place for place, key in enumerate(groups)}
    folds = min(_FOLDS, len(groups)) if len(groups) > 2 else _FOLDS
    keys = [number[row.question.id] if len(groups) > 2 else place for place, row in enumerate(rows)]
    masks = [np.array([key % folds == fold for key in keys]) for fold in range(folds)]
    return [mask for mask in masks if mask.any() and not mask.all()]


def _set_weights(rows: Sequence[Example]) -> NDArray[np.float64]:
    """(rows,) weights that add up to the number of rows and give sets an equal say by the root of their size."""
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row.group] = sizes.get(row.group, 0) + 1
    weights = np.array([sizes[row.group] ** -0.5 for row in rows])
    return np.asarray(weights * len(rows) / weights.sum())


def _places(rows: Sequence[Example]) -> dict[Question, list[int]]:
    places: dict[Question, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.question, []).append(place)
    return places


def _standard(
    found: NDArray[np.float64], centre: NDArray[np.float32], spread: NDArray[np.float32]
) -> NDArray[np.float64]:
    return np.clip((found - centre) / spread, -_FURTHEST, _FURTHEST)


def _rmse(found: NDArray[np.float64], given: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.average((found - given) ** 2, weights=weights)))
