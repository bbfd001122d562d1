"""Linear layers that read the same input, with what an adapter adds to each of them.

The adapter's low-rank products stand beside the base's unmerged, so that switching costs nothing and the base stays as
it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from peft.tuners.lora import LoraLayer
from torch import nn
from torch.nn import functional

from mlcore.packed import PackedLinear, packed, product

# (n, in) -> (n, out) for each of the layers.
Products = Callable[[torch.Tensor], Sequence[torch.Tensor]]


def products(layers: Sequence[nn.Module], adapter: str | None) -> Products:
    """The layers' products under an adapter, or bare, in the way that suits how their weights lie."""
    if all(isinstance(_base(layer), PackedLinear) for layer in layers):
        return _Packed(layers, adapter)
    return _Fused(layers, adapter)


class _Packed:
    """One product each: packed weights gain nothing from a common one. What the adapter adds is an addend of it."""

    def __init__(self, layers: Sequence[nn.Module], adapter: str | None) -> None:
        self.bases = [_base(layer) for layer in layers]
        lows = [_low(layer, adapter) for layer in layers]
        self.dtype = self.bases[0].weight.dtype
        self.ranks = [0 if low is None else len(low[0]) for low in lows]
        self.ups = [None if low is None else packed(low[1], self.dtype) for low in lows]
        downs = [low[0] for low in lows if low is not None]
        self.down = packed(torch.cat(downs), self.dtype) if downs else None

    def __call__(self, given: torch.Tensor) -> list[torch.Tensor]:
        given = given.to(self.dtype)
        if self.down is None:
            return [base.product(given) for base in self.bases]
        low = product(given, self.down).split(self.ranks, -1)
        beside = [None if up is None else product(part, up) for part, up in zip(low, self.ups, strict=True)]
        return [base.product(given, part) for base, part in zip(self.bases, beside, strict=True)]


def _base(layer: nn.Module) -> nn.Module:
    return layer.base_layer if isinstance(layer, LoraLayer) else layer


def _low(layer: nn.Module, adapter: str | None) -> tuple[torch.Tensor, torch.Tensor] | None:
    """An adapter's (r, in) and (out, r), scaled; None where it leaves the layer alone."""
    if adapter is None or not isinstance(layer, LoraLayer) or adapter not in layer.lora_A:
        return None
    up = layer.lora_B[adapter].weight.detach() * layer.scaling[adapter]
    return layer.lora_A[adapter].weight.detach(), up


class _Fused:
    """As one product where the weights are plain numbers."""

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
            found = functional.linear(given.to(self.weight.dtype), self.weight, self.bias)
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
