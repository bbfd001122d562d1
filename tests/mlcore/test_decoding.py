"""Reading in batches behind a shared prefix, and writing over keys and values that stay in place, say what the plain
backbone says of the same tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
import torch

from mlcore.config import BaseConfig, ComputeDtype, LoraConfig, Quantisation
from mlcore.decoding import Decoder
from mlcore.dtypes import computable
from mlcore.loading import load_base
from mlcore.model import Model
from mlcore.reading import Batch, PrefixCache, begin, pad_rows, read
from mlcore.writing import Ready, write

PREFIX = [5, 9, 14, 3, 8, 21, 30]
ROWS = [[4, 7], [11, 2, 6, 13, 17], [19]]
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def _loaded(tiny_base: Path, quantisation: Quantisation, dtype: ComputeDtype, expand: Literal["yes", "no"]) -> Model:
    found = Model(load_base(BaseConfig(tiny_base, quantisation, dtype, "cpu", expand)))
    torch.manual_seed(0)
    found.attach("feedback", LoraConfig(rank=4, alpha=8))
    found.fill("feedback", {key: torch.randn_like(value) * 0.5 for key, value in found.weights("feedback").items()})
    return found


@pytest.fixture(scope="module", params=[("none", "no"), ("nf4", "no"), ("nf4", "yes")], ids="-".join)
def model(tiny_base: Path, request: pytest.FixtureRequest) -> Model:
    """With plain weights, with quantised ones that are unpacked for each product, and with those packed for oneDNN."""
    return _loaded(tiny_base, request.param[0], "float32", request.param[1])


@pytest.fixture(scope="module")
def low(tiny_base: Path) -> Model:
    """Multiplies in bfloat16, as a CPU does where that is faster."""
    if "bfloat16" not in computable(torch.device("cpu")):
        pytest.skip("this CPU cannot multiply in bfloat16")
    return _loaded(tiny_base, "nf4", "bfloat16", "yes")


@pytest.fixture
def active(model: Model) -> Iterator[Model]:
    with torch.inference_mode(), model.using("feedback"):
        yield model


def started(model: Model) -> Batch:
    batch = begin("feedback", PrefixCache().get(model, "feedback", PREFIX), len(ROWS))
    read(model, batch, *pad_rows(ROWS, 8, 0))
    return batch


def plain(model: Model, ids: list[int]) -> torch.Tensor:
    """(hidden,) the backbone's own normalised state at the last of these tokens."""
    return model.hidden(torch.tensor([ids])).last_hidden_state[0, -1]


