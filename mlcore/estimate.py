"""What a training will take, before it starts: bytes and seconds from shapes and text lengths. No torch.

Everything here is an estimate. Time comes from tokens and a rate; where no training was measured on a device, the rate
is a stated default. Memory is counted from what the training loop keeps: weights, the adapter with its optimiser, and
what one forward pass of the largest pack stores for the way back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlcore.base import BaseModelError, describe_base
from mlcore.config import LoraConfig, Part, TrainConfig
from mlcore.data import Item, attack_items, items_for
from mlcore.prompts import Control, Piece, opening_pieces, prefix_pieces
from mlcore.schemas import Example, Question

Device = Literal["cpu", "cuda"]

# Characters of a token, on the careful side: English on SmolLM2's vocabulary has 4 to 4.5, German 3, figures fewer.
CHARACTERS_PER_TOKEN = 3.5
# Tokens a second in training where nothing was measured: 250 for 135 million parameters on two busy CPU cores, and
# 100 TFLOP/s of 6 operations for each parameter and token on a card; both in inverse proportion to the parameters.
DEFAULT_CPU_RATE, DEFAULT_CPU_PARAMETERS = 250.0, 135e6
DEFAULT_CARD_FLOPS, FLOPS_PER_PARAMETER = 100e12, 6.0
# How far off a time may be: with a measured rate, and with a default.
MEASURED_RANGE, DEFAULT_RANGE = (0.8, 1.3), (0.5, 2.0)
# A forward pass without a way back costs a third of a step.
FORWARD_SHARE = 1 / 3
# Loading the base, writing the result, measuring it.
FIXED_SECONDS = 60.0
# What Python, torch and the kernels hold by themselves; a card's context in addition lies outside torch's own count.
FIXED_BYTES = {"cpu": 700_000_000, "cuda": 600_000_000}
# The allocator's unused pieces; and how far off the whole may be. Measured on a CPU (135 M, packs of 1,280 tokens): 0.9
# times the estimate for a scorer, 1.7 times for a feedback writer.
SLACK = 1.25
MEMORY_RANGE = (0.8, 1.8)
# Fewer answers than this move a model by chance more than by what is in them.
FEW_EXAMPLES = 30

_LINEAR_BYTES = {"nf4": 0.516, "int8": 1.0, "none": 2.0}
_EXPAND_BELOW_BYTES = 2 << 30
# Weight, gradient and AdamW's two moments in float32; and the best weights so far.
_BYTES_PER_TRAINED = 16 + 4


@dataclass(frozen=True)
class Shape:
    """A LLaMA-family model's sizes, as its config.json says them. `kv_heads` heads of keys and values are kept."""

    vocabulary: int
    hidden: int
    ffn: int
    layers: int
    heads: int
    kv_heads: int
    tied: bool

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of the linear layers of one block, by name."""
        kv = self.kv_heads * (self.hidden // self.heads)
        return {
            "q_proj": (self.hidden, self.hidden),
            "k_proj": (self.hidden, kv),
            "v_proj": (self.hidden, kv),
            "o_proj": (self.hidden, self.hidden),
            "gate_proj": (self.hidden, self.ffn),
            "up_proj": (self.hidden, self.ffn),
            "down_proj": (self.ffn, self.hidden),
        }

    @property
    def linear_parameters(self) -> int:
        """Weights of all blocks' linear layers: what quantisation makes smaller."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linears.values())

    @property
    def embedding_parameters(self) -> int:
        """Weights of the vocabulary: once where input and output share them, otherwise twice."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All weights, the norms included."""
        return self.linear_parameters + self.embedding_parameters + (2 * self.layers + 1) * self.hidden

    def adapter_parameters(self, lora: LoraConfig) -> int:
        """Weights of one LoRA adapter: rank * (inputs + outputs) for each target."""
        sizes = [sum(size) for name, size in self.linears.items() if name in lora.targets]
        return self.layers * lora.rank * sum(sizes)


