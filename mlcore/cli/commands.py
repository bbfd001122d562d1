"""What each command of the command line does. torch is loaded only by those that need a model."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore.base import bundled_gguf, describe_base, prepare_bundled_base
from mlcore.cli.marking import about_marked, corrected_rows, mark_rows, output_line, work_of
from mlcore.cli.progress import Counter, Line, TrainingLines
from mlcore.cli.report import bench_table
from mlcore.config import BaseConfig, LoraConfig, TrainConfig
from mlcore.files import write_whole
from mlcore.manifest import read_manifest
from mlcore.marked import at_most
from mlcore.rows import Row, read_examples, read_rows
from mlcore.schemas import Example

if TYPE_CHECKING:
    from mlcore.engine import Engine

BASE_VARIABLE = "MARGINALIA_BASE"
BUNDLED_BASE = Path("var/models/smollm2-135m-instruct")


class UsageError(ValueError):
    """Options that do not go together, or that lead nowhere."""


def default_base() -> Path:
    """Where the bundled base model lies unless told otherwise: under the current directory."""
    return BUNDLED_BASE


def prepare(options: Namespace) -> None:
    """Write the bundled base model."""
    print(prepare_bundled_base(options.to))


def train(options: Namespace) -> None:
    """Fine-tune an adapter and say where it lies."""
    config = train_config(options)
    _refuse_leftover(config, options.resume)
    from mlcore import parallel
    from mlcore.train import train as run_training

    written = run_training(config, on_progress=TrainingLines())
    if parallel.leads():
        print(written)


def train_config(options: Namespace) -> TrainConfig:
    """The configuration that file and options give together.

    Raises:
        UsageError: the file is not readable, or a setting makes no sense.
    """
    body = _read_json(options.config) if options.config else {}
    # Options are called as the fields that they set; --base names a directory, and the field is more than that.
    names = {field.name for field in fields(TrainConfig)} - {"base"}
    given = {name: value for name, value in vars(options).items() if name in names and value is not None}
    if options.rank is not None:
        # alpha / rank is the strength of the update: it stays what it was.
        lora = LoraConfig(**body.get("lora", {}))
        given["lora"] = replace(lora, rank=options.rank, alpha=lora.alpha * options.rank / lora.rank)
    body = {**body, **given, "base": _train_base(options, body)}
    missing = [option for key, option in (("output", "--output"), ("train_files", "--train")) if not body.get(key)]
    if missing:
        raise UsageError(f"a training needs {' and '.join(missing)} (or a --config that says so)")
    try:
        return TrainConfig.from_json(body)
    except ValueError as error:
        raise UsageError(f"{options.config}: {error}" if options.config else str(error)) from error


def mark(options: Namespace) -> None:
    """Mark the rows of a file; the output appears whole, in the order of the input."""
    rows = read_rows(options.input)
    marked = at_most(read_examples(options.marked), rows) if options.marked is not None else []
    if options.marked is not None:
        for line in about_marked(marked, rows, options.marked):
            print(line, file=sys.stderr)
    if not options.output.parent.is_dir():
        raise UsageError(f"{options.output.parent} is not a directory: the output cannot be written there")
    write_whole(options.output, "".join(line + "\n" for line in _marked_lines(options, rows, marked)))


def bench(options: Namespace) -> None:
    """Measure speed and memory, print the table, and save the rows."""
    config = base_config(options)
    from mlcore.bench import FULL, QUICK, Size, run_bench
    from mlcore.bench.server import Server

    if options.size and min(options.size) < 1:
        raise UsageError("--size: nothing can be measured with less than one of each")
    line = Line()
    result = run_bench(
        config,
        options.model,
        size=Size(*options.size) if options.size else QUICK if options.quick else FULL,
        profile=options.profile,
        server=Server(options.server, options.gguf or bundled_gguf()) if options.server else None,
        on_progress=lambda what: line.say(what, last=True),
    )
    print("\n".join([bench_table(result.rows), "", *result.notes, result.profile]).rstrip())
    save(options.json, result.rows)


def bench_beside(options: Namespace) -> None:
    """Measure how marking shares this machine, print the table, and save the rows."""
    if options.beside < 1:
        raise UsageError("--beside: name at least one busy process")
    config = base_config(options)
    from mlcore.bench.beside import FULL, QUICK, BesideError
    from mlcore.bench.beside import bench_beside as measure

    line = Line()
    try:
        result = measure(
            config,
            options.model,
            options.beside,
            size=QUICK if options.quick else FULL,
            on_progress=lambda what: line.say(what, last=True),
        )
    except BesideError as error:
        raise UsageError(str(error)) from error
    print("\n".join([bench_table(result.rows), "", *result.notes]))
    save(options.json, result.rows)


def base_config(options: Namespace) -> BaseConfig:
    """The base that the options name, quantised as the adapter was trained unless told otherwise.

    Raises:
        UsageError: a setting makes no sense.
        AdapterError: the adapter cannot be read, or belongs to another base.
        BaseModelError: no checkpoint lies there, or the bundled model is not installed.
    """
    manifest = read_manifest(options.model, verify=False)
    directory = options.base or prepare_bundled_base(default_base())
    settings: dict[str, Any] = {"quantisation": options.quantisation or manifest.base.quantisation}
    settings |= {key: value for key in ("compute_dtype", "device") if (value := getattr(options, key)) is not None}
    # Said before minutes are spent on loading.
    info = describe_base(directory)
    manifest.require_base(info.name, info.revision)
    try:
        return BaseConfig(directory, **settings)
    except ValueError as error:
        raise UsageError(str(error)) from error


def load_engine(options: Namespace) -> Engine:
    """The engine with the model version that the options name."""
    config = base_config(options)
    from mlcore.engine import Engine

    engine = Engine(config)
    engine.use(options.model)
    return engine


def _marked_lines(options: Namespace, rows: Sequence[Row], marked: Sequence[Example]) -> list[str]:
    # An empty file is marked without loading anything.
    if not rows:
        return []
    engine = load_engine(options)
    with Counter("marked", work_of(rows, marked, feedback=options.feedback)) as count:
        if not marked:
            proposals = mark_rows(engine, rows, feedback=options.feedback, on_progress=count)
            return [output_line(row, proposal) for row, proposal in zip(rows, proposals, strict=True)]
        found = corrected_rows(engine, rows, marked, feedback=options.feedback, on_progress=count)
        return [output_line(*entry) for entry in zip(rows, *found, strict=True)]


def _train_base(options: Namespace, body: dict[str, Any]) -> dict[str, Any]:
    base = dict(body.get("base") or {})
    base |= {
        key: value
        for key in ("quantisation", "compute_dtype", "device")
        if (value := getattr(options, key)) is not None
    }
    if options.base is not None:
        base["directory"] = options.base
    if "directory" not in base:
        base["directory"] = prepare_bundled_base(default_base())
    if "quantisation" not in base and options.method == "lora":
        base["quantisation"] = "none"
    return base


def _refuse_leftover(config: TrainConfig, resume: bool) -> None:
    """A training is resumed on purpose, never by accident."""
    partial = config.output.with_suffix(".partial")
    if config.output.exists():
        raise UsageError(f"{config.output} exists already; an adapter is never overwritten, choose another --output")
    if partial.exists() and not resume:
        raise UsageError(f"{partial} holds an unfinished training: go on with --resume, or delete it")


def examples_of(paths: Sequence[Path]) -> list[Example]:
    """The marked rows of all files.

    Raises:
        UsageError: files were named, but there is no marked row in them.
        RowError: a file cannot be read.
    """
    examples = [example for path in paths for example in read_examples(path)]
    if paths and not examples:
        raise UsageError(f"{', '.join(map(str, paths))}: there are no marked answers")
    return examples


def _read_json(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is not readable JSON: {error}") from error
    if not isinstance(body, dict):
        raise UsageError(f"{path} does not hold a training configuration (one JSON object)")
    return body


def save(path: Path | None, body: object) -> None:
    """Write a body as JSON where a path was given."""
    if path is not None:
        write_whole(path, json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
