"""One token after the other for a batch of rows, with keys and values that stay where they are.

transformers' cache grows by copying all of it at every step, and repeats keys and values for each group of heads. Here
what the rows share (the prefix) is kept once and read by all rows in one product, what is a row's own has its place
from the start, and heads that share keys use them as they are: cascade decoding (Juravsky et al. 2024, "Hydragen";
Ye et al. 2024, "Cascade Inference") without the separate kernels, which a CPU does not have.
"""

from __future__ import annotations

import torch
from torch.nn import functional
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from mlcore.model import Model
from mlcore.reading import Batch


class Decoder:
    """b rows that have read something and write on, at most `most` tokens each.

    Args:
        batch: what they have read; it is not changed.
    """

    def __init__(self, model: Model, batch: Batch, most: int) -> None:
        self.backbone = model.backbone
        shared, own = batch.shared, batch.layers[0][0].shape[2] - batch.shared
        rows = batch.seen.shape[0]
        self.used, self.lengths = own, batch.lengths.clone()
        self.unseen = torch.ones(rows, own + most, dtype=torch.bool, device=model.device)
        self.unseen[:, :own] = ~batch.seen[:, shared:]
        # (kv, p, d) of the prefix, and (b, kv, own + most, d) of each row, for keys and values of every layer.
        self.prefix = [
            (key[0, :, :shared].contiguous(), value[0, :, :shared].contiguous()) for key, value in batch.layers
        ]
        self.own = [(_room(key, shared, most), _room(value, shared, most)) for key, value in batch.layers]

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """Let each row read one token more: (b,) ids -> (b, hidden) normalised states at it, float32."""
        hidden = self.backbone.embed_tokens(ids.to(self.lengths.device).unsqueeze(1))
        turn = self.backbone.rotary_emb(hidden, self.lengths.unsqueeze(1))
        self.unseen[:, self.used] = False
        self.used += 1
        self.lengths += 1
        for index, layer in enumerate(self.backbone.layers):
            hidden = hidden + self._attend(index, layer.self_attn, layer.input_layernorm(hidden), turn)
            hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
        return self.backbone.norm(hidden)[:, 0].float()

    def _attend(
        self, index: int, attention: torch.nn.Module, hidden: torch.Tensor, turn: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """(b, 1, hidden) -> (b, 1, hidden): attention of one token to the prefix and to its row."""
        rows, size = hidden.shape[0], attention.head_dim
        split = (rows, 1, -1, size)
        query, key, value = (
            project(hidden).view(split).transpose(1, 2)
            for project in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        query, key = apply_rotary_pos_emb(query, key, *turn)
        own_keys, own_values = (kept[:, :, : self.used] for kept in self.own[index])
        own_keys[:, :, -1:], own_values[:, :, -1:] = key, value
        kv = key.shape[1]
        query = query.reshape(rows, kv, -1, size) * attention.scaling
        groups = query.shape[2]
        keys, values = self.prefix[index]
        # All rows' heads of one kv head meet its prefix in one product: (kv, b * g, d) x (kv, d, p).
        together = query.transpose(0, 1).reshape(kv, rows * groups, size)
        near = (query @ own_keys.transpose(2, 3)).masked_fill(
            self.unseen[:, None, None, : self.used], torch.finfo(query.dtype).min
        )
        far = (together @ keys.transpose(1, 2)).view(kv, rows, groups, -1).transpose(0, 1)
        weights = functional.softmax(torch.cat([far, near], -1), -1, dtype=torch.float32).to(query.dtype)
        of_far, of_near = weights.split([keys.shape[1], self.used], -1)
        found = (of_far.transpose(0, 1).reshape(kv, rows * groups, -1) @ values).view(kv, rows, groups, size)
        mixed = found.transpose(0, 1) + of_near @ own_values
        return attention.o_proj(mixed.reshape(rows, 1, -1))


def _room(kept: torch.Tensor, shared: int, most: int) -> torch.Tensor:
    """(b, kv, t, d) -> (b, kv, t - shared + most, d): a row's own, with place for what it writes."""
    own = kept[:, :, shared:]
    room = kept.new_zeros(own.shape[0], own.shape[1], own.shape[2] + most, own.shape[3])
    room[:, :, : own.shape[2]] = own
    return room
