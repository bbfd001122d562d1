"""Loading a base model in the wanted precision. The only module that knows bitsandbytes.

nf4 with double quantisation is QLoRA's storage format (Dettmers et al. 2023); int8 is LLM.int8() (Dettmers et al.
2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from mlcore import packed
from mlcore.base import BaseInfo, BaseModelError, describe_base
from mlcore.config import BaseConfig
from mlcore.dtypes import must_expand, resolve_device, resolve_dtype


@dataclass(frozen=True)
class LoadedBase:
    """A base model in memory. `dtype` is what matrices are multiplied in."""

    model: PreTrainedModel
    tokenizer: Any
    device: torch.device
    dtype: torch.dtype
    info: BaseInfo
    config: BaseConfig


def load_base(config: BaseConfig, *, training: bool = False) -> LoadedBase:
    """Load a LLaMA-family checkpoint, quantised as the configuration says, with its weights frozen.

    On a CPU matrices are multiplied in bfloat16 where that was measured to be faster (in training under autocast),
    while everything between them stays float32. For marking their weights are packed: the model then computes faster,
    and gives no gradients.

    Raises:
        BaseModelError: no checkpoint is there, it cannot be loaded, or this machine lacks its dtype or device.
    """
    info = describe_base(config.directory)
    device = resolve_device(config.device)
    dtype = resolve_dtype(config, device, training=training)
    # On a CPU what is not a matrix (embeddings, norms, the residual stream) stays float32.
    rest = torch.float32 if device.type == "cpu" else dtype
    transformers_logging.disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(config.directory),
            dtype=rest,
            device_map={"": device},
            quantization_config=_quantisation(config, dtype),
            attn_implementation="sdpa",
        )
        tokenizer = AutoTokenizer.from_pretrained(str(config.directory))
    except (OSError, ValueError, RuntimeError) as error:
        raise BaseModelError(f"{config.directory} cannot be loaded as a LLaMA-family model: {error}") from error
    if device.type == "cpu" and _must_expand(config, model, dtype):
        _expand(model, dtype, pack=not training and packed.available())
    if training or dtype == torch.float32:
        _keep_plain_kernels(model, None if training else dtype)
    model.requires_grad_(False)
    model.eval()
    return LoadedBase(model, tokenizer, device, dtype, info, config)


def _quantisation(config: BaseConfig, dtype: torch.dtype) -> BitsAndBytesConfig | None:
    if config.quantisation == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    if config.quantisation == "nf4":
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    return None


def _must_expand(config: BaseConfig, model: nn.Module, dtype: torch.dtype) -> bool:
    values = sum(module.in_features * module.out_features for _, _, module in _linears(model))
    return must_expand(config, values, dtype)


def _linears(model: nn.Module) -> list[tuple[nn.Module, str, nn.Linear]]:
    """Every linear layer of the backbone with its parent and name; the LM head is left alone (it may be tied)."""
    found = []
    for parent in model.get_submodule("model").modules():
        found += [(parent, name, child) for name, child in parent.named_children() if isinstance(child, nn.Linear)]
    return found


def _expand(model: nn.Module, dtype: torch.dtype, *, pack: bool) -> None:
    """Unpack each (quantised) linear layer once, to `dtype`: the values stay those of the quantised weights."""
    for parent, name, layer in _linears(model):
        setattr(parent, name, packed.PackedLinear(_values(layer), layer.bias, dtype) if pack else _plain(layer, dtype))


def _plain(layer: nn.Linear, dtype: torch.dtype) -> nn.Linear:
    plain = nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None, device="meta")
    plain.weight = nn.Parameter(_values(layer).to(dtype), requires_grad=False)
    if layer.bias is not None:
        plain.bias = nn.Parameter(layer.bias.detach().to(dtype), requires_grad=False)
    return plain


def _values(layer: nn.Linear) -> torch.Tensor:
    """A layer's weights (out, in) as numbers, float32 where they were quantised."""
    from bitsandbytes.functional import dequantize_4bit
    from bitsandbytes.nn import Linear4bit, Linear8bitLt

    weight: Any = layer.weight
    if isinstance(layer, Linear4bit):
        return dequantize_4bit(weight.data, weight.quant_state).reshape(layer.out_features, layer.in_features)
    if isinstance(layer, Linear8bitLt):
        values, scales = (weight.CB, weight.SCB) if weight.CB is not None else (layer.state.CB, layer.state.SCB)
        return values.float() * (scales.float() / 127.0).unsqueeze(1)
    return weight.detach()


def _keep_plain_kernels(model: nn.Module, dtype: torch.dtype | None) -> None:
    """Keep the kernels that have gradients and compute in the dtype that was asked for, or in this one.

    On a CPU with avx512_bf16, bitsandbytes repacks a 4-bit layer at its first forward in eval mode; later training
    forwards then run a kernel without autograd, and the gradients through the base vanish without an error. That
    kernel also computes in bfloat16 whatever the input is, and a bfloat16 mark depends on its batch.
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False
            module.compute_dtype = dtype or module.compute_dtype


def checkpoint_exists(directory: Path) -> bool:
    """Whether a LLaMA-family checkpoint lies there."""
    try:
        describe_base(directory)
    except BaseModelError:
        return False
    return True