def test_rows_of_a_batch_are_read_as_the_backbone_reads_each_of_them(active: Model) -> None:
    batch = begin("feedback", PrefixCache().get(active, "feedback", PREFIX), len(ROWS))
    first, middle = read(active, batch, *pad_rows(ROWS, 8, 0), halfway=True)
    second = read(active, batch, *pad_rows([[3], [9, 9], [1, 2, 3]], 3, 0))
    for row, (ids, more) in enumerate(zip(ROWS, [[3], [9, 9], [1, 2, 3]], strict=True)):
        torch.testing.assert_close(first[row], plain(active, [*PREFIX, *ids]), **CLOSE)
        torch.testing.assert_close(second[row], plain(active, [*PREFIX, *ids, *more]), **CLOSE)
    states = active.hidden(torch.tensor([[*PREFIX, *ROWS[0]]]), output_hidden_states=True).hidden_states
    torch.testing.assert_close(middle[0], states[len(states) // 2][0, -1], **CLOSE)


def test_without_an_adapter_it_is_the_bare_backbone(active: Model) -> None:
    with active.using(None):
        batch = begin(None, PrefixCache().get(active, None, PREFIX), 1)
        found = read(active, batch, *pad_rows([[4, 7]], 8, 0))
        torch.testing.assert_close(found[0], plain(active, [*PREFIX, 4, 7]), **CLOSE)


def test_a_row_has_the_same_bits_whatever_stands_beside_it(active: Model) -> None:
    _same_bits(active)


@torch.inference_mode()
def test_a_row_has_the_same_bits_in_bfloat16_too(low: Model) -> None:
    _same_bits(low)


def _same_bits(model: Model) -> None:
    prefix = PrefixCache().get(model, "feedback", PREFIX)
    found = []
    for rows in ([ROWS[1]], ROWS, [*ROWS[::-1]] * 9):
        batch = begin("feedback", prefix, len(rows))
        first = read(model, batch, *pad_rows(rows, 32, 0))
        second = read(model, batch, *pad_rows([[8, 1]] * len(rows), 16, 0))
        found.append(torch.stack([first[rows.index(ROWS[1])], second[rows.index(ROWS[1])]]))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@torch.inference_mode()
def test_bfloat16_is_near_float32(low: Model, tiny_base: Path) -> None:
    exact = _loaded(tiny_base, "nf4", "float32", "yes")
    found = []
    for model in (low, exact):
        batch = begin("feedback", PrefixCache().get(model, "feedback", PREFIX), len(ROWS))
        found.append(read(model, batch, *pad_rows(ROWS, 8, 0)))
    assert found[0].dtype == torch.float32
    apart = (found[0] - found[1]).abs()
    assert 0 < float(apart.max()) < 0.2
    assert float(apart.mean()) < 0.03


@torch.inference_mode()
def test_the_likeliest_token_is_float32s_choice(low: Model) -> None:
    """States far out, where bfloat16 alone has many ties."""
    states = torch.randn(20, low.hidden_size) * 30
    exact = low.vocabulary(states)
    first = exact.argmax(-1).tolist()
    assert low.likeliest(states, [()] * 20) == first
    rest = exact.scatter(1, exact.argmax(-1, keepdim=True), float("-inf")).argmax(-1).tolist()
    assert low.likeliest(states, [{token} for token in first]) == rest


def test_each_step_gives_the_states_that_reading_gives(active: Model) -> None:
    batch = started(active)
    decoder = Decoder(active, "feedback", batch.prefix, len(ROWS))
    for row in range(len(ROWS)):
        decoder.place(row, batch, row)
    one = torch.ones(len(ROWS), dtype=torch.long)
    for ids in ([3, 25, 9], [8, 8, 8], [1, 2, 30]):
        expected = read(active, batch, torch.tensor(ids).unsqueeze(1), one)
        torch.testing.assert_close(decoder.step(torch.tensor(ids)), expected, **CLOSE)


def test_a_slot_that_is_given_away_knows_nothing_of_what_was_in_it(active: Model) -> None:
    batch = started(active)
    decoder = Decoder(active, "feedback", batch.prefix, 2)
    decoder.place(0, batch, 0)
    decoder.place(1, batch, 1)
    decoder.step(torch.tensor([3, 25]))
    decoder.place(0, batch, 2)
    found = decoder.step(torch.tensor([9, 8]))
    torch.testing.assert_close(found[0], plain(active, [*PREFIX, *ROWS[2], 9]), **CLOSE)
    torch.testing.assert_close(found[1], plain(active, [*PREFIX, *ROWS[1], 25, 8]), **CLOSE)
    decoder.keep([1])
    found = decoder.step(torch.tensor([6]))
    torch.testing.assert_close(found[0], plain(active, [*PREFIX, *ROWS[1], 25, 8, 6]), **CLOSE)


def test_what_was_read_before_is_left_as_it_was(active: Model) -> None:
    batch = started(active)
    kept = [(key.clone(), value.clone()) for key, value in batch.own]
    fork = batch.fork()
    read(active, fork, *pad_rows(ROWS, 8, 0))
    decoder = Decoder(active, "feedback", batch.prefix, 1)
    decoder.place(0, batch, 0)
    decoder.step(torch.tensor([1]))
    for (key, value), (old_key, old_value) in zip(batch.own, kept, strict=True):
        assert torch.equal(key, old_key)
        assert torch.equal(value, old_value)


def test_the_prefix_is_kept_once_for_all_rows(active: Model) -> None:
    assert all(part.shape[1] == len(PREFIX) for layer in started(active).prefix for part in layer)


@pytest.mark.parametrize("slots", [1, 2, 5])
def test_texts_are_those_of_the_plain_backbone_however_many_are_written_at_a_time(active: Model, slots: int) -> None:
    told: list[tuple[int, int]] = []
    ready = (Ready(*_two(active), most) for most in (4, 3, 1))
    written = write(
        active, ready, end=31, slots=slots, on_step=lambda ended, others: told.append((len(ended), len(others)))
    )
    one, two = (_greedy(active, [*PREFIX, *ids], 4) for ids in ROWS[:2])
    assert one != two
    assert written == [one, two, one[:3], two[:3], one[:1], two[:1]]
    assert told == sorted(told, key=lambda entry: entry[0])
    assert told[-1] == (6, 0)
    assert max(others for _, others in told) == min(slots, 4)


def _two(model: Model) -> tuple[Batch, torch.Tensor]:
    batch = begin("feedback", PrefixCache().get(model, "feedback", PREFIX), 2)
    return batch, read(model, batch, *pad_rows(ROWS[:2], 8, 0))


def _greedy(model: Model, ids: list[int], most: int) -> list[int]:
    written: list[int] = []
    while len(written) < most:
        token = int(model.vocabulary(plain(model, [*ids, *written]).unsqueeze(0)).argmax())
        if token == 31:
            break
        written.append(token)
    return written


def test_rows_share_heads_of_keys(model: Model) -> None:
    """Otherwise the grouping of heads would not be tested here."""
    assert model.config.num_key_value_heads < model.config.num_attention_heads
