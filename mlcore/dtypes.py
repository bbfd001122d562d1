"""What matrices are multiplied in: the setting, what suits a GPU, or what this CPU was measured to be faster in."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoConfig

from mlcore import packed, parallel
from mlcore.base import BaseModelError, describe_base
from mlcore.config import BaseConfig
from mlcore.dtype_choice import EXACT, DtypeChoice, kept_choice
from mlcore.machine import processor

# Names the directory in which it is kept what was measured; unless it is set that is one beside the base.
TIMINGS_VARIABLE, KEPT_IN = "MARGINALIA_TIMINGS_DIR", "timings"
EXPAND_BELOW_BYTES = 2 << 30

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# What one layer does for a batch of eight answers of 65 tokens: they are read (the score, then the feedback's request)
# in a few products of so many rows, and for each of these the texts grow by so many tokens in products of eight rows.
_READ_ROWS, _WRITTEN_ROWS, _WRITTEN_TOKENS = 512, 8, 16
# Weights of so many bytes do not stay in a cache from one token to the next, as those of a whole model do not.
_BEYOND_CACHES = 128 << 20
_TURNS = 5

Shapes = list[tuple[int, int]]


@dataclass(frozen=True)
class Offer:
    """What a machine multiplies a model's matrices in.

    Attributes:
        own: the dtype that it takes where nothing else is asked of it.
        known: all that it can multiply in.
        timing: what `own` was chosen by, in words; empty where nothing was measured.
    """

    own: str
    known: tuple[str, ...]
    timing: str = ""


def offer(config: BaseConfig) -> Offer:
    """What this machine would mark in with a base; it measures where that was not done yet.

    Raises:
        BaseModelError: the base cannot be read, or this machine lacks the device or dtype of the setting.
    """
    device = resolve_device(config.device)
    known, own = computable(device), name_of(resolve_dtype(config, device))
    if device.type == "cpu":
        known = tuple(name for name in known if name in {EXACT, own} or _unpacks(config, _DTYPES[name]))
    timed = config.compute_dtype == "auto" and device.type == "cpu" and "bfloat16" in known
    return Offer(own, known, str(measured(config.directory)) if timed else "")


def name_of(dtype: torch.dtype) -> str:
    """float32, bfloat16 or float16."""
    return str(dtype).removeprefix("torch.")


def resolve_device(name: str) -> torch.device:
    """The device of that name; auto is the first GPU, or the CPU where there is none.

    Raises:
        BaseModelError: a GPU is asked for by name and there is none.
    """
    name = parallel.device_name(name)
    if name == "auto":
        name = "cuda:0" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise BaseModelError(f"the device {name} was asked for, but this machine has no usable GPU")
    return torch.device("cuda:0" if name == "cuda" else name)


def computable(device: torch.device) -> tuple[str, ...]:
    """The dtypes that this machine can multiply matrices in."""
    if device.type == "cuda":
        return ("float32", "float16", *(["bfloat16"] if torch.cuda.is_bf16_supported() else []))
    if not packed.available():
        return (EXACT,)
    known = torch.ops.mkldnn
    low = {"bfloat16": known._is_mkldnn_bf16_supported(), "float16": known._is_mkldnn_fp16_supported()}  # noqa: SLF001
    return (EXACT, *(name for name, can in low.items() if can))


def resolve_dtype(config: BaseConfig, device: torch.device, *, training: bool = False) -> torch.dtype:
    """What matrices are multiplied in: the setting; else on a GPU 16 bits, and on a CPU what is faster there.

    Raises:
        BaseModelError: this machine cannot multiply in the dtype of the setting.
    """
    known = computable(device)
    if config.compute_dtype != "auto":
        if config.compute_dtype not in known:
            raise BaseModelError(
                f"this machine cannot multiply in {config.compute_dtype} on {device}, only in {', '.join(known)}"
            )
        return _DTYPES[config.compute_dtype]
    if device.type == "cuda":
        return torch.bfloat16 if "bfloat16" in known else torch.float16
    dtype = _DTYPES[measured(config.directory).dtype] if "bfloat16" in known else torch.float32
    # Only packed weights are known to give a row the same bits in bfloat16 whatever stands beside it.
    return dtype if training or _unpacks(config, dtype) else torch.float32


def measured(directory: Path) -> DtypeChoice:
    """The faster of float32 and bfloat16 for a checkpoint's products on this CPU; measured if that was not done yet.

    Raises:
        BaseModelError: the checkpoint's shape cannot be read.
    """
    shapes, layers = _shapes(directory)
    about = {"processor": processor(), "torch": torch.__version__, "shapes": shapes, "layers": layers}
    kept = os.environ.get(TIMINGS_VARIABLE) or Path(directory).absolute().parent / KEPT_IN
    return kept_choice(Path(kept), about, lambda: time_products(shapes, layers))


def must_expand(config: BaseConfig, values: int, dtype: torch.dtype) -> bool:
    """Whether so many quantised values are unpacked once: as the setting says, or where they are small enough."""
    if config.expand != "auto":
        return config.expand == "yes"
    return values * dtype.itemsize < EXPAND_BELOW_BYTES


def _unpacks(config: BaseConfig, dtype: torch.dtype) -> bool:
    shapes, layers = _shapes(config.directory)
    return must_expand(config, layers * sum(inputs * outputs for inputs, outputs in shapes), dtype)


def _shapes(directory: Path) -> tuple[Shapes, int]:
    """Inputs and outputs of the linear layers of one block, and the number of blocks."""
    describe_base(directory)  # what is not there is not looked for elsewhere
    try:
        known = AutoConfig.from_pretrained(str(directory))
        hidden, ffn, layers = known.hidden_size, known.intermediate_size, known.num_hidden_layers
    except (OSError, ValueError, AttributeError) as error:
        raise BaseModelError(f"{directory} does not say the model's shape: {error}") from error
    width = getattr(known, "head_dim", None) or hidden // known.num_attention_heads
    queries, keys = width * known.num_attention_heads, width * known.num_key_value_heads
    attention = [(hidden, queries), (hidden, keys), (hidden, keys), (queries, hidden)]
    return [*attention, (hidden, ffn), (hidden, ffn), (ffn, hidden)], layers


@torch.inference_mode()
def time_products(shapes: Shapes, layers: int) -> Mapping[str, float]:
    """Milliseconds of the products that a batch of answers takes in one layer, by dtype; the best of some turns."""
    size = 4 * sum(inputs * outputs for inputs, outputs in shapes)
    copies = max(1, min(layers, _WRITTEN_TOKENS, _BEYOND_CACHES // size))
    works = {name: _Products(shapes, copies, _DTYPES[name]) for name in ("float32", "bfloat16")}
    # By turns, so that a busy machine slows both alike.
    turns = [{name: work.run() for name, work in works.items()} for _ in range(_TURNS)]
    return {name: round(1000 * min(turn[name] for turn in turns), 3) for name in works}


class _Products:
    """The packed weights of some layers, and rows to multiply them with."""

    def __init__(self, shapes: Shapes, copies: int, dtype: torch.dtype) -> None:
        def filled(*size: int) -> torch.Tensor:
            return torch.full(size, 0.01, dtype=dtype)

        self._layers = [
            [packed.packed(filled(outputs, inputs), dtype) for inputs, outputs in shapes] for _ in range(copies)
        ]
        self._read = [filled(_READ_ROWS, inputs) for inputs, _ in shapes]
        self._written = [rows[:_WRITTEN_ROWS].clone() for rows in self._read]

    def run(self) -> float:
        """Seconds."""
        started = time.perf_counter()
        for rows, weight in zip(self._read, self._layers[0], strict=True):
            packed.product(rows, weight)
        for token in range(_WRITTEN_TOKENS):
            for rows, weight in zip(self._written, self._layers[token % len(self._layers)], strict=True):
                packed.product(rows, weight)
        return time.perf_counter() - started
