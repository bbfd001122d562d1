"""What a training remembers of its questions: what the model's score was off by, from the answer's words. No torch.

A ridge regression for each question over its answers' words and pairs of words, with a level of its own, fitted on the
teacher's marks less the scores; few answers of one question cannot move a whole language model, but they can say which
of its words earn marks. How much of it is used is decided by the answers themselves, each left out in turn (the closed
form of ridge regression, Allen 1974). A question that the training did not see is left exactly as it is.

Words and questions are kept as hashes, so that nothing in the file spells a student's words.
"""

from __future__ import annotations

import hashlib
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.schemas import Example, Question

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Below so many answers there is nothing to judge by.
FEWEST_ANSWERS = 5
# More answers of one question say the same, and the regression solves a system of so many equations.
MOST_ANSWERS = 1000
_PENALTY = 1.0
_WORDS_WEIGHT = 2.0
# How many answers' worth it is believed beforehand that all of it is of use.
_CONFIDENCE = 10.0
# A memory of words is easier to fool than the model, so it never decides alone.
_MOST = 0.5
# What moves a score by less is not worth its place.
_LEAST_WEIGHT = 1e-3
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class _Remembered:
    """One question: what its level and each hashed word add to a score."""

    level: float
    words: dict[int, float]

    def correction(self, text: str) -> float:
        tokens = _tokens(text)
        # fsum is exact, so the order of the words has no say.
        words = math.fsum(self.words.get(token, 0.0) for token in tokens)
        return min(_MOST, max(-_MOST, self.level + words * _weight(tokens)))


class Memory:
    """What is remembered, by the hash of the question."""

    def __init__(self, questions: Mapping[int, _Remembered]) -> None:
        self.questions = dict(questions)

    def __len__(self) -> int:
        return len(self.questions)

    def apply(self, question: Question, texts: Sequence[str], scores: Sequence[float]) -> list[float]:
        """(rows,) scores in [0, 1] -> (rows,) scores in [0, 1]. A row depends on its own alone."""
        known = self.questions.get(_identity(question))
        if known is None:
            return list(scores)
        return [min(1.0, max(0.0, score + known.correction(text))) for text, score in zip(texts, scores, strict=True)]

    def over(self, older: Memory | None) -> Memory:
        """This memory, and what an older one knows of other questions."""
        return Memory({**(older.questions if older else {}), **self.questions})

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The memory as named arrays, for a safetensors file; see `of`."""
        order = sorted(self.questions)
        rows = [sorted(self.questions[key].words.items()) for key in order]
        return {
            "questions": np.array(order, dtype=np.int64),
            "levels": np.array([self.questions[key].level for key in order], dtype=np.float32),
            "ends": np.cumsum([len(row) for row in rows], dtype=np.int64),
            "words": np.array([word for row in rows for word, _ in row], dtype=np.int64),
            "weights": np.array([weight for row in rows for _, weight in row], dtype=np.float32),
        }

    @classmethod
    def of(cls, tensors: Mapping[str, Any]) -> Memory:
        """The memory from named arrays: q questions and levels, the place in `words` and `weights` where each ends.

        Raises:
            ValueError: an array is missing, or they do not fit together.
        """
        try:
            questions, levels, ends, words, weights = (np.asarray(tensors[name]) for name in _ARRAYS)
        except KeyError as error:
            raise ValueError(f"the memory's {error} is missing") from None
        starts = np.concatenate([[0], ends])
        sound = questions.shape == levels.shape == ends.shape and words.shape == weights.shape and words.ndim == 1
        if not sound or questions.ndim != 1 or (np.diff(starts) < 0).any() or starts[-1] != len(words):
            raise ValueError("the memory's arrays do not fit together")
        if not (np.isfinite(levels).all() and np.isfinite(weights).all()):
            raise ValueError("the memory holds numbers that are not finite")
        return cls(
            {
                int(key): _Remembered(
                    float(level),
                    {int(word): float(w) for word, w in zip(words[start:end], weights[start:end], strict=True)},
                )
                for key, level, start, end in zip(questions, levels, starts, ends, strict=False)
            }
        )


_ARRAYS = ("questions", "levels", "ends", "words", "weights")


@dataclass(frozen=True)
class Kept:
    """A memory and what it is worth: errors (RMSE on the 0-1 scale) on its own answers, each left out in turn."""

    memory: Memory
    answers: int
    rmse_without: float
    rmse: float

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "questions": len(self.memory),
            "rows": self.answers,
            "rmse_without": round(self.rmse_without, 4),
            "rmse": round(self.rmse, 4),
        }


def remember(rows: Sequence[Example], scores: Sequence[float]) -> Kept | None:
    """Fit a memory; None where no question has enough answers, or what they say helps none of them.

    Args:
        rows: marked answers.
        scores: (rows,) what the version gives them without a memory, in [0, 1].

    Raises:
        ValueError: there are not as many scores as rows.
    """
    if len(rows) != len(scores):
        raise ValueError(f"{len(rows)} rows have {len(scores)} scores")
    found: dict[int, _Remembered] = {}
    before: list[float] = []
    after: list[float] = []
    for key, places in _places(rows).items():
        texts = [rows[place].marked.answer.text for place in places]
        off = np.array([rows[place].score - scores[place] for place in places])
        fitted = _fit(texts, off)
        if fitted is not None:
            found[key], left_out = fitted
            before += off.tolist()
            after += (off - left_out).tolist()
    if not found:
        return None
    return Kept(Memory(found), len(before), _rms(before), _rms(after))


def _fit(texts: Sequence[str], off: NDArray[np.float64]) -> tuple[_Remembered, NDArray[np.float64]] | None:
    """One question's regression, and (n,) what it says of each answer when that is left out."""
    if len(texts) < FEWEST_ANSWERS:
        return None
    tokens = [_tokens(text) for text in texts]
    column = {token: place for place, token in enumerate(sorted(set().union(*tokens)))}
    table = np.zeros((len(texts), len(column) + 1))
    for place, own in enumerate(tokens):
        table[place, [column[token] for token in own]] = _weight(own)
    table[:, -1] = 1.0
    inverse = np.linalg.inv(table @ table.T + _PENALTY * np.eye(len(texts)))
    solved = inverse @ off
    left_out = off - solved / np.diag(inverse)
    share = _share(off, left_out)
    if share <= 0.0:
        return None
    weights = share * (table.T @ solved)
    words = {token: float(weights[at]) for token, at in column.items() if abs(weights[at]) >= _LEAST_WEIGHT}
    return _Remembered(float(weights[-1]), words), share * left_out


