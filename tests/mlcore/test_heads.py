"""Heads that read scores: b = 4 states of hidden = 6, 5 bands."""

from __future__ import annotations

import pytest
import torch

from mlcore.heads import BandsHead, RegressionHead, make_head


@pytest.fixture
def states() -> torch.Tensor:
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", ["regression", "bands"])
def test_a_score_lies_between_0_and_1(kind: str, states: torch.Tensor) -> None:
    head = make_head(kind, 6, 5)  # type: ignore[arg-type]
    score = head.score(head(states * 50))
    assert score.shape == (4,)
    assert bool(((score >= 0) & (score <= 1)).all())


@pytest.mark.parametrize("kind", ["regression", "bands"])
def test_the_score_rises_along_the_direction_it_starts_at(kind: str) -> None:
    head = make_head(kind, 6, 5)  # type: ignore[arg-type]
    direction = torch.arange(6.0)
    head.start_at(direction)
    low, high = head.score(head(torch.stack([-direction, direction]) * 0.1)).tolist()
    assert low < 0.5 < high


def test_bands_share_a_target_so_that_it_is_their_expectation() -> None:
    head = BandsHead(6, 5)
    target = torch.tensor([0.0, 0.3, 0.5, 1.0])
    shares = head.shares(target)
    assert torch.allclose(shares.sum(1), torch.ones(4))
    assert torch.allclose(shares @ head.centres, target)


def test_a_head_computes_in_float32_under_autocast(states: torch.Tensor) -> None:
    head = RegressionHead(6)
    with torch.autocast("cpu", torch.bfloat16):
        logits = head(states.bfloat16())
    assert logits.dtype == torch.float32


@pytest.mark.parametrize("kind", ["regression", "bands"])
def test_the_loss_is_least_at_the_target(kind: str) -> None:
    head = make_head(kind, 6, 5)  # type: ignore[arg-type]
    right, wrong = (torch.tensor([[9.0]]), torch.tensor([[-9.0]]))
    if kind == "bands":
        right, wrong = torch.eye(5)[4:] * 9, torch.eye(5)[:1] * 9
    target = torch.tensor([1.0])
    assert float(head.loss(right, target)) < float(head.loss(wrong, target))
