"""What the model made of an answer, as bytes that fit a database row: float16, little-endian, of unit length. No torch.

It is the state of the scorer's middle layer where the score is asked for, so it comes free with the score; the mean
over the answer's tokens and the last layer's states were measured too and help less (docs/quality.md). Two embeddings
can be compared (their product is the cosine) where one model version made both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STORED = np.dtype("<f2")


def pack(vector: Any) -> bytes:
    """(hidden,) numbers -> two bytes for each, scaled to length 1; a vector of nothing but zeros stays one."""
    values = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(values))
    return (values / length if length > 0 else values).astype(_STORED).tobytes()


def unpack(embeddings: Sequence[bytes]) -> NDArray[np.float64]:
    """Packed embeddings of one model version -> (rows, hidden) float64. Empty ones become rows of zeros.

    Raises:
        ValueError: they are of different lengths, so they come from different models.
    """
    sizes = {len(packed) for packed in embeddings if packed}
    if len(sizes) > 1:
        raise ValueError(f"embeddings of different models do not go together: {sorted(sizes)} bytes")
    size = sizes.pop() if sizes else 0
    rows = b"".join(packed or bytes(size) for packed in embeddings)
    return np.frombuffer(rows, dtype=_STORED).reshape(len(embeddings), size // 2).astype(np.float64)
