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
    on_text: Callable[[int], None] = lambda done: None,
) -> list[list[int]]:
    """Let rows write on, each until its end token or its most; where one ends, the next one waiting takes its place.

    Args:
        ready: batches that have read the same prefix, asked for when their rows are next.
        end: the token that ends a text.
        slots: how many rows write at a time.
        on_text: called with the number of texts done so far, after each; may raise to stop.

    Returns:
        For each row the ids that it wrote, without the end token, in the order in which they came.
    """
    waiting = _rows(ready)
    texts: list[_Text] = []
    holds: list[_Text | None] = [None] * slots
    decoder, states = None, None
    done = 0
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
                done += 1
                on_text(done)
        if any(holds):
            states = decoder.step(torch.tensor(chosen))
    return [text.ids for text in texts]


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
