"""What a training configuration costs on this machine: seconds a step, tokens a second, peak memory, marks a second.

For the settings of a recipe on the base that it names; the answers are made up and all of the same assignment, as long
as packs of the recipe's size take them.
"""

from __future__ import annotations

import gc
import resource
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from mlcore.bench.inputs import answers, assignment
from mlcore.bench.timing import by_turns
from mlcore.config import TrainConfig, TrainProgress
from mlcore.data import load_training_data
from mlcore.engine import Engine
from mlcore.estimate import Device, estimate, plan_work, read_shape
from mlcore.rows import write_rows
from mlcore.schemas import Example, MarkedAnswer
from mlcore.train import train

FULL, QUICK = 40, 8  # answers to each question
_QUESTIONS = 5
# The first step of each part also fills caches and picks kernels.
_WARM_UP = 1


@dataclass(frozen=True)
class TrainingBench:
    """What was measured. Memory is the card's peak as torch counts it; on a CPU the process's peak.

    Attributes:
        steps: optimiser steps that were timed, of all parts.
        tokens_per_second: estimated tokens, the unit of `mlcore.estimate`; give it to `train --estimate --rate`.
        estimated_bytes: what `mlcore.estimate` had said.
    """

    device: str
    steps: int
    seconds_per_step: float
    tokens_per_second: float
    training_bytes: int
    estimated_bytes: int
    marks_per_second: float
    marking_bytes: int


def bench_training(
    config: TrainConfig, *, count: int = FULL, on_progress: Callable[[str], None] = lambda what: None
) -> TrainingBench:
    """Train on `count` made-up answers to each of five questions for one epoch, and mark with the result.

    Raises:
        BaseModelError: the base cannot be loaded.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        config = on_made_up_rows(config, Path(directory), count)
        on_progress("training")
        _reset_peak()
        clock = _Clock()
        written = train(config, on_progress=clock)
        training_bytes = _peak(clock.memory)
        _free()
        on_progress("marking")
        _reset_peak()
        engine = Engine(config.base)
        engine.use(written)
        device: Device = "cuda" if engine.device.startswith("cuda") else "cpu"
        marks = _marks_per_second(engine, count)
        return TrainingBench(
            device=torch.cuda.get_device_name(engine.device) if device == "cuda" else "CPU",
            steps=clock.steps,
            seconds_per_step=clock.seconds / max(1, clock.steps),
            tokens_per_second=_tokens(config, clock.share) / clock.seconds if clock.seconds else 0.0,
            training_bytes=training_bytes,
            estimated_bytes=_estimated(config, device),
            marks_per_second=marks,
            marking_bytes=_peak(0),
        )


def on_made_up_rows(config: TrainConfig, directory: Path, count: int) -> TrainConfig:
    """The same training for one epoch on `count` made-up answers to each of five questions, all in a directory."""
    rows = directory / "rows.jsonl"
    write_rows(rows, _examples(count))
    return replace(
        config,
        output=directory / "adapter",
        train_files=(rows,),
        validation_files=(),
        validation_share=0.0,
        epochs=1.0,
        feedback_epochs=1.0,
        evaluations=1,
        start_from=None,
    )


class _Clock:
    """Adds up the time of all steps but the first of each part."""

    def __init__(self) -> None:
        self.steps, self.planned, self.memory = 0, 0, 0
        self.seconds = 0.0
        self._last: TrainProgress | None = None

    @property
    def share(self) -> float:
        """Timed steps of all steps."""
        return self.steps / self.planned if self.planned else 0.0

    def __call__(self, progress: TrainProgress) -> None:
        self.memory = max(self.memory, progress.memory_bytes)
        if not progress.steps:
            return
        before, self._last = self._last, progress
        if progress.step <= _WARM_UP:
            self.planned += progress.steps
        # The last step of a part is followed by its evaluation, which is not a step.
        elif before is not None and progress.step < progress.steps:
            self.steps += 1
            self.seconds += progress.seconds - before.seconds


def _examples(count: int) -> list[Example]:
    feedback = "Say which of the plants had light, and name what they make with it. " * 2
    return [
        Example(
            replace(assignment(number), id=f"bench/{number}"),
            MarkedAnswer(replace(answer, id=f"{number}/{answer.id}"), float(place % 5), feedback),
            group="bench",
        )
        for number in range(_QUESTIONS)
        for place, answer in enumerate(answers(count))
    ]


def _marks_per_second(engine: Engine, count: int) -> float:
    timed, _ = by_turns(
        1, lambda turn: engine.mark(assignment(turn), answers(count), feedback=False), lambda turn: None
    )
    return count / timed.median


def _tokens(config: TrainConfig, share: float) -> float:
    return share * sum(plan_work(load_training_data(config).train, [], config).tokens.values())


def _estimated(config: TrainConfig, device: Device) -> int:
    work = plan_work(load_training_data(config).train, [], config)
    return estimate(config, read_shape(config.base.directory), work, device).bytes


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _reset_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def _peak(told: int) -> int:
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return int(torch.cuda.max_memory_allocated())
    return max(told, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
