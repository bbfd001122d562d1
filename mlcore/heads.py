"""Heads that read a score in [0, 1] from a hidden state. They live outside peft and always compute in float32."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from mlcore.config import Head


class ScoreHead(nn.Module):
    """What both heads share: one linear layer over the hidden state."""

    kind: Head

    def __init__(self, hidden: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden, outputs, dtype=torch.float32)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """(n, hidden) hidden states of any dtype -> (n, outputs) logits, float32, also under autocast."""
        with torch.autocast(hidden.device.type, enabled=False):
            return self.linear(hidden.float())

    @torch.inference_mode()
    def read(self, hidden: torch.Tensor) -> list[float]:
        """(n, hidden) hidden states -> (n,) scores in [0, 1].

        Summed in float64: the order of a sum, which may depend on how many rows there are, then shows in no digit that
        is kept.
        """
        linear = self.linear
        logits = functional.linear(hidden.double(), linear.weight.double(), linear.bias.double())
        return [float(value) for value in self.score(logits).tolist()]

    def score(self, logits: torch.Tensor) -> torch.Tensor:
        """(n, outputs) logits -> (n,) scores in [0, 1]."""
        raise NotImplementedError

    def loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """(n, outputs) logits and (n,) targets in [0, 1] -> (n,) losses."""
        raise NotImplementedError

    def start_at(self, direction: torch.Tensor) -> None:
        """Start with a (hidden,) direction along which the score rises, and no bias."""
        raise NotImplementedError


class RegressionHead(ScoreHead):
    """One logit; its sigmoid is the score, and the loss is the logistic loss on the soft score."""

    kind: Head = "regression"

    def __init__(self, hidden: int) -> None:
        super().__init__(hidden, 1)

    def score(self, logits: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(logits[:, 0])

    def loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(logits[:, 0], target, reduction="none")

    def start_at(self, direction: torch.Tensor) -> None:
        with torch.no_grad():
            self.linear.weight.copy_(direction.unsqueeze(0))
            self.linear.bias.zero_()


class BandsHead(ScoreHead):
    """Classification over K bands with centres evenly from 0 to 1; their expectation is the score.

    A target between two centres is shared between them so that its expectation is the target itself.
    """

    kind: Head = "bands"

    def __init__(self, hidden: int, bands: int) -> None:
        super().__init__(hidden, bands)
        self.register_buffer("centres", torch.linspace(0.0, 1.0, bands), persistent=False)

    def score(self, logits: torch.Tensor) -> torch.Tensor:
        return (logits.softmax(-1) @ self.centres.to(logits.dtype)).clamp(0.0, 1.0)

    def loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(logits, self.shares(target), reduction="none")

    def shares(self, target: torch.Tensor) -> torch.Tensor:
        """(n,) targets in [0, 1] -> (n, K) shares that add up to 1."""
        place = target * (self.centres.numel() - 1)
        distance = (place.unsqueeze(1) - torch.arange(self.centres.numel(), device=target.device)).abs()
        return (1.0 - distance).clamp(min=0.0)

    def start_at(self, direction: torch.Tensor) -> None:
        with torch.no_grad():
            self.linear.weight.copy_((self.centres.unsqueeze(1) - 0.5) * 2 * direction.unsqueeze(0))
            self.linear.bias.zero_()


def make_head(kind: Head, hidden: int, bands: int) -> ScoreHead:
    """A fresh head of that kind for (n, hidden) states."""
    return RegressionHead(hidden) if kind == "regression" else BandsHead(hidden, bands)
