"""Speed and memory of the engine beside other ways to do the same work, measured in one process.

A row is {name, unit, ours, peer, peer_name, ratio, target}. `ratio` says how many times better ours is, whether its
unit is better large (answers a second) or small (megabytes); ratio ≥ target means that the target holds. A peer that
is not installed is named as such and has no numbers.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from mlcore.bench import server as llama_cpp
from mlcore.bench import trainer
from mlcore.bench.inputs import answers, assignment
from mlcore.bench.ours import Writer, held_bytes
from mlcore.bench.peers import BATCH, PlainTransformers
from mlcore.bench.timing import Timed, by_turns
from mlcore.config import BaseConfig
from mlcore.engine import Engine
from mlcore.prompts import feedback_request
from mlcore.schemas import Answer

Row = dict[str, Any]
Dtype = Literal["float32", "bfloat16"]

_SCORING_TARGET, _WRITING_TARGET, _SERVER_TARGET, _TRAINING_TARGET = 8.0, 5.0, 1.5, 1.8
# Two models weigh twice as much as one; two adapters on one base may weigh at most 0.6 of that.
_MEMORY_TARGET = round(1 / 0.6, 2)
_PLAIN = "transformers + peft in {dtype}, full prompts, batches of 8 in arrival order"
_SERVER = "llama.cpp's server, {slots} slots, its own prompt cache, no adapter"
_TRAINER = "Hugging Face Trainer + peft, full prompts, the same batches"
_PROFILE_LINES = 20


@dataclass
class BenchResult:
    """Rows, what there is to say beside them, and the profile where one was asked for."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    profile: str = ""


@dataclass(frozen=True)
class Size:
    """How much is measured: answers to score, answers to write to, the most tokens for each, repeats, steps to train.

    A quick measurement leaves out the peer in bfloat16.
    """

    scored: int
    written: int
    tokens: int
    repeats: int
    steps: int = 12
    low: bool = True


FULL, QUICK = Size(256, 64, 60, 3), Size(16, 8, 16, 1, steps=0, low=False)


def run_bench(
    config: BaseConfig,
    version: Path,
    *,
    size: Size = FULL,
    profile: bool = False,
    server: llama_cpp.Server | None = None,
    on_progress: Callable[[str], None] = lambda what: None,
) -> BenchResult:
    """Measure everything that the model version can do; `on_progress` is told what comes next.

    Raises:
        BaseModelError, AdapterError: base or version cannot be loaded.
        ServerError: the server given does not work.
    """
    result = BenchResult()
    on_progress("loading")
    engine = Engine(config)
    engine.use(version)
    result.notes.append(
        f"{engine.base_info.name} on {engine.device}, {config.quantisation} weights, products in "
        f"{engine.dtype}, {torch.get_num_threads()} threads"
    )
    writer = Writer(config, version)
    # On a card the peer computes in what the engine computes in.
    low: list[Dtype] = ["bfloat16"]
    dtypes: list[Dtype] = ["float32", *low[: size.low]] if engine.device == "cpu" else low
    for dtype in dtypes:
        plain = PlainTransformers(config, version, dtype)
        if "scorer" in plain.parts:
            on_progress(f"scoring, beside transformers in {dtype}")
            _scoring(result, engine, plain, size, dtype)
        if "feedback" in plain.parts:
            on_progress(f"writing feedback, beside transformers in {dtype}")
            _writing(result, writer, plain, size, dtype)
        parts = len(plain.parts)
        plain.close()
    if "feedback" in writer.model.adapters:
        on_progress("writing feedback, beside llama.cpp's server")
        _beside_server(result, writer, size, server)
    if parts > 1:
        _memory(result, writer)
    del writer
    gc.collect()
    if size.steps:
        on_progress("training")
        _training(result, config, size.steps)
    if profile:
        on_progress("profiling")
        result.profile = _profile(engine, size)
    return result


def _scoring(result: BenchResult, engine: Engine, plain: PlainTransformers, size: Size, dtype: Dtype) -> None:
    texts = answers(size.scored)
    ours, peer = by_turns(
        size.repeats,
        lambda repeat: engine.mark(assignment(repeat), _some(texts, repeat), feedback=False),
        lambda repeat: plain.scores(assignment(repeat), _some(texts, repeat)),
    )
    name = f"scoring {size.scored} answers of one assignment"
    peer_name = _PLAIN.format(dtype=dtype)
    result.rows.append(_rate_row(name, "answers/s", size.scored, ours, peer_name, size.scored, peer, _SCORING_TARGET))
    apart = max(abs(one.score - other) for one, other in zip(ours.result, peer.result, strict=True))
    said = f"ours {ours.spread()}; {dtype} peer {peer.spread()}"
    result.notes.append(f"{name}: {said}; scores differ by at most {apart:.1e}")


