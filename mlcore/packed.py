"""Linear layers on a CPU whose weights lie as oneDNN's kernels read them.

Laid out once, they are multiplied faster than plain ones (on two cores of an AMD EPYC: 1.1 to 2.3 times in float32, and
twice as fast again in bfloat16), and a row of the product has the same bits whatever the number of rows, in bfloat16
too: each of its numbers is one sum in one order. docs/performance.md has the figures.
"""

from __future__ import annotations

import torch
from torch import nn

# The number of rows that the layout is chosen for; others are multiplied as well, and as exactly.
_USUAL_ROWS = 1024


class PackedLinear(nn.Linear):
    """A frozen linear layer that multiplies in one dtype and keeps nothing but the packed weights.

    Args:
        weight: (out, in) values.
        bias: (out,), or None.
        dtype: float32 or bfloat16; sums are kept in float32 either way.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, dtype: torch.dtype) -> None:
        super().__init__(weight.shape[1], weight.shape[0], bias=False, device="meta")
        # peft looks here for the dtype and the device, and nowhere for the values.
        self.weight = nn.Parameter(torch.empty(0, dtype=dtype), requires_grad=False)
        self.added = None if bias is None else bias.detach().to(dtype)
        self.packed = packed(weight, dtype)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        """(…, in) -> (…, out) in the dtype of what is given."""
        rows = given.reshape(-1, self.in_features)
        return self.product(rows).to(given.dtype).view(*given.shape[:-1], self.out_features)

    def product(self, given: torch.Tensor, beside: torch.Tensor | None = None) -> torch.Tensor:
        """(n, in) -> (n, out) in the layer's own dtype, with (n, out) `beside` added before it is rounded."""
        return product(given.to(self.weight.dtype), self.packed, self.added, beside)


def packed(weight: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """(out, in) values in oneDNN's layout: an opaque tensor, for `product` alone."""
    lay_out = torch.ops.mkldnn._reorder_linear_weight  # noqa: SLF001 (the compiler's own operator; it has no other name)
    found: torch.Tensor = lay_out(weight.detach().to(dtype).contiguous(), _USUAL_ROWS)
    return found


def product(
    given: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, beside: torch.Tensor | None = None
) -> torch.Tensor:
    """(n, in) by packed (out, in) -> (n, out), with bias (out,) and `beside` (n, out) added; all of one dtype."""
    linear = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001 (as above)
    if beside is None:
        plain: torch.Tensor = linear(given, weight, bias, "none", [], "")
        return plain
    sum_of_both: torch.Tensor = linear.binary(given, beside, weight, bias, "add")
    return sum_of_both


def available() -> bool:
    """Whether this build of torch has oneDNN."""
    return bool(torch.backends.mkldnn.is_available())