def _share(off: NDArray[np.float64], left_out: NDArray[np.float64]) -> float:
    """How much of a correction to use, 0 to 1: least squares on the left-out answers, as if _CONFIDENCE more of them
    had said all of it; nothing where the errors would have become larger."""
    doubt = _CONFIDENCE * float((left_out**2).mean())
    share = (float(off @ left_out) + doubt) / (float(left_out @ left_out) + doubt + 1e-12)
    share = min(1.0, max(0.0, share))
    worse = ((off - share * left_out) ** 2).sum() >= (off**2).sum()
    return 0.0 if worse else share


def _places(rows: Sequence[Example]) -> dict[int, list[int]]:
    """The rows of each question, the latest where there are too many; blank answers say nothing."""
    places: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        if row.marked.answer.text.strip():
            places.setdefault(_identity(row.question), []).append(place)
    return {key: there[-MOST_ANSWERS:] for key, there in places.items()}


def _identity(question: Question) -> int:
    """The same question in another assignment is the same; with another reference answer it is another."""
    text = "\0".join(" ".join(part.casefold().split()) for part in (question.text, question.reference_answer))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little", signed=True)


def _tokens(text: str) -> frozenset[int]:
    """Hashes of the words and of the pairs of words."""
    words = [word[:8] for word in _WORD.findall(text.lower())]
    return frozenset(zlib.crc32(token.encode()) for token in (*words, *map(" ".join, pairwise(words))))


def _weight(tokens: frozenset[int]) -> float:
    return float(_WORDS_WEIGHT / math.sqrt(max(1, len(tokens))))


def _rms(values: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
