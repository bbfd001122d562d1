"""Attention for packs: answers share the keys and values of their prefix, and never look at each other.

As one dense masked matrix this costs (prefix + all answers)² and is mostly masked; computed in two rectangles, prefix
to itself and each answer to prefix and itself, it costs a third of that for long answers and a fifth for short ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

NAME = "marginalia_shared_prefix"


@dataclass(frozen=True)
class Layout:
    """Where the answers of a pack lie. n answers, the longest of length l, prefix of length p, t tokens in all.

    Attributes:
        prefix: p.
        gather: (n, l) index in the pack of each answer's tokens; 0 beyond an answer's end.
        valid: (n, l) bool, False beyond an answer's end.
        mask: (n, 1, l, p + l) bool, True where a token of an answer (row) may attend.
    """

    prefix: int
    gather: torch.Tensor
    valid: torch.Tensor
    mask: torch.Tensor

    def to(self, device: torch.device) -> Layout:
        """The same layout on a device."""
        return Layout(self.prefix, self.gather.to(device), self.valid.to(device), self.mask.to(device))


def make_layout(prefix: int, lengths: list[int]) -> Layout:
    """The layout of a pack whose answers have these lengths, one after the other behind the prefix."""
    longest = max(lengths)
    sizes = torch.tensor(lengths)
    starts = prefix + torch.cumsum(sizes, 0) - sizes
    places = torch.arange(longest)
    valid = places < sizes.unsqueeze(1)
    gather = (starts.unsqueeze(1) + places).where(valid, torch.zeros((), dtype=torch.long))
    own = torch.ones(longest, longest, dtype=torch.bool).tril()
    # What lies beyond an answer's end may attend too: no row may be empty, and what it yields is thrown away.
    mask = torch.cat([torch.ones(longest, prefix, dtype=torch.bool), own], 1)
    return Layout(prefix, gather, valid, mask.expand(len(lengths), 1, longest, prefix + longest))


def shared_prefix_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    layout: Layout | None = None,
    **unused: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of one pack; the interface is that of transformers' attention functions.

    query: (1, heads, t, d); key, value: (1, key-value heads, t, d). Returns (1, t, heads, d).
    """
    if layout is None:
        raise ValueError("packs attend by their layout, and none was given")
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    p = layout.prefix
    first = scaled_dot_product_attention(
        query[:, :, :p], key[:, :, :p], value[:, :, :p], is_causal=True, scale=scaling, dropout_p=dropout
    )
    answers = scaled_dot_product_attention(
        _rows(query, layout),
        _with_prefix(key, layout),
        _with_prefix(value, layout),
        attn_mask=layout.mask,
        scale=scaling,
        dropout_p=dropout,
    )
    bodies = answers.transpose(1, 2)[layout.valid]
    return torch.cat([first[0].transpose(0, 1), bodies]).unsqueeze(0), None


@contextmanager
def shared_prefix(config: Any) -> Iterator[None]:
    """Let a model with this configuration attend by packs' layouts for a while."""
    before = config._attn_implementation  # noqa: SLF001 (transformers has no public name for it)
    config._attn_implementation = NAME  # noqa: SLF001 (transformers has no public name for it)
    try:
        yield
    finally:
        config._attn_implementation = before  # noqa: SLF001 (transformers has no public name for it)


def _rows(states: torch.Tensor, layout: Layout) -> torch.Tensor:
    """(1, heads, t, d) -> (n, heads, l, d)."""
    return states[0][:, layout.gather].transpose(0, 1)


def _with_prefix(states: torch.Tensor, layout: Layout) -> torch.Tensor:
    """(1, heads, t, d) -> (n, heads, p + l, d): the prefix, then the answer's own."""
    prefix = states[:, :, : layout.prefix].expand(layout.gather.shape[0], -1, -1, -1)
    return torch.cat([prefix, _rows(states, layout)], 2)


AttentionInterface.register(NAME, shared_prefix_attention)
