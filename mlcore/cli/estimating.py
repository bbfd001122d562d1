"""The commands that say or measure what a training takes."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import asdict, replace

from mlcore.cli import commands
from mlcore.cli.progress import Line
from mlcore.config import TrainConfig
from mlcore.data import load_training_data
from mlcore.estimate import FEW_EXAMPLES, Device, Estimate, estimate, plan_work, read_shape


def train(options: Namespace) -> None:
    """Fine-tune an adapter; with --estimate, only say what that will take."""
    if not options.estimate:
        commands.train(options)
        return
    config = commands.train_config(options)
    data = load_training_data(config)
    work = plan_work(data.train, [*data.unseen, *data.seen], config)
    shape = read_shape(config.base.directory)
    for line in lines(estimate(config, shape, work, _device(config.base.device), options.rate)):
        print(line)


def bench(options: Namespace) -> None:
    """Measure the engine, with --beside next to other work, or with --recipe what a training costs here."""
    if options.recipe is None:
        (commands.bench if options.beside is None else commands.bench_beside)(options)
        return
    config = recipe_config(options)
    from mlcore.bench.training import QUICK, bench_training

    line = Line()
    size = {"count": QUICK} if options.quick else {}
    found = bench_training(config, **size, on_progress=lambda what: line.say(what, last=True))
    speed = f"{found.seconds_per_step:.2f} s a step ({found.steps} steps), {found.tokens_per_second:,.0f} tokens/s"
    print(f"{config.name} on {found.device}, {config.base.quantisation} weights, rank {config.lora.rank}")
    print(f"training  {speed}")
    print(f"          {found.training_bytes / 1e9:.1f} GB at its peak ({found.estimated_bytes / 1e9:.1f} estimated)")
    print(f"marking   {found.marks_per_second:.1f} marks/s, {found.marking_bytes / 1e9:.1f} GB at its peak")
    commands.save(options.json, asdict(found))


def recipe_config(options: Namespace) -> TrainConfig:
    """The recipe with the base and device that the options name.

    Raises:
        UsageError: the file is not readable, or a setting makes no sense.
    """
    try:
        config = TrainConfig.from_json(json.loads(options.recipe.read_text(encoding="utf-8")))
        base = {key: getattr(options, key) for key in ("quantisation", "compute_dtype", "device")}
        given = {key: value for key, value in base.items() if value is not None}
        return replace(config, base=replace(config.base, directory=options.base or config.base.directory, **given))
    except ValueError as error:
        raise commands.UsageError(f"{options.recipe}: {error}") from error


def lines(found: Estimate) -> list[str]:
    """An estimate in words."""
    low, high = (value / 60 for value in found.seconds)
    least, most = (value / 1e9 for value in found.bytes_range)
    where = "on the GPU" if found.device == "cuda" else "on the CPU"
    known = "as given" if found.measured else "a default, not measured here"
    said = [
        f"about {found.examples:,} examples, {found.tokens:,.0f} tokens",
        f"{low:.0f} to {high:.0f} minutes {where}, at {found.rate:,.0f} tokens/s ({known}; --rate sets it)",
        f"{found.bytes / 1e9:.1f} GB of memory (between {least:.1f} and {most:.1f})",
        "All of this is estimated from sizes and text lengths.",
    ]
    if found.few:
        said.append(f"Fewer than {FEW_EXAMPLES} examples are too few to make a model better.")
    return said


def _device(name: str) -> Device:
    if name != "auto":
        return "cpu" if name == "cpu" else "cuda"
    # torch takes seconds to load: only where the answer depends on this machine.
    from mlcore.dtypes import resolve_device

    return "cuda" if resolve_device(name).type == "cuda" else "cpu"
