"""What a training will take, for the form that starts one: number of examples, time and memory. No torch."""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from courses.models import Course
from grading.models import ModelVersion, TrainingExample, TrainingRun, TrainingSet, TrainingState, Worker
from grading.services.training import lora_shape, split_item, training_config, usable_examples
from grading.splits import TRAIN, VALIDATION, split_examples
from grading.training_settings import AllSettings
from mlcore.base import BaseModelError
from mlcore.config import TrainConfig
from mlcore.estimate import FEW_EXAMPLES, Device, Estimate, Shape, Work, estimate, plan_work, read_shape
from mlcore.rows import RowError, example_of

# Of more examples than this, every n-th is read and the rest counted.
_MOST_READ = 2000
_LONG_MINUTES = 120


@dataclass(frozen=True)
class TrainingEstimate:
    """What the form says. `found` is None where the base model cannot be seen from here, or nothing is chosen."""

    examples: int
    found: Estimate | None

    @property
    def few(self) -> bool:
        return 0 < self.examples < FEW_EXAMPLES

    @property
    def headline(self) -> str:
        """Number, time and memory, such as “About 1,530 examples · 12–20 minutes · 3.9 GB on the worker's CPU”."""
        if self.found is None:
            return ""
        number = ngettext("About %(number)s example", "About %(number)s examples", self.examples)
        where = (
            _("%(about)s GB on the worker's GPU")
            if self.found.device == "cuda"
            else _("%(about)s GB on the worker's CPU")
        )
        about = number_format(self.found.bytes / 1e9, 1)
        grouped = number_format(self.examples, 0, force_grouping=True)
        return " · ".join((number % {"number": grouped}, self._time(*self.found.seconds), where % {"about": about}))

    @property
    def gigabytes(self) -> tuple[float, float]:
        """Between which the memory should lie, in GB."""
        low, high = self.found.bytes_range if self.found else (0, 0)
        return low / 1e9, high / 1e9

    def _time(self, low: float, high: float) -> str:
        """From and to, rounded outwards."""
        long = high > 60 * _LONG_MINUTES
        unit, words = (3600, _("%(low)s–%(high)s hours")) if long else (60, _("%(low)s–%(high)s minutes"))
        return words % {"low": max(1, math.floor(low / unit)), "high": math.ceil(high / unit)}


def training_estimate(  # noqa: PLR0913 - one argument for each field of the form
    *,
    courses: Collection[Course],
    training_sets: Collection[TrainingSet],
    parts: Sequence[str],
    method: str,
    rank: int,
    learning_rate: float,
    epochs: float,
    start_from: ModelVersion | None = None,
    head: str = "regression",
    others: AllSettings | None = None,
    **unused: Any,
) -> TrainingEstimate:
    """What a training with these choices of the form will take.

    Raises:
        TrainingSettingsRefused: the settings contradict each other.
    """
    others = others or AllSettings()
    lora = lora_shape(start_from, parts, rank, others)
    config = training_config(uuid.uuid4(), parts, method, lora, learning_rate, epochs, start_from, head, others)
    rows = usable_examples(courses, training_sets)
    number = rows.count()
    shape = _shape()
    if shape is None or not number:
        return TrainingEstimate(number, None)
    every = -(-number // _MOST_READ)
    read = list(rows)[::every] if every > 1 else list(rows)
    work = _work(read, config, number / len(read))
    return TrainingEstimate(number, estimate(config, shape, work, _device(), _measured_rate(shape)))


def _work(examples: Sequence[TrainingExample], config: TrainConfig, times: float) -> Work:
    """What is read of these examples, divided as a run divides them, if each stood for so many."""
    sides = split_examples(list(map(split_item, examples)), 0).sides
    found: dict[str, list[Any]] = {TRAIN: [], VALIDATION: []}
    for example in examples:
        if (side := sides[example.pk]) in found:
            found[side].append(example_of(example.row))
    return _times(plan_work(found[TRAIN], found[VALIDATION], config), times)


def _times(work: Work, times: float) -> Work:
    tokens = {part: times * number for part, number in work.tokens.items()}
    return replace(work, examples=round(times * work.examples), tokens=tokens)


def _measured_rate(shape: Shape) -> float | None:
    """Tokens a second of the last training that came to its end here; None where there is none to go by."""
    run = TrainingRun.objects.filter(state=TrainingState.SUCCEEDED).exclude(points=None).order_by("-pk").first()
    if run is None:
        return None
    seconds = max(point.seconds for point in run.points.all())
    try:
        config = TrainConfig.from_json({key: value for key, value in run.config.items() if key != "split_by"})
        entries = run.run_examples.exclude(example=None).select_related("example")
        sides: dict[str, list[Any]] = {TRAIN: [], VALIDATION: []}
        for entry in entries.filter(split__in=sides)[:_MOST_READ]:
            sides[entry.split].append(example_of(entry.example.row))
    except (ValueError, RowError):
        return None  # made by another version of this program
    times = entries.filter(split=TRAIN).count() / len(sides[TRAIN]) if sides[TRAIN] else 0.0
    tokens = _done(run, config, _times(plan_work(sides[TRAIN], sides[VALIDATION], config), times), len(sides[TRAIN]))
    return tokens / seconds if tokens and seconds > 0 else None


def _done(run: TrainingRun, config: TrainConfig, work: Work, rows: int) -> float:
    """Tokens that a run has read: a part that stopped improving ended before all of its steps."""
    last: dict[str, int] = {}
    for stage, step in run.points.values_list("stage", "step"):
        last[stage] = max(last.get(stage, 0), step)
    planned = max(1.0, rows * config.epochs / config.batch_size)
    return sum(number * min(1.0, last.get(part, 0) / planned) for part, number in work.tokens.items())


def _shape() -> Shape | None:
    """The base model's shape; None where the web server cannot see it."""
    try:
        return read_shape(Path(settings.MARGINALIA_BASE_DIR))
    except BaseModelError:
        return None


def _device() -> Device:
    """What trainings run on: the setting, or what the workers say that they have."""
    name = str(settings.MARGINALIA_DEVICE)
    if name == "auto":
        named = Worker.objects.exclude(device="").order_by("-seen_at").values_list("device", flat=True)
        name = named.first() or "cpu"
    return "cuda" if name.startswith("cuda") else "cpu"
