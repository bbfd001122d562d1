"""Reading answers in batches behind a prefix that is computed once.

In float32 an answer's numbers are the same to the bit whatever stands beside it: what it attends to has a length that
its own answer decides (a multiple of 32), and a product's row does not depend on how many rows there are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from mlcore.blocks import Layers
from mlcore.model import Model

BUCKET = 32


@dataclass
class Batch:
    """b rows in the middle of being read, under one adapter.

    Attributes:
        adapter: its name, or None for the bare backbone.
        prefix: keys and values of what all rows have read first, (kv, p, d) by layer.
        own: the same of what each row has read since, (kv, b, t, d) by layer; empty before the first token.
        seen: (b, t) bool, which of these t places hold a token of the row.
        lengths: (b,) tokens of the row so far, the prefix included: the next token's position.
    """

    adapter: str | None
    prefix: Layers
    own: Layers
    seen: torch.Tensor
    lengths: torch.Tensor

    def fork(self) -> Batch:
        """The same state to go on from in another direction; what is read next is not seen by the original."""
        return replace(self, own=list(self.own))


class PrefixCache:
    """Keys and values of the last few prefixes, the least recently used dropped first."""

    def __init__(self, most: int = 8) -> None:
        self.most = most
        self._kept: OrderedDict[tuple[str | None, tuple[int, ...]], Layers] = OrderedDict()

    def get(self, model: Model, adapter: str | None, ids: Sequence[int]) -> Layers:
        """The prefix under an adapter: (kv, p, d) by layer; computed where it is not kept."""
        key = (adapter, tuple(ids))
        if key not in self._kept:
            self._kept[key] = _prefix(model, adapter, ids)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def forget(self, adapter: str) -> None:
        """Drop what was computed under an adapter that is no longer attached."""
        for key in [key for key in self._kept if key[0] == adapter]:
            del self._kept[key]


def begin(adapter: str | None, prefix: Layers, rows: int) -> Batch:
    """A batch of that many rows that have read a prefix and nothing else."""
    keys = prefix[0][0]
    return Batch(
        adapter=adapter,
        prefix=prefix,
        own=[],
        seen=torch.ones(rows, 0, dtype=torch.bool, device=keys.device),
        lengths=torch.full((rows,), keys.shape[1], device=keys.device),
    )


def bucket(length: int) -> int:
    """The padded length of a row with so many tokens."""
    return max(BUCKET, -(-length // BUCKET) * BUCKET)


def pad_rows(rows: Sequence[Sequence[int]], width: int, pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of ids as (rows, width) and their lengths (rows,)."""
    ids = torch.full((len(rows), width), pad)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(list(row), dtype=torch.long)
    return ids, torch.tensor([len(row) for row in rows])


def read(
    model: Model, batch: Batch, ids: torch.Tensor, lengths: torch.Tensor, *, halfway: bool = False
) -> torch.Tensor:
    """Let each row read its tokens; `batch` is moved on.

    Args:
        ids: (b, w) token ids, padded on the right.
        lengths: (b,) how many of them each row has, 1 to w.
        halfway: also give the states of the layer in the middle.

    Returns:
        (b, hidden) normalised hidden states at each row's last token, float32; with `halfway` (2, b, hidden), those of
        the middle layer second.
    """
    ids, lengths = ids.to(model.device), lengths.to(model.device)
    rows, width = ids.shape
    places = torch.arange(width, device=model.device)
    later = torch.ones(width, width, dtype=torch.bool, device=model.device).triu(1)
    unseen = torch.cat([~batch.seen.unsqueeze(1).expand(-1, width, -1), later.expand(rows, -1, -1)], 2).unsqueeze(1)
    before, kept = batch.own, []

    def keep(index: int, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if before:
            key, value = torch.cat([before[index][0], key], 2), torch.cat([before[index][1], value], 2)
        else:
            key, value = key.contiguous(), value.contiguous()
        kept.append((key, value))
        return key, value

    positions, real = batch.lengths.unsqueeze(1) + places, places < lengths.unsqueeze(1)
    found = model.blocks(batch.adapter).run(ids, positions, batch.prefix, unseen, keep, real)
    batch.own = kept
    batch.seen = torch.cat([batch.seen, real], 1)
    batch.lengths = batch.lengths + lengths
    last = (lengths - 1).clamp(min=0)
    if not halfway:
        return found.at(last)
    # All layers are looked at: what a layer halfway has understood tells answers apart better than the last one's
    # states, which say little but the score.
    return torch.stack([found.at(last), found.at(last, halfway=True)])


def _prefix(model: Model, adapter: str | None, ids: Sequence[int]) -> Layers:
    width = len(ids)
    later = torch.ones(1, 1, width, width, dtype=torch.bool, device=model.device).triu(1)
    kept: Layers = []

    def keep(index: int, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        kept.append((key[:, 0].contiguous(), value[:, 0].contiguous()))
        return key, value

    places = torch.arange(width, device=model.device).unsqueeze(0)
    model.blocks(adapter).run(torch.tensor([list(ids)], device=model.device), places, None, later, keep)
    return kept
