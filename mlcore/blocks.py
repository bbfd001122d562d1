"""A LLaMA's blocks computed for marking: few products, and what all rows share read once.

What reads the same input is one product (queries, keys and values; gate and up), an adapter's low-rank products stand
beside it unmerged, so that switching costs nothing and the base stays as it is. Only real tokens go through products:
padding is there for attention alone. The keys and values of the prefix are
kept once for all rows and met by all of them in one product: cascade attention (Juravsky et al. 2024, "Hydragen"; Ye et
al. 2024, "Cascade Inference") without the separate kernels, which a CPU does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import nn
from torch.nn import functional
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

# Keys and values by layer.
Layers = list[tuple[torch.Tensor, torch.Tensor]]
# Takes a layer's number and its new keys and values (b, kv, w, d); gives all of the rows' own (b, kv, t, d).
Keep = Callable[[int, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
# The products see a multiple of so many rows.
_EVEN = 32


class Blocks:
    """The blocks of one backbone under one adapter, or bare.

    Args:
        backbone: a LLaMA without its language-model head; its weights are laid out anew, with the same values.
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
        self.together = _Product((attention.q_proj, attention.k_proj, attention.v_proj), adapter)
        self.out = _Product((attention.o_proj,), adapter)
        self.wide = _Product((mlp.gate_proj, mlp.up_proj), adapter)
        self.narrow = _Product((mlp.down_proj,), adapter)

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
        query, key = apply_rotary_pos_emb(query, key, *turn, unsqueeze_dim=2)
        query, key, value = (pack.spread(part[0]).transpose(1, 2) for part in (query * self.scaling, key, value))
        keys, values = keep(index, key, value)
        found = attend(query, keys, values, prefix, unseen)
        hidden = hidden + self.out(pack.of(found.transpose(1, 2)).reshape(len(hidden), -1))[0]
        gate, up = self.wide(self.after(hidden))
        return hidden + self.narrow(self.act(gate) * up)[0]


def attend(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    prefix: tuple[torch.Tensor, torch.Tensor] | None,
    unseen: torch.Tensor,
) -> torch.Tensor:
    """(b, heads, w, d): attention of b rows' tokens to a prefix that they share and to their own tokens.

    Args:
        query: (b, heads, w, d), scaled.
        keys, values: (b, kv, t, d); heads / kv queries in a row share each of them.
        prefix: (kv, p, d) keys and values.
        unseen: (b, 1, w, t) bool.
    """
    rows, heads, width, size = query.shape
    kv = keys.shape[1]
    grouped = query.reshape(rows, kv, heads // kv, width, size)
    near = (grouped.reshape(rows, kv, -1, size) @ keys.transpose(2, 3)).view(rows, heads, width, -1)
    near = near.masked_fill(unseen, torch.finfo(near.dtype).min)
    if prefix is None:
        weights = functional.softmax(near, -1, dtype=torch.float32).to(query.dtype)
        return (weights.view(rows, kv, -1, weights.shape[-1]) @ values).view(rows, heads, width, size)
    # All rows' heads of one kv head meet its prefix in one product: (kv, b * g * w, d) x (kv, d, p).
    together = grouped.transpose(0, 1).reshape(kv, -1, size)
    far = (together @ prefix[0].transpose(1, 2)).view(kv, rows, -1, prefix[0].shape[1]).transpose(0, 1)
    both = torch.cat([far, near.view(rows, kv, -1, near.shape[-1])], -1)
    weights = functional.softmax(both, -1, dtype=torch.float32).to(query.dtype)
    of_far, of_near = weights.split([far.shape[-1], near.shape[-1]], -1)
    found = (of_far.transpose(0, 1).reshape(kv, -1, far.shape[-1]) @ prefix[1]).view(kv, rows, -1, size).transpose(0, 1)
    return (found + of_near @ values).reshape(rows, heads, width, size)


class _Product:
    """Linear layers that read the same input, as one product where their weights are plain numbers."""

    def __init__(self, layers: Sequence[nn.Module], adapter: str | None) -> None:
        self.bases = [layer.base_layer if isinstance(layer, LoraLayer) else layer for layer in layers]
        self.sizes = [base.out_features for base in self.bases]
        self.weight, self.bias = _fused(self.bases)
        self.low: list[tuple[int, int, torch.Tensor]] = []
        self.down: torch.Tensor | None = None
        adapted = [
            (place, layer)
            for place, layer in enumerate(layers)
            if adapter is not None and isinstance(layer, LoraLayer) and adapter in layer.lora_A
        ]
        if adapted:
            self.down = torch.cat([layer.lora_A[adapter].weight.detach() for _, layer in adapted])
            for place, layer in adapted:
                up = (layer.lora_B[adapter].weight.detach() * layer.scaling[adapter]).t().contiguous()
                self.low.append((sum(self.sizes[:place]), self.sizes[place], up))

    def __call__(self, given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(n, in) -> (n, out) for each of the layers."""
        if self.weight is None:
            found = torch.cat([base(given) for base in self.bases], -1)
        else:
            found = functional.linear(given, self.weight, self.bias)
        if self.down is not None:
            low = functional.linear(given.to(self.down.dtype), self.down)
            start = 0
            for place, size, up in self.low:
                part = low[:, start : start + up.shape[0]]
                start += up.shape[0]
                if part.dtype == found.dtype:
                    found[:, place : place + size].addmm_(part, up)
                else:
                    found[:, place : place + size] += (part @ up).to(found.dtype)
        return found.split(self.sizes, -1)


def _fused(bases: Sequence[nn.Module]) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """One weight and bias of layers with plain weights, which become views of it; None where they are packed."""
    if any(type(base) is not nn.Linear for base in bases):
        return None, None
    weights = [base.weight for base in bases]
    fused = _whole(weights)
    if fused is None:
        fused = torch.cat([weight.detach() for weight in weights])
        for weight, part in zip(weights, fused.split([weight.shape[0] for weight in weights]), strict=True):
            weight.data = part
    if bases[0].bias is None:
        return fused, None
    return fused, torch.cat([base.bias.detach() for base in bases])


def _whole(weights: Sequence[torch.Tensor]) -> torch.Tensor | None:
    """The tensor whose rows these weights are, one after the other; None where they are not."""
    if len(weights) == 1:
        return weights[0].detach()
    first, at = weights[0], weights[0].data_ptr()
    for weight in weights:
        if weight.data_ptr() != at or not weight.is_contiguous() or weight.dtype != first.dtype:
            return None
        at += weight.numel() * weight.element_size()
    rows = sum(weight.shape[0] for weight in weights)
    if first.untyped_storage().data_ptr() != weights[-1].untyped_storage().data_ptr():
        return None
    return first.detach().as_strided((rows, first.shape[1]), (first.shape[1], 1), first.storage_offset())
