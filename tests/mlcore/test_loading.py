"""Loading: quantised weights keep their gradients, and what is unpacked keeps its values."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mlcore.base import BaseModelError
from mlcore.config import BaseConfig, LoraConfig
from mlcore.loading import load_base
from mlcore.model import Model


def _first_gradient(model: Model) -> float:
    """The size of the gradient of the first layer's adapter; below the top it exists only through the base."""
    weights = model.trainable("scorer")
    ids = torch.arange(3, 40).unsqueeze(0)
    model.train(True)
    with torch.autocast("cpu", torch.bfloat16):
        states = model.hidden(ids, use_cache=False).last_hidden_state
    states.float().square().sum().backward()
    size = float(weights[0].grad.norm()) if weights[0].grad is not None else 0.0
    for weight in weights:
        weight.grad = None
    return size


@pytest.mark.parametrize("expand", ["no", "yes"])
def test_gradients_through_4_bit_weights_outlive_an_evaluation(tiny_base: Path, expand: str) -> None:
    base = load_base(BaseConfig(tiny_base, quantisation="nf4", expand=expand, device="cpu"), training=True)  # type: ignore[arg-type]
    model = Model(base)
    torch.manual_seed(0)
    model.attach("scorer", LoraConfig(rank=2))
    for weight in model.trainable("scorer"):
        torch.nn.init.normal_(weight, std=0.1)
    before = _first_gradient(model)

    model.train(False)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        model.hidden(torch.arange(3, 40).unsqueeze(0), use_cache=False)

    assert before > 0
    assert _first_gradient(model) == pytest.approx(before, rel=0.02)


@pytest.mark.parametrize("quantisation", ["nf4", "int8"])
def test_unpacked_weights_have_the_values_of_the_quantised_ones(tiny_base: Path, quantisation: str) -> None:
    ids = torch.arange(3, 40).unsqueeze(0)
    states = []
    for expand in ("no", "yes"):
        config = BaseConfig(
            tiny_base,
            quantisation=quantisation,
            expand=expand,
            compute_dtype="float32",
            device="cpu",  # type: ignore[arg-type]
        )
        base = load_base(config)
        with torch.inference_mode():
            states.append(Model(base).hidden(ids, use_cache=False).last_hidden_state)
    # int8 also rounds what goes into a matrix, which unpacked weights do not.
    assert torch.allclose(states[0], states[1], atol=1e-4 if quantisation == "nf4" else 0.1)


def test_weights_that_stay_packed_in_4_bits_compute_in_float32_for_marking(tiny_base: Path) -> None:
    """Their kernel's bfloat16 was never shown to give a row the same bits whatever stands beside it."""
    base = load_base(BaseConfig(tiny_base, quantisation="nf4", expand="no", device="cpu"))
    assert base.dtype == torch.float32
    assert base.model.get_submodule("model.layers.0.self_attn.q_proj").compute_dtype == torch.float32


def test_nothing_of_the_base_is_trainable(tiny_base: Path) -> None:
    base = load_base(BaseConfig(tiny_base, device="cpu"), training=True)
    assert not [name for name, weight in base.model.named_parameters() if weight.requires_grad]


def test_training_one_adapter_leaves_the_other_alone(tiny_base: Path) -> None:
    model = Model(load_base(BaseConfig(tiny_base, device="cpu"), training=True))
    for name in ("scorer", "feedback"):
        model.attach(name, LoraConfig(rank=2))
    before = model.weights("feedback")
    optimiser = torch.optim.SGD(model.trainable("scorer"), lr=1.0)
    with torch.autocast("cpu", torch.bfloat16):
        model.hidden(torch.arange(3, 40).unsqueeze(0), use_cache=False).last_hidden_state.sum().backward()
    optimiser.step()
    after = model.weights("feedback")
    assert all(bool((before[name] == after[name]).all()) for name in before)


def test_a_directory_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="not a checkpoint directory"):
        load_base(BaseConfig(tmp_path))


def test_another_family_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(BaseModelError, match="bert"):
        load_base(BaseConfig(tmp_path))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_said(tiny_base: Path) -> None:
    with pytest.raises(BaseModelError, match="no usable GPU"):
        load_base(BaseConfig(tiny_base, device="cuda"))
