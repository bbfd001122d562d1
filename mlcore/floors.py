"""The cheap rivals: what a model must beat before it is worth loading. No torch.

Each is fitted on the marked rows that the model had too, and predicts the rows that it is measured on:

    training_mean     the mean score of all training rows, for every answer
    question_mean     the mean of the question's own training rows; the training mean for a question without any
    ridge             TF-IDF of the answer's words, question and overlap with the reference, ridge regression
    nearest_feedback  the feedback of the most similar training answer, of the same question where there is one
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.schemas import Example, group_by_question

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

Floor = Callable[[Sequence[Example], Sequence[Example]], "NDArray[np.float64]"]

_WORD = re.compile(r"[^\W_]+")
# A vocabulary has to have a word, even where all answers are blank or consist of signs.
_NEVER_EMPTY = ["blank", "blank"]
_ALPHAS = (0.3, 1.0, 3.0, 10.0)


def training_mean(train: Sequence[Example], test: Sequence[Example]) -> NDArray[np.float64]:
    """The mean training score for every row of `test`; (rows,) in [0, 1]."""
    return np.full(len(test), _scores(train).mean())


def question_mean(train: Sequence[Example], test: Sequence[Example]) -> NDArray[np.float64]:
    """The mean of the question's own training rows; the mean of all for a question that has none."""
    means = {key: _scores(rows).mean() for key, rows in group_by_question(train).items()}
    overall = _scores(train).mean()
    return np.array([means.get(example.question.id, overall) for example in test])


def ridge(train: Sequence[Example], test: Sequence[Example]) -> NDArray[np.float64]:
    """Ridge regression on words, question and overlap with the reference answer, clipped to [0, 1].

    The strength of the penalty is the best of four by cross-validation on the training rows alone. An unseen question
    has an empty one-hot column, so it is judged by its words and its overlap.
    """
    from sklearn.linear_model import Ridge

    scores = _scores(train)
    features = _Features(train)
    rows = features.of(train)
    model = Ridge(alpha=_best_alpha(rows, scores), solver="sparse_cg").fit(rows, scores)
    predicted: NDArray[np.float64] = np.clip(model.predict(features.of(test)), 0.0, 1.0)
    return predicted


def nearest_feedback(train: Sequence[Example], test: Sequence[Example]) -> list[str | None]:
    """For each row the feedback of the training answer that is most similar by TF-IDF; None where none has feedback."""
    known = [example for example in train if example.marked.feedback]
    if not known:
        return [None] * len(test)
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(token_pattern=_WORD.pattern, sublinear_tf=True)
    words.fit([_answer(example) for example in known] + _NEVER_EMPTY)
    vectors = words.transform([_answer(example) for example in known])
    queries = words.transform([_answer(example) for example in test])
    places: dict[str, list[int]] = {}
    for index, example in enumerate(known):
        places.setdefault(example.question.id, []).append(index)
    every = list(range(len(known)))
    nearest = []
    for row, example in enumerate(test):
        among = places.get(example.question.id, every)
        # One row at a time: the table of all pairs would grow with the square of a school's archive.
        similar = (queries[row] @ vectors[among].T).toarray()[0]
        nearest.append(known[among[int(np.argmax(similar))]].marked.feedback)
    return nearest


# In the order in which tables show them.
SCORE_FLOORS: dict[str, Floor] = {"training_mean": training_mean, "question_mean": question_mean, "ridge": ridge}


class _Features:
    """Sparse features of a row; words, questions and scales are those of the training rows."""

    def __init__(self, train: Sequence[Example]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        # Words that stand in one answer only teach nothing, except where there are hardly any answers.
        least = 2 if len(train) >= 50 else 1
        pattern = _WORD.pattern
        self._words = TfidfVectorizer(ngram_range=(1, 2), min_df=least, sublinear_tf=True, token_pattern=pattern)
        self._words.fit([_answer(example) for example in train] + _NEVER_EMPTY)
        self._questions = {key: index for index, key in enumerate(group_by_question(train))}
        overlaps = _overlaps(train)
        self._mean, self._spread = overlaps.mean(axis=0), overlaps.std(axis=0) + 1e-9

    def of(self, examples: Sequence[Example]) -> csr_matrix:
        """(rows, words + questions + overlaps)"""
        from scipy.sparse import csr_matrix, hstack

        words = self._words.transform([_answer(example) for example in examples])
        overlaps = csr_matrix((_overlaps(examples) - self._mean) / self._spread / 2)
        return hstack([words, self._one_hot(examples), overlaps], format="csr")

    def _one_hot(self, examples: Sequence[Example]) -> csr_matrix:
        from scipy.sparse import csr_matrix

        known = [(row, self._questions.get(example.question.id)) for row, example in enumerate(examples)]
        cells = [(row, column) for row, column in known if column is not None]
        rows, columns = zip(*cells, strict=True) if cells else ((), ())
        return csr_matrix((np.ones(len(cells)), (rows, columns)), shape=(len(examples), len(self._questions)))


def _overlaps(examples: Sequence[Example]) -> NDArray[np.float64]:
    """(rows, 5): share of the reference's words in the answer and the other way round, both for words that are not in
    the question; share of the answer's words that are the question's; the logarithm of the answer's length."""
    rows = []
    for example in examples:
        answer, asked = _words(example.marked.answer.text), _words(example.question.text)
        reference = _words(example.question.reference_answer)
        shared, own = answer & reference, (answer & reference) - asked
        rows.append(
            [
                len(shared) / max(len(reference), 1),
                len(shared) / max(len(answer), 1),
                len(own) / max(len(reference - asked), 1),
                len(answer & asked) / max(len(answer), 1),
                np.log1p(len(example.marked.answer.text)),
            ]
        )
    return np.array(rows, dtype=np.float64)


def _best_alpha(rows: csr_matrix, scores: NDArray[np.float64]) -> float:
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold, cross_val_score

    if len(scores) < 20:
        return 1.0
    folds = KFold(4, shuffle=True, random_state=0)

    def error(alpha: float) -> Any:
        model = Ridge(alpha=alpha, solver="sparse_cg")
        return -cross_val_score(model, rows, scores, cv=folds, scoring="neg_mean_squared_error").mean()

    return min(_ALPHAS, key=error)


def _scores(examples: Sequence[Example]) -> NDArray[np.float64]:
    if not examples:
        raise ValueError("a floor needs at least one marked training row")
    return np.array([example.score for example in examples])


def _answer(example: Example) -> str:
    return example.marked.answer.text.lower()


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))