def _writing(result: BenchResult, writer: Writer, plain: PlainTransformers, size: Size, dtype: Dtype) -> None:
    """Texts of a fixed length on both sides: how long a text wants to be is the adapter's business, not the loop's."""
    texts = answers(size.written)
    ours, peer = by_turns(
        size.repeats,
        lambda repeat: writer.write(assignment(repeat), _some(texts, repeat), _points(), size.tokens),
        lambda repeat: plain.write(assignment(repeat), _some(texts, repeat), _points(), size.tokens),
        # Scoring has warmed up everything but the vocabulary; a quick run has no time for that.
        warm_up=size.repeats > 1,
    )
    name = _writing_name(size)
    peer_name = _PLAIN.format(dtype=dtype)
    result.rows.append(_rate_row(name, "tokens/s", ours.result, ours, peer_name, peer.result, peer, _WRITING_TARGET))
    result.notes.append(f"{name}, reading included: ours {ours.spread()}; {dtype} peer {peer.spread()}")


def _beside_server(result: BenchResult, writer: Writer, size: Size, server: llama_cpp.Server | None) -> None:
    texts, name = answers(size.written), _writing_name(size)
    turns = range(size.repeats + 1)
    if server is None:
        peer_name = "llama.cpp's server (not named with --server)"
        result.rows.append(row(name, "tokens/s", None, None, peer_name, None, _SERVER_TARGET))
        return
    prompts = [_prompts(writer, repeat, texts if repeat else texts[:BATCH], _points()) for repeat in turns]
    peer = llama_cpp.timed(server, prompts, size.tokens)
    ours, _ = by_turns(
        size.repeats,
        lambda repeat: writer.write(assignment(repeat), _some(texts, repeat), _points(), size.tokens),
        lambda repeat: None,
    )
    peer_name = _SERVER.format(slots=llama_cpp.SLOTS)
    result.rows.append(_rate_row(name, "tokens/s", ours.result, ours, peer_name, peer.result, peer, _SERVER_TARGET))
    result.notes.append(f"{name}, reading included: ours {ours.spread()}; llama.cpp's server {peer.spread()}")


def _prompts(writer: Writer, number: int, texts: Sequence[Answer], points: float) -> list[list[int]]:
    question, encoder = assignment(number), writer.encoder
    tail = encoder.pieces(feedback_request(question, points))
    return [[*encoder.prefix(question), *encoder.answer(answer.text).ids, *tail] for answer in texts]


def _training(result: BenchResult, config: BaseConfig, steps: int) -> None:
    ours, peer = trainer.both(config, steps)
    rates = ours.examples_per_second, peer.examples_per_second
    name = f"training a scorer, {steps} steps of 8 answers"
    result.rows.append(row(name, "examples/s", *rates, _TRAINER, rates[0] / rates[1], _TRAINING_TARGET))
    pairs = [f"{one:.3f}/{other:.3f}" for one, other in zip(ours.losses, peer.losses, strict=True)]
    result.notes.append(f"{name}: losses, ours/peer: {', '.join(pairs)}")


def _points() -> float:
    return assignment().max_points / 2


def _writing_name(size: Size) -> str:
    return f"feedback for {size.written} answers, {size.tokens} tokens each"


def _some(texts: Sequence[Answer], repeat: int) -> Sequence[Answer]:
    """All answers; to warm up, one batch is enough."""
    return texts if repeat else texts[:BATCH]


def _memory(result: BenchResult, writer: Writer) -> None:
    together = held_bytes(writer.model)
    # Each of two models would have the base and its own half of what the adapters add.
    apart = together + writer.bare_bytes
    figures = ("weights in memory, two adapters", "MB", together / 1e6, apart / 1e6, "two models")
    result.rows.append(row(*figures, apart / together, _MEMORY_TARGET))


def _rate_row(
    name: str,
    unit: str,
    ours_count: int,
    ours: Timed[Any],
    peer_name: str,
    peer_count: int,
    peer: Timed[Any],
    target: float,
) -> Row:
    ours_rate, peer_rate = ours_count / ours.median, peer_count / peer.median
    return row(name, unit, ours_rate, peer_rate, peer_name, ours_rate / peer_rate if peer_rate else None, target)


def row(
    name: str,
    unit: str,
    ours: float | None,
    peer: float | None,
    peer_name: str,
    ratio: float | None,
    target: float,
) -> Row:
    """One comparison, with three digits after the point."""
    shown = [None if value is None else round(value, 3) for value in (ours, peer, ratio)]
    return {
        "name": name,
        "unit": unit,
        "ours": shown[0],
        "peer": shown[1],
        "peer_name": peer_name,
        "ratio": shown[2],
        "target": target,
    }


def _profile(engine: Engine, size: Size) -> str:
    from torch.profiler import ProfilerActivity, profile

    activities = [ProfilerActivity.CPU]
    key = "self_cpu_time_total"
    if engine.device.startswith("cuda"):
        activities.append(ProfilerActivity.CUDA)
        key = "self_device_time_total"
    with profile(activities=activities) as recorded:
        engine.mark(assignment(), answers(size.scored), feedback=False)
    return str(recorded.key_averages().table(sort_by=key, row_limit=_PROFILE_LINES, max_name_column_width=50))
