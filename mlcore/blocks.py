"""A LLaMA's blocks computed for marking: few products, and what all rows share read once.

Only real tokens go through products (`mlcore.products`): padding is there for attention alone. The keys and values of
the prefix are kept once for all rows and met by all of them in one product: cascade attention (Juravsky et al. 2024,
"Hydragen"; Ye et al. 2024, "Cascade Inference") without the separate kernels, which a CPU does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from mlcore.products import products

# Keys and values by layer.
Layers = list[tuple[torch.Tensor, torch.Tensor]]
# Takes a layer's number and its new keys and values (kv, b, w, d); gives all of the rows' own (kv, b, t, d).
Keep = Callable[[int, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
# The products see a multiple of so many rows.
_EVEN = 32


class Blocks:
    """The blocks of one backbone under one adapter, or bare.

    Args:
        backbone: a LLaMA without its language-model head; plain weights are laid out anew, with the same values.
        adapter: the name of an attached adapter.
    """

    def __init__(self, backbone: Any, adapter: str | None) -> None:
        self._backbone = backbone
        self._blocks = [_Block(layer, adapter) for layer in backbone.layers]

    def run(
        self,
        ids: torch.Tensor,
        places: torch.Tensor,
        prefix: Layers | None,
        unseen: torch.Tensor,
        keep: Keep,
        real: torch.Tensor | None = None,
    ) -> Read:
        """Let b rows read w tokens each.

        Args:
            ids: (b, w) token ids.
            places: (b, w) their positions.
            prefix: keys and values of what all rows have read first, (kv, p, d) each.
            unseen: (b, 1, w, t) bool, which of its row's own t places a token must not see, these tokens included.
            keep: see `Keep`.
            real: (b, w) bool, which of them are tokens and not padding; all where it is not given.
        """
        pack = _Pack(ids.shape, real)
        hidden = self._backbone.embed_tokens(pack.of(ids))
        turn = self._backbone.rotary_emb(hidden.unsqueeze(0), position_ids=pack.of(places).unsqueeze(0))
        halfway, half = hidden, (len(self._blocks) + 1) // 2
        for index, block in enumerate(self._blocks):
            hidden = block(index, hidden, turn, pack, prefix[index] if prefix else None, unseen, keep)
            if index + 1 == half:
                halfway = hidden
        last = self._backbone.norm(hidden)
        return Read(last, last if half == len(self._blocks) else halfway, pack)


class _Pack:
    """Which of (b, w) places are real, and where they lie among the n rows that the products see.

    A product's row has the same bits in a product of any number of rows but for very few (measured, and tested on the
    device at hand); _EVEN keeps clear of those.
    """

    def __init__(self, shape: torch.Size, real: torch.Tensor | None) -> None:
        self.rows, self.width = shape
        self.places: torch.Tensor | None = None
        if real is None:
            return
        places = real.flatten().nonzero().squeeze(1)
        # A place that comes twice gets the same value twice.
        self.places = torch.cat([places, places[:1].expand(-len(places) % _EVEN)])

    def of(self, whole: torch.Tensor) -> torch.Tensor:
        """(b, w, …) -> (n, …)."""
        flat = whole.reshape(self.rows * self.width, *whole.shape[2:])
        return flat if self.places is None else flat[self.places]

    def spread(self, packed: torch.Tensor) -> torch.Tensor:
        """(n, …) -> (b, w, …), 0 where nothing is."""
        if self.places is None:
            return packed.view(self.rows, self.width, *packed.shape[1:])
        whole = packed.new_zeros(self.rows * self.width, *packed.shape[1:])
        whole[self.places] = packed
        return whole.view(self.rows, self.width, *packed.shape[1:])


@dataclass(frozen=True)
class Read:
    """What came of reading: normalised states of the last layer and those of the layer halfway, of real tokens."""

    last: torch.Tensor
    halfway: torch.Tensor
    pack: _Pack

    def at(self, places: torch.Tensor, *, halfway: bool = False) -> torch.Tensor:
        """(b,) a place in each row -> (b, hidden) the states there, float32."""
        states = self.pack.spread(self.halfway if halfway else self.last)
        return states[torch.arange(len(states), device=states.device), places].float()


class _Block:
    def __init__(self, layer: Any, adapter: str | None) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.before, self.after, self.act = layer.input_layernorm, layer.post_attention_layernorm, mlp.act_fn
        self.size, self.scaling = attention.head_dim, attention.scaling
        self.together = products((attention.q_proj, attention.k_proj, attention.v_proj), adapter)
        self.out = products((attention.o_proj,), adapter)
        self.wide = products((mlp.gate_proj, mlp.up_proj), adapter)
        self.narrow = products((mlp.down_proj,), adapter)

    def __call__(
        self,
        index: int,
        hidden: torch.Tensor,
        turn: tuple[torch.Tensor, torch.Tensor],
        pack: _Pack,
        prefix: tuple[torch.Tensor, torch.Tensor] | None,
        unseen: torch.Tensor,
        keep: Keep,
    ) -> torch.Tensor:
        query, key, value = (part.view(1, len(hidden), -1, self.size) for part in self.together(self.before(hidden)))
        turn = (turn[0].to(query.dtype), turn[1].to(query.dtype))
        query, key = apply_rotary_pos_emb(query, key, *turn, unsqueeze_dim=2)
        query, key, value = (pack.spread(part[0]) for part in (query * self.scaling, key, value))
        keys, values = keep(index, *(part.permute(2, 0, 1, 3) for part in (key, value)))
        found = attend(query, keys, values, prefix, unseen)
        hidden = hidden + self.out(pack.of(found).reshape(len(hidden), -1))[0]
        gate, up = self.wide(self.after(hidden))
        return hidden + self.narrow(self.act(gate) * up)[0]


def attend(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    prefix: tuple[torch.Tensor, torch.Tensor] | None,
    unseen: torch.Tensor,
) -> torch.Tensor:
    """(b, w, heads, d): attention of b rows' tokens to a prefix that they share and to their own tokens.

    Args:
        query: (b, w, heads, d), scaled.
        keys, values: (kv, b, t, d); heads / kv queries in a row share each of them.
        prefix: (kv, p, d) keys and values.
        unseen: (b, 1, w, t) bool.
    """
    rows, width, heads, size = query.shape
    kv, own = keys.shape[0], keys.shape[2]
    shared = heads // kv
    # All queries of one kv head lie together: they meet its prefix in one product, (kv, b * g * w, d) x (kv, d, p).
    grouped = query.reshape(rows, width, kv, shared, size).permute(2, 0, 3, 1, 4).reshape(kv, -1, size)
    by_row = grouped.reshape(kv * rows, -1, size)
    scores = torch.bmm(by_row, keys.reshape(kv * rows, own, size).transpose(1, 2)).view(kv, rows, shared, width, own)
    scores = scores.masked_fill_(unseen, torch.finfo(scores.dtype).min).view(kv, -1, own)
    before = prefix[0].shape[1] if prefix else 0
    if prefix:
        scores = torch.cat([torch.bmm(grouped, prefix[0].transpose(1, 2)), scores], -1)
    weights = functional.softmax(scores, -1)
    of_own = weights.view(kv * rows, -1, before + own)[..., before:]
    found = torch.bmm(of_own, values.reshape(kv * rows, own, size)).view(kv, -1, size)
    if prefix:
        found = found.baddbmm_(weights[..., :before], prefix[1])
    return found.view(kv, rows, shared, width, size).permute(1, 3, 0, 2, 4).reshape(rows, width, heads, size)
