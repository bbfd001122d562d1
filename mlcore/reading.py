"""Reading answers in batches of one fixed shape behind a prefix that is computed once.

Shapes never depend on which answers share a batch: a batch always has the same number of rows (idle ones are filled
up), and a row's length is a multiple of 32 that its own answer decides. In float32 on a CPU an answer's numbers are
then the same whatever stands beside it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import DynamicCache

from mlcore.model import Model

BUCKET = 32
Layers = list[tuple[torch.Tensor, torch.Tensor]]


@dataclass
class Batch:
    """b rows in the middle of being read.

    Attributes:
        layers: keys and values of every layer, (b, key-value heads, t, d) each.
        seen: (b, t) bool, which of the t places hold a token of the row.
        lengths: (b,) tokens of the row so far, the prefix included: the next token's position.
        shared: how many of the first places are the same for all rows.
    """

    layers: Layers
    seen: torch.Tensor
    lengths: torch.Tensor
    shared: int = 0

    def fork(self) -> Batch:
        """The same state to go on from in another direction; what is read next is not seen by the original."""
        return Batch(list(self.layers), self.seen, self.lengths, self.shared)


class PrefixCache:
    """Keys and values of the last few prefixes, the least recently used dropped first."""

    def __init__(self, most: int = 8) -> None:
        self.most = most
        self._kept: OrderedDict[tuple[str | None, tuple[int, ...]], Layers] = OrderedDict()

    def get(self, model: Model, adapter: str | None, ids: Sequence[int]) -> Layers:
        """The prefix under an adapter: (1, key-value heads, p, d) per layer; computed where it is not kept."""
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


def begin(layers: Layers, rows: int) -> Batch:
    """A batch of that many rows that have read a prefix and nothing else."""
    device, length = layers[0][0].device, layers[0][0].shape[2]
    return Batch(
        layers=[(key.expand(rows, -1, -1, -1), value.expand(rows, -1, -1, -1)) for key, value in layers],
        seen=torch.ones(rows, length, dtype=torch.bool, device=device),
        lengths=torch.full((rows,), length, device=device),
        shared=length,
    )


def bucket(length: int) -> int:
    """The padded length of a row with so many tokens."""
    return max(BUCKET, -(-length // BUCKET) * BUCKET)


def pad_rows(rows: Sequence[Sequence[int]], count: int, width: int, pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of ids as (count, width) and their lengths (count,); idle rows repeat the last one."""
    filled = [*rows, *[rows[-1]] * (count - len(rows))]
    ids = torch.full((count, width), pad)
    for index, row in enumerate(filled):
        ids[index, : len(row)] = torch.tensor(list(row), dtype=torch.long)
    return ids, torch.tensor([len(row) for row in filled])


def read(
    model: Model, batch: Batch, ids: torch.Tensor, lengths: torch.Tensor, *, halfway: bool = False
) -> torch.Tensor:
    """Let each row read its tokens under the adapter that is active; `batch` is moved on.

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
    fresh = places < lengths.unsqueeze(1)
    own = torch.ones(width, width, dtype=torch.bool, device=model.device).tril()
    mask = torch.cat([batch.seen.unsqueeze(1).expand(-1, width, -1), own.expand(rows, -1, -1)], 2)
    cache = DynamicCache()
    for index, (key, value) in enumerate(batch.layers):
        cache.update(key, value, index)
    output = model.hidden(
        ids,
        attention_mask=mask.unsqueeze(1),
        position_ids=batch.lengths.unsqueeze(1) + places,
        past_key_values=cache,
        use_cache=True,
        output_hidden_states=halfway,
    )
    batch.layers = _layers(cache)
    batch.seen = torch.cat([batch.seen, fresh], 1)
    batch.lengths = batch.lengths + lengths
    last = torch.arange(rows, device=model.device), (lengths - 1).clamp(min=0)
    if not halfway:
        return output.last_hidden_state[last].float()
    # All layers are looked at: what a layer halfway has understood tells answers apart better than the last one's
    # states, which say little but the score.
    return torch.stack(
        [output.last_hidden_state[last], output.hidden_states[len(output.hidden_states) // 2][last]]
    ).float()


def _prefix(model: Model, adapter: str | None, ids: Sequence[int]) -> Layers:
    cache = DynamicCache()
    with model.using(adapter):
        model.hidden(torch.tensor([list(ids)], device=model.device), past_key_values=cache, use_cache=True)
    return _layers(cache)


def _layers(cache: DynamicCache) -> Layers:
    return [(layer.keys, layer.values) for layer in cache.layers]
