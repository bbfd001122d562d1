"""Speed and memory of the engine beside other ways to do the same work, measured in one process.

A row is {name, unit, ours, peer, peer_name, ratio, target}. `ratio` says how many times better ours is, whether its
unit is better large (answers a second) or small (megabytes); ratio ≥ target means that the target holds. A peer that
is not installed is named as such and has no numbers.
"""

from __future__ import annotations

import gc
import importlib.util
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlcore.bench.inputs import answers, assignment
from mlcore.bench.peers import BATCH, PlainTransformers, held_bytes
from mlcore.bench.timing import Timed, by_turns
from mlcore.config import BaseConfig
from mlcore.engine import Engine
from mlcore.schemas import Answer

Row = dict[str, Any]

_SCORING_TARGET, _WRITING_TARGET, _SERVER_TARGET = 8.0, 5.0, 1.5
# Two models weigh twice as much as one; two adapters on one base may weigh at most 0.6 of that.
_MEMORY_TARGET = round(1 / 0.6, 2)
_PLAIN = "transformers + peft, full prompts, batches of 8 in arrival order"
_PROFILE_LINES = 20


@dataclass
class BenchResult:
    """Rows, what there is to say beside them, and the profile where one was asked for."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    profile: str = ""


@dataclass(frozen=True)
class Size:
    """How much is measured: answers to score, answers to write to, the most tokens for each, repeats."""

    scored: int
    written: int
    tokens: int
    repeats: int


FULL, QUICK = Size(256, 64, 60, 3), Size(32, 8, 20, 1)


def run_bench(
    config: BaseConfig,
    version: Path,
    *,
    size: Size = FULL,
    profile: bool = False,
    on_progress: Callable[[str], None] = lambda what: None,
) -> BenchResult:
    """Measure everything that the model version can do; `on_progress` is told what comes next.

    Raises:
        BaseModelError, AdapterError: base or version cannot be loaded.
    """
    result = BenchResult()
    on_progress("loading")
    engine = Engine(config)
    engine.use(version)
    plain = PlainTransformers(config, version)
    if "scorer" in plain.parts:
        on_progress("scoring")
        _scoring(result, engine, plain, size)
    if "feedback" in plain.parts:
        on_progress("writing feedback")
        _writing(result, plain, size)
    if len(plain.parts) > 1:
        _memory(result, plain)
    plain.close()
    result.notes.append(f"{engine.base_info.name} on {engine.device}, {config.quantisation} weights")
    if profile:
        on_progress("profiling")
        result.profile = _profile(engine, size)
    del engine
    gc.collect()
    return result


def _scoring(result: BenchResult, engine: Engine, plain: PlainTransformers, size: Size) -> None:
    texts = answers(size.scored)
    ours, peer = by_turns(
        size.repeats,
        lambda repeat: engine.mark(assignment(repeat), _some(texts, repeat), feedback=False),
        lambda repeat: plain.scores(assignment(repeat), _some(texts, repeat)),
    )
    name = f"scoring {size.scored} answers of one assignment"
    result.rows.append(_rate_row(name, "answers/s", size.scored, ours, size.scored, peer, _SCORING_TARGET))
    apart = max(abs(one.score - other) for one, other in zip(ours.result, peer.result, strict=True))
    result.notes.append(f"{name}: ours {ours.spread()}; peer {peer.spread()}; scores differ by at most {apart:.1e}")


def _writing(result: BenchResult, plain: PlainTransformers, size: Size) -> None:
    """Texts of a fixed length on both sides: how long a text wants to be is the adapter's business, not the loop's."""
    texts = answers(size.written)
    points = assignment().max_points / 2
    ours, peer = by_turns(
        size.repeats,
        lambda repeat: plain.write_together(assignment(repeat), _some(texts, repeat), points, size.tokens),
        lambda repeat: plain.write(assignment(repeat), _some(texts, repeat), points, size.tokens),
        # Scoring has warmed up everything but the vocabulary; a quick run has no time for that.
        warm_up=size.repeats > 1,
    )
    name = f"feedback for {size.written} answers, {size.tokens} tokens each"
    row = _rate_row(name, "tokens/s", ours.result, ours, peer.result, peer, _WRITING_TARGET)
    result.rows += [row, _missing_server(name, row["ours"])]
    result.notes.append(f"{name}, reading the answers included: ours {ours.spread()}; peer {peer.spread()}")


def _some(texts: Sequence[Answer], repeat: int) -> Sequence[Answer]:
    """All answers; to warm up, one batch is enough."""
    return texts if repeat else texts[:BATCH]


def _memory(result: BenchResult, plain: PlainTransformers) -> None:
    together = held_bytes(plain.model)
    # Each of two models would have the base and its own half of what the adapters add.
    bare = together - adapter_bytes(plain)
    apart = together + bare
    result.rows.append(
        _row(
            "weights in memory, two adapters",
            "MB",
            together / 1e6,
            apart / 1e6,
            "two models",
            apart / together,
            _MEMORY_TARGET,
        )
    )


def adapter_bytes(plain: PlainTransformers) -> int:
    """Memory of all adapters, the heads left out."""
    named = plain.model.base.model.named_parameters()
    return sum(weight.untyped_storage().nbytes() for name, weight in named if "lora_" in name)


def _rate_row(
    name: str, unit: str, ours_count: int, ours: Timed[Any], peer_count: int, peer: Timed[Any], target: float
) -> Row:
    ours_rate, peer_rate = ours_count / ours.median, peer_count / peer.median
    return _row(name, unit, ours_rate, peer_rate, _PLAIN, ours_rate / peer_rate if peer_rate else None, target)


def _missing_server(name: str, ours: float) -> Row:
    """llama.cpp's server is measured by hand where it is installed; it cannot be installed with pip."""
    there = shutil.which("llama-server") or importlib.util.find_spec("llama_cpp")
    state = "installed, but not measured by this command" if there else "not installed"
    return _row(name, "tokens/s", ours, None, f"llama.cpp server ({state})", None, _SERVER_TARGET)


def _row(
    name: str, unit: str, ours: float, peer: float | None, peer_name: str, ratio: float | None, target: float
) -> Row:
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
