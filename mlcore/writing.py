"""Writing feedback: greedy, in batches over the cache, ending at a sentence and never in a loop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch

from mlcore.decoding import Decoder
from mlcore.model import Model
from mlcore.reading import Batch

# No run of so many tokens is written twice.
_NO_REPEAT = 5
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*(?=\s|$)")


def write(model: Model, batch: Batch, states: torch.Tensor, end: int, most: int, rows: int) -> list[list[int]]:
    """Let rows write on, each until its end token, at most `most` tokens.

    Args:
        states: (b, hidden) states at each row's last token.
        end: the token that ends a text.
        rows: how many of the b rows are real; the idle ones are not waited for.

    Returns:
        For each real row the ids that it wrote, without the end token.
    """
    written: list[list[int]] = [[] for _ in range(len(states))]
    finished = [index >= rows for index in range(len(states))]
    decoder = Decoder(model, batch, most)
    for _ in range(most):
        logits = model.vocabulary(states.to(model.base.model.get_output_embeddings().weight.dtype)).float()
        _forbid_repeats(logits, written)
        chosen = logits.argmax(-1).tolist()
        for index, token in enumerate(chosen):
            if token == end:
                finished[index] = True
            elif not finished[index]:
                written[index].append(token)
        if all(finished):
            break
        states = decoder.step(torch.tensor(chosen))
    return written[:rows]


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


def _forbid_repeats(logits: torch.Tensor, written: Sequence[Sequence[int]]) -> None:
    """Take from each row the tokens that would complete a run it has written before (Paulus et al. 2017)."""
    for row, ids in enumerate(written):
        if len(ids) < _NO_REPEAT:
            continue
        tail = tuple(ids[-(_NO_REPEAT - 1) :])
        for start in range(len(ids) - _NO_REPEAT + 1):
            if tuple(ids[start : start + _NO_REPEAT - 1]) == tail:
                logits[row, ids[start + _NO_REPEAT - 1]] = float("-inf")


def _without_echo(sentences: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for sentence in sentences:
        if sentence.lower() not in {known.lower() for known in kept}:
            kept.append(sentence)
    return kept
