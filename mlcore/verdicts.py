"""What a feedback says of an answer (correct, partially correct, incorrect), and whether its points say the same.

A small classifier of verdicts (TF-IDF of words and pairs of words, logistic regression) learns from the feedback that
teachers wrote. It errs by itself, so its own accuracy on questions that it has not seen stands beside every rate, and
so does the rate at which it finds fault with the teachers' own feedback. No torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlcore.schemas import Example

CORRECT, PARTIAL, INCORRECT = VERDICTS = ("correct", "partially correct", "incorrect")
# A feedback contradicts its points where the classifier is that sure of another verdict.
SURE = 0.8
_EDGE = 1e-6
_LEAST = 30
_WORD = r"[^\W_]+"
_FOLDS = 5


def verdict_of(score: float) -> str:
    """The verdict that a score in [0, 1] stands for: all points, none, or some."""
    return CORRECT if score >= 1 - _EDGE else INCORRECT if score <= _EDGE else PARTIAL


@dataclass(frozen=True)
class Verdicts:
    """A fitted classifier.

    Attributes:
        accuracy: its share of right verdicts on questions it was not fitted on, 0 to 1.
        learnt_from: distinct texts that it has learnt from.
    """

    model: Any
    accuracy: float
    learnt_from: int

    def shares(self, texts: Sequence[str]) -> np.ndarray:
        """(texts, 3) how sure it is of each of `VERDICTS`."""
        found = self.model.predict_proba(list(texts))
        columns = {name: place for place, name in enumerate(self.model.classes_)}
        return np.stack(
            [found[:, columns[name]] if name in columns else np.zeros(len(texts)) for name in VERDICTS], axis=1
        )

    def contradictions(self, texts: Sequence[str], scores: Sequence[float]) -> dict[str, float]:
        """How often texts say something else than their scores in [0, 1].

        Returns:
            {"contradiction_percent": the classifier is sure of another verdict, "opposite_percent": that verdict is
            correct instead of incorrect or the other way round, "disagreement_percent": its likeliest verdict is
            another one, sure or not}
        """
        shares = self.shares(texts)
        likeliest = [VERDICTS[place] for place in shares.argmax(axis=1)]
        given = [verdict_of(score) for score in scores]
        other = np.array([said != meant for said, meant in zip(likeliest, given, strict=True)])
        opposite = np.array(
            [{said, meant} == {CORRECT, INCORRECT} for said, meant in zip(likeliest, given, strict=True)]
        )
        sure = shares.max(axis=1) >= SURE
        return {
            "contradiction_percent": 100 * float(np.mean(other & sure)),
            "opposite_percent": 100 * float(np.mean(opposite & sure)),
            "disagreement_percent": 100 * float(np.mean(other)),
        }


def fit_verdicts(examples: Sequence[Example]) -> Verdicts | None:
    """A classifier fitted on the teachers' feedback; None where there is too little of it, or of one verdict only."""
    # A text that a teacher gave a hundred times teaches no more than one that was given once.
    known = sorted(
        {
            (example.marked.feedback.strip(), _label(example), example.question.id)
            for example in examples
            if example.marked.feedback and example.marked.feedback.strip()
        }
    )
    texts, labels = [text for text, _, _ in known], [label for _, label, _ in known]
    if len(texts) < _LEAST or len(set(labels)) < 2 or min(labels.count(name) for name in set(labels)) < 2:
        return None
    model = _pipeline().fit(texts, labels)
    return Verdicts(model, _accuracy(texts, labels, [question for _, _, question in known]), len(texts))


def _label(example: Example) -> str:
    label = example.label.strip().lower()
    return label if label in VERDICTS else verdict_of(example.score)


def _accuracy(texts: Sequence[str], labels: Sequence[str], questions: Sequence[str]) -> float:
    from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict

    several = len(set(questions)) >= _FOLDS
    folds = GroupKFold(_FOLDS) if several else StratifiedKFold(2, shuffle=True, random_state=0)
    said = cross_val_predict(_pipeline(), list(texts), list(labels), groups=list(questions), cv=folds)
    return float(np.mean([a == b for a, b in zip(said, labels, strict=True)]))


def _pipeline() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=_WORD)
    return make_pipeline(words, LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000, random_state=0))
