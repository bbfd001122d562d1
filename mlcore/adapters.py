"""Parts of an adapter directory as weights: which file holds what, and how they come back onto a backbone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from mlcore.checkpoint import named, under
from mlcore.config import LoraConfig, Part, TrainConfig
from mlcore.heads import make_head
from mlcore.manifest import AdapterError, CorruptAdapter, IncompatibleAdapter, Manifest, PartEntry, read_manifest
from mlcore.memory import Memory
from mlcore.model import Model
from mlcore.prompts import PROMPT_VERSION
from mlcore.stacking import Stack

_T = TypeVar("_T")


def part_entry(part: Part, config: TrainConfig, facts: dict[str, Any]) -> PartEntry:
    """What the manifest says of a part trained with this configuration; `facts` may name a "stack" and a "memory"."""
    scorer = part == "scorer"
    settings = {
        "lora": config.to_json()["lora"],
        "bands": config.bands,
        "prompt_version": PROMPT_VERSION,
        "max_prefix_tokens": config.max_prefix_tokens,
        "max_answer_tokens": config.max_answer_tokens,
        **facts,
    }
    optional = {STACK_FILE: facts.get("stack"), MEMORY_FILE: facts.get("memory")}
    more = [name for name, there in optional.items() if there]
    files = (_adapter_file(part), *((_HEAD_FILE,) if scorer else ()), *more)
    return PartEntry(files=files, head=config.head if scorer else None, settings=settings)


def part_files(part: Part, weights: dict[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    """A part's weights by file: the adapter in bfloat16 (half the size, the same marks), heads in float32."""
    adapter = {name: value.to(torch.bfloat16).contiguous() for name, value in under("adapter", weights).items()}
    files = {_adapter_file(part): adapter}
    if head := under("head", weights):
        files[_HEAD_FILE] = head
    if stack := under("stack", weights):
        files[STACK_FILE] = stack
    if memory := under("memory", weights):
        files[MEMORY_FILE] = memory
    return files


def attach_part(model: Model, name: str, part: Part, directory: Path, manifest: Manifest) -> None:
    """Put a part of an adapter directory onto the backbone under `name`, its head beside it.

    Raises:
        CorruptAdapter: a file cannot be read as weights.
        IncompatibleAdapter: the weights do not fit the backbone, or were trained on another layout of prompts.
    """
    entry = manifest.parts[part]
    settings = entry.settings
    if settings.get("prompt_version") != PROMPT_VERSION:
        raise IncompatibleAdapter(
            f"{directory}: the {part} learned version {settings.get('prompt_version')} of the prompts, "
            f"this program writes version {PROMPT_VERSION}"
        )
    weights = read_part(part, directory)
    try:
        model.attach(name, LoraConfig(**settings["lora"]), under("adapter", weights))
        if entry.head is not None:
            head = make_head(entry.head, model.hidden_size, int(settings["bands"]))  # type: ignore[arg-type]
            head.load_state_dict(under("head", weights))
            model.heads[name] = head.to(model.device).eval()
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        model.detach(name)
        raise IncompatibleAdapter(f"{directory}: the {part} cannot be used with this base model: {error}") from error


def read_part(part: Part, directory: Path) -> dict[str, torch.Tensor]:
    """A part's weights as “adapter.…” and “head.…”, on the CPU."""
    weights = named("adapter", _read(directory / _adapter_file(part)))
    if part == "scorer":
        weights |= named("head", _read(directory / _HEAD_FILE))
    return weights


def read_stack(directory: Path, manifest: Manifest) -> Stack | None:
    """The scorer's stacked regressor, where the version has one.

    Raises:
        CorruptAdapter: its file cannot be read.
        IncompatibleAdapter: it is of another shape than this program's.
    """
    return _optional(directory, manifest, STACK_FILE, Stack.of)


def read_memory(directory: Path, manifest: Manifest) -> Memory | None:
    """What the scorer remembers of its questions, where the version has a memory.

    Raises:
        CorruptAdapter: its file cannot be read.
        IncompatibleAdapter: its arrays do not fit together.
    """
    return _optional(directory, manifest, MEMORY_FILE, Memory.of)


def _optional(directory: Path, manifest: Manifest, name: str, of: Callable[[dict[str, Any]], _T]) -> _T | None:
    entry = manifest.parts.get("scorer")
    if entry is None or name not in entry.files:
        return None
    tensors = {key: value.numpy() for key, value in _read(directory / name).items()}
    try:
        return of(tensors)
    except ValueError as error:
        raise IncompatibleAdapter(f"{directory / name}: {error}") from error


def inherited_stack(directory: Path) -> tuple[Stack, dict[str, Any]] | None:
    """The stacked regressor of the version that a training starts from, with what its manifest says of it.

    Raises:
        AdapterError: the directory cannot be used.
    """
    manifest = read_manifest(directory)
    stack = read_stack(directory, manifest)
    return (stack, {**manifest.parts["scorer"].settings["stack"], "inherited": True}) if stack else None


def load_part(model: Model, part: Part, config: TrainConfig) -> None:
    """Fill an adapter (and head) that is attached as `part` from `config.start_from`, where that has the part.

    Raises:
        AdapterError: it was trained on another base, or its shape is not the configuration's.
    """
    if config.start_from is None:
        return
    manifest = read_manifest(config.start_from)
    manifest.require_base(model.base.info.name, model.base.info.revision)
    if part not in manifest.parts:
        return
    weights = read_part(part, config.start_from)
    try:
        model.fill(part, under("adapter", weights))
        if part in model.heads:
            model.heads[part].load_state_dict(under("head", weights))
    except (ValueError, RuntimeError) as error:
        raise AdapterError(f"{config.start_from} cannot be the start of this training: {error}") from error


_HEAD_FILE = "scorer_head.safetensors"
STACK_FILE = "scorer_stack.safetensors"
MEMORY_FILE = "scorer_memory.safetensors"


def _adapter_file(part: Part) -> str:
    return f"{part}.safetensors"


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(str(path))
    except (SafetensorError, OSError) as error:
        raise CorruptAdapter(f"{path} cannot be read as weights: {error}") from error
