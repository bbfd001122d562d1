"""What an answer's words say beside the model's score: overlap with the reference answer, and the words. No torch.

Words are cut to their first letters, which makes one word of most of its forms in English, German and their relatives.
They are counted and weighted by hash, so that nothing that is kept of them spells a student's word.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mlcore.schemas import Question

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"[.;!?\n]")
_STEM_LETTERS = 5
_PIECE_LETTERS = 4
_NEGATIONS = frozenset(
    word[:_STEM_LETTERS] for word in ("not", "no", "never", "without", "none", "nicht", "kein", "nie", "ohne")
)
COUNTS = 2**14
NGRAMS = 2**16
FEATURES = (
    "share of the reference's words, by rarity",
    "share of its own words that are the reference's",
    "the same by rarity",
    "share of the reference's words beyond the question's",
    "the same by rarity",
    "share of its words that are the question's",
    "share of its words that are new",
    "share of the reference's pairs of words",
    "share of its pairs of words that are the reference's",
    "share of the reference's pieces of words",
    "share of its pieces of words that are the reference's",
    "best covered sentence of the reference",
    "worst covered sentence of the reference",
    "sentences of the reference on average",
    "its length",
    "variety of its words",
    "whether it negates",
    "share of the reference's numbers",
    "rarity of its words",
)


def document_counts(texts: Iterable[str]) -> NDArray[np.float32]:
    """(COUNTS,) in how many of the texts each hashed word stands; the last place counts the texts."""
    counts, total = np.zeros(COUNTS, dtype=np.float32), 0
    for text in texts:
        total += 1
        for place in {_place(stem) for stem in _stems(text)}:
            counts[place] += 1
    counts[-1] = total
    return counts


def ngrams(texts: Sequence[str]) -> csr_matrix:
    """(rows, NGRAMS) hashed words and pairs of words, each row of length 1."""
    from sklearn.feature_extraction.text import HashingVectorizer

    pattern = _WORD.pattern
    return HashingVectorizer(n_features=NGRAMS, ngram_range=(1, 2), token_pattern=pattern).transform(texts)


def features(question: Question, texts: Sequence[str], counts: NDArray[np.float32]) -> NDArray[np.float64]:
    """(rows, len(FEATURES)) of answers to one question; each row depends on its own text alone."""
    asked = frozenset(_stems(question.text))
    reference = _Reference.of(question.reference_answer)
    rarity = _Rarity(counts)
    rows = [_row(text, asked, reference, rarity) for text in texts]
    return np.array(rows, dtype=np.float64).reshape(len(texts), len(FEATURES))


@dataclass(frozen=True)
class _Reference:
    words: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    pieces: Counter[str]
    sentences: tuple[frozenset[str], ...]
    numbers: frozenset[str]

    @classmethod
    def of(cls, text: str) -> _Reference:
        stems = _stems(text)
        sentences = tuple(frozenset(_stems(part)) for part in _SENTENCE_END.split(text))
        numbers = frozenset(word for word in stems if word.isdigit())
        return cls(frozenset(stems), _pairs(stems), _pieces(text), tuple(filter(None, sentences)), numbers)


class _Rarity:
    """The weight of words: the logarithm of how few of the training answers have them."""

    def __init__(self, counts: NDArray[np.float32]) -> None:
        self._weights = np.log((counts[-1] + 1.0) / (counts + 0.5))

    def __call__(self, words: Iterable[str]) -> float:
        # In a fixed order: a sum of floats must not depend on how a set happens to be laid out.
        return float(sum(self._weights[_place(word)] for word in sorted(words)))


def _row(text: str, asked: frozenset[str], reference: _Reference, rarity: _Rarity) -> list[float]:
    stems = _stems(text)
    words, pairs, pieces = frozenset(stems), _pairs(stems), _pieces(text)
    shared = words & reference.words
    own, beyond = shared - asked, reference.words - asked
    common_pieces = sum((pieces & reference.pieces).values())
    common_pairs = len(pairs & reference.pairs)
    covered = [_share(rarity(words & sentence), rarity(sentence)) for sentence in reference.sentences] or [0.0]
    has_numbers = _share(len(words & reference.numbers), len(reference.numbers)) if reference.numbers else -1.0
    weight = rarity(words)
    return [
        _share(rarity(shared), rarity(reference.words)),
        _share(len(shared), len(words)),
        _share(rarity(shared), weight),
        _share(len(own), len(beyond)),
        _share(rarity(own), rarity(beyond)),
        _share(len(words & asked), len(words)),
        _share(rarity(words - asked - reference.words), weight),
        _share(common_pairs, len(reference.pairs)),
        _share(common_pairs, len(pairs)),
        _share(common_pieces, reference.pieces.total()),
        _share(common_pieces, pieces.total()),
        max(covered),
        min(covered),
        sum(covered) / len(covered),
        float(np.log1p(len(stems))),
        _share(len(words), len(stems)),
        float(bool(words & _NEGATIONS)),
        has_numbers,
        _share(weight, len(words)),
    ]


def _share(part: float, whole: float) -> float:
    return part / max(whole, 1.0)


def _stems(text: str) -> list[str]:
    return [word[:_STEM_LETTERS] for word in _WORD.findall(text.lower())]


def _pairs(stems: Sequence[str]) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(stems))


def _pieces(text: str) -> Counter[str]:
    lowered = text.lower()
    return Counter(lowered[i : i + _PIECE_LETTERS] for i in range(len(lowered) - _PIECE_LETTERS + 1))


@lru_cache(maxsize=100_000)
def _place(stem: str) -> int:
    # The last place holds the number of texts.
    return zlib.crc32(stem.encode()) % (COUNTS - 1)
