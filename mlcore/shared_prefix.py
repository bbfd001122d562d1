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

    Written out in products, because the fused kernels of the CPU spend most of a training step on these small masked
    rectangles; and one product serves all answers, so that the prefix's keys and values are never copied.

    Raises:
        ValueError: there is no layout.
        NotImplementedError: dropout inside attention; LLaMA-family models have none.
    """
    if layout is None:
        raise ValueError("packs attend by their layout, and none was given")
    if dropout:
        raise NotImplementedError("attention of packs has no dropout")
    query = query * (scaling if scaling is not None else query.shape[-1] ** -0.5)
    first = _attend_prefix(query, key, value, layout.prefix)
    return torch.cat([first, _attend_answers(query, key, value, layout)]).unsqueeze(0), None


def _attend_prefix(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, prefix: int) -> torch.Tensor:
    """(p, heads, d): what the prefix reads in itself."""
    groups = query.shape[1] // key.shape[1]
    queries = query[0, :, :prefix]
    keys, values = (states[0, :, :prefix].repeat_interleave(groups, 0) for states in (key, value))
    later = torch.ones(prefix, prefix, dtype=torch.bool, device=query.device).triu(1)
    scores = torch.matmul(queries, keys.transpose(1, 2)).masked_fill(later, float("-inf"))
    return torch.matmul(_softmax(scores, values), values).transpose(0, 1)


def _attend_answers(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layout: Layout) -> torch.Tensor:
    """(tokens of all answers, heads, d): what each answer reads in the prefix and in itself up to its own token.

    g heads share a key-value head (k of them); n answers, the longest of length l; rows are (g, l) of one answer.
    """
    p, (n, longest) = layout.prefix, layout.gather.shape
    heads, width = query.shape[1], query.shape[-1]
    k, g = key.shape[1], heads // key.shape[1]
    queries = _rows(query, layout).reshape(n, k, g * longest, width)
    keys, values = _rows(key, layout), _rows(value, layout)
    together = queries.transpose(0, 1).reshape(k, n * g * longest, width)
    far = torch.matmul(together, key[0, :, :p].transpose(1, 2))
    near = torch.matmul(queries, keys.transpose(2, 3)).reshape(n, k, g, longest, longest)
    near = near.masked_fill(~layout.mask[:, :, None, :, p:], float("-inf"))
    near = near.transpose(0, 1).reshape(k, n * g * longest, longest)
    shares = _softmax(torch.cat([far, near], -1), value)
    from_prefix = torch.matmul(shares[..., :p], value[0, :, :p]).reshape(k, n, g, longest, width)
    own = shares[..., p:].reshape(k, n, g * longest, longest).transpose(0, 1)
    from_own = torch.matmul(own, values).reshape(n, k, g, longest, width).transpose(0, 1)
    read = (from_prefix + from_own).permute(1, 3, 0, 2, 4).reshape(n, longest, heads, width)
    return read[layout.valid]


def _softmax(scores: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Shares that add up to 1, summed in float32 and given in the values' dtype."""
    return scores.softmax(-1, dtype=torch.float32).to(like.dtype)


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


AttentionInterface.register(NAME, shared_prefix_attention)
