"""Writing over keys and values that stay in place says what reading the same tokens one by one says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from mlcore.config import BaseConfig, LoraConfig
from mlcore.decoding import Decoder
from mlcore.loading import load_base
from mlcore.model import Model
from mlcore.reading import PrefixCache, begin, pad_rows, read

PREFIX = [5, 9, 14, 3, 8, 21, 30]
ROWS = [[4, 7], [11, 2, 6, 13, 17], [19]]


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> Model:
    base = load_base(BaseConfig(tiny_base, quantisation="none", compute_dtype="float32", device="cpu"))
    found = Model(base)
    torch.manual_seed(0)
    found.attach("feedback", LoraConfig(rank=4, alpha=8))
    found.fill("feedback", {key: torch.randn_like(value) * 0.1 for key, value in found.weights("feedback").items()})
    return found


@pytest.fixture
def active(model: Model) -> Iterator[Model]:
    with torch.inference_mode(), model.using("feedback"):
        yield model


def started(model: Model, *, shared: bool):
    batch = begin(PrefixCache().get(model, "feedback", PREFIX), len(ROWS))
    read(model, batch, *pad_rows(ROWS, len(ROWS), 8, 0))
    if not shared:
        batch.shared = 0
    return batch


@pytest.mark.parametrize("shared", [True, False])
def test_each_step_gives_the_states_that_reading_gives(active: Model, shared: bool) -> None:
    batch = started(active, shared=shared)
    decoder = Decoder(active, batch, 4)
    one = torch.ones(len(ROWS), dtype=torch.long)
    for ids in ([3, 25, 9], [8, 8, 8], [1, 2, 30]):
        expected = read(active, batch, torch.tensor(ids).unsqueeze(1), one)
        torch.testing.assert_close(decoder.step(torch.tensor(ids)), expected, rtol=1e-4, atol=1e-5)


def test_what_was_read_before_is_left_as_it_was(active: Model) -> None:
    batch = started(active, shared=True)
    kept = [(key.clone(), value.clone()) for key, value in batch.layers]
    decoder = Decoder(active, batch, 2)
    decoder.step(torch.tensor([1, 2, 3]))
    for (key, value), (old_key, old_value) in zip(batch.layers, kept, strict=True):
        assert torch.equal(key, old_key)
        assert torch.equal(value, old_value)


def test_the_prefix_is_kept_once_for_all_rows(active: Model) -> None:
    decoder = Decoder(active, started(active, shared=True), 2)
    assert all(part.shape[1] == len(PREFIX) for layer in decoder.prefix for part in layer)
    assert all(part.shape[2] == 8 + 2 for layer in decoder.own for part in layer)


def test_rows_share_heads_of_keys(model: Model) -> None:
    """Otherwise the grouping of heads would not be tested here."""
    assert model.config.num_key_value_heads < model.config.num_attention_heads
