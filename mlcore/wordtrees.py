"""Trees over the words of one question's answers (Geurts, Ernst and Wehenkel 2006): the other half of what is learned
where a question has many marks. They find the few words that carry the points, which a kernel sees only as a part of
all words. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.answers import ReadAnswer, overlaps
from mlcore.kernels import places_by_question

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_FOR_TREES = 20
_TREES = 80
# A word that only one marked answer has says nothing that can be tested.
_FEWEST_WITH_A_WORD = 2
_WORD = r"[^\W_]+"


@dataclass(frozen=True)
class TreeCorrections:
    """What trees would add to the model's scores; zeros where a question has too few marks.

    `left_out` (m,) is for the marked answers, each by the trees that were grown without it; `corrections` (n,) for the
    waiting ones.
    """

    left_out: NDArray[np.float64]
    corrections: NDArray[np.float64]


def tree_corrections(
    marked: Sequence[ReadAnswer], given: NDArray[np.float64], waiting: Sequence[ReadAnswer]
) -> TreeCorrections:
    """Grow trees for each question with at least FEWEST_FOR_TREES marks; the seed is fixed.

    Args:
        given: (m,) the teacher's marks of `marked`, in [0, 1].
    """
    left_out, corrections = np.zeros(len(marked)), np.zeros(len(waiting))
    wanted = places_by_question(waiting)
    for key, there in places_by_question(marked).items():
        if len(there) >= FEWEST_FOR_TREES:
            own, others = [marked[i] for i in there], [waiting[i] for i in wanted.get(key, ())]
            left_out[there], corrections[wanted.get(key, [])] = _one_question(own, given[there], others)
    return TreeCorrections(left_out, corrections)


def _one_question(
    marked: Sequence[ReadAnswer], given: NDArray[np.float64], waiting: Sequence[ReadAnswer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from sklearn.ensemble import ExtraTreesRegressor

    words = _vectorizer(marked)
    rows = _features(words, marked)
    tested = ExtraTreesRegressor(_TREES, max_features=0.2, bootstrap=True, oob_score=True, random_state=0)
    left_out = np.asarray(tested.fit(rows, given).oob_prediction_) - _scores(marked)
    if not waiting:
        return left_out, np.zeros(0)
    # Trees that have seen all marks are better than those that can be tested, so what is promised is kept.
    trees = ExtraTreesRegressor(_TREES, max_features=0.2, random_state=0).fit(rows, given)
    return left_out, np.asarray(trees.predict(_features(words, waiting))) - _scores(waiting)


def _vectorizer(marked: Sequence[ReadAnswer]) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(
        ngram_range=(1, 2), binary=True, token_pattern=_WORD, min_df=_FEWEST_WITH_A_WORD, dtype=np.float32
    )
    # A vocabulary has to have a word, even where no two answers share one.
    return vectorizer.fit([answer.text.lower() for answer in marked] + ["blank"] * _FEWEST_WITH_A_WORD)


def _features(words: Any, answers: Sequence[ReadAnswer]) -> NDArray[np.float32]:
    counts = words.transform([answer.text.lower() for answer in answers]).toarray()
    return np.hstack([counts, overlaps(answers), _scores(answers)[:, None]]).astype(np.float32)


def _scores(answers: Sequence[ReadAnswer]) -> NDArray[np.float64]:
    return np.array([answer.score for answer in answers], dtype=np.float64)
