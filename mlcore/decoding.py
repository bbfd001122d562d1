"""One token after the other for many rows, with keys and values that stay where they are.

A cache that grows by copying all of itself at every step costs more than the step. Here each row has a slot with room
for all that it will read and write; when its text ends, the slot goes to the next row: continuous batching (Yu et al.
2022, "Orca").
"""

from __future__ import annotations

import torch

from mlcore.blocks import Layers
from mlcore.model import Model
from mlcore.reading import Batch

# Tokens by which the room of all slots grows where one needs more.
_GROWTH = 64


class Decoder:
    """Rows that have read the same prefix and something of their own, and write on.

    Args:
        adapter, prefix: what they were read under, see `Batch`.
        slots: rows at a time.
    """

    def __init__(self, model: Model, adapter: str | None, prefix: Layers, slots: int) -> None:
        self._blocks, self._prefix = model.blocks(adapter), prefix
        keys = prefix[0][0]
        empty = keys.new_zeros(keys.shape[0], slots, 0, keys.shape[2])
        # (kv, slots, room, d) by layer.
        self.own: Layers = [(empty, empty) for _ in prefix]
        self.used = torch.zeros(slots, dtype=torch.long, device=keys.device)
        self.lengths = torch.zeros(slots, dtype=torch.long, device=keys.device)
        self.unseen = torch.ones(slots, 0, dtype=torch.bool, device=keys.device)

    def place(self, slot: int, batch: Batch, row: int) -> None:
        """Put a row into a slot; what was there is gone."""
        width = batch.seen.shape[1]
        self._grow(width)
        for (keys, values), (own_keys, own_values) in zip(self.own, batch.own, strict=True):
            keys[:, slot, :width], values[:, slot, :width] = own_keys[:, row], own_values[:, row]
        self.unseen[slot] = True
        self.unseen[slot, :width] = ~batch.seen[row]
        self.used[slot], self.lengths[slot] = width, batch.lengths[row]

    def free(self, slot: int) -> None:
        """A slot whose text has ended goes on without meaning until it is given away, and needs no room for that."""
        self.used[slot] = 0

    def keep(self, slots: list[int]) -> None:
        """Go on with these slots alone, renumbered from 0."""
        chosen = torch.tensor(slots, device=self.used.device)
        self.own = [(keys[:, chosen], values[:, chosen]) for keys, values in self.own]
        self.used, self.lengths, self.unseen = self.used[chosen], self.lengths[chosen], self.unseen[chosen]

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """Let each slot read one token more: (slots,) ids -> (slots, hidden) normalised states at it, float32."""
        slots = torch.arange(len(self.used), device=self.used.device)
        self._grow(int(self.used.max()) + 1)
        self.unseen[slots, self.used] = False
        used = self.used

        def keep(index: int, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            keys, values = self.own[index]
            keys[:, slots, used], values[:, slots, used] = key[:, :, 0], value[:, :, 0]
            return keys, values

        given = ids.to(self.used.device).unsqueeze(1)
        found = self._blocks.run(given, self.lengths.unsqueeze(1), self._prefix, self.unseen[:, None, None], keep)
        self.used, self.lengths = used + 1, self.lengths + 1
        return found.last.float()

    def _grow(self, width: int) -> None:
        """Room for so many tokens in every slot. Products read it whole: of a part they would make a copy first."""
        more = -(-(width - self.unseen.shape[1]) // _GROWTH) * _GROWTH
        if more <= 0:
            return
        self.own = [(_longer(keys, more), _longer(values, more)) for keys, values in self.own]
        self.unseen = torch.cat([self.unseen, self.unseen.new_ones(len(self.unseen), more)], 1)


def _longer(kept: torch.Tensor, more: int) -> torch.Tensor:
    kv, slots, _, size = kept.shape
    return torch.cat([kept, kept.new_zeros(kv, slots, more, size)], 2)
