"""Settings of the marking engine and of a training, and what a training reports: plain dataclasses, no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

Quantisation = Literal["nf4", "int8", "none"]
ComputeDtype = Literal["auto", "float32", "bfloat16", "float16"]
Head = Literal["regression", "bands"]
Method = Literal["lora", "qlora"]
Part = Literal["scorer", "feedback"]
Stage = Literal["preparing", "scorer", "feedback", "evaluating"]
# What a training is at beside its steps, in the order in which it comes to them; the last four measure the result.
Task = Literal[
    "reading", "loading", "encoding", "start", "held_out", "words", "candidate", "in_use", "attacks", "feedback"
]

QUANTISATIONS = ("nf4", "int8", "none")
COMPUTE_DTYPES = ("auto", "float32", "bfloat16", "float16")
PARTS: tuple[Part, ...] = ("scorer", "feedback")
ALL_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class BaseConfig:
    """Which base model is loaded, and how.

    Attributes:
        directory: a LLaMA-family checkpoint directory (config.json, safetensors, tokenizer).
        quantisation: nf4 (4 bits, double quantisation), int8, or none.
        compute_dtype: what matrices are multiplied in; auto is 16 bits on a GPU, and on a CPU what was measured to be
            faster there (float32 where the weights stay quantised). A mark never depends on its batch.
        device: auto takes the first GPU where there is one.
        expand: keep the quantised values unpacked in the compute dtype; costs the memory that quantisation saves,
            and spares unpacking them in every step. auto does so on a CPU where the unpacked weights stay below 2 GB.
        max_answer_tokens: the window for one answer; what is longer is cut at the end and reported.
        max_prefix_tokens: the window for what the answers share (question, rubric, reference answer).
    """

    directory: Path
    quantisation: Quantisation = "nf4"
    compute_dtype: ComputeDtype = "auto"
    device: str = "auto"
    expand: Literal["auto", "yes", "no"] = "auto"
    max_answer_tokens: int = 1536
    max_prefix_tokens: int = 2048

    def __post_init__(self) -> None:
        object.__setattr__(self, "directory", Path(self.directory))
        _one_of("quantisation", self.quantisation, QUANTISATIONS)
        _one_of("compute_dtype", self.compute_dtype, COMPUTE_DTYPES)
        _one_of("expand", self.expand, ("auto", "yes", "no"))
        if self.device not in ("auto", "cpu", "cuda") and not self.device.removeprefix("cuda:").isdigit():
            raise ValueError(f"device must be auto, cpu, cuda or cuda:NUMBER, not “{self.device}”")
        _at_least("max_answer_tokens", self.max_answer_tokens, 16)
        _at_least("max_prefix_tokens", self.max_prefix_tokens, 64)


@dataclass(frozen=True)
class LoraConfig:
    """Low-rank adaptation (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models").

    Attributes:
        rank: columns of the low-rank matrices.
        alpha: scale; the update is multiplied by alpha / rank.
        dropout: share of the adapter's input set to 0 while training, 0 to below 1.
        targets: names of the linear layers that get an adapter.
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ALL_LINEAR

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", tuple(self.targets))
        _at_least("rank", self.rank, 1)
        if not self.alpha > 0:
            raise ValueError(f"alpha must be positive, not {self.alpha}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be from 0 to below 1, not {self.dropout}")
        if not self.targets:
            raise ValueError("targets must name at least one layer")


@dataclass(frozen=True)
class TrainConfig:
    """One fine-tuning, from marked rows to an adapter directory.

    Attributes:
        output: the adapter directory to write; it must not exist yet.
        train_files: JSONL files of marked rows.
        base: the base model; with the method qlora its quantisation is nf4 or int8, with lora none.
        validation_files: marked rows that are only measured on, beside the held-out questions.
        name: what the manifest calls the result.
        parts: what is trained: the scorer, the feedback writer or both, in this order.
        head: regression (one logit) or bands (classification over score bands whose expectation is the score).
        bands: number of score bands from 0 to 1, used by the head of that name.
        method: lora on unquantised weights, or qlora on quantised ones (Dettmers et al. 2023, "QLoRA").
        learning_rate: peak of the cosine schedule for the adapter, per optimiser step.
        feedback_learning_rate: the same for the feedback writer.
        head_learning_rate: the same for the scorer's head.
        warmup_share: share of the steps in which the learning rate rises from 0.
        weight_decay: AdamW's decay of the adapter's weights.
        epochs: passes over the training rows for the scorer; may be fractional.
        feedback_epochs: the same for the feedback writer.
        max_minutes: ends the scorer's training after that time, the schedule squeezed into it (0: no limit).
        feedback_max_minutes: the same for the feedback writer.
        batch_size: answers per optimiser step.
        feedback_batch_size: the same for the feedback writer (0: the same number).
        pack_answers: answers to one question that share one computed prefix.
        pack_tokens: tokens per forward pass; an answer that is longer by itself is let through alone.
        max_prefix_tokens: window for question, rubric and reference answer, in tokens.
        max_answer_tokens: window for an answer, in tokens; the end is cut.
        max_feedback_tokens: window for feedback to learn from, in tokens.
        set_weights: how often a set (a row's `group`) is passed in one epoch, 1 where it is not named.
        validation_share: share of the questions of each set that is held out of training, 0 to below 1.
        hardening: share of the answers that are also shown to the scorer as attacks (0 to 1), see `mlcore.hardening`.
        validation_limit: at most so many answers are measured at one evaluation (0: all of them); a quarter as many
            for the feedback writer, because a text costs about four times a mark.
        evaluations: evaluations over one part's training, the one at the end included.
        patience: evaluations without a better validation loss after which a part's training ends (0: never).
        checkpoint_minutes: time between checkpoints.
        seed: of shuffling, splitting and initial weights.
        start_from: an adapter directory to go on from, on the same base.
        licences: one notice per source of the data, kept in the manifest.
        weaknesses: sentences for the card.
    """

    output: Path
    train_files: tuple[Path, ...]
    base: BaseConfig
    validation_files: tuple[Path, ...] = ()
    name: str = "adapter"
    parts: tuple[Part, ...] = ("scorer", "feedback")
    head: Head = "regression"
    bands: int = 9
    method: Method = "qlora"
    lora: LoraConfig = field(default_factory=LoraConfig)
    learning_rate: float = 4e-4
    feedback_learning_rate: float = 4e-4
    head_learning_rate: float = 1e-3
    warmup_share: float = 0.05
    weight_decay: float = 0.0
    epochs: float = 3.0
    feedback_epochs: float = 2.0
    max_minutes: float = 0.0
    feedback_max_minutes: float = 0.0
    batch_size: int = 16
    feedback_batch_size: int = 0
    pack_answers: int = 8
    pack_tokens: int = 1024
    max_prefix_tokens: int = 768
    max_answer_tokens: int = 512
    max_feedback_tokens: int = 128
    set_weights: Mapping[str, float] = field(default_factory=dict)
    hardening: float = 0.0
    validation_share: float = 0.15
    validation_limit: int = 400
    evaluations: int = 8
    patience: int = 4
    checkpoint_minutes: float = 3.0
    seed: int = 0
    start_from: Path | None = None
    licences: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._normalise()
        for part in self.parts or ("none",):
            _one_of("parts", part, PARTS)
        _one_of("head", self.head, ("regression", "bands"))
        _one_of("method", self.method, ("lora", "qlora"))
        if (self.method == "lora") != (self.base.quantisation == "none"):
            raise ValueError(
                f"method {self.method} does not go with {self.base.quantisation} weights: "
                "lora needs quantisation none, qlora nf4 or int8"
            )
        if not self.train_files:
            raise ValueError("train_files must name at least one file")
        for name in ("learning_rate", "feedback_learning_rate", "head_learning_rate", "epochs", "feedback_epochs"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")
        for name, least in _LEAST.items():
            _at_least(name, getattr(self, name), least)
        for name in ("warmup_share", "validation_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be from 0 to below 1, not {getattr(self, name)}")
        if any(not weight >= 0 for weight in self.set_weights.values()):
            raise ValueError("set_weights must not be negative")

    def _normalise(self) -> None:
        """Let JSON's lists and strings in: they become tuples and paths."""
        put = object.__setattr__
        put(self, "output", Path(self.output))
        for name in ("train_files", "validation_files"):
            put(self, name, tuple(Path(path) for path in getattr(self, name)))
        for name in ("parts", "licences", "weaknesses"):
            put(self, name, tuple(getattr(self, name)))
        put(self, "set_weights", dict(self.set_weights))
        if self.start_from is not None:
            put(self, "start_from", Path(self.start_from))

    def to_json(self) -> dict[str, Any]:
        """The configuration as JSON-able values; `from_json` turns it back into an equal one."""
        return json.loads(json.dumps(asdict(self), default=str))

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> TrainConfig:
        """A configuration from `to_json`'s layout.

        Raises:
            ValueError: a field that does not exist, or a value that makes no sense.
        """
        values = dict(body)
        _refuse_unknown(cls, values)
        values["base"] = _nested(BaseConfig, values.get("base") or {})
        if "lora" in values:
            values["lora"] = _nested(LoraConfig, values["lora"])
        try:
            return cls(**values)
        except TypeError as error:
            raise ValueError(f"the training configuration is incomplete: {error}") from error


@dataclass(frozen=True)
class TrainProgress:
    """How far a training is. Losses are None before the first was measured.

    `step` of `steps` counts optimiser steps of the stage; `seconds` is the time since the training began (the time
    before a resume included); `memory_bytes` is what the process holds, on the GPU where there is one.
    """

    stage: Stage
    step: int = 0
    steps: int = 0
    train_loss: float | None = None
    validation_loss: float | None = None
    learning_rate: float | None = None
    seconds: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True)
class TrainTask:
    """What a training is at beside its steps: reading rows, loading the base, turning answers into tokens, measuring
    the version that it starts from or the held-out answers, learning from the answers' words.

    `done` of `of` counts answers or packs of them; `of` is 0 where there is nothing to count.
    """

    what: Task
    done: int = 0
    of: int = 0


_LEAST: dict[str, float] = {
    "bands": 2,
    "batch_size": 1,
    "feedback_batch_size": 0,
    "pack_answers": 1,
    "pack_tokens": 64,
    "max_prefix_tokens": 32,
    "max_answer_tokens": 8,
    "max_feedback_tokens": 4,
    "hardening": 0,
    "validation_limit": 0,
    "evaluations": 1,
    "patience": 0,
    "checkpoint_minutes": 0,
    "max_minutes": 0,
    "feedback_max_minutes": 0,
    "weight_decay": 0,
}


def _one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, not “{value}”")


def _at_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise ValueError(f"{name} must be at least {least}, not {value}")


def _refuse_unknown(cls: type, values: Mapping[str, Any]) -> None:
    known = {entry.name for entry in fields(cls)}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"{cls.__name__} has no setting “{unknown[0]}”")


def _nested(cls: type, values: Any) -> Any:
    if isinstance(values, cls):
        return values
    _refuse_unknown(cls, values)
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(f"{cls.__name__} is incomplete: {error}") from error
