"""Fine-tuning: from marked rows to an adapter directory.

LoRA (Hu et al. 2021) on unquantised weights, or QLoRA (Dettmers et al. 2023) on nf4 or int8 ones. The scorer is trained
first, then the feedback writer, each as its own adapter on the same frozen base.
"""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import resource
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file

from mlcore import parallel
from mlcore.adapters import inherited_stack, load_part, part_entry, part_files, read_memory
from mlcore.base import BaseInfo
from mlcore.checkpoint import load_state, named, save_state
from mlcore.config import Part, Task, TrainConfig, TrainProgress, TrainTask
from mlcore.data import (
    TrainingData,
    TrainingDataError,
    attack_items,
    items_for,
    load_training_data,
    sample_evenly,
    whole_items,
)
from mlcore.encoding import Encoder, fit_windows
from mlcore.heads import make_head
from mlcore.loading import load_base
from mlcore.manifest import AdapterExists, BaseEntry, Manifest, PartEntry, read_manifest, write_adapter
from mlcore.memory import Memory, remember
from mlcore.model import Model
from mlcore.packing import EncodedItem, encode_items
from mlcore.prompts import PROMPT_VERSION
from mlcore.stacking import Stack, enough_rows, fit_stack, stacked_error, stacked_scores
from mlcore.training import PartTrainer, State, TrainingStopped

__all__ = ["TrainingDataError", "TrainingStopped", "train"]

log = logging.getLogger(__name__)

# 1: first loop. 2: attacks among the items. 3: a stacked regressor over the scorer. 4: a memory of its questions; the
# version that a training starts from is among the weights that it chooses from.
# Part of a checkpoint's fingerprint: a change that trains differently must not resume old ones.
CODE_VERSION = "4"

OnProgress = Callable[[TrainProgress], None]
OnTask = Callable[[TrainTask], None]
T = TypeVar("T")
# Held-out rows for the three numbers of the stacked regressor: more would take longer and say the same.
_STACK_ROWS = 600
# Answers that a memory is made of; beyond that, an even share of each set.
_MEMORY_ROWS = 6000
# What names or describes the result but does not change it; a checkpoint is still the same without them.
_COSMETIC = ("output", "name", "licences", "weaknesses", "checkpoint_minutes")


@dataclass(frozen=True)
class TrainedPart:
    """One part's weights and what its training reported."""

    weights: dict[str, torch.Tensor]
    entry: PartEntry


