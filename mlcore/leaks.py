"""Long passages of other people's answers in what a model wrote: nobody is to read them in their feedback. No torch.

A model that was fine-tuned on answers can repeat one. A run of `WORDS` words in a row that stands in somebody else's
answer and not in what the reader knows (their own answer, the question) is no chance; the sentence with it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Shorter runs are turns of phrase that a class has from its book.
WORDS = 12
_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")

Runs = frozenset[int]


def runs_of(texts: Iterable[str], words: int = WORDS) -> Runs:
    """Every run of so many words in these texts, as numbers that mean something within this process only."""
    found: set[int] = set()
    for text in texts:
        found.update(_runs(text, words))
    return frozenset(found)


def without_passages(text: str, others: Runs, known: Runs, words: int = WORDS) -> str:
    """The text without the sentences that share a run with `others` that is not in `known`; "" where none is left.

    A passage that runs over several sentences takes all of them along.
    """
    foreign = others - known
    if not foreign.intersection(_runs(text, words)):
        return text
    sentences = _SENTENCE.split(text)
    lengths = [len(_WORD.findall(sentence)) for sentence in sentences]
    bad = {place + step for place, run in enumerate(_runs(text, words)) if run in foreign for step in range(words)}
    kept, start = [], 0
    for sentence, length in zip(sentences, lengths, strict=True):
        if bad.isdisjoint(range(start, start + length)):
            kept.append(sentence)
        start += length
    return " ".join(kept)


def _runs(text: str, words: int) -> list[int]:
    said = [word.casefold() for word in _WORD.findall(text)]
    return [hash(tuple(said[i : i + words])) for i in range(len(said) - words + 1)]
