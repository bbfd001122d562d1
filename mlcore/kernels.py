"""How alike two answers are, for what is learned from the teacher's marks: a sum of kernels. No torch.

Each part is one way to be wrong that the model's own score may have, with its variance on the scale from 0 to 1 as
known before any mark: a level of the question, a slope in the score, words and pieces of words, overlap with the
reference answer, and the model's embedding. Parts for one question are strong, parts across questions weak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.answers import ReadAnswer, overlaps
from mlcore.embedding import unpack

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Variances:
    """Prior variances; `own` within one question, `all` across questions."""

    level_own: float = 0.04
    level_all: float = 0.01
    slope_own: float = 0.1
    slope_all: float = 0.1
    text_own: float = 0.2
    text_all: float = 0.05
    overlap_own: float = 0.08
    overlap_all: float = 0.02
    embedding_own: float = 0.03
    embedding_all: float = 0.0


class Kernel:
    """The likeness of answers to marked ones. What it knows of words it knows from the marked answers alone, so that
    an answer's correction does not depend on which others wait beside it."""

    def __init__(self, marked: Sequence[ReadAnswer], variances: Variances) -> None:
        self._variances = variances
        self._words = _vectorizer()
        # A vocabulary has to have a piece, even where all answers are blank.
        words = self._words.fit_transform([*_texts(marked), "blank"])[:-1]
        self._centres = _centres(marked)
        self._spread = 1.0
        self._rows = self._parts(marked, words)
        self._spread = max(float((self._rows["embedding"] ** 2).sum(1).mean()), 1e-9)

    def within(self) -> NDArray[np.float64]:
        """(m, m) likeness of the marked answers to each other."""
        return self._between(self._rows)

    def to(self, answers: Sequence[ReadAnswer]) -> NDArray[np.float64]:
        """(n, m) likeness of answers to the marked ones."""
        return self._between(self._parts(answers, self._words.transform(_texts(answers))))

    def _parts(self, answers: Sequence[ReadAnswer], words: Any) -> dict[str, Any]:
        return {
            "question": np.array([answer.question_id for answer in answers], dtype=object),
            "score": np.array([answer.score for answer in answers]) - 0.5,
            "words": words,
            "overlap": overlaps(answers),
            "embedding": _centred(answers, self._centres),
        }

    def _between(self, rows: dict[str, Any]) -> NDArray[np.float64]:
        v, marked = self._variances, self._rows
        own = (rows["question"][:, None] == marked["question"][None, :]).astype(float)
        words = (rows["words"] @ marked["words"].T).toarray()
        # The square sees pairs of pieces, and lets answers count that are nearly the same.
        words = words + 0.75 * words**2
        slope = np.outer(rows["score"], marked["score"])
        overlap = _gaussian(rows["overlap"], marked["overlap"], 4.0)
        total = own * (v.level_own + v.slope_own * slope + v.text_own * words + v.overlap_own * overlap)
        total += v.level_all + v.slope_all * slope + v.text_all * words + v.overlap_all * overlap
        if rows["embedding"].shape[1] == marked["embedding"].shape[1] > 0:
            near = rows["embedding"] @ marked["embedding"].T / self._spread
            total += (own * v.embedding_own + v.embedding_all) * near
        return np.asarray(total)


def _vectorizer() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)


def _texts(answers: Sequence[ReadAnswer]) -> list[str]:
    return [answer.text.lower() for answer in answers]


def _gaussian(a: NDArray[np.float64], b: NDArray[np.float64], sharpness: float) -> NDArray[np.float64]:
    distance = ((a[:, None, :] - b[None, :, :]) ** 2).sum(-1)
    return np.asarray(np.exp(-sharpness * distance))


def _centres(marked: Sequence[ReadAnswer]) -> dict[str, NDArray[np.float64]]:
    """The mean embedding of each question's marked answers: what they share says nothing about their points."""
    rows, places = unpack([answer.embedding for answer in marked]), places_by_question(marked)
    return {key: rows[there].mean(0) for key, there in places.items()}


def _centred(answers: Sequence[ReadAnswer], centres: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Embeddings as they differ from their question's mean; zeros for a question that has none."""
    rows = unpack([answer.embedding for answer in answers])
    for key, there in places_by_question(answers).items():
        rows[there] = rows[there] - centres[key] if key in centres and rows.shape[1] == centres[key].size else 0.0
    return rows


def places_by_question(answers: Sequence[ReadAnswer]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, answer in enumerate(answers):
        places.setdefault(answer.question_id, []).append(place)
    return places