def train(
    config: TrainConfig,
    *,
    on_progress: OnProgress = lambda progress: None,
    on_task: OnTask = lambda task: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Train the parts that the configuration names and write the adapter directory `config.output`.

    A checkpoint is kept in `<output>.partial/checkpoint`; a later call with the same configuration and data goes on
    from it, to the same result. `on_progress` is called after every step, `should_stop` asked before each; `on_task` is
    told what is done beside the steps, and how far that is, after each answer or pack of them.

    Started by `accelerate launch`, its processes share the work (see `mlcore.parallel`), and the first one writes.

    Returns:
        The adapter directory. Its manifest holds the losses on held-out rows; `mlcore.evaluate` measures the rest.

    Raises:
        TrainingStopped: should_stop() said so.
        TrainingDataError: the rows cannot be trained on.
        AdapterExists: there is something at `config.output`.
        BaseModelError: the base model cannot be loaded.
        AdapterError: `config.start_from` cannot be used.
    """
    if config.output.exists():
        raise AdapterExists(f"{config.output} exists already; an adapter is never overwritten, choose another name")
    parallel.start()
    tell: OnTask = on_task if parallel.leads() else lambda task: None
    if parallel.leads():
        on_progress(TrainProgress("preparing"))
    tell(TrainTask("reading"))
    data = load_training_data(config)
    tell(TrainTask("loading"))
    base = load_base(config.base, training=True)
    model = Model(base)
    run = _Run(config, data, model, base.info, on_progress, tell, should_stop)
    parts = {part: run.part(part) for part in config.parts if run.has_rows(part)}
    if not parts:
        raise TrainingDataError("no row holds anything to train on: there is no feedback in these files")
    manifest = _manifest(config, data, base.info, parts)
    if parallel.leads():
        write_adapter(config.output, lambda directory: _write_parts(directory, parts), manifest)
        shutil.rmtree(run.partial, ignore_errors=True)
    parallel.end()
    del run, model, base
    gc.collect()
    return config.output


class _Run:
    """One call of `train`: what its parts share."""

    def __init__(
        self,
        config: TrainConfig,
        data: TrainingData,
        model: Model,
        info: BaseInfo,
        on_progress: OnProgress,
        on_task: OnTask,
        should_stop: Callable[[], bool],
    ) -> None:
        self.config, self.data, self.model = config, data, model
        self.on_progress, self.on_task, self.should_stop = on_progress, on_task, should_stop
        prefix, answer = fit_windows(model.context, config.max_prefix_tokens, config.max_answer_tokens)
        self.encoder = Encoder(model.base.tokenizer, max_prefix_tokens=prefix, max_answer_tokens=answer)
        self.partial = config.output.with_suffix(".partial")
        self.fingerprint = _fingerprint(config, data, info)
        self.before = 0.0

    def has_rows(self, part: Part) -> bool:
        """Whether there is anything for this part to learn. A scorer always has rows; feedback may be missing."""
        return part == "scorer" or bool(items_for(part, self.data.train))

    def part(self, part: Part) -> TrainedPart:
        """Train one part, or take it from the disk where an interrupted training had finished it."""
        finished = self.partial / f"{part}.safetensors"
        found = load_state(finished)
        if found is not None and found[1].get("fingerprint") == self.fingerprint:
            self.before += found[1]["state"]["seconds"]
            return TrainedPart(found[0], part_entry(part, self.config, found[1]["state"]))
        trainer = self._trainer(part)
        weights = trainer.run(lambda *told: self._tell(part, *told), self.should_stop)
        state = trainer.state
        facts = {"seconds": state.seconds, "steps": state.step, "best_step": state.best_step, "history": state.history}
        if not parallel.leads():
            self.before += state.seconds
            return TrainedPart(weights, part_entry(part, self.config, facts))
        if part == "scorer":
            weights |= self._beside_words(trainer, facts)
        save_state(finished, weights, {"fingerprint": self.fingerprint, "state": facts})
        trainer.checkpoint.unlink(missing_ok=True)
        self.before += state.seconds
        return TrainedPart(weights, part_entry(part, self.config, facts))

    def _beside_words(self, trainer: PartTrainer, facts: dict[str, Any]) -> dict[str, torch.Tensor]:
        """The stacked regressor and the memory as weights; what the manifest says of them goes into `facts`."""
        found: dict[str, torch.Tensor] = {}
        stacked = self._stack(trainer)
        if stacked:
            facts["stack"] = stacked[1]
            found |= _tensors("stack", stacked[0].tensors())
        remembered = self._memory(trainer, stacked[0] if stacked else None)
        if remembered:
            facts["memory"] = remembered[1]
            found |= _tensors("memory", remembered[0].tensors())
        return found

    def _stack(self, trainer: PartTrainer) -> tuple[Stack, dict[str, Any]] | None:
        """The stacked regressor over this scorer and what the manifest says; None where the model is better alone.

        A new one has to be better on the held-out rows than that of the version that the training started from, which
        mostly saw far more rows.
        """
        rows = [row for row in (*self.data.unseen, *self.data.seen) if row.marked.answer.text.strip()]
        held_out = sample_evenly(rows, _STACK_ROWS, self.config.seed)
        inherited = inherited_stack(self.config.start_from) if self.config.start_from else None
        if not enough_rows(self.data.train, held_out):
            return inherited
        scores = trainer.scores(self._encode(whole_items(held_out)))
        fitted = fit_stack(self.data.train, held_out, scores)
        if inherited and not fitted.rmse < stacked_error(inherited[0], held_out, scores):
            return inherited
        return (fitted.stack, fitted.facts()) if fitted.helps else None

    def _memory(self, trainer: PartTrainer, stack: Stack | None) -> tuple[Memory, dict[str, Any]] | None:
        """What is remembered of the questions that were trained on, and what the manifest says of it.

        Of other questions, it is what the version that the training started from remembers.
        """
        rows = [row for row in self.data.train if row.marked.answer.text.strip()]
        rows = sample_evenly(rows, _MEMORY_ROWS, self.config.seed)
        scores = trainer.scores(self._encode(whole_items(rows)))
        kept = remember(rows, stacked_scores(stack, rows, scores) if stack else scores)
        start = self.config.start_from
        older = read_memory(start, read_manifest(start)) if start else None
        if kept is None:
            return (older, {"questions": len(older), "inherited": True}) if older else None
        memory = kept.memory.over(older)
        return memory, {**kept.facts(), "questions": len(memory)}

    def _trainer(self, part: Part) -> PartTrainer:
        torch.manual_seed(self.config.seed)
        self._attach(part)
        held_out = [*self.data.unseen, *self.data.seen]
        config = self._config(part)
        validation = sample_evenly(items_for(part, held_out), config.validation_limit, config.seed)
        checkpoint = self.partial / "checkpoint" / f"{part}.safetensors"
        learnt = items_for(part, self.data.train)
        if part == "scorer":
            learnt += attack_items(self.data.train, self.config.hardening, self.config.seed)
        train, measured = self._encode(learnt), self._encode(validation)
        return PartTrainer(self.model, part, config, train, measured, checkpoint, self.fingerprint, self._counted)

    def _config(self, part: Part) -> TrainConfig:
        """The configuration as it counts for one part."""
        config = self.config
        if part == "scorer":
            return config
        batch_size = config.feedback_batch_size or config.batch_size
        return replace(config, batch_size=batch_size, validation_limit=-(-config.validation_limit // 4))

    def _attach(self, part: Part) -> None:
        """A fresh adapter (and head), or the one to start from."""
        self.model.attach(part, self.config.lora)
        if part == "scorer":
            head = make_head(self.config.head, self.model.hidden_size, self.config.bands)
            head.start_at(self.model.yes_no_direction(*self.encoder.yes_no()))
            self.model.heads[part] = head.to(self.model.device)
        if self.config.start_from is not None:
            load_part(self.model, part, self.config)

    def _encode(self, items: Sequence[Any]) -> list[EncodedItem]:
        counted = self._counted("encoding", items)
        return encode_items(counted, self.encoder, self.config.max_feedback_tokens)

    def _counted(self, what: Task, items: Sequence[T]) -> Iterator[T]:
        """The items, one after the other, telling what they are taken for and how many are through."""
        for done, item in enumerate(items):
            self.on_task(TrainTask(what, done, len(items)))
            yield item

    def _tell(self, part: Part, state: State, steps: int, learning_rate: float) -> None:
        if not parallel.leads():
            return
        self.on_progress(
            TrainProgress(
                stage=part,
                step=state.step,
                steps=steps,
                train_loss=state.train_loss,
                validation_loss=state.validation_loss,
                learning_rate=learning_rate,
                seconds=self.before + state.seconds,
                memory_bytes=_memory(self.model.device),
            )
        )


def _tensors(name: str, arrays: dict[str, Any]) -> dict[str, torch.Tensor]:
    return named(name, {key: torch.from_numpy(value) for key, value in arrays.items()})


def _write_parts(directory: Path, parts: dict[Part, TrainedPart]) -> None:
    for part, trained in parts.items():
        for name, tensors in part_files(part, trained.weights).items():
            save_file(tensors, str(directory / name), metadata={"format": "pt"})


def _manifest(config: TrainConfig, data: TrainingData, info: BaseInfo, parts: dict[Part, TrainedPart]) -> Manifest:
    return Manifest(
        name=config.name,
        base=BaseEntry(info.name, info.revision, config.base.quantisation),
        parts={part: trained.entry for part, trained in parts.items()},
        training={
            "config": _public(config),
            "data": data.files,
            "rows": {"train": len(data.train), "unseen_questions": len(data.unseen), "unseen_answers": len(data.seen)},
            "held_out_questions": sorted({row.question.id for row in data.unseen}),
            "processes": parallel.processes(),
            "code_version": CODE_VERSION,
            "prompt_version": PROMPT_VERSION,
            "seed": config.seed,
        },
        licences=config.licences,
        weaknesses=config.weaknesses,
    )


def _public(config: TrainConfig) -> dict[str, Any]:
    """The configuration without this machine's paths."""
    body = config.to_json()
    for key in ("output", "start_from", "licences", "weaknesses"):
        body.pop(key)
    for key in ("train_files", "validation_files"):
        body[key] = ["/".join(Path(path).absolute().parts[-2:]) for path in body[key]]
    body["base"].pop("directory")
    return body


def _fingerprint(config: TrainConfig, data: TrainingData, info: BaseInfo) -> str:
    body = {key: value for key, value in config.to_json().items() if key not in _COSMETIC}
    body["base"].pop("directory")
    facts = [body, data.files, asdict(info)["revision"], CODE_VERSION, PROMPT_VERSION]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
