"""Our training loop beside the Hugging Face Trainer with peft: the same batches, the same settings."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from mlcore.bench.inputs import answers, assignment
from mlcore.config import BaseConfig, LoraConfig, TrainConfig
from mlcore.data import Item
from mlcore.encoding import Encoder
from mlcore.heads import make_head
from mlcore.loading import load_base
from mlcore.model import Model
from mlcore.packing import EncodedItem, encode_items
from mlcore.prompts import score_request
from mlcore.training import CLIP, PartTrainer, State, schedule

# Answers to each question: whole packs, so that every batch has the same number of them.
_ANSWERS, _BATCH = 16, 8
_ROOM = 4096
# The first step also fills caches and picks kernels.
_WARM_UP = 1


@dataclass(frozen=True)
class Curve:
    """What one training did: each step's loss, and the seconds of those after the first."""

    losses: list[float]
    seconds: float

    @property
    def examples_per_second(self) -> float:
        return (len(self.losses) - _WARM_UP) * _BATCH / self.seconds


def both(base: BaseConfig, steps: int) -> tuple[Curve, Curve]:
    """A scorer trained for so many steps by us, and by the Trainer."""
    questions = -(-steps * _BATCH // _ANSWERS)
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        config = TrainConfig(
            Path(directory) / "adapter",
            (Path("rows.jsonl"),),
            base,
            method="lora" if base.quantisation == "none" else "qlora",
            lora=replace(LoraConfig(), dropout=0.0),
            epochs=1.0,
            batch_size=_BATCH,
            pack_answers=_BATCH,
            pack_tokens=_ROOM,
            max_minutes=0,
        )
        ours = _start(config, questions)
        plan = ours.steps[:steps]
        ours.steps = plan
        first = _ours(ours)
        plain = _start(config, questions)
        batches = [[plain.train_items[place] for pack in step for place in pack] for step in plan]
        return first, _trainer(plain, batches, Path(directory))


def _start(config: TrainConfig, questions: int) -> PartTrainer:
    base = load_base(config.base, training=True)
    model = Model(base)
    # Loading may draw numbers, too.
    torch.manual_seed(0)
    model.attach("scorer", config.lora)
    model.heads["scorer"] = make_head("regression", model.hidden_size, config.bands)
    texts = [answer.text for answer in answers(_ANSWERS)]
    encoder = Encoder(base.tokenizer, max_prefix_tokens=1024, max_answer_tokens=512)
    items = [
        Item(assignment(number), answer, tuple(score_request()), target=(place % 5) / 4, group="bench")
        for number in range(questions)
        for place, answer in enumerate(texts)
    ]
    encoded = encode_items(items, encoder, 0)
    return PartTrainer(model, "scorer", config, encoded, [], config.output / "state", "bench")


def _ours(training: PartTrainer) -> Curve:
    smooth: list[float] = []
    times: list[float] = []

    def watch(state: State, steps: int, rate: float) -> None:
        smooth.append(state.train_loss or 0.0)
        times.append(state.seconds)

    training.run(watch, lambda: False)
    losses = [now if not place else (now - 0.95 * smooth[place - 1]) / 0.05 for place, now in enumerate(smooth)]
    return Curve(losses, times[-1] - times[_WARM_UP - 1])


class _Plain(nn.Module):
    """A full prompt for every answer, padded to the longest of the batch; the head reads the last token."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.backbone, self.head = model.backbone, model.heads["scorer"]

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
        states = self.backbone(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        last = states[torch.arange(len(ids), device=ids.device), mask.sum(1) - 1]
        return {"loss": self.head.loss(self.head(last), targets).mean()}


class _InOrder(Trainer):
    """Takes the examples as they come: they are shuffled already."""

    def _get_train_sampler(self, *_: Any) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)


class _Watch(TrainerCallback):
    def __init__(self, optimiser: torch.optim.Optimizer) -> None:
        self.optimiser = optimiser
        self.losses: list[float] = []
        self.times: list[float] = []

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        for group in self.optimiser.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], CLIP)

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.times.append(time.perf_counter())

    def on_log(self, *_: Any, logs: dict[str, float] | None = None, **__: Any) -> None:
        if logs and "loss" in logs:
            self.losses.append(float(logs["loss"]))


def _trainer(plain: PartTrainer, batches: Sequence[Sequence[EncodedItem]], directory: Path) -> Curve:
    model, optimiser, watch = _Plain(plain.model), plain.optimiser, _Watch(plain.optimiser)
    warm_up = plain.config.warmup_share * len(batches)
    rates = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: schedule(step / len(batches), step, warm_up), last_epoch=-1
    )
    low = plain.model.base.dtype == torch.bfloat16
    settings = TrainingArguments(
        output_dir=str(directory / "plain"),
        per_device_train_batch_size=_BATCH,
        max_steps=len(batches),
        # The callback clips, each group of weights for itself, as we do.
        max_grad_norm=0.0,
        bf16=low,
        use_cpu=plain.model.device.type == "cpu",
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to=[],
        remove_unused_columns=False,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    rows = [item for batch in batches for item in batch]
    theirs = _InOrder(
        model=model,
        args=settings,
        train_dataset=rows,
        data_collator=_padded,
        optimizers=(optimiser, rates),
        callbacks=[watch],
    )
    theirs.remove_callback(PrinterCallback)
    theirs.train()
    return Curve(watch.losses, watch.times[-1] - watch.times[_WARM_UP - 1])


def _padded(items: Sequence[EncodedItem]) -> dict[str, torch.Tensor]:
    prompts = [[*item.prefix, *item.body] for item in items]
    longest = max(map(len, prompts))
    return {
        "ids": torch.tensor([prompt + [0] * (longest - len(prompt)) for prompt in prompts]),
        "mask": torch.tensor([[1] * len(prompt) + [0] * (longest - len(prompt)) for prompt in prompts]),
        "targets": torch.tensor([item.target for item in items], dtype=torch.float32),
    }