@dataclass(frozen=True)
class Work:
    """What a training reads, in estimated tokens.

    Attributes:
        examples: marked answers that are trained on.
        tokens: read forward and backward over all epochs, by part.
        watched: read forward only, over all evaluations.
        pack: tokens of the largest pack.
        pairs: query-key pairs of the pack with the most of them, per head.
        learnt: tokens of feedback in the largest pack of the feedback writer.
    """

    examples: int
    tokens: dict[Part, float]
    watched: float
    pack: int
    pairs: int
    learnt: int


@dataclass(frozen=True)
class Estimate:
    """What a training will take: `bytes` at the largest pack, with `bytes_range`; `seconds` as a range.

    `measured` says whether the rate (tokens a second) was measured or is the default of such a device.
    """

    examples: int
    tokens: float
    rate: float
    measured: bool
    device: Device
    seconds: tuple[float, float]
    bytes: int

    @property
    def bytes_range(self) -> tuple[int, int]:
        """Between which the memory should lie."""
        low, high = MEMORY_RANGE
        return round(low * self.bytes), round(high * self.bytes)

    @property
    def few(self) -> bool:
        """Whether there is too little data to help."""
        return self.examples < FEW_EXAMPLES


def read_shape(directory: Path) -> Shape:
    """The shape of a checkpoint directory.

    Raises:
        BaseModelError: there is none, or its config.json lacks a size.
    """
    describe_base(directory)
    body = json.loads((Path(directory) / "config.json").read_text(encoding="utf-8"))
    try:
        heads = int(body["num_attention_heads"])
        return Shape(
            vocabulary=int(body["vocab_size"]),
            hidden=int(body["hidden_size"]),
            ffn=int(body["intermediate_size"]),
            layers=int(body["num_hidden_layers"]),
            heads=heads,
            kv_heads=int(body.get("num_key_value_heads") or heads),
            tied=bool(body.get("tie_word_embeddings", False)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BaseModelError(f"{directory}: config.json does not say the model's sizes ({error})") from error


def plan_work(train: Sequence[Example], watched: Sequence[Example], config: TrainConfig) -> Work:
    """What a training on these rows reads, packed as the training packs them."""
    tokens: dict[Part, float] = {}
    watched_tokens, packs, learnt = 0.0, [_Pack()], 0
    for part in config.parts:
        items = items_for(part, train)
        if part == "scorer":
            items += attack_items(train, config.hardening, config.seed)
        found = _packs(items, config)
        epochs = config.epochs if part == "scorer" else config.feedback_epochs
        tokens[part] = epochs * sum(pack.tokens for pack in found)
        packs += found
        learnt = max([learnt, *(pack.learnt for pack in found)])
        watched_tokens += config.evaluations * _watched(items_for(part, watched), part, config)
    return Work(
        examples=len(train),
        tokens=tokens,
        watched=watched_tokens,
        pack=max(pack.tokens for pack in packs),
        pairs=max(pack.pairs for pack in packs),
        learnt=learnt,
    )


def estimate(config: TrainConfig, shape: Shape, work: Work, device: Device, rate: float | None = None) -> Estimate:
    """Bytes and seconds of a training.

    Args:
        rate: tokens a second in training as measured on this device with this base; None takes the default.
    """
    tokens = sum(work.tokens.values()) + work.watched * FORWARD_SHARE
    used = rate or default_rate(shape, device)
    low, high = MEASURED_RANGE if rate else DEFAULT_RANGE
    seconds = tokens / used
    return Estimate(
        examples=work.examples,
        tokens=tokens,
        rate=used,
        measured=bool(rate),
        device=device,
        seconds=(FIXED_SECONDS + low * seconds, FIXED_SECONDS + high * seconds),
        bytes=training_bytes(config, shape, work, device),
    )


def default_rate(shape: Shape, device: Device) -> float:
    """Tokens a second in training where none was measured."""
    if device == "cuda":
        return DEFAULT_CARD_FLOPS / (FLOPS_PER_PARAMETER * shape.parameters)
    return DEFAULT_CPU_RATE * DEFAULT_CPU_PARAMETERS / shape.parameters


def training_bytes(config: TrainConfig, shape: Shape, work: Work, device: Device) -> int:
    """Memory at the largest pack: RAM on a CPU, the card's memory on a GPU."""
    moving = (
        len(config.parts) * shape.adapter_parameters(config.lora) * _BYTES_PER_TRAINED
        + work.pack * stored_per_token(shape, device)
        + work.pairs * shape.heads * shape.layers * 6  # shares in float32, and again in the values' dtype
        + work.learnt * shape.vocabulary * 14  # logits in 2 bytes, in float32, their log-shares and gradient
    )
    return math.ceil(weight_bytes(config, shape, device) + FIXED_BYTES[device] + SLACK * moving)


def weight_bytes(config: TrainConfig, shape: Shape, device: Device) -> float:
    """The frozen base: quantised matrices (unpacked where the engine does so) and the vocabulary beside them."""
    rest = (shape.parameters - shape.linear_parameters) * (4 if device == "cpu" else 2)
    unpacked = shape.linear_parameters * _LINEAR_BYTES["none"]
    expands = config.base.expand == "yes" or (config.base.expand == "auto" and unpacked < _EXPAND_BELOW_BYTES)
    if device == "cpu" and expands:
        return rest + unpacked
    return rest + shape.linear_parameters * _LINEAR_BYTES[config.base.quantisation]


def stored_per_token(shape: Shape, device: Device) -> float:
    """Bytes that one token leaves behind for the way back, over all layers.

    Inputs of the seven adapters and of attention (2 bytes each), the two norms' inputs in float32 (and once more in
    2 bytes on a card), and four tensors of the FFN's width.
    """
    norms = 8 if device == "cpu" else 12
    return shape.layers * ((6 + 2 + 4 + 8 + norms) * shape.hidden + 8 * shape.ffn)


@dataclass(frozen=True)
class _Pack:
    tokens: int = 0
    pairs: int = 0
    learnt: int = 0


def _packs(items: Sequence[Item], config: TrainConfig) -> list[_Pack]:
    """Packs of answers to one question, filled up as `mlcore.packing` fills them."""
    by_question: dict[Question, list[Item]] = {}
    for item in items:
        by_question.setdefault(item.question, []).append(item)
    packs = []
    for question, group in by_question.items():
        prefix = min(config.max_prefix_tokens, _tokens([*prefix_pieces(question), *opening_pieces()]))
        bodies: list[tuple[int, int]] = []
        used = prefix
        for body in sorted(_body(item, config) for item in group):
            if bodies and (len(bodies) == config.pack_answers or used + body[0] > config.pack_tokens):
                packs.append(_pack(prefix, bodies))
                bodies, used = [], prefix
            bodies.append(body)
            used += body[0]
        packs.append(_pack(prefix, bodies))
    return packs


def _pack(prefix: int, bodies: Sequence[tuple[int, int]]) -> _Pack:
    longest = max(body for body, _ in bodies)
    pairs = prefix * prefix + len(bodies) * longest * (prefix + longest)
    return _Pack(prefix + sum(body for body, _ in bodies), pairs, sum(learnt for _, learnt in bodies))


def _body(item: Item, config: TrainConfig) -> tuple[int, int]:
    """Tokens of an answer with its request and what is learnt of it; and of the last alone."""
    learnt = min(config.max_feedback_tokens + 1, _length(item.completion) + 1) if item.completion else 0
    return min(config.max_answer_tokens, _length(item.answer)) + _tokens(item.request) + learnt, learnt


def _watched(items: Sequence[Item], part: Part, config: TrainConfig) -> float:
    """Tokens of one evaluation; a limit takes its share of them."""
    limit = config.validation_limit if part == "scorer" else -(-config.validation_limit // 4)
    share = min(1.0, limit / len(items)) if limit and items else 1.0
    return share * sum(pack.tokens for pack in _packs(items, config))


def _tokens(pieces: Sequence[Piece]) -> int:
    return sum(1 if isinstance(piece, Control) else _length(piece.text) for piece in pieces)


def _length(text: str) -> int:
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)
