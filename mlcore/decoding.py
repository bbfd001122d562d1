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


class Decoder:
    """Rows that have read the same prefix and something of their own, and write on.

    Args:
        adapter, prefix: what they were read under, see `Batch`.
        slots: rows at a time.
        room: tokens that a row may have beside the prefix, read and written.
    """

    def __init__(self, model: Model, adapter: str | None, prefix: Layers, slots: int, room: int) -> None:
        self._blocks, self._prefix = model.blocks(adapter), prefix
        keys = prefix[0][0]
        shape = (slots, keys.shape[0], room, keys.shape[2])
        self.own: Layers = [(keys.new_zeros(shape), keys.new_zeros(shape)) for _ in prefix]
        self.used = torch.zeros(slots, dtype=torch.long, device=keys.device)
        self.lengths = torch.zeros(slots, dtype=torch.long, device=keys.device)
        self.unseen = torch.ones(slots, room, dtype=torch.bool, device=keys.device)
        self._top = 0

    def place(self, slot: int, batch: Batch, row: int) -> None:
        """Put a row into a slot; what was there is gone."""
        width = batch.seen.shape[1]
        for (keys, values), (own_keys, own_values) in zip(self.own, batch.own, strict=True):
            keys[slot, :, :width], values[slot, :, :width] = own_keys[row], own_values[row]
        self.unseen[slot] = True
        self.unseen[slot, :width] = ~batch.seen[row]
        self.used[slot], self.lengths[slot] = width, batch.lengths[row]
        self._top = max(self._top, width)

    def keep(self, slots: list[int]) -> None:
        """Go on with these slots alone, renumbered from 0."""
        chosen = torch.tensor(slots, device=self.used.device)
        self.own = [(keys[chosen], values[chosen]) for keys, values in self.own]
        self.used, self.lengths, self.unseen = self.used[chosen], self.lengths[chosen], self.unseen[chosen]

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """Let each slot read one token more: (slots,) ids -> (slots, hidden) normalised states at it, float32."""
        slots = torch.arange(len(self.used), device=self.used.device)
        self.unseen[slots, self.used] = False
        self._top = max(self._top, int(self.used.max()) + 1)
        top, used = self._top, self.used

        def keep(index: int, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            keys, values = self.own[index]
            keys[slots, :, used], values[slots, :, used] = key[:, :, 0], value[:, :, 0]
            return keys[:, :, :top], values[:, :, :top]

        unseen = self.unseen[:, None, None, :top]
        given = ids.to(self.used.device).unsqueeze(1)
        found = self._blocks.run(given, self.lengths.unsqueeze(1), self._prefix, unseen, keep)
        # A slot whose text has ended goes on without meaning until it is given away.
        self.used, self.lengths = (used + 1).clamp(max=self.unseen.shape[1] - 1), self.lengths + 1
        return found.last.float()
