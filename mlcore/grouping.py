"""Answers that say the same, found without marks: groups to mark at once, near pairs, the nearest marked. No torch.

How alike two answers are is the cosine of their TF-IDF vectors of letter sequences, which forgives typing errors and
endings in any language. Where a model version has read the answers its embeddings have half the say: less their mean,
as the states of one model all point in about the same direction.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from mlcore.embedding import unpack

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Above this, two answers are nearly the same; members of a group are on average at least ALIKE to each other.
SAME = 0.85
ALIKE = 0.45
_WORD = re.compile(r"[^\W_]+")


class Kind(StrEnum):
    """What holds a group together. SINGLE is an answer like no other."""

    SAME = "same"
    SIMILAR = "similar"
    BLANK = "blank"
    OFF_TOPIC = "off_topic"
    SINGLE = "single"


@dataclass(frozen=True)
class Group:
    """Rows that belong together, the most typical first."""

    kind: Kind
    members: tuple[int, ...]


def likeness(texts: Sequence[str], embeddings: Sequence[bytes] = ()) -> NDArray[np.float64]:
    """How alike the answers are: (rows, rows), symmetric, each 0 to 1, with ones on the diagonal.

    Args:
        embeddings: as `mlcore.embedding.pack` makes them, of one model version, one for each text; empty to go by the
            words alone, which also happens as soon as one is missing.

    Raises:
        ValueError: the embeddings come from different models, or are not as many as the texts.
    """
    if embeddings and len(embeddings) != len(texts):
        raise ValueError(f"{len(embeddings)} embeddings do not go with {len(texts)} texts")
    words = [" ".join(_WORD.findall(text.casefold())) for text in texts]
    result = _by_letters(words)
    if embeddings and all(embeddings):
        result = (result + _by_embedding(embeddings)) / 2
    # Equal words are equal answers, whatever rounding says.
    codes = np.unique(words, return_inverse=True)[1] if words else np.zeros(0, dtype=int)
    result[codes[:, None] == codes[None, :]] = 1.0
    return np.clip((result + result.T) / 2, 0.0, 1.0)


def _by_letters(words: Sequence[str]) -> NDArray[np.float64]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(words):
        return np.zeros((len(words), len(words)))
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True).fit_transform(words)
    return np.asarray((vectors @ vectors.T).toarray(), dtype=np.float64)


def _by_embedding(embeddings: Sequence[bytes]) -> NDArray[np.float64]:
    vectors = unpack(embeddings)
    vectors = vectors - vectors.mean(axis=0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(lengths > 0, lengths, 1.0)
    return np.clip(vectors @ vectors.T, 0.0, 1.0)


def group_answers(
    texts: Sequence[str],
    *,
    embeddings: Sequence[bytes] = (),
    blank: Collection[int] = (),
    off_topic: Collection[int] = (),
) -> list[Group]:
    """Group the answers to one question: average-linkage clustering, the same for the same answers in the same order.

    Args:
        blank: rows that count as no answer beside those without a word.
        off_topic: rows that a check found to be about something else.

    Returns:
        Every row in one group. The largest groups come first and single answers after them; blank and off-topic ones,
        each in a group of their own, come last.
    """
    empty = [row for row, text in enumerate(texts) if row in blank or not _WORD.search(text)]
    stray = [row for row in range(len(texts)) if row in off_topic and row not in set(empty)]
    rest = [row for row in range(len(texts)) if row not in {*empty, *stray}]
    groups = _clusters(rest, [texts[row] for row in rest], [embeddings[row] for row in rest] if embeddings else ())
    groups += [Group(kind, tuple(rows)) for kind, rows in ((Kind.BLANK, empty), (Kind.OFF_TOPIC, stray)) if rows]
    return groups


def _clusters(rows: Sequence[int], texts: Sequence[str], embeddings: Sequence[bytes]) -> list[Group]:
    if len(rows) < 2:
        return [Group(Kind.SINGLE, (row,)) for row in rows]
    from sklearn.cluster import AgglomerativeClustering

    alike = likeness(texts, embeddings)
    clustering = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=1 - ALIKE
    )
    labels = clustering.fit_predict(1 - alike)
    found = [_group(np.flatnonzero(labels == label), alike, rows) for label in np.unique(labels)]
    return sorted(found, key=lambda group: (-len(group.members), min(group.members)))


def _group(places: NDArray[np.intp], alike: NDArray[np.float64], rows: Sequence[int]) -> Group:
    inside = alike[np.ix_(places, places)]
    order = sorted(range(len(places)), key=lambda place: (-round(float(inside[place].mean()), 9), place))
    kind = Kind.SINGLE if len(places) == 1 else Kind.SAME if inside.min() >= SAME else Kind.SIMILAR
    return Group(kind, tuple(rows[places[place]] for place in order))


def near_pairs(alike: NDArray[np.float64], least: float = SAME) -> list[tuple[int, int]]:
    """The pairs of rows that are at least so much alike, the most alike first."""
    first, second = np.nonzero(np.triu(alike >= least, k=1))
    pairs = zip(first.tolist(), second.tolist(), strict=True)
    return sorted(pairs, key=lambda pair: (-alike[pair], pair))


def nearest(alike: Sequence[float] | NDArray[np.float64], most: int = 3, least: float = 0.2) -> list[int]:
    """The rows that are most like an answer, given how alike each is to it; none that is less so than `least`."""
    order = sorted(range(len(alike)), key=lambda row: (-float(alike[row]), row))
    return [row for row in order if alike[row] >= least][:most]
