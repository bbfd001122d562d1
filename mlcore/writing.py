"""Writing feedback: greedy, many texts at a time, ending at a sentence and never in a loop."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from mlcore.decoding import Decoder
from mlcore.model import Model
from mlcore.reading import Batch

# Texts that are written at a time: more are hardly faster on a CPU.
SLOTS = 32
# No run of so many tokens is written twice.
_NO_REPEAT = 5
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*(?=\s|$)")
# Of the most that a text may be, before any was seen to end; and how far a text is at most while it has not ended.
_USUAL_SHARE = 0.6
_NEARLY = 0.95

OnStep = Callable[[Sequence[float], Sequence[float]], None]


@dataclass(frozen=True)
class Ready:
    """A batch whose rows are about to write.

    Attributes:
        states: (b, hidden) states at each row's last token.
        most: tokens that each of them may write.
    """

    batch: Batch
    states: torch.Tensor
    most: int


@dataclass
class _Text:
    """One row on its way: what it has written, and which token came after each run of it."""

    most: int
    ids: list[int] = field(default_factory=list)
    after: dict[tuple[int, ...], set[int]] = field(default_factory=lambda: defaultdict(set))

    @property
    def share(self) -> float:
        """How long it is, of the most that it may be."""
        return len(self.ids) / self.most

    def forbidden(self) -> set[int]:
        """Tokens that would complete a run that was written before (Paulus et al. 2017)."""
        return self.after.get(tuple(self.ids[1 - _NO_REPEAT :]), set()) if len(self.ids) >= _NO_REPEAT else set()

    def add(self, token: int) -> None:
        if len(self.ids) >= _NO_REPEAT - 1:
            self.after[tuple(self.ids[1 - _NO_REPEAT :])].add(token)
        self.ids.append(token)


def write(
    model: Model,
    ready: Iterator[Ready],
    end: int,
    slots: int,
    on_step: OnStep = lambda ended, under_way: None,
) -> list[list[int]]:
    """Let rows write on, each until its end token or its most; where one ends, the next one waiting takes its place.

    Args:
        ready: batches that have read the same prefix, asked for when their rows are next.
        end: the token that ends a text.
        slots: how many rows write at a time.
        on_step: called after each token of theirs with how long the texts are, as shares of the most that they may
            be: those that ended, and those that are under way; may raise to stop.

    Returns:
        For each row the ids that it wrote, without the end token, in the order in which they came.
    """
    waiting = _rows(ready)
    texts: list[_Text] = []
    holds: list[_Text | None] = [None] * slots
    ended: list[float] = []
    decoder, states = None, None
    while True:
        for slot in [slot for slot, text in enumerate(holds) if text is None]:
            if (found := next(waiting, None)) is None:
                break
            batch, row, state, most = found
            if decoder is None or states is None:
                decoder = Decoder(model, batch.adapter, batch.prefix, slots)
                states = state.new_zeros(slots, len(state))
            decoder.place(slot, batch, row)
            states[slot] = state
            holds[slot] = _Text(most)
            texts.append(holds[slot])  # type: ignore[arg-type]  # it was put there just now
        if decoder is None or states is None or not any(holds):
            break
        busy = [slot for slot, text in enumerate(holds) if text is not None]
        if 2 * len(busy) <= len(holds):
            # Nobody waits, or there would be no free slot.
            decoder.keep(busy)
            holds, states = [holds[slot] for slot in busy], states[busy]
        # No run of tokens that a row has written before is completed.
        chosen = model.likeliest(states, [text.forbidden() if text else () for text in holds])
        for slot, text in enumerate(holds):
            if text is None:
                continue
            if chosen[slot] != end:
                text.add(chosen[slot])
            if chosen[slot] == end or len(text.ids) >= text.most:
                holds[slot] = None
                decoder.free(slot)
                ended.append(text.share)
        on_step(ended, [text.share for text in holds if text])
        if any(holds):
            states = decoder.step(torch.tensor(chosen))
    return [text.ids for text in texts]


class Lengths:
    """How long texts usually get, learnt from those that ended: how far one is can only be guessed from that."""

    def __init__(self) -> None:
        self._usual = _USUAL_SHARE

    def learn(self, ended: Sequence[float]) -> None:
        """Heed the lengths of texts, as shares of the most that they might have been."""
        if ended:
            self._usual = max(0.01, (self._usual + sum(ended) / len(ended)) / 2)

    def written(self, ended: Sequence[float], under_way: Sequence[float]) -> float:
        """The number of texts that are written, counting those under way in parts."""
        return len(ended) + sum(min(_NEARLY, share / self._usual) for share in under_way)


def _rows(ready: Iterator[Ready]) -> Iterator[tuple[Batch, int, torch.Tensor, int]]:
    for found in ready:
        for row, state in enumerate(found.states):
            yield found.batch, row, state, found.most


def tidy(text: str) -> str:
    """What a student may read: whole sentences on one paragraph's terms, without what was broken off.

    A text without the end of any sentence is kept and closed with an ellipsis.
    """
    text = " ".join(text.replace("\ufffd", " ").split())
    if not text:
        return ""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    if not ends:
        return text if len(text) < 4 else text.rstrip(",;:- ") + "…"
    sentences = _without_echo([text[a:b].strip() for a, b in zip([0, *ends[:-1]], ends, strict=True)])
    return " ".join(sentences)


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """Ids as text, without special tokens."""
    return str(tokenizer.decode(list(ids), skip_special_tokens=True))


def _without_echo(sentences: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for sentence in sentences:
        if sentence.lower() not in {known.lower() for known in kept}:
            kept.append(sentence)
    return kept
